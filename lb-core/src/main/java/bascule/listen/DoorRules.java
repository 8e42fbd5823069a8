package bascule.listen;

import bascule.config.ListenerConfig;
import bascule.config.Protocol;
import bascule.http.AddressSet;
import bascule.http.ClientAddress;
import bascule.http1.FrontSettings;
import bascule.tls.ServerTls;
import org.jspecify.annotations.Nullable;

/// What the configuration says of who may come in at a listener's doors, and how long they may take; prepared once and shared by all
/// loops. Immutable.
final class DoorRules {
    private final String listener;
    private final int connections;
    private final int connectionsPerClient;
    private final AddressSet allow;
    private final AddressSet deny;
    private final AddressSet trust;
    private final FrontSettings front;
    private final @Nullable ServerTls tls;
    private final long handshakeNanos;
    private final boolean http1;
    private final boolean http2;

    /// @param trust the listener's, prepared
    /// @param tls made of the same configuration; null = none
    DoorRules(ListenerConfig config, AddressSet trust, @Nullable ServerTls tls) {
        this.tls = tls;
        handshakeNanos = config.tls() == null ? 0 : config.tls().handshakeTime().toNanos();
        listener = config.name();
        http1 = config.protocols().contains(Protocol.HTTP1);
        http2 = config.protocols().contains(Protocol.H2);
        connections = config.limits().connections();
        connectionsPerClient = config.limits().connectionsPerClient();
        allow = AddressSet.of(config.allow());
        deny = AddressSet.of(config.deny());
        this.trust = trust;
        front = FrontSettings.of(config);
    }

    String listener() {
        return listener;
    }

    /// Most at a time, over all loops.
    int connections() {
        return connections;
    }

    /// Most of one client at a time, over all loops.
    int connectionsPerClient() {
        return connectionsPerClient;
    }

    boolean limitsClients() {
        return connectionsPerClient < Integer.MAX_VALUE;
    }

    /// Does it matter who comes?
    boolean asksWho() {
        return limitsClients() || !allow.isEmpty() || !deny.isEmpty();
    }

    /// `deny` wins; an `allow` that names somebody lets in nobody else.
    boolean letsIn(ClientAddress peer) {
        return !deny.contains(peer) && (allow.isEmpty() || allow.contains(peer));
    }

    /// Do this peer's forwarded fields count?
    boolean trusts(ClientAddress peer) {
        return trust.contains(peer);
    }

    /// Is HTTP/1.1 spoken here?
    boolean http1() {
        return http1;
    }

    /// Is HTTP/2 spoken here?
    boolean http2() {
        return http2;
    }

    /// Null = plain.
    @Nullable ServerTls tls() {
        return tls;
    }

    /// From the accept to the end of the handshake.
    long handshakeNanos() {
        return handshakeNanos;
    }

    FrontSettings front() {
        return front;
    }
}
