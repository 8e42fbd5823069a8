package bascule.cluster;

import bascule.cluster.key.ClusterKey;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a cluster runs on.
///
/// @param nodes sorted by name, this one among them
/// @param self index of this node in them
/// @param port of the membership (TCP) and of the owner port (UDP)
/// @param multicast are other nodes looked for by multicast, too?
/// @param calm `detect = calm`
/// @param witness an address; null = the default gateway
/// @param floatingIps sorted by name
/// @param configHash of the configuration in force: 64 hex digits
/// @param state where epochs are kept over a restart; null = nowhere
/// @param run where the file `release-on-death` is; null = nowhere
public record ClusterSettings(
        String name,
        ClusterKey key,
        List<Node> nodes,
        int self,
        int port,
        boolean multicast,
        boolean calm,
        @Nullable InetAddress witness,
        List<FloatingIp> floatingIps,
        String configHash,
        @Nullable Path state,
        @Nullable Path run) {
    /// @param witness a member that never owns
    public record Node(String name, InetAddress address, int priority, boolean witness) {}

    /// @param prefix length of the subnet that it belongs to
    /// @param interfaceName null = the first with that subnet
    /// @param command called instead of putting the address on an interface; null = none
    public record FloatingIp(
            String name,
            InetAddress address,
            int prefix,
            @Nullable String interfaceName,
            boolean preempt,
            @Nullable Command command) {}

    /// A hook: `FILE take|release NAME ADDRESS EPOCH`, 0 = done; has to be idempotent.
    public record Command(Path file, Duration timeout) {}

    public ClusterSettings {
        nodes = List.copyOf(nodes);
        floatingIps = List.copyOf(floatingIps);
    }
}
