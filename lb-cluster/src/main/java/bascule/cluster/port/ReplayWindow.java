package bascule.cluster.port;

/// Which counters have been seen: the highest, and of the 63 before it each one (the idea of RFC 4303 §3.4.3). Not thread-safe.
final class ReplayWindow {
    static final int SIZE = 64;

    private long highest;
    private long seen; // Bit i: highest - i.

    /// @param counter from 1
    boolean isFresh(long counter) {
        if (counter <= 0) return false;
        if (counter > highest) return true;
        long behind = highest - counter;
        return behind < SIZE && (seen >>> behind & 1) == 0;
    }

    boolean isNewest(long counter) {
        return counter > highest;
    }

    /// Only what is fresh, and known to be genuine: else a forgery could shut out the rest.
    void mark(long counter) {
        if (counter > highest) {
            long ahead = counter - highest;
            seen = ahead >= SIZE ? 1 : seen << ahead | 1;
            highest = counter;
        } else {
            seen |= 1L << highest - counter;
        }
    }
}
