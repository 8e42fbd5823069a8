package bascule.tls;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// For which hosts clients have to show what certificate.
///
/// @param host        lower case: `admin.example.com`, or `*.example.com` for any number of labels before `.example.com`, as in
///                    routes; an IPv6 address in brackets, which no SNI has, but an authority may have
/// @param clientAuth  whether clients are asked
/// @param authorities what a client's certificate has to lead to; null only with [ClientAuth#NONE]
public record ClientAuthRule(
        String host, ClientAuth clientAuth, @Nullable CaCertificates authorities) {
    public ClientAuthRule {
        if (host.isEmpty() || !host.equals(host.toLowerCase(Locale.ROOT)))
            throw new IllegalArgumentException(host);
        if (clientAuth != ClientAuth.NONE && authorities == null)
            throw new IllegalArgumentException(host + " asks for certificates of nobody");
    }
}
