package bascule.health;

import bascule.config.CheckConfig;
import bascule.observe.LimitedEvent;
import bascule.server.Server;
import bascule.server.ServerLink;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The check of one server: a probe, a pause, and so on, until it is stopped; never two probes at a time. Confined to the health
/// thread.
final class Check implements Probe.Asker {
    private static final LimitedEvent FAILED = new LimitedEvent(Duration.ofSeconds(10));

    private final Checks all;

    /// Its name.
    final String backend;

    private final Server server;
    private final Consumer<ProbeResult> onResult;
    private @Nullable CheckConfig config; // Null while it is stopped.
    private @Nullable ServerLink link;
    private long dueNanos;
    private @Nullable ScheduledFuture<?> timer;
    private @Nullable Probe probe;

    /// @param onResult told of the result of each probe that was not stopped
    Check(Checks all, Server server, Consumer<ProbeResult> onResult) {
        this.all = all;
        backend = server.backend();
        this.server = server;
        this.onResult = onResult;
    }

    /// From now on like this, the first probe so much later. What was under way is forgotten.
    void begin(CheckConfig config, ServerLink link, long delayNanos) {
        stop();
        this.config = config;
        this.link = link;
        dueNanos = System.nanoTime() + delayNanos;
        if (probe == null) schedule();
    }

    /// No probe any more, and no result of one that is under way.
    void stop() {
        config = null;
        all.forget(this);
        if (timer != null) timer.cancel(false);
        timer = null;
        if (probe != null) probe.abort();
    }

    private void schedule() {
        long delayNanos = dueNanos - System.nanoTime();
        if (delayNanos <= 0) all.due(this);
        else timer = all.loop.schedule(this::due, delayNanos, TimeUnit.NANOSECONDS);
    }

    private void due() {
        timer = null;
        all.due(this);
    }

    /// Its turn has come.
    void start() {
        CheckConfig current = config;
        ServerLink over = link;
        if (current == null || over == null) { // Whoever stops is forgotten.
            all.ended(this);
            return;
        }
        dueNanos = System.nanoTime() + Checks.nextNanos(current.every().toNanos());
        Probe started = new Probe(all.loop, all.sockets, server, over, current, this);
        probe = started;
        try {
            started.start();
        } catch (RuntimeException | Error bug) {
            FAILED.bug("health-failed", bug);
            started.giveUp();
        }
    }

    @Override
    public void answered(ProbeResult result) {
        try {
            onResult.accept(result);
        } catch (RuntimeException | Error bug) { // The next probe comes all the same.
            FAILED.bug("health-failed", bug);
        }
    }

    @Override
    public void closed() {
        probe = null;
        all.ended(this);
        if (config != null) schedule();
    }
}
