package bascule.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;

/// A certificate and what is asked of the client for it: what [ServerTls#choose] found for one ClientHello. Shared by all connections.
public final class TlsChoice {
    private final Certificate certificate;
    private final ClientPolicy policy;
    private final SslContext context;

    TlsChoice(Certificate certificate, ClientPolicy policy, SslContext context) {
        this.certificate = certificate;
        this.policy = policy;
        this.context = context;
    }

    /// The certificate that will be shown.
    public Certificate certificate() {
        return certificate;
    }

    /// What is asked of the client; to be compared with [ServerTls#policyOf].
    public ClientPolicy policy() {
        return policy;
    }

    /// Whether the client is asked for a certificate.
    boolean asksClient() {
        return policy.clientAuth() != ClientAuth.NONE;
    }

    /// The handler for one connection, on whose loop all of the handshake runs. It has no time limits of its own, neither for the handshake nor
    /// for saying goodbye: the caller watches. Feed it the ClientHello's bytes.
    ///
    /// @throws io.netty.util.IllegalReferenceCountException if the [ServerTls] is closed
    public SslHandler newHandler(ByteBufAllocator allocator) {
        return TlsContexts.adapt(context.newHandler(allocator));
    }

    /// How many hold on to the context, for tests.
    int contextReferences() {
        return ReferenceCountUtil.refCnt(context);
    }
}
