package bascule.http1;

import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;

/// What a listener demands of its clients, in the units of the hot path.
///
/// @param head bounds of a head
/// @param headerNanos longest time from a request's first byte, or from the accept, to the end of its head
/// @param bodyBytes longest body; `Long.MAX_VALUE` if unbounded
/// @param bodyIdleNanos longest silence within a body, and longest wait for a client to take some of what waits for it
/// @param idleNanos longest silence between two requests
/// @param pipelined most requests answered of one burst
/// @param streams most streams of an HTTP/2 connection at a time
public record FrontSettings(
        HeadLimits head,
        long headerNanos,
        long bodyBytes,
        long bodyIdleNanos,
        long idleNanos,
        int pipelined,
        int streams) {
    public static FrontSettings of(ListenerConfig listener) {
        LimitsConfig limits = listener.limits();
        return new FrontSettings(
                new HeadLimits(
                        limits.headersBytes(), limits.headerCount(), limits.requestLineBytes()),
                limits.headerTime().toNanos(),
                limits.bodyBytes(),
                limits.bodyIdle().toNanos(),
                listener.idleTimeout().toNanos(),
                limits.pipelined(),
                limits.streams());
    }
}
