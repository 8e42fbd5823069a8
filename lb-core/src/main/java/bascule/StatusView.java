package bascule;

import bascule.admin.Status;
import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.cluster.ClusterStatus;
import bascule.config.Configuration;
import bascule.config.ListenerConfig;
import bascule.config.NodeConfig;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.observe.Events;
import bascule.observe.Latency;
import bascule.observe.Metrics;
import bascule.observe.RecentLatency;
import bascule.observe.ServerSample;
import bascule.observe.ServerTotals;
import bascule.server.Server;
import bascule.tls.Certificate;
import bascule.tls.TlsLibrary;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What the daemon tells of itself: its listeners and servers, as they are at the moment of the question. Read by the admin port's
/// thread; touches nothing.
record StatusView(
        Supplier<InForce> inForce,
        Listeners listeners,
        Backends backends,
        Metrics metrics,
        RecentLatency latency,
        Supplier<@Nullable ClusterStatus> cluster,
        Supplier<Status.@Nullable Systemd> systemd) {
    /// What a node without a cluster is called; asked once.
    private static final String HOST_NAME = hostName();

    /// For `server_up` and `server_state`.
    List<ServerSample> servers() {
        return backends.all().stream()
                .flatMap(backend -> backend.servers().stream())
                .map(
                        server ->
                                new ServerSample(
                                        server.backend(),
                                        server.name(),
                                        server.status().usable(),
                                        server.status().state()))
                .toList();
    }

    /// For `/status`.
    Status status(boolean stopping) {
        InForce now = inForce.get();
        String hash = now.configuration().hash();
        String node = node(now.configuration());
        ClusterStatus seen = cluster.get();
        return new Status(
                node,
                Version.current(),
                ManagementFactory.getRuntimeMXBean().getUptime() / 1000,
                new Status.Config(hash, now.since(), now.lastResult(), now.lastReload()),
                new Status.Cluster(
                        seen == null
                                ? List.of(alone(now.configuration(), stopping))
                                : seen.nodes().stream().map(StatusView::of).toList()),
                seen == null ? List.of() : seen.floatingIps().stream().map(StatusView::of).toList(),
                listeners.all().stream().map(listener -> of(listener, stopping)).toList(),
                backends.all().stream().map(this::of).toList(),
                certificates(),
                Instant.now(),
                changes(),
                now.configuration().usesTls() ? TlsLibrary.describe() : null,
                systemd.get());
    }

    private static String node(Configuration configuration) {
        NodeConfig self = configuration.node();
        return self == null ? HOST_NAME : self.name();
    }

    /// The only node, or one that has not joined yet.
    private static Status.Node alone(Configuration configuration, boolean stopping) {
        NodeConfig self = configuration.node();
        return new Status.Node(
                node(configuration),
                self == null ? null : NetUtil.toAddressString(self.address()),
                stopping ? "stopping" : "up",
                configuration.hash());
    }

    private static Status.Node of(ClusterStatus.Node node) {
        return new Status.Node(node.name(), node.address(), node.state(), node.configHash());
    }

    private static Status.FloatingIp of(ClusterStatus.FloatingIp each) {
        return new Status.FloatingIp(
                each.name(),
                each.address(),
                each.owner(),
                each.epoch(),
                each.eligible(),
                each.reason());
    }

    /// Each once, in the order of the listeners and of their files.
    private List<Status.Certificate> certificates() {
        return shown().map(
                        each ->
                                new Status.Certificate(
                                        each.names(), each.notAfter(), each.keyType().name()))
                .distinct()
                .toList();
    }

    private Stream<Certificate> shown() {
        return inForce.get().configuration().listeners().stream()
                .map(ListenerConfig::tls)
                .filter(Objects::nonNull)
                .flatMap(tls -> tls.certificates().certificates().stream());
    }

    /// For `certificate_expiry_timestamp_seconds`: by the first name, and where there is none, by the file's. Of two with the same name and key
    /// type the later one is shown to clients; of two key types each is, so the first to end counts.
    Map<String, Instant> certificateEnds() {
        var latest = new HashMap<List<Object>, Instant>();
        for (Certificate each : shown().toList()) {
            String name =
                    each.names().isEmpty()
                            ? String.valueOf(each.file().getFileName())
                            : each.names().getFirst();
            latest.merge(
                    List.of(name, each.keyType()),
                    each.notAfter(),
                    (one, other) -> one.isAfter(other) ? one : other);
        }
        var ends = new TreeMap<String, Instant>();
        latest.forEach(
                (key, end) ->
                        ends.merge(
                                (String) key.getFirst(),
                                end,
                                (one, other) -> one.isBefore(other) ? one : other));
        return ends;
    }

    private static List<Status.Change> changes() {
        return Events.recent().stream()
                .limit(Status.MOST_CHANGES)
                .map(change -> new Status.Change(change.time(), change.name(), change.text()))
                .toList();
    }

    private Status.Listener of(Listener listener, boolean stopping) {
        ServerTotals totals = metrics.listenerTotals(listener.name());
        String state = stopping ? "draining" : listener.open() ? "open" : "closed";
        return new Status.Listener(
                listener.name(),
                texts(listener.addresses()),
                state,
                listener.connections(),
                totals.exchanges(),
                totals.errors());
    }

    private Status.Backend of(Backend backend) {
        return new Status.Backend(
                backend.name(),
                backend.servers().stream().map(this::of).toList(),
                word(backend.config().balance()),
                backend.waiting());
    }

    private Status.Server of(Server server) {
        ServerTotals totals = metrics.serverTotals(server.backend(), server.name());
        Latency recent = latency.of(server.backend(), server.name());
        return new Status.Server(
                server.name(),
                NetUtil.toSocketAddressString(server.address()),
                Operations.word(server.status().admin()),
                switch (server.status().health()) {
                    case UNKNOWN, UP, EJECTED -> "up";
                    case DOWN -> "down";
                },
                server.status().state(),
                server.weight(),
                metrics.serverConnections(server.backend(), server.name()),
                server.backup(),
                server.since(),
                server.checkText(),
                metrics.serverRunning(server.backend(), server.name()),
                totals.exchanges(),
                totals.errors(),
                seconds(recent.p50Nanos()),
                seconds(recent.p99Nanos()));
    }

    /// To the microsecond: the digits behind it say nothing.
    private static @Nullable Double seconds(long nanos) {
        return nanos < 0 ? null : (double) Math.ceilDiv(nanos, 1000) / 1e6;
    }

    /// As in the configuration: `round-robin`.
    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// `192.0.2.1:80`, `[2001:db8::1]:80`.
    static List<String> texts(List<InetSocketAddress> addresses) {
        return addresses.stream().map(NetUtil::toSocketAddressString).toList();
    }

    static String hostName() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException unreadable) {
            return "unknown"; // Not InetAddress.getLocalHost(): a look-up may take seconds.
        }
    }
}
