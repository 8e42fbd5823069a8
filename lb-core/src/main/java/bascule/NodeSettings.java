package bascule;

import bascule.cluster.ClusterSettings;
import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.Detection;
import bascule.config.Discovery;
import bascule.config.FloatingIpConfig;
import bascule.config.NodeConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// From the file's words for a cluster to those of `bascule.cluster`.
final class NodeSettings {
    /// Of one call of a `command`.
    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(10);

    private NodeSettings() {}

    /// @param configuration one node's part
    /// @param state where epochs are kept over a restart; null = nowhere
    static ClusterSettings of(Configuration configuration, @Nullable Path state) {
        ClusterConfig cluster = Objects.requireNonNull(configuration.cluster());
        NodeConfig self = Objects.requireNonNull(configuration.node());
        return new ClusterSettings(
                cluster.name(),
                cluster.keyFile().key(),
                cluster.nodes().stream().map(NodeSettings::of).toList(),
                cluster.nodes().indexOf(self),
                cluster.port(),
                cluster.discovery() == Discovery.MULTICAST,
                cluster.detect() == Detection.CALM,
                cluster.witness(),
                configuration.floatingIps().stream().map(NodeSettings::of).toList(),
                configuration.hash(),
                state,
                run(configuration));
    }

    /// Where the file `release-on-death` is: in the folder that the unit's ExecStopPost looks into, else beside the admin socket, if there is such a
    /// folder; null = nowhere.
    private static @Nullable Path run(Configuration configuration) {
        String ofTheUnit = System.getenv("RUNTIME_DIRECTORY"); // systemd.exec(5)
        if (ofTheUnit != null && ofTheUnit.startsWith("/"))
            return Path.of(ofTheUnit.split(":", 2)[0]);
        Path socket = configuration.admin().socket();
        Path folder = socket == null ? null : socket.getParent();
        return folder != null && Files.isDirectory(folder) ? folder : null;
    }

    private static ClusterSettings.Node of(NodeConfig node) {
        return new ClusterSettings.Node(
                node.name(), node.address(), node.priority(), node.witness());
    }

    private static ClusterSettings.FloatingIp of(FloatingIpConfig ip) {
        return new ClusterSettings.FloatingIp(
                ip.name(),
                ip.address(),
                ip.prefix(),
                ip.interfaceName(),
                ip.preempt(),
                ip.command() == null
                        ? null
                        : new ClusterSettings.Command(ip.command(), COMMAND_TIMEOUT));
    }
}
