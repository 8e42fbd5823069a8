package bascule.acceptance;

import bascule.harness.Recording;
import bascule.harness.Recording.Result;
import java.util.List;
import java.util.Locale;

/// What one client saw of one step.
///
/// @param what   it asked, and how often
/// @param beside requests that failed other than by a broken connection of one that was under way when the daemon ended
record View(String what, Recording.Summary summary, int beside, Bar bar) {
    /// @param patienceNanos who waits longer is without service
    /// @param goneNanos when the daemon's process was gone; [Long#MIN_VALUE] if it did not end
    static View of(String what, Recording recording, long patienceNanos, long goneNanos, Bar bar) {
        int beside = 0;
        for (int i = 0, all = recording.count(); i < all; i++) {
            Result result = recording.result(i);
            if (result == Result.GOOD) continue;
            boolean before = goneNanos != Long.MIN_VALUE && recording.begunNanos(i) - goneNanos < 0;
            if (result != Result.BROKEN || !before) beside++;
        }
        Recording.Summary summary =
                recording.summary(Long.MIN_VALUE / 2, Long.MAX_VALUE / 2, patienceNanos);
        return new View(what, summary, beside, bar);
    }

    List<String> broken() {
        return bar.broken(this);
    }

    int refused() {
        return failed(Result.REFUSED);
    }

    /// Requests that failed in this way.
    int failed(Result by) {
        return summary.causes().getOrDefault(by, 0);
    }

    String line() {
        return String.format(
                Locale.ROOT,
                "%s: %d sent, %d failed%s, %d refused, worst wait %.0f ms, out for %.0f ms%s",
                what,
                summary.sent(),
                summary.failed(),
                summary.causes().isEmpty() ? "" : " " + summary.causes(),
                refused(),
                summary.slowest(),
                summary.outage(),
                summary.lag() > 20
                        ? String.format(Locale.ROOT, " (client late by %.0f ms)", summary.lag())
                        : "");
    }
}
