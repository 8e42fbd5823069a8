package bascule.net;

/// What went wrong between a client and a server: whose doing it was, and whether the request may be sent again. Status, log
/// and retry follow from this table alone.
public enum Failure {
    /// The connection was refused or could not be made; the request never left.
    CONNECT(Whose.SERVER, Resend.ALWAYS, 502, "connect"),
    CONNECT_TIMEOUT(Whose.SERVER, Resend.ALWAYS, 504, "connect-timeout"),
    /// A connection was made, but no TLS came of it: its certificate is none that we trust, or it speaks no version of ours. The
    /// request never left.
    TLS(Whose.SERVER, Resend.ALWAYS, 502, "tls"),
    /// A connection was made, but no HTTP/2 came of it: the server did not agree to it, or said something else. The request never left.
    NO_HTTP2(Whose.SERVER, Resend.ALWAYS, 502, "no-http2"),
    /// The server ended its HTTP/2 connection and has told that it did not look at the request (GOAWAY, RFC 9113 §6.8).
    GOING_AWAY(Whose.SERVER, Resend.ALWAYS, 502, "going-away"),
    /// The server has told that it did not look at the request (REFUSED_STREAM, RFC 9113 §8.7).
    REFUSED_STREAM(Whose.SERVER, Resend.ALWAYS, 503, "refused-stream"),
    /// A client asked for a WebSocket, and the server takes none over HTTP/2 (RFC 8441 §3).
    NO_WEBSOCKET(Whose.US, Resend.NEVER, 502, "no-websocket"),
    /// The server closed before the first byte of its response.
    NO_RESPONSE(Whose.SERVER, Resend.IF_REPEATABLE, 502, "no-response"),
    RESPONSE_TIMEOUT(Whose.SERVER, Resend.IF_REPEATABLE, 504, "response-timeout"),
    /// A response that HTTP does not allow; its connection is not used again.
    BROKEN_RESPONSE(Whose.SERVER, Resend.NEVER, 502, "broken-response"),
    /// The response ended early after its head had been passed on.
    TRUNCATED(Whose.SERVER, Resend.NEVER, 502, "truncated"),
    /// No server may be chosen now.
    NO_SERVER(Whose.SERVER, Resend.NEVER, 503, "no-server"),
    /// All servers are full, and as many wait as may.
    QUEUE_FULL(Whose.SERVER, Resend.NEVER, 503, "queue-full"),
    /// Waited for a place at a server as long as `capacity.wait` says.
    QUEUE_TIMEOUT(Whose.SERVER, Resend.NEVER, 503, "queue-timeout"),
    /// The client went away.
    CLIENT_ABORT(Whose.CLIENT, Resend.NEVER, 0, "client-abort"),
    /// The client broke a rule of HTTP/2 in the middle of its request.
    CLIENT_BROKEN(Whose.CLIENT, Resend.NEVER, 0, "client-broken"),
    /// The client did not take a byte of the response for `limits.body-idle`.
    CLIENT_STALLED(Whose.CLIENT, Resend.NEVER, 0, "client-stalled"),
    /// An upgraded connection was silent for `timeouts.tunnel`.
    TUNNEL_IDLE(Whose.CLIENT, Resend.NEVER, 0, "tunnel-idle"),
    /// No descriptor was left for a connection to a server.
    EXHAUSTED(Whose.US, Resend.NEVER, 503, "exhausted"),
    /// Out of memory, or a bug: logged with its cause.
    OURS(Whose.US, Resend.NEVER, 500, "internal"),
    /// The daemon stops and the grace time is over.
    STOPPING(Whose.US, Resend.NEVER, 503, "stopping");

    /// Whose doing it was.
    public enum Whose {
        CLIENT,
        SERVER,
        US
    }

    /// May the request be sent again?
    public enum Resend {
        NEVER,
        /// Only if it asks for the same however often it is sent (RFC 9110 §9.2.2), since the server may have seen it.
        IF_REPEATABLE,
        ALWAYS
    }

    private final Whose whose;
    private final Resend resend;
    private final int status;
    private final String reason;

    Failure(Whose whose, Resend resend, int status, String reason) {
        this.whose = whose;
        this.resend = resend;
        this.status = status;
        this.reason = reason;
    }

    public Whose whose() {
        return whose;
    }

    public Resend resend() {
        return resend;
    }

    /// What the client is answered if nothing was answered yet; 0 if it is not there to hear it.
    public int status() {
        return status;
    }

    /// The word in logs and metrics.
    public String reason() {
        return reason;
    }
}
