package bascule.observe;

/// How long a server's exchanges took lately, by [RecentLatency].
///
/// @param exchanges that ended in this time
/// @param p50Nanos, p99Nanos never less than the true value, at most 1/16 more; -1 if no exchange ended
public record Latency(long exchanges, long p50Nanos, long p99Nanos) {
    static final Latency NONE = new Latency(0, -1, -1);

    /// @param slots as filled by [LogLinearHistogram#addTo]
    static Latency of(long[] slots) {
        long exchanges = 0;
        for (long count : slots) exchanges += count;
        if (exchanges == 0) return NONE;
        return new Latency(
                exchanges,
                LogLinearHistogram.percentile(slots, 0.5),
                LogLinearHistogram.percentile(slots, 0.99));
    }
}
