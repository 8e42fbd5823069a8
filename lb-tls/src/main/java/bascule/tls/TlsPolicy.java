package bascule.tls;

/// Which clients are served, by the terms of Mozilla's recommendations for servers.
public enum TlsPolicy {
    /// TLS 1.2 and 1.3, forward secrecy and authenticated encryption only.
    INTERMEDIATE,
    /// TLS 1.3 alone.
    MODERN
}
