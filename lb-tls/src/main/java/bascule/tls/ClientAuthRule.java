package bascule.tls;

import org.jspecify.annotations.Nullable;

/// For which hosts clients have to show what certificate.
///
/// @param host        lower case: `admin.example.com`, or `*.example.com` for any number of labels before `.example.com`, as in
///                    routes
/// @param clientAuth  whether clients are asked
/// @param authorities what a client's certificate has to lead to; null only with [ClientAuth#NONE]
public record ClientAuthRule(
        String host, ClientAuth clientAuth, @Nullable CaCertificates authorities) {
    public ClientAuthRule {
        if (HostNames.pattern(host) == null || !host.equals(HostNames.pattern(host)))
            throw new IllegalArgumentException(host);
        if (clientAuth != ClientAuth.NONE && authorities == null)
            throw new IllegalArgumentException(host + " asks for certificates of nobody");
    }
}
