package bascule;

import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.LoadResult;
import bascule.config.NodeConfig;
import bascule.config.Spelling;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Which node of the cluster a daemon is. The file is the same on all: the host tells.
final class NodeIdentity {
    /// So long a host may take to have its network, where somebody starts the daemon at boot.
    static final long PATIENCE_MILLIS = 30_000;

    private static final long LOOK_MILLIS = 250;

    private NodeIdentity() {}

    /// What of a host may be yet to come while it boots.
    interface Addresses {
        /// @throws StartFailure if the kernel does not say
        Set<InetAddress> look() throws StartFailure;
    }

    /// What this host's node does of a configuration.
    ///
    /// @param given what `--node` says; null = nothing
    /// @throws StartFailure if it is not clear which node that is
    static Configuration part(Configuration whole, @Nullable String given) throws StartFailure {
        ClusterConfig cluster = whole.cluster();
        if (cluster == null) {
            if (given == null) return whole;
            throw refusal(
                    "--node %s: no such node (expected: a cluster in the configuration)"
                            .formatted(given));
        }
        return whole.forNode(
                given == null
                        ? find(cluster, localAddresses(), StatusView.hostName())
                        : named(cluster, given));
    }

    /// As [#part], for a service manager, which starts the daemon before anybody looks at the network: waits until an address of this host is that of
    /// a node. What the host is called counts only if none comes: its name is there long before the address that its node is to bind.
    ///
    /// @param waiting told once if that is so, and of what
    /// @throws StartFailure with [Main#FAILED] if none comes within [#PATIENCE_MILLIS], and no node is called as the host: it may come later, so that
    ///     the manager shall try again
    static Configuration awaitPart(
            Configuration whole, @Nullable String given, Consumer<String> waiting)
            throws StartFailure, InterruptedException {
        ClusterConfig cluster = whole.cluster();
        if (cluster == null || given != null) return part(whole, given);
        return whole.forNode(
                await(
                        cluster,
                        NodeIdentity::localAddresses,
                        StatusView.hostName(),
                        PATIENCE_MILLIS,
                        waiting));
    }

    static String await(
            ClusterConfig cluster,
            Addresses addresses,
            String hostName,
            long patienceMillis,
            Consumer<String> waiting)
            throws StartFailure, InterruptedException {
        long since = System.nanoTime();
        String found = byAddress(cluster, addresses.look());
        if (found != null) return found;
        waiting.accept(
                "waiting up to %d s for an address of %s on this host, %s"
                        .formatted(patienceMillis / 1000, texts(cluster.nodes()), hostName));
        while (System.nanoTime() - since < TimeUnit.MILLISECONDS.toNanos(patienceMillis)) {
            Thread.sleep(LOOK_MILLIS);
            found = byAddress(cluster, addresses.look());
            if (found != null) return found;
        }
        found = byName(cluster, hostName);
        if (found != null) return found;
        throw new StartFailure(Main.FAILED, nobody(cluster, hostName));
    }

    /// What the same node does of a configuration that has been read anew. As it is if the node is not in it any more: that is refused as a
    /// change that cannot be.
    static LoadResult part(LoadResult read, Configuration before) {
        NodeConfig node = before.node();
        if (node == null
                || !(read instanceof LoadResult.Loaded(Configuration whole))
                || whole.cluster() == null
                || whole.cluster().node(node.name()) == null) return read;
        return new LoadResult.Loaded(whole.forNode(node.name()));
    }

    private static String named(ClusterConfig cluster, String given) throws StartFailure {
        if (cluster.node(given) != null) return given;
        List<String> known = cluster.nodes().stream().map(NodeConfig::name).toList();
        throw refusal(
                "--node %s: no such node%s (expected: %s)"
                        .formatted(
                                given, Spelling.suggest(given, known), String.join(" or ", known)));
    }

    /// The node with an address of this host, else the one that is called as the host, in full or up to its first dot.
    static String find(ClusterConfig cluster, Set<InetAddress> local, String hostName)
            throws StartFailure {
        String found = byAddress(cluster, local);
        if (found == null) found = byName(cluster, hostName);
        if (found == null) throw refusal(nobody(cluster, hostName));
        return found;
    }

    private static @Nullable String byAddress(ClusterConfig cluster, Set<InetAddress> local)
            throws StartFailure {
        List<NodeConfig> here =
                cluster.nodes().stream().filter(node -> local.contains(node.address())).toList();
        if (here.size() == 1) return here.getFirst().name();
        if (here.size() > 1)
            throw refusal(
                    "cluster.nodes: the addresses of %s are all on this host (expected: of one node, or --node NAME)"
                            .formatted(texts(here)));
        return null;
    }

    private static @Nullable String byName(ClusterConfig cluster, String hostName) {
        String label = hostName.replaceFirst("\\..*", "");
        for (String each : List.of(hostName, label)) {
            for (NodeConfig node : cluster.nodes())
                if (node.name().equalsIgnoreCase(each)) return node.name();
        }
        return null;
    }

    private static String nobody(ClusterConfig cluster, String hostName) {
        return "cluster.nodes: this host, %s, is none of %s (expected: an address of one of them on an interface, or its name as host name, or --node NAME)"
                .formatted(hostName, texts(cluster.nodes()));
    }

    private static String texts(List<NodeConfig> nodes) {
        return nodes.stream()
                .map(node -> node.name() + " = " + NetUtil.toAddressString(node.address()))
                .collect(Collectors.joining(", "));
    }

    private static Set<InetAddress> localAddresses() throws StartFailure {
        try {
            return NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .collect(Collectors.toSet());
        } catch (SocketException e) {
            throw new StartFailure(
                    Main.FAILED, "cannot list this host's addresses: " + e.getMessage(), e);
        }
    }

    private static StartFailure refusal(String what) {
        return new StartFailure(Main.REFUSED, what);
    }
}
