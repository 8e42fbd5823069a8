package bascule.tls;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// All that makes the TLS towards the servers of one backend.
///
/// @param verify      whether a server's certificate is looked at: that it leads to an authority, is valid, and is for the right name
/// @param authorities what it has to lead to; null for those that the JDK knows
/// @param certificate what we show to a server that asks; null for nothing
/// @param alpn        protocols offered, the preferred one first; may be empty
public record BackendTlsSettings(
        boolean verify,
        @Nullable CaCertificates authorities,
        @Nullable Certificate certificate,
        List<String> alpn) {
    public BackendTlsSettings {
        alpn = List.copyOf(alpn);
    }
}
