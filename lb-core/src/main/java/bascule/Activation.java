package bascule;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.ServerAddress;
import bascule.health.Health;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.net.HostNames;
import bascule.observe.AccessLog;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.proxy.BackendRules;
import bascule.proxy.StickyKey;
import bascule.route.RouteTable;
import bascule.server.Server;
import bascule.server.ServerLink;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// Puts a configuration in force, at the start, at a reload and for new certificates alike ([#apply]), has its servers follow the
/// addresses of their names, and lets go of what is gone. On the thread `control`, unless said otherwise.
final class Activation implements AutoCloseable {
    /// How long names may take to be resolved, and new servers to be checked, before it goes on without.
    private static final long FIRST_ADDRESSES_MILLIS = 5000;

    private static final long FIRST_CHECKS_MILLIS = 2000;

    /// How long [#apply] may wait for others.
    static final long LONGEST_WAIT_MILLIS = FIRST_ADDRESSES_MILLIS + FIRST_CHECKS_MILLIS;

    /// Between two looks at names that have changed, so that whatever they do, other things are done too.
    private static final long FOLLOW_PAUSE_MILLIS = 250;

    private final Control control;
    private final Workers workers;
    private final AccessLog accessLog;
    private final Metrics metrics;
    private final Backends backends;
    private final Listeners listeners;
    private final Health health;
    private final AdminPort admin;
    private final OwnNode ownNode;
    private final HostNames names;
    private @Nullable StickyKey stickyKey;
    private volatile InForce inForce;

    /// Is it to be looked at names that have changed?
    private final AtomicBoolean following = new AtomicBoolean();

    /// What is gone, but may be asked by clients of listeners that are gone too.
    private final List<Backends.Change> lingering = new ArrayList<>();

    /// @param configuration to begin with; [#apply] is still to be called
    Activation(
            Configuration configuration,
            Control control,
            Workers workers,
            AccessLog accessLog,
            Metrics metrics,
            Backends backends,
            Listeners listeners,
            Health health,
            AdminPort admin,
            OwnNode ownNode) {
        this.control = control;
        this.workers = workers;
        this.accessLog = accessLog;
        this.metrics = metrics;
        this.backends = backends;
        this.listeners = listeners;
        this.health = health;
        this.admin = admin;
        this.ownNode = ownNode;
        inForce = InForce.now(configuration, null);
        names = new HostNames(health.loop(), this::namesChanged, NameEvents::tell);
    }

    /// From any thread.
    InForce inForce() {
        return inForce;
    }

    /// A reload came to nothing, and all is as it was.
    ///
    /// @param result as of [InForce#lastResult]
    void still(String result) {
        inForce = inForce.still(result);
    }

    /// Puts a configuration in force, whole or not at all. First comes what can fail, and changes nothing; then what cannot.
    ///
    /// @return why it failed, or null
    @Nullable String apply(InForce then) {
        Configuration next = then.configuration();
        AccessLog.Prepared log;
        Listeners.Prepared prepared;
        Map<String, ServerLink> links;
        try {
            log = accessLog.prepare(next.logging().access(), next.logging().file());
        } catch (IOException failure) {
            return "logging.file: %s cannot be opened: %s"
                    .formatted(next.logging().file(), failure.getMessage());
        }
        try {
            links = backends.links(next.backends());
        } catch (SSLException refused) {
            log.close();
            return refused.getMessage();
        }
        try {
            prepared = listeners.prepare(next.listeners());
        } catch (IOException failure) {
            log.close();
            backends.close(links);
            return failure.getMessage();
        }
        try {
            putInForce(then, log, links, prepared);
            return null;
        } catch (RuntimeException | Error bug) {
            Events.bug("configuration-not-in-force", bug, "config", next.hash());
            backends.close(links);
            if (!listeners.isOpen(prepared)) prepared.close();
            return "a fault of Bascule itself: see the log";
        }
    }

    private void putInForce(
            InForce then,
            AccessLog.Prepared log,
            Map<String, ServerLink> links,
            Listeners.Prepared prepared) {
        Configuration next = then.configuration();
        Map<String, List<InetSocketAddress>> before = openAddresses();
        Map<String, RouteTable> routes = RouteTables.of(next);
        int growth = routes.values().stream().mapToInt(RouteTable::growthBytes).max().orElse(0);
        workers.reserve(next, growth);
        BoundedWait.on(
                names.watch(hosts(Stream.of(next, inForce.configuration()))),
                FIRST_ADDRESSES_MILLIS);
        Backends.Change change = bring(next, links);
        accessLog.use(log);
        admin.allow(next.admin().allow());
        listeners.apply(
                next.listeners(),
                config -> Objects.requireNonNull(routes.get(config.name())),
                change.all(),
                prepared);
        listeners.open(next.listeners(), prepared);
        tellAddresses(before);
        letGo(change);
        var _ = names.watch(hosts(Stream.of(next)));
        Events.level(next.logging().level());
        inForce = then;
        metrics.config(next.hash());
        ownNode.configuration(next);
    }

    private Map<String, List<InetSocketAddress>> openAddresses() {
        var open = new LinkedHashMap<String, List<InetSocketAddress>>();
        for (Listener listener : listeners.all()) open.put(listener.name(), listener.addresses());
        return open;
    }

    /// @param before by listener
    private void tellAddresses(Map<String, List<InetSocketAddress>> before) {
        Map<String, List<InetSocketAddress>> closed = new LinkedHashMap<>(before);
        for (Listener listener : listeners.all()) {
            List<InetSocketAddress> now = listener.addresses();
            if (now.equals(closed.remove(listener.name()))) continue;
            Events.changed("listener-open", "name", listener.name(), "bind", StatusView.texts(now));
        }
        closed.forEach((name, _) -> Events.changed("listener-closed", "name", name));
    }

    /// Brings backends and servers into force, beside those that there were: nobody waits for a server that is not there yet while
    /// one that was is gone.
    private Backends.Change bring(Configuration next, Map<String, ServerLink> links) {
        Backends.Change change = backends.apply(next.backends(), links, names::addresses);
        var rules = new LinkedHashMap<Backend, BackendRules>();
        for (Backend backend : change.all())
            rules.put(backend, BackendRules.of(backend, this::stickyKey));
        workers.each(worker -> rules.forEach(worker::install));
        watch(change.all(), change.goneServers());
        if (change.newServers() > 0) BoundedWait.on(health.seen(), FIRST_CHECKS_MILLIS);
        return change;
    }

    /// Lets go of what the configuration in force does not name.
    private void letGo(Backends.Change change) {
        if (change.isNothing()) return;
        watch(change.all(), List.of());
        if (!change.goneBackends().isEmpty() && listeners.anyLeaving()) lingering.add(change);
        else retire(change);
    }

    /// @param besides servers that may still be chosen in the backends they belong to
    private void watch(List<Backend> all, List<Server> besides) {
        var groups = new ArrayList<Health.Group>();
        for (Backend backend : all) {
            var servers = new ArrayList<Server>(backend.servers());
            for (Server server : besides)
                if (server.backend().equals(backend.name())) servers.add(server);
            groups.add(
                    new Health.Group(backend.config(), backend.link(), servers, backend::publish));
        }
        var _ = health.watch(groups).join();
    }

    /// Names of servers that stand in any of these.
    private static Set<String> hosts(Stream<Configuration> configurations) {
        return configurations
                .flatMap(configuration -> configuration.backends().stream())
                .flatMap(backend -> backend.servers().stream())
                .flatMap(
                        server ->
                                server.address() instanceof ServerAddress.Dns name
                                        ? Stream.of(name.host())
                                        : Stream.empty())
                .collect(Collectors.toSet());
    }

    /// Names have other addresses than before. On their loop.
    private void namesChanged() {
        if (following.compareAndSet(false, true))
            control.runAfter(FOLLOW_PAUSE_MILLIS, "names-not-followed", this::followNames);
    }

    private void followNames() {
        following.set(false); // What changes from here on is for the next time.
        letGo(bring(inForce.configuration(), backends.links()));
    }

    /// Made when it is first needed, and then the same until the end.
    private StickyKey stickyKey() {
        StickyKey known = stickyKey;
        if (known == null) {
            Configuration configuration = inForce.configuration();
            ClusterConfig cluster = configuration.cluster();
            known =
                    cluster == null
                            ? StickyKey.load(StateFolder.of(configuration))
                            : StickyKey.of(
                                    cluster.keyFile().key().derive("sticky", StickyKey.bytes()));
            stickyKey = known;
        }
        return known;
    }

    /// Lets go of what nobody can choose any more.
    private void retire(Backends.Change change) {
        change.goneBackends().forEach(Backend::close);
        workers.each(
                worker -> {
                    change.goneServers().forEach(worker::retire);
                    change.goneBackends().forEach(worker::remove);
                });
        change.goneLinks().forEach(ServerLink::close);
        for (Server server : change.goneServers()) {
            listeners.forget(server);
            backends.release(server);
            if (!backends.has(server.backend(), server.name()))
                metrics.removeServer(server.backend(), server.name());
        }
        for (Backend backend : change.goneBackends()) {
            boolean isBack =
                    backends.all().stream().anyMatch(now -> now.name().equals(backend.name()));
            if (!isBack) metrics.removeBackend(backend.name());
        }
    }

    /// Lets go of what lingers, once nobody is left to ask it.
    void retireLingering() {
        if (lingering.isEmpty() || listeners.anyLeaving()) return;
        lingering.forEach(this::retire);
        lingering.clear();
    }

    /// Follows names no more. From any thread.
    @Override
    public void close() {
        names.close();
    }

    /// The last of all: to be called when no loop and no control thread is left that could ask for one.
    void closeLinks() {
        for (Backends.Change change : lingering) change.goneLinks().forEach(ServerLink::close);
        backends.links().values().forEach(ServerLink::close);
    }
}
