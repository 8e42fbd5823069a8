package bascule.tls;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.TestAuthority;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ServerTlsTest {
    @TempDir Path folder = Path.of("");

    private final TestAuthority authority = TestAuthority.named("Test CA");

    private ServerTlsSettings settings(CertificateSet set) {
        return new ServerTlsSettings(
                "https",
                set,
                TlsPolicy.INTERMEDIATE,
                TlsVersion.TLS_1_2,
                false,
                ClientAuth.NONE,
                null,
                List.of(),
                List.of("h2", "http/1.1"),
                new TicketRing(Instant.now()));
    }

    @Test
    void givenClientOfEachVersion_whenItComesBack_thenItsTicketStandsForTheHandshake()
            throws Exception {
        authority.issue("www.example.com").write(folder, "www");
        authority.issueRsa("www.example.com").write(folder, "www-rsa");
        CertificateSet set =
                ((CertificateFolder.Read.Loaded) CertificateFolder.read(folder, Instant.now()))
                        .set();
        try (ServerTls tls = ServerTls.of(settings(set));
                TestClient client13 = new TestClient(authority, null, "TLSv1.3");
                TestClient client12 = new TestClient(authority, null, "TLSv1.2")) {
            for (TestClient client : List.of(client13, client12)) {
                assertThat(client.connect(tls, "www.example.com").resumed()).isFalse();
                assertThat(client.connect(tls, "www.example.com").resumed()).isTrue();
            }
        }
    }
}
