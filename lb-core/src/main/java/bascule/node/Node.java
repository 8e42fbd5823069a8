package bascule.node;

import bascule.backend.Backends;
import bascule.cluster.Cluster;
import bascule.cluster.ClusterHost;
import bascule.cluster.ClusterSettings;
import bascule.cluster.ClusterStatus;
import bascule.cluster.OwnershipChange;
import bascule.cluster.net.LowDescriptors;
import bascule.cluster.ownership.Claim.Phase;
import bascule.cluster.ownership.Timings;
import bascule.cluster.port.OwnerPort;
import bascule.config.Configuration;
import bascule.health.Health;
import bascule.listen.Listeners;
import bascule.listen.OwnPorts;
import bascule.net.Loop;
import bascule.observe.ClusterSample;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.tls.TicketRing;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// A daemon as a node of its cluster: joins the two, and the gate. What the cluster says is told to operators by a thread of its own, `node`,
/// so that an ownership loop never waits for a log. All methods may be called from any thread.
public final class Node implements AutoCloseable {
    /// What waits for the thread `node`; beyond, news are dropped and that is told.
    private static final int MOST_WAITING = 4096;

    private static final long CLOSE_MILLIS = 1000;

    private final ClusterSettings settings;
    private final Listeners listeners;
    private final NodeEvents events;
    private final Map<String, InetAddress> addresses = new HashMap<>();
    private final ThreadPoolExecutor teller;
    private final LimitedEvent lost = new LimitedEvent(Duration.ofSeconds(10));
    private final Shared shared;
    private final long drainMillis;
    private final EventLoop loop;

    /// Floating IPs that are handed over, or were lately.
    private final Map<String, Farewell> farewells = new ConcurrentHashMap<>();

    private final Cluster cluster;
    private final Gate gate;

    /// The same, for those who ask before it is there: it calls while it starts.
    private volatile @Nullable Cluster started;

    private volatile String hash;
    private final AtomicBoolean closed = new AtomicBoolean();

    /// What a node is made of on this host.
    ///
    /// @param ownPorts the same that the listeners know
    public record Parts(
            Listeners listeners,
            Backends backends,
            OwnPorts ownPorts,
            List<Loop> loops,
            Health health,
            TicketRing tickets) {}

    /// To be called before the listeners are opened, so that they close first when the process is killed.
    ///
    /// @throws IOException if descriptors are short
    public static void prepare(Configuration configuration) throws IOException {
        if (!configuration.floatingIps().isEmpty()) LowDescriptors.reserve();
    }

    /// Joins; to be called once the listeners are open. Owns nothing before the gate has looked.
    ///
    /// @throws IOException if a port cannot be opened, with value and place; nothing is left open
    public static Node start(
            ClusterSettings settings, Configuration configuration, String version, Parts parts)
            throws IOException {
        return new Node(settings, configuration, version, parts);
    }

    private Node(ClusterSettings settings, Configuration configuration, String version, Parts parts)
            throws IOException {
        this.settings = settings;
        listeners = parts.listeners();
        hash = configuration.hash();
        ClusterSettings.Node self = settings.nodes().get(settings.self());
        drainMillis =
                TimeUnit.NANOSECONDS.toMillis(
                        (settings.calm() ? Timings.CALM : Timings.FAST).drain());
        loop = parts.loops().getFirst().executor();
        for (ClusterSettings.FloatingIp each : settings.floatingIps())
            addresses.put(each.name(), each.address());
        events = new NodeEvents(self.name(), List.copyOf(addresses.keySet()));
        teller =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(MOST_WAITING),
                        Thread.ofPlatform().name("node").daemon().factory(),
                        (_, executor) -> {
                            if (!executor.isShutdown()) lost.warn("cluster-news-lost");
                        });
        shared = new Shared(parts.health(), parts.tickets(), this::tellOthers, this::tell);
        try {
            cluster = Cluster.start(settings, version, new Host());
        } catch (IOException | RuntimeException | Error failure) {
            teller.shutdownNow();
            throw failure;
        }
        started = cluster;
        try {
            gate =
                    Gate.start(
                            parts.listeners(),
                            parts.backends(),
                            parts.ownPorts(),
                            parts.loops(),
                            Duties.of(configuration),
                            cluster::fitness);
        } catch (IOException | RuntimeException | Error failure) {
            cluster.close();
            teller.shutdownNow();
            throw failure;
        }
    }

    private void tellOthers(String topic, byte[] message) {
        Cluster told = started;
        if (told != null) told.tell(topic, message); // Else its greeting will.
    }

    public Cluster cluster() {
        return cluster;
    }

    public ClusterStatus status() {
        return cluster.status();
    }

    /// See [Cluster#turned].
    public long turned() {
        return cluster.turned();
    }

    /// A configuration is in force, in which nothing of the cluster's own is different.
    public void configuration(Configuration next) {
        hash = next.hash();
        gate.duties(Duties.of(next));
        cluster.configuration(next.hash());
        tell(() -> events.look(cluster.status(), hash));
    }

    /// For metrics, at each scrape.
    public ClusterSample sample() {
        OwnerPort.Dropped dropped = cluster.dropped();
        var byReason = new LinkedHashMap<String, Long>();
        byReason.put("forged", dropped.forged());
        byReason.put("replayed", dropped.replayed());
        byReason.put("unknown", dropped.unknown());
        byReason.put("malformed", dropped.malformed());
        return events.sample(cluster.status(), hash, byReason);
    }

    /// Once a second: what nobody tells of by itself is looked at.
    public void everySecond(Instant now) {
        ClusterStatus status = cluster.status();
        tell(() -> events.lookAgain(status, hash));
        String self = settings.nodes().get(settings.self()).name();
        String first = self;
        for (ClusterStatus.Node each : status.nodes())
            if (!each.state().equals("gone") && each.name().compareTo(first) < 0)
                first = each.name();
        shared.everySecond(now, first.equals(self));
    }

    /// Hands over all that this node owns to others that are fit, while clients are still served. Blocks for some seconds at most.
    public void leave() {
        cluster.leave();
    }

    /// An address that nobody else could take stays on this host for a moment, for this daemon's next run. A second call does nothing.
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) return;
        gate.close();
        cluster.close();
        teller.shutdown();
        try {
            var _ = teller.awaitTermination(CLOSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static Farewell.Keeper keeper(Cluster cluster) {
        return new Farewell.Keeper() {
            @Override
            public CompletableFuture<Void> holdNewcomers(String floatingIp) {
                return cluster.holdNewcomers(floatingIp);
            }

            @Override
            public void drained(String floatingIp) {
                cluster.drained(floatingIp);
            }
        };
    }

    private void tell(Runnable news) {
        try {
            teller.execute(
                    () -> {
                        try {
                            news.run();
                        } catch (RuntimeException | Error bug) {
                            Events.bug("cluster-news-failed", bug);
                        }
                    });
        } catch (RejectedExecutionException _) {
            // The node is closed.
        }
    }

    /// What the cluster asks of the daemon; on its threads.
    private final class Host implements ClusterHost {
        @Override
        public void drain(String floatingIp) {
            InetAddress address = addresses.get(floatingIp);
            Cluster told = started;
            if (address == null || told == null) return;
            var farewell =
                    new Farewell(
                            floatingIp, address, listeners, keeper(told), loop, Node.this::tell);
            farewells.put(floatingIp, farewell);
            farewell.begin(drainMillis);
        }

        @Override
        public void undrain(String floatingIp) {
            Farewell farewell = farewells.remove(floatingIp);
            if (farewell != null) farewell.end();
        }

        @Override
        public void changed(OwnershipChange change) {
            // Once it is another's, or ours anew, what was said of it before is over.
            boolean leaves = change.after() == Phase.DRAINING || change.after() == Phase.LEAVING;
            if (!leaves) undrain(change.floatingIp());
            tell(() -> events.changed(change));
        }

        @Override
        public void received(String topic, String node, byte[] message) {
            // Not by the teller: news may be dropped, orders not.
            shared.received(topic, node, message);
        }

        @Override
        public Map<String, byte[]> greeting() {
            return shared.greeting();
        }

        @Override
        public void viewChanged(ClusterStatus status) {
            tell(() -> events.look(status, hash));
        }

        @Override
        public void told(boolean worse, String event, Object... keyValues) {
            tell(() -> say(worse, event, keyValues));
        }

        private void say(boolean worse, String event, Object... keyValues) {
            for (Object each : keyValues) {
                if (!(each instanceof Throwable bug)) continue;
                Events.bug(event, bug);
                return;
            }
            if (worse) Events.worsened(event, keyValues);
            else Events.changed(event, keyValues);
        }
    }

    /// Its name, for messages.
    @Override
    public String toString() {
        return settings.nodes().get(settings.self()).name();
    }
}
