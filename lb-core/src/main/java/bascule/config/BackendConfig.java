package bascule.config;

import java.time.Duration;
import java.util.List;

/// One `backends.<name>` block.
///
/// @param servers at least one, in the order of the file, each name once
/// @param connectTimeout for one TCP connection
/// @param responseTimeout from the end of the request to the head of its response
/// @param idleTimeout how long an unused connection to a server is kept
/// @param tunnelTimeout how long an upgraded connection may be silent in both directions
public record BackendConfig(
        String name,
        List<ServerConfig> servers,
        Balance balance,
        Duration connectTimeout,
        Duration responseTimeout,
        Duration idleTimeout,
        Duration tunnelTimeout) {
    public BackendConfig {
        servers = List.copyOf(servers);
    }
}
