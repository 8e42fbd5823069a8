package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;

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

    private record Timeouts(Duration idle, Duration tunnel) {
        static Timeouts read(Section at) {
            Duration idle = at.duration("idle", ofSeconds(60), ofMillis(1), ofDays(1));
            Duration tunnel = at.duration("tunnel", ofHours(1), ofMillis(1), ofDays(7));
            return new Timeouts(idle, tunnel);
        }
    }

    static ListenerConfig read(Section at) {
        List<InetSocketAddress> binds = at.binds("bind", 1, List.of());
        String backend = at.backend("backend");
        List<RouteConfig> routes =
                at.blocks(
                        "routes",
                        "backend",
                        "{ host, path, …, backend }",
                        0,
                        10_000,
                        RouteConfig::read);
        RedirectConfig redirect = at.blockIf("redirect", "scheme", RedirectConfig::read);
        if (backend != null && redirect != null)
            at.refuse("backend", "is never asked, for redirect answers first", "one of them");
        if (!at.has("backend") && routes.isEmpty() && redirect == null)
            at.refuseMissing("backend", "a backend, or routes, or redirect");
        List<Cidr> trust = at.list("trust", Cidr.KIND, 0, 10_000);
        ForwardedConfig forwarded = at.block("forwarded", "x-forwarded", ForwardedConfig::read);
        LimitsConfig limits = at.block("limits", "connections", LimitsConfig::read);
        Timeouts timeouts = at.block("timeouts", "idle", Timeouts::read);
        return new ListenerConfig(
                at.name(),
                binds,
                backend,
                routes,
                redirect,
                trust,
                forwarded,
                limits,
                timeouts.idle,
                timeouts.tunnel);
    }
}
