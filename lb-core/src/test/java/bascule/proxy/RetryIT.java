package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/// A second try where the first cannot have been heard of.
final class RetryIT {
    private static final int REQUESTS = 20;

    private static RunningDaemon daemon(String... servers) {
        return RunningDaemon.start(
                """
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                backends.web.servers = ["%s"]
                loops = 1
                """
                        .formatted(String.join("\", \"", servers)));
    }

    private static String closedPort() throws IOException {
        try (var closed = new Origin()) {
            return closed.address();
        }
    }

    @Test
    void givenOneOfTwoServersRefuses_whenAsked_thenTheOtherAnswersAll() throws Exception {
        try (var alive = new Origin();
                RunningDaemon daemon = daemon(closedPort(), alive.address());
                Wire client = Wire.connect(daemon.address("web"))) {
            Wire server = null;
            for (int sent = 0; sent < REQUESTS; sent++) {
                client.send(
                        "POST /" + sent + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
                if (server == null) server = alive.accept();
                assertThat(server.receiveHead()).startsWith("POST /" + sent + " ");
                server.receive(2);
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                assertThat(Answer.read(client, false).status()).isEqualTo(200);
            }
            daemon.awaitMetric(
                    REQUESTS, "bascule_exchanges_total", "code=\"2xx\"", alive.address());
            // Every second one, for another try takes nobody's turn.
            daemon.awaitMetric(REQUESTS / 2, "bascule_retries_total", "reason=\"connect\"");
            server.close();
        }
    }

    @Test
    void givenAllServersRefuse_whenAsked_then502AfterTwoTries() throws Exception {
        try (RunningDaemon daemon = daemon(closedPort(), closedPort());
                Wire client = Wire.connect(daemon.address("web"))) {
            for (int sent = 0; sent < REQUESTS; sent++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(Answer.read(client, false).status()).isEqualTo(502);
            }
            daemon.awaitMetric(REQUESTS, "bascule_exchanges_total", "code=\"5xx\"");
            daemon.awaitMetric(REQUESTS, "bascule_retries_total", "reason=\"connect\"");
        }
    }

    @Test
    void givenTheOnlyServerRefuses_whenAsked_then502AtOnce() throws Exception {
        try (RunningDaemon daemon = daemon(closedPort());
                Wire client = Wire.connect(daemon.address("web"))) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(Answer.read(client, false).status()).isEqualTo(502);
            daemon.awaitMetric(0, "bascule_retries_total");
        }
    }
}
