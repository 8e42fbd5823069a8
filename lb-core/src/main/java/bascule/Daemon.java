package bascule;

import bascule.admin.AdminServer;
import bascule.admin.Commands;
import bascule.admin.Commands.ReloadResult;
import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.cluster.Cluster;
import bascule.cluster.ClusterStatus;
import bascule.config.AdminConfig;
import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;
import bascule.config.LoadResult;
import bascule.config.NodeConfig;
import bascule.config.Problem;
import bascule.config.ServerAddress;
import bascule.config.TlsConfig;
import bascule.health.Health;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.listen.OwnPorts;
import bascule.net.HostNames;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.node.Node;
import bascule.observe.AccessLog;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.observe.RecentLatency;
import bascule.proxy.BackendRules;
import bascule.proxy.StickyKey;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import bascule.server.Server;
import bascule.server.ServerLink;
import bascule.tls.CertificateFault;
import bascule.tls.CertificateSet;
import bascule.tls.TicketRing;
import bascule.tls.TlsLibrary;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// One running daemon: what lives from its start to its end is made in the constructor, what follows from a configuration is put in
/// force by [#apply], at the start and at each reload, and all is taken apart in [#stop]. Shows the wiring; decides nothing on a
/// request's path.
///
/// What changes the daemon is done by one thread, `control`, one thing after the other.
public final class Daemon {
    private static final long DRAIN_STEP_MILLIS = 100;

    /// How long those may take who came while others left; meanwhile nobody is served who comes.
    private static final long LATECOMERS_NANOS = 1_250_000_000;

    private static final long LATECOMERS_STEP_MILLIS = 10;

    /// How long the loops may take to end once nothing is open any more.
    private static final long LOOPS_END_MILLIS = 5000;

    /// Between two looks at names that have changed, so that whatever they do, other things are done too.
    private static final long FOLLOW_PAUSE_MILLIS = 250;

    /// Faults of a refused file that stand in the log.
    private static final int MOST_TOLD = 100;

    /// How long names may take to be resolved, and new servers to be checked, before it goes on without.
    private static final long FIRST_ADDRESSES_MILLIS = 5000;

    private static final long FIRST_CHECKS_MILLIS = 2000;

    /// How long a change under way may take to end when the daemon stops.
    private static final long CONTROL_END_MILLIS =
            FIRST_ADDRESSES_MILLIS + FIRST_CHECKS_MILLIS + 1000;

    /// What a stop may take beside the grace: a change under way, the hand-over, loops and threads that end.
    private static final Duration AROUND_GRACE = Duration.ofSeconds(25);

    private final @Nullable Supplier<LoadResult> source;
    private final @Nullable Service service;
    private final Transport transport;
    private final Metrics metrics;
    private final RecentLatency latency;
    private final AccessLog accessLog;
    private final List<Worker> workers;
    private final Backends backends = new Backends();
    private final TicketRing tickets;
    private final OwnPorts ownPorts = new OwnPorts();
    private final Listeners listeners;
    private final ScheduledExecutorService control;
    private final Health health;
    private final HostNames names;
    private final StatusView view;
    private final StatusSentence sentence;
    private volatile @Nullable AdminServer admin;
    private volatile @Nullable Node node; // Null = alone, or not there yet.
    private @Nullable CertificateWatch certificateWatch;
    private @Nullable StickyKey stickyKey; // The control thread's.
    private volatile InForce inForce;
    private volatile boolean stopping;

    /// Is it to be looked at names that have changed?
    private final AtomicBoolean following = new AtomicBoolean();

    /// What is gone, but may be asked by clients of listeners that are gone too.
    private final List<Backends.Change> lingering = new ArrayList<>();

    /// @param since when it was loaded
    /// @param lastResult of the last attempt to load one: `loaded`, `refused` or `failed`
    /// @param lastReload when that was; null if there was none since the start
    record InForce(
            Configuration configuration,
            Instant since,
            String lastResult,
            @Nullable Instant lastReload) {
        static InForce now(Configuration configuration, @Nullable Instant reload) {
            return new InForce(configuration, Instant.now(), "loaded", reload);
        }

        /// The same configuration but for certificates.
        InForce with(Configuration next) {
            return new InForce(next, since, lastResult, lastReload);
        }

        InForce still(String result) {
            return new InForce(configuration, since, result, Instant.now());
        }
    }

    /// A daemon that is never told to reload.
    ///
    /// @throws StartFailure with nothing left open
    public static Daemon start(Configuration configuration) throws StartFailure {
        return start(configuration, null);
    }

    /// Opens everything that the configuration names.
    ///
    /// @param source reads the configuration anew, for a reload; null where there is no file
    /// @throws StartFailure with nothing left open
    public static Daemon start(Configuration configuration, @Nullable Supplier<LoadResult> source)
            throws StartFailure {
        return start(configuration, source, new TicketRing(Instant.now()), null);
    }

    /// @param tickets the keys of TLS tickets of another daemon, or of one that was before
    /// @param service what started this daemon; null = nobody who wants to know of it. The caller says [#serves]
    static Daemon start(
            Configuration configuration,
            @Nullable Supplier<LoadResult> source,
            TicketRing tickets,
            @Nullable Service service)
            throws StartFailure {
        // What the service manager passed and nobody wants is ended before clients come, and is no
        // fault of a file.
        String lacking = DescriptorNeeds.lacking(configuration, 0);
        if (lacking != null) throw new StartFailure(Main.REFUSED, lacking);
        try {
            Node.prepare(configuration);
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, String.valueOf(failure.getMessage()), failure);
        }
        Daemon daemon = new Daemon(configuration, source, tickets, service);
        try {
            daemon.open(configuration);
            return daemon;
        } catch (StartFailure | RuntimeException | Error failure) {
            daemon.close(); // Its threads would keep the process alive.
            throw failure;
        }
    }

    private Daemon(
            Configuration configuration,
            @Nullable Supplier<LoadResult> source,
            TicketRing tickets,
            @Nullable Service service) {
        this.source = source;
        this.tickets = tickets;
        this.service = service;
        inForce = InForce.now(configuration, null);
        transport =
                Transport.open(
                        switch (configuration.transport()) {
                            case EPOLL -> Transport.Kind.EPOLL;
                            case IO_URING -> Transport.Kind.IO_URING;
                            case NIO -> Transport.Kind.NIO;
                        },
                        configuration.loops());
        int loops = transport.loops().size();
        metrics = Metrics.create(Version.current(), loops);
        latency = new RecentLatency(metrics);
        accessLog = new AccessLog(loops, metrics);
        workers = new ArrayList<>();
        for (Loop loop : transport.loops()) {
            workers.add(
                    new Worker(
                            transport,
                            loop,
                            metrics.loop(loop.index()),
                            accessLog.loop(loop.index()),
                            largest(configuration, LimitsConfig::headersBytes),
                            largest(configuration, LimitsConfig::headerCount)));
        }
        listeners =
                new Listeners(
                        transport,
                        workers,
                        tickets,
                        configuration.cluster() == null ? null : ownPorts,
                        service == null ? null : service.keptSockets(transport));
        control =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("control").daemon().factory());
        NodeConfig self = configuration.node();
        health = Health.start(stateFolder(configuration), self == null ? "" : self.name());
        names = new HostNames(health.loop(), this::namesChanged, NameEvents::tell);
        view =
                new StatusView(
                        () -> inForce,
                        listeners,
                        backends,
                        metrics,
                        latency,
                        this::clusterStatus,
                        service == null ? () -> null : service::view);
        sentence = new StatusSentence(() -> inForce, listeners, backends, this::clusterStatus);
    }

    /// Where to keep what must outlive a restart; null for nowhere: on a host where Bascule is not installed there is no such folder.
    private static @Nullable Path stateFolder(Configuration configuration) {
        boolean there = configuration.stateGiven() || Files.isDirectory(configuration.state());
        return there ? configuration.state() : null;
    }

    private static int largest(Configuration configuration, ToIntFunction<LimitsConfig> limit) {
        return configuration.listeners().stream()
                .map(ListenerConfig::limits)
                .mapToInt(limit)
                .max()
                .orElse(1);
    }

    private void open(Configuration configuration) throws StartFailure {
        for (Worker worker : workers) {
            worker.loop().start(lag -> worker.tick(lag, transport.memoryTight()));
        }
        String fallback = transport.fallbackReason();
        if (fallback != null)
            Events.warn("transport-fallback", "transport", transport.kind(), "reason", fallback);
        if (configuration.usesTls() && TlsLibrary.inUse() == TlsLibrary.JDK)
            Events.warn("tls-fallback", "library", TlsLibrary.describe());
        metrics.serverState(view::servers);
        metrics.certificates(view::certificateEnds);
        String failure =
                CompletableFuture.supplyAsync(
                                () -> apply(InForce.now(configuration, null)), control)
                        .join();
        if (failure != null) throw new StartFailure(Main.FAILED, failure);
        control.scheduleWithFixedDelay(
                guarded("sample-failed", this::everySecond), 1, 1, TimeUnit.SECONDS);
        certificateWatch =
                new CertificateWatch(
                        this::certificateFolders,
                        this::certificatesChanged,
                        this::certificatesRefused);
        openAdmin(configuration);
        join(configuration);
    }

    /// Last, so that clients of a floating IP find all open.
    private void join(Configuration configuration) throws StartFailure {
        if (configuration.cluster() == null) return;
        var settings = NodeSettings.of(configuration, stateFolder(configuration));
        Node joined;
        try {
            joined =
                    Node.start(
                            settings,
                            configuration,
                            Version.current(),
                            new Node.Parts(
                                    listeners,
                                    backends,
                                    ownPorts,
                                    transport.loops(),
                                    health,
                                    tickets));
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, "cluster: " + failure.getMessage(), failure);
        }
        node = joined;
        metrics.cluster(joined::sample);
        Events.info("cluster-joined", "node", joined, "cluster", settings.name());
    }

    /// All is open, and a signal would stop it well.
    void serves() {
        Service manager = service;
        if (manager == null) return;
        Node joined = node;
        manager.watch(transport.loops(), joined == null ? null : joined::turned);
        manager.ready(sentence.text());
    }

    private @Nullable Cluster cluster() {
        Node joined = node;
        return joined == null ? null : joined.cluster();
    }

    private @Nullable ClusterStatus clusterStatus() {
        Node joined = node;
        return joined == null ? null : joined.status();
    }

    // ---- on the thread `control`

    /// Puts a configuration in force, whole or not at all. First comes what can fail, and changes nothing; then what cannot.
    ///
    /// @return why it failed, or null
    private @Nullable String apply(InForce then) {
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
        onLoops(
                worker ->
                        worker.reserve(
                                largest(next, LimitsConfig::headersBytes),
                                largest(next, LimitsConfig::headerCount),
                                growth));
        wait(names.watch(hosts(Stream.of(next, inForce.configuration()))), FIRST_ADDRESSES_MILLIS);
        Backends.Change change = bring(next, links);
        accessLog.use(log);
        AdminServer port = admin;
        if (port != null) port.allow(next.admin().allow());
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
        Node joined = node;
        if (joined != null) joined.configuration(next);
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
        onLoops(worker -> rules.forEach(worker::install));
        watch(change.all(), change.goneServers());
        if (change.newServers() > 0) wait(health.seen(), FIRST_CHECKS_MILLIS);
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

    /// What has not come by then will come later.
    private static void wait(CompletableFuture<?> until, long millis) {
        try {
            until.get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException _) {
            Events.debug("not-waited-for", "millis", millis);
        } catch (ExecutionException failure) {
            throw new IllegalStateException(failure.getCause());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Names have other addresses than before.
    private void followNames() {
        following.set(false); // What changes from here on is for the next time.
        if (!stopping) letGo(bring(inForce.configuration(), backends.links()));
    }

    private void namesChanged() {
        if (!following.compareAndSet(false, true)) return;
        try {
            control.schedule(
                    guarded("names-not-followed", this::followNames),
                    FOLLOW_PAUSE_MILLIS,
                    TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException _) {
            Events.debug("names-not-followed", "cause", "stopping");
        }
    }

    private Set<Path> certificateFolders() {
        return inForce.configuration().listeners().stream()
                .map(ListenerConfig::tls)
                .filter(Objects::nonNull)
                .map(TlsConfig::folder)
                .collect(Collectors.toSet());
    }

    /// A folder of certificates was read again. On the watch's thread.
    private void certificatesChanged(Path folder, CertificateSet set) {
        try {
            control.execute(
                    guarded("certificates-not-in-force", () -> useCertificates(folder, set)));
        } catch (RejectedExecutionException _) {
            Events.debug("certificates-not-in-force", "cause", "stopping");
        }
    }

    private void useCertificates(Path folder, CertificateSet set) {
        InForce before = inForce;
        Configuration next = before.configuration().withCertificates(folder, set);
        if (stopping || next.hash().equals(before.configuration().hash())) return;
        String failure = apply(before.with(next));
        if (failure != null) {
            metrics.certificatesReloaded("refused");
            Events.worsened("certificates-refused", "folder", folder, "fault", failure);
            return;
        }
        metrics.certificatesReloaded("loaded");
        Events.changed(
                "certificates-changed",
                "folder",
                folder,
                "certificates",
                set.certificates().size(),
                "config",
                next.hash());
    }

    /// What is wrong with a folder that has changed. On the watch's thread.
    private void certificatesRefused(Path folder, List<CertificateFault> faults) {
        metrics.certificatesReloaded("refused");
        faults.stream()
                .limit(MOST_TOLD)
                .forEach(
                        fault ->
                                Events.worsened(
                                        "certificates-refused", "folder", folder, "fault", fault));
    }

    private static Runnable guarded(String failed, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException
                    | Error bug) { // Else nobody would hear of it, and a timer would end.
                Events.bug(failed, bug);
            }
        };
    }

    /// Made when it is first needed, and then the same until the end.
    private StickyKey stickyKey() {
        StickyKey known = stickyKey;
        if (known == null) {
            Configuration configuration = inForce.configuration();
            ClusterConfig cluster = configuration.cluster();
            known =
                    cluster == null
                            ? StickyKey.load(stateFolder(configuration))
                            : StickyKey.of(
                                    cluster.keyFile().key().derive("sticky", StickyKey.bytes()));
            stickyKey = known;
        }
        return known;
    }

    /// Lets go of what nobody can choose any more.
    private void retire(Backends.Change change) {
        change.goneBackends().forEach(Backend::close);
        onLoops(
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

    private void onLoops(Consumer<Worker> action) {
        begunOnLoops(action).join();
    }

    private CompletableFuture<Void> begunOnLoops(Consumer<Worker> action) {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (Worker worker : workers) {
            done.add(
                    CompletableFuture.runAsync(
                            () -> action.accept(worker), worker.loop().executor()));
        }
        return CompletableFuture.allOf(done.toArray(CompletableFuture[]::new));
    }

    private void everySecond() {
        for (Backend backend : backends.all()) {
            backend.budget()
                    .sample(
                            metrics.exchangesBegun(backend.name()),
                            backend.config().retry().budgetPercent());
        }
        latency.sample(System.nanoTime());
        Node joined = node;
        if (joined == null) tickets.rotate(Instant.now());
        else joined.everySecond(Instant.now());
        listeners.everySecond();
        for (String name : listeners.forgetEmpty()) metrics.removeListener(name);
        if (service != null) service.status(sentence.text());
        if (lingering.isEmpty() || listeners.anyLeaving()) return;
        lingering.forEach(this::retire);
        lingering.clear();
    }

    // ---- from any thread

    /// Reads the configuration anew and puts it in force. What runs goes on: exchanges, tunnels, and connections to servers that
    /// stay. If it cannot be, all is as it was.
    public CompletableFuture<ReloadResult> reload() {
        if (stopping) return CompletableFuture.completedFuture(new Commands.Stopping());
        Supplier<LoadResult> file = source;
        if (file == null) {
            String cause = "this daemon was started without a file";
            return CompletableFuture.completedFuture(new Commands.Failed(cause));
        }
        try {
            return CompletableFuture.supplyAsync(() -> reloadedFrom(file), control);
        } catch (RejectedExecutionException _) {
            return CompletableFuture.completedFuture(new Commands.Stopping());
        }
    }

    private ReloadResult reloadedFrom(Supplier<LoadResult> file) {
        Service manager = service;
        if (manager == null) return reloaded(file.get());
        manager.reloading();
        try {
            return reloaded(file.get());
        } finally {
            manager.ready(sentence.text());
        }
    }

    private ReloadResult reloaded(LoadResult read) {
        if (stopping) return new Commands.Stopping();
        ReloadResult result =
                switch (read) {
                    case LoadResult.Rejected(var problems) ->
                            new Commands.Refused(problems.stream().map(Problem::toString).toList());
                    case LoadResult.Loaded(Configuration next) -> reloaded(next);
                };
        switch (result) {
            case Commands.Reloaded(String hash, List<String> changes) -> {
                metrics.configReloaded("loaded");
                Events.changed("reloaded", "config", hash, "changes", changes.size());
            }
            case Commands.Refused(List<String> problems) -> {
                metrics.configReloaded("refused");
                inForce = inForce.still("refused");
                problems.stream()
                        .limit(MOST_TOLD)
                        .forEach(problem -> Events.error("configuration-fault", "fault", problem));
                Events.worsened("reload-refused", "faults", problems.size());
            }
            case Commands.Failed(String cause) -> {
                metrics.configReloaded("failed");
                inForce = inForce.still("failed");
                Events.worsened("reload-failed", "cause", cause);
            }
            case Commands.Stopping() -> {}
        }
        return result;
    }

    private ReloadResult reloaded(Configuration next) {
        Configuration before = inForce.configuration();
        List<String> fixed = ConfigurationChanges.impossible(before, next);
        if (!fixed.isEmpty()) return new Commands.Refused(fixed);
        String lacking = DescriptorNeeds.lacking(next, listeners.socketsBeside(next.listeners()));
        if (lacking != null) return new Commands.Refused(List.of(lacking));
        List<String> changes = ConfigurationChanges.between(before, next);
        String failure = apply(InForce.now(next, Instant.now()));
        return failure == null
                ? new Commands.Reloaded(next.hash(), changes)
                : new Commands.Failed(failure);
    }

    private void openAdmin(Configuration configuration) throws StartFailure {
        AdminConfig config = configuration.admin();
        AdminServer opened;
        try {
            opened =
                    AdminServer.start(
                            config.http(),
                            config.allow(),
                            metrics,
                            () -> view.status(stopping),
                            this::ready);
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, "admin.http: " + failure.getMessage(), failure);
        }
        admin = opened;
        if (!config.http().isEmpty())
            Events.info("admin-open", "bind", StatusView.texts(opened.addresses()));
        if (config.socket() != null) openSocket(opened, config, config.socket());
    }

    /// The default path is that of an installed daemon: where its folder is missing, or another daemon is at home, this one does
    /// without.
    private void openSocket(AdminServer opened, AdminConfig config, Path path) throws StartFailure {
        var operations =
                new Operations(
                        () -> inForce,
                        backends,
                        health,
                        metrics,
                        this::reload,
                        this::reopenLogs,
                        this::cluster);
        try {
            opened.openSocket(path, operations);
            Events.info("admin-socket-open", "path", path);
        } catch (IOException failure) {
            if (config.socketGiven())
                throw new StartFailure(
                        Main.FAILED, "admin.socket: " + failure.getMessage(), failure);
            Events.warn(
                    "admin-socket-unavailable",
                    "path",
                    path,
                    "cause",
                    String.valueOf(failure.getMessage()));
        }
    }

    private boolean ready() {
        return !stopping && listeners.all().stream().allMatch(Listener::open);
    }

    /// Where a listener is bound, with real ports.
    public List<InetSocketAddress> addresses(String listener) {
        return listeners.get(listener).addresses();
    }

    /// Where the admin port is bound, with real ports.
    public List<InetSocketAddress> adminAddresses() {
        AdminServer port = admin;
        return port == null ? List.of() : port.addresses();
    }

    /// Hands over what this node owns, accepts no more, lets running exchanges finish within `shutdown.grace`, then ends everything. An
    /// address that no other node can take is kept until then. Blocks until it is over.
    public void stop() {
        if (stopping) return;
        stopping = true;
        Configuration configuration = inForce.configuration();
        if (service != null) service.stopping(configuration.shutdownGrace().plus(AROUND_GRACE));
        end(control);
        Node joined = node;
        if (joined != null) joined.leave();
        long end = System.nanoTime() + configuration.shutdownGrace().toNanos();
        Events.info(
                "stopping",
                "grace",
                configuration.shutdownGrace().toMillis() + "ms",
                "connections",
                listeners.connections());
        if (listeners.outlive()) leaveSockets(end);
        else finish(end, DRAIN_STEP_MILLIS);
        Events.info("stopped", "cut", listeners.connections());
        listeners.stop();
        close();
        if (service != null) service.close();
    }

    /// Accepts no more, and waits for what runs.
    private void finish(long end, long stepMillis) {
        do {
            listeners.drain();
        } while (listeners.connections() > 0 && System.nanoTime() - end < 0 && pause(stepMillis));
    }

    /// The next process serves who comes: so it goes on serving until all who were here have gone, and all that takes time has ended. Then who
    /// comes has to wait for that process, so those who came last have but [#LATECOMERS_NANOS], be the grace over or not.
    ///
    /// @param end of the grace
    private void leaveSockets(long end) {
        while (listeners.drainPresent() > 0
                && System.nanoTime() - end < 0
                && pause(DRAIN_STEP_MILLIS))
            ;
        Node joined = node;
        if (joined != null) joined.close();
        listeners.letGo();
        finish(System.nanoTime() + LATECOMERS_NANOS, LATECOMERS_STEP_MILLIS);
    }

    /// Opens the access log's file anew: what moves logs away asks for that. From any thread.
    ///
    /// @return as of [AccessLog#reopen]
    public CompletableFuture<Optional<Path>> reopenLogs() {
        return accessLog.reopen();
    }

    private static void end(ScheduledExecutorService executor) {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(CONTROL_END_MILLIS, TimeUnit.MILLISECONDS))
                Events.warn("control-stuck");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean pause(long millis) {
        try {
            Thread.sleep(millis);
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void close() {
        Node joined = node;
        if (joined != null) joined.close();
        CertificateWatch watch = certificateWatch;
        if (watch != null) watch.close();
        control.shutdownNow();
        names.close();
        health.close();
        wait(begunOnLoops(Worker::close), LOOPS_END_MILLIS); // One may be stuck.
        transport.close(LOOPS_END_MILLIS);
        for (Backends.Change change : lingering) change.goneLinks().forEach(ServerLink::close);
        backends.links().values().forEach(ServerLink::close);
        AdminServer port = admin;
        if (port != null) port.close();
        metrics.close();
        accessLog.close();
    }
}
