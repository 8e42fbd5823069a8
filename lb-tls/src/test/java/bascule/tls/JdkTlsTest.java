package bascule.tls;

import static bascule.tls.Servers.authorities;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.TestClient.Outcome;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The engine that stands in where the native library does not load.
final class JdkTlsTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Server CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");
    private static final TestAuthority OTHER_CLIENTS = TestAuthority.named("Other client CA");
    private static final CertificateSet SET =
            Servers.set(AUTHORITY.issue("www.example.com"), AUTHORITY.issueRsa("*.example.com"));

    private final Servers servers = new Servers(SET);

    JdkTlsTest() {
        servers.library = TlsLibrary.JDK;
        servers.alpn = List.of("h2", "http/1.1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenJdk_whenClientsConnect_thenAllIsAsWithBoringSsl(String version) throws Exception {
        try (ServerTls tls = servers.make();
                TestClient client =
                        new TestClient(
                                AUTHORITY,
                                null,
                                TlsLibrary.BORINGSSL,
                                TestClient.alpn("http/1.1", "h2"),
                                version)) {
            Outcome full = client.connect(tls, "www.example.com");
            assertThat(full.failure()).isNull();
            assertThat(full.alpn()).isEqualTo("h2");
            assertThat(full.session()).isNotNull();
            assertThat(full.session().version()).isEqualTo(version);
            assertThat(full.session().cipher())
                    .isEqualTo(
                            version.equals("TLSv1.3")
                                    ? "TLS_AES_128_GCM_SHA256"
                                    : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
            assertThat(full.session().sni()).isEqualTo("www.example.com");
            assertThat(full.resumed()).isFalse();

            assertThat(client.connect(tls, "www.example.com").resumed()).isTrue();
        }
        try (ServerTls tls = servers.make();
                TestClient client = new TestClient(AUTHORITY, null, version)) {
            Outcome outcome = client.connect(tls, "other.example.com");
            assertThat(outcome.failure()).isNull();
            assertThat(outcome.choice())
                    .extracting(choice -> choice.certificate().keyType())
                    .isEqualTo(KeyType.RSA);
        }
    }

    @Test
    void givenModernPolicy_whenClientIsOlder_thenIsRefused() throws Exception {
        servers.policy = TlsPolicy.MODERN;
        try (ServerTls tls = servers.make();
                TestClient old = new TestClient(AUTHORITY, null, "TLSv1.2")) {
            assertThat(old.connect(tls, "www.example.com").failure())
                    .hasMessageContaining("PROTOCOL_VERSION");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenTicketOfAnotherContext_whenItWouldSpareACertificate_thenThereIsNoConnection(
            String version) throws Exception {
        servers.authorities = authorities(CLIENTS);
        try (ServerTls open = servers.make();
                ServerTls closed = required(CLIENTS);
                ServerTls others = required(OTHER_CLIENTS);
                TestClient nobody = new TestClient(AUTHORITY, null, version);
                TestClient alice =
                        new TestClient(AUTHORITY, CLIENTS.issueClient("alice"), version)) {
            nobody.connect(open, "www.example.com");
            assertThat(nobody.connect(open, "www.example.com").resumed()).isTrue();
            Outcome crossed = nobody.connect(closed, "www.example.com");
            assertThat(crossed.taken()).isFalse();
            assertThat(crossed.failure()).isNotNull();

            alice.connect(closed, "www.example.com");
            assertThat(alice.connect(closed, "www.example.com").session())
                    .isNotNull()
                    .extracting(TlsSession::resumed, TlsSession::subject)
                    .containsExactly(true, "CN=alice");
            crossed = alice.connect(others, "www.example.com");
            assertThat(crossed.taken()).isFalse();
            assertThat(crossed.failure()).isNotNull();
        }
    }

    private ServerTls required(TestAuthority clients) throws Exception {
        servers.clientAuth = ClientAuth.REQUIRED;
        servers.authorities = authorities(clients);
        return servers.make();
    }

    @Test
    void givenThisProcess_whenAsked_thenIsBoringSsl() {
        assertThat(TlsLibrary.inUse()).isEqualTo(TlsLibrary.BORINGSSL);
        assertThat(TlsLibrary.describe()).matches("BoringSSL \\(netty-tcnative 2\\.0\\.\\d+\\)");
    }

    @Test
    void givenLibraryThatDoesNotLoad_whenAsked_thenIsTheJdk_andSaysWhy() throws Exception {
        String jdk = "JDK " + Runtime.version().feature() + ", because ";
        assertThat(Other.run("-Dbascule.tls=jdk"))
                .containsExactly("JDK", jdk + "of -Dbascule.tls=jdk", "true TLSv1.3");
        assertThat(Other.run("-Dio.netty.handler.ssl.noOpenSsl=true"))
                .containsExactly(
                        "JDK",
                        jdk
                                + "the native library does not load:"
                                + " OpenSSL was explicit disabled with -Dio.netty.handler.ssl.noOpenSsl=true",
                        "true TLSv1.3");
    }

    /// A JVM of its own, since what library is in use is decided once.
    static final class Other {
        static List<String> run(String property) throws Exception {
            Process process =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "-Xmx128m",
                                    property,
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Other.class.getName())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            List<String> lines = new ArrayList<>(process.inputReader().readAllLines());
            if (!process.waitFor(60, SECONDS)) process.destroyForcibly();
            assertThat(process.exitValue()).as(lines.toString()).isZero();
            return lines;
        }

        public static void main(String[] arguments) throws Exception {
            System.out.println(TlsLibrary.inUse());
            System.out.println(TlsLibrary.describe());
            Issued issued = AUTHORITY.issue("www.example.com");
            Servers servers = new Servers(Servers.set(issued));
            servers.library = TlsLibrary.inUse();
            try (ServerTls tls = servers.make();
                    TestClient client =
                            new TestClient(AUTHORITY, null, TlsLibrary.JDK, _ -> {}, "TLSv1.3")) {
                TlsSession session = client.connect(tls, "www.example.com").session();
                System.out.println(
                        System.getProperty("jdk.tls.rejectClientInitiatedRenegotiation")
                                + " "
                                + (session == null ? null : session.version()));
            }
        }
    }
}
