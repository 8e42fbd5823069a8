package bascule.limits;

import static bascule.limits.Subject.GET;
import static bascule.limits.Subject.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.testing.Answer;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every time-out, with what it ends as and what it must leave alone. A deadline is late by up to a tick of 100 ms; a machine under
/// load may add more, so only the earliest time is asserted sharply.
@Timeout(60)
final class TimeoutsIT {
    private static final int SHORT_MILLIS = 400;
    private static final int LATE_MILLIS =
            5_000; // Far above, and far below the time-outs that must not strike.
    private static final String POST = "POST / HTTP/1.1\r\nHost: a\r\n";

    @TempDir Path folder = Path.of("");

    private long since = System.nanoTime();

    private void mark() {
        since = System.nanoTime();
    }

    private void assertTook(int millis) {
        long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since);
        assertThat(took).isBetween((long) millis, (long) millis + LATE_MILLIS);
    }

    private Subject limited(String limits) throws IOException {
        return Subject.in(folder).listener("limits { connections = 100, " + limits + " }").start();
    }

    // ---- header-time and idle

    @Test
    void givenPartOfAHead_whenNoMoreComes_then408() throws IOException {
        try (Subject subject = limited("header-time = 400ms");
                Wire client = subject.connect("GET / HTTP/1.1\r\nHost:")) {
            mark();

            assertEquals(408, Answer.read(client, false).status());

            assertTook(SHORT_MILLIS - 50); // It began before the mark.
            client.awaitEnd();
            subject.awaitRejected("header-time", 1);
            subject.awaitLogged(1, 408, "header-time");
            assertNull(subject.origin.poll());
        }
    }

    @Test
    void givenConnection_whenNothingIsSent_thenClosedInSilence() throws IOException {
        try (Subject subject = limited("header-time = 400ms");
                Wire client = subject.connect()) {
            mark();

            assertEquals(Wire.End.CLEAN, client.awaitEnd());

            assertTook(SHORT_MILLIS - 50);
            assertThat(subject.rejected()).isZero();
            assertThat(subject.log()).isEmpty();
        }
    }

    @Test
    void givenHeadByteByByte_whenItTakesTooLong_then408AtItsTimeAndBytesBuyNone() throws Exception {
        try (Subject subject = limited("header-time = 400ms");
                Wire client = subject.connect("GET / HTTP/1.1\r\nHost: a\r\nx: ")) {
            mark();
            String answer = "";
            while (answer.isEmpty()) {
                client.send("v");
                Thread.sleep(10);
                answer = client.poll();
            }

            assertThat(answer).startsWith("HTTP/1.1 408 ");
            assertTook(SHORT_MILLIS - 50);
            subject.awaitRejected("header-time", 1);
        }
    }

    @Test
    void givenHeadByteByByte_whenItIsInTime_thenForwarded() throws Exception {
        try (Subject subject = limited("header-time = 20s");
                Wire client = subject.connect()) {
            for (int at = 0; at < GET.length(); at++) {
                client.send(GET.substring(at, at + 1));
                Thread.sleep(2);
            }
            try (Wire server = subject.origin.accept()) {
                assertThat(server.receiveHead()).startsWith("GET / HTTP/1.1\r\nHost: a\r\n");
                server.send(OK);
                assertEquals(200, Answer.read(client, false).status());
            }
        }
    }

    @Test
    void givenKeptConnection_whenTheNextHeadStaysIncomplete_thenHeaderTimeCountsFromItsFirstByte()
            throws Exception {
        try (Subject subject = limited("header-time = 400ms");
                Wire client = subject.connect()) {
            subject.exchange(client).close();
            Thread.sleep(2L * SHORT_MILLIS); // Idle is something else.
            mark();

            client.send("G");

            assertEquals(408, Answer.read(client, false).status());
            assertTook(SHORT_MILLIS);
            subject.awaitRejected("header-time", 1);
        }
    }

    @Test
    void givenKeptConnection_whenIdle_thenClosedInSilence() throws Exception {
        try (Subject subject =
                        Subject.in(folder)
                                .listener("limits.connections = 100, timeouts.idle = 400ms")
                                .start();
                Wire client = subject.connect()) {
            subject.exchange(client).close();
            mark();

            assertEquals(Wire.End.CLEAN, client.awaitEnd());

            assertTook(SHORT_MILLIS - 50);
            assertThat(subject.rejected()).isZero();
            assertThat(subject.awaitLog(1)).hasSize(1);
        }
    }

    // ---- body-idle: upload

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 10\r\n\r\n12345",
                "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5;extens" // Held back by us.
            })
    void givenUpload_whenItStalls_then408AndTheServerSeesNoEnd(String rest) throws IOException {
        try (Subject subject = limited("body-idle = 400ms");
                Wire client = subject.connect(POST + rest);
                Wire server = subject.origin.accept()) {
            mark();
            server.receiveHead();
            server.receive(rest.startsWith("C") ? 5 : 10);

            assertEquals(408, Answer.read(client, false).status());

            assertTook(SHORT_MILLIS - 100);
            client.awaitEnd();
            assertEquals(Wire.End.RESET, server.awaitEnd());
            subject.awaitRejected("body-idle", 1);
            subject.awaitLogged(1, 408, "body-idle");
        }
    }

    @Test
    void givenUpload_whenSlowButMoving_thenNeverCut() throws Exception {
        try (Subject subject = limited("body-idle = 600ms");
                Wire client = subject.connect(POST + "Content-Length: 15\r\n\r\n");
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            for (int i = 0; i < 15; i++) {
                client.send("b");
                Thread.sleep(100); // 1.5 s in all.
            }
            assertEquals("b".repeat(15), server.receive(15));
            server.send(OK);

            assertEquals(200, Answer.read(client, false).status());
            assertThat(subject.rejected()).isZero();
        }
    }

    @Test
    void givenUpload_whenTheServerTakesNoMore_thenTheClientIsNotBlamed() throws Exception {
        try (Subject subject =
                        Subject.in(folder)
                                .listener("limits { connections = 100, body-idle = 300ms }")
                                .backend("timeouts.response = 1500ms")
                                .start();
                Wire client = subject.connect(POST + "Content-Length: 100000000\r\n\r\n");
                Wire server = subject.origin.accept()) {
            mark();
            server.receiveHead();
            sendUntilFull(client);

            assertEquals(504, Answer.read(client, false).status());

            assertTook(1400);
            assertThat(subject.rejected()).isZero();
            subject.awaitLogged(1, 504, "response-timeout");
        }
    }

    private static long sendUntilFull(Wire client) throws Exception {
        long sent = 0;
        byte[] some = new byte[64 * 1024];
        for (int quiet = 0; quiet < 10; ) {
            int taken = client.trySend(some);
            sent += taken;
            if (taken > 0) quiet = 0;
            else quiet++;
            if (taken == 0) Thread.sleep(10);
        }
        return sent;
    }

    // ---- body-idle: download

    private static String large(int bytes) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + bytes + "\r\n\r\n";
    }

    /// Sends until the daemon takes no more.
    private static void fill(Wire server) throws Exception {
        assertThat(sendUntilFull(server)).isGreaterThan(128 * 1024);
    }

    @Test
    void givenClientThatReadsNothing_whenTheResponseWaits_thenCutCountedAndTheServerIsLetGo()
            throws Exception {
        try (Subject subject = limited("body-idle = 400ms");
                Wire client = Wire.connectNarrow(subject.daemon.address("http"))) {
            client.send(GET);
            try (Wire server = subject.origin.accept()) {
                server.receiveHead();
                server.send(large(100_000_000));
                fill(server);

                assertEquals(Wire.End.RESET, server.awaitEnd());

                subject.awaitLogged(1, 200, "client-stalled");
                subject.daemon.awaitMetric(1, "bascule_exchanges_total", "code=\"aborted\"");
                assertEquals(Wire.End.RESET, client.skipToEnd());
                subject.daemon.awaitNothingOpen();
            }
        }
    }

    @Test
    void givenClientThatReadsSlowly_whenTheResponseWaits_thenNeverCut() throws Exception {
        int bytes = 30 << 20; // More than all the kernels' buffers on the way.
        try (Subject subject = limited("body-idle = 400ms");
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            Thread sending = send(server, bytes);
            client.receiveHead();
            mark();
            for (int left = bytes; left > 0; left -= 1 << 20) {
                client.receive(1 << 20);
                Thread.sleep(60);
            }
            assertTook(3 * SHORT_MILLIS);
            sending.join();
            subject.awaitLogged(1, 200, "complete");
        }
    }

    /// Sends a response of that length, as fast as it is taken.
    private static Thread send(Wire server, int bytes) {
        return Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                server.send(large(bytes));
                                server.send(new byte[bytes]);
                            } catch (IOException cut) {
                                // The client's end shows what came of it.
                            }
                        });
    }

    /// Reads as little as lets the daemon take all of a response from its server: the end of it still waits to be written then.
    ///
    /// @return bytes read
    private static long readUntilAllIsInTheDaemon(Subject subject, Wire client) throws Exception {
        byte[] some = new byte[64 * 1024];
        long read = 0;
        while (subject.log().isEmpty()) {
            read += client.receive(some, 0, some.length);
            Thread.sleep(1);
        }
        subject.awaitLogged(1, 200, "complete");
        return read;
    }

    /// The whole response is in our hands, and the client takes no more of it: the connection is idle, but not done.
    @ParameterizedTest
    @ValueSource(strings = {"", "Connection: close\r\n"})
    void givenResponseThatWaits_whenTheClientStopsReading_thenItIsWholeOrCutVisibly(
            String connection) throws Exception {
        int bytes = 30 << 20;
        try (Subject subject =
                        Subject.in(folder)
                                .listener(
                                        "limits { connections = 100, body-idle = 400ms }, timeouts.idle = 400ms")
                                .start();
                Wire client =
                        subject.connect("GET / HTTP/1.1\r\nHost: a\r\n" + connection + "\r\n");
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            Thread sending = send(server, bytes);
            client.receiveHead();
            long read = readUntilAllIsInTheDaemon(subject, client);
            assertThat(read).isLessThan(bytes);

            subject.daemon.awaitMetric(0, "bascule_connections_open");

            byte[] some = new byte[64 * 1024];
            try {
                for (int more; (more = client.receive(some, 0, some.length)) >= 0; ) read += more;
                assertEquals(bytes, read); // The kernel had taken all of it.
            } catch (SocketException reset) {
                assertThat(read).isLessThan(bytes);
            }
            sending.join();
        }
    }

    /// The first response still waits for the client when the second begins.
    @Test
    void givenPipelinedRequests_whenTheClientStopsReading_thenCut() throws Exception {
        try (Subject subject = limited("body-idle = 400ms");
                Wire client = subject.connect(GET.repeat(2));
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            Thread sending = send(server, 30 << 20);
            client.receiveHead();
            readUntilAllIsInTheDaemon(subject, client);
            sending.join();
            server.receiveHead();
            server.send(large(100_000_000));
            fill(server);

            assertEquals(Wire.End.RESET, server.awaitEnd());

            subject.awaitLogged(2, 200, "client-stalled");
            subject.daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenClientThatNeitherReadsNorGoesOnSending_whenTheServerEchoes_thenCut()
            throws Exception {
        try (Subject subject =
                        Subject.in(folder)
                                .listener("limits { connections = 100, body-idle = 400ms }")
                                .start();
                Wire client = Wire.connectNarrow(subject.daemon.address("http"))) {
            client.send(POST + "Content-Length: 100000000\r\n\r\n");
            try (Wire server = subject.origin.accept()) {
                server.receiveHead();
                server.send(large(100_000_000));
                Thread uploading = Thread.ofVirtual().start(() -> uploadUntilCut(client));
                // A server that reads as long as it can write.
                byte[] some = new byte[64 * 1024];
                int quiet = 0;
                while (quiet < 10) {
                    int written = server.trySend(some);
                    if (written == 0) {
                        quiet++;
                        Thread.sleep(10);
                    } else {
                        quiet = 0;
                        server.poll();
                    }
                }

                assertEquals(Wire.End.RESET, server.skipToEnd());

                subject.awaitLogged(1, 200, "client-stalled");
                uploading.join();
                subject.daemon.awaitNothingOpen();
            }
        }
    }

    private static void uploadUntilCut(Wire client) {
        try {
            byte[] some = new byte[64 * 1024];
            while (true) client.send(some);
        } catch (IOException cut) {
            // As it should be.
        }
    }

    // ---- servers

    @Test
    void givenServerThatRefuses_whenAsked_then502() throws IOException {
        try (SocketChannel taken = SocketChannel.open()) { // Bound, and not listening.
            taken.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
            refuse("127.0.0.1:" + ((InetSocketAddress) taken.getLocalAddress()).getPort());
        }
    }

    private void refuse(String server) throws IOException {
        try (Subject subject =
                        Subject.in(folder)
                                .listener("limits.connections = 100")
                                .server(server)
                                .start();
                Wire client = subject.connect(GET)) {
            assertEquals(502, Answer.read(client, false).status());
            subject.awaitLogged(1, 502, "connect");
            client.send(GET); // The client is not to blame: its connection stays.
            assertEquals(502, Answer.read(client, false).status());
        }
    }

    @Test
    void givenServerThatNeverAccepts_whenAsked_then504AfterTheConnectTime() throws IOException {
        List<SocketChannel> queue = new ArrayList<>();
        try (var full = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            for (int i = 0;
                    i < 4;
                    i++) { // More than the backlog takes: what comes later is dropped.
                SocketChannel one = SocketChannel.open();
                one.configureBlocking(false);
                one.connect(full.getLocalSocketAddress());
                queue.add(one);
            }
            try (Subject subject =
                            Subject.in(folder)
                                    .listener("limits.connections = 100")
                                    .backend("timeouts.connect = 400ms")
                                    .server("127.0.0.1:" + full.getLocalPort())
                                    .start();
                    Wire client = subject.connect(GET)) {
                mark();

                assertEquals(504, Answer.read(client, false).status());

                assertTook(SHORT_MILLIS - 50);
                subject.awaitLogged(1, 504, "connect-timeout");
                client.sendEnd();
                subject.daemon.awaitNothingOpen();
            }
        } finally {
            for (SocketChannel one : queue) one.close();
        }
    }

    @Test
    void givenServerThatIsSilent_whenTheResponseTimeIsOver_then504AndItsConnectionIsClosed()
            throws IOException {
        try (Subject subject = responding();
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            mark();
            server.receiveHead();

            assertEquals(504, Answer.read(client, false).status());

            assertTook(SHORT_MILLIS - 50);
            assertEquals(Wire.End.RESET, server.awaitEnd());
            subject.awaitLogged(1, 504, "response-timeout");
            client.send(GET);
            subject.origin.accept().close();
        }
    }

    private Subject responding() throws IOException {
        return Subject.in(folder)
                .listener("limits.connections = 100")
                .backend("timeouts.response = 400ms")
                .start();
    }

    @Test
    void givenServerThatStopsWithinItsHead_whenTheResponseTimeIsOver_then504() throws IOException {
        try (Subject subject = responding();
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send("HTTP/1.1 200 OK\r\nContent-");

            assertEquals(504, Answer.read(client, false).status());
            subject.awaitLogged(1, 504, "response-timeout");
        }
    }

    @Test
    void givenServerThatStopsWithinTheBody_whenTheResponseTimeIsOver_thenTheClientIsCutVisibly()
            throws IOException {
        try (Subject subject = responding();
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send(large(10) + "first");
            client.receiveHead();
            assertEquals("first", client.receive(5));
            mark();

            assertEquals(Wire.End.RESET, client.awaitEnd());

            assertTook(SHORT_MILLIS - 100);
            subject.awaitLogged(1, 200, "truncated");
        }
    }

    @Test
    void givenServerThatIsSlowButMoves_whenTheBodyTakesLong_thenNeverCut() throws Exception {
        try (Subject subject = responding();
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send(large(10));
            for (int i = 0; i < 10; i++) {
                Thread.sleep(100);
                server.send("b");
            }
            assertEquals("b".repeat(10), Answer.read(client, false).body());
        }
    }

    @Test
    void givenSlowUpload_whenItTakesLongerThanAResponseMay_thenTheServerIsNotBlamed()
            throws Exception {
        try (Subject subject = responding();
                Wire client = subject.connect(POST + "Content-Length: 10\r\n\r\n");
                Wire server = subject.origin.accept()) {
            for (int i = 0; i < 10; i++) {
                client.send("b");
                Thread.sleep(100);
            }
            server.receiveHead();
            server.receive(10);
            server.send(OK);

            assertEquals(200, Answer.read(client, false).status());
        }
    }

    @Test
    void givenIdleConnectionToAServer_whenItsTimeIsOver_thenClosedAndTheNextRequestGetsAFreshOne()
            throws Exception {
        try (Subject subject =
                        Subject.in(folder)
                                .listener("limits.connections = 100")
                                .backend("timeouts.idle = 400ms")
                                .start();
                Wire client = subject.connect();
                Wire server = subject.exchange(client)) {
            mark();
            subject.daemon.awaitMetric(1, "bascule_server_pool_idle");

            assertEquals(Wire.End.CLEAN, server.awaitEnd());

            assertTook(SHORT_MILLIS - 100);
            subject.daemon.awaitMetric(0, "bascule_server_pool_idle");
            subject.daemon.awaitMetric(0, "bascule_server_connections");
            subject.exchange(client).close();
        }
    }

    // ---- tunnels

    private static final String UPGRADE =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    private static final String SWITCHING =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";

    @ParameterizedTest
    @ValueSource(strings = {"client", "server"})
    void givenTunnel_whenOneSideTalks_thenItStaysAndWhenBothAreSilentItEnds(String talker)
            throws Exception {
        boolean clientTalks = talker.equals("client");
        String idle = "timeouts.tunnel = 600ms";
        try (Subject subject =
                        Subject.in(folder)
                                .listener(
                                        "limits.connections = 100"
                                                + (clientTalks ? ", " + idle : ""))
                                .backend(clientTalks ? "" : idle) // The shorter of both counts.
                                .start();
                Wire client = subject.connect(UPGRADE);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send(SWITCHING);
            assertThat(client.receiveHead()).startsWith("HTTP/1.1 101 ");
            for (int i = 0; i < 12; i++) {
                Thread.sleep(100);
                (clientTalks ? client : server).send("x");
                assertEquals("x", (clientTalks ? server : client).receive(1));
            }
            mark();

            assertEquals(Wire.End.RESET, client.awaitEnd());

            assertEquals(Wire.End.RESET, server.awaitEnd());
            assertTook(500);
            subject.awaitLogged(1, 101, "tunnel-idle");
            subject.daemon.awaitNothingOpen();
        }
    }
}
