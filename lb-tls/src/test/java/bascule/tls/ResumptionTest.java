package bascule.tls;

import static bascule.tls.Servers.authorities;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.TestClient.Outcome;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Who may come back with which ticket, and who must not.
final class ResumptionTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Server CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");
    private static final TestAuthority OTHER_CLIENTS = TestAuthority.named("Other client CA");
    private static final CertificateSet CERTIFICATES =
            Servers.set(AUTHORITY.issue("www.example.com", "admin.example.com"));

    private static final Instant START = Instant.parse("2026-11-20T00:00:00Z");

    /// What there would be without any separation: one session context, and so one set of keys, for all.
    private static final ServerTls.Boundary NONE = (_, _) -> new byte[32];

    private final TicketRing ring = new TicketRing(START);

    private Servers servers(
            String listener, ClientAuth clientAuth, @Nullable CaCertificates authorities) {
        Servers servers = new Servers(CERTIFICATES);
        servers.listener = listener;
        servers.clientAuth = clientAuth;
        servers.authorities = authorities;
        servers.tickets = ring;
        return servers;
    }

    private static TestClient client(String version, @Nullable Issued certificate)
            throws SSLException {
        return new TestClient(AUTHORITY, certificate, version);
    }

    /// Two places that a ticket may not travel between, and whether the client has a certificate of [#CLIENTS].
    record Crossing(String what, Place from, Place to, boolean certificate) {
        @Override
        public String toString() {
            return what;
        }
    }

    record Place(
            String listener, ClientAuth clientAuth, @Nullable TestAuthority clients, String host) {}

    static Stream<Arguments> crossings() {
        Place open = new Place("open", ClientAuth.NONE, null, "www.example.com");
        Place closed = new Place("closed", ClientAuth.REQUIRED, CLIENTS, "www.example.com");
        Place sameOpen = new Place("one", ClientAuth.NONE, null, "www.example.com");
        Place sameOptional = new Place("one", ClientAuth.OPTIONAL, CLIENTS, "www.example.com");
        Place sameClosed = new Place("one", ClientAuth.REQUIRED, CLIENTS, "www.example.com");
        Place others = new Place("one", ClientAuth.REQUIRED, OTHER_CLIENTS, "www.example.com");
        return Stream.of(
                        new Crossing("from a listener that asks nobody", open, closed, false),
                        new Crossing(
                                "when the listener begins to ask", sameOpen, sameClosed, false),
                        new Crossing("from optional to required", sameOptional, sameClosed, false),
                        new Crossing("to other authorities", sameClosed, others, true))
                .flatMap(
                        crossing ->
                                Stream.of("TLSv1.2", "TLSv1.3")
                                        .map(version -> Arguments.of(version, crossing)));
    }

    private Outcome cross(String version, Crossing crossing, ServerTls.Boundary boundary)
            throws SSLException {
        Issued certificate = crossing.certificate() ? CLIENTS.issueClient("alice") : null;
        try (ServerTls from = at(crossing.from(), boundary);
                ServerTls to = at(crossing.to(), boundary);
                TestClient client = client(version, certificate)) {
            assertThat(client.connect(from, crossing.from().host()).resumed()).isFalse();
            assertThat(client.connect(from, crossing.from().host()).resumed())
                    .as("it has a ticket")
                    .isTrue();
            return client.connect(to, crossing.to().host());
        }
    }

    private ServerTls at(Place place, ServerTls.Boundary boundary) throws SSLException {
        TestAuthority clients = place.clients();
        Servers servers =
                servers(
                        place.listener(),
                        place.clientAuth(),
                        clients == null ? null : authorities(clients));
        servers.boundary = boundary;
        return servers.make();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("crossings")
    void givenTicketOfAnotherContext_whenItWouldSpareACertificate_thenThereIsNoConnection(
            String version, Crossing crossing) throws SSLException {
        Outcome outcome =
                cross(version, crossing, (listener, policy) -> policy.sessionContext(listener));

        assertThat(outcome.taken()).isFalse();
        assertThat(outcome.failure()).isNotNull();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("crossings")
    void givenOnlyOneOfTheTwoWalls_whenTicketCrosses_thenItHoldsAlone(
            String version, Crossing crossing) throws SSLException {
        assertThat(cross(version, crossing, new Walls(true, false)).taken()).isFalse();
        assertThat(cross(version, crossing, new Walls(false, true)).taken()).isFalse();
    }

    record Walls(boolean session, boolean keys) implements ServerTls.Boundary {
        @Override
        public byte[] sessionContext(String listener, ClientPolicy policy) {
            return session ? policy.sessionContext(listener) : new byte[32];
        }

        @Override
        public byte[] keyContext(String listener, ClientPolicy policy) {
            return keys ? policy.sessionContext(listener) : new byte[32];
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("crossings")
    void givenOneContextForAll_whenTicketCrosses_thenTheTestAboveWouldSeeIt(
            String version, Crossing crossing) throws SSLException {
        Outcome outcome = cross(version, crossing, NONE);

        assertThat(outcome.taken()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenHostsOfOneListener_whenTheyAskForDifferentThings_thenTicketsDoNotTravel(
            String version) throws SSLException {
        Servers servers = servers("https", ClientAuth.NONE, null);
        servers.rules =
                List.of(
                        new ClientAuthRule(
                                "admin.example.com", ClientAuth.REQUIRED, authorities(CLIENTS)));
        try (ServerTls tls = servers.make();
                TestClient client = client(version, null)) {
            client.connect(tls, "www.example.com");
            assertThat(client.connect(tls, "www.example.com").resumed()).isTrue();

            assertThat(client.connect(tls, "admin.example.com").failure()).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenSameContext_whenSwapped_thenTicketsGoOn(String version) throws SSLException {
        Servers servers = servers("https", ClientAuth.REQUIRED, authorities(CLIENTS));
        try (ServerTls old = servers.make();
                TestClient client = client(version, CLIENTS.issueClient("alice"))) {
            TlsSession full = client.connect(old, "www.example.com").session();
            // Another certificate, other protocols: none of it has to do with who the client is.
            servers.certificates = Servers.set(AUTHORITY.issue("www.example.com"));
            servers.alpn = List.of("h2");
            try (ServerTls renewed = servers.make()) {
                Outcome outcome = client.connect(renewed, "www.example.com");

                assertThat(outcome.resumed()).isTrue();
                assertThat(full).isNotNull();
                assertThat(outcome.session())
                        .as("the client is known all the same")
                        .extracting(TlsSession::subject, TlsSession::fingerprint)
                        .containsExactly(full.subject(), full.fingerprint())
                        .doesNotContainNull();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenRestartWithTheSameRing_whenClientComesBack_thenResumes_andNotWithAnother(
            String version) throws SSLException {
        try (TestClient client = client(version, null)) {
            byte[] exported = ring.export();
            try (ServerTls tls = servers("https", ClientAuth.NONE, null).make()) {
                client.connect(tls, "www.example.com");
            }
            Servers after = servers("https", ClientAuth.NONE, null);
            after.tickets = new TicketRing(START);
            try (ServerTls tls = after.make()) {
                assertThat(client.connect(tls, "www.example.com").resumed()).isFalse();
            }
            assertThat(after.tickets.install(exported)).isTrue();
            try (ServerTls tls = servers("https", ClientAuth.NONE, null).make();
                    ServerTls again = after.make()) {
                assertThat(client.connect(tls, "www.example.com").resumed()).isFalse();
                assertThat(client.connect(again, "www.example.com").resumed()).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenRunningContexts_whenRingTakesOtherKeys_thenTheyAreInForceAtOnce(String version)
            throws SSLException {
        TicketRing other = new TicketRing(START);
        Servers there = servers("https", ClientAuth.NONE, null);
        there.tickets = other;
        try (ServerTls here = servers("https", ClientAuth.NONE, null).make();
                ServerTls elsewhere = there.make();
                TestClient client = client(version, null)) {
            client.connect(here, "www.example.com");
            assertThat(client.connect(elsewhere, "www.example.com").resumed()).isFalse();

            assertThat(other.install(ring.export())).isTrue();
            client.connect(here, "www.example.com");
            assertThat(client.connect(elsewhere, "www.example.com").resumed()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenRotation_whenClientComesBack_thenOldKeyOpensUntilItIsForgotten(String version)
            throws SSLException {
        try (ServerTls tls = servers("https", ClientAuth.NONE, null).make();
                TestClient early = client(version, null);
                TestClient late = client(version, null)) {
            early.connect(tls, "www.example.com");
            late.connect(tls, "www.example.com");

            assertThat(ring.rotate(START.plus(Duration.ofHours(8)))).isTrue();
            assertThat(early.connect(tls, "www.example.com").resumed()).isTrue();

            assertThat(ring.rotate(START.plus(Duration.ofHours(24)))).isTrue();
            assertThat(late.connect(tls, "www.example.com").resumed())
                    .as("sealed with a key that is gone")
                    .isFalse();
            assertThat(early.connect(tls, "www.example.com").resumed())
                    .as("came back in between, and got a new ticket")
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenClientCertificateThatHasExpired_whenItsTicketComesBack_thenThereIsNoConnection(
            String version) throws Exception {
        Instant end = Instant.now().plusSeconds(3);
        Issued certificate =
                CLIENTS.request("alice").valid(Instant.now().minusSeconds(60), end).issue();
        try (ServerTls tls = servers("https", ClientAuth.REQUIRED, authorities(CLIENTS)).make();
                TestClient client = client(version, certificate)) {
            client.connect(tls, "www.example.com");
            assertThat(client.connect(tls, "www.example.com").resumed()).isTrue();

            Thread.sleep(Math.max(0, end.toEpochMilli() + 1 - System.currentTimeMillis()));
            Outcome outcome = client.connect(tls, "www.example.com");

            assertThat(outcome.session()).isNull();
            assertThat(outcome.failure()).isNotNull();
        }
    }

    @Test
    void givenPolicies_whenTheyAskForTheSame_thenTheirContextIsTheSame_andElseNot() {
        ClientPolicy policy =
                new ClientPolicy(ClientAuth.REQUIRED, authorities(CLIENTS, OTHER_CLIENTS));
        assertThat(policy.sessionContext("a"))
                .hasSize(32)
                .isEqualTo(
                        new ClientPolicy(ClientAuth.REQUIRED, authorities(OTHER_CLIENTS, CLIENTS))
                                .sessionContext("a"))
                .isNotEqualTo(policy.sessionContext("b"))
                .isNotEqualTo(
                        new ClientPolicy(ClientAuth.OPTIONAL, authorities(CLIENTS, OTHER_CLIENTS))
                                .sessionContext("a"))
                .isNotEqualTo(
                        new ClientPolicy(ClientAuth.REQUIRED, authorities(CLIENTS))
                                .sessionContext("a"));
    }
}
