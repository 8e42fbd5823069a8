package bascule.http;

/// Why a client's request or connection was refused: the status it is answered with and the word that stands as `reason` in
/// `rejected_total` and in the access log.
public enum Rejection {
    REQUEST_LINE(400, "request-line"),
    TARGET(400, "target"),
    FIELD(400, "field"),
    HOST(400, "host"),
    /// HTTP/2: a pseudo-field that is missing, unknown, there twice, or behind other fields.
    PSEUDO_FIELD(400, "pseudo-field"),
    FRAMING(400, "framing"),
    CHUNK(400, "chunk"),
    TRAILER(400, "trailer"),
    METHOD(405, "method"),
    VERSION(505, "version"),
    HEADER_TIME(408, "header-time"),
    BODY_IDLE(408, "body-idle"),
    BODY_TOO_LARGE(413, "body"),
    REQUEST_LINE_TOO_LONG(414, "request-line-too-long"),
    HEADERS_TOO_LARGE(431, "headers"),
    TOO_MANY_HEADERS(431, "header-count"),
    /// HTTP/2: a stream for something else than WebSocket (RFC 8441 §4).
    PROTOCOL(501, "protocol"),
    /// Over `rate-limit`: answered with when to come back.
    RATE_LIMIT(429, "rate-limit"),
    /// Too many pipelined requests: those in excess are not answered, the connection is closed after the last one that is.
    PIPELINED(0, "pipelined"),
    /// HTTP/2: frames that break a rule; the stream or the connection is ended.
    FRAMES(0, "frames"),
    /// HTTP/2: over `limits.streams`; the stream is refused.
    STREAMS(0, "streams"),
    /// HTTP/2: a connection with too many small offences; closed.
    GLITCHES(0, "glitches"),
    /// No TLS came about: not TLS, nothing in common, or the client went away: closed, within TLS with an alert.
    TLS(0, "tls"),
    /// `tls.strict-sni`, and no certificate for the host that the client asked for: closed with an alert.
    SNI(0, "unknown-name"),
    /// Longer than `tls.handshake-time`: closed without an answer.
    HANDSHAKE_TIME(0, "handshake-time"),
    /// For a host whose clients have to show another certificate than was asked for on this connection (RFC 9110 §15.5.20).
    MISDIRECTED(421, "misdirected"),
    /// Over `limits.connections`: closed without an answer.
    CONNECTIONS(0, "connections"),
    /// Over `limits.connections-per-client`: closed without an answer.
    CONNECTIONS_PER_CLIENT(0, "connections-per-client"),
    /// By `allow` or `deny`: closed without an answer.
    DENIED(0, "denied"),
    /// No direct memory left: closed without an answer.
    MEMORY(0, "memory");

    private final int status;
    private final String reason;

    Rejection(int status, String reason) {
        this.status = status;
        this.reason = reason;
    }

    /// 400 to 505, or 0 where nothing is answered.
    public int status() {
        return status;
    }

    public String reason() {
        return reason;
    }
}
