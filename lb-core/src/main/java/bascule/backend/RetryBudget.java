package bascule.backend;

import java.util.concurrent.atomic.AtomicLong;

/// How many exchanges of a backend may be sent again: a share of those that began in the last ten seconds, and never fewer than
/// [#LEAST_PER_SECOND] a second. So a retry helps where one server fails, and does not multiply the load where all do.
public final class RetryBudget {
    static final int SECONDS = 10;
    static final int LEAST_PER_SECOND = 3;

    private final AtomicLong taken = new AtomicLong();
    private volatile long most = (long) SECONDS * LEAST_PER_SECOND; // That `taken` may come to.

    // Of the sampling thread: what was counted at each of the last seconds.
    private final long[] begunAt = new long[SECONDS];
    private final long[] takenAt = new long[SECONDS];
    private int second;

    /// One retry, if there is one left. Any loop.
    public boolean take() {
        long now = taken.get();
        while (now < most) {
            long seen = taken.compareAndExchange(now, now + 1);
            if (seen == now) return true;
            now = seen;
        }
        return false;
    }

    /// Once a second, by one thread.
    ///
    /// @param begun exchanges since the start
    public void sample(long begun, int percent) {
        long takenNow = taken.get();
        long share = (begun - begunAt[second]) * percent / 100;
        // What was taken in the window counts against the share of the window.
        most = takenAt[second] + Math.max(share, (long) SECONDS * LEAST_PER_SECOND);
        begunAt[second] = begun;
        takenAt[second] = takenNow;
        second = (second + 1) % SECONDS;
    }
}
