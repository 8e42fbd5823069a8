package bascule.backend;

import bascule.balance.Balancer;
import bascule.balance.LeastConnections;
import bascule.balance.RoundRobin;
import bascule.config.BackendConfig;
import bascule.config.Balance;
import bascule.config.CapacityConfig;
import bascule.server.Server;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A named group of servers with one balancing rule. Shared by all loops; lives as long as configurations name it, so that those
/// who wait for a place, and what each server is owed, outlive a reload.
///
/// The daemon's thread says what the configuration is, the health thread who may be chosen; loops choose.
public final class Backend {
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    private final String name;
    private final Line line = new Line(this);
    private final RetryBudget budget = new RetryBudget();
    private volatile Plan plan;
    private volatile ServerSet set = ServerSet.NONE;

    /// @param link how the servers are spoken to
    /// @param limit most places at one server
    /// @param counts are places counted at all?
    private record Plan(
            BackendConfig config,
            ServerLink link,
            List<Server> servers,
            Balancer balancer,
            int limit,
            boolean counts) {}

    /// Nobody can be chosen until the first [#publish].
    ///
    /// @param servers all of them, in the order of the configuration
    public Backend(BackendConfig config, ServerLink link, List<Server> servers) {
        name = config.name();
        plan = plan(config, link, servers, newBalancer(config.balance()));
    }

    /// A reload, or a change of addresses: who may be chosen of the new servers is for [#publish] to say. One thread at a time.
    public void reconfigure(BackendConfig config, ServerLink link, List<Server> servers) {
        Plan before = plan;
        boolean same = before.config.balance() == config.balance();
        Balancer balancer = same ? before.balancer : newBalancer(config.balance());
        if (!same) balancer.update(set);
        plan = plan(config, link, servers, balancer);
        line.serve(); // There may be more places than before.
    }

    private static Plan plan(
            BackendConfig config, ServerLink link, List<Server> servers, Balancer balancer) {
        CapacityConfig capacity = config.capacity();
        return new Plan(
                config,
                link,
                List.copyOf(servers),
                balancer,
                capacity == null ? NO_LIMIT : capacity.connections(),
                capacity != null || config.balance() == Balance.LEAST_CONNECTIONS);
    }

    private static Balancer newBalancer(Balance balance) {
        return switch (balance) {
            case ROUND_ROBIN -> new RoundRobin();
            case LEAST_CONNECTIONS -> new LeastConnections();
        };
    }

    /// Who may be chosen from now on. The health thread only.
    public void publish(ServerSet next) {
        set = next;
        plan.balancer.update(next);
        line.serve();
    }

    /// No configuration names it any more: nobody is chosen here, and those who wait are sent away. When the health thread has let go
    /// of it.
    public void close() {
        publish(ServerSet.NONE);
    }

    public String name() {
        return name;
    }

    public BackendConfig config() {
        return plan.config;
    }

    /// How its servers are spoken to.
    public ServerLink link() {
        return plan.link;
    }

    /// Is it one of the present configuration's?
    boolean has(Server server) {
        return plan.servers.contains(server);
    }

    /// All servers of the present configuration, in its order.
    public List<Server> servers() {
        return plan.servers;
    }

    public RetryBudget budget() {
        return budget;
    }

    /// Exchanges that wait for a place, over all loops.
    public int waiting() {
        return line.length();
    }

    /// Do exchanges take places at servers? Whoever chose with `counted` gives back by [#leave].
    public boolean counts() {
        return plan.counts;
    }

    /// Can any server be chosen, busy or not?
    public boolean hasServer() {
        return !set.usable().isEmpty();
    }

    /// Can any other be chosen, busy or not?
    public boolean hasServerBut(@Nullable Server one) {
        for (Server server : set.usable()) if (server != one) return true;
        return false;
    }

    /// The server whose turn it is. Takes a place at it if `counted`.
    ///
    /// @param avoid not this one, if there is another
    /// @param counted as [#counts()] said
    /// @return null if none may be chosen, or all are full, or others have waited longer
    public @Nullable Server choose(@Nullable Server avoid, boolean counted) {
        Plan now = plan;
        if (!counted) {
            Server another = now.balancer.pick(avoid, NO_LIMIT);
            return another != null || avoid == null ? another : now.balancer.pick();
        }
        if (!line.isEmpty()) return null;
        return takeAnother(now, avoid);
    }

    /// For the line: a server with a place, which is then taken.
    @Nullable Server takeOne(@Nullable Server avoid) {
        return takeAnother(plan, avoid);
    }

    /// The one to avoid only if there is no other: that the others are full is no reason to ask it again.
    private @Nullable Server takeAnother(Plan plan, @Nullable Server avoid) {
        Server another = takeOne(plan, avoid);
        boolean settled = another != null || avoid == null || hasServerBut(avoid);
        return settled ? another : takeOne(plan, null);
    }

    private static @Nullable Server takeOne(Plan plan, @Nullable Server avoid) {
        while (true) {
            Server next = plan.balancer.pick(avoid, plan.limit);
            if (next == null || next.take(plan.limit)) return next;
            // Another loop was faster: whoever is full now is left out next time.
        }
    }

    /// For those bound to one server: takes a place there if `counted`.
    ///
    /// @return whether there was one
    public boolean enter(Server server, boolean counted) {
        return !counted || server.take(plan.limit);
    }

    /// Gives back a place, to whoever waits for it.
    public void leave(Server server) {
        server.giveBack();
        if (!line.isEmpty()) line.serve();
    }

    /// Waits for a place, in the order of coming; [Waiter#granted] hears of it, on the waiter's loop and never before this returns.
    ///
    /// @return false if too many wait already
    public boolean await(Waiter waiter, long nowNanos) {
        Plan now = plan;
        CapacityConfig capacity = now.config.capacity();
        // Without a bound nobody waits, unless a reload has just lifted it.
        if (capacity == null) return line.join(waiter, now.servers.size(), Long.MAX_VALUE);
        long most = (long) capacity.queue() * Math.max(1, set.usable().size());
        return line.join(waiter, most, nowNanos + capacity.maxWait().toNanos());
    }
}
