package bascule.listen;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.testing.Answer;
import bascule.testing.JdkTls;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The TLS of a listener as its clients meet it; those here are the JDK's.
final class TlsDoorIT {
    @TempDir Path folder = Path.of("");
    private final TestAuthority authority = TestAuthority.named("Test CA");
    private final TestAuthority clients = TestAuthority.named("Client CA");
    private final TestAuthority admins = TestAuthority.named("Admin CA");
    private Path certs = Path.of("");
    private Issued shop;
    private Site site;
    private RunningDaemon daemon;

    @BeforeEach
    void prepare() throws IOException {
        certs = Files.createDirectory(folder.resolve("certs"));
        shop = authority.issue("shop.example.com", "www.example.com");
        shop.write(certs, "shop");
        authority.issue("*.apps.example.com").write(certs, "apps");
        authority.issue("default.example.com").write(certs, "default");
        clients.file(folder.resolve("clients.ca"));
        admins.file(folder.resolve("admins.ca"));
        site =
                Site.ofHeads(
                        (head, wire) -> {
                            wire.send(
                                    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                            .formatted(head.length(), head));
                            return true;
                        });
    }

    private void open(String tls) throws IOException {
        daemon = RunningDaemon.start(configuration(tls));
    }

    private String configuration(String tls) throws IOException {
        return """
        loops = 2
        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100, tls { certificates = "%s", %s } }
        backends.web.servers = "%s"
        """
                .formatted(certs, tls, site.address());
    }

    @AfterEach
    void stop() throws IOException {
        if (daemon != null) {
            daemon.close();
        }
        site.close();
    }

    /// A client's connection.
    private record Client(SSLSocket socket) implements AutoCloseable {
        String ask(String request) throws IOException {
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            var head = new StringBuilder();
            InputStream in = socket.getInputStream();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next < 0) return head.toString();
                head.append((char) next);
            }
            int at = head.indexOf("Content-Length: ") + 16;
            int length = Integer.parseInt(head.substring(at, head.indexOf("\r", at)));
            return head + new String(in.readNBytes(length), ISO_8859_1);
        }

        X509Certificate certificate() throws IOException {
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private Client connect(String sni, SSLContext as, String... protocols) throws IOException {
        InetSocketAddress to = daemon.address("web");
        var plain = new Socket(to.getAddress(), to.getPort());
        var socket =
                (SSLSocket) as.getSocketFactory().createSocket(plain, null, to.getPort(), true);
        socket.setSoTimeout(30_000);
        SSLParameters parameters = socket.getSSLParameters();
        if (sni != null) parameters.setServerNames(List.of(new SNIHostName(sni)));
        if (protocols.length > 0) parameters.setProtocols(protocols);
        socket.setSSLParameters(parameters);
        try {
            socket.startHandshake();
        } catch (IOException refused) {
            socket.close();
            throw refused;
        }
        return new Client(socket);
    }

    private Client connect(String sni) throws IOException {
        return connect(sni, JdkTls.context(authority, null));
    }

    private static String fingerprint(Issued of) {
        try {
            byte[] certificate = of.certificate().getEncoded();
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static String get(String host, String... fields) {
        String rest = fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n";
        return "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n".formatted(host, rest);
    }

    @ParameterizedTest
    @CsvSource({
        "shop.example.com,    CN=shop.example.com",
        "SHOP.Example.com,    CN=shop.example.com",
        "www.example.com,     CN=shop.example.com",
        "a.apps.example.com,  CN=*.apps.example.com",
        "a.b.apps.example.com,CN=default.example.com",
        "unknown.example.org, CN=default.example.com",
        "                   , CN=default.example.com",
    })
    void givenCertificates_whenAHostIsAskedFor_thenItsOwnIsShown(String sni, String subject)
            throws IOException {
        open("");
        try (Client client = connect(sni)) {
            assertEquals(subject, client.certificate().getSubjectX500Principal().getName());
            assertThat(client.ask(get("shop.example.com"))).startsWith("HTTP/1.1 200");
        }
        daemon.awaitMetric(
                1,
                "bascule_tls_handshakes_total",
                "listener=\"web\"",
                "result=\"ok\"",
                "resumed=\"false\"",
                "version=\"TLSv1.3\"");
    }

    @Test
    void givenBothKeyTypes_whenAClientKnowsOnlyRsa_thenItGetsThat() throws IOException {
        authority.issueRsa("shop.example.com").write(certs, "shop-rsa");
        open("");
        try (Client client =
                connect("shop.example.com", JdkTls.context(authority, null), "TLSv1.2")) {
            assertEquals("EC", client.certificate().getPublicKey().getAlgorithm());
        }
        InetSocketAddress to = daemon.address("web");
        try (var plain = new Socket(to.getAddress(), to.getPort());
                var socket =
                        (SSLSocket)
                                JdkTls.context(authority, null)
                                        .getSocketFactory()
                                        .createSocket(plain, null, to.getPort(), true)) {
            SSLParameters rsa = socket.getSSLParameters();
            rsa.setServerNames(List.of(new SNIHostName("shop.example.com")));
            rsa.setProtocols(new String[] {"TLSv1.2"});
            rsa.setCipherSuites(new String[] {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"});
            socket.setSSLParameters(rsa);
            assertEquals("RSA", new Client(socket).certificate().getPublicKey().getAlgorithm());
        }
    }

    @Test
    void givenTls_whenForwarded_thenServersAndBrowsersLearnOfIt() throws IOException {
        open("hsts { max-age = 10s, include-subdomains = on }");
        try (Client client = connect("shop.example.com")) {
            String answer = client.ask(get("shop.example.com", "X-Forwarded-Proto: http"));
            assertThat(answer)
                    .contains("Strict-Transport-Security: max-age=10; includeSubDomains\r\n")
                    .contains("X-Forwarded-Proto: https\r\n")
                    .doesNotContain("X-Forwarded-Proto: http\r\n");
        }
    }

    @Test
    void givenClientCertificates_whenShown_thenServersLearnWhose_andNobodyCanClaimOne()
            throws IOException {
        open("client-auth = optional, client-ca = \"%s\"".formatted(folder.resolve("clients.ca")));
        Issued client = clients.issueClient("Jane Doe");
        String[] forged = {
            "X-Client-Cert-Subject: CN=root",
            "x_client-cert_subject: CN=root",
            "X-Client-Cert-Fingerprint: 00",
            "X_CLIENT_CERT_FINGERPRINT: 00"
        };
        try (Client known = connect("shop.example.com", JdkTls.context(authority, client))) {
            assertThat(known.ask(get("shop.example.com", forged)))
                    .containsOnlyOnce("X-Client-Cert-Subject: CN=Jane Doe\r\n")
                    .containsOnlyOnce("X-Client-Cert-Fingerprint: " + fingerprint(client) + "\r\n")
                    .doesNotContain("CN=root", ": 00");
        }
        try (Client unknown = connect("shop.example.com")) {
            assertThat(unknown.ask(get("shop.example.com", forged)).toLowerCase(Locale.ROOT))
                    .doesNotContain("client-cert", "client_cert");
        }
        Issued stranger = admins.issueClient("Jane Doe"); // Of no authority that was asked for.
        try (Client unknown = connect("shop.example.com", JdkTls.context(authority, stranger))) {
            assertThat(unknown.ask(get("shop.example.com"))).doesNotContain("X-Client-Cert");
        }
    }

    @Test
    void givenHostThatAsksMore_whenAskedForOnAnotherConnection_then421() throws IOException {
        open(
                "hosts { \"shop.example.com\" { client-auth = required, client-ca = \"%s\" } }"
                        .formatted(folder.resolve("admins.ca")));
        Issued admin = admins.issueClient("root");
        try (Client other = connect("www.example.com")) {
            assertThat(other.ask(get("www.example.com"))).startsWith("HTTP/1.1 200");
            assertThat(other.ask(get("a.apps.example.com"))).startsWith("HTTP/1.1 200");
            for (String spelled :
                    List.of("shop.example.com", "SHOP.example.com:443", "shop.example.com."))
                assertThat(other.ask(get(spelled))).startsWith("HTTP/1.1 421");
        }
        try (Client other = connect("shop.example.com", JdkTls.context(authority, admin))) {
            assertThat(other.ask(get("shop.example.com"))).startsWith("HTTP/1.1 200");
            assertThat(other.ask(get("www.example.com"))).startsWith("HTTP/1.1 421");
        }
        daemon.awaitMetric(
                4, "bascule_rejected_total", "listener=\"web\"", "reason=\"misdirected\"");
        assertThatThrownBy(
                        () -> {
                            try (Client none = connect("shop.example.com")) {
                                if (none.ask(get("shop.example.com")).isEmpty())
                                    throw new SSLException("closed");
                            }
                        })
                .isInstanceOf(IOException.class);
    }

    @Test
    void givenPlainConnections_whenAReloadAsksForCertificates_thenTheyAreNotAskedAnyMore()
            throws IOException {
        daemon =
                RunningDaemon.start(
                        """
                        loops = 2
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                        backends.web.servers = "%s"
                        """
                                .formatted(site.address()));
        try (Wire old = Wire.connect(daemon.address("web"))) {
            old.send(get("shop.example.com"));
            assertEquals(200, Answer.read(old, false).status());
            daemon.reload(
                    configuration(
                            "client-auth = required, client-ca = \"%s\""
                                    .formatted(folder.resolve("clients.ca"))));
            old.send(get("shop.example.com"));
            Answer answer = Answer.read(old, false);
            assertEquals(421, answer.status());
            assertEquals("close", answer.field("connection"));
            old.skipToEnd();
        }
    }

    @Test
    void givenStrictSni_whenTheHostIsUnknown_thenAnAlertSaysSo() throws IOException {
        open("strict-sni = on");
        assertThatThrownBy(() -> connect("unknown.example.org"))
                .isInstanceOf(SSLException.class)
                .hasMessageContaining("unrecognized_name");
        assertThatThrownBy(() -> connect(null)).isInstanceOf(SSLException.class);
        connect("shop.example.com").close();
        daemon.awaitMetric(
                2,
                "bascule_tls_handshakes_total",
                "result=\"unknown-name\"",
                "resumed=\"none\"",
                "version=\"none\"");
    }

    @Test
    void givenNoTls_whenSomethingElseIsSpoken_thenClosedAndCounted() throws IOException {
        open("handshake-time = 500ms");
        try (Wire wire = Wire.connect(daemon.address("web"))) {
            wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            wire.skipToEnd();
        }
        try (Wire silent = Wire.connect(daemon.address("web"));
                Wire half = Wire.connect(daemon.address("web"))) {
            half.send(new byte[] {22, 3, 1, 1, 0, 1, 0});
            silent.skipToEnd();
            half.skipToEnd();
        }
        for (String each : List.of("malformed,1", "handshake-time,2"))
            daemon.awaitMetric(
                    Integer.parseInt(each.split(",")[1]),
                    "bascule_tls_handshakes_total",
                    "result=\"" + each.split(",")[0] + '"');
    }

    @Test
    void givenNewCertificates_whenPutThere_thenNewClientsSeeThem_andOldOnesNoticeNothing()
            throws IOException {
        open("");
        try (Client old = connect("shop.example.com")) {
            old.ask(get("shop.example.com"));
            Issued renewed = authority.issue("shop.example.com");
            renewed.write(certs, "shop");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .untilAsserted(
                            () -> {
                                try (Client fresh = connect("shop.example.com")) {
                                    assertEquals(renewed.certificate(), fresh.certificate());
                                }
                            });
            assertThat(old.ask(get("shop.example.com"))).startsWith("HTTP/1.1 200");

            Files.writeString(certs.resolve("shop.pem"), shop.chainPem()); // Without its key.
            daemon.awaitMetric(1, "bascule_certificate_reloads_total", "result=\"refused\"");
            try (Client still = connect("shop.example.com")) {
                assertEquals(renewed.certificate(), still.certificate());
            }
            assertThat(old.ask(get("shop.example.com"))).startsWith("HTTP/1.1 200");
        }
        daemon.awaitMetric(1, "bascule_certificate_reloads_total", "result=\"loaded\"");
        assertTrue(
                daemon.metric(
                                "bascule_certificate_expiry_timestamp_seconds",
                                "name=\"shop.example.com\"")
                        > 1e9);
    }
}
