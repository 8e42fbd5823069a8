package bascule.config;

/// What becomes of `X-Forwarded-For`, `-Proto` and `-Host` on the way to a server.
public enum XForwarded {
    /// Ours take the place of whatever the client sent.
    REPLACE,
    /// Ours follow those of a trusted peer.
    APPEND,
    /// None are added.
    OFF
}
