package bascule.config;

/// What becomes of `X-Forwarded-For`, `-Proto` and `-Host` on the way to a server.
public enum XForwarded {
    /// Ours take the place of what the client sent; the list of a trusted peer is continued.
    REPLACE,
    /// Ours continue the list of anyone, trusted or not.
    APPEND,
    /// None are added; what the client sent passes as it is.
    OFF
}
