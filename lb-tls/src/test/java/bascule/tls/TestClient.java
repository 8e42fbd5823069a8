package bascule.tls;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.OpenSslSessionContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.internal.tcnative.SSL;
import io.netty.util.ReferenceCountUtil;
import java.security.cert.Certificate;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/// A client that talks to a [ServerTls] in memory, and keeps the tickets that it gets: one pool of them, whatever server gave them, as a hostile
/// client would.
final class TestClient implements AutoCloseable {
    private final SslContext context;

    TestClient(TestAuthority authority, @Nullable Issued certificate, String... versions)
            throws SSLException {
        this(authority, certificate, TlsLibrary.BORINGSSL, _ -> {}, versions);
    }

    TestClient(
            TestAuthority authority,
            @Nullable Issued certificate,
            TlsLibrary library,
            Consumer<SslContextBuilder> more,
            String... versions)
            throws SSLException {
        SslContextBuilder builder =
                SslContextBuilder.forClient()
                        .sslProvider(
                                library == TlsLibrary.JDK
                                        ? SslProvider.JDK
                                        : SslProvider.OPENSSL_REFCNT)
                        .trustManager(authority.certificate())
                        .endpointIdentificationAlgorithm("")
                        .sessionCacheSize(1) // Else it may offer any of those that it has.
                        .protocols(versions);
        if (library == TlsLibrary.BORINGSSL) builder.option(OpenSslContextOption.USE_TASKS, false);
        if (certificate != null) builder.keyManager(certificate.key(), certificate.chain());
        more.accept(builder);
        context = builder.build();
        if (context.sessionContext() instanceof OpenSslSessionContext sessions)
            sessions.setTicketKeys();
    }

    static Consumer<SslContextBuilder> alpn(String... protocols) {
        return builder ->
                builder.applicationProtocolConfig(
                        new ApplicationProtocolConfig(
                                ApplicationProtocolConfig.Protocol.ALPN,
                                ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                                ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                                protocols));
    }

    /// What came of a connection.
    ///
    /// @param session as the server sees it; null if the handshake failed
    /// @param failure of the client, or else of the server; null if there was none
    /// @param choice  null if the client was refused by its name
    /// @param taken   whether the server took the ticket, as far as the client can tell, whatever came of it afterwards
    /// @param alpn    as the client sees it
    /// @param group   of the key exchange; null from the JDK
    /// @param peer    the chain that the client was shown
    record Outcome(
            @Nullable TlsSession session,
            @Nullable Throwable failure,
            @Nullable TlsChoice choice,
            boolean taken,
            @Nullable String alpn,
            @Nullable String group,
            Certificate[] peer) {
        boolean resumed() {
            if (session == null) throw new AssertionError("no handshake", failure);
            return session.resumed();
        }
    }

    /// Connects, says `hello` in both directions, and closes.
    ///
    /// @param name sent as SNI; the empty name sends none
    Outcome connect(ServerTls server, String name) {
        EmbeddedChannel client = new EmbeddedChannel();
        EmbeddedChannel accepted = new EmbeddedChannel();
        // Tickets are kept under this address, which is the same for all servers.
        SslHandler handler = context.newHandler(ByteBufAllocator.DEFAULT, "10.0.0.1", 443);
        if (!name.isEmpty()) {
            SSLParameters parameters = handler.engine().getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(name)));
            handler.engine().setSSLParameters(parameters);
        }
        try {
            client.pipeline().addLast(handler);
            boolean[] taken = new boolean[1];
            handler.handshakeFuture()
                    .addListener(
                            _ ->
                                    taken[0] =
                                            handler.engine()
                                                            instanceof
                                                            ReferenceCountedOpenSslEngine open
                                                    && open.sslPointer() != 0
                                                    && SSL.isSessionReused(open.sslPointer()));
            client.pipeline().fireChannelActive();
            ByteBuf hello = ByteBufAllocator.DEFAULT.buffer();
            for (ByteBuf out; (out = client.readOutbound()) != null; out.release())
                hello.writeBytes(out); // A ticket that holds a certificate makes it long.
            ClientHello read = new ClientHello();
            if (read.read(hello) != ClientHello.READ) {
                hello.release();
                throw new AssertionError("not read");
            }
            TlsChoice choice = server.choose(read);
            if (choice == null) {
                hello.release();
                return new Outcome(null, null, null, false, null, null, new Certificate[0]);
            }
            SslHandler serving = choice.newHandler(ByteBufAllocator.DEFAULT);
            accepted.pipeline().addLast(serving);
            Throwable failed = feed(accepted, hello);
            Throwable heardOf = pump(client, accepted);
            Throwable failure = heardOf == null ? handler.handshakeFuture().cause() : heardOf;
            if (failure == null) failure = failed;
            if (failure == null) failure = serving.handshakeFuture().cause();
            if (failure == null && !serving.handshakeFuture().isSuccess())
                failure = new AssertionError("the handshake hangs");
            TlsSession session =
                    serving.handshakeFuture().isSuccess()
                            ? TlsSession.of(serving, choice, read.sni())
                            : null;
            if (failure == null) {
                // Tickets of TLS 1.3 are read with what follows them.
                accepted.writeOutbound(
                        ByteBufAllocator.DEFAULT.buffer().writeBytes(new byte[] {'h', 'i'}));
                pump(client, accepted);
                ByteBuf heard = client.readInbound();
                if (heard == null) failure = new AssertionError("heard nothing");
                else heard.release();
            }
            String group =
                    session != null
                                    && handler.engine()
                                            instanceof ReferenceCountedOpenSslEngine open
                            ? SSL.getGroupName(open.sslPointer())
                            : null;
            Certificate[] peer =
                    failure == null
                            ? handler.engine().getSession().getPeerCertificates()
                            : new Certificate[0];
            return new Outcome(
                    session, failure, choice, taken[0], handler.applicationProtocol(), group, peer);
        } catch (Exception e) {
            throw new AssertionError(e);
        } finally {
            finish(client);
            finish(accepted);
        }
    }

    /// @return what the client has to say against it: the first exception, such as an alert after what it took for the end of the handshake
    static @Nullable Throwable pump(EmbeddedChannel client, EmbeddedChannel server) {
        Throwable first = null;
        boolean moved = true;
        while (moved) {
            moved = false;
            for (ByteBuf out; (out = server.readOutbound()) != null; moved = true) {
                Throwable failure = feed(client, out);
                if (first == null) first = failure;
            }
            for (ByteBuf out; (out = client.readOutbound()) != null; moved = true)
                feed(server, out);
        }
        return first;
    }

    static @Nullable Throwable feed(EmbeddedChannel to, ByteBuf bytes) {
        try {
            to.writeInbound(bytes);
            return null;
        } catch (DecoderException e) {
            return e.getCause();
        } catch (Exception e) {
            return e;
        }
    }

    static void finish(EmbeddedChannel channel) {
        try {
            channel.finishAndReleaseAll();
        } catch (Exception e) {
            // As above.
        }
    }

    @Override
    public void close() {
        ReferenceCountUtil.release(context);
    }
}
