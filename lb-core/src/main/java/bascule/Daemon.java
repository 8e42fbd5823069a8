package bascule;

import bascule.admin.AdminServer;
import bascule.backend.Backend;
import bascule.backend.ConnectionPool;
import bascule.config.BackendConfig;
import bascule.config.Configuration;
import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;
import bascule.listen.Listener;
import bascule.net.Descriptors;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.AccessLog;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.observe.RecentLatency;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// One running daemon: everything of one configuration, put together in [#start] and taken apart in [#stop], in the reverse
/// order. Shows the wiring; decides nothing on a request's path.
public final class Daemon {
    private static final long DRAIN_STEP_MILLIS = 100;

    /// How long the loops may take to end once nothing is open any more.
    private static final long LOOPS_END_MILLIS = 5000;

    /// Class files, logs, the admin port's 64 connections, epoll.
    private static final int OWN_DESCRIPTORS = 200;

    private final Configuration configuration;
    private final Transport transport;
    private final Metrics metrics;
    private final AccessLog accessLog;
    private final List<Worker> workers;
    private final Map<String, Listener> listeners = new LinkedHashMap<>();
    private final List<Backend> backends = new ArrayList<>();
    private @Nullable AdminServer admin;
    private final StatusView view;
    private volatile boolean stopping;

    /// Opens everything that the configuration names.
    ///
    /// @throws StartFailure with nothing left open
    public static Daemon start(Configuration configuration) throws StartFailure {
        checkDescriptors(configuration);
        Daemon daemon = new Daemon(configuration);
        try {
            daemon.open();
            return daemon;
        } catch (StartFailure failure) {
            daemon.close();
            throw failure;
        }
    }

    private Daemon(Configuration configuration) throws StartFailure {
        this.configuration = configuration;
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
        accessLog = openAccessLog(loops);
        int servers = 0;
        for (BackendConfig backend : configuration.backends()) {
            backends.add(new Backend(backend, servers));
            servers += backend.servers().size();
        }
        workers = new ArrayList<>();
        for (Loop loop : transport.loops()) {
            workers.add(
                    new Worker(
                            transport,
                            loop,
                            backends,
                            metrics.loop(loop.index()),
                            accessLog.loop(loop.index()),
                            largest(LimitsConfig::headersBytes),
                            largest(LimitsConfig::headerCount)));
        }
        for (ListenerConfig listener : configuration.listeners()) {
            RouteTable routes = RouteTable.compile(listener, name -> indexOf(name, backends));
            listeners.put(listener.name(), new Listener(listener, transport, workers, routes));
        }
        view = new StatusView(configuration, List.copyOf(listeners.values()), backends, metrics);
    }

    private AccessLog openAccessLog(int loops) throws StartFailure {
        var log = new AccessLog(loops, metrics);
        try {
            log.use(log.prepare(configuration.logging().access(), configuration.logging().file()));
            return log;
        } catch (IOException failure) {
            transport.close(LOOPS_END_MILLIS);
            metrics.close();
            throw new StartFailure(
                    Main.FAILED,
                    "access log "
                            + configuration.logging().file()
                            + " cannot be opened: "
                            + failure.getMessage(),
                    failure);
        }
    }

    private int largest(ToIntFunction<LimitsConfig> limit) {
        return configuration.listeners().stream()
                .map(ListenerConfig::limits)
                .mapToInt(limit)
                .max()
                .orElse(1);
    }

    private static int indexOf(String name, List<Backend> backends) {
        for (int index = 0; index < backends.size(); index++)
            if (backends.get(index).name().equals(name)) return index;
        throw new IllegalArgumentException("no backend " + name); // The configuration was checked.
    }

    /// The sum of what the configuration may need, held against what the host allows: to find out under load costs clients.
    private static void checkDescriptors(Configuration configuration) throws StartFailure {
        long clients =
                configuration.listeners().stream()
                        .mapToLong(listener -> listener.limits().connections())
                        .sum();
        int loops =
                configuration.loops() == 0
                        ? Runtime.getRuntime().availableProcessors()
                        : configuration.loops();
        long servers =
                configuration.backends().stream()
                        .mapToLong(backend -> backend.servers().size())
                        .sum();
        long idle = Math.min(clients, servers * loops * ConnectionPool.MOST_IDLE);
        long sockets =
                configuration.listeners().stream()
                        .mapToLong(listener -> (long) listener.binds().size() * loops)
                        .sum();
        long needed = 2 * clients + idle + sockets + OWN_DESCRIPTORS;
        long limit = Descriptors.limit();
        if (needed <= limit) return;
        throw new StartFailure(
                Main.REFUSED,
                "%d file descriptors may be needed (%d client connections of all listeners, as many to servers, %d idle to servers, %d of the daemon's own), and the limit RLIMIT_NOFILE is %d (expected: a higher limit, LimitNOFILE= in the unit or ulimit -n, or lower limits.connections)"
                        .formatted(needed, clients, idle, sockets + OWN_DESCRIPTORS, limit));
    }

    private void open() throws StartFailure {
        for (Worker worker : workers) {
            worker.loop().start(lag -> worker.tick(lag, transport.memoryTight()));
        }
        String fallback = transport.fallbackReason();
        if (fallback != null)
            Events.warn("transport-fallback", "transport", transport.kind(), "reason", fallback);
        for (ListenerConfig config : configuration.listeners()) {
            Listener listener = listener(config.name());
            try {
                listener.bind();
            } catch (IOException failure) {
                throw new StartFailure(
                        Main.FAILED,
                        "listeners." + config.name() + ".bind: " + failure.getMessage(),
                        failure);
            }
            Events.changed(
                    "listener-open",
                    "name",
                    config.name(),
                    "bind",
                    StatusView.texts(listener.addresses()));
        }
        metrics.config(configuration.hash());
        metrics.serverState(view::servers);
        openAdmin();
    }

    private void openAdmin() throws StartFailure {
        if (configuration.admin().http().isEmpty()) return;
        try {
            AdminServer opened =
                    AdminServer.start(
                            configuration.admin().http(),
                            configuration.admin().allow(),
                            metrics,
                            () -> view.status(stopping),
                            this::ready);
            admin = opened;
            opened.every(RecentLatency.PERIOD, () -> view.latency().sample(System.nanoTime()));
            Events.info("admin-open", "bind", StatusView.texts(opened.addresses()));
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, "admin.http: " + failure.getMessage(), failure);
        }
    }

    private boolean ready() {
        return !stopping && listeners.values().stream().allMatch(Listener::open);
    }

    private Listener listener(String name) {
        Listener listener = listeners.get(name);
        if (listener == null) throw new IllegalArgumentException("no listener " + name);
        return listener;
    }

    /// Where a listener is bound, with real ports.
    public List<InetSocketAddress> addresses(String listener) {
        return listener(listener).addresses();
    }

    /// Where the admin port is bound, with real ports.
    public List<InetSocketAddress> adminAddresses() {
        return admin == null ? List.of() : admin.addresses();
    }

    /// Accepts no more, lets running exchanges finish within `shutdown.grace`, then ends everything. Blocks until it is over.
    public void stop() {
        if (stopping) return;
        stopping = true;
        long end = System.nanoTime() + configuration.shutdownGrace().toNanos();
        Events.changed(
                "stopping",
                "grace",
                configuration.shutdownGrace().toMillis() + "ms",
                "connections",
                connections());
        do {
            for (Listener listener : listeners.values()) listener.drain();
        } while (connections() > 0 && System.nanoTime() - end < 0 && pause());
        Events.info("stopped", "cut", connections());
        for (Listener listener : listeners.values()) listener.stop();
        close();
    }

    /// Opens the access log's file anew: what moves logs away asks for that. From any thread.
    public void reopenLogs() {
        accessLog.reopen();
    }

    private int connections() {
        return listeners.values().stream().mapToInt(Listener::connections).sum();
    }

    private static boolean pause() {
        try {
            Thread.sleep(DRAIN_STEP_MILLIS);
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void close() {
        List<CompletableFuture<Void>> closed = new ArrayList<>();
        for (Worker worker : workers)
            closed.add(CompletableFuture.runAsync(worker::close, worker.loop().executor()));
        closed.forEach(CompletableFuture::join);
        transport.close(LOOPS_END_MILLIS);
        if (admin != null) admin.close();
        metrics.close();
        accessLog.close();
    }
}
