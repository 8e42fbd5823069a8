package bascule.tls;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.TestClient.Outcome;
import bascule.tls.testing.TestAuthority;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.SslContextBuilder;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TlsPolicyTest {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Test CA");
    private static final CertificateSet BOTH =
            Servers.set(AUTHORITY.issue("www.example.com"), AUTHORITY.issueRsa("www.example.com"));

    private final Servers servers = new Servers(BOTH);

    private Outcome connect(Consumer<SslContextBuilder> more, String... versions)
            throws SSLException {
        try (ServerTls tls = servers.make();
                TestClient client =
                        new TestClient(AUTHORITY, null, TlsLibrary.BORINGSSL, more, versions)) {
            return client.connect(tls, "www.example.com");
        }
    }

    private @Nullable String version(String... versions) throws SSLException {
        Outcome outcome = connect(_ -> {}, versions);
        if (outcome.session() == null) {
            // The client was told why, by the alert that it has a name for.
            assertThat(outcome.failure()).hasMessageContaining("TLSV1_ALERT_PROTOCOL_VERSION");
            return null;
        }
        assertThat(outcome.failure()).isNull();
        return outcome.session().version();
    }

    @Test
    void givenPolicies_whenClientsComeWithVersions_thenTheHighestCommonOneIsSpoken()
            throws SSLException {
        assertThat(version("TLSv1.2", "TLSv1.3")).isEqualTo("TLSv1.3");
        assertThat(version("TLSv1.1", "TLSv1.2")).isEqualTo("TLSv1.2");
        assertThat(version("TLSv1", "TLSv1.1")).isNull();

        servers.minimum = TlsVersion.TLS_1_3;
        assertThat(version("TLSv1.2", "TLSv1.3")).isEqualTo("TLSv1.3");
        assertThat(version("TLSv1.2")).isNull();

        servers.minimum = TlsVersion.TLS_1_2;
        servers.policy = TlsPolicy.MODERN;
        assertThat(version("TLSv1.2", "TLSv1.3")).isEqualTo("TLSv1.3");
        assertThat(version("TLSv1.2")).isNull();
    }

    private static Consumer<SslContextBuilder> ciphers(String... ciphers) {
        return builder -> builder.ciphers(List.of(ciphers), IdentityCipherSuiteFilter.INSTANCE);
    }

    @ParameterizedTest
    @CsvSource({
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, second",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, second",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, second",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, second",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, second",
        "TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, none"
    })
    void givenClientOfTls12_whenItPrefersAnother_thenTheServersOrderDecides(
            String first, String second, String expected) throws SSLException {
        Outcome outcome = connect(ciphers(first, second), "TLSv1.2");

        if (expected.equals("none"))
            assertThat(outcome.failure()).hasMessageContaining("HANDSHAKE_FAILURE");
        else
            assertThat(outcome.session())
                    .isNotNull()
                    .extracting(TlsSession::cipher)
                    .isEqualTo(expected.equals("first") ? first : second);
    }

    private static Consumer<SslContextBuilder> groups(String... groups) {
        return builder -> builder.option(OpenSslContextOption.GROUPS, groups);
    }

    @Test
    void givenGroups_whenClientHasThePostQuantumOne_thenItIsTaken() throws SSLException {
        assertThat(connect(groups("X25519MLKEM768", "X25519"), "TLSv1.3").group())
                .isEqualTo("X25519MLKEM768");
        assertThat(connect(groups("X25519", "P-256", "X25519MLKEM768"), "TLSv1.3").group())
                .as("though the client would rather not, and so a round trip is spent")
                .isEqualTo("X25519MLKEM768");
        assertThat(connect(groups("P-384", "P-256", "X25519"), "TLSv1.3").group())
                .isEqualTo("X25519");
        assertThat(connect(groups("P-384", "P-256"), "TLSv1.2").group()).isEqualTo("P-256");
        assertThat(connect(groups("P-384"), "TLSv1.3").group()).isEqualTo("P-384");
        assertThat(connect(groups("P-521"), "TLSv1.3").failure())
                .hasMessageContaining("HANDSHAKE_FAILURE");
    }

    @ParameterizedTest
    @CsvSource({
        "h2 http/1.1, h2 http/1.1, h2",
        "h2 http/1.1, http/1.1 h2, h2",
        "http/1.1 h2, h2 http/1.1, http/1.1",
        "http/1.1, h2 http/1.1, http/1.1",
        "h2 http/1.1, http/1.1, http/1.1",
        "h2 http/1.1, spdy/3, ",
        "h2 http/1.1, , ",
        ", h2, "
    })
    void givenProtocols_whenAgreed_thenTheServersOrderDecides(
            @Nullable String ours, @Nullable String theirs, @Nullable String agreed)
            throws SSLException {
        servers.alpn = ours == null ? List.of() : List.of(ours.split(" "));
        Consumer<SslContextBuilder> alpn =
                theirs == null ? _ -> {} : TestClient.alpn(theirs.split(" "));
        for (String version : List.of("TLSv1.2", "TLSv1.3")) {
            Outcome outcome = connect(alpn, version);
            assertThat(outcome.failure()).isNull();
            assertThat(outcome.alpn()).isEqualTo(agreed);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenKeyType_whenClientCanDoOne_thenItIsShownThat(String version) throws SSLException {
        assertThat(connect(_ -> {}, version).choice())
                .extracting(choice -> choice.certificate().keyType())
                .isEqualTo(KeyType.ECDSA);
        assertThat(connect(ciphers("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "TLSv1.2").choice())
                .extracting(choice -> choice.certificate().keyType())
                .isEqualTo(KeyType.RSA);
    }
}
