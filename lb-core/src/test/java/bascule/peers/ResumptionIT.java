package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.OpenSsl;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tickets that OpenSSL's client was given, and where it may come back with them.
@Timeout(120)
final class ResumptionIT {
    @TempDir Path folder = Path.of("");

    @BeforeEach
    void require() {
        Peers.require("openssl");
    }

    private static Site site() throws IOException {
        return new Site(
                (_, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    return true;
                });
    }

    private OpenSsl client(Path ca) {
        return new OpenSsl(ca, folder.resolve("ticket"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenTicket_whenClientComesBack_thenItIsResumedAndCounted(String version)
            throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            int port = edge.tls().getPort();
            client(edge.ca).fetchTicket(port, version);

            String second = client(edge.ca).comeBack(port, version);

            assertThat(second).contains("\nReused, TLSv1.", "HTTP/1.1 200 OK");
            assertEquals(2, site.requests());
            edge.daemon.awaitMetric(1, "bascule_tls_handshakes_total", "resumed=\"true\"");
            edge.daemon.awaitMetric(1, "bascule_tls_handshakes_total", "resumed=\"false\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenTicket_whenCertificateWasReplacedMeanwhile_thenItIsResumed(String version)
            throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            int port = edge.tls().getPort();
            client(edge.ca).fetchTicket(port, version);
            Issued next = edge.issue();
            edge.replace(next);
            try (Handshakes handshakes = Handshakes.start(edge.tls(), edge::context, 20)) {
                handshakes.awaitSeen(next.certificate().getSerialNumber());
                assertThat(handshakes.stop())
                        .extracting(Handshakes.Done::failure)
                        .containsOnlyNulls();
            }

            assertThat(client(edge.ca).comeBack(port, version)).contains("\nReused, TLSv1.");
        }
    }

    /// A listener that asks nobody for a certificate, one that requires one, and one that requires one of others.
    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenTicketOfOneListener_whenTakenToAnother_thenItIsWorthNothing(String version)
            throws Exception {
        var authority = TestAuthority.named("Test authority");
        var others = TestAuthority.named("Other authority");
        Path ca = authority.file(folder.resolve("ca.crt"));
        Path otherCa = others.file(folder.resolve("others.crt"));
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        authority.issue(Edge.NAME).write(certificates, "default");
        String own = authority.issueClient("a").write(folder, "a").toString();
        String[] shown = {version, "-cert", own, "-key", own};
        OpenSsl client = client(ca);
        try (Site site = site();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                listeners {
                                  open { bind = "127.0.0.1:0", backend = web, limits.connections = 500, tls = "%1$s" }
                                  also-open { bind = "127.0.0.1:0", backend = web, limits.connections = 500, tls = "%1$s" }
                                  closed { bind = "127.0.0.1:0", backend = web, limits.connections = 500,
                                    tls { certificates = "%1$s", client-auth = required, client-ca = "%2$s" } }
                                  for-others { bind = "127.0.0.1:0", backend = web, limits.connections = 500,
                                    tls { certificates = "%1$s", client-auth = required, client-ca = "%3$s" } }
                                }
                                backends.web.servers = ["%4$s"]
                                """
                                        .formatted(certificates, ca, otherCa, site.address()))) {
            int open = daemon.address("open").getPort();
            int closed = daemon.address("closed").getPort();
            int forOthers = daemon.address("for-others").getPort();

            client.fetchTicket(open, version);
            assertThat(client.comeBack(closed, version)).doesNotContain("HTTP/1.1", "Reused");
            assertThat(client.comeBack(daemon.address("also-open").getPort(), version))
                    .contains("\nNew, TLSv1.", "HTTP/1.1 200 OK");
            assertThat(client.comeBack(open, version))
                    .contains("\nReused, TLSv1.", "HTTP/1.1 200 OK");

            assertThat(client.exchange(closed, version)).doesNotContain("HTTP/1.1");
            client.fetchTicket(closed, shown);
            assertThat(client.comeBack(forOthers, shown)).doesNotContain("HTTP/1.1", "Reused");
            assertThat(client.comeBack(open, version)).contains("\nNew, TLSv1.");
            // Resumed, it is known by the certificate of its first handshake.
            assertThat(client.comeBack(closed, version))
                    .contains("\nReused, TLSv1.", "HTTP/1.1 200");
            assertEquals(6, site.requests());
        }
    }
}
