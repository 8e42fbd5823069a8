package bascule.health;

/// How much of its weight a server gets after it came back: from a tenth to all of it, in steps of a tenth, evenly over the time
/// of `slow-start`. Times are `System.nanoTime()`.
///
/// @param tenths 1 to 10
record SlowStart(long sinceNanos, int tenths) {
    static final int ALL = 10;

    /// All of its weight.
    static final SlowStart DONE = new SlowStart(0, ALL);

    static SlowStart begin(long now) {
        return new SlowStart(now, 1);
    }

    /// Time has passed, or a reload gave it another length.
    SlowStart at(long now, long lengthNanos) {
        if (tenths == ALL) return this;
        long elapsed = now - sinceNanos;
        if (elapsed >= lengthNanos) return DONE;
        int reached = 1 + (int) ((ALL - 1) * elapsed / lengthNanos);
        return reached == tenths ? this : new SlowStart(sinceNanos, reached);
    }
}
