package bascule.listen;

import bascule.config.ClientAuthConfig;
import bascule.config.ListenerConfig;
import bascule.config.Protocol;
import bascule.config.TlsConfig;
import bascule.tls.ClientAuthRule;
import bascule.tls.ServerTlsSettings;
import bascule.tls.TicketRing;
import java.util.List;

/// From what the file says of a listener's TLS to what TLS is made of.
final class ListenerTls {
    private ListenerTls() {}

    static ServerTlsSettings settings(ListenerConfig listener, TlsConfig tls, TicketRing tickets) {
        ClientAuthConfig clientAuth = tls.clientAuth();
        List<ClientAuthRule> rules =
                tls.hosts().stream()
                        .map(
                                each ->
                                        new ClientAuthRule(
                                                each.host().toString(),
                                                each.clientAuth().demand(),
                                                each.clientAuth().authorities()))
                        .toList();
        return new ServerTlsSettings(
                listener.name(),
                tls.certificates(),
                tls.policy(),
                tls.minimum(),
                tls.strictSni(),
                clientAuth.demand(),
                clientAuth.authorities(),
                rules,
                listener.protocols().stream().map(ListenerTls::alpn).toList(),
                tickets);
    }

    /// The name of a protocol within TLS (RFC 7301 §6).
    private static String alpn(Protocol protocol) {
        return switch (protocol) {
            case H2 -> "h2";
            case HTTP1 -> "http/1.1";
        };
    }
}
