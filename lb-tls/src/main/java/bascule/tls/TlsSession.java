package bascule.tls;

import org.jspecify.annotations.Nullable;

/// What a client and we agreed on. Of one connection, for its life.
///
/// @param version as engines call it: `TLSv1.3`
/// @param cipher by its IANA name: `TLS_AES_128_GCM_SHA256`
/// @param sni the host that the client asked for, in lower case; null = none
/// @param resumed did it come with a ticket, so that nobody showed a certificate anew?
/// @param subject of the client's certificate, as RFC 4514 writes it, in printable ASCII (others as RFC 4514 §2.4 escapes them); null = it
///     showed none
/// @param fingerprint SHA-256 of that certificate, 64 lower-case hex digits; null exactly if there is no subject
public record TlsSession(
        String version,
        String cipher,
        @Nullable String sni,
        boolean resumed,
        @Nullable String subject,
        @Nullable String fingerprint) {}
