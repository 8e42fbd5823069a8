package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.http2.ScriptedServer.Conversation;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import io.netty.handler.codec.http2.Http2Error;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// HTTP/2 from clients that know that we speak it, through a daemon to servers of HTTP/1.1, every byte of both sides the test's.
final class Http2FrontIT {
    @TempDir Path folder;

    private Origin origin;
    private RunningDaemon daemon;

    @BeforeEach
    void start() throws IOException {
        origin = new Origin();
        daemon =
                RunningDaemon.startWith(
                        """
                        admin.http = "127.0.0.1:0"
                        logging { access = json, file = "%s" }
                        shutdown.grace = 5s
                        loops = 1
                        listeners.web {
                          bind = "127.0.0.1:0", backend = web, protocols = [h2, http1], limits.connections = 300
                        }
                        backends.web.servers = ["%s"]
                        """
                                .formatted(folder.resolve("access.log"), origin.address()));
    }

    @AfterEach
    void stop() throws IOException {
        daemon.close();
        origin.close();
    }

    private Conversation client(int... settings) throws IOException {
        var client = new Conversation(Wire.connect(daemon.address("web")));
        client.wire.send(Frame.PREFACE);
        client.send(Frame.settings(settings), Frame.settingsAck());
        return client;
    }

    private static Frame ask(int stream, boolean last, String... fields) {
        return Frame.headers(stream, Frame.block(fields), last);
    }

    private static Frame get(int stream) {
        return ask(stream, true, Client.get("/" + stream));
    }

    private static Frame post(int stream, String... more) {
        return ask(stream, false, Client.request("POST", "/" + stream, more));
    }

    private void awaitLog(String... words) {
        Awaitility.await(String.join(" ", words))
                .atMost(RunningDaemon.PATIENCE)
                .until(
                        () ->
                                Files.readAllLines(folder.resolve("access.log")).stream()
                                        .anyMatch(
                                                line -> {
                                                    for (String word : words)
                                                        if (!line.contains(word)) return false;
                                                    return true;
                                                }));
    }

    @Test
    void givenManyRequestsAtOnce_whenAnsweredInAnyOrder_thenEachGetsItsOwn() throws Exception {
        try (Conversation client = client()) {
            client.send(get(1), get(3), get(5));
            Map<String, Wire> servers = new TreeMap<>();
            for (int i = 0; i < 3; i++) {
                Wire server = origin.accept();
                String head = server.receiveHead();
                assertThat(head).contains("\r\nVia: 2.0 bascule\r\n", "\r\nHost: example.org\r\n");
                servers.put(head.substring(4, 6), server);
            }
            for (String path : new String[] {"/5", "/1", "/3"}) {
                servers.get(path)
                        .send(
                                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
                                        + path);
                int stream = path.charAt(1) - '0';
                assertThat(client.fields(stream)).doesNotContainKey("connection");
                assertThat(client.body(stream)).isEqualTo(path);
            }
            awaitLog("\"protocol\":\"HTTP/2.0\"", "\"target\":\"/3\"", "\"status\":200");
            for (Wire server : servers.values()) server.close();
        }
    }

    @Test
    void givenBodyAndTrailers_whenBothSidesSendThem_thenInChunks() throws Exception {
        try (Conversation client = client()) {
            client.send(
                    post(1, "te", "trailers"),
                    Frame.data(1, "hello", false),
                    ask(1, true, "x-sum", "5"));
            try (Wire server = origin.accept()) {
                assertThat(server.receiveHead())
                        .contains("Transfer-Encoding: chunked\r\n", "TE: trailers\r\n");
                assertThat(server.receive(25)).isEqualTo("5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n");
                server.send(
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n");
                assertThat(client.fields(1)).containsEntry(":status", "200");
                Frame data = client.receive();
                assertThat(data.text()).isEqualTo("abc");
                assertThat(data.has(Frame.END_STREAM)).isFalse();
                Frame trailers = client.receive();
                assertThat(trailers.has(Frame.END_STREAM)).isTrue();
                assertThat(client.decode(trailers)).hasToString("{grpc-status=0}");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "HTTP/1.1 200 OK|Content-Length: 10||abc",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|abc|",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|abc"
    })
    void givenServerThatBreaksOff_whenItsAnswerWasOnItsWay_thenTheStreamIsResetAndNeverEnds(
            String response) throws Exception {
        try (Conversation client = client()) {
            client.send(get(1), get(3));
            Wire broken = origin.accept();
            Wire whole = origin.accept();
            boolean first = broken.receiveHead().startsWith("GET /1 ");
            whole.receiveHead();
            broken.send(response.replace("|", "\r\n"));
            int stream = first ? 1 : 3;
            client.fields(stream);
            assertThat(client.receive().text()).isEqualTo("abc");
            broken.close();
            Frame end = client.receive();
            assertThat(end.toString()).isEqualTo("RST_STREAM " + stream + " INTERNAL_ERROR");

            whole.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            client.fields(4 - stream);
            assertThat(client.body(4 - stream)).isEqualTo("ok");
            whole.close();
            awaitLog("\"reason\":\"truncated\"");
        }
    }

    /// It may have done what it was asked for: only the client may say whether it is to be asked again.
    @Test
    void givenPostThatReachedAServer_whenThatDies_then502AndNeverRefused() throws Exception {
        try (Conversation client = client()) {
            client.send(post(1, "content-length", "5"), Frame.data(1, "hello", true));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.receive(5);
            }
            assertThat(client.fields(1)).containsEntry(":status", "502");
            assertThat(client.body(1)).isNotEmpty();
        }
    }

    @Test
    void givenAnswerBeforeTheEndOfAnUpload_whenSent_thenTheRestIsNotWanted() throws Exception {
        try (Conversation client = client()) {
            client.send(post(1), Frame.data(1, "begun", false));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
                assertThat(client.fields(1)).containsEntry(":status", "413");
                assertThat(client.body(1)).isEqualTo("no");
                assertThat(client.receive().toString()).isEqualTo("RST_STREAM 1 NO_ERROR");
            }
        }
    }

    @Test
    void givenClientThatTakesARequestBack_whenAServerWorksOnIt_thenTheServerSeesIt()
            throws Exception {
        try (Conversation client = client()) {
            client.send(get(1));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                client.send(Frame.reset(1, Http2Error.CANCEL));
                server.awaitEnd();
            }
            awaitLog("\"reason\":\"client-abort\"");
        }
    }

    @Test
    void givenMegabytes_whenTheClientOpensItsWindowsBitByBit_thenAllOfItComes() throws Exception {
        String content = "0123456789abcdef".repeat(4 << 16);
        try (Conversation client = client(4, 10_000)) {
            client.send(get(1));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var sending =
                        CompletableFuture.runAsync(
                                () -> {
                                    try {
                                        server.send(
                                                "HTTP/1.1 200 OK\r\nContent-Length: "
                                                        + content.length()
                                                        + "\r\n\r\n");
                                        server.send(content);
                                    } catch (IOException e) {
                                        throw new AssertionError(e);
                                    }
                                });
                client.fields(1);
                var got = new StringBuilder();
                long window = 10_000;
                for (boolean last = false; !last; ) {
                    Frame frame = client.receive();
                    assertThat(frame.type()).isEqualTo(Frame.DATA);
                    got.append(frame.text());
                    window -= frame.payload().length;
                    assertThat(window).isNotNegative();
                    last = frame.has(Frame.END_STREAM);
                    if (last || window > 2000) continue;
                    client.send(Frame.windowUpdate(1, 9000), Frame.windowUpdate(0, 9000));
                    window += 9000;
                }
                sending.join();
                assertThat(got.toString().equals(content)).isTrue();
            }
        }
    }

    // ---- WebSocket (RFC 8441)

    private static final String[] WEBSOCKET = {
        ":method", "CONNECT",
        ":protocol", "websocket",
        ":scheme", "http",
        ":path", "/chat",
        ":authority", "example.org",
        "sec-websocket-version", "13"
    };

    private static String accept(String head) {
        String mark = "Sec-WebSocket-Key: ";
        int at = head.indexOf(mark) + mark.length();
        byte[] key = head.substring(at, head.indexOf('\r', at)).getBytes(ISO_8859_1);
        return new String(WebSocketKey.accept(key), ISO_8859_1);
    }

    @Test
    void givenWebSocket_whenTheServerSwitches_thenBytesPassBothWaysBesideOtherStreams()
            throws Exception {
        try (Conversation client = client()) {
            client.send(ask(1, false, WEBSOCKET));
            try (Wire server = origin.accept()) {
                String head = server.receiveHead();
                assertThat(head)
                        .startsWith("GET /chat HTTP/1.1\r\n")
                        .contains("\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n");
                server.send(
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                                + accept(head)
                                + "\r\n\r\nhello");
                assertThat(client.fields(1)).hasToString("{:status=200}");
                assertThat(client.receive().text()).isEqualTo("hello");
                client.send(Frame.data(1, "world", false));
                assertThat(server.receive(5)).isEqualTo("world");

                client.send(get(3));
                try (Wire other = origin.accept()) {
                    other.receiveHead();
                    other.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    client.fields(3);
                    assertThat(client.body(3)).isEqualTo("ok");
                }

                server.send("bye");
                assertThat(client.receive().text()).isEqualTo("bye");
                client.send(Frame.data(1, "", true));
                assertThat(server.awaitEnd()).isEqualTo(Wire.End.CLEAN);
                server.sendEnd();
                Frame end = client.receive();
                assertThat(end.toString()).isEqualTo("DATA 1 0 last");
            }
            awaitLog("\"status\":101", "\"upgraded\":true", "\"reason\":\"complete\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"})
    void givenWebSocket_whenTheServerDoesNotProveThatItUnderstood_thenNoTunnel(String accept)
            throws Exception {
        try (Conversation client = client()) {
            client.send(ask(1, false, WEBSOCKET));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send(
                        "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                + accept
                                + "\r\n");
                assertThat(client.receive().toString()).isEqualTo("RST_STREAM 1 INTERNAL_ERROR");
                server.skipToEnd();
            }
            awaitLog("\"reason\":\"broken-response\"");
        }
    }

    @Test
    void givenOrdinaryServer_whenAskedForAWebSocket_thenItsAnswerIsPassedOn() throws Exception {
        try (Conversation client = client()) {
            client.send(ask(1, false, WEBSOCKET));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
                assertThat(client.fields(1)).containsEntry(":status", "404");
                assertThat(client.body(1)).isEqualTo("no");
                assertThat(client.receive().toString()).isEqualTo("RST_STREAM 1 NO_ERROR");
            }
        }
    }

    // ---- the end

    @Test
    void givenRunningRequests_whenTheDaemonStops_thenTheyAreAnsweredAndTheClientIsTold()
            throws Exception {
        try (Conversation client = client()) {
            client.send(get(1));
            try (Wire server = origin.accept()) {
                server.receiveHead();
                var stopped = CompletableFuture.runAsync(daemon::close);
                assertThat(client.receive().toString()).isEqualTo("GOAWAY 2147483647 NO_ERROR");
                client.send(get(3)); // On its way meanwhile.
                try (Wire other = origin.accept()) {
                    assertThat(other.receiveHead()).startsWith("GET /3 ");
                    other.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
                    server.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
                    var got = new StringBuilder();
                    String named = "";
                    for (int ends = 0; ends < 2 || named.isEmpty(); ) {
                        Frame frame = client.receive();
                        if (frame.type() == Frame.HEADERS) client.decode(frame);
                        if (frame.type() == Frame.GOAWAY) named = frame.toString();
                        if (frame.type() != Frame.DATA) continue;
                        got.append(frame.text());
                        assertThat(frame.has(Frame.END_STREAM)).isTrue();
                        ends++;
                    }
                    assertThat(got.toString()).containsOnlyOnce("1").containsOnlyOnce("3");
                    assertThat(named).matches("GOAWAY [13] NO_ERROR");
                }
                client.awaitEnd();
                stopped.join();
            }
        }
    }
}
