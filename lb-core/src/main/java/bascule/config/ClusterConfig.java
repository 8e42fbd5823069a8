package bascule.config;

import bascule.cluster.key.ClusterKey;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The `cluster` block.
///
/// @param port of the membership (TCP) and of the owner port (UDP), on each node's address; multicast has the one after it (UDP)
/// @param nodes sorted by name, 1 to 16, at least one of them no witness; each address once, all of one family
/// @param witness an address that tells whether a node is cut off; null = the default gateway
public record ClusterConfig(
        String name,
        KeyFileConfig keyFile,
        int port,
        Discovery discovery,
        Detection detect,
        List<NodeConfig> nodes,
        @Nullable InetAddress witness) {
    static final String GATEWAY = "gateway";

    private static final int MAX_NODES = 16;
    private static final int MAX_PORT = 65_535;

    public ClusterConfig {
        nodes = List.copyOf(nodes);
    }

    /// @return empty if there is no key: refused
    static Optional<ClusterConfig> read(Section at) {
        KeyFileConfig keyFile = keyFile(at);
        String name = at.get("name", Kind.NAME, "bascule");
        int port = at.count("port", 7800, 1, MAX_PORT);
        Discovery discovery = at.get("discovery", Kind.choice(Discovery.class), Discovery.STATIC);
        if (discovery == Discovery.MULTICAST && port == MAX_PORT)
            at.refuse("port", "leaves none after it for multicast", "up to " + (MAX_PORT - 1));
        Detection detect = at.get("detect", Kind.choice(Detection.class), Detection.FAST);
        List<NodeConfig> nodes = at.named("nodes", "address", NodeConfig::read);
        refuseFaulty(nodes, at);
        at.clusterIs(nodes.stream().map(NodeConfig::address).distinct().toList(), port);
        Kind<Optional<InetAddress>> gateway =
                Addresses.HOST.then(Optional::of).or(GATEWAY, Optional.empty());
        InetAddress witness = at.get("witness", gateway, Optional.empty()).orElse(null);
        if (witness != null) at.claimHost("witness", witness);
        if (keyFile == null) return Optional.empty();
        return Optional.of(
                new ClusterConfig(name, keyFile, port, discovery, detect, nodes, witness));
    }

    private static @Nullable KeyFileConfig keyFile(Section at) {
        Kind<Path> kind = Kind.file(KeyFileConfig.EXPECTED, at.folder());
        if (!at.has("key-file")) at.refuseMissing("key-file", kind.expected());
        Path file = at.find("key-file", kind);
        if (file == null) return null;
        return switch (ClusterKey.read(file)) {
            case ClusterKey.Read.Loaded(ClusterKey key) -> new KeyFileConfig(file, key);
            case ClusterKey.Read.Faulty(int line, String what, String expected) -> {
                at.refuse("key-file", (line == 0 ? "" : "line " + line + ": ") + what, expected);
                yield null;
            }
        };
    }

    private static void refuseFaulty(List<NodeConfig> nodes, Section at) {
        if (!at.has("nodes")) at.refuseMissing("nodes", "nodes { NAME = IP, … }");
        else if (nodes.isEmpty()) at.refuse("nodes", "names no node", "1 to " + MAX_NODES);
        else if (nodes.size() > MAX_NODES)
            at.refuse("nodes", "has " + nodes.size() + " nodes", "1 to " + MAX_NODES);
        else if (nodes.stream().allMatch(NodeConfig::witness))
            at.refuse("nodes", "are all witnesses, so none may own", "one that is no witness");
        List<NodeConfig> good =
                nodes.stream().filter(node -> !node.address().isAnyLocalAddress()).toList();
        refuseMixed(good, node -> node.address() instanceof Inet4Address, "IPv4", at);
        // All of them on the loop-back: a pair on one host, to try it out.
        refuseMixed(good, node -> node.address().isLoopbackAddress(), "a loop-back address", at);
    }

    private static void refuseMixed(
            List<NodeConfig> nodes, Predicate<NodeConfig> isSo, String what, Section at) {
        for (NodeConfig one : nodes) {
            for (NodeConfig other : nodes) {
                if (!isSo.test(one) || isSo.test(other)) continue;
                at.refuse(
                        "nodes",
                        "%s has %s, and %s has not".formatted(text(one), what, text(other)),
                        "nodes that reach each other");
                return;
            }
        }
    }

    private static String text(NodeConfig node) {
        return node.name() + " = " + Addresses.text(node.address());
    }

    /// @return null if there is none of this name
    public @Nullable NodeConfig node(String wanted) {
        for (NodeConfig each : nodes) if (each.name().equals(wanted)) return each;
        return null;
    }
}
