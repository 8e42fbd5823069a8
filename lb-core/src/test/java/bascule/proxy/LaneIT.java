package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.proxy.Lane.Cut;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Transcripts that lie are caught, and a cut is one.
final class LaneIT {
    private static final String TRUE =
            """
            == client sends
            GET / HTTP/1.1
            Host: a

            == server receives
            GET / HTTP/1.1
            Host: a

            == server sends
            HTTP/1.1 200 OK
            Content-Length: 2

            ok\\
            == client receives
            HTTP/1.1 200 OK
            Content-Length: 2

            ok\\
            """;

    private static final String SECOND = "GET /2 HTTP/1.1\nHost: a\n\n";

    private Origin origin;
    private RunningDaemon daemon;
    private Lane lane;

    @BeforeEach
    void start() throws IOException {
        origin = new Origin();
        daemon =
                RunningDaemon.start(
                        """
                        loops = 1
                        listeners.fence { bind = "127.0.0.1:0", routes = [{ respond = 204 }], limits.connections = 9 }
                        listeners.web {
                          bind = "127.0.0.1:0", backend = web, limits.connections = 9
                          forwarded { x-forwarded = off, via = off, request-id = off }
                        }
                        backends.web.servers = ["%s"]
                        """
                                .formatted(origin.address()));
        lane = new Lane(origin, daemon.address("web"), daemon.address("fence"));
    }

    @AfterEach
    void stop() throws IOException {
        lane.close();
        daemon.close();
    }

    @Test
    void givenTrueTranscript_whenPlayed_thenNothingIsLeft() {
        lane.play(Transcript.parse("true", TRUE), Cut.NONE);

        daemon.awaitMetric(0, "bascule_connections_open", "listener=\"web\"");
        daemon.awaitMetric(0, "bascule_server_connections");
        assertThat(daemon.metric("bascule_exchanges_total", "backend=\"web\"", "code=\"2xx\""))
                .isEqualTo(1);
    }

    @Test
    void givenTranscriptThatLiesAboutWhatAServerReceives_whenPlayed_thenItFails() {
        assertCaught(
                TRUE.replaceFirst("(?s)(server receives.*?)Host: a", "$1Host: b"),
                "SERVER received another byte 22 than expected");
    }

    @Test
    void givenTranscriptThatKeepsSilentAboutBytes_whenPlayed_thenItFails() {
        assertCaught(TRUE.substring(0, TRUE.length() - 3) + "\\\n", "CLIENT also got: k");
    }

    @Test
    void givenTranscriptThatKeepsSilentAboutAnEnd_whenPlayed_thenItFails() {
        assertCaught(
                TRUE.replaceFirst("\n\nok", "\n\nok and more"), "a connection has ended: SERVER");
    }

    @Test
    void givenTranscriptThatKeepsSilentAboutARequest_whenPlayed_thenItFails() {
        assertCaught(TRUE + "== client sends\n" + SECOND, "SERVER also got: GET /2");
    }

    @Test
    void givenTranscriptThatKeepsSilentAboutAConnection_whenPlayed_thenItFails() {
        assertCaught(
                TRUE
                        + ("== client sends\n" + SECOND)
                        + ("== server receives\n" + SECOND)
                        + "== new client\n"
                        + ("== client sends\n" + SECOND),
                "another connection to the server");
    }

    @Test
    void givenTranscriptThatMistakesAnEnd_whenPlayed_thenItFails() {
        assertCaught(
                TRUE.replaceFirst("Host: a\n", "Host: a\nConnection: close\n")
                                .replaceFirst("2\n\nok\\\\\n$", "2\nConnection: close\n\nok\\\\\n")
                        + "== client sees reset\n",
                "saw CLEAN, not reset");
    }

    private void assertCaught(String lie, String message) {
        assertThat(lie).isNotEqualTo(TRUE);
        assertThatThrownBy(() -> lane.play(Transcript.parse("lie", lie), Cut.NONE))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(message);
        lane.play(Transcript.parse("true", TRUE), Cut.NONE); // No run is marked by the one before.
    }

    @Test
    void givenCut_whenTheSecondHalfIsHeldBack_thenTheDaemonHasReadTheFirst() throws IOException {
        try (Wire client = Wire.connect(daemon.address("web"))) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 204 No Content\r\n\r\n");
                client.receiveHead();
                for (int round = 0; round < 200; round++) { // Now no connect is in between.
                    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
                    lane.fence();
                    assertThat(server.poll()).endsWith("Content-Length: 2\r\n\r\na");
                    client.send("b");
                    lane.fence();
                    assertThat(server.poll()).isEqualTo("b");
                    server.send("HTTP/1.1 204 No Content\r\n\r\n");
                    lane.fence();
                    assertThat(client.poll()).startsWith("HTTP/1.1 204");
                }
            }
        }
    }
}
