package bascule.http;

/// Request methods that Bascule treats apart (RFC 9110 §9); every other token is [#OTHER] and is forwarded as it came.
public enum Method {
    GET(true),
    HEAD(true),
    POST(false),
    PUT(true),
    DELETE(true),
    OPTIONS(true),
    PATCH(false),
    TRACE(true),
    CONNECT(false),
    OTHER(false);

    private final boolean idempotent;

    Method(boolean idempotent) {
        this.idempotent = idempotent;
    }

    /// May the request be sent a second time without the client having asked for it (RFC 9110 §9.2.2)?
    public boolean idempotent() {
        return idempotent;
    }
}
