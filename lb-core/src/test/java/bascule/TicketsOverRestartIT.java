package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.testing.OpenSsl;
import bascule.testing.Peers;
import bascule.testing.Site;
import bascule.tls.TicketRing;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tickets and the keys that open them: when a daemon follows another one, and when keys grow old.
@Timeout(120)
final class TicketsOverRestartIT {
    @TempDir Path folder = Path.of("");

    private final Instant start = Instant.now();
    private final TicketRing ring = new TicketRing(start);
    private Site site;
    private OpenSsl client;
    private Configuration configuration;

    @BeforeEach
    void prepare() throws IOException {
        Peers.require("openssl");
        var authority = TestAuthority.named("Test authority");
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        authority.issue(OpenSsl.NAME).write(certificates, "default");
        client = new OpenSsl(authority.file(folder.resolve("ca.crt")), folder.resolve("ticket"));
        site =
                new Site(
                        (_, wire) -> {
                            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                            return true;
                        });
        String text =
                """
                admin { socket = off, http = "127.0.0.1:0" }
                logging.access = off
                shutdown.grace = off
                listeners.tls { bind = "127.0.0.1:0", tls = "%s", backend = web, limits.connections = 100 }
                backends.web.servers = ["%s"]
                """
                        .formatted(certificates, site.address());
        LoadResult read = ConfigurationLoader.parse(text, Path.of("test.conf"), Map.of());
        if (!(read instanceof LoadResult.Loaded(Configuration loaded)))
            throw new AssertionError(read);
        configuration = loaded;
    }

    @AfterEach
    void end() throws IOException {
        if (site != null) site.close();
    }

    /// What a daemon is asked to do.
    private interface Use {
        void with(int port) throws IOException, InterruptedException;
    }

    private void run(TicketRing keys, Use use) throws Exception {
        Daemon daemon = Daemon.start(configuration, null, keys, null);
        try {
            use.with(daemon.addresses("tls").getFirst().getPort());
        } finally {
            daemon.stop();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenTicketOfTheDaemonBefore_whenKeysAreTheSame_thenItIsResumed(String version)
            throws Exception {
        run(ring, port -> client.fetchTicket(port, version));

        run(ring, port -> assertThat(client.comeBack(port, version)).contains("\nReused, TLSv1."));
        var others = new TicketRing(start);
        run(others, port -> assertThat(client.comeBack(port, version)).contains("\nNew, TLSv1."));
        assertThat(others.install(ring.export())).isTrue();
        run(
                others,
                port -> assertThat(client.comeBack(port, version)).contains("\nReused, TLSv1."));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void givenDaemonThatRuns_whenKeysRotate_thenATicketIsGoodForADayAtMost(String version)
            throws Exception {
        run(
                ring,
                port -> {
                    client.fetchTicket(port, version);
                    ring.rotate(start.plus(Duration.ofHours(9)));
                    assertThat(client.comeBack(port, version)).contains("\nReused, TLSv1.");
                    ring.rotate(start.plus(Duration.ofHours(34)));
                    assertThat(client.comeBack(port, version))
                            .contains("\nNew, TLSv1.", "HTTP/1.1 200 OK");
                });
    }
}
