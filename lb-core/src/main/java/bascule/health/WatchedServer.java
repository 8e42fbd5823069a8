package bascule.health;

import bascule.config.CheckConfig;
import bascule.config.EjectConfig;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.server.Server;
import bascule.server.ServerStatus;
import bascule.server.ServerStatus.Admin;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;

/// One server and what is known of it: takes each event to its [ServerState] and carries out what follows. Confined to the health
/// thread.
final class WatchedServer {
    private static final LimitedEvent SKIPPED = new LimitedEvent(Duration.ofSeconds(10));

    private final Server server;
    private final Check check;
    private WatchedBackend backend;
    private ServerState state;

    /// @param admin what an operator ordered
    /// @param cold was it added to servers that were there before?
    WatchedServer(Server server, WatchedBackend backend, Checks checks, Admin admin, boolean cold) {
        this.server = server;
        this.backend = backend;
        check = new Check(checks, server, this::checked);
        state =
                ServerState.born(
                        admin,
                        cold,
                        backend.rules,
                        backend.companyOf(server, null),
                        System.nanoTime());
        server.takeFailures(); // Of a time when nobody watched.
        server.publish(state.status(backend.rules));
        if (admin != Admin.ENABLED) tellOrder("kept");
    }

    Server server() {
        return server;
    }

    ServerState state() {
        return state;
    }

    /// A reload: the same server in another configuration of its backend.
    void moveTo(WatchedBackend next) {
        CheckConfig before = backend.check();
        CheckConfig now = next.check();
        boolean other = !Objects.equals(before, now) || backend.group.link() != next.group.link();
        backend = next;
        step(new ServerEvent.Reloaded(other), "reload");
        if (!other) return;
        check.stop();
        if (now == null) server.checked(null);
        // The verdict stays, so there is no hurry: the servers of a backend need not all be asked
        // at
        // once.
        else beginChecks(ThreadLocalRandom.current().nextLong(now.every().toNanos()));
    }

    /// Starts its checks, if it has any.
    void begin() {
        beginChecks(0);
    }

    private void beginChecks(long delayNanos) {
        CheckConfig config = backend.check();
        if (config != null && state.checks(backend.rules))
            check.begin(config, backend.group.link(), delayNanos);
    }

    /// It is in the configuration no more.
    void forget() {
        check.stop();
    }

    /// @param reason for the log
    void order(Admin wanted, String reason) {
        boolean before = state.checks(backend.rules);
        step(new ServerEvent.Ordered(wanted), reason);
        boolean now = state.checks(backend.rules);
        if (before && !now) check.stop();
        if (now && !before) beginChecks(0);
    }

    /// Time has passed.
    void tick() {
        int failures = server.takeFailures();
        if (state.isTimed()) step(new ServerEvent.Ticked(), "time is over");
        if (failures > 0) step(new ServerEvent.Failed(failures), "");
    }

    private void checked(ProbeResult result) {
        server.checked(result.text());
        switch (result) {
            case ProbeResult.Passed(String text) -> step(new ServerEvent.Checked(true), text);
            case ProbeResult.Failed(String text) -> step(new ServerEvent.Checked(false), text);
            case ProbeResult.Skipped(String text) ->
                    SKIPPED.warn(
                            "check-skipped",
                            "backend",
                            server.backend(),
                            "server",
                            server.name(),
                            "reason",
                            text);
        }
    }

    private void step(ServerEvent event, String reason) {
        ServerState before = state;
        Rules rules = backend.rules;
        Company company = backend.companyOf(server, before);
        state = before.step(event, rules, company, System.nanoTime());
        ServerStatus status = state.status(rules);
        boolean moved = !status.equals(server.status());
        if (moved) server.publish(status);
        if (moved
                || before.verdict().seen() != state.verdict().seen()
                || before.ejected() != state.ejected()
                || before.slowStart().tenths() != state.slowStart().tenths()) backend.change();
        tell(before, event, reason);
    }

    private void tell(ServerState before, ServerEvent event, String reason) {
        if (state.admin() != before.admin()) tellOrder(reason);
        boolean checked = event instanceof ServerEvent.Checked;
        Verdict was = before.verdict();
        Verdict is = state.verdict();
        if (is.up() && !was.up()) Events.changed("server-up", about("reason", reason));
        if (checked && !is.up() && (was.up() || !was.seen()))
            Events.worsened("server-down", about("reason", reason));
        if (state.ejected() && !before.ejected()) tellEjection();
        if (!state.ejected() && before.ejected())
            Events.changed("server-readmitted", about("reason", reason));
    }

    private void tellOrder(String reason) {
        String event =
                switch (state.admin()) {
                    case ENABLED -> "server-enabled";
                    case DRAINING -> "server-draining";
                    case DISABLED -> "server-disabled";
                };
        Events.changed(event, about("reason", reason));
    }

    private void tellEjection() {
        EjectConfig eject = Objects.requireNonNull(backend.group.config().eject());
        Events.worsened(
                "server-ejected",
                about(
                        "errors",
                        eject.errors(),
                        "within",
                        eject.within().toMillis() + "ms",
                        "for",
                        eject.duration().toMillis() + "ms"));
    }

    private Object[] about(Object... more) {
        Object[] all = new Object[4 + more.length];
        all[0] = "backend";
        all[1] = server.backend();
        all[2] = "server";
        all[3] = server.name();
        System.arraycopy(more, 0, all, 4, more.length);
        return all;
    }
}
