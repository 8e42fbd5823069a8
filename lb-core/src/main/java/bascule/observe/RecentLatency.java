package bascule.observe;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/// What people ask of a server: how long do exchanges take *now*. The loops' histograms count from the start on; sampled every
/// [#PERIOD], their growth over [#WINDOW] is a histogram of the last minute. Made together with the [Metrics]: what was counted
/// before a server's first sample counts as recent.
///
/// One thread samples, any thread asks. Keeps at most [#MOST_STEPS] steps per server, of 2 KiB at most each, and as many bytes as
/// slots have counted in it; 4 KiB for the last sample. A server whose metrics were removed is forgotten at the next sample.
public final class RecentLatency {
    public static final Duration PERIOD = Duration.ofSeconds(5);
    public static final Duration WINDOW = Duration.ofMinutes(1);

    /// A timer that comes early by less than this is in time.
    private static final Duration SLACK = Duration.ofMillis(500);

    static final int MOST_STEPS = (int) WINDOW.dividedBy(PERIOD.minus(SLACK)) + 1;

    private final Metrics metrics;
    private final Map<ServerName, Series> series = new HashMap<>();
    private volatile Map<ServerName, Latency> latest = Map.of();
    private boolean sampled;
    private long lastNanos;

    public RecentLatency(Metrics metrics) {
        this.metrics = metrics;
    }

    /// Takes a sample if it is time. Always on the same thread.
    public void sample(long nowNanos) {
        if (sampled && nowNanos - lastNanos < PERIOD.minus(SLACK).toNanos()) return;
        sampled = true;
        lastNanos = nowNanos;
        var names = new HashSet<ServerName>();
        for (LoopMetrics loop : metrics.loops()) names.addAll(loop.servers.keySet());
        series.keySet().retainAll(names);
        latest = sampled(names, nowNanos);
    }

    private Map<ServerName, Latency> sampled(Set<ServerName> names, long nowNanos) {
        var fresh = new HashMap<ServerName, Latency>();
        for (ServerName name : names) {
            var counts = new long[LogLinearHistogram.SLOTS];
            for (LoopMetrics loop : metrics.loops()) {
                ServerMetrics counted = loop.servers.get(name);
                if (counted != null) counted.exchange.addTo(counts);
            }
            Series of = series.computeIfAbsent(name, _ -> new Series());
            fresh.put(name, Latency.of(of.add(counts, nowNanos)));
        }
        return Map.copyOf(fresh);
    }

    /// As of the last sample. From any thread.
    public Latency of(String backend, String server) {
        return latest.getOrDefault(new ServerName(backend, server), Latency.NONE);
    }

    /// What slots have counted between two samples.
    ///
    /// @param first the slot that the first count is of; empty ones before and behind are left out
    private record Step(long nanos, int first, int[] counts) {
        static Step between(long[] before, long[] after, long nanos) {
            int first = 0;
            int end = after.length;
            while (first < end && after[first] == before[first]) first++;
            while (end > first && after[end - 1] == before[end - 1]) end--;
            var counts = new int[end - first];
            for (int i = 0; i < counts.length; i++)
                counts[i] = (int) (after[first + i] - before[first + i]);
            return new Step(nanos, first, counts);
        }
    }

    /// One server's steps, the oldest first.
    private static final class Series {
        private final ArrayDeque<Step> steps = new ArrayDeque<>();
        private final long[] sum = new long[LogLinearHistogram.SLOTS];
        private long[] last = new long[LogLinearHistogram.SLOTS];

        /// @param counts from the start on; kept
        /// @return the sum of what is recent
        long[] add(long[] counts, long nowNanos) {
            if (isNew(counts)) last = new long[counts.length];
            Step step = Step.between(last, counts, nowNanos);
            last = counts;
            steps.addLast(step);
            addToSum(step, 1);
            for (Iterator<Step> oldest = steps.iterator(); oldest.hasNext(); ) {
                Step next = oldest.next();
                if (nowNanos - next.nanos < WINDOW.toNanos()) break;
                addToSum(next, -1);
                oldest.remove();
            }
            return sum;
        }

        /// Was the server removed, and its name given to another since the last sample? Counters never fall.
        private boolean isNew(long[] counts) {
            for (int slot = 0; slot < counts.length; slot++)
                if (counts[slot] < last[slot]) return true;
            return false;
        }

        private void addToSum(Step step, int sign) {
            for (int i = 0; i < step.counts.length; i++)
                sum[step.first + i] += sign * (long) step.counts[i];
        }
    }

    /// For tests: the most that any server keeps.
    int steps() {
        return series.values().stream().mapToInt(each -> each.steps.size()).max().orElse(0);
    }
}
