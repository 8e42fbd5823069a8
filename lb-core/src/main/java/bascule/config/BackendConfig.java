package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One `backends.<name>` block.
///
/// @param servers at least one, in the order of the file, each name once
/// @param tls null = off
/// @param check null = none: a server counts as up
/// @param eject null = off
/// @param slowStart how long a server that came up takes to reach its full share; [Duration#ZERO] = off
/// @param capacity null = no bound
/// @param sticky null = off
/// @param maintenance null = off
/// @param connectTimeout for one TCP connection, with its TLS handshake
/// @param responseTimeout longest silence of a server that owes the next step: the head of a response, the next piece of its
///     body, or room for more of a request
/// @param idleTimeout how long an unused connection to a server is kept
/// @param tunnelTimeout how long an upgraded connection may be silent in both directions
public record BackendConfig(
        String name,
        List<ServerConfig> servers,
        Balance balance,
        BackendProtocol protocol,
        @Nullable BackendTlsConfig tls,
        @Nullable CheckConfig check,
        @Nullable EjectConfig eject,
        Duration slowStart,
        @Nullable CapacityConfig capacity,
        RetryConfig retry,
        @Nullable StickyConfig sticky,
        @Nullable MaintenanceConfig maintenance,
        Duration connectTimeout,
        Duration responseTimeout,
        Duration idleTimeout,
        Duration tunnelTimeout) {
    private static final Kind<Duration> SLOW_START =
            Kind.duration(ofSeconds(1), ofHours(1)).or(Kind.OFF, Duration.ZERO);

    public BackendConfig {
        servers = List.copyOf(servers);
    }

    private record Timeouts(Duration connect, Duration response, Duration idle, Duration tunnel) {
        static Timeouts read(Section at) {
            return new Timeouts(
                    at.duration("connect", ofSeconds(2), ofMillis(1), ofMinutes(1)),
                    at.duration("response", ofSeconds(30), ofMillis(1), ofDays(1)),
                    at.duration("idle", ofSeconds(60), ofMillis(1), ofDays(1)),
                    at.duration("tunnel", ofHours(1), ofMillis(1), ofDays(7)));
        }
    }

    /// The same with other servers.
    public BackendConfig withServers(List<ServerConfig> others) {
        return new BackendConfig(
                name,
                others,
                balance,
                protocol,
                tls,
                check,
                eject,
                slowStart,
                capacity,
                retry,
                sticky,
                maintenance,
                connectTimeout,
                responseTimeout,
                idleTimeout,
                tunnelTimeout);
    }

    /// @param cookies the name of each sticky cookie so far, and its backend
    static BackendConfig read(Section at, Map<String, String> cookies) {
        var names = new HashSet<String>();
        List<ServerConfig> servers =
                at.blocks(
                        "servers",
                        "address",
                        "IP:PORT, NAME:PORT or { address, … }",
                        1,
                        1000,
                        each -> ServerConfig.read(each, names));
        Balance balance = at.get("balance", Kind.choice(Balance.class), Balance.ROUND_ROBIN);
        BackendProtocol protocol =
                at.get("protocol", Kind.choice(BackendProtocol.class), BackendProtocol.HTTP1);
        BackendTlsConfig tls = at.blockIfOn("tls", "verify", BackendTlsConfig::read);
        CheckConfig check = at.blockIf("check", "http", block -> CheckConfig.read(block, protocol));
        EjectConfig eject = at.blockIfOn("eject", "errors", EjectConfig::read);
        Duration slowStart = at.get("slow-start", SLOW_START, Duration.ZERO);
        CapacityConfig capacity = at.blockIf("capacity", "connections", CapacityConfig::read);
        RetryConfig retry = at.block("retry", "tries", RetryConfig::read);
        StickyConfig sticky =
                at.blockIf("sticky", "name", block -> StickyConfig.read(block, at.name(), cookies));
        MaintenanceConfig maintenance =
                at.blockIfOn("maintenance", "page", MaintenanceConfig::read);
        Timeouts timeouts = at.block("timeouts", "connect", Timeouts::read);
        return new BackendConfig(
                at.name(),
                servers,
                balance,
                protocol,
                tls,
                check,
                eject,
                slowStart,
                capacity,
                retry,
                sticky,
                maintenance,
                timeouts.connect,
                timeouts.response,
                timeouts.idle,
                timeouts.tunnel);
    }
}
