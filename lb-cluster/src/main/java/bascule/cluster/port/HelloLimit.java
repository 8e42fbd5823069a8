package bascule.cluster.port;

import java.util.Arrays;

/// How many answers are given to who has not shown yet that it is there: 10 per second to one source address, 100 to all. Sources
/// share 256 places, so memory is bounded; two that share one share its 10. Times are those of [System#nanoTime].
final class HelloLimit {
    static final int PER_SOURCE = 10;
    static final int IN_ALL = 100;
    private static final int PLACES = 256;
    private static final long SECOND_NANOS = 1_000_000_000;

    /// When the last one would have been due, at an even pace; so in [#inAll].
    private final long[] bySource = new long[PLACES];

    private long inAll;

    HelloLimit(long nowNanos) {
        Arrays.fill(bySource, nowNanos);
        inAll = nowNanos;
    }

    synchronized boolean take(int source, long nowNanos) {
        int place = (source ^ source >>> 16 ^ source >>> 8) & PLACES - 1;
        long one = next(bySource[place], nowNanos, PER_SOURCE);
        long all = next(inAll, nowNanos, IN_ALL);
        if (one - nowNanos > SECOND_NANOS || all - nowNanos > SECOND_NANOS) return false;
        bySource[place] = one;
        inAll = all;
        return true;
    }

    /// A bucket of one second's worth.
    static long next(long due, long nowNanos, int perSecond) {
        return (due - nowNanos > 0 ? due : nowNanos) + SECOND_NANOS / perSecond;
    }
}
