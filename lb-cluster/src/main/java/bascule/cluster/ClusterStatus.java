package bascule.cluster;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A cluster as one node sees it, at one moment.
public record ClusterStatus(List<Node> nodes, List<FloatingIp> floatingIps) {
    /// @param state `up` (this node, or heard of and in view), `partial` (one of the two), `gone`, `stopping`
    /// @param configHash null while it is not known
    public record Node(
            String name,
            String address,
            String state,
            boolean witness,
            @Nullable String configHash) {}

    /// @param owner null for none that is known
    /// @param eligible may this node own it?
    /// @param reason why not; null if it may
    public record FloatingIp(
            String name,
            String address,
            @Nullable String owner,
            long epoch,
            boolean eligible,
            @Nullable String reason) {}

    public ClusterStatus {
        nodes = List.copyOf(nodes);
        floatingIps = List.copyOf(floatingIps);
    }
}
