package bascule.tls;

/// What a certificate's key is good for. Ed25519 is missing: no browser takes it, and BoringSSL offers it to nobody unasked.
public enum KeyType {
    /// On the curve P-256, P-384 or P-521.
    ECDSA,
    /// Of 2048 to 8192 bits, which also signs as RSA-PSS.
    RSA
}
