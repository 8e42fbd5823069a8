package bascule.server;

import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.BackendTlsConfig;
import bascule.config.CaConfig;
import bascule.tls.BackendTls;
import bascule.tls.BackendTlsSettings;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.NetUtil;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// How the servers of one backend are spoken to: which HTTP, and over which TLS, if any. Made anew when a reload changes any of it, for
/// no connection may outlive what its server's identity was proved by. Shared by all threads.
public final class ServerLink implements AutoCloseable {
    /// What is offered by ALPN (RFC 7301 §6).
    private static final List<String> HTTP1 = List.of("http/1.1");

    private static final List<String> H2 = List.of("h2");

    private final BackendProtocol protocol;
    private final @Nullable BackendTlsConfig config;
    private final @Nullable BackendTls tls;

    private ServerLink(
            BackendProtocol protocol, @Nullable BackendTlsConfig config, @Nullable BackendTls tls) {
        this.protocol = protocol;
        this.config = config;
        this.tls = tls;
    }

    /// @throws SSLException if the TLS library refuses what the configuration let through
    public static ServerLink of(BackendConfig backend) throws SSLException {
        BackendTlsConfig config = backend.tls();
        if (config == null) return plain(backend.protocol());
        return new ServerLink(backend.protocol(), config, tls(config, backend.protocol()));
    }

    /// Without TLS.
    public static ServerLink plain(BackendProtocol protocol) {
        return new ServerLink(protocol, null, null);
    }

    private static BackendTls tls(BackendTlsConfig config, BackendProtocol protocol)
            throws SSLException {
        CaConfig ca = config.ca();
        BackendTlsConfig.Own own = config.own();
        return BackendTls.of(
                new BackendTlsSettings(
                        config.verify(),
                        ca == null ? null : ca.certificates(),
                        own == null ? null : own.certificate(),
                        switch (protocol) {
                            case HTTP1 -> HTTP1;
                            case H2 -> H2;
                        }));
    }

    /// Is it still what this configuration says?
    public boolean serves(BackendConfig backend) {
        return protocol == backend.protocol() && Objects.equals(config, backend.tls());
    }

    public BackendProtocol protocol() {
        return protocol;
    }

    public boolean secure() {
        return tls != null;
    }

    /// The first handler of a connection to that server; null without TLS. Not after [#close].
    public @Nullable SslHandler newHandler(ByteBufAllocator allocator, Server server) {
        return tls == null ? null : tls.newHandler(allocator, nameOf(server), server.address());
    }

    /// Whom the certificate of a server must be for: a DNS name, or the text of an address.
    public String nameOf(Server server) {
        String wanted = config == null ? null : config.name();
        String host = wanted == null ? server.host() : wanted;
        return host == null ? NetUtil.toAddressString(server.address().getAddress()) : host;
    }

    /// When no connection is opened over it any more; those that are open stay so.
    @Override
    public void close() {
        if (tls != null) tls.close();
    }
}
