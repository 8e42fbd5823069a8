package bascule.tls;

import static bascule.tls.Servers.authorities;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.tls.testing.Issued;
import bascule.tls.testing.Key;
import bascule.tls.testing.TestAuthority;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ServerTlsTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Test CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");
    private static final TestAuthority OTHER_CLIENTS = TestAuthority.named("Other client CA");

    private static ClientHello read(Hello hello) {
        ClientHello read = new ClientHello();
        assertThat(read.read(Unpooled.wrappedBuffer(hello.bytes()))).isEqualTo(ClientHello.READ);
        return read;
    }

    private static ClientHello modern(@Nullable String sni) {
        return read(Hello.usual(sni));
    }

    /// TLS 1.2 without ECDSA.
    private static ClientHello rsaOnly(@Nullable String sni) {
        Hello hello = Hello.usual(sni).without(Hello.VERSIONS);
        hello.suites.remove(Integer.valueOf(0xc02b));
        return read(hello);
    }

    /// `file ECDSA`, or null if the client is refused.
    private static @Nullable String chosen(ServerTls tls, ClientHello hello) {
        TlsChoice choice = tls.choose(hello);
        if (choice == null) return null;
        Certificate certificate = choice.certificate();
        return certificate.file().getFileName() + " " + certificate.keyType();
    }

    // Certificates.

    @Test
    void givenCertificates_whenChosen_thenByNameThenWildcardThenDefault() throws SSLException {
        CertificateSet set =
                Servers.set(
                        AUTHORITY.issue("first.example.com"),
                        AUTHORITY.issue("*.example.com", "example.com"),
                        AUTHORITY.issue("www.example.com", "*.b.example.com"));
        try (ServerTls tls = new Servers(set).make()) {
            assertThat(chosen(tls, modern("www.example.com"))).isEqualTo("2.pem ECDSA");
            assertThat(chosen(tls, modern("WWW.EXAMPLE.COM."))).isEqualTo("2.pem ECDSA");
            assertThat(chosen(tls, modern("first.example.com"))).isEqualTo("0.pem ECDSA");
            assertThat(chosen(tls, modern("other.example.com"))).isEqualTo("1.pem ECDSA");
            assertThat(chosen(tls, modern("example.com"))).isEqualTo("1.pem ECDSA");
            assertThat(chosen(tls, modern("a.b.example.com"))).isEqualTo("2.pem ECDSA");
            // A wildcard stands for one label, and for one at least.
            assertThat(chosen(tls, modern("a.c.example.com"))).isEqualTo("0.pem ECDSA");
            assertThat(chosen(tls, modern("b.example.com"))).isEqualTo("1.pem ECDSA");
            assertThat(chosen(tls, modern("example.org"))).isEqualTo("0.pem ECDSA");
            assertThat(chosen(tls, modern("com"))).isEqualTo("0.pem ECDSA");
            assertThat(chosen(tls, modern(null))).isEqualTo("0.pem ECDSA");
        }
    }

    @Test
    void givenStrictSni_whenNameIsUnknownOrMissing_thenIsRefused() throws SSLException {
        Servers servers =
                new Servers(Servers.set(AUTHORITY.issue("www.example.com", "*.example.org")));
        servers.strictSni = true;
        try (ServerTls tls = servers.make()) {
            assertThat(chosen(tls, modern("www.example.com"))).isNotNull();
            assertThat(chosen(tls, modern("a.example.org"))).isNotNull();
            assertThat(chosen(tls, modern("example.org"))).isNull();
            assertThat(chosen(tls, modern("other.example.com"))).isNull();
            assertThat(chosen(tls, modern(null))).isNull();
        }
        assertThat(ServerTls.unrecognizedName()).containsExactly(21, 3, 3, 0, 2, 2, 112);
    }

    @Test
    void givenBothKeyTypes_whenChosen_thenEcdsaForThoseWhoCan() throws SSLException {
        CertificateSet set =
                Servers.set(
                        AUTHORITY.issueRsa("www.example.com"),
                        AUTHORITY.issue("www.example.com"),
                        AUTHORITY.request("a").key(Key.P521).names("big.example.com").issue(),
                        AUTHORITY.issueRsa("big.example.com"),
                        AUTHORITY.issue("ec.example.com"),
                        AUTHORITY.issueRsa("*.example.com"),
                        AUTHORITY.issue("alone.example.org"));
        try (ServerTls tls = new Servers(set).make()) {
            assertThat(chosen(tls, modern("www.example.com"))).isEqualTo("1.pem ECDSA");
            assertThat(chosen(tls, rsaOnly("www.example.com"))).isEqualTo("0.pem RSA");
            assertThat(chosen(tls, modern("big.example.com")))
                    .as("not that curve")
                    .isEqualTo("3.pem RSA");
            assertThat(chosen(tls, rsaOnly("ec.example.com")))
                    .as("by wildcard")
                    .isEqualTo("5.pem RSA");
            assertThat(chosen(tls, rsaOnly("alone.example.org")))
                    .as("never one for another name")
                    .isEqualTo("6.pem ECDSA");
            assertThat(chosen(tls, modern(null)))
                    .as("of the default's names")
                    .isEqualTo("1.pem ECDSA");
            assertThat(chosen(tls, rsaOnly(null))).isEqualTo("0.pem RSA");
        }
    }

    @Test
    void givenRenewedCertificateBesideTheOldOne_whenChosen_thenTheLaterOneIsShown()
            throws SSLException {
        Instant now = Instant.now();
        Issued longer =
                AUTHORITY
                        .request("a")
                        .names("www.example.com", "new.example.com")
                        .valid(now.minusSeconds(9), now.plus(Duration.ofDays(90)))
                        .issue();
        Issued shorter =
                AUTHORITY
                        .request("a")
                        .names("www.example.com", "old.example.com")
                        .valid(now.minusSeconds(9), now.plus(Duration.ofDays(30)))
                        .issue();
        for (CertificateSet set :
                List.of(Servers.set(longer, shorter), Servers.set(shorter, longer)))
            try (ServerTls tls = new Servers(set).make()) {
                assertThat(tls.choose(modern("www.example.com")))
                        .isSameAs(tls.choose(modern("new.example.com")))
                        .isNotSameAs(tls.choose(modern("old.example.com")));
            }
    }

    @ParameterizedTest
    @CsvSource({
        "P256, TLSv1.3",
        "P256, TLSv1.2",
        "P384, TLSv1.3",
        "P384, TLSv1.2",
        "RSA, TLSv1.3",
        "RSA, TLSv1.2"
    })
    void givenKeyOfAnyKind_whenClientConnects_thenSeesTheWholeChain(Key kind, String version)
            throws SSLException {
        Issued issued =
                AUTHORITY
                        .intermediate("Between")
                        .request("a")
                        .key(kind)
                        .names("www.example.com")
                        .issue();
        try (ServerTls tls = new Servers(Servers.set(issued)).make();
                TestClient client = new TestClient(AUTHORITY, null, version)) {
            TestClient.Outcome outcome = client.connect(tls, "www.example.com");

            assertThat(outcome.failure()).isNull();
            assertThat(outcome.peer())
                    .containsExactly(issued.chain().toArray(java.security.cert.Certificate[]::new));
        }
    }

    // Policies on clients.

    private static ServerTls withRules(ClientAuth clientAuth, ClientAuthRule... rules)
            throws SSLException {
        Servers servers =
                new Servers(
                        Servers.set(
                                AUTHORITY.issue(
                                        "www.example.com", "*.example.com", "*.a.example.com")));
        servers.clientAuth = clientAuth;
        servers.authorities = authorities(CLIENTS);
        servers.rules = List.of(rules);
        return servers.make();
    }

    private static ClientAuthRule rule(
            String host, ClientAuth clientAuth, TestAuthority... clients) {
        return new ClientAuthRule(
                host, clientAuth, clients.length == 0 ? null : authorities(clients));
    }

    @Test
    void givenRules_whenHostIsLookedUp_thenExactThenLongestWildcardThenDefault()
            throws SSLException {
        try (ServerTls tls =
                withRules(
                        ClientAuth.NONE,
                        rule("*.example.com", ClientAuth.OPTIONAL, CLIENTS),
                        rule("*.a.example.com", ClientAuth.REQUIRED, CLIENTS),
                        rule("www.example.com", ClientAuth.REQUIRED, OTHER_CLIENTS),
                        rule("open.example.com", ClientAuth.NONE),
                        rule("[2001:db8::1]", ClientAuth.REQUIRED, CLIENTS),
                        rule("same.example.org", ClientAuth.OPTIONAL, CLIENTS))) {
            ClientPolicy none = ClientPolicy.NOTHING;
            ClientPolicy optional = tls.policyOf("x.example.com");
            ClientPolicy required = tls.policyOf("x.a.example.com");
            ClientPolicy others = tls.policyOf("www.example.com");
            assertThat(Set.of(none, optional, required, others)).hasSize(4);
            assertThat(tls.asksNothing()).isFalse();

            assertThat(tls.policyOf("example.com")).isEqualTo(none);
            assertThat(tls.policyOf("xexample.com")).isEqualTo(none);
            assertThat(tls.policyOf(".example.com")).isEqualTo(none);
            assertThat(tls.policyOf("a.b.c.example.com")).isEqualTo(optional);
            assertThat(tls.policyOf("a.example.com")).isEqualTo(optional);
            assertThat(tls.policyOf("y.x.a.example.com")).isEqualTo(required);
            assertThat(tls.policyOf("open.example.com")).isEqualTo(none);
            assertThat(tls.policyOf("same.example.org")).isEqualTo(optional);
            assertThat(tls.policyOf("WWW.Example.COM")).isEqualTo(others);
            assertThat(tls.policyOf("www.example.com.")).isEqualTo(others);
            assertThat(tls.policyOf("awww.example.com")).isEqualTo(optional);
            assertThat(tls.policyOf("192.0.2.1")).isEqualTo(none);
            assertThat(tls.policyOf("[2001:DB8::1]")).isEqualTo(required);
            assertThat(tls.policyOf("")).isEqualTo(none);
            assertThat(tls.policyOf(".")).isEqualTo(none);
            byte[] line = "GET http://www.example.com:443/ HTTP/1.1".getBytes(US_ASCII);
            assertThat(tls.policyOf(line, 11, 26)).isEqualTo(others);
            assertThat(tls.policyOf(line, 12, 26)).isEqualTo(optional);

            for (String host :
                    List.of(
                            "www.example.com",
                            "x.example.com",
                            "x.a.example.com",
                            "open.example.com",
                            "example.net")) {
                TlsChoice choice = tls.choose(modern(host));
                assertThat(choice).isNotNull();
                assertThat(choice.policy()).as(host).isEqualTo(tls.policyOf(host));
            }
            assertThat(tls.choose(modern(null)))
                    .isNotNull()
                    .extracting(TlsChoice::policy)
                    .isEqualTo(none);
        }
    }

    @Test
    void givenRulesThatAskForTheSame_whenMade_thenShareAContext() throws SSLException {
        try (ServerTls tls =
                withRules(
                        ClientAuth.REQUIRED,
                        rule("www.example.com", ClientAuth.REQUIRED, CLIENTS),
                        rule("*.example.com", ClientAuth.REQUIRED, CLIENTS))) {
            assertThat(tls.asksNothing()).isFalse();
            assertThat(tls.contexts()).isEqualTo(1);
        }
    }

    @Test
    void givenManyCertificatesAndOneRule_whenMade_thenOnlyWhatCanMeetHasAContext()
            throws SSLException {
        Issued[] issued = new Issued[20];
        for (int i = 0; i < issued.length; i++)
            issued[i] = AUTHORITY.issue("h" + i + ".example.com");
        Servers servers = new Servers(Servers.set(issued));
        servers.rules = List.of(rule("h7.example.com", ClientAuth.REQUIRED, CLIENTS));
        try (ServerTls tls = servers.make()) {
            assertThat(tls.contexts()).isEqualTo(21);
            assertThat(tls.asksNothing()).isFalse();
        }
        servers.rules = List.of(rule("h7.example.com", ClientAuth.NONE));
        try (ServerTls tls = servers.make()) {
            assertThat(tls.contexts()).isEqualTo(20);
            assertThat(tls.asksNothing()).isTrue();
        }
    }

    /// Every name under every rule finds a context: what was made beforehand is enough.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyCertificatesAndRules_whenAnyNameComes_thenThereIsAContext(long seed)
            throws SSLException {
        Random random = new Random(seed);
        Issued[] pool = new Issued[24];
        for (int i = 0; i < pool.length; i++) {
            String[] names = {pattern(random), pattern(random)};
            pool[i] = random.nextInt(4) == 0 ? AUTHORITY.issueRsa(names) : AUTHORITY.issue(names);
        }
        for (int round = 0; round < 15; round++) {
            Issued[] some = new Issued[1 + random.nextInt(4)];
            for (int i = 0; i < some.length; i++) some[i] = pool[random.nextInt(pool.length)];
            List<ClientAuthRule> rules = new ArrayList<>();
            Set<String> hosts = new HashSet<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                String host = pattern(random);
                if (hosts.add(host))
                    rules.add(
                            rule(
                                    host,
                                    random.nextBoolean()
                                            ? ClientAuth.OPTIONAL
                                            : ClientAuth.REQUIRED,
                                    random.nextBoolean() ? CLIENTS : OTHER_CLIENTS));
            }
            Servers servers = new Servers(Servers.set(some));
            servers.rules = rules;
            servers.strictSni = random.nextInt(3) == 0;
            try (ServerTls tls = servers.make()) {
                for (int i = 0; i < 200; i++) {
                    String sni = pattern(random).replace("*.", random.nextBoolean() ? "" : "x.");
                    TlsChoice choice =
                            tls.choose(random.nextBoolean() ? modern(sni) : rsaOnly(sni));
                    if (choice == null) assertThat(servers.strictSni).isTrue();
                    else
                        assertThat(choice.policy())
                                .as("seed %d, %s, %s", seed, sni, rules)
                                .isEqualTo(tls.policyOf(sni));
                }
            }
        }
    }

    private static String pattern(Random random) {
        StringBuilder name = new StringBuilder(random.nextInt(3) == 0 ? "*." : "");
        for (int labels = 1 + random.nextInt(3); labels > 0; labels--)
            name.append((char) ('a' + random.nextInt(2))).append('.');
        return name.append("example").toString();
    }

    // Life and death of native memory.

    @Test
    void givenOpenConnections_whenClosed_thenTheirContextLivesUntilTheLastIsGone()
            throws SSLException {
        TicketRing ring = new TicketRing(Instant.now());
        Servers servers = new Servers(Servers.set(AUTHORITY.issue("www.example.com")));
        servers.tickets = ring;
        ServerTls tls = servers.make();
        assertThat(ring.subscribers()).isEqualTo(1);
        TlsChoice choice = tls.choose(modern("www.example.com"));
        assertThat(choice).isNotNull();
        SslHandler first = choice.newHandler(ByteBufAllocator.DEFAULT);
        SslHandler second = choice.newHandler(ByteBufAllocator.DEFAULT);

        tls.close();

        assertThat(ring.subscribers()).isZero();
        assertThat(ring.rotate(Instant.now().plus(Duration.ofHours(9))))
                .isTrue(); // Reaches no freed context.
        assertThat(choice.contextReferences()).isEqualTo(2);
        ReferenceCountUtil.release(first.engine());
        assertThat(choice.contextReferences()).isEqualTo(1);
        assertThat(((ReferenceCountedOpenSslEngine) second.engine()).sslPointer()).isNotZero();
        ReferenceCountUtil.release(second.engine());
        assertThat(choice.contextReferences()).isZero();
        assertThatThrownBy(() -> choice.newHandler(ByteBufAllocator.DEFAULT))
                .isInstanceOf(IllegalReferenceCountException.class);
    }

    @Test
    void givenSettingsThatTheLibraryRefuses_whenMade_thenNothingIsLeft() {
        TicketRing ring = new TicketRing(Instant.now());
        Servers servers =
                new Servers(
                        Servers.set(
                                AUTHORITY.issue("a.example.com"),
                                AUTHORITY.issue("b.example.com")));
        servers.tickets = ring;
        servers.alpn = List.of("h2");
        int[] calls = {0};
        servers.boundary =
                (_, _) -> {
                    if (++calls[0] == 2) throw new IllegalStateException("planted");
                    return new byte[32];
                };

        assertThatThrownBy(servers::make).hasMessage("planted");
        assertThat(ring.subscribers())
                .isZero(); // That the contexts are gone, too, the leak guard sees.
    }
}
