package bascule.config;

import java.time.Duration;

/// A `limits` block of a listener: what one client, or all together, may ask of us.
///
/// @param connections open connections of this listener, over all its loops
/// @param headerTime from the first byte of a head to its last
/// @param headersBytes the whole head: request line, fields, line ends
/// @param headerCount fields of one head
/// @param requestLineBytes the request line without its line end
/// @param bodyBytes one request body, decoded from its framing; [Long#MAX_VALUE] = off
/// @param bodyIdle longest silence within a body
/// @param pipelined requests of one connection that may wait for their turn
public record LimitsConfig(
        int connections,
        Duration headerTime,
        int headersBytes,
        int headerCount,
        int requestLineBytes,
        long bodyBytes,
        Duration bodyIdle,
        int pipelined) {}
