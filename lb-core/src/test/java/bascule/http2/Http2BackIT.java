package bascule.http2;

import static bascule.http2.ScriptedServer.Conversation.head;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.http2.ScriptedServer.Conversation;
import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.TlsOrigin;
import bascule.testing.Told;
import bascule.testing.Wire;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import io.netty.handler.codec.http2.Http2Error;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// HTTP/2 towards a server that does what the test says: what it gets to see, what clients get of it, and who is asked again.
final class Http2BackIT {
    private static final int MAX_CONCURRENT_STREAMS = 3;
    private static final int INITIAL_WINDOW_SIZE = 4;
    private static final int ENABLE_CONNECT_PROTOCOL = 8;

    private static final String GET = "GET /x?y HTTP/1.1\r\nHost: a.example\r\nX-Odd: 1\r\n\r\n";

    private static RunningDaemon daemon(ScriptedServer server) throws IOException {
        return daemon(server, "");
    }

    /// @param keys of the backend
    private static RunningDaemon daemon(ScriptedServer server, String keys) throws IOException {
        return RunningDaemon.start(configuration("\"" + server.address() + "\"", keys));
    }

    private static String configuration(String servers, String keys) {
        return """
        loops = 1
        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 300 }
        backends.web { servers = [%s], protocol = h2 }
        backends.web { %s }
        """
                .formatted(servers, keys);
    }

    private static Wire client(RunningDaemon daemon, String request) throws IOException {
        Wire client = Wire.connect(daemon.address("web"));
        client.send(request);
        return client;
    }

    private static Answer answer(Wire client) throws IOException {
        return Answer.read(client, false);
    }

    // ---- what crosses

    @Test
    void givenRequests_whenAsked_thenFieldsAsHttp2WritesThemOnStreamsOfOneConnection()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            Frame head = there.receive();
            Map<String, String> fields = there.decode(head);

            assertThat(head.has(Frame.END_STREAM)).isTrue();
            assertThat(fields)
                    .containsEntry(":method", "GET")
                    .containsEntry(":scheme", "http")
                    .containsEntry(":path", "/x?y")
                    .containsEntry(":authority", "a.example")
                    .containsEntry("x-odd", "1")
                    .containsEntry("via", "1.1 bascule")
                    .doesNotContainKeys("host", "connection", "transfer-encoding");
            assertThat(fields.keySet().stream().limit(4)).allMatch(name -> name.startsWith(":"));
            there.send(
                    head(1, false, ":status", "201", "content-length", "5", "server", "s"),
                    Frame.data(1, "he", false),
                    Frame.data(1, "llo", true));
            Answer answer = answer(client);
            assertThat(answer.head()).startsWith("HTTP/1.1 201 Created\r\n");
            assertThat(answer.field("server")).isEqualTo("s");
            assertThat(answer.body(US_ASCII)).isEqualTo("hello");

            client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
            assertThat(there.fields(3)).containsEntry(":path", "/");
            there.answer(3, "again");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("again");
            daemon.awaitMetric(1, "bascule_server_pool_idle");
        }
    }

    @Test
    void givenBodies_whenSent_thenDataAndTrailers() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client =
                        client(
                                daemon,
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
                Conversation there = server.accept()) {
            assertThat(there.fields(1))
                    .containsEntry(":method", "POST")
                    .containsEntry("content-length", "5");
            assertThat(there.body(1)).isEqualTo("hello");
            there.answer(1, "");
            answer(client);

            client.send(
                    "PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n3\r\nabc\r\n");
            assertThat(there.fields(3))
                    .containsEntry(":method", "PUT")
                    .containsEntry("te", "trailers")
                    .doesNotContainKeys("content-length", "transfer-encoding", "connection");
            assertThat(there.receive().text()).isEqualTo("abc");
            client.send("2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n");
            assertThat(there.receive().text()).isEqualTo("de");
            Frame trailers = there.receive();
            assertThat(trailers.has(Frame.END_STREAM)).isTrue();
            assertThat(there.decode(trailers)).containsExactly(Map.entry("x-sum", "7"));
            there.answer(3, "");
            assertThat(answer(client).status()).isEqualTo(200);
        }
    }

    @Test
    void givenResponseWithoutLength_whenPassedOn_thenInChunksWithItsTrailers() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(head(1, false, ":status", "200"), Frame.data(1, "abc", false));
            assertThat(client.receiveHead()).contains("Transfer-Encoding: chunked\r\n");
            assertThat(client.receive(8)).isEqualTo("3\r\nabc\r\n");
            there.send(Frame.data(1, "de", false), head(1, true, "x-sum", "7"));
            assertThat(client.receive(22)).isEqualTo("2\r\nde\r\n0\r\nx-sum: 7\r\n\r\n");

            client.send(GET);
            there.fields(3);
            there.send(head(3, true, ":status", "200", "grpc-status", "0"));
            Answer trailersOnly = answer(client);
            assertThat(trailersOnly.field("content-length")).isEqualTo("0");
            assertThat(trailersOnly.field("grpc-status")).isEqualTo("0");
        }
    }

    @Test
    void givenClientOfHttp10_whenTheLengthIsUnknown_thenThePayloadAlone() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, "GET / HTTP/1.0\r\n\r\n");
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(
                    head(1, false, ":status", "200"),
                    Frame.data(1, "abc", false),
                    Frame.data(1, "de", false),
                    head(1, true, "x-sum", "7"));
            assertThat(client.receiveHead()).doesNotContain("chunked");
            assertThat(client.receiveRest()).isEqualTo("abcde");
        }
    }

    @ParameterizedTest
    @CsvSource({"HEAD, 200, 5", "GET, 304, 5", "GET, 204,", "HEAD, 200,", "GET, 205, 0"})
    void givenResponseWithoutBody_whenPassedOn_thenTheNextOneFollows(
            String method, String status, String length) throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, method + " / HTTP/1.1\r\nHost: a\r\n\r\n");
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(
                    length == null
                            ? head(1, true, ":status", status)
                            : head(1, true, ":status", status, "content-length", length));
            assertThat(client.receiveHead()).startsWith("HTTP/1.1 " + status + " ");
            client.send(GET);
            there.fields(3);
            there.answer(3, "next");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("next");
        }
    }

    @Test
    void givenInterimResponses_whenPassedOn_thenBeforeTheFinalOne() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client =
                        client(
                                daemon,
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
                Conversation there = server.accept()) {
            assertThat(there.fields(1)).containsEntry("expect", "100-continue");
            there.send(
                    head(1, false, ":status", "103", "link", "</a>"),
                    head(1, false, ":status", "100"));
            assertThat(client.receiveHead()).startsWith("HTTP/1.1 103 Early Hints\r\nlink: </a>");
            assertThat(client.receiveHead()).startsWith("HTTP/1.1 100 Continue\r\n");
            client.send("ok");
            assertThat(there.body(1)).isEqualTo("ok");
            there.answer(1, "done");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("done");
        }
    }

    // ---- many at a time

    @Test
    void givenManyRequestsAtOnce_whenTheServerTakesTwoAtATime_thenMoreConnections()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server)) {
            List<Wire> clients = new ArrayList<>();
            List<Conversation> there = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                clients.add(client(daemon, GET));
                if (i % 2 == 0) there.add(server.accept(MAX_CONCURRENT_STREAMS, 2));
                there.getLast().fields(i % 2 == 0 ? 1 : 3);
            }
            assertThat(there).hasSize(3);
            for (int i = 4; i >= 0; i--) there.get(i / 2).answer(i % 2 == 0 ? 1 : 3, "body " + i);
            for (int i = 0; i < 5; i++)
                assertThat(answer(clients.get(i)).body(US_ASCII)).isEqualTo("body " + i);
            for (Wire each : clients) each.close();
            daemon.awaitMetric(3, "bascule_server_pool_idle");
            for (Conversation each : there) each.close();
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenRequestsThatComeWhileConnecting_whenTheServerTakesFewer_thenTheRestGoesElsewhere()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server)) {
            List<Wire> clients = new ArrayList<>();
            for (int i = 0; i < 3; i++) clients.add(client(daemon, GET));
            daemon.awaitMetric(1, "bascule_server_connections");
            daemon.awaitStatus(3, "running");
            try (Conversation first = server.accept(MAX_CONCURRENT_STREAMS, 1);
                    Conversation second = server.accept(MAX_CONCURRENT_STREAMS, 1);
                    Conversation third = server.accept(MAX_CONCURRENT_STREAMS, 1)) {
                for (Conversation each : List.of(first, second, third)) {
                    each.fields(1);
                    each.answer(1, "ok");
                }
                for (Wire each : clients) {
                    assertThat(answer(each).status()).isEqualTo(200);
                    each.close();
                }
            }
        }
    }

    @Test
    void givenServerThatTakesNoStream_whenAsked_thenTheConnectDeadlineEndsIt() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "timeouts.connect = 300ms, retry = off");
                Wire client = client(daemon, GET);
                Conversation there = server.accept(MAX_CONCURRENT_STREAMS, 0)) {
            assertThat(answer(client).status()).isEqualTo(504);
            assertThat(server.poll()).isNull();
            there.end();
            daemon.awaitMetric(0, "bascule_server_connections");
        }
    }

    @Test
    void givenClientsThatTakeNothing_whenTheirResponsesAreLarge_thenOthersOnTheConnectionAreServed()
            throws Exception {
        byte[] frame = new byte[16 * 1024];
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server)) {
            List<Wire> slow = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                slow.add(Wire.connectNarrow(daemon.address("web")));
                slow.getLast().send(GET);
            }
            try (Conversation there = server.accept()) {
                for (int i = 0; i < 20; i++) {
                    there.fields(2 * i + 1);
                    there.send(head(2 * i + 1, false, ":status", "200"));
                }
                // As much as the window of each stream allows.
                for (int i = 0; i < 20; i++)
                    for (int sent = 0; sent < Http2Back.STREAM_WINDOW; sent += frame.length)
                        there.send(Frame.data(2 * i + 1, frame, false));
                try (Wire quick = client(daemon, GET)) {
                    there.fields(41);
                    there.answer(41, "quick");
                    assertThat(answer(quick).body(US_ASCII)).isEqualTo("quick");
                }
                for (int i = 0; i < 20; i++) {
                    slow.get(i).close();
                    assertThat(there.receive().toString())
                            .isEqualTo("RST_STREAM " + (2 * i + 1) + " CANCEL");
                }
            }
            daemon.awaitNothingOpen();
        }
    }

    // ---- who is asked again

    private static final String POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

    @Test
    void givenServerThatLeaves_whenRequestsAreAboveItsLastStream_thenTheyGoToANewConnection()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire first = client(daemon, POST);
                Conversation old = server.accept()) {
            old.fields(1);
            assertThat(old.body(1)).isEqualTo("abc");
            try (Wire second = client(daemon, POST)) {
                old.fields(3);
                old.body(3);
                old.send(Frame.goAway(1, Http2Error.NO_ERROR));
                try (Conversation anew = server.accept()) {
                    anew.fields(1);
                    assertThat(anew.body(1)).isEqualTo("abc");
                    anew.answer(1, "second");
                    assertThat(answer(second).body(US_ASCII)).isEqualTo("second");
                    old.answer(1, "first");
                    assertThat(answer(first).body(US_ASCII)).isEqualTo("first");
                    old.awaitEnd(); // We close what is of no more use.
                }
            }
            daemon.awaitMetric(1, "bascule_retries_total", "reason=\"going-away\"");
        }
    }

    @Test
    void givenRefusedStream_whenPosted_thenAnotherServerGetsIt() throws Exception {
        try (var busy = new ScriptedServer();
                var other = new ScriptedServer();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "{ address = \"%s\", weight = 256 }, \"%s\""
                                                .formatted(busy.address(), other.address()),
                                        ""));
                Wire client = client(daemon, POST);
                Conversation there = busy.accept()) {
            there.fields(1);
            there.body(1);
            there.send(Frame.reset(1, Http2Error.REFUSED_STREAM));
            try (Conversation next = other.accept()) {
                next.fields(1);
                assertThat(next.body(1)).isEqualTo("abc");
                next.answer(1, "served");
                assertThat(answer(client).body(US_ASCII)).isEqualTo("served");
            }
            daemon.awaitMetric(1, "bascule_retries_total", "reason=\"refused-stream\"");
        }
    }

    @Test
    void givenRefusedStreamOfTheOnlyServer_whenAsked_then503() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(Frame.reset(1, Http2Error.REFUSED_STREAM));
            assertThat(answer(client).status()).isEqualTo(503);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reset", "close"})
    void givenServerThatGivesUp_whenItMayHaveSeenAPost_thenItIsNeverSentTwice(String how)
            throws Exception {
        try (var server = new ScriptedServer();
                var other = new ScriptedServer();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "{ address = \"%s\", weight = 256 }, \"%s\""
                                                .formatted(server.address(), other.address()),
                                        ""));
                Wire client = client(daemon, POST);
                Conversation there = server.accept()) {
            there.fields(1);
            there.body(1);
            if (how.equals("reset")) there.send(Frame.reset(1, Http2Error.INTERNAL_ERROR));
            else there.end();
            assertThat(answer(client).status()).isEqualTo(502);
            assertThat(other.poll()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reset", "close"})
    void givenServerThatGivesUp_whenAGetCanBeRepeated_thenAnotherGetsIt(String how)
            throws Exception {
        try (var server = new ScriptedServer();
                var other = new ScriptedServer();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "{ address = \"%s\", weight = 256 }, \"%s\""
                                                .formatted(server.address(), other.address()),
                                        ""));
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            if (how.equals("reset")) there.send(Frame.reset(1, Http2Error.INTERNAL_ERROR));
            else there.end();
            try (Conversation next = other.accept()) {
                next.fields(1);
                next.answer(1, "served");
                assertThat(answer(client).body(US_ASCII)).isEqualTo("served");
            }
        }
    }

    @Test
    void givenConnectionThatHasRested_whenPosted_thenItIsAskedWhetherItStillStands()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.answer(1, "");
            answer(client);
            TimeUnit.MILLISECONDS.sleep(1100);

            client.send(POST);
            Frame ping = pingOf(there);
            there.send(Frame.pong(ByteBuffer.wrap(ping.payload()).getLong()));
            there.fields(3);
            assertThat(there.body(3)).isEqualTo("abc");
            there.answer(3, "posted");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("posted");
            TimeUnit.MILLISECONDS.sleep(1100);

            client.send(GET); // Which may be repeated, and so needs no such care.
            there.fields(5);
            there.answer(5, "");
            answer(client);
            TimeUnit.MILLISECONDS.sleep(1100);

            client.send(POST);
            pingOf(there); // And no answer: as if nobody were there.
            try (Conversation anew = server.accept()) {
                anew.fields(1);
                anew.body(1);
                anew.answer(1, "elsewhere");
                assertThat(answer(client).body(US_ASCII)).isEqualTo("elsewhere");
            }
        }
    }

    private static Frame pingOf(Conversation there) throws IOException {
        while (true) {
            Frame frame = there.next();
            if (frame.type() == Frame.PING) return frame;
            assertThat(frame.type()).isIn(Frame.SETTINGS, Frame.WINDOW_UPDATE);
        }
    }

    @Test
    void givenConnectionThatHasRested_whenItDiesOfTheQuestion_thenThePostGoesToANewOne()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.answer(1, "");
            answer(client);
            TimeUnit.MILLISECONDS.sleep(1100);
            client.send(POST);
            pingOf(there);
            there.wire.reset();
            try (Conversation anew = server.accept()) {
                anew.fields(1);
                anew.body(1);
                anew.answer(1, "posted");
                assertThat(answer(client).body(US_ASCII)).isEqualTo("posted");
            }
            daemon.awaitMetric(0, "bascule_retries_total");
        }
    }

    // ---- what servers must not do

    /// The frames of a response that is none, by a word.
    private static Frame[] malformed(String fault) {
        return switch (fault) {
            case "no-status" -> new Frame[] {head(1, true, "server", "s")};
            case "status-twice" -> new Frame[] {head(1, true, ":status", "200", ":status", "200")};
            case "status-of-two" -> new Frame[] {head(1, true, ":status", "20")};
            case "status-of-four" -> new Frame[] {head(1, true, ":status", "2000")};
            case "status-600" -> new Frame[] {head(1, true, ":status", "600")};
            case "status-signed" -> new Frame[] {head(1, true, ":status", "+20")};
            case "status-last" -> new Frame[] {head(1, true, "server", "s", ":status", "200")};
            case "path" -> new Frame[] {head(1, true, ":status", "200", ":path", "/")};
            case "unknown-pseudo" -> new Frame[] {head(1, true, ":status", "200", ":x", "/")};
            case "upper-case" -> new Frame[] {head(1, true, ":status", "200", "Server", "s")};
            case "line-feed" -> new Frame[] {head(1, true, ":status", "200", "a", "b\nc: d")};
            case "nul" -> new Frame[] {head(1, true, ":status", "200", "a", "b\0c")};
            case "connection" ->
                    new Frame[] {head(1, true, ":status", "200", "connection", "close")};
            case "chunked" ->
                    new Frame[] {head(1, true, ":status", "200", "transfer-encoding", "chunked")};
            case "switching" -> new Frame[] {head(1, false, ":status", "101")};
            case "interim-last" -> new Frame[] {head(1, true, ":status", "100")};
            case "data-first" -> new Frame[] {Frame.data(1, "abc", false)};
            case "data-alone" -> new Frame[] {Frame.data(1, "abc", true)};
            case "lengths" ->
                    new Frame[] {
                        head(
                                1,
                                false,
                                ":status",
                                "200",
                                "content-length",
                                "3",
                                "content-length",
                                "4"),
                        Frame.data(1, "abc", true)
                    };
            case "length-signed" ->
                    new Frame[] {
                        head(1, false, ":status", "200", "content-length", "+3"),
                        Frame.data(1, "abc", true)
                    };
            case "length-without-body" ->
                    new Frame[] {head(1, true, ":status", "200", "content-length", "3")};
            case "too-short" ->
                    new Frame[] {
                        head(1, false, ":status", "200", "content-length", "4"),
                        Frame.data(1, "abc", true)
                    };
            case "too-long" ->
                    new Frame[] {
                        head(1, false, ":status", "200", "content-length", "2"),
                        Frame.data(1, "abc", true)
                    };
            case "body-of-304" ->
                    new Frame[] {head(1, false, ":status", "304"), Frame.data(1, "abc", true)};
            case "too-many-interim" -> {
                var frames = new Frame[33];
                java.util.Arrays.fill(frames, head(1, false, ":status", "103"));
                yield frames;
            }
            default -> throw new AssertionError(fault);
        };
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "no-status",
                "status-twice",
                "status-of-two",
                "status-of-four",
                "status-600",
                "status-signed",
                "status-last",
                "path",
                "unknown-pseudo",
                "upper-case",
                "line-feed",
                "nul",
                "connection",
                "chunked",
                "switching",
                "interim-last",
                "data-first",
                "data-alone",
                "lengths",
                "length-signed",
                "length-without-body",
                "too-short",
                "too-long",
                "body-of-304",
                "too-many-interim"
            })
    void givenMalformedResponse_whenItComes_then502AndTheConnectionServesOn(String fault)
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(malformed(fault));
            Answer answer = answer(client);
            while (answer.status() < 200) answer = answer(client);
            assertThat(answer.status()).isEqualTo(502);
            Frame reset = there.receive();
            assertThat(reset.toString()).isEqualTo("RST_STREAM 1 PROTOCOL_ERROR");
            client.send(GET);
            there.fields(3);
            there.answer(3, "next");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("next");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"short", "long", "reset", "gone", "bad-trailer", "late-status"})
    void givenResponseThatBreaksOff_whenItsHeadIsOut_thenTheClientSeesThatItIsNotWhole(String how)
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(
                    how.equals("bad-trailer") || how.equals("late-status")
                            ? head(1, false, ":status", "200")
                            : head(1, false, ":status", "200", "content-length", "10"),
                    Frame.data(1, "part", false));
            client.receiveHead();
            assertThat(client.receive(4)).isNotEmpty();
            switch (how) {
                case "short" -> there.send(Frame.data(1, "", true));
                case "long" -> there.send(Frame.data(1, "0123456789", false));
                case "reset" -> there.send(Frame.reset(1, Http2Error.INTERNAL_ERROR));
                case "gone" -> there.end();
                case "bad-trailer" -> there.send(head(1, true, "content-length", "4"));
                default -> there.send(head(1, true, ":status", "200"));
            }
            assertThatThrownBy(client::receiveRest).isInstanceOf(SocketException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"HTTP/1.1 400 Bad Request\r\n\r\n", "", "\0\0\u0004\u0008\0\0\0\0\0abcd"})
    void givenServerThatSpeaksNoHttp2_whenAsked_thenItNeverSeesTheRequest(String said)
            throws Exception {
        try (Told told = new Told();
                var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "retry = off");
                Wire client = client(daemon, POST);
                Wire there = server.acceptSilently()) {
            there.receive(Frame.PREFACE.length);
            there.send(said);
            there.sendEnd();
            assertThat(answer(client).status()).isEqualTo(502);
            if (!said.isEmpty()) told.await("server-http2-failed", server.address());
            assertThat(there.receiveRest()).doesNotContain("abc");
        }
    }

    @Test
    void givenTlsServerThatAgreesToNothing_whenAsked_thenItNeverSeesTheRequest(@TempDir Path folder)
            throws Exception {
        TestAuthority authority = TestAuthority.named("Servers");
        Path ca = authority.file(folder.resolve("ca.pem"));
        Issued own = authority.request("h2").addresses("127.0.0.1").issue();
        try (Told told = new Told();
                var without = new TlsOrigin(own, authority);
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "\"" + without.address() + "\"",
                                        "retry = off, tls.ca = \"" + ca + "\""));
                Wire client = client(daemon, POST);
                TlsOrigin.Conversation there = without.accept()) {
            there.handshake();
            assertThat(answer(client).status()).isEqualTo(502);
            told.await("server-http2-failed", "agrees to nothing, not to h2");
            assertThatThrownBy(there::receiveHead).isInstanceOf(IOException.class);
        } catch (SocketException reset) {
            // By closing what we have closed.
        }
    }

    @Test
    void givenServerThatSaysNothing_whenTheConnectTimeIsOver_then504() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "timeouts.connect = 300ms, retry = off");
                Wire client = client(daemon, POST);
                Wire there = server.acceptSilently()) {
            assertThat(answer(client).status()).isEqualTo(504);
            assertThat(there.skipToEnd()).isEqualTo(Wire.End.RESET);
            daemon.awaitMetric(0, "bascule_server_connections");
        }
    }

    @Test
    void givenServerThatPushes_whenItDoes_thenItsConnectionEnds() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "retry = off");
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.send(
                    new Frame(Frame.PUSH_PROMISE, Frame.END_HEADERS, 1, new byte[] {0, 0, 0, 2}));
            assertThat(answer(client).status()).isEqualTo(502);
            there.awaitEnd();
        }
    }

    // ---- time, windows, ends

    @Test
    void givenServerThatOpensNoWindow_whenABodyWaits_thenItsTimeEnds() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "timeouts.response = 500ms, retry = off");
                Wire client = client(daemon, POST);
                Conversation there = server.accept(INITIAL_WINDOW_SIZE, 0)) {
            there.fields(1);
            assertThat(answer(client).status()).isEqualTo(504);
            assertThat(there.receive().toString()).isEqualTo("RST_STREAM 1 CANCEL");
        }
    }

    @Test
    void givenServerThatReadsSlowly_whenABodyIsLong_thenItGoesOnAsTheWindowsAllow()
            throws Exception {
        String body = "x".repeat(300_000);
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client =
                        client(
                                daemon,
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
                Conversation there = server.accept(INITIAL_WINDOW_SIZE, 1000)) {
            Thread.startVirtualThread(
                    () -> {
                        try {
                            client.send(body);
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    });
            there.fields(1);
            int received = 0;
            boolean last = false;
            while (!last) {
                Frame data = there.receive();
                assertThat(data.type()).isEqualTo(Frame.DATA);
                assertThat(data.payload().length).isBetween(1, 1000);
                received += data.payload().length;
                last = data.has(Frame.END_STREAM);
                if (!last)
                    there.send(
                            Frame.windowUpdate(1, data.payload().length),
                            Frame.windowUpdate(0, data.payload().length));
            }
            assertThat(received).isEqualTo(300_000);
            there.answer(1, "taken");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("taken");
        }
    }

    @Test
    void givenServerThatIsSilent_whenItsTimeIsOver_then504AndTheStreamIsCancelled()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "timeouts.response = 300ms, retry = off");
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            assertThat(answer(client).status()).isEqualTo(504);
            assertThat(there.receive().toString()).isEqualTo("RST_STREAM 1 CANCEL");
            client.send(GET);
            there.fields(3);
            there.send(
                    head(3, false, ":status", "200", "content-length", "9"),
                    Frame.data(3, "part", false));
            client.receiveHead();
            assertThat(there.receive().toString()).isEqualTo("RST_STREAM 3 CANCEL");
            assertThatThrownBy(client::receiveRest).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void givenClientThatLeaves_whenItsRequestIsUnderWay_thenTheServerHearsOfIt() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server)) {
            Wire client = client(daemon, GET);
            try (Conversation there = server.accept()) {
                there.fields(1);
                client.reset();
                assertThat(there.receive().toString()).isEqualTo("RST_STREAM 1 CANCEL");
                try (Wire next = client(daemon, GET)) {
                    there.fields(3);
                    there.answer(3, "next");
                    assertThat(answer(next).body(US_ASCII)).isEqualTo("next");
                }
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenEarlyResponse_whenTheRequestIsNotComplete_thenTheServerIsToldToForgetTheRest()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client =
                        client(
                                daemon,
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
                Conversation there = server.accept()) {
            there.fields(1);
            assertThat(there.receive().text()).isEqualTo("abc");
            there.answer(1, "enough");
            Answer answer = answer(client);
            assertThat(answer.body(US_ASCII)).isEqualTo("enough");
            assertThat(answer.field("connection")).isEqualTo("close");
            assertThat(there.receive().toString()).isEqualTo("RST_STREAM 1 CANCEL");
        }
    }

    @Test
    void givenWholeResponseThatAClientTakesSlowly_whenTheServerResetsOrLeaves_thenItIsWhole()
            throws Exception {
        byte[] frame = new byte[16 * 1024];
        int frames = Http2Back.STREAM_WINDOW / frame.length;
        for (String how : List.of("reset", "close")) {
            try (var server = new ScriptedServer();
                    RunningDaemon daemon = daemon(server);
                    Wire client = Wire.connectNarrow(daemon.address("web"))) {
                client.send(GET);
                try (Conversation there = server.accept()) {
                    there.fields(1);
                    there.send(head(1, false, ":status", "200"));
                    // What is taken is given back to the windows; so it is made to wait in the end.
                    int sent = 0;
                    while (sent < 100 && credit(there, sent, frames))
                        for (int i = 0; i < frames; i++, sent++)
                            there.send(Frame.data(1, frame, false));
                    there.send(Frame.data(1, "", true));
                    if (how.equals("reset")) there.send(Frame.reset(1, Http2Error.NO_ERROR));
                    else there.end();
                    TimeUnit.MILLISECONDS.sleep(200);
                    assertThat(answer(client).content()).hasSize(sent * frame.length);
                }
            }
        }
    }

    /// Is there room for one more window? Waits a little for it.
    private static boolean credit(Conversation there, int sent, int frames) throws Exception {
        if (sent == 0) return true;
        long start = System.nanoTime();
        int credit = 0;
        while (System.nanoTime() - start < 1_000_000_000) {
            String some = there.wire.poll();
            if (some == null) return false;
            for (int at = 0; at + 13 <= some.length(); at += 13)
                if (some.charAt(at + 3) == Frame.WINDOW_UPDATE && some.charAt(at + 8) == 1)
                    credit +=
                            some.charAt(at + 9) << 24
                                    | some.charAt(at + 10) << 16
                                    | some.charAt(at + 11) << 8
                                    | some.charAt(at + 12);
            if (credit >= frames * 16 * 1024) return true;
            TimeUnit.MILLISECONDS.sleep(10);
        }
        return false;
    }

    @Test
    void givenConnectionThatNobodyUses_whenItsTimeIsOver_thenItIsClosed() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server, "timeouts.idle = 300ms");
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            there.answer(1, "");
            answer(client);
            assertThat(there.receive().toString()).isEqualTo("GOAWAY 0 NO_ERROR");
            there.awaitEnd();
            there.end();
            daemon.awaitMetric(0, "bascule_server_connections");
            daemon.awaitMetric(0, "bascule_server_pool_idle");
        }
    }

    @Test
    void givenReload_whenTheProtocolChanges_thenWhatRunsEndsThereAndTheNextIsSpokenAnew()
            throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, GET);
                Conversation there = server.accept()) {
            there.fields(1);
            daemon.reload(
                    configuration("\"" + server.address() + "\"", "")
                            .replace("protocol = h2", "protocol = http1"));
            there.answer(1, "old");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("old");
            there.awaitEnd();
            client.send(GET);
            try (Wire plain = server.acceptSilently()) {
                assertThat(plain.receiveHead()).startsWith("GET /x?y HTTP/1.1\r\n");
                plain.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew");
                assertThat(answer(client).body(US_ASCII)).isEqualTo("new");
            }
        }
    }

    // ---- WebSocket

    private static final String WEBSOCKET =
            "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    @Test
    void givenWebSocket_whenTheServerTakesItOverHttp2_thenATunnel() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, WEBSOCKET);
                Conversation there = server.accept(ENABLE_CONNECT_PROTOCOL, 1)) {
            assertThat(there.fields(1))
                    .containsEntry(":method", "CONNECT")
                    .containsEntry(":protocol", "websocket")
                    .containsEntry(":path", "/chat")
                    .containsEntry(":scheme", "http")
                    .containsEntry("sec-websocket-version", "13")
                    .doesNotContainKeys("sec-websocket-key", "upgrade", "connection");
            there.send(
                    head(1, false, ":status", "200", "sec-websocket-protocol", "p"),
                    Frame.data(1, "early", false));
            assertThat(client.receiveHead())
                    .startsWith("HTTP/1.1 101 ")
                    .contains("sec-websocket-protocol: p\r\n")
                    // RFC 6455 §1.3.
                    .contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
            assertThat(client.receive(5)).isEqualTo("early");
            client.send("to server");
            assertThat(there.receive().text()).isEqualTo("to server");
            there.send(Frame.data(1, "to client", false));
            assertThat(client.receive(9)).isEqualTo("to client");
            client.sendEnd();
            Frame end = there.receive();
            assertThat(end.toString()).isEqualTo("DATA 1 0 last");
            there.send(Frame.data(1, "bye", true));
            assertThat(client.receiveRest()).isEqualTo("bye");
        }
    }

    @Test
    void givenWebSocket_whenTheServerTakesNoneOverHttp2_then502() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, WEBSOCKET);
                Conversation there = server.accept()) {
            assertThat(answer(client).status()).isEqualTo(502);
            try (Wire next = client(daemon, GET)) {
                there.fields(1);
                there.answer(1, "next");
                assertThat(answer(next).body(US_ASCII)).isEqualTo("next");
            }
        }
    }

    @Test
    void givenWebSocket_whenTheServerRefusesIt_thenItsAnswerIsPassedOn() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client = client(daemon, WEBSOCKET);
                Conversation there = server.accept(ENABLE_CONNECT_PROTOCOL, 1)) {
            there.fields(1);
            there.send(head(1, false, ":status", "403"), Frame.data(1, "no", true));
            Answer answer = answer(client);
            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.body(US_ASCII)).isEqualTo("no");
            assertThat(there.receive().toString()).isEqualTo("RST_STREAM 1 CANCEL");
        }
    }

    @Test
    void givenOtherUpgrade_whenAsked_thenAnOrdinaryRequest() throws Exception {
        try (var server = new ScriptedServer();
                RunningDaemon daemon = daemon(server);
                Wire client =
                        client(
                                daemon,
                                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
                Conversation there = server.accept(ENABLE_CONNECT_PROTOCOL, 1)) {
            assertThat(there.fields(1))
                    .containsEntry(":method", "GET")
                    .doesNotContainKeys("upgrade", "connection", ":protocol");
            there.answer(1, "plain");
            assertThat(answer(client).body(US_ASCII)).isEqualTo("plain");
        }
    }
}
