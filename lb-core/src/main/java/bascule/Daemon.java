package bascule;

import bascule.admin.Commands.ReloadResult;
import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.config.Configuration;
import bascule.config.LoadResult;
import bascule.config.NodeConfig;
import bascule.health.Health;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.listen.OwnPorts;
import bascule.net.Transport;
import bascule.node.Node;
import bascule.observe.AccessLog;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.observe.RecentLatency;
import bascule.proxy.Worker;
import bascule.tls.TicketRing;
import bascule.tls.TlsLibrary;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One running daemon: what lives from its start to its end is made in the constructor, what follows from a configuration is put in
/// force by [Activation], at the start and at each reload, and all is taken apart in [#stop]. Shows the wiring, and the order of
/// start and end; decides nothing on a request's path.
public final class Daemon {
    private static final long DRAIN_STEP_MILLIS = 100;

    /// How long those may take who came while others left; meanwhile nobody is served who comes.
    private static final long LATECOMERS_NANOS = 1_250_000_000;

    private static final long LATECOMERS_STEP_MILLIS = 10;

    /// How long the loops may take to end once nothing is open any more.
    private static final long LOOPS_END_MILLIS = 5000;

    /// How long a change under way may take to end when the daemon stops.
    private static final long CONTROL_END_MILLIS = Activation.LONGEST_WAIT_MILLIS + 1000;

    /// What a stop may take beside the grace: a change under way, the hand-over, loops and threads that end.
    private static final Duration AROUND_GRACE = Duration.ofSeconds(25);

    private final @Nullable Service service;
    private final Transport transport;
    private final Metrics metrics;
    private final RecentLatency latency;
    private final AccessLog accessLog;
    private final Workers workers;
    private final Backends backends = new Backends();
    private final TicketRing tickets;
    private final OwnPorts ownPorts = new OwnPorts();
    private final Listeners listeners;
    private final Health health;
    private final OwnNode ownNode;
    private final AdminPort admin = new AdminPort();
    private final Control control = new Control();
    private final Activation activation;
    private final StatusView view;
    private final StatusSentence sentence;
    private final ConfigurationReload reload;
    private final CertificateReload certificates;

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
        this.tickets = tickets;
        this.service = service;
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
        workers = new Workers(transport, metrics, accessLog, configuration);
        listeners =
                new Listeners(
                        transport,
                        workers.all(),
                        tickets,
                        configuration.cluster() == null ? null : ownPorts,
                        service == null ? null : service.keptSockets(transport));
        NodeConfig self = configuration.node();
        health = Health.start(StateFolder.of(configuration), self == null ? "" : self.name());
        ownNode = new OwnNode(tickets);
        activation =
                new Activation(
                        configuration,
                        control,
                        workers,
                        accessLog,
                        metrics,
                        backends,
                        listeners,
                        health,
                        admin,
                        ownNode);
        view =
                new StatusView(
                        activation::inForce,
                        listeners,
                        backends,
                        metrics,
                        latency,
                        ownNode::status,
                        service == null ? () -> null : service::view);
        sentence = new StatusSentence(activation::inForce, listeners, backends, ownNode::status);
        reload =
                new ConfigurationReload(
                        source, control, activation, listeners, metrics, service, sentence);
        certificates = new CertificateReload(control, activation, metrics);
    }

    private void open(Configuration configuration) throws StartFailure {
        workers.start();
        String fallback = transport.fallbackReason();
        if (fallback != null)
            Events.warn("transport-fallback", "transport", transport.kind(), "reason", fallback);
        if (configuration.usesTls() && TlsLibrary.inUse() == TlsLibrary.JDK)
            Events.warn("tls-fallback", "library", TlsLibrary.describe());
        metrics.serverState(view::servers);
        metrics.certificates(view::certificateEnds);
        String failure =
                control.ask(() -> activation.apply(InForce.now(configuration, null))).join();
        if (failure != null) throw new StartFailure(Main.FAILED, failure);
        control.everySecond("sample-failed", this::everySecond);
        certificates.start();
        admin.open(
                configuration.admin(),
                metrics,
                () -> view.status(control.stopping()),
                this::ready,
                new Operations(
                        activation::inForce,
                        backends,
                        health,
                        metrics,
                        reload::begin,
                        accessLog::reopen,
                        ownNode::cluster));
        // Last, so that clients of a floating IP find all open.
        StartFailure alone = control.ask(this::join).join();
        if (alone != null) throw alone;
    }

    /// On the thread `control`: no reload comes between what is in force and what the node begins with.
    ///
    /// @return why it failed, or null
    private @Nullable StartFailure join() {
        var parts =
                new Node.Parts(listeners, backends, ownPorts, transport.loops(), health, tickets);
        try {
            ownNode.join(activation.inForce().configuration(), parts, metrics);
            return null;
        } catch (StartFailure failure) {
            return failure;
        }
    }

    /// All is open, and a signal would stop it well.
    void serves() {
        Service manager = service;
        if (manager == null) return;
        manager.watch(transport.loops(), ownNode.turns());
        manager.ready(sentence.text());
    }

    /// On the thread `control`.
    private void everySecond() {
        for (Backend backend : backends.all()) {
            backend.budget()
                    .sample(
                            metrics.exchangesBegun(backend.name()),
                            backend.config().retry().budgetPercent());
        }
        latency.sample(System.nanoTime());
        ownNode.everySecond(Instant.now());
        listeners.everySecond();
        for (String name : listeners.forgetEmpty()) metrics.removeListener(name);
        if (service != null) service.status(sentence.text());
        activation.retireLingering();
    }

    private boolean ready() {
        return !control.stopping() && listeners.all().stream().allMatch(Listener::open);
    }

    // ---- from any thread

    /// Reads the configuration anew and puts it in force. What runs goes on: exchanges, tunnels, and connections to servers that
    /// stay. If it cannot be, all is as it was.
    public CompletableFuture<ReloadResult> reload() {
        return reload.begin();
    }

    /// Opens the access log's file anew: what moves logs away asks for that.
    ///
    /// @return as of [AccessLog#reopen]
    public CompletableFuture<Optional<Path>> reopenLogs() {
        return accessLog.reopen();
    }

    /// Where a listener is bound, with real ports.
    public List<InetSocketAddress> addresses(String listener) {
        return listeners.get(listener).addresses();
    }

    /// Where the admin port is bound, with real ports.
    public List<InetSocketAddress> adminAddresses() {
        return admin.addresses();
    }

    /// Hands over what this node owns, accepts no more, lets running exchanges finish within `shutdown.grace`, then ends everything. An
    /// address that no other node can take is kept until then. Blocks until it is over.
    public void stop() {
        if (control.stopping()) return;
        control.refuse();
        Duration grace = activation.inForce().configuration().shutdownGrace();
        if (service != null) service.stopping(grace.plus(AROUND_GRACE));
        control.end(CONTROL_END_MILLIS);
        ownNode.leave();
        long end = System.nanoTime() + grace.toNanos();
        Events.info(
                "stopping",
                "grace",
                grace.toMillis() + "ms",
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
        ownNode.close();
        listeners.letGo();
        finish(System.nanoTime() + LATECOMERS_NANOS, LATECOMERS_STEP_MILLIS);
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
        ownNode.close();
        certificates.close();
        control.close();
        activation.close();
        health.close();
        BoundedWait.on(workers.begun(Worker::close), LOOPS_END_MILLIS); // One may be stuck.
        transport.close(LOOPS_END_MILLIS);
        activation.closeLinks();
        admin.close();
        metrics.close();
        accessLog.close();
    }
}
