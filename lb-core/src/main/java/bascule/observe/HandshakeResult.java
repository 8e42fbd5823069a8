package bascule.observe;

/// What became of a client's TLS handshake: the label `result` of `tls_handshakes_total`.
public enum HandshakeResult {
    OK(0, "ok"),
    /// Nothing in common, a client certificate that does not do, or bytes that no handshake has.
    FAILED(1, "failed"),
    /// What came first was no ClientHello.
    MALFORMED(2, "malformed"),
    /// The client asked for a host without a certificate, and `tls.strict-sni` is on.
    UNKNOWN_NAME(3, "unknown-name"),
    TIMEOUT(4, "handshake-time"),
    /// The client went away.
    ABORTED(5, "aborted");

    final int index;
    final String label;

    HandshakeResult(int index, String label) {
        this.index = index;
        this.label = label;
    }
}
