package bascule.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.util.ReferenceCountUtil;
import java.net.SocketAddress;
import javax.net.ssl.SSLException;

/// The TLS towards the servers of one backend, made from [BackendTlsSettings]. Immutable and shared by all loops, which find each other's
/// sessions in it. TLS 1.2 and 1.3 as in [TlsPolicy#INTERMEDIATE].
public final class BackendTls implements AutoCloseable {
    /// Sessions that are kept, over all servers.
    private static final int SESSIONS = 4096;

    private final SslContext context;

    /// Makes the context.
    ///
    /// @throws SSLException if the library refuses what [CertificateFile] and [CaFile] have let through
    public static BackendTls of(BackendTlsSettings settings) throws SSLException {
        return of(settings, TlsLibrary.inUse());
    }

    static BackendTls of(BackendTlsSettings settings, TlsLibrary library) throws SSLException {
        SslContextBuilder builder =
                TlsContexts.configure(
                                SslContextBuilder.forClient(),
                                library,
                                TlsPolicy.INTERMEDIATE,
                                TlsVersion.TLS_1_2,
                                settings.alpn())
                        .sessionCacheSize(SESSIONS);
        if (!settings.verify())
            builder.trustManager(InsecureTrustManagerFactory.INSTANCE)
                    .endpointIdentificationAlgorithm("");
        else {
            builder.endpointIdentificationAlgorithm("HTTPS");
            CaCertificates authorities = settings.authorities();
            if (authorities != null) builder.trustManager(authorities.certificates());
        }
        Certificate certificate = settings.certificate();
        if (certificate != null) builder.keyManager(OneKey.factory(certificate));
        return new BackendTls(TlsContexts.build(builder));
    }

    private BackendTls(SslContext context) {
        this.context = context;
    }

    /// The handler for one connection, as [TlsChoice#newHandler].
    ///
    /// @param name   whom the certificate has to be for, a host name or the text of an IP address; a host name is sent as SNI, too
    /// @param server its address: a session is only offered to the server that it was made with
    /// @throws io.netty.util.IllegalReferenceCountException if this is closed
    public SslHandler newHandler(ByteBufAllocator allocator, String name, SocketAddress server) {
        // The port is nothing but a part of the key that sessions are kept under.
        int number = 1 + (server.hashCode() & 0x3fffffff);
        return TlsContexts.adapt(context.newHandler(allocator, name, number));
    }

    /// Lets go of the context. To be called once, when no loop can call [#newHandler] any more. Connections go on.
    @Override
    public void close() {
        ReferenceCountUtil.release(context);
    }
}
