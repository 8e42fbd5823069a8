package bascule.tls;

import static bascule.tls.Servers.authorities;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.TestClient.Outcome;
import bascule.tls.testing.Issued;
import bascule.tls.testing.Key;
import bascule.tls.testing.TestAuthority;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientCertificateTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Server CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");
    private static final CertificateSet SET = Servers.set(AUTHORITY.issue("www.example.com"));

    private static Outcome connect(
            ClientAuth clientAuth, @Nullable Issued certificate, String version)
            throws SSLException {
        return connect(clientAuth, certificate, version, TlsLibrary.BORINGSSL);
    }

    private static Outcome connect(
            ClientAuth clientAuth, @Nullable Issued certificate, String version, TlsLibrary library)
            throws SSLException {
        Servers servers = new Servers(SET);
        servers.clientAuth = clientAuth;
        servers.authorities = authorities(CLIENTS);
        servers.library = library;
        try (ServerTls tls = servers.make();
                TestClient client = new TestClient(AUTHORITY, certificate, version)) {
            return client.connect(tls, "www.example.com");
        }
    }

    @ParameterizedTest
    @CsvSource({"NONE, false", "OPTIONAL, true", "REQUIRED, true"})
    void givenClientWithCertificate_whenAsked_thenIsKnown(ClientAuth clientAuth, boolean known)
            throws Exception {
        Issued alice = CLIENTS.issueClient("alice");
        String fingerprint =
                HexFormat.of()
                        .formatHex(
                                MessageDigest.getInstance("SHA-256")
                                        .digest(alice.certificate().getEncoded()));
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"})
            for (TlsLibrary library : TlsLibrary.values()) {
                TlsSession session = connect(clientAuth, alice, version, library).session();
                assertThat(session).isNotNull();
                assertThat(session.subject()).isEqualTo(known ? "CN=alice" : null);
                assertThat(session.fingerprint()).isEqualTo(known ? fingerprint : null);
            }
    }

    @ParameterizedTest
    @EnumSource(names = {"P256", "P384", "RSA"})
    void givenKeyOfAnyKind_whenClientShowsIt_thenIsKnown(Key kind) throws SSLException {
        Issued alice = CLIENTS.intermediate("Staff").request("alice").key(kind).issue();
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"})
            assertThat(connect(ClientAuth.REQUIRED, alice, version).session())
                    .isNotNull()
                    .extracting(TlsSession::subject)
                    .isEqualTo("CN=alice");
    }

    @ParameterizedTest
    @CsvSource({
        "OPTIONAL, TLSv1.2, ", "OPTIONAL, TLSv1.3, ",
        "REQUIRED, TLSv1.2, HANDSHAKE_FAILURE", "REQUIRED, TLSv1.3, CERTIFICATE_REQUIRED"
    })
    void givenClientWithoutCertificate_whenAsked_thenOnlyRequiredRefuses_andSaysSo(
            ClientAuth clientAuth, String version, @Nullable String alert) throws SSLException {
        Outcome outcome = connect(clientAuth, null, version);

        if (alert != null) assertThat(outcome.failure()).hasMessageContaining(alert);
        else {
            assertThat(outcome.failure()).isNull();
            assertThat(outcome.session())
                    .isNotNull()
                    .extracting(TlsSession::subject, TlsSession::fingerprint)
                    .containsOnlyNulls();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"stranger", "expired", "future", "self-signed"})
    void givenBadCertificate_whenShown_thenIsRefusedEvenWhereItIsOptional(String what)
            throws SSLException {
        Instant now = Instant.now();
        Issued bad =
                switch (what) {
                    case "stranger" -> TestAuthority.named("Client CA").issueClient("mallory");
                    case "expired" ->
                            CLIENTS.request("old")
                                    .valid(now.minusSeconds(99), now.minusSeconds(9))
                                    .issue();
                    case "future" ->
                            CLIENTS.request("new")
                                    .valid(now.plusSeconds(99), now.plusSeconds(199))
                                    .issue();
                    default -> CLIENTS.request("Client CA").selfSigned();
                };
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"})
            for (ClientAuth clientAuth :
                    new ClientAuth[] {ClientAuth.OPTIONAL, ClientAuth.REQUIRED}) {
                Outcome outcome = connect(clientAuth, bad, version);
                assertThat(outcome.session()).isNull();
                assertThat(outcome.failure()).hasMessageContaining("ALERT");
            }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "alice | CN=alice",
                "Müller | CN=M\\C3\\BCller",
                "日本 | CN=\\E6\\97\\A5\\E6\\9C\\AC",
                "😀 | CN=\\F0\\9F\\98\\80",
                "a,b | CN=a\\,b",
                "a+b | CN=a\\+b"
            })
    void givenSubjectWithAnyCharacters_whenTold_thenIsPrintableAscii(String name, String expected)
            throws SSLException {
        TlsSession session =
                connect(ClientAuth.REQUIRED, CLIENTS.issueClient(name), "TLSv1.3").session();

        assertThat(session).isNotNull();
        assertThat(session.subject()).isEqualTo(expected);
    }

    @Test
    void givenSubjectThatWouldEndALine_whenTold_thenDoesNot() throws SSLException {
        TlsSession session =
                connect(
                                ClientAuth.REQUIRED,
                                CLIENTS.issueClient("a\r\nX-Admin: yes\u0000\u007f"),
                                "TLSv1.3")
                        .session();

        assertThat(session).isNotNull();
        assertThat(session.subject()).isEqualTo("CN=a\\0D\\0AX-Admin: yes\\00\\7F");
    }
}
