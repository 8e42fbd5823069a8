package bascule.cluster.port;

/// How often it is told that nobody listens at a node: every 5 ms, and 8 at once, because the second answer counts as well as the first.
final class UnreachableLimit {
    static final int AT_ONCE = 8;
    static final long EVERY_NANOS = 5_000_000;

    private long dueNanos; // When the last one would have been due, at an even pace.

    UnreachableLimit(long nowNanos) {
        dueNanos = nowNanos;
    }

    synchronized boolean take(long nowNanos) {
        long due = (dueNanos - nowNanos > 0 ? dueNanos : nowNanos) + EVERY_NANOS;
        if (due - nowNanos > AT_ONCE * EVERY_NANOS) return false;
        dueNanos = due;
        return true;
    }
}
