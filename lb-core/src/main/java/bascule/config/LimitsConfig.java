package bascule.config;

import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;

/// A `limits` block of a listener: what one client, or all together, may ask of us.
///
/// @param connections open connections of this listener, over all its loops
/// @param headerTime from the first byte of a head to its last
/// @param headersBytes the whole head: request line, fields, line ends
/// @param headerCount fields of one head
/// @param requestLineBytes the request line without its line end
/// @param bodyBytes one request body, decoded from its framing; [Long#MAX_VALUE] = off
/// @param bodyIdle longest silence of a client that owes the next step: within a body, or while its response waits to be taken
/// @param pipelined requests of one connection that may wait for their turn; if more do, the connection ends after these
/// @param streams exchanges of one HTTP/2 connection at a time
/// @param connectionsPerClient open connections of one client address, over all loops; [Integer#MAX_VALUE] = off
public record LimitsConfig(
        int connections,
        Duration headerTime,
        int headersBytes,
        int headerCount,
        int requestLineBytes,
        long bodyBytes,
        Duration bodyIdle,
        int pipelined,
        int streams,
        int connectionsPerClient) {
    static LimitsConfig read(Section at) {
        Kind<Long> body = Kind.size(0, 1L << 40).or(Kind.OFF, Long.MAX_VALUE);
        Kind<Integer> perClient = Kind.count(1, 1_000_000).or(Kind.OFF, Integer.MAX_VALUE);
        int connections = at.count("connections", 20_000, 1, 1_000_000);
        int connectionsPerClient = at.get("connections-per-client", perClient, Integer.MAX_VALUE);
        return new LimitsConfig(
                connections,
                at.duration("header-time", ofSeconds(10), ofMillis(1), ofMinutes(10)),
                (int) at.size("headers", 32 << 10, 1 << 10, 1 << 20),
                at.count("header-count", 100, 1, 1000),
                (int) at.size("request-line", 8 << 10, 64, 64 << 10),
                at.get("body", body, Long.MAX_VALUE),
                at.duration("body-idle", ofSeconds(30), ofMillis(1), ofHours(1)),
                at.count("pipelined", 16, 1, 1000),
                at.count("streams", 100, 1, 10_000),
                connectionsPerClient);
    }
}
