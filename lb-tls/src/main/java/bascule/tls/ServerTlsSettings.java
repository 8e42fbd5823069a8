package bascule.tls;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// All that makes the TLS of one listener.
///
/// @param listener     its name: tickets of another listener do not count here
/// @param certificates what it can show
/// @param policy       what it agrees to
/// @param minimum      the lowest version
/// @param strictSni    whether clients are refused that name no host of the certificates
/// @param clientAuth   whether clients are asked for a certificate, where no rule says otherwise
/// @param authorities  what such a certificate has to lead to; null only with [ClientAuth#NONE]
/// @param rules        exceptions by host: exact ones win, then the longest wildcard
/// @param alpn         protocols offered, the preferred one first, such as `h2`, `http/1.1`; may be empty
/// @param tickets      who has the ticket keys
public record ServerTlsSettings(
        String listener,
        CertificateSet certificates,
        TlsPolicy policy,
        TlsVersion minimum,
        boolean strictSni,
        ClientAuth clientAuth,
        @Nullable CaCertificates authorities,
        List<ClientAuthRule> rules,
        List<String> alpn,
        TicketRing tickets) {
    public ServerTlsSettings {
        if (clientAuth != ClientAuth.NONE && authorities == null)
            throw new IllegalArgumentException(listener + " asks for certificates of nobody");
        rules = List.copyOf(rules);
        alpn = List.copyOf(alpn);
    }
}
