package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;

/// One `backends.<name>` block.
///
/// @param servers at least one, in the order of the file, each name once
/// @param connectTimeout for one TCP connection
/// @param responseTimeout longest silence of a server that owes the next step: the head of a response, the next piece of its
///     body, or room for more of a request
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

    private record Timeouts(Duration connect, Duration response, Duration idle, Duration tunnel) {
        static Timeouts read(Section at) {
            return new Timeouts(
                    at.duration("connect", ofSeconds(2), ofMillis(1), ofMinutes(1)),
                    at.duration("response", ofSeconds(30), ofMillis(1), ofDays(1)),
                    at.duration("idle", ofSeconds(60), ofMillis(1), ofDays(1)),
                    at.duration("tunnel", ofHours(1), ofMillis(1), ofDays(7)));
        }
    }

    static BackendConfig read(Section at) {
        var names = new HashSet<String>();
        List<ServerConfig> servers =
                at.blocks(
                        "servers",
                        "address",
                        "IP:PORT or { address, … }",
                        1,
                        1000,
                        each -> ServerConfig.read(each, names));
        Balance balance = at.get("balance", Kind.choice(Balance.class), Balance.ROUND_ROBIN);
        Timeouts timeouts = at.block("timeouts", "connect", Timeouts::read);
        return new BackendConfig(
                at.name(),
                servers,
                balance,
                timeouts.connect,
                timeouts.response,
                timeouts.idle,
                timeouts.tunnel);
    }
}
