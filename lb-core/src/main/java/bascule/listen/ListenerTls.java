package bascule.listen;

import bascule.config.ClientAuthConfig;
import bascule.config.ListenerConfig;
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
                List.of("http/1.1"),
                tickets);
    }
}
