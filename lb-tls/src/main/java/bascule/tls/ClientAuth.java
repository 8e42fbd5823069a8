package bascule.tls;

/// Whether a client has to show a certificate.
public enum ClientAuth {
    NONE,
    /// It is asked for one; if it shows one, that must be good.
    OPTIONAL,
    REQUIRED
}
