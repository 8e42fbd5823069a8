package bascule.harness;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// What became of each request of a trial. One thread writes; who reads waits until what it reads is over.
public final class Recording {
    public enum Result {
        /// Not over yet.
        OPEN,
        GOOD,
        /// Nothing, or not all, within the deadline.
        LATE,
        /// The connection was refused.
        REFUSED,
        /// It was reset, or closed before the end of the answer.
        BROKEN,
        /// No route, or nobody at that address.
        UNREACHABLE,
        /// An answer, but not 200.
        ERROR
    }

    /// @param sent    requests begun in a stretch of time
    /// @param failed  of these
    /// @param outage  milliseconds: from the start of the first that failed to the end of the first good one that began after it; the sum, if
    ///                there were several such stretches, and what they share but once
    /// @param outages how many
    /// @param causes  of what failed
    /// @param lag     milliseconds by which the client itself was late with a request at worst
    /// @param slowest milliseconds that a good one took at worst
    public record Summary(
            int sent,
            int failed,
            double outage,
            int outages,
            Map<Result, Integer> causes,
            double lag,
            double slowest) {}

    private static final double MILLI = 1e6;

    private final long[] due;
    private final long[] begun;
    private final long[] ended;
    private final Result[] results;
    private volatile int count;

    /// @param most that it can hold; what comes after is not sent
    public Recording(int most) {
        due = new long[most];
        begun = new long[most];
        ended = new long[most];
        results = new Result[most];
    }

    /// @return its number, or -1 if there is no more room
    public int begin(long dueNanos, long nowNanos) {
        int at = count;
        if (at == due.length) return -1;
        due[at] = dueNanos;
        begun[at] = nowNanos;
        results[at] = Result.OPEN;
        count = at + 1;
        return at;
    }

    public void end(int at, long nowNanos, Result result) {
        ended[at] = nowNanos;
        results[at] = result;
    }

    public int count() {
        return count;
    }

    public Result result(int at) {
        return results[at];
    }

    public long begunNanos(int at) {
        return begun[at];
    }

    public long endedNanos(int at) {
        return ended[at];
    }

    /// Of all requests.
    public Summary summary() {
        return summary(Long.MIN_VALUE / 2, Long.MAX_VALUE / 2);
    }

    /// Of the requests that began from one moment to another.
    public Summary summary(long from, long to) {
        return summary(from, to, Long.MAX_VALUE);
    }

    /// The same.
    ///
    /// @param patienceNanos a good one that took longer counts as one that failed where an outage is measured
    public Summary summary(long from, long to, long patienceNanos) {
        int sent = 0;
        int failed = 0;
        int outages = 0;
        long outage = 0;
        long lag = 0;
        long slowest = 0;
        boolean out = false;
        long since = 0;
        long last = 0;
        long counted = Long.MIN_VALUE; // Until then.
        Map<Result, Integer> causes = new EnumMap<>(Result.class);
        for (int i = 0, all = count; i < all; i++) {
            if (begun[i] - from < 0 || begun[i] - to >= 0) continue;
            sent++;
            lag = Math.max(lag, begun[i] - due[i]);
            last = begun[i];
            boolean good = results[i] == Result.GOOD;
            if (good) slowest = Math.max(slowest, ended[i] - begun[i]);
            else {
                failed++;
                causes.merge(results[i], 1, Integer::sum);
            }
            if (good && ended[i] - begun[i] <= patienceNanos) {
                if (!out) continue;
                outage += Math.max(0, ended[i] - Math.max(since, counted));
                counted = Math.max(counted, ended[i]);
                out = false;
            } else {
                if (out) continue;
                out = true;
                outages++;
                since = begun[i];
            }
        }
        // Not over yet: so long at least.
        if (out) outage += Math.max(0, last - Math.max(since, counted));
        return new Summary(
                sent, failed, outage / MILLI, outages, causes, lag / MILLI, slowest / MILLI);
    }

    /// Did the last requests all succeed?
    public boolean steady(int requests) {
        int all = count;
        int good = 0;
        for (int i = all - 1; i >= 0 && good < requests; i--) {
            if (results[i] == Result.OPEN) continue;
            if (results[i] != Result.GOOD) return false;
            good++;
        }
        return good == requests;
    }

    /// One line for each change between good and bad, in milliseconds since a moment.
    public List<String> course(long since) {
        List<String> lines = new ArrayList<>();
        Result before = Result.GOOD;
        for (int i = 0, all = count; i < all; i++) {
            if (results[i] == before) continue;
            before = results[i];
            lines.add(
                    String.format(
                            "%9.1f request %d: %s (ended %.1f)",
                            (begun[i] - since) / MILLI, i, before, (ended[i] - since) / MILLI));
        }
        return lines;
    }
}
