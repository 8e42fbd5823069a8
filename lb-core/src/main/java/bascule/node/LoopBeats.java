package bascule.node;

import bascule.net.Loop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Whether the event loops run: each counts on, twenty times a second, and a loop that does not for [#LIMIT_NANOS] is stuck. Time is what the
/// asking thread lived through, so a pause of the whole process is held against no loop. All but the counting is confined to one thread.
final class LoopBeats {
    static final long EVERY_MILLIS = 50;

    static final long LIMIT_NANOS = 150_000_000;

    private final List<Beating> loops = new ArrayList<>();
    private long rounds;

    private static final class Beating {
        final Loop loop;
        final AtomicLong count = new AtomicLong(); // The loop's.
        long seen;
        long silentNanos;
        boolean beatThisRound;

        Beating(Loop loop) {
            this.loop = loop;
        }

        void beat() {
            count.lazySet(count.getPlain() + 1);
        }
    }

    /// Starts at once; a beat ends with its loop.
    LoopBeats(List<Loop> all) {
        for (Loop loop : all) {
            var beating = new Beating(loop);
            loops.add(beating);
            var _ =
                    loop.executor()
                            .scheduleAtFixedRate(
                                    beating::beat, 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /// Time has passed.
    void tick(long elapsedNanos) {
        boolean all = true;
        for (Beating each : loops) {
            long now = each.count.get();
            each.silentNanos = now == each.seen ? each.silentNanos + elapsedNanos : 0;
            each.beatThisRound |= now != each.seen;
            each.seen = now;
            all &= each.beatThisRound;
        }
        if (!all) return;
        rounds++;
        for (Beating each : loops) each.beatThisRound = false;
    }

    /// How often all loops have run, each at least once.
    long rounds() {
        return rounds;
    }

    /// Why not all run; null if they do.
    @Nullable String fault() {
        for (Beating each : loops) {
            if (each.silentNanos < LIMIT_NANOS) continue;
            return "event loop %d has not run for %d ms (expected: less than %d)"
                    .formatted(
                            each.loop.index(),
                            each.silentNanos / 1_000_000,
                            LIMIT_NANOS / 1_000_000);
        }
        return null;
    }
}
