package bascule.tls;

import static bascule.tls.Servers.authorities;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.OpenSslServerSessionContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class BackendTlsTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Server CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");
    private static final SocketAddress FIRST = new InetSocketAddress("192.0.2.1", 443);
    private static final SocketAddress SECOND = new InetSocketAddress("192.0.2.2", 443);

    private Issued shown = AUTHORITY.issue("www.example.com", "*.example.org");
    private boolean verify = true;
    private @Nullable CaCertificates authorities = authorities(AUTHORITY);
    private @Nullable Issued certificate;
    private List<String> alpn = List.of();
    private TlsLibrary library = TlsLibrary.BORINGSSL;

    private BackendTls make() throws SSLException {
        Issued own = certificate;
        return BackendTls.of(
                new BackendTlsSettings(
                        verify,
                        authorities,
                        own == null ? null : Servers.set(own).defaultCertificate(),
                        alpn),
                library);
    }

    /// @param session     as we see it; null if there is none
    /// @param seen        as the server sees it
    record Outcome(
            @Nullable TlsSession session,
            @Nullable TlsSession seen,
            @Nullable String alpn,
            @Nullable Throwable failure) {}

    private static Outcome connect(
            BackendTls tls, ServerTls server, String name, SocketAddress address) {
        TlsChoice[] chosen = new TlsChoice[1];
        return connect(
                tls,
                hello -> {
                    chosen[0] = server.choose(hello);
                    return chosen[0].newHandler(ByteBufAllocator.DEFAULT);
                },
                chosen,
                name,
                address);
    }

    /// @param server what stands for the server
    /// @param chosen  is looked at after the handshake: how the server chose
    private static Outcome connect(
            BackendTls tls,
            Function<ClientHello, SslHandler> server,
            @Nullable TlsChoice[] chosen,
            String name,
            SocketAddress address) {
        EmbeddedChannel client = new EmbeddedChannel();
        EmbeddedChannel accepted = new EmbeddedChannel();
        SslHandler handler = tls.newHandler(ByteBufAllocator.DEFAULT, name, address);
        try {
            client.pipeline().addLast(handler);
            client.pipeline().fireChannelActive();
            ByteBuf hello = ByteBufAllocator.DEFAULT.buffer();
            for (ByteBuf out; (out = client.readOutbound()) != null; out.release())
                hello.writeBytes(out);
            ClientHello read = new ClientHello();
            assertThat(read.read(hello)).isEqualTo(ClientHello.READ);
            SslHandler serving = server.apply(read);
            accepted.pipeline().addLast(serving);
            TestClient.feed(accepted, hello);
            Throwable failure = TestClient.pump(client, accepted);
            if (failure == null) failure = handler.handshakeFuture().cause();
            boolean done = failure == null && handler.handshakeFuture().isSuccess();
            if (done) {
                accepted.writeOutbound(ByteBufAllocator.DEFAULT.buffer().writeByte('a'));
                failure = TestClient.pump(client, accepted);
            }
            return new Outcome(
                    done ? TlsSession.ofClient(handler, read.sni()) : null,
                    serving.handshakeFuture().isSuccess() && chosen[0] != null
                            ? TlsSession.of(serving, chosen[0], read.sni())
                            : null,
                    handler.applicationProtocol(),
                    failure);
        } finally {
            TestClient.finish(client);
            TestClient.finish(accepted);
        }
    }

    private Outcome connect(String name) throws SSLException {
        try (BackendTls tls = make();
                ServerTls server = new Servers(Servers.set(shown)).make()) {
            return connect(tls, server, name, FIRST);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "www.example.com, true",
        "WWW.example.com, true",
        "a.example.org, true",
        "example.com, false",
        "b.a.example.org, false",
        "example.org, false",
        "192.0.2.1, false"
    })
    void givenName_whenServerShowsItsCertificate_thenMustBeForIt(String name, boolean good)
            throws SSLException {
        for (TlsLibrary each : TlsLibrary.values()) {
            library = each;
            Outcome outcome = connect(name);
            assertThat(outcome.session() != null)
                    .as("%s: %s", each, outcome.failure())
                    .isEqualTo(good);
            if (!good) assertThat(outcome.failure()).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void givenServerByAddress_whenItShowsItsCertificate_thenTheAddressMustBeInIt(TlsLibrary each)
            throws SSLException {
        library = each;
        shown =
                AUTHORITY
                        .request("a")
                        .names("www.example.com")
                        .addresses("192.0.2.1", "2001:db8::1")
                        .issue();

        Outcome outcome = connect("192.0.2.1");
        assertThat(outcome.failure()).isNull();
        assertThat(outcome.seen()).isNotNull().extracting(TlsSession::sni).isNull();
        assertThat(connect("2001:db8::1").failure()).isNull();
        assertThat(connect("192.0.2.2").failure()).isNotNull();
        assertThat(connect("www.example.com").seen())
                .isNotNull()
                .extracting(TlsSession::sni)
                .isEqualTo("www.example.com");
    }

    @Test
    void givenCertificateThatIsNoGood_whenVerified_thenIsRefused_elseTaken() throws SSLException {
        Instant now = Instant.now();
        for (Issued bad :
                List.of(
                        TestAuthority.named("Server CA").issue("www.example.com"),
                        AUTHORITY.request("a").names("www.example.com").selfSigned())) {
            shown = bad;
            verify = true;
            assertThat(connect("www.example.com").failure()).isNotNull();
            verify = false;
            assertThat(connect("www.example.com").failure()).isNull();
            assertThat(connect("another.example.com").failure()).isNull();
        }
        verify = true;
        shown =
                AUTHORITY
                        .request("a")
                        .names("www.example.com")
                        .valid(now.minusSeconds(9), now.plusSeconds(2))
                        .issue();
        ServerTls server = new Servers(Servers.set(shown)).make();
        try (server;
                BackendTls tls = make()) {
            assertThat(connect(tls, server, "www.example.com", FIRST).failure()).isNull();
            pause(
                    Duration.between(Instant.now(), shown.certificate().getNotAfter().toInstant())
                            .plusMillis(9));
            assertThat(connect(tls, server, "www.example.com", SECOND).failure()).isNotNull();
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(Math.max(0, time.toMillis()));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void givenNoAuthorities_whenVerified_thenThoseOfTheJdkCount() throws SSLException {
        authorities = null;

        assertThat(connect("www.example.com").failure()).isNotNull();
    }

    @ParameterizedTest
    @EnumSource
    void givenCertificateOfOurOwn_whenServerAsks_thenIsShown(TlsLibrary each) throws SSLException {
        library = each;
        certificate = CLIENTS.issueClient("edge");
        Servers servers = new Servers(Servers.set(shown));
        servers.clientAuth = ClientAuth.REQUIRED;
        servers.authorities = authorities(CLIENTS);
        try (BackendTls with = make();
                ServerTls server = servers.make()) {
            assertThat(connect(with, server, "www.example.com", FIRST).seen())
                    .isNotNull()
                    .extracting(TlsSession::subject)
                    .isEqualTo("CN=edge");
            certificate = null;
            try (BackendTls without = make()) {
                assertThat(connect(without, server, "www.example.com", FIRST).seen()).isNull();
            }
        }
    }

    @Test
    void givenServerThatWasSeenBefore_whenConnectedAgain_thenResumes_andOnlyThere()
            throws SSLException {
        try (BackendTls tls = make();
                ServerTls server = new Servers(Servers.set(shown)).make()) {
            assertThat(resumed(connect(tls, server, "www.example.com", FIRST))).isFalse();
            assertThat(resumed(connect(tls, server, "www.example.com", FIRST))).isTrue();
            assertThat(resumed(connect(tls, server, "www.example.com", SECOND)))
                    .as("a server of its own")
                    .isFalse();
            assertThat(resumed(connect(tls, server, "a.example.org", FIRST)))
                    .as("a name of its own")
                    .isFalse();
            assertThat(resumed(connect(tls, server, "www.example.com", FIRST))).isTrue();
        }
    }

    @Test
    void givenServerOfTls12_whenConnectedAgain_thenItsTicketIsUsed() throws SSLException {
        SslContext old =
                SslContextBuilder.forServer(shown.key(), shown.chain())
                        .sslProvider(SslProvider.OPENSSL_REFCNT)
                        .protocols("TLSv1.2")
                        .build();
        if (old.sessionContext() instanceof OpenSslServerSessionContext sessions) {
            sessions.setSessionCacheEnabled(false);
            sessions.setTicketKeys();
        }
        try (BackendTls tls = make()) {
            for (boolean again : new boolean[] {false, true, true}) {
                TlsSession session =
                        connect(
                                        tls,
                                        _ -> old.newHandler(ByteBufAllocator.DEFAULT),
                                        new TlsChoice[1],
                                        "www.example.com",
                                        FIRST)
                                .session();
                assertThat(session).isNotNull();
                assertThat(session.version()).isEqualTo("TLSv1.2");
                assertThat(session.resumed()).isEqualTo(again);
            }
        } finally {
            ReferenceCountUtil.release(old);
        }
    }

    private static boolean resumed(Outcome outcome) {
        assertThat(outcome.failure()).isNull();
        assertThat(outcome.session()).isNotNull();
        assertThat(outcome.seen()).isNotNull();
        assertThat(outcome.session().resumed()).isEqualTo(outcome.seen().resumed());
        return outcome.seen().resumed();
    }

    @ParameterizedTest
    @EnumSource
    void givenProtocols_whenConnected_thenAreOffered(TlsLibrary each) throws SSLException {
        library = each;
        alpn = List.of("h2", "http/1.1");
        Servers servers = new Servers(Servers.set(shown));
        servers.alpn = List.of("h2");
        try (BackendTls tls = make();
                ServerTls server = servers.make()) {
            assertThat(connect(tls, server, "www.example.com", FIRST).alpn()).isEqualTo("h2");
        }
        assertThat(connect("www.example.com").alpn()).as("by a server without").isNull();
    }
}
