package bascule.tls;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.ReferenceCountedOpenSslContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.util.List;
import javax.net.ssl.SSLException;

/// What the contexts of both directions have in common.
final class TlsContexts {
    /// Of the other side's chain. Ours have [CertificateReader#LIMIT_BYTES]; BoringSSL's default is 100 KiB.
    private static final int PEER_CHAIN_BYTES = 64 << 10;

    /// What the engine may write while it reads, which is little but alerts: a flight that does not fit waits for the write that follows anyway.
    /// Each connection keeps this buffer for life; Netty's 2,048 bytes were a fifth of an idle one's memory.
    private static final int ENGINE_BUFFER_BYTES = 64;

    /// Encrypted at a time: four records that leave in one buffer. Against one by one that takes a sixth off the CPU time of bodies, and
    /// coalesces as much.
    private static final int WRAP_BYTES = 64 << 10;

    private TlsContexts() {}

    static SslContextBuilder configure(
            SslContextBuilder builder,
            TlsLibrary library,
            TlsPolicy policy,
            TlsVersion minimum,
            List<String> alpn) {
        builder.protocols(policy.versions(minimum))
                .ciphers(policy.ciphers(minimum), SupportedCipherSuiteFilter.INSTANCE);
        if (!alpn.isEmpty()) {
            // No protocol in common: none is agreed, as RFC 7301 forbids and all servers do, since
            // HTTP/1.1 needs none.
            builder.applicationProtocolConfig(
                    new ApplicationProtocolConfig(
                            Protocol.ALPN,
                            SelectorFailureBehavior.NO_ADVERTISE,
                            SelectedListenerFailureBehavior.ACCEPT,
                            alpn));
        }
        return switch (library) {
            case BORINGSSL ->
                    builder.sslProvider(SslProvider.OPENSSL_REFCNT)
                            .option(
                                    OpenSslContextOption.GROUPS,
                                    TlsPolicy.GROUPS.toArray(String[]::new))
                            // Tasks would run on the loop as well, after a detour.
                            .option(OpenSslContextOption.USE_TASKS, false)
                            .option(
                                    OpenSslContextOption.MAX_CERTIFICATE_LIST_BYTES,
                                    PEER_CHAIN_BYTES);
            case JDK -> builder.sslProvider(SslProvider.JDK);
        };
    }

    static SslContext build(SslContextBuilder builder) throws SSLException {
        SslContext context = builder.build();
        if (context instanceof ReferenceCountedOpenSslContext open)
            open.setBioNonApplicationBufferSize(ENGINE_BUFFER_BYTES);
        return context;
    }

    /// Makes it one whose deadlines others keep.
    static SslHandler adapt(SslHandler handler) {
        handler.setHandshakeTimeoutMillis(0);
        handler.setCloseNotifyFlushTimeoutMillis(0);
        handler.setCloseNotifyReadTimeoutMillis(0);
        handler.setWrapDataSize(WRAP_BYTES);
        if (!(handler.engine() instanceof ReferenceCountedOpenSslEngine))
            JdkSessions.begins(handler.engine());
        return handler;
    }
}
