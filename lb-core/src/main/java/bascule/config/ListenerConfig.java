package bascule.config;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One `listeners.<name>` block. What answers a request is asked in this order: `routes`, then `redirect`, then `backend`;
/// at least one of them is there, and never both of the last two.
///
/// @param binds at least one, each resolved; `:80` is `[::]:80`; port 0 = any free port
/// @param backend the backend for what no route matches; null = 404
/// @param trust peers whose forwarded fields count
/// @param idleTimeout how long a client connection may rest between two requests
/// @param tunnelTimeout how long an upgraded connection may be silent in both directions
public record ListenerConfig(
        String name,
        List<InetSocketAddress> binds,
        @Nullable String backend,
        List<RouteConfig> routes,
        @Nullable RedirectConfig redirect,
        List<Cidr> trust,
        ForwardedConfig forwarded,
        LimitsConfig limits,
        Duration idleTimeout,
        Duration tunnelTimeout) {
    public ListenerConfig {
        binds = List.copyOf(binds);
        routes = List.copyOf(routes);
        trust = List.copyOf(trust);
    }
}
