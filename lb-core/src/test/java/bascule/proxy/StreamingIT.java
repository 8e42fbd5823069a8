package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.Background;
import bascule.testing.Content;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import bascule.testing.Wire.End;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Bodies and tunnels that are larger than what fits into all buffers on the way, with peers that are slow, stop or end.
final class StreamingIT {
    private static final int LARGE =
            24 << 20; // Kernel buffers grow to 4 MiB and more, on each socket.
    private static final String UPGRADE =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    private static final String SWITCH =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

    private static final String UNTIL_CLOSE_HEAD = "HTTP/1.1 200 OK\r\n\r\n";
    private static final String CHUNKED_HEAD =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    private Origin origin;
    private RunningDaemon daemon;

    @BeforeEach
    void start() throws IOException {
        origin = new Origin();
        daemon =
                RunningDaemon.start(
                        """
                        listeners.web {
                          bind = "127.0.0.1:0", backend = web
                          limits { connections = 100, body-idle = 1s }, timeouts.idle = 3s
                        }
                        listeners.patient {
                          bind = "127.0.0.1:0", backend = web
                          limits { connections = 100, body-idle = 20s }, timeouts.idle = 500ms
                        }
                        backends.web { servers = ["%s"], timeouts.response = 1s }
                        """
                                .formatted(origin.address()));
    }

    @AfterEach
    void stop() throws IOException {
        origin.close();
        try {
            daemon.awaitNothingOpen();
        } finally {
            daemon.close();
        }
    }

    private Wire connect() throws IOException {
        return Wire.connect(daemon.address("web"));
    }

    @Test
    void givenClientThatHasEnded_whenTheResponseIsLarge_thenItGetsAllOfIt() throws Exception {
        byte[] content = Content.of(1, LARGE);
        try (Wire client = connect()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            client.sendEnd();
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var sending =
                        Background.start(
                                () -> {
                                    server.send(lengthHead(content.length));
                                    server.send(content);
                                });
                Thread.sleep(300); // All buffers are full by now.
                client.receiveHead();
                Content.receive(client, content, 0);
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
                sending.end();
            }
        }
    }

    /// Lets a server send a response, and a client read it until the daemon has nothing more to get from the server; the rest
    /// waits in the daemon and in the kernel.
    ///
    /// @return how many bytes of the content the client has read
    private int readUntilTheServerIsDone(Wire client, String head, byte[] content)
            throws Exception {
        double before = exchanges();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Wire server = origin.accept();
        server.receiveHead();
        var sending =
                Background.start(
                        () -> {
                            try (server) {
                                server.send(head);
                                server.send(content);
                            }
                        });
        client.receiveHead();
        int read = content.length - (12 << 20);
        Content.receive(client, Arrays.copyOf(content, read), 0);
        while (exchanges() == before) {
            int step = Math.min(64 * 1024, content.length - read);
            assertThat(step).isPositive();
            Content.receive(client, Arrays.copyOfRange(content, read, read + step), 0);
            read += step;
        }
        sending.end();
        return read;
    }

    private double exchanges() {
        return daemon.metric("bascule_exchanges_total", "backend=\"web\"", "code=\"2xx\"");
    }

    @Test
    void givenSlowClient_whenItTakesTheLastBytesLongAfterTheServerIsDone_thenItGetsThemAll()
            throws Exception {
        byte[] content = Content.of(2, LARGE);
        for (String head : new String[] {lengthHead(LARGE), UNTIL_CLOSE_HEAD}) {
            try (Wire client = Wire.connect(daemon.address("patient"))) {
                int read = readUntilTheServerIsDone(client, head, content);
                Thread.sleep(1500); // Longer than the connection may idle, shorter than body-idle.
                Content.receive(client, Arrays.copyOfRange(content, read, LARGE), 0);
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
            }
        }
    }

    @Test
    void givenClientThatEndsWhileTheLastBytesAreOnTheirWay_thenItGetsThemAll() throws Exception {
        byte[] content = Content.of(3, LARGE);
        for (String head : new String[] {lengthHead(LARGE), UNTIL_CLOSE_HEAD}) {
            try (Wire client = connect()) {
                int read = readUntilTheServerIsDone(client, head, content);
                client.sendEnd();
                Thread.sleep(200);
                Content.receive(client, Arrays.copyOfRange(content, read, LARGE), 0);
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
            }
        }
    }

    @Test
    void givenClientThatNeverTakesTheLastBytes_thenItIsCutOffAndCanTell() throws Exception {
        byte[] content = Content.of(5, LARGE);
        int cuts = 0;
        for (int round = 0; round < 4; round++) {
            try (Wire client = connect()) {
                String head = round % 2 == 0 ? lengthHead(LARGE) : UNTIL_CLOSE_HEAD;
                int read = readUntilTheServerIsDone(client, head, content);
                daemon.awaitMetric(0, "bascule_connections_open");
                byte[] some = new byte[64 * 1024];
                try {
                    for (int more; (more = client.receive(some, 0, some.length)) >= 0; )
                        read += more;
                    assertThat(read).isEqualTo(LARGE); // The kernel had taken the very last byte.
                } catch (SocketException reset) {
                    cuts++;
                }
            }
        }
        assertThat(cuts).isPositive();
    }

    @Test
    void givenClientThatStopsReading_thenItIsCutOff() throws Exception {
        byte[] block = Content.of(4, 64 * 1024);
        try (Wire client = Wire.connectNarrow(daemon.address("web"))) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var sending =
                        Background.start(
                                () -> {
                                    server.send(UNTIL_CLOSE_HEAD);
                                    while (true) server.send(block);
                                });
                daemon.awaitMetric(0, "bascule_connections_open");
                assertThat(client.skipToEnd()).isEqualTo(End.RESET);
                assertThatThrownBy(sending::end).hasRootCauseInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void givenClientThatSendsAndNeverReads_whenTheServerEchoes_thenTheExchangeEnds()
            throws Exception {
        byte[] block = Content.of(6, 64 * 1024);
        try (Wire client = Wire.connectNarrow(daemon.address("web"))) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n");
            var sending =
                    Background.start(
                            () -> {
                                while (true) client.send(block);
                            });
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var echoing =
                        Background.start(
                                () -> {
                                    server.send(UNTIL_CLOSE_HEAD);
                                    byte[] some = new byte[32 * 1024];
                                    for (int read;
                                            (read = server.receive(some, 0, some.length)) > 0; )
                                        server.send(some, 0, read);
                                });
                daemon.awaitMetric(0, "bascule_connections_open");
                assertThatThrownBy(sending::end).hasRootCauseInstanceOf(IOException.class);
                assertThatThrownBy(echoing::end).hasRootCauseInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void givenLargeUpload_whenTheServerReadsSlowlyAtFirst_thenAllOfItArrivesAndLittleIsHeld()
            throws Exception {
        byte[] content = Content.of(7, LARGE);
        try (Wire client = connect()) {
            client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n".formatted(LARGE));
            var sending = Background.start(() -> client.send(content));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                Thread.sleep(500);
                assertThat(daemon.metric("bascule_received_bytes_total", "backend=\"web\""))
                        .isGreaterThan(100_000)
                        .isLessThan(LARGE / 2);
                Content.receive(server, content, 0);
                server.send("HTTP/1.1 204 No Content\r\n\r\n");
                assertThat(client.receiveHead()).isEqualTo("HTTP/1.1 204 No Content\r\n\r\n");
                sending.end();
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); // Both connections go on.
                assertThat(server.receiveHead()).startsWith("GET / ");
            }
        }
    }

    @Test
    void givenLargeChunkedBodiesBothWays_whenSentAtOnce_thenBothArrive() throws Exception {
        byte[] up = chunked(Content.of(8, LARGE));
        byte[] down = chunked(Content.of(9, LARGE));
        try (Wire client = connect()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            var sending = Background.start(() -> client.send(up));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var receiving = Background.start(() -> Content.receive(server, up, 0));
                var answering =
                        Background.start(
                                () -> {
                                    server.send(CHUNKED_HEAD);
                                    server.send(down, 0, down.length - 100);
                                    receiving.end(); // The response is not the first to end.
                                    server.send(down, down.length - 100, down.length);
                                });
                client.receiveHead();
                Content.receive(client, down, 0);
                sending.end();
                answering.end();
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
            }
        }
    }

    @Test
    void givenUploadUnderWay_whenTheServerAnswersAndReadsOn_thenTheClientGetsAllOfTheAnswer()
            throws Exception {
        byte[] answer = Content.of(10, 1 << 20);
        try (Wire client = connect()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx");
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send(lengthHead(answer.length));
                server.send(answer);
                client.receiveHead();
                Content.receive(client, answer, 0);
                for (int i = 0; i < 10; i++) client.send(new byte[10_000]); // Thrown away.
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
            }
        }
    }

    @Test
    void givenUploadWithoutEnd_whenTheServerHasAnswered_thenTheClientIsCutOffInTheEnd()
            throws Exception {
        byte[] block = Content.of(16, 64 * 1024);
        try (Wire client = connect()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n");
            var sending =
                    Background.start(
                            () -> {
                                while (true) client.send(block);
                            });
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                assertThat(client.receiveHead()).contains("\r\nConnection: close\r\n");
                assertThat(client.receive(2)).isEqualTo("ok");
                server.skipToEnd();
            }
            assertThatThrownBy(sending::end).hasRootCauseInstanceOf(IOException.class);
            daemon.awaitMetric(0, "bascule_connections_open");
        }
    }

    @Test
    void givenUploadUnderWay_whenTheServerAnswersAndResets_thenTheClientGetsTheAnswer()
            throws Exception {
        byte[] content = Content.of(11, LARGE);
        for (int round = 0; round < 20; round++) {
            try (Wire client = connect()) {
                client.send(
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
                                .formatted(LARGE));
                var sending = Background.start(() -> client.send(content));
                try (Wire server = origin.accept()) {
                    server.receiveHead();
                    Thread.sleep(20); // There is more of the upload than it will ever read,
                    server.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
                } // so that this close is a RST.
                assertThat(client.receiveHead()).startsWith("HTTP/1.1 413 ");
                assertThat(client.receive(2)).isEqualTo("no");
                client.reset();
                assertThatThrownBy(sending::end).hasRootCauseInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void givenTunnel_whenOneSideSendsMuchAndEnds_thenTheOtherGetsAllOfIt() throws Exception {
        byte[] up = Content.of(12, LARGE);
        byte[] down = Content.of(13, LARGE);
        try (Wire client = connect()) {
            client.send(UPGRADE);
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send(SWITCH);
                client.receiveHead();
                var sendingUp =
                        Background.start(
                                () -> {
                                    client.send(up);
                                    client.sendEnd();
                                });
                Thread.sleep(300);
                Content.receive(server, up, 0);
                assertThat(server.awaitEnd()).isEqualTo(End.CLEAN);
                sendingUp.end();
                var sendingDown =
                        Background.start(
                                () -> {
                                    server.send(down);
                                    server.sendEnd();
                                });
                Thread.sleep(300);
                Content.receive(client, down, 0);
                assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
                sendingDown.end();
            }
        }
    }

    @Test
    void givenTunnel_whenBothSidesSendMuchAndEnd_thenBothGetAllOfIt() throws Exception {
        byte[] up = Content.of(14, 6 << 20);
        byte[] down = Content.of(15, 6 << 20);
        for (int round = 0; round < 3; round++) {
            try (Wire client = connect()) {
                client.send(UPGRADE);
                try (Wire server = origin.accept()) {
                    server.receiveHead();
                    server.send(SWITCH);
                    client.receiveHead();
                    var fromClient =
                            Background.start(
                                    () -> {
                                        client.send(up);
                                        client.sendEnd();
                                    });
                    var fromServer =
                            Background.start(
                                    () -> {
                                        server.send(down);
                                        server.sendEnd();
                                    });
                    Thread.sleep(200);
                    var toServer =
                            Background.start(
                                    () -> {
                                        Content.receive(server, up, 0);
                                        assertThat(server.awaitEnd()).isEqualTo(End.CLEAN);
                                    });
                    Content.receive(client, down, 0);
                    assertThat(client.awaitEnd()).isEqualTo(End.CLEAN);
                    fromClient.end();
                    fromServer.end();
                    toServer.end();
                }
            }
        }
    }

    private static String lengthHead(int length) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n";
    }

    private static byte[] chunked(byte[] content) {
        var out = new ByteArrayOutputStream(content.length + content.length / 50);
        for (int at = 0, size = 1;
                at < content.length;
                at += size, size = 1 + (size * 7 + at) % 70_000) {
            int taken = Math.min(size, content.length - at);
            out.writeBytes((Integer.toHexString(taken) + "\r\n").getBytes(US_ASCII));
            out.write(content, at, taken);
            out.writeBytes(new byte[] {'\r', '\n'});
            size = taken;
        }
        out.writeBytes("0\r\nX-Sum: 1\r\n\r\n".getBytes(US_ASCII));
        return out.toByteArray();
    }
}
