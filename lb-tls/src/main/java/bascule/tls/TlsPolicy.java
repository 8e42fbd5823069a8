package bascule.tls;

import java.util.List;
import java.util.stream.Stream;

/// What is agreed to in a handshake. Our order decides; but of the three ciphers of TLS 1.3 BoringSSL takes AES where both sides have
/// instructions for it. Never: renegotiation, compression, 0-RTT, static RSA, CBC.
public enum TlsPolicy {
    /// TLS 1.2 and 1.3: what Mozilla's guideline for servers calls intermediate (version 5.7), without DHE, which BoringSSL has not.
    INTERMEDIATE(List.of(TlsVersion.TLS_1_2, TlsVersion.TLS_1_3)),
    /// TLS 1.3 alone.
    MODERN(List.of(TlsVersion.TLS_1_3));

    private static final List<String> TLS_1_3_CIPHERS =
            List.of(
                    "TLS_AES_128_GCM_SHA256",
                    "TLS_AES_256_GCM_SHA384",
                    "TLS_CHACHA20_POLY1305_SHA256");

    private static final List<String> TLS_1_2_CIPHERS =
            List.of(
                    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

    /// X25519MLKEM768 first: what is recorded today stays closed to the quantum computers of tomorrow
    /// (draft-ietf-tls-ecdhe-mlkem).
    static final List<String> GROUPS = List.of("X25519MLKEM768", "X25519", "P-256", "P-384");

    /// As [#GROUPS], in the JDK's words; it has no X25519MLKEM768.
    static final List<String> JDK_GROUPS = List.of("x25519", "secp256r1", "secp384r1");

    private final List<TlsVersion> versions;

    TlsPolicy(List<TlsVersion> versions) {
        this.versions = versions;
    }

    /// Versions that are spoken, the lowest first.
    ///
    /// @param minimum none below it; for [#MODERN] it makes no difference
    List<String> versions(TlsVersion minimum) {
        return versions.stream()
                .filter(version -> version.compareTo(minimum) >= 0)
                .map(TlsVersion::text)
                .toList();
    }

    /// Cipher suites of these versions in the server's order, by their IANA names.
    List<String> ciphers(TlsVersion minimum) {
        if (!versions(minimum).contains(TlsVersion.TLS_1_2.text())) return TLS_1_3_CIPHERS;
        return Stream.concat(TLS_1_3_CIPHERS.stream(), TLS_1_2_CIPHERS.stream()).toList();
    }
}
