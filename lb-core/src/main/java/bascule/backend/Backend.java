package bascule.backend;

import bascule.balance.Balancer;
import bascule.balance.RoundRobin;
import bascule.config.BackendConfig;
import bascule.config.ServerAddress;
import bascule.server.Server;
import bascule.server.ServerSet;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A named group of servers with one balancing rule. Shared by all loops.
public final class Backend {
    private final BackendConfig config;
    private final List<Server> servers;
    private final Balancer balancer;

    /// @param firstIndex the dense index of its first server, see [Server#index()]
    public Backend(BackendConfig config, int firstIndex) {
        this.config = config;
        List<Server> all = new ArrayList<>();
        for (var server : config.servers())
            all.add(
                    new Server(
                            config.name(),
                            server.name(),
                            socket(server.address()),
                            firstIndex + all.size(),
                            server.weight(),
                            server.backup()));
        servers = List.copyOf(all);
        balancer =
                switch (config.balance()) {
                    case ROUND_ROBIN, LEAST_CONNECTIONS -> new RoundRobin(ServerSet.of(servers));
                };
    }

    private static InetSocketAddress socket(ServerAddress address) {
        return switch (address) {
            case ServerAddress.Ip(InetSocketAddress socket) -> socket;
            case ServerAddress.Dns(String host, int port) ->
                    InetSocketAddress.createUnresolved(host, port);
        };
    }

    public String name() {
        return config.name();
    }

    public BackendConfig config() {
        return config;
    }

    public List<Server> servers() {
        return servers;
    }

    /// The server whose turn it is, or null if none may be chosen.
    public @Nullable Server pick() {
        return balancer.pick();
    }
}
