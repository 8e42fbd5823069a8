package bascule.admin;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// All that `/status` tells, in its shape: a field is a key. Taken at one moment, immutable.
///
/// @param node the name of this node
/// @param certificates of listeners with TLS
/// @param at when it was taken
/// @param changes the latest events, the newest first; at most [#MOST_CHANGES]
/// @param tls the library that does the cryptography, and why if it is not the one that is meant to; null where no listener or backend
///     has TLS
/// @param systemd null where the daemon is no service of it
public record Status(
        String node,
        String version,
        long uptimeSeconds,
        Config config,
        Cluster cluster,
        List<FloatingIp> floatingIps,
        List<Listener> listeners,
        List<Backend> backends,
        List<Certificate> certificates,
        Instant at,
        List<Change> changes,
        @Nullable String tls,
        @Nullable Systemd systemd) {
    /// How many events are told.
    public static final int MOST_CHANGES = 50;

    public Status {
        floatingIps = List.copyOf(floatingIps);
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
        certificates = List.copyOf(certificates);
        changes = List.copyOf(changes);
    }

    /// What the service manager does for the daemon.
    ///
    /// @param storedSockets listening sockets that are known to be in its store, for the next start
    /// @param notStored why some are not; null if all are
    /// @param watchdogSeconds null = nobody watches
    public record Systemd(
            int storedSockets, @Nullable String notStored, @Nullable Double watchdogSeconds) {}

    /// The configuration in force.
    ///
    /// @param result of the last attempt to load one: `loaded`, `refused` or `failed`
    /// @param reloadedAt when that attempt to load it anew was; null if there was none since the start
    public record Config(
            String hash, Instant loadedAt, String result, @Nullable Instant reloadedAt) {}

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
    /// @param exchanges that ended, since the start
    /// @param errors those of them that were answered with 5xx, by whomever, or not to the end
    public record Listener(
            String name,
            List<String> bind,
            String state,
            long connections,
            long exchanges,
            long errors) {
        public Listener {
            bind = List.copyOf(bind);
        }
    }

    /// @param balance as in the configuration, such as `round-robin`
    /// @param queued exchanges that wait for a place at one of its servers
    public record Backend(String name, List<Server> servers, String balance, long queued) {
        public Backend {
            servers = List.copyOf(servers);
        }
    }

    /// @param admin what the operator wants: `enabled`, `drained` or `disabled`
    /// @param health what the checks say: `up` or `down`; without a check `up`
    /// @param state what follows, as in the metric `server_state`
    /// @param connections open to it now
    /// @param backup is it in use only while no other server of its backend is usable?
    /// @param since when the state changed last
    /// @param check what the last check found; null where none is configured, or none has ended yet
    /// @param running exchanges in flight at it
    /// @param exchanges that ended, since the start
    /// @param errors those of them that were answered with 5xx, or not to the end
    /// @param p50Seconds median time of an exchange over about the last minute; null if none ended
    /// @param p99Seconds the same for the slowest in a hundred
    public record Server(
            String name,
            String address,
            String admin,
            String health,
            String state,
            int weight,
            long connections,
            boolean backup,
            Instant since,
            @Nullable String check,
            long running,
            long exchanges,
            long errors,
            @Nullable Double p50Seconds,
            @Nullable Double p99Seconds) {}

    public record Certificate(List<String> names, Instant notAfter, String keyType) {
        public Certificate {
            names = List.copyOf(names);
        }
    }

    /// @param event its stable name, as in the log
    /// @param text what the log says behind the name
    public record Change(Instant at, String event, String text) {}
}
