package bascule.config;

/// What a backend's servers are spoken to in.
public enum BackendProtocol {
    HTTP1,
    /// HTTP/2: with TLS as ALPN says, without it by prior knowledge (RFC 9113 §3.3).
    H2
}
