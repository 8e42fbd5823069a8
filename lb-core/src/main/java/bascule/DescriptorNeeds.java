package bascule;

import bascule.backend.Http1Pool;
import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.net.Descriptors;
import org.jspecify.annotations.Nullable;

/// The sum of what a configuration may need, held against what the host allows: to find out under load costs clients.
final class DescriptorNeeds {
    /// Class files, logs, 64 connections each of the admin port and the admin socket, epoll.
    private static final int OWN = 264;

    /// The cluster's ports, netlink, packet sockets, the gate; and for each node a few sockets.
    private static final int OF_CLUSTER = 64;

    private static final int OF_NODE = 8;

    private DescriptorNeeds() {}

    /// @param beside listening sockets that are open and not wanted: they stay until all that are wanted are open too
    /// @return what is wrong, or null
    static @Nullable String lacking(Configuration configuration, int beside) {
        long clients =
                configuration.listeners().stream()
                        .mapToLong(listener -> listener.limits().connections())
                        .sum();
        int loops =
                configuration.loops() == 0
                        ? Runtime.getRuntime().availableProcessors()
                        : configuration.loops();
        long servers =
                configuration.backends().stream()
                        .mapToLong(backend -> backend.servers().size())
                        .sum();
        long idle = Math.min(clients, servers * loops * Http1Pool.MOST_IDLE);
        long sockets =
                configuration.listeners().stream()
                        .mapToLong(listener -> (long) listener.binds().size() * loops)
                        .sum();
        long own = sockets + beside + OWN + ofCluster(configuration.cluster());
        long needed = 2 * clients + idle + own;
        long limit = Descriptors.limit();
        if (needed <= limit) return null;
        return "%d file descriptors may be needed (%d client connections of all listeners, as many to servers, %d idle to servers, %d of the daemon's own), and the limit RLIMIT_NOFILE is %d (expected: a higher limit, LimitNOFILE= in the unit or ulimit -n, or lower limits.connections)"
                .formatted(needed, clients, idle, own, limit);
    }

    private static long ofCluster(@Nullable ClusterConfig cluster) {
        return cluster == null ? 0 : OF_CLUSTER + (long) OF_NODE * cluster.nodes().size();
    }
}
