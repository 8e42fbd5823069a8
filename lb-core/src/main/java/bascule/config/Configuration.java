package bascule.config;

import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;

import bascule.tls.CertificateSet;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Everything that one daemon runs on: the effective configuration, every default filled in.
///
/// @param cluster null = a node that is alone
/// @param floatingIps sorted by name; none without a cluster
/// @param listeners sorted by name, at least one; of a witness none
/// @param backends sorted by name, of a witness none; every backend that a listener or a route names is among them
/// @param shutdownGrace how long running exchanges may take to end after a stop was asked for
/// @param loops number of event loops; 0 = one per core
/// @param state absolute: the folder of what is remembered over a restart
/// @param stateGiven whether it is another than the default, so that the operator counts on it
/// @param hash SHA-256 over [EffectiveConfiguration#render], 64 lower-case hex digits: equal on two nodes exactly when both
///     run the same configuration, whatever their files look like
/// @param part null = the same for all nodes: it is not known which one this is, or there is no cluster
public record Configuration(
        @Nullable ClusterConfig cluster,
        List<FloatingIpConfig> floatingIps,
        List<ListenerConfig> listeners,
        List<BackendConfig> backends,
        AdminConfig admin,
        LoggingConfig logging,
        Duration shutdownGrace,
        int loops,
        TransportKind transport,
        Path state,
        boolean stateGiven,
        String hash,
        @Nullable NodePart part) {
    private static final Kind<Duration> GRACE =
            Kind.duration(Duration.ZERO, ofHours(1)).or(Kind.OFF, Duration.ZERO);

    private static final Path STATE = Path.of("/var/lib/bascule");

    private static final int MAX_FLOATING_IPS = 64;

    public Configuration {
        floatingIps = List.copyOf(floatingIps);
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
    }

    static Configuration read(Section at) {
        // First, for what these open by default.
        Optional<ClusterConfig> cluster = at.blockIf("cluster", "key-file", ClusterConfig::read);
        AdminConfig admin = at.block("admin", "http", AdminConfig::read);
        List<ListenerConfig> listeners = at.named("listeners", "bind", ListenerConfig::read);
        if (!at.has("listeners")) at.refuseMissing("listeners", "listeners.NAME { … }");
        else if (listeners.isEmpty())
            at.refuse("listeners", "opens nothing", "one listener or more");
        at.refuseUnknownHttpsPort();
        List<FloatingIpConfig> floatingIps = floatingIps(at, cluster != null, listeners);
        var cookies = new HashMap<String, String>();
        List<BackendConfig> backends =
                at.named("backends", "servers", each -> BackendConfig.read(each, cookies));
        at.refuseUnknownBackends(backends.stream().map(BackendConfig::name).toList());
        LoggingConfig logging = at.block("logging", "access", LoggingConfig::read);
        Duration grace =
                at.block("shutdown", "grace", block -> block.get("grace", GRACE, ofSeconds(30)));
        int loops = at.get("loops", Kind.count(1, 1024).or("auto", 0), 0);
        TransportKind transport =
                at.get("transport", Kind.choice(TransportKind.class), TransportKind.EPOLL);
        Path state = at.get("state", Kind.folder(at.folder()), STATE);
        boolean stateGiven = !STATE.equals(state);
        at.ignore("let");
        return new Configuration(
                cluster == null ? null : cluster.orElse(null),
                floatingIps,
                listeners,
                backends,
                admin,
                logging,
                grace,
                loops,
                transport,
                state,
                stateGiven,
                "",
                null);
    }

    private static List<FloatingIpConfig> floatingIps(
            Section at, boolean hasCluster, List<ListenerConfig> listeners) {
        List<String> names = listeners.stream().map(ListenerConfig::name).toList();
        List<FloatingIpConfig> all =
                at.named("floating-ips", "address", each -> FloatingIpConfig.read(each, names));
        if (all.size() > MAX_FLOATING_IPS)
            at.refuse("floating-ips", "has " + all.size(), "up to " + MAX_FLOATING_IPS);
        if (!all.isEmpty() && !hasCluster)
            at.refuse("floating-ips", "have no nodes to be on", "cluster { nodes, key-file }");
        return all;
    }

    /// Does a listener or a backend?
    public boolean usesTls() {
        return listeners.stream().anyMatch(listener -> listener.tls() != null)
                || backends.stream().anyMatch(backend -> backend.tls() != null);
    }

    /// Where `redirect = https` leads: the port of the listeners with TLS; 443 if it is one of several; 0 if it is not clear, and then no
    /// redirect asks.
    public int httpsPort() {
        return httpsPort(httpsPorts(listeners));
    }

    static int httpsPort(Collection<Integer> ports) {
        if (ports.contains(443)) return 443;
        return ports.size() == 1 ? ports.iterator().next() : 0;
    }

    private static SortedSet<Integer> httpsPorts(List<ListenerConfig> listeners) {
        var ports = new TreeSet<Integer>();
        for (ListenerConfig listener : listeners)
            if (listener.tls() != null) listener.binds().forEach(bind -> ports.add(bind.getPort()));
        return ports;
    }

    /// The same after a folder of certificates has changed.
    public Configuration withCertificates(Path folder, CertificateSet certificates) {
        if (part != null)
            return part.whole().withCertificates(folder, certificates).forNode(part.node());
        List<ListenerConfig> changed =
                listeners.stream()
                        .map(listener -> listener.withCertificates(folder, certificates))
                        .toList();
        return with(changed, backends, admin, "", null).hashed();
    }

    /// Of the same, once it is complete.
    Configuration hashed() {
        String text = EffectiveConfiguration.render(this);
        String sha256 = PageContent.sha256(text.getBytes(StandardCharsets.UTF_8));
        return with(listeners, backends, admin, sha256, null);
    }

    /// What one node does of it: the host word `node` is its address; a witness has no listeners and no backends. Its hash is that of the
    /// whole, and so is its text.
    ///
    /// @param name of a node of the cluster
    public Configuration forNode(String name) {
        Configuration whole = part == null ? this : part.whole();
        NodeConfig node = cluster == null ? null : cluster.node(name);
        if (node == null) throw new IllegalArgumentException("no node " + name);
        InetAddress address = node.address();
        List<ListenerConfig> own =
                whole.listeners.stream().map(listener -> listener.on(address)).toList();
        return with(
                node.witness() ? List.of() : own,
                node.witness() ? List.of() : whole.backends,
                whole.admin.on(address),
                hash,
                new NodePart(name, whole));
    }

    /// The node that does this; null if that is not known, or there is no cluster.
    public @Nullable NodeConfig node() {
        return part == null || cluster == null ? null : cluster.node(part.node());
    }

    private Configuration with(
            List<ListenerConfig> newListeners,
            List<BackendConfig> newBackends,
            AdminConfig newAdmin,
            String newHash,
            @Nullable NodePart newPart) {
        return new Configuration(
                cluster,
                floatingIps,
                newListeners,
                newBackends,
                newAdmin,
                logging,
                shutdownGrace,
                loops,
                transport,
                state,
                stateGiven,
                newHash,
                newPart);
    }
}
