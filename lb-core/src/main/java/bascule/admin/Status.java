package bascule.admin;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// All that `/status` tells, in its shape: a field is a key. Taken at one moment, immutable.
///
/// @param node the name of this node
/// @param certificates of listeners with TLS
public record Status(
        String node,
        String version,
        long uptimeSeconds,
        Config config,
        Cluster cluster,
        List<FloatingIp> floatingIps,
        List<Listener> listeners,
        List<Backend> backends,
        List<Certificate> certificates) {
    public Status {
        floatingIps = List.copyOf(floatingIps);
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
        certificates = List.copyOf(certificates);
    }

    /// The configuration in force.
    public record Config(String hash, Instant loadedAt) {}

    public record Cluster(List<Node> nodes) {
        public Cluster {
            nodes = List.copyOf(nodes);
        }
    }

    /// @param address null for a node that is alone
    /// @param configHash null while it is not known
    public record Node(
            String name, @Nullable String address, String state, @Nullable String configHash) {}

    /// @param owner the node that holds it; null for none
    /// @param epoch grows with each change of owner
    /// @param eligible may this node own it
    /// @param reason why this node may not; null if it may
    public record FloatingIp(
            String name,
            String address,
            @Nullable String owner,
            long epoch,
            boolean eligible,
            @Nullable String reason) {}

    /// @param bind the addresses it listens on, with their real ports
    /// @param state `open`, `closed` or `draining`
    /// @param connections of clients, open now
    public record Listener(String name, List<String> bind, String state, long connections) {
        public Listener {
            bind = List.copyOf(bind);
        }
    }

    public record Backend(String name, List<Server> servers) {
        public Backend {
            servers = List.copyOf(servers);
        }
    }

    /// @param admin what the operator wants: `enabled`, `drained` or `disabled`
    /// @param health what the checks say: `up` or `down`; without a check `up`
    /// @param state what follows, as in the metric `server_state`
    /// @param connections open to it now
    public record Server(
            String name,
            String address,
            String admin,
            String health,
            String state,
            int weight,
            long connections) {}

    public record Certificate(List<String> names, Instant notAfter, String keyType) {
        public Certificate {
            names = List.copyOf(names);
        }
    }
}
