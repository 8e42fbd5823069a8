package bascule;

import bascule.observe.Events;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/// Feeds the manager's watchdog (sd_watchdog_enabled(3)) as long as all that must run does: from one feeding to the next, everything that is watched has to
/// have taken a turn. So a loop that is stuck ends the process, though other threads live. A feeding that was not taken is
/// none, and is tried again without a pause. One thread, `watchdog`, which looks four times in the manager's interval.
final class Watchdog implements AutoCloseable {
    private static final int LOOKS = 4;

    /// Looks without a feeding after which somebody is named: in time for the log, before the manager kills.
    private static final int LATE_LOOKS = 2;

    private final List<Watched> all;
    private final long[] fedAt;
    private final BooleanSupplier feed;
    private final Thread thread;
    private final long lookMillis;
    private int hungry;
    private volatile boolean eased;
    private volatile boolean closed;

    /// What must run.
    ///
    /// @param turns how many it has taken; from any thread
    record Watched(String name, LongSupplier turns) {}

    /// @param intervalMicros after so long without a feeding the manager kills
    /// @param feed waits for the manager; false = it took nothing, and is asked again at once
    Watchdog(long intervalMicros, List<Watched> all, BooleanSupplier feed) {
        this.all = List.copyOf(all);
        this.feed = feed;
        lookMillis = Math.max(1, intervalMicros / 1000 / LOOKS);
        fedAt = new long[all.size()];
        for (int i = 0; i < fedAt.length; i++) fedAt[i] = all.get(i).turns.getAsLong();
        thread = Thread.ofPlatform().name("watchdog").daemon().unstarted(this::run);
    }

    /// Feeds at once, and then by what it sees.
    void start() {
        thread.start();
    }

    private void run() {
        feed();
        while (!closed) {
            try {
                Thread.sleep(lookMillis);
            } catch (InterruptedException _) {
                continue; // Whoever ends us says so by `closed`.
            }
            if (closed) return;
            try {
                look();
            } catch (RuntimeException | Error bug) { // Hungry, and told why.
                Events.bug("watchdog-failed", bug);
            }
        }
    }

    /// Feeds, if all have run since the last feeding.
    ///
    /// @return who has not
    List<String> look() {
        var still = new ArrayList<String>();
        for (int i = 0; i < fedAt.length; i++)
            if (all.get(i).turns.getAsLong() == fedAt[i]) still.add(all.get(i).name);
        if (eased || still.isEmpty()) {
            hungry = 0;
            feed();
            for (int i = 0; i < fedAt.length; i++) fedAt[i] = all.get(i).turns.getAsLong();
        } else if (++hungry == LATE_LOOKS) {
            Events.worsened(
                    "watchdog-not-fed",
                    "stuck",
                    String.join(", ", still),
                    "since",
                    hungry * lookMillis + "ms");
        }
        return still;
    }

    private void feed() {
        boolean taken;
        do taken = feed.getAsBoolean();
        while (!taken && !closed);
    }

    /// The daemon stops, and its loops one after the other: feeds without a look. Whoever stops it has another limit.
    void ease() {
        eased = true;
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
