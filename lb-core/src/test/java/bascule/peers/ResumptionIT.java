package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Tool;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tickets that OpenSSL's client was given, and where it may come back with them.
@Timeout(120)
final class ResumptionIT {
    private static final String REQUEST =
            "GET / HTTP/1.1\r\nHost: " + Edge.NAME + "\r\nConnection: close\r\n\r\n";

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

    private Path ticket() {
        return folder.resolve("ticket");
    }

    /// One exchange over TLS.
    ///
    /// @return what openssl wrote: `New, TLSv1.3` or `Reused, TLSv1.3`, and the answer
    private static String client(Path ca, int port, String version, String... more)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("openssl", "s_client"));
        command.addAll(List.of("-connect", "127.0.0.1:" + port, "-servername", Edge.NAME));
        command.addAll(List.of("-CAfile", ca.toString(), "-verify_return_error"));
        command.addAll(List.of("-verify_hostname", Edge.NAME, "-ign_eof", version));
        command.addAll(Arrays.asList(more));
        return Tool.run(RunningDaemon.PATIENCE, REQUEST, command.toArray(String[]::new)).all();
    }

    private void fetchTicket(Path ca, int port, String version, String... more) throws Exception {
        var options = new ArrayList<>(List.of("-sess_out", ticket().toString()));
        options.addAll(List.of(more));
        Files.deleteIfExists(ticket());
        String first = client(ca, port, version, options.toArray(String[]::new));
        assertThat(first).contains("\nNew, TLSv1.", "HTTP/1.1 200 OK").doesNotContain("Reused");
        assertThat(ticket()).isNotEmptyFile();
    }

    private String comeBack(Path ca, int port, String version, String... more) throws Exception {
        var options = new ArrayList<>(List.of("-sess_in", ticket().toString()));
        options.addAll(List.of(more));
        return client(ca, port, version, options.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenTicket_whenClientComesBack_thenItIsResumedAndCounted(String version)
            throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            int port = edge.tls().getPort();
            fetchTicket(edge.ca, port, version);

            String second = comeBack(edge.ca, port, version);

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
            fetchTicket(edge.ca, port, version);
            Issued next = edge.issue();
            edge.replace(next);
            try (Handshakes handshakes = Handshakes.start(edge.tls(), edge::context, 20)) {
                handshakes.awaitSeen(next.certificate().getSerialNumber());
                assertThat(handshakes.stop())
                        .extracting(Handshakes.Done::failure)
                        .containsOnlyNulls();
            }

            assertThat(comeBack(edge.ca, port, version)).contains("\nReused, TLSv1.");
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
        String client = authority.issueClient("a").write(folder, "a").toString();
        String[] shown = {"-cert", client, "-key", client};
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

            fetchTicket(ca, open, version);
            assertThat(comeBack(ca, closed, version)).doesNotContain("HTTP/1.1", "Reused");
            assertThat(comeBack(ca, daemon.address("also-open").getPort(), version))
                    .contains("\nNew, TLSv1.", "HTTP/1.1 200 OK");
            assertThat(comeBack(ca, open, version)).contains("\nReused, TLSv1.", "HTTP/1.1 200 OK");

            assertThat(client(ca, closed, version)).doesNotContain("HTTP/1.1");
            fetchTicket(ca, closed, version, shown);
            assertThat(comeBack(ca, forOthers, version, shown))
                    .doesNotContain("HTTP/1.1", "Reused");
            assertThat(comeBack(ca, open, version)).contains("\nNew, TLSv1.");
            // Resumed, it is known by the certificate of its first handshake.
            assertThat(comeBack(ca, closed, version)).contains("\nReused, TLSv1.", "HTTP/1.1 200");
            assertEquals(6, site.requests());
        }
    }
}
