package bascule.cluster.ownership;

/// When this node sent its last beats, one for each turn of the loop: so it knows what the others should have heard.
final class Pace {
    private static final int MOST = 16;

    private final long[] sentNanos = new long[MOST];
    private long count;

    void sent(long nowNanos) {
        sentNanos[(int) (count++ % MOST)] = nowNanos;
    }

    /// @return when the first of the last so many beats before a moment was sent; [Event#UNPROVEN] if there were not so many
    long before(long momentNanos, int beats) {
        for (long i = count - 1; i >= Math.max(0, count - MOST); i--)
            if (at(i) - momentNanos < 0 && --beats == 0) return at(i);
        return Event.UNPROVEN;
    }

    /// @return how many were sent after one moment and before another, [#MOST] at most
    int between(long fromNanos, long toNanos) {
        int sent = 0;
        for (long i = count - 1; i >= Math.max(0, count - MOST); i--)
            if (at(i) - toNanos < 0 && at(i) - fromNanos > 0) sent++;
        return sent;
    }

    private long at(long index) {
        return sentNanos[(int) (index % MOST)];
    }
}
