package bascule.health;

import bascule.config.CheckConfig;
import bascule.observe.Events;
import bascule.server.Server;
import bascule.server.ServerSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The servers of one backend in one configuration, and the set that is published of them. Confined to the health thread.
final class WatchedBackend {
    /// Publishing takes at most one part in so many of the thread's time: a set of many servers is costly for its balancer.
    private static final int PART = 10;

    /// Weights are multiplied for a slow start only as long as their sum is then no longer than what the configuration may
    /// say anyway, 1,000 servers of weight 256.
    private static final long MOST_WEIGHT = 256_000;

    final Health.Group group;
    final Rules rules;
    private final Consumer<WatchedBackend> onChange;
    private final List<WatchedServer> servers = new ArrayList<>();
    private boolean changed;
    private boolean toldEmpty;
    private long notBeforeNanos = System.nanoTime();

    // Counted anew after each change.
    private int ejected;
    private int usable;
    private int usableBackups;
    private int unseen;

    /// @param before the same backend until now, if there was one
    /// @param onChange told once per change that is not published yet
    WatchedBackend(
            Health.Group group,
            @Nullable WatchedBackend before,
            Consumer<WatchedBackend> onChange) {
        this.group = group;
        this.onChange = onChange;
        rules = Rules.of(group.config());
        toldEmpty = before != null && before.toldEmpty;
    }

    @Nullable CheckConfig check() {
        return group.config().check();
    }

    void add(WatchedServer server) {
        servers.add(server);
        count();
    }

    List<WatchedServer> servers() {
        return servers;
    }

    @Nullable WatchedServer find(String name) {
        for (WatchedServer each : servers) if (each.server().name().equals(name)) return each;
        return null;
    }

    /// @param state that of the server, as it is counted; null if it is yet to be added
    Company companyOf(Server server, @Nullable ServerState state) {
        int self = state != null && state.usable() ? 1 : 0;
        int others = usable - self;
        int otherBackups = usableBackups - (server.backup() ? self : 0);
        return new Company(
                group.servers().size(),
                ejected - (state != null && state.ejected() ? 1 : 0),
                others > 0,
                (server.backup() ? otherBackups : others - otherBackups) > 0);
    }

    /// The state of one of its servers did.
    void change() {
        count();
        if (changed) return;
        changed = true;
        onChange.accept(this);
    }

    private void count() {
        ejected = 0;
        usable = 0;
        usableBackups = 0;
        unseen = 0;
        for (WatchedServer each : servers) {
            ServerState state = each.state();
            if (state.ejected()) ejected++;
            if (state.checks(rules) && !state.verdict().seen()) unseen++;
            if (!state.usable()) continue;
            usable++;
            if (each.server().backup()) usableBackups++;
        }
    }

    /// Has every server that is checked been checked?
    boolean isSeen() {
        return unseen == 0;
    }

    boolean mayPublish(long now) {
        return now - notBeforeNanos >= 0;
    }

    /// Makes public what follows from the states.
    void publish(long now) {
        changed = false;
        group.publish().accept(ServerSet.of(group.servers(), weights()::get));
        long end = System.nanoTime();
        notBeforeNanos = end + (PART - 1) * (end - now);
        tellEmpty();
    }

    private Map<Server, Integer> weights() {
        long sum = 0;
        boolean slowly = false;
        for (WatchedServer each : servers) {
            sum += each.server().weight();
            slowly |= each.state().slowStart().tenths() < SlowStart.ALL;
        }
        boolean exact = sum * SlowStart.ALL <= MOST_WEIGHT;
        var weights = new HashMap<Server, Integer>(2 * servers.size());
        for (WatchedServer each : servers) {
            int weight = each.server().weight();
            if (slowly) {
                int tenths = weight * each.state().slowStart().tenths();
                weight = exact ? tenths : Math.max(1, tenths / SlowStart.ALL);
            }
            weights.put(each.server(), weight);
        }
        return weights;
    }

    private void tellEmpty() {
        boolean empty = usable == 0 && unseen == 0;
        if (empty && !toldEmpty)
            Events.worsened("backend-without-server", "backend", group.config().name());
        if (empty || usable > 0) toldEmpty = empty;
    }
}
