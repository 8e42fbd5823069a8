package bascule.node;

/// For how long a door that was overrun counts as busy. It answers at once when the crowd has followed the address to another node, which shows
/// nothing of what it could serve; if it then counted as the better one, the address would go back and forth, and cut all connections each time.
/// So it rests, twice as long each time, and is forgiven after as long a time again without a crowd.
///
/// @param leftNanos of the rest; below zero: how long it has been over
/// @param nextNanos how long the next rest will be
record Strain(long leftNanos, long nextNanos) {
    static final long FIRST_NANOS = 10_000_000_000L;
    static final long MOST_NANOS = 320_000_000_000L;

    static final Strain NONE = new Strain(0, FIRST_NANOS);

    /// Does it rest?
    boolean lasts() {
        return leftNanos > 0;
    }

    Strain after(long elapsedNanos) {
        if (equals(NONE)) return this;
        long left = leftNanos - elapsedNanos;
        return left <= -nextNanos ? NONE : new Strain(left, nextNanos);
    }

    /// It was overrun.
    Strain again() {
        return new Strain(nextNanos, Math.min(2 * nextNanos, MOST_NANOS));
    }
}
