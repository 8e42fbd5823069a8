package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.Rejection;
import bascule.net.Failure;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a client of HTTP/2 and an exchange get to see of each other.
final class Http2FrontTest {
    private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// Whole lines, each with its CR LF.
    private static String lines(String... lines) {
        return String.join("\r\n", lines) + "\r\n";
    }

    private static Frame get(int stream) {
        return Frame.headers(stream, Frame.block(Client.get("/")), true);
    }

    private static Frame post(int stream, String... fields) {
        return Frame.headers(stream, Frame.block(Client.request("POST", "/", fields)), false);
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte) (i * 31 + i / 251);
        return bytes;
    }

    private static String payload(List<Frame> frames, int stream) {
        var text = new StringBuilder();
        for (Frame frame : frames)
            if (frame.type() == Frame.DATA && frame.stream() == stream) text.append(frame.text());
        return text.toString();
    }

    // ---- requests

    @Test
    void givenGet_whenAnswered_thenFieldsAndData() {
        try (var client = Client.greeted()) {
            client.send(
                    Frame.headers(1, Frame.block(Client.request("GET", "/a?b", "x-y", "z")), true));
            assertEquals(
                    "GET /a?b HTTP/1.1\r\nHost: example.org\r\nx-y: z\r\n\r\n",
                    client.server.last().head);
            assertTrue(client.server.last().completeAtOnce);
            client.server
                    .last()
                    .send(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Odd: 1\r\n"
                                    + "Content-Length: 5\r\n\r\nhello");
            client.server.last().end();

            List<Frame> frames = client.frames();
            assertThat(frames).map(Frame::toString).containsExactly("HEADERS 1", "DATA 1 5 last");
            assertThat(client.fields(frames.getFirst()))
                    .hasToString(
                            "{:status=200, content-type=text/plain, x-odd=1, content-length=5}");
            assertEquals("hello", frames.getLast().text());
        }
    }

    /// All that a client does, in one conversation.
    private static byte[] conversation() {
        byte[] block = Frame.block(Client.request("POST", "/trailers", "te", "trailers", "a", "b"));
        byte[] first = Arrays.copyOf(block, 10);
        byte[] rest = Arrays.copyOfRange(block, 10, block.length);
        byte[] padded = "\3padded\0\0\0".getBytes(ISO_8859_1);
        return Frame.bytes(
                Frame.settings(3, 100),
                Frame.settingsAck(),
                get(1),
                Frame.ping(7),
                post(3, "content-length", "5"),
                Frame.windowUpdate(0, 1000),
                Frame.data(3, "he", false),
                Frame.priority(5, 3),
                Frame.data(3, "llo", true),
                new Frame(Frame.HEADERS, 0, 5, first),
                new Frame(Frame.CONTINUATION, Frame.END_HEADERS, 5, rest),
                new Frame(Frame.DATA, Frame.PADDED, 5, padded),
                new Frame(0xfa, 0, 0, new byte[3]),
                Frame.headers(5, Frame.block("x-sum", "1"), true));
    }

    private static void converse(Client client) {
        List<Client.Request> requests = client.server.requests;
        assertThat(requests)
                .map(request -> request.head)
                .containsExactly(
                        "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
                        "POST / HTTP/1.1\r\nHost: example.org\r\ncontent-length: 5\r\n\r\n",
                        lines(
                                "POST /trailers HTTP/1.1",
                                "Host: example.org",
                                "a: b",
                                "Transfer-Encoding: chunked",
                                "TE: trailers",
                                "Connection: TE",
                                ""));
        assertEquals("hello", requests.get(1).body.toString());
        assertThat(dechunked(requests.get(2).body.toString())).isEqualTo("padded|x-sum: 1\r\n");
        assertThat(requests).allMatch(request -> request.complete);
        requests.forEach(Client.Request::answer);
        assertThat(client.heard())
                .contains("DATA 1 2 last", "DATA 3 2 last", "DATA 5 2 last", "PING ack")
                .noneMatch(frame -> frame.startsWith("RST") || frame.startsWith("GOAWAY"));
        assertThat(client.rejections).isEmpty();
    }

    /// The payload, then a bar and the trailers.
    private static String dechunked(String body) {
        var text = new StringBuilder();
        int at = 0;
        while (true) {
            int end = body.indexOf("\r\n", at);
            int size = Integer.parseInt(body.substring(at, end), 16);
            if (size == 0) {
                assertTrue(body.endsWith("\r\n"), body);
                return text + "|" + body.substring(end + 2, body.length() - 2);
            }
            text.append(body, end + 2, end + 2 + size);
            at = end + 2 + size;
            assertEquals("\r\n", body.substring(at, at + 2));
            at += 2;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenConversation_whenCutAtEveryByte_thenIsTheSame(boolean undecided) {
        byte[] all = conversation();
        byte[] wire = Arrays.copyOf(Frame.PREFACE, Frame.PREFACE.length + all.length);
        System.arraycopy(all, 0, wire, Frame.PREFACE.length, all.length);
        for (int cut = 1; cut < wire.length; cut++) {
            try (var client = new Client(undecided)) {
                client.send(Arrays.copyOf(wire, cut));
                client.send(Arrays.copyOfRange(wire, cut, wire.length));
                converse(client);
            }
        }
        try (var client = new Client(undecided)) {
            for (byte b : wire) client.send(new byte[] {b});
            converse(client);
        }
    }

    @Test
    void givenRequestOfHttp1_whenCutAtEveryByte_thenIsReadAsThat() {
        for (String method : new String[] {"GET", "PRI", "POST", "PRO"}) {
            byte[] wire = (method + " * HTTP/1.1\r\nHost: a\r\n\r\n").getBytes(ISO_8859_1);
            for (int cut = 1; cut < wire.length; cut++) {
                try (var client = new Client(true)) {
                    client.send(Arrays.copyOf(wire, cut));
                    client.send(Arrays.copyOfRange(wire, cut, wire.length));
                    assertEquals(1, client.server.refused.size()); // An asterisk is for OPTIONS.
                    assertEquals(1, client.open);
                }
            }
        }
    }

    @Test
    void givenSilentClientWithAPrefixOfThePreface_whenTimePasses_thenIsClosed() {
        for (int length = 0; length < Frame.PREFACE.length; length++) {
            try (var client = new Client(true)) {
                client.send(Arrays.copyOf(Frame.PREFACE, length));
                client.until(Client.HEADER_TIME - 1);
                assertFalse(client.closed());
                client.until(Client.HEADER_TIME + 1);
                assertTrue(client.closed());
                assertEquals(length > 0, client.rejections.contains(Rejection.HEADER_TIME));
                assertEquals(0, client.open);
            }
        }
    }

    @Test
    void givenPrefaceWithAFault_whenRead_thenTheConnectionEnds() {
        for (int at = 0; at < Frame.PREFACE.length; at++) {
            byte[] wire = Frame.PREFACE.clone();
            wire[at] ^= 1;
            try (var client = new Client()) {
                client.send(wire);
                assertThat(client.heard()).containsExactly("GOAWAY 0 PROTOCOL_ERROR");
            }
        }
    }

    static List<Arguments> malformed() {
        var all = new ArrayList<String[]>();
        String[] good = Client.get("/");
        for (int i = 0; i < 6; i += 2) {
            all.add(without(good, i));
            all.add(with(good, good[i], good[i + 1]));
        }
        all.add(with(good, ":authority", "example.org"));
        all.add(without(good, 6)); // Nor a Host.
        all.add(with(good, ":status", "200"));
        all.add(with(good, ":odd", "x"));
        all.add(with(good, "", "x"));
        all.add(with(with(good, "a", "b"), ":protocol", "websocket"));
        all.add(with(good, ":protocol", "websocket")); // GET
        for (String field :
                new String[] {
                    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"
                }) all.add(with(good, field, "x"));
        all.add(with(good, "te", "gzip"));
        all.add(with(good, "te", "trailers, gzip"));
        all.add(with(good, "Upper", "x"));
        all.add(with(good, "na me", "x"));
        all.add(with(good, "na:me", "x"));
        all.add(with(good, "na\u00e4me", "x"));
        for (String value :
                new String[] {
                    "a\r\nb: c", "a\nb", "a\rb", "a\0b", " a", "a ", "\ta", "a\u007f", "\u0001"
                }) {
            all.add(with(good, "x", value));
            all.add(with(good, "cookie", value));
        }
        for (String value :
                new String[] {
                    "",
                    "x",
                    "/a b",
                    "/a\r\nb",
                    "http://example.org/",
                    "*",
                    "/a#b",
                    "/a\u007f",
                    "/\u00e4"
                }) all.add(set(good, 5, value));
        for (String value : new String[] {"", "G T", "G\r\nT", "GET\t", "G:T"})
            all.add(set(good, 1, value));
        for (String value : new String[] {"", "ftp", "h t"}) all.add(set(good, 3, value));
        for (String value :
                new String[] {
                    "", "a b", "a\r\nb", "user@example.org", "a:b", "a:99999", "[1", "a,b"
                }) all.add(set(good, 7, value));
        all.add(with(good, "host", "other.org"));
        all.add(with(good, "host", "example.org:81"));
        all.add(with(with(good, "host", "example.org"), "host", "example.org"));
        all.add(with(good, "content-length", "x"));
        all.add(with(good, "content-length", "1, 1"));
        all.add(with(with(good, "content-length", "1"), "content-length", "2"));
        all.add(with(good, "content-length", "5")); // And END_STREAM.
        String[] connect = set(good, 1, "CONNECT");
        all.add(connect);
        all.add(without(without(connect, 4), 2)); // As it should be, which we do not do.
        return all.stream().map(fields -> Arguments.of((Object) fields)).toList();
    }

    private static String[] with(String[] fields, String name, String value) {
        String[] more = Arrays.copyOf(fields, fields.length + 2);
        more[fields.length] = name;
        more[fields.length + 1] = value;
        return more;
    }

    private static String[] without(String[] fields, int at) {
        return IntStream.range(0, fields.length)
                .filter(i -> i != at && i != at + 1)
                .mapToObj(i -> fields[i])
                .toArray(String[]::new);
    }

    private static String[] set(String[] fields, int at, String value) {
        String[] other = fields.clone();
        other[at] = value;
        return other;
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void givenMalformedRequest_whenRead_thenItsStreamIsResetAndNobodyHearsOfIt(String[] fields) {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            client.send(Frame.headers(1, Frame.block(fields), true), get(3));

            assertEquals(1, client.server.requests.size());
            assertThat(client.heard())
                    .containsExactly("RST_STREAM 1 PROTOCOL_ERROR", "HEADERS 3", "DATA 3 2 last");
            assertThat(client.rejections)
                    .singleElement()
                    .matches(
                            rejection ->
                                    rejection.status() == 400 || rejection == Rejection.METHOD);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "example.org, example.org",
        "example.org, EXAMPLE.org",
        "example.org:80, example.org",
        "example.org, example.org:80",
        "[::1]:80, [::1]"
    })
    void givenHostThatSaysTheSame_whenRead_thenTheAuthorityCounts(String authority, String host) {
        try (var client = Client.greeted()) {
            String[] fields = set(Client.get("/"), 7, authority);
            client.send(Frame.headers(1, Frame.block(with(fields, "host", host)), true));
            assertEquals(
                    "GET / HTTP/1.1\r\nHost: " + authority + "\r\n\r\n", client.server.last().head);
            client.server.last().answer();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Frame.PADDED, Frame.WITH_PRIORITY, Frame.PADDED | Frame.WITH_PRIORITY})
    void givenPaddingOrPriority_whenRead_thenTheBlockIsTheSame(int flags) {
        byte[] block = Frame.block(Client.get("/"));
        var payload = new ByteArrayOutputStream();
        if ((flags & Frame.PADDED) != 0) payload.write(3);
        if ((flags & Frame.WITH_PRIORITY) != 0) payload.writeBytes(new byte[] {0, 0, 0, 7, 15});
        payload.writeBytes(block);
        if ((flags & Frame.PADDED) != 0) payload.writeBytes(new byte[3]);
        byte[] whole = payload.toByteArray();
        try (var client = Client.greeted()) {
            client.send(new Frame(Frame.HEADERS, flags | Frame.END_HEADERS | 1, 1, whole));
            client.send(
                    new Frame(Frame.HEADERS, flags | 1, 3, whole),
                    new Frame(Frame.CONTINUATION, Frame.END_HEADERS, 3, Frame.block("x", "y")));
            String head = "GET / HTTP/1.1\r\nHost: example.org\r\n";
            assertThat(client.server.requests)
                    .map(request -> request.head)
                    .containsExactly(head + "\r\n", head + "x: y\r\n\r\n");
            client.server.requests.forEach(Client.Request::answer);
        }
    }

    @Test
    void givenHostAlone_whenRead_thenItCounts() {
        try (var client = Client.greeted()) {
            String[] fields = without(Client.get("/"), 6);
            client.send(Frame.headers(1, Frame.block(with(fields, "host", "a.org")), true));
            assertEquals("GET / HTTP/1.1\r\nHost: a.org\r\n\r\n", client.server.last().head);
            client.server.last().answer();
        }
    }

    @Test
    void givenCrumbs_whenRead_thenOneCookie() {
        try (var client = Client.greeted()) {
            client.send(
                    Frame.headers(
                            1,
                            Frame.block(
                                    Client.request(
                                            "GET", "/", "cookie", "a=b", "x", "y", "cookie", "c=d",
                                            "cookie", "e=f")),
                            true));
            assertEquals(
                    "GET / HTTP/1.1\r\nHost: example.org\r\nx: y\r\ncookie: a=b; c=d; e=f\r\n\r\n",
                    client.server.last().head);
            client.server.last().answer();
        }
    }

    @Test
    void givenNoContent_whenAMethodMostlyHasSome_thenItsLengthIsSaid() {
        try (var client = Client.greeted()) {
            for (String method : new String[] {"POST", "PUT", "PATCH", "DELETE", "PROPFIND"}) {
                client.send(
                        Frame.headers(
                                2 * client.server.requests.size() + 1,
                                Frame.block(Client.request(method, "/")),
                                true));
                boolean said = client.server.last().head.contains("\r\nContent-Length: 0\r\n");
                assertEquals(List.of("POST", "PUT", "PATCH").contains(method), said, method);
                client.server.last().answer();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, HEADERS_TOO_LARGE, 431",
        "1, TOO_MANY_HEADERS, 431",
        "2, REQUEST_LINE_TOO_LONG, 414",
        "3, METHOD, 405",
        "4, BODY_TOO_LARGE, 413",
        "5, PROTOCOL, 501"
    })
    void givenTooMuch_whenRead_thenIsAnsweredAndTheNextOneIsServed(
            int which, Rejection rejection, int status) {
        String[] good = Client.get("/");
        String[] fields =
                switch (which) {
                    case 0 -> with(good, "x", "y".repeat(Client.HEAD_BYTES));
                    case 1 -> {
                        String[] many = good;
                        for (int i = 0; i < 60; i++) many = with(many, "x" + i, "y");
                        yield many;
                    }
                    case 2 -> set(good, 5, "/" + "y".repeat(4100));
                    case 3 -> set(good, 1, "TRACE");
                    case 4 ->
                            with(
                                    set(good, 1, "POST"),
                                    "content-length",
                                    "" + (Client.BODY_BYTES + 1));
                    default -> with(set(good, 1, "CONNECT"), ":protocol", "connect-udp");
                };
        // A pseudo-field has to stand before the others.
        if (which == 5)
            fields =
                    new String[] {
                        ":protocol",
                        "connect-udp",
                        ":method",
                        "CONNECT",
                        ":scheme",
                        "http",
                        ":path",
                        "/",
                        ":authority",
                        "a"
                    };
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(fields), which != 4));
            List<Frame> frames = client.frames();
            assertEquals("HEADERS 1 last", frames.getFirst().toString());
            assertEquals("" + status, client.fields(frames.getFirst()).get(":status"));
            if (which == 4) {
                client.until(2);
                assertThat(client.heard()).containsExactly("RST_STREAM 1 NO_ERROR");
            }
            assertEquals(List.of(rejection), client.server.refused);
            assertEquals(List.of(rejection), client.rejections);

            client.send(get(3));
            client.server.last().answer();
            assertThat(client.heard()).endsWith("DATA 3 2 last");
        }
    }

    /// Many small fields are large as a list (RFC 9113 §6.5.2), and come in few bytes.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenListOfFieldsThatTheDecoderDoesNotTake_whenRead_thenIsAnsweredAndTheNextOneIsServed(
            boolean last) {
        try (var client = Client.greeted()) {
            String[] fields = Client.get("/");
            for (int i = 0; i < 9; i++) fields = with(fields, "x" + i, "y".repeat(1900));
            byte[] block =
                    Frame.block(fields); // Above twice the limit of heads, and in two frames.
            assertThat(block.length).isBetween(2 * Client.HEAD_BYTES, 20_000);
            client.send(
                    new Frame(
                            Frame.HEADERS,
                            last ? Frame.END_STREAM : 0,
                            1,
                            Arrays.copyOf(block, 10_000)),
                    new Frame(
                            Frame.CONTINUATION,
                            Frame.END_HEADERS,
                            1,
                            Arrays.copyOfRange(block, 10_000, block.length)));
            if (!last) client.send(Frame.data(1, "x", true));
            List<Frame> frames = client.frames();
            assertEquals("HEADERS 1 last", frames.getFirst().toString());
            assertEquals("431", client.fields(frames.getFirst()).get(":status"));
            assertEquals(List.of(Rejection.HEADERS_TOO_LARGE), client.rejections);
            client.send(get(3));
            client.server.last().answer();
            assertThat(client.heard()).endsWith("DATA 3 2 last");
        }
    }

    /// It was not decoded, so that no later one can be trusted (RFC 9113 §4.3).
    @Test
    void givenBlockOfAStreamThatDependsOnItself_whenRead_thenTheConnectionEnds() {
        try (var client = Client.greeted()) {
            byte[] priority = {0, 0, 0, 1, 5};
            byte[] block = Frame.block(Client.request("POST", "/"));
            byte[] both = Arrays.copyOf(priority, priority.length + block.length);
            System.arraycopy(block, 0, both, priority.length, block.length);
            int flags = Frame.WITH_PRIORITY | Frame.END_HEADERS;
            client.send(new Frame(Frame.HEADERS, flags, 1, both));
            assertThat(client.heard()).containsExactly("GOAWAY 0 PROTOCOL_ERROR");
        }
    }

    @Test
    void givenBlockBeyondAllMeasure_whenRead_thenTheConnectionEnds() {
        try (var client = Client.greeted()) {
            byte[] block =
                    Frame.block(with(Client.get("/"), "x", "y".repeat(3 * Client.HEAD_BYTES)));
            client.send(
                    new Frame(Frame.HEADERS, 0, 1, Arrays.copyOf(block, 16384)),
                    new Frame(
                            Frame.CONTINUATION,
                            Frame.END_HEADERS,
                            1,
                            Arrays.copyOfRange(block, 16384, block.length)));
            assertThat(client.heard()).containsExactly("GOAWAY 0 PROTOCOL_ERROR");
            assertEquals(List.of(Rejection.FRAMES), client.rejections);
        }
    }

    // ---- bodies

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 255, 256, 4000, 5000, 16384})
    void givenBodyOfUnknownLength_whenItComesInOneRead_thenInChunks(int size) {
        String content = new String(bytes(size), ISO_8859_1);
        try (var client = Client.greeted()) {
            client.send(post(1), Frame.data(1, content, true));
            assertEquals(content + "|", dechunked(client.server.last().body.toString()));
            assertTrue(client.server.last().complete);
            client.server.last().answer();
            assertThat(client.heard()).endsWith("DATA 1 2 last");
        }
    }

    @Test
    void givenBodyInManySmallFrames_whenTheyComeInOneRead_thenOneChunk() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            Frame[] pieces = new Frame[100];
            Arrays.setAll(pieces, i -> Frame.data(1, "abc", false));
            client.send(pieces);
            assertEquals(
                    "12c\r\n" + "abc".repeat(100) + "\r\n", client.server.last().body.toString());
            assertEquals(1, client.server.last().bursts);
            client.send(Frame.data(1, "", true));
            assertThat(client.server.last().body).endsWith("\r\n0\r\n\r\n");
            client.server.last().answer();
        }
    }

    @ParameterizedTest
    @CsvSource({"5, 4, true", "5, 6, true", "5, 6, false", "0, 1, true", "0, 1, false"})
    void givenOtherLengthThanAnnounced_whenRead_thenIsResetAndTheExchangeHears(
            int announced, int sent, boolean apart) {
        try (var client = Client.greeted()) {
            Frame head = post(1, "content-length", "" + announced);
            Frame data = Frame.data(1, "x".repeat(sent), true);
            if (apart) {
                client.send(head);
                client.send(data);
                assertEquals(Failure.CLIENT_BROKEN, client.server.last().failure);
            } else {
                client.send(head, data);
                assertThat(client.server.requests).isEmpty();
            }
            assertThat(client.heard()).containsExactly("RST_STREAM 1 PROTOCOL_ERROR");
            assertEquals(List.of(Rejection.FRAMING), client.rejections);
        }
    }

    @Test
    void givenTooLittleAtTheEnd_whenItComesInTrailers_thenIsReset() {
        try (var client = Client.greeted()) {
            client.send(post(1, "content-length", "5"), Frame.data(1, "abc", false));
            client.send(Frame.headers(1, Frame.block("x", "y"), true));
            assertEquals(Failure.CLIENT_BROKEN, client.server.last().failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 PROTOCOL_ERROR");
        }
    }

    @Test
    void givenLengthWithoutTheEnd_whenAllHasCome_thenTheRequestIsComplete() {
        try (var client = Client.greeted()) {
            client.send(post(1, "content-length", "3"), Frame.data(1, "abc", false));
            assertTrue(client.server.last().completeAtOnce);
            client.send(Frame.data(1, "", true));
            client.server.last().answer();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 2 last");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ":path",
                "content-length",
                "host",
                "te",
                "connection",
                "cookie",
                "Upper",
                "x-forwarded-for"
            })
    void givenTrailerThatHasNoBusinessThere_whenRead_thenIsReset(String name) {
        try (var client = Client.greeted()) {
            client.send(post(1), Frame.data(1, "abc", false));
            client.send(Frame.headers(1, Frame.block(name, "1"), true));
            assertEquals(Failure.CLIENT_BROKEN, client.server.last().failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 PROTOCOL_ERROR");
        }
    }

    @Test
    void givenTrailersWithoutTheEnd_whenRead_thenIsReset() {
        try (var client = Client.greeted()) {
            client.send(post(1), Frame.data(1, "abc", false));
            client.send(Frame.headers(1, Frame.block("x", "y"), false));
            assertEquals(Failure.CLIENT_BROKEN, client.server.last().failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 PROTOCOL_ERROR");
        }
    }

    @Test
    void givenBodyBeyondTheLimit_whenRead_thenIsRefused() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            for (int i = 0; i <= Client.BODY_BYTES / 16384; i++)
                client.send(Frame.data(1, bytes(16384), false));
            assertEquals(List.of(Rejection.BODY_TOO_LARGE), client.server.last().rejections);
            assertThat(client.heard()).containsExactly("HEADERS 1 last");
            client.until(2);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 NO_ERROR");
        }
    }

    // ---- memory

    /// Wherever it ends, no buffer is lost; that is counted when the client is closed.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenNoMemoryAtSomePoint_whenAConversationGoesOn_thenNoBufferIsLost(boolean undecided) {
        int short0 = 0;
        for (int left = 0; left < 70; left++) {
            try (var client = new Client(undecided)) {
                client.memory.left = left;
                try {
                    converseInPieces(client);
                } catch (OutOfMemoryError none) {
                    throw new AssertionError("nobody caught it, after " + left, none);
                }
                if (client.memory.left == 0) short0++;
                client.memory.left = Integer.MAX_VALUE;
            }
        }
        assertThat(short0).isBetween(20, 69); // And there is an end of it.
    }

    private static void converseInPieces(Client client) {
        client.send(Arrays.copyOf(Frame.PREFACE, 10));
        client.send(Arrays.copyOfRange(Frame.PREFACE, 10, 24));
        client.send(Frame.settings(4, 50), Frame.settingsAck());
        Frame trailers = Frame.headers(1, Frame.block("x-sum", "7".repeat(300)), true);
        client.send(post(1), Frame.data(1, "x".repeat(400), false), trailers);
        client.send(post(3));
        client.send(
                Frame.data(3, "x".repeat(400), false),
                new Frame(Frame.HEADERS, trailers.flags(), 3, trailers.payload()));
        String[] large = with(Client.get("/"), "x", "y".repeat(2000));
        byte[] cut = Frame.headers(5, Frame.block(large), true).bytes();
        client.send(Arrays.copyOf(cut, 1000));
        client.send(Arrays.copyOfRange(cut, 1000, cut.length));
        client.send(post(7), Frame.data(7, "x".repeat(5000), true));
        client.frames();
        for (Client.Request request : List.copyOf(client.server.requests)) {
            answerInPieces(
                    request,
                    CHUNKED + "3\r\nabc\r\n3\r\nabc\r\n1",
                    "0\r\n0123456789abcdef\r\n1\r\n!\r\n" + "1000\r\n" + "z".repeat(4096),
                    "\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n");
            client.frames();
        }
        client.send(Frame.settings(4, 10_000));
        client.frames();
    }

    /// As an exchange does, which hears of it by who has called it.
    private static void answerInPieces(Client.Request request, String... pieces) {
        try {
            for (String piece : pieces) if (!request.over) request.send(piece);
            if (!request.over) request.end();
        } catch (OutOfMemoryError none) {
            if (!request.over) request.abort();
        }
    }

    // ---- windows of the request

    @Test
    void givenUpload_whenTheExchangeTakesIt_thenTheWindowsOpenAgain() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            long stream = Http2Front.STREAM_WINDOW;
            long connection = Http2Front.CONNECTION_WINDOW;
            for (int i = 0; i < 63; i++) {
                client.send(Frame.data(1, bytes(16384), false));
                stream -= 16384;
                connection -= 16384;
                for (Frame frame : client.frames()) {
                    assertEquals(Frame.WINDOW_UPDATE, frame.type());
                    if (frame.stream() == 1) stream += frame.number(0);
                    else connection += frame.number(0);
                }
                assertThat(stream).isBetween(128L * 1024, (long) Http2Front.STREAM_WINDOW);
                assertThat(connection).isBetween(512L * 1024, (long) Http2Front.CONNECTION_WINDOW);
            }
            client.send(Frame.data(1, "", true));
            client.server.last().answer();
        }
    }

    @Test
    void givenExchangeThatTakesNothing_whenTheWindowIsUsedUp_thenMoreIsRefused() {
        try (var client = Client.greeted()) {
            client.send(post(1), Frame.data(1, "x", false));
            client.server.last().front.readBody(false);
            int length = client.server.last().body.length();
            for (int i = 0; i < 15; i++) client.send(Frame.data(1, bytes(16384), false));
            client.send(Frame.data(1, bytes(16383), false));
            assertEquals(length, client.server.last().body.length());
            assertThat(client.frames()).isEmpty();

            client.send(Frame.data(1, "x", false));
            assertEquals(Failure.CLIENT_BROKEN, client.server.last().failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 FLOW_CONTROL_ERROR");
        }
    }

    @Test
    void givenExchangeThatTakesNothing_whenItDoesAgain_thenItGetsWhatCame() {
        try (var client = Client.greeted()) {
            client.send(post(1), Frame.data(1, "x", false));
            client.server.last().front.readBody(false);
            byte[] more = bytes(16384);
            for (int i = 0; i < 10; i++) client.send(Frame.data(1, more, i == 9));
            assertFalse(client.server.last().complete);
            client.server.last().front.readBody(true);
            client.frames();
            assertTrue(client.server.last().complete);
            assertEquals(
                    "x" + new String(more, ISO_8859_1).repeat(10) + "|",
                    dechunked(client.server.last().body.toString()));
            client.server.last().answer();
        }
    }

    @Test
    void givenManyStreamsThatTakeNothing_whenTheConnectionsWindowIsUsedUp_thenItEnds() {
        try (var client = Client.greeted()) {
            int sent = 0;
            for (int stream = 1; sent < Http2Front.CONNECTION_WINDOW; stream += 2) {
                client.send(post(stream));
                client.send(Frame.data(stream, "x", false));
                sent++;
                client.server.last().front.readBody(false);
                for (int i = 0; i < 12 && sent < Http2Front.CONNECTION_WINDOW; i++) {
                    int bytes = Math.min(16384, Http2Front.CONNECTION_WINDOW - sent);
                    client.send(Frame.data(stream, bytes(bytes), false));
                    sent += bytes;
                }
            }
            assertThat(client.heard()).isEmpty();
            client.send(Frame.data(1, "x", false));
            assertThat(client.heard()).singleElement().asString().endsWith("FLOW_CONTROL_ERROR");
            assertThat(client.server.requests).allMatch(it -> it.failure == Failure.CLIENT_BROKEN);
        }
    }

    @Test
    void givenStreamWeReset_whenItsDataStillComes_thenTheConnectionsWindowDoesNotShrink() {
        try (var client = Client.greeted()) {
            long window = Http2Front.CONNECTION_WINDOW;
            for (int stream = 1; stream < 100; stream += 2) {
                client.send(post(stream));
                client.server.last().abort();
                for (int i = 0; i < 4; i++) client.send(Frame.data(stream, bytes(16000), i == 3));
                window -= 64000;
                for (Frame frame : client.frames()) {
                    if (frame.type() == Frame.WINDOW_UPDATE && frame.stream() == 0)
                        window += frame.number(0);
                    assertThat(frame.type()).isIn(Frame.WINDOW_UPDATE, Frame.RST_STREAM);
                }
                assertThat(window).isGreaterThan(400_000);
            }
            assertThat(client.frames).noneMatch(frame -> frame.type() == Frame.GOAWAY);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {150, 199})
    void givenManyStreamsThatWeReset_whenTheyAndOthersEnd_thenWhatStillComesOnThemIsNoError(
            int count) {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            int stream = 1;
            for (int i = 0; i < count; i++, stream += 2) client.send(post(stream));
            int last = stream;
            for (int i = 0; i < 300; i++, stream += 2) client.send(get(stream)); // These end well.
            client.frames();
            for (int reset = 1; reset < last; reset += 2)
                client.send(Frame.data(reset, "x", false));
            assertThat(client.heard()).isEmpty();
            client.send(Frame.data(last, "x", false));
            assertThat(client.heard()).containsExactly("RST_STREAM " + last + " STREAM_CLOSED");
        }
    }

    // ---- responses

    @ParameterizedTest
    @ValueSource(ints = {100, 102, 103})
    void givenInterimResponse_whenSent_thenTheFinalOneFollows(int status) {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 " + status + " Wait\r\nLink: x\r\n\r\n");
            client.server.last().send(OK);
            client.server.last().end();
            List<Frame> frames = client.frames();
            assertThat(frames)
                    .map(Frame::toString)
                    .containsExactly("HEADERS 1", "HEADERS 1", "DATA 1 2 last");
            assertThat(client.fields(frames.get(0)))
                    .hasToString("{:status=" + status + ", link=x}");
            assertEquals("200", client.fields(frames.get(1)).get(":status"));
        }
    }

    @Test
    void givenFieldsOfTheConnection_whenSent_thenTheClientDoesNotSeeThem() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server
                    .last()
                    .send(
                            lines(
                                    "HTTP/1.1 204 No",
                                    "Connection: close, X-Hop",
                                    "Keep-Alive: 5",
                                    "X-Hop: 1",
                                    "Proxy-Connection: a",
                                    "Upgrade: b",
                                    "TE: c",
                                    "HTTP2-Settings: d",
                                    "X-Kept: yes",
                                    ""));
            client.server.last().end();
            assertThat(client.fields(client.frames().getFirst()))
                    .hasToString("{:status=204, x-kept=yes}");
        }
    }

    @Test
    void givenHead_whenAnswered_thenNoDataButTheLength() {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(Client.request("HEAD", "/")), true));
            client.server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
            client.server.last().end();
            List<Frame> frames = client.frames();
            assertThat(frames).map(Frame::toString).containsExactly("HEADERS 1 last");
            assertEquals("5000", client.fields(frames.getFirst()).get("content-length"));
        }
    }

    private static final String CHUNKED =
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";

    @Test
    void givenChunksAndTrailers_whenCutAtEveryByte_thenThePayloadAndTheTrailers() {
        String body =
                "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n1\r\n!\r\n0\r\nX-Sum:  7 \r\nx-more:\r\n\r\n";
        for (int cut = 0; cut < body.length(); cut++) {
            try (var client = Client.greeted()) {
                client.send(get(1));
                client.server.last().send(CHUNKED + body.substring(0, cut));
                client.server.last().send(body.substring(cut));
                client.server.last().end();
                List<Frame> frames = client.frames();
                assertEquals("abc0123456789abcdef!", payload(frames, 1));
                assertThat(client.fields(frames.getFirst()))
                        .hasToString("{:status=200, trailer=X-Sum}");
                assertEquals("HEADERS 1 last", frames.getLast().toString());
                assertThat(client.fields(frames.getLast())).hasToString("{x-sum=7, x-more=}");
            }
        }
    }

    @Test
    void givenChunksWithoutTrailers_whenSent_thenTheLastDataEndsTheStream() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server.last().send(CHUNKED + "3\r\nabc\r\n0\r\n\r\n");
            client.server.last().end();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 3 last");
        }
    }

    @Test
    void givenBodyUntilTheEnd_whenTheExchangeEnds_thenSoDoesTheStream() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 200 OK\r\n\r\nabc");
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 3");
            client.server.last().send("de");
            client.server.last().end();
            assertThat(client.heard()).containsExactly("DATA 1 2 last");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
                "HTTP/1.1 200 OK\r\n\r\nabc"
            })
    void givenTruncatedResponse_whenTheExchangeIsCut_thenNeverACleanEnd(String response) {
        try (var client = Client.greeted()) {
            client.send(get(1));
            if (!response.isEmpty()) client.server.last().send(response);
            client.server.last().abort();
            List<String> heard = client.heard();
            assertThat(heard).last().isEqualTo("RST_STREAM 1 INTERNAL_ERROR");
            assertThat(heard).noneMatch(frame -> frame.endsWith("last"));
        }
    }

    /// The fault that the test above is there for, planted: an exchange that calls the end of a truncated response an end.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
            })
    void givenTruncatedResponse_whenTheExchangeCallsItTheEnd_thenStillNoCleanEnd(String response) {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server.last().send(response);
            client.server.last().end();
            assertThat(client.heard())
                    .endsWith("RST_STREAM 1 INTERNAL_ERROR")
                    .noneMatch(frame -> frame.endsWith("last"));
        }
    }

    @Test
    void
            givenAnswerBeforeTheRequestsEnd_whenTheClientGoesOn_thenResetAfterAMomentAndWithoutAnError() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            client.server.last().answer();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 2 last");
            for (int i = 0; i < 12; i++) client.send(Frame.data(1, bytes(16384), false));
            assertThat(client.heard()).noneMatch(frame -> frame.startsWith("WINDOW_UPDATE 1 "));
            client.until(0.9);
            assertThat(client.heard()).isEmpty();
            client.until(1.5);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 NO_ERROR");
            client.send(Frame.data(1, "abc", false), Frame.headers(1, Frame.block("x", "y"), true));
            assertThat(client.heard()).isEmpty(); // It could not know.
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void givenAnswerBeforeTheRequestsEnd_whenTheClientSeesThat_thenItIsNotReset(int how) {
        try (var client = Client.greeted()) {
            client.send(post(1));
            client.server.last().answer();
            client.heard();
            switch (how) {
                case 0 -> client.send(Frame.data(1, "abc", true));
                case 1 -> client.send(Frame.headers(1, Frame.block("x", "y"), true));
                default -> client.send(Frame.reset(1, Http2Error.CANCEL));
            }
            assertEquals(0, ((Http2Front) client.front).streamCount());
            client.until(2);
            assertThat(client.heard()).isEmpty();
        }
    }

    @Test
    void givenManyAnswersBeforeTheRequestsEnd_whenTheyAreHalfOfAllStreams_thenTheyAreResetAtOnce() {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            int most = Client.STREAMS / 2;
            for (int i = 0; i < most; i++) client.send(post(2 * i + 1));
            assertThat(client.heard()).noneMatch(frame -> frame.startsWith("RST_STREAM"));
            client.send(post(2 * most + 1));
            assertThat(client.heard()).endsWith("RST_STREAM " + (2 * most + 1) + " NO_ERROR");
            client.until(2);
            assertThat(client.heard()).hasSize(most).allMatch(frame -> frame.endsWith(" NO_ERROR"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2047, 2048, 2049, 16383, 16384, 16385, 40_000, 65_535})
    void givenBodyOfAnySize_whenSent_thenInFramesThatThePeerTakes(int size) {
        byte[] content = bytes(size);
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
            client.server.last().send(content);
            client.server.last().end();
            List<Frame> frames = client.frames();
            assertEquals(new String(content, ISO_8859_1), payload(frames, 1));
            assertThat(frames).allMatch(frame -> frame.payload().length <= 16384);
            assertTrue(frames.getLast().has(Frame.END_STREAM));
        }
    }

    @Test
    void givenHeadLongerThanAFrame_whenSent_thenContinuations() {
        try (var client = Client.greeted()) {
            for (int stream = 1; stream < 6; stream += 2) {
                client.send(get(stream));
                String value = "v".repeat(20_000);
                client.server
                        .last()
                        .send("HTTP/1.1 204 No\r\nA: " + value + "\r\nB: " + value + "\r\n\r\n");
                client.server.last().end();
                List<Frame> frames = client.frames();
                assertThat(frames)
                        .map(Frame::type)
                        .containsExactly(Frame.HEADERS, Frame.CONTINUATION, Frame.CONTINUATION);
                assertTrue(frames.get(0).has(Frame.END_STREAM));
                assertFalse(frames.get(0).has(Frame.END_HEADERS));
                assertTrue(frames.get(2).has(Frame.END_HEADERS));
                byte[] block = new byte[frames.stream().mapToInt(it -> it.payload().length).sum()];
                int at = 0;
                for (Frame frame : frames) {
                    System.arraycopy(frame.payload(), 0, block, at, frame.payload().length);
                    at += frame.payload().length;
                }
                // Longer than the test's decoder takes, so read as literals.
                assertThat(new String(block, ISO_8859_1)).contains(value);
                assertEquals(stream == 1 ? 0x20 : 0x89, block[0] & 0xff);
            }
        }
    }

    // ---- windows of the response

    @Test
    void givenClosedWindow_whenItOpens_thenNoMoreThanThatIsSent() {
        byte[] content = bytes(5000);
        try (var client = Client.greeted(4, 0)) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
            client.server.last().send(content);
            client.server.last().end();
            assertThat(client.heard()).containsExactly("HEADERS 1");

            client.send(Frame.windowUpdate(1, 1));
            assertThat(client.heard()).containsExactly("DATA 1 1");
            client.send(Frame.settings(4, 1000));
            assertThat(client.heard()).containsExactly("DATA 1 1000");
            client.send(Frame.settings(4, 0)); // Now 1000 below.
            client.send(Frame.windowUpdate(1, 1000));
            assertThat(client.heard()).isEmpty();
            client.send(Frame.windowUpdate(1, 1));
            assertThat(client.heard()).containsExactly("DATA 1 1");
            client.send(Frame.settings(4, 65535));
            assertThat(client.heard()).containsExactly("DATA 1 3998 last");
            assertEquals(new String(content, ISO_8859_1), payload(client.frames, 1));
        }
    }

    @Test
    void givenClosedWindow_whenThereIsNothingToSend_thenTheEndNeedsNone() {
        try (var client = Client.greeted(4, 0)) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 200 OK\r\n\r\n");
            client.server.last().end();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 0 last");
        }
    }

    @Test
    void givenTrailersBehindAClosedWindow_whenItOpens_thenInOrder() {
        try (var client = Client.greeted(4, 1)) {
            client.send(get(1));
            client.server.last().send(CHUNKED + "3\r\nabc\r\n0\r\nx: y\r\n\r\n");
            client.server.last().end();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 1");
            client.send(Frame.windowUpdate(1, 2));
            assertThat(client.heard()).containsExactly("DATA 1 2", "HEADERS 1 last");
        }
    }

    @Test
    void givenConnectionsWindowUsedUp_whenItOpens_thenAllStreamsGetTheirShare() {
        try (var client = Client.greeted(4, 1 << 20)) {
            for (int stream = 1; stream <= 5; stream += 2) {
                client.send(get(stream));
                client.server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
                client.server.last().send(bytes(60_000));
                client.server.last().end();
            }
            List<Frame> frames = client.frames();
            assertEquals(
                    65_535,
                    frames.stream()
                            .filter(it -> it.type() == Frame.DATA)
                            .mapToInt(it -> it.payload().length)
                            .sum());
            client.send(Frame.windowUpdate(0, 3 * 16384));
            assertThat(client.heard())
                    .containsExactly("DATA 3 16384", "DATA 5 16384", "DATA 3 16384");
            client.send(Frame.windowUpdate(0, 1 << 20));
            client.frames();
            for (int stream = 1; stream <= 5; stream += 2)
                assertEquals(new String(bytes(60_000), ISO_8859_1), payload(client.frames, stream));
        }
    }

    @Test
    void givenManyStreams_whenAllHaveMuchToSend_thenTheyTakeTurns() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(Frame.windowUpdate(0, 1 << 20));
            client.socket.takes = 0;
            client.send(get(1), get(3), get(5));
            for (Client.Request request : client.server.requests) {
                request.send("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n");
                request.send(bytes(50_000));
                request.end();
            }
            client.socket.take(Long.MAX_VALUE);
            assertThat(client.heard().stream().filter(it -> it.startsWith("DATA")).limit(6))
                    .containsExactly(
                            "DATA 1 16384",
                            "DATA 3 16384",
                            "DATA 5 16384",
                            "DATA 1 16384",
                            "DATA 3 16384",
                            "DATA 5 16384");
        }
    }

    @Test
    void givenClientThatTakesNothing_whenMuchWaits_thenThereIsNoRoomUntilItDoes() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            int sent = 0;
            while (request.front.writable()) {
                request.send(bytes(16_000));
                sent += 16_000;
            }
            client.frames();
            // 65,535 are on their way, so much more may wait.
            assertThat(sent).isBetween(128 * 1024, 128 * 1024 + 65_535 + 16_000);
            int refused = request.rooms;
            client.send(Frame.windowUpdate(0, 1 << 20));
            client.frames();
            assertEquals(refused + 1, request.rooms);
            assertTrue(request.front.writable());
            request.end();
            assertEquals(
                    sent,
                    payload(client.frames, 1).length() + payload(client.frames(), 1).length());
        }
    }

    @Test
    void
            givenManyStreamsThatWait_whenMoreThanTheConnectionMayHold_thenEachOneHasRoomWhileItHasNothing() {
        try (var client = Client.greeted(4, 0)) {
            for (int stream = 1; stream < 200; stream += 2) client.send(get(stream));
            for (Client.Request request : client.server.requests) {
                request.send("HTTP/1.1 200 OK\r\n\r\n");
                for (int i = 0; i < 8 && request.front.writable(); i++) request.send(bytes(15_000));
            }
            long waiting =
                    client.server.requests.stream().filter(it -> !it.front.writable()).count();
            assertThat(waiting).isGreaterThan(80);
            client.send(Frame.windowUpdate(0, 1 << 28), Frame.settings(4, 1 << 20));
            client.frames();
            assertThat(client.server.requests).allMatch(it -> it.front.writable());
            assertThat(client.server.requests.stream().filter(it -> it.rooms == 1).count())
                    .isEqualTo(waiting);
            client.server.requests.forEach(Client.Request::end);
        }
    }

    /// As a server sends it: a few bytes in each read.
    @Test
    void givenClosedWindow_whenAServerSendsBitByBit_thenWhatWaitsIsHeldInLittleMemory() {
        try (var client = Client.greeted(4, 0)) {
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            client.frames();
            long before = client.memory.usedBytes();
            var reads = new ArrayList<ByteBuf>();
            var sent = new StringBuilder();
            for (int i = 0; i < 2000; i++) {
                String event = "event" + i + "\n";
                ByteBuf read = ReceiveBuffers.allocate(client.memory, 28 * 1024);
                reads.add(read.writeBytes(event.getBytes(ISO_8859_1)));
                sent.append(event);
                request.sendFrom(read);
                if (i % 3 == 0) client.frames(); // Turns of the loop.
            }
            assertThat(reads).allMatch(read -> read.refCnt() == 0);
            assertThat(client.memory.usedBytes() - before).isLessThan(2L * sent.length() + 1024);

            client.send(Frame.windowUpdate(1, 1000));
            client.send(Frame.windowUpdate(1, 5000));
            request.send("the last");
            client.send(Frame.windowUpdate(1, 1 << 20));
            request.end();
            client.frames();
            assertEquals(sent + "the last", payload(client.frames, 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"true, false", "false, true"})
    void givenConnectionThatTakesNothing_whenAServerSendsLittle_thenItsReadIsNotHeld(
            boolean window, boolean socket) {
        try (var client = Client.greeted(4, 1 << 20)) {
            if (socket) client.send(Frame.windowUpdate(0, 1 << 20));
            client.send(get(1), get(3));
            Client.Request much = client.server.requests.getFirst();
            if (socket) client.socket.takes = 0;
            much.send("HTTP/1.1 200 OK\r\n\r\n");
            much.send(bytes(200_000));
            client.frames();
            Client.Request little = client.server.last();
            little.send("HTTP/1.1 200 OK\r\n\r\n");
            ByteBuf read = ReceiveBuffers.allocate(client.memory, 28 * 1024);
            little.sendFrom(read.writeBytes("abc".getBytes(ISO_8859_1)));
            assertEquals(0, read.refCnt());
            if (window) client.send(Frame.windowUpdate(0, 1 << 20));
            else client.socket.take(Long.MAX_VALUE);
            much.end();
            little.end();
            client.frames();
            assertEquals("abc", payload(client.frames, 3));
            assertEquals(200_000, payload(client.frames, 1).length());
        }
    }

    @Test
    void givenNoMemory_whenSomethingHasToWait_thenItWaitsAsItCame() {
        try (var client = Client.greeted(4, 0)) {
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            client.frames();
            ByteBuf read = ReceiveBuffers.allocate(client.memory, 28 * 1024);
            client.memory.left = 0;
            request.sendFrom(read.writeBytes("abc".getBytes(ISO_8859_1)));
            client.memory.left = Integer.MAX_VALUE;
            request.end();
            client.send(Frame.windowUpdate(1, 10));
            client.frames();
            assertEquals("abc", payload(client.frames, 1));
        }
    }

    @Test
    void givenManyAnswersInOneTurn_whenTheyAreSent_thenWithOneFlush() {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            client.frames();
            client.socket.flushes = 0;
            client.send(get(1), get(3), get(5), get(7), Frame.ping(1), get(9));
            assertThat(client.heard()).hasSize(11);
            assertEquals(1, client.socket.flushes);
        }
    }

    // ---- WebSocket

    private static final String[] WEBSOCKET = {
        ":method", "CONNECT",
        ":protocol", "websocket",
        ":scheme", "https",
        ":path", "/chat",
        ":authority", "example.org",
        "sec-websocket-version", "13",
        "sec-websocket-key", "ignored"
    };

    private static String accept(String head) {
        String mark = "Sec-WebSocket-Key: ";
        int at = head.indexOf(mark) + mark.length();
        String key = head.substring(at, head.indexOf('\r', at));
        return new String(WebSocketKey.accept(key.getBytes(ISO_8859_1)), ISO_8859_1);
    }

    private static void upgrade(Client.Request request) {
        request.send(
                "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
                        + accept(request.head)
                        + "\r\nSec-WebSocket-Protocol: chat\r\n\r\nhi");
        request.front.tunnel(Client.TUNNEL_IDLE * Client.SECOND);
    }

    @Test
    void givenKeyOfTheRfc_whenAccepted_thenAsThere() {
        assertEquals(
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                new String(
                        WebSocketKey.accept("dGhlIHNhbXBsZSBub25jZQ==".getBytes(ISO_8859_1)),
                        ISO_8859_1)); // RFC 6455 §1.3
    }

    @Test
    void givenWebSocket_whenTheServerSwitches_thenBytesPassBothWays() {
        try (var client = Client.greeted()) {
            client.send(
                    Frame.headers(1, Frame.block(WEBSOCKET), false), Frame.data(1, "early", false));
            Client.Request request = client.server.last();
            assertThat(request.head)
                    .startsWith(
                            "GET /chat HTTP/1.1\r\nHost: example.org\r\nsec-websocket-version: 13\r\n")
                    .contains(
                            "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ")
                    .doesNotContain("ignored");
            assertTrue(request.completeAtOnce);
            assertEquals("", request.body.toString());
            upgrade(request);
            List<Frame> frames = client.frames();
            assertThat(frames).map(Frame::toString).containsExactly("HEADERS 1", "DATA 1 2");
            assertThat(client.fields(frames.getFirst()))
                    .hasToString("{:status=200, sec-websocket-protocol=chat}");
            assertEquals("early", request.body.toString());

            client.send(Frame.data(1, " bird", false));
            assertEquals("early bird", request.body.toString());
            request.send("there");
            assertThat(client.heard()).containsExactly("DATA 1 5");
            client.send(Frame.data(1, "!", true));
            assertEquals("early bird!", request.body.toString());
            assertTrue(request.inputEnded);
            request.front.endTunnelOutput();
            assertThat(client.heard()).containsExactly("DATA 1 0 last");
            request.end();
            assertThat(client.heard()).isEmpty();
        }
    }

    @Test
    void givenWebSocket_whenTheServerRefuses_thenItsAnswerIsPassedOn() {
        try (var client = Client.greeted()) {
            client.send(
                    Frame.headers(1, Frame.block(WEBSOCKET), false), Frame.data(1, "early", false));
            client.server.last().send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
            client.server.last().end();
            List<Frame> frames = client.frames();
            assertThat(frames).map(Frame::toString).containsExactly("HEADERS 1", "DATA 1 2 last");
            assertEquals("403", client.fields(frames.getFirst()).get(":status"));
            client.until(2);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 NO_ERROR");
        }
    }

    @Test
    void givenWebSocket_whenTheServersAcceptIsWrong_thenNoTunnel() {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(WEBSOCKET), false));
            Client.Request request = client.server.last();
            request.send(
                    lines(
                            "HTTP/1.1 101 Go",
                            "Connection: Upgrade",
                            "Upgrade: websocket",
                            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                            ""));
            assertEquals(Failure.BROKEN_RESPONSE, request.failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 INTERNAL_ERROR");
        }
    }

    @Test
    void givenTunnel_whenItIsCut_thenCancelled() {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(WEBSOCKET), false));
            upgrade(client.server.last());
            client.server.last().abort();
            assertThat(client.heard()).endsWith("RST_STREAM 1 CANCEL"); // RFC 8441 §5
        }
    }

    /// A server that takes nothing holds the client up, and does not fill our memory.
    @Test
    void givenTunnelThatIsHeld_whenTheClientGoesOn_thenItsBytesWaitAndItsWindowCloses() {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(WEBSOCKET), false));
            Client.Request request = client.server.last();
            upgrade(request);
            client.frames();
            request.front.readBody(false);
            byte[] more = bytes(16_384);
            for (int i = 0; i < 16; i++) client.send(Frame.data(1, more, i == 15));
            assertThat(client.frames()).isEmpty();
            assertEquals("", request.body.toString());
            assertFalse(request.inputEnded);

            request.front.readBody(true);
            assertThat(client.frames())
                    .allMatch(frame -> frame.type() == Frame.WINDOW_UPDATE)
                    .noneMatch(frame -> frame.stream() == 1); // It has sent its last.
            assertEquals(new String(more, ISO_8859_1).repeat(16), request.body.toString());
            assertTrue(request.inputEnded);
            request.end();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenTunnelThatTheServerHasEnded_whenTheClientSaysItsLast_thenItArrives(boolean held) {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(WEBSOCKET), false));
            Client.Request request = client.server.last();
            upgrade(request);
            client.frames();
            if (held) request.front.readBody(false);
            request.front.endTunnelOutput();
            assertThat(client.heard()).endsWith("DATA 1 0 last");
            client.send(Frame.data(1, "good", false), Frame.data(1, "bye", true));
            assertEquals(!held, request.inputEnded);
            if (held) request.front.readBody(true);
            client.frames();
            assertEquals("goodbye", request.body.toString());
            assertTrue(request.inputEnded);
            request.end();
            assertThat(client.heard()).isEmpty();
        }
    }

    @Test
    void givenTunnel_whenNothingMoves_thenItEndsInTime() {
        try (var client = Client.greeted()) {
            client.send(Frame.headers(1, Frame.block(WEBSOCKET), false));
            upgrade(client.server.last());
            client.until(Client.TUNNEL_IDLE - 1);
            assertEquals(null, client.server.last().failure);
            client.until(Client.TUNNEL_IDLE + 1);
            assertEquals(Failure.TUNNEL_IDLE, client.server.last().failure);
        }
    }

    // ---- streams and their numbers

    @Test
    void givenTooManyStreams_whenOneMoreComes_thenItIsRefusedBeforeAnybodyHearsOfIt() {
        try (var client = Client.greeted()) {
            for (int stream = 1; stream < 2 * Client.STREAMS; stream += 2) client.send(get(stream));
            int stream = 2 * Client.STREAMS + 1;
            client.send(post(stream), Frame.data(stream, "abc", true));
            assertThat(client.heard()).containsExactly("RST_STREAM " + stream + " REFUSED_STREAM");
            assertEquals(Client.STREAMS, client.server.requests.size());
            assertEquals(List.of(Rejection.STREAMS), client.rejections);

            client.server.requests.getFirst().answer();
            client.heard();
            client.send(get(stream + 2));
            assertEquals(Client.STREAMS + 1, client.server.requests.size());
            for (Client.Request request : client.server.requests)
                if (!request.over) request.answer();
        }
    }

    /// A POST that may have reached a server is never answered with REFUSED_STREAM, whatever happens to it.
    @Test
    void givenPostThatHasBegun_whenAnythingEndsIt_thenNeverRefused() {
        for (int end = 0; end < 5; end++) {
            try (var client = Client.greeted()) {
                client.send(post(1), Frame.data(1, "abc", false));
                Client.Request request = client.server.last();
                switch (end) {
                    case 0 -> request.abort();
                    case 1 -> ((Http2Front) client.front).stop();
                    case 2 -> client.send(Frame.data(1, bytes(20_000), false)); // Too long a frame.
                    case 3 -> {
                        ((Http2Front) client.front).drain(client.loop.nanoTime());
                        client.until(3);
                        request.abort();
                    }
                    default -> client.until(100);
                }
                List<String> heard = client.heard();
                assertThat(heard).noneMatch(frame -> frame.contains("REFUSED"));
                for (String frame : heard)
                    if (frame.startsWith("GOAWAY"))
                        assertThat(Integer.parseInt(frame.split(" ")[1])).isGreaterThan(0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, PROTOCOL_ERROR", // Not a client's.
        "1, STREAM_CLOSED", // Over.
        "3, PROTOCOL_ERROR", // Skipped, and so closed.
    })
    void givenNumberThatIsNotNew_whenAStreamIsOpened_thenTheConnectionEnds(int id, String code) {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            client.send(get(1), get(5));
            client.heard();
            client.send(get(id));
            assertThat(client.heard()).containsExactly("GOAWAY 5 " + code);
        }
    }

    static List<Object[]> frameFaults() {
        byte[] none = {};
        return List.of(
                new Object[] {new Frame(Frame.DATA, 0, 0, none), "PROTOCOL_ERROR"},
                new Object[] {Frame.data(9, "x", false), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.DATA, Frame.PADDED, 1, none), "FRAME_SIZE_ERROR"},
                new Object[] {
                    new Frame(Frame.DATA, Frame.PADDED, 1, new byte[] {1}), "PROTOCOL_ERROR"
                },
                new Object[] {new Frame(Frame.DATA, 0, 1, new byte[16385]), "FRAME_SIZE_ERROR"},
                new Object[] {
                    Frame.headers(0, Frame.block(Client.get("/")), true), "PROTOCOL_ERROR"
                },
                new Object[] {
                    Frame.headers(3, new byte[] {(byte) 0xff}, true), "COMPRESSION_ERROR"
                },
                new Object[] {
                    Frame.headers(3, new byte[] {(byte) 0xc0}, true), "COMPRESSION_ERROR"
                },
                new Object[] {Frame.headers(3, new byte[] {0, 5, 'a'}, true), "COMPRESSION_ERROR"},
                new Object[] {new Frame(Frame.HEADERS, Frame.PADDED, 3, none), "FRAME_SIZE_ERROR"},
                new Object[] {
                    new Frame(Frame.HEADERS, Frame.PADDED | 4, 3, none), "FRAME_SIZE_ERROR"
                },
                new Object[] {
                    new Frame(Frame.HEADERS, Frame.PADDED | 4, 3, new byte[] {1}), "PROTOCOL_ERROR"
                },
                new Object[] {
                    new Frame(Frame.HEADERS, Frame.WITH_PRIORITY | 4, 3, new byte[4]),
                    "FRAME_SIZE_ERROR"
                },
                new Object[] {
                    new Frame(
                            Frame.HEADERS, Frame.WITH_PRIORITY | 4, 3, new byte[] {0, 0, 0, 3, 0}),
                    "PROTOCOL_ERROR"
                },
                new Object[] {new Frame(Frame.PRIORITY, 0, 0, new byte[5]), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.RST_STREAM, 0, 1, new byte[3]), "FRAME_SIZE_ERROR"},
                new Object[] {Frame.reset(0, Http2Error.CANCEL), "PROTOCOL_ERROR"},
                new Object[] {Frame.reset(9, Http2Error.CANCEL), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.SETTINGS, 0, 1, none), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.SETTINGS, 0, 0, new byte[5]), "FRAME_SIZE_ERROR"},
                new Object[] {
                    new Frame(Frame.SETTINGS, Frame.ACK, 0, new byte[6]), "FRAME_SIZE_ERROR"
                },
                new Object[] {Frame.settings(2, 2), "PROTOCOL_ERROR"},
                new Object[] {Frame.settings(4, -1), "FLOW_CONTROL_ERROR"},
                new Object[] {Frame.settings(5, 16383), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.PUSH_PROMISE, 4, 1, new byte[4]), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.PING, 0, 1, new byte[8]), "PROTOCOL_ERROR"},
                new Object[] {new Frame(Frame.PING, 0, 0, new byte[7]), "FRAME_SIZE_ERROR"},
                new Object[] {new Frame(Frame.GOAWAY, 0, 1, new byte[8]), "PROTOCOL_ERROR"},
                new Object[] {Frame.windowUpdate(0, 0), "PROTOCOL_ERROR"},
                new Object[] {Frame.windowUpdate(9, 1), "PROTOCOL_ERROR"},
                new Object[] {Frame.windowUpdate(0, Integer.MAX_VALUE), "FLOW_CONTROL_ERROR"},
                new Object[] {
                    new Frame(Frame.WINDOW_UPDATE, 0, 1, new byte[3]), "FRAME_SIZE_ERROR"
                },
                new Object[] {new Frame(Frame.CONTINUATION, 4, 1, none), "PROTOCOL_ERROR"});
    }

    @ParameterizedTest
    @MethodSource("frameFaults")
    void givenFrameThatNobodyMaySend_whenRead_thenTheConnectionEnds(Frame fault, String code) {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.send(fault);
            assertThat(client.heard()).last().asString().startsWith("GOAWAY ").endsWith(code);
            assertEquals(Failure.CLIENT_BROKEN, client.server.requests.getFirst().failure);
            client.send(get(5));
            assertEquals(1, client.server.requests.size());
            assertThat(client.heard()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {Frame.DATA, Frame.HEADERS, Frame.PING, Frame.SETTINGS, Frame.WINDOW_UPDATE})
    void givenOpenFieldBlock_whenAnotherFrameComes_thenTheConnectionEnds(int type) {
        byte[] frame = new Frame(type, 0, type % 3 == 0 ? 1 : 0, new byte[8]).bytes();
        for (int cut = 9; cut <= frame.length; cut++) { // What begins it is enough.
            try (var client = Client.greeted()) {
                byte[] block = Frame.block(Client.get("/"));
                client.send(get(1));
                client.send(new Frame(Frame.HEADERS, 0, 3, block));
                client.send(Arrays.copyOf(frame, 5));
                client.send(Arrays.copyOfRange(frame, 5, cut));
                assertThat(client.heard()).last().asString().isEqualTo("GOAWAY 1 PROTOCOL_ERROR");
            }
        }
    }

    @Test
    void givenFirstFrame_whenItIsNoSettings_thenTheConnectionEnds() {
        try (var client = new Client()) {
            client.send(Frame.PREFACE);
            client.send(get(1));
            assertThat(client.heard()).containsExactly("GOAWAY 0 PROTOCOL_ERROR");
        }
    }

    static List<Object[]> streamFaults() {
        return List.of(
                new Object[] {Frame.windowUpdate(1, 0), "PROTOCOL_ERROR"},
                new Object[] {Frame.windowUpdate(1, Integer.MAX_VALUE), "FLOW_CONTROL_ERROR"},
                new Object[] {new Frame(Frame.PRIORITY, 0, 1, new byte[4]), "FRAME_SIZE_ERROR"},
                new Object[] {Frame.priority(1, 1), "PROTOCOL_ERROR"},
                new Object[] {Frame.data(1, "x", false), "STREAM_CLOSED"},
                new Object[] {Frame.headers(1, Frame.block("x", "y"), true), "STREAM_CLOSED"});
    }

    @ParameterizedTest
    @MethodSource("streamFaults")
    void givenFaultOnOneStream_whenRead_thenThatOneIsResetAndItsExchangeEnds(
            Frame fault, String code) {
        try (var client = Client.greeted()) {
            client.send(get(1), get(3));
            client.send(fault);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 " + code);
            assertEquals(Failure.CLIENT_BROKEN, client.server.requests.getFirst().failure);
            client.server.last().answer();
            assertThat(client.heard()).containsExactly("HEADERS 3", "DATA 3 2 last");
        }
    }

    @Test
    void givenStreamThatTheClientResets_whenTheExchangeAnswersLater_thenNothingIsSent() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            Client.Request request = client.server.last();
            client.send(Frame.reset(1, Http2Error.CANCEL));
            assertEquals(Failure.CLIENT_ABORT, request.failure);
            request.send(OK);
            assertThat(client.heard()).isEmpty();
            client.send(Frame.windowUpdate(1, 5), Frame.reset(1, Http2Error.CANCEL));
            client.send(Frame.data(1, "x", false));
            assertThat(client.heard()).containsExactly("RST_STREAM 1 STREAM_CLOSED");
        }
    }

    // ---- the end of a connection

    @Test
    void givenDrain_whenTheClientAnswersThePing_thenTheLastStreamIsNamedAndItEnds() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            ((Http2Front) client.front).drain(client.loop.nanoTime());
            List<Frame> frames = client.frames();
            assertThat(frames)
                    .map(Frame::toString)
                    .containsExactly("GOAWAY 2147483647 NO_ERROR", "PING");
            client.send(get(3)); // On its way meanwhile.
            client.send(new Frame(Frame.PING, Frame.ACK, 0, frames.getLast().payload()));
            assertThat(client.heard()).containsExactly("GOAWAY 3 NO_ERROR");
            client.send(get(5));
            assertEquals(2, client.server.requests.size());
            assertThat(client.heard()).isEmpty();

            client.server.requests.forEach(Client.Request::answer);
            assertThat(client.heard()).contains("DATA 1 2 last", "DATA 3 2 last");
            client.until(5);
            assertTrue(client.closed());
            assertFalse(client.socket.reset);
        }
    }

    @Test
    void givenDrain_whenTheClientSaysNothing_thenTheLastStreamIsNamedAfterASecond() {
        try (var client = Client.greeted()) {
            ((Http2Front) client.front).drain(client.loop.nanoTime());
            assertThat(client.heard()).hasSize(2);
            client.until(0.8);
            assertThat(client.heard()).isEmpty();
            client.until(1.5);
            assertThat(client.heard()).containsExactly("GOAWAY 0 NO_ERROR");
            client.until(5);
            assertTrue(client.closed());
        }
    }

    /// Whatever begins to wait meanwhile, and ends.
    @Test
    void givenDrain_whenTheClientSendsFramesInPieces_thenTheLastStreamIsNamedInTimeAllTheSame() {
        try (var client = Client.greeted()) {
            ((Http2Front) client.front).drain(client.loop.nanoTime());
            byte[] ping = Frame.ping(1).bytes();
            client.send(Arrays.copyOf(ping, 5));
            client.send(Arrays.copyOfRange(ping, 5, ping.length));
            assertThat(client.heard()).hasSize(3);
            client.until(1.5);
            assertThat(client.heard()).containsExactly("GOAWAY 0 NO_ERROR");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenDaemonThatStops_whenAClientComesOutOfItsHandshake_thenIsToldAndServed(
            boolean undecided) {
        try (var client = new Client(undecided, true)) {
            client.server.answers = true;
            client.send(Frame.PREFACE);
            client.send(Frame.settings(), Frame.settingsAck(), get(1));
            assertThat(client.heard())
                    .contains("GOAWAY 2147483647 NO_ERROR", "PING", "DATA 1 2 last");
            client.until(1.5);
            assertThat(client.heard()).containsExactly("GOAWAY 1 NO_ERROR");
        }
    }

    @Test
    void givenStop_whenRequestsRun_thenTheyEndAndTheClientIsTold() {
        try (var client = Client.greeted()) {
            client.send(get(1), get(3));
            ((Http2Front) client.front).stop();
            assertThat(client.heard()).containsExactly("GOAWAY 3 NO_ERROR");
            assertTrue(client.closed());
            assertThat(client.server.requests).allMatch(it -> it.failure == Failure.STOPPING);
        }
    }

    @Test
    void givenGoAwayOfTheClient_whenItsStreamsEnd_thenTheConnectionEnds() {
        try (var client = Client.greeted()) {
            client.send(get(1), Frame.goAway(0, Http2Error.NO_ERROR));
            assertFalse(client.closed());
            client.server.last().answer();
            client.heard();
            client.until(3);
            assertTrue(client.closed());
        }
    }

    /// One that is in a list still, when its connection is gone, would never be delivered to again.
    @Test
    void givenStreamThatWasTouchedLast_whenItsConnectionBreaks_thenTheNextRequestOnItIsServed() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            Client.Request request = client.server.last();
            request.front.readBody(false);
            client.send(Frame.data(1, "x", false));
            request.front.readBody(true);
            client.socket.close();
            client.socket.runPendingTasks();
            assertEquals(Failure.CLIENT_ABORT, request.failure);
            Http2FrontStream next = client.codec.lend();
            assertEquals(request.front, next);
            assertFalse(next.touched);
        }
    }

    @Test
    void givenStreamThatIsTouchedAtTheEndOfATurn_whenItCloses_thenItIsNotUsedAgainBefore() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1), post(3));
            Client.Request much = client.server.requests.getFirst();
            Client.Request body = client.server.last();
            body.front.readBody(false);
            client.send(Frame.data(3, "x", false));
            much.whenRoom =
                    () -> {
                        body.front.readBody(true);
                        body.abort();
                        assertNotEquals(body.front, client.codec.lend());
                    };
            much.send("HTTP/1.1 200 OK\r\n\r\n");
            much.send(bytes(200_000));
            assertFalse(much.front.writable());
            client.frames();
            var first = client.codec.lend();
            assertNotEquals(body.front, first);
            client.send(Frame.windowUpdate(0, 1 << 20));
            client.socket.runPendingTasks();
            assertTrue(body.over);
            Http2FrontStream next = client.codec.lend();
            assertEquals(body.front, next);
            assertFalse(next.touched);
            much.end();
        }
    }

    @Test
    void givenConnectionThatBreaks_whenRequestsRun_thenTheirExchangesHear() {
        try (var client = Client.greeted()) {
            client.send(get(1), post(3));
            client.socket.close();
            assertThat(client.server.requests).allMatch(it -> it.failure == Failure.CLIENT_ABORT);
        }
    }

    // ---- time

    @Test
    void givenIdleConnection_whenTimePasses_thenGoodbye() {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            client.send(get(1));
            client.heard();
            client.until(Client.IDLE - 1);
            client.send(Frame.ping(1)); // Is no request.
            assertThat(client.heard()).containsExactly("PING ack");
            client.until(Client.IDLE + 1);
            assertThat(client.heard()).containsExactly("GOAWAY 1 NO_ERROR");
            client.until(Client.IDLE + 5);
            assertTrue(client.closed());
        }
    }

    @Test
    void givenRunningRequest_whenTimePasses_thenNothingHappensToIt() {
        try (var client = Client.greeted()) {
            client.send(get(1));
            client.until(1000);
            client.server.last().answer();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 2 last");
        }
    }

    static List<byte[]> halves() {
        byte[] block = Frame.block(Client.get("/"));
        byte[] open = new Frame(Frame.HEADERS, 0, 1, block).bytes();
        return List.of(
                Arrays.copyOf(Frame.ping(1).bytes(), 12),
                Arrays.copyOf(get(1).bytes(), 3),
                Arrays.copyOf(get(1).bytes(), 20),
                open);
    }

    @ParameterizedTest
    @MethodSource("halves")
    void givenFrameOrBlockThatDoesNotEnd_whenTimePasses_thenTheConnectionDoes(byte[] half) {
        try (var client = Client.greeted()) {
            client.send(half);
            client.until(Client.HEADER_TIME - 1);
            assertThat(client.heard()).isEmpty();
            client.until(Client.HEADER_TIME + 1);
            assertThat(client.heard()).containsExactly("GOAWAY 0 ENHANCE_YOUR_CALM");
            assertEquals(List.of(Rejection.HEADER_TIME), client.rejections);
        }
    }

    /// Each frame has its own time, though one follows the other without a pause.
    @Test
    void givenFramesThatBeginInTheReadsOfOthers_whenEachOneEnds_thenTheConnectionGoesOn()
            throws InterruptedException {
        try (var client = Client.greeted()) {
            byte[] ping = Frame.ping(1).bytes();
            byte[] restAndHalf = new byte[ping.length];
            System.arraycopy(ping, 10, restAndHalf, 0, ping.length - 10);
            System.arraycopy(ping, 0, restAndHalf, ping.length - 10, 10);
            client.send(Arrays.copyOf(ping, 10));
            Thread.sleep(300); // That clock cannot be driven; the one of deadlines is.
            client.send(restAndHalf);
            client.until(Client.HEADER_TIME + 0.25);
            assertThat(client.heard()).containsExactly("PING ack");
            client.until(Client.HEADER_TIME + 5);
            assertThat(client.heard()).containsExactly("GOAWAY 0 ENHANCE_YOUR_CALM");
        }
    }

    @Test
    void givenClientWithoutAWord_whenTimePasses_thenIsClosed() {
        try (var client = new Client()) {
            client.until(Client.HEADER_TIME + 1);
            assertTrue(client.closed());
            assertThat(client.rejections).isEmpty();
        }
    }

    @Test
    void givenBodyThatDoesNotCome_whenTimePasses_thenIsRefused() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            client.send(Frame.data(1, "x", false));
            client.until(Client.BODY_IDLE - 1);
            assertThat(client.server.last().rejections).isEmpty();
            client.until(Client.BODY_IDLE + 1);
            assertEquals(List.of(Rejection.BODY_IDLE), client.server.last().rejections);
            // The loop's own clock stands, so the moment before the reset has passed by then.
            assertThat(client.heard()).containsExactly("HEADERS 1 last", "RST_STREAM 1 NO_ERROR");
        }
    }

    @Test
    void givenBodyThatWeHoldBack_whenTimePasses_thenTheClientIsNotToBlame() {
        try (var client = Client.greeted()) {
            client.send(post(1));
            client.server.last().front.readBody(false);
            client.until(10 * Client.BODY_IDLE);
            assertThat(client.server.last().rejections).isEmpty();
            client.server.last().answer();
        }
    }

    @Test
    void givenClientThatWaitsForA100_whenTimePasses_thenItIsNotToBlame() {
        try (var client = Client.greeted()) {
            client.send(post(1, "expect", "100-continue", "content-length", "3"));
            client.until(10 * Client.BODY_IDLE);
            assertThat(client.server.last().rejections).isEmpty();
            client.server.last().send("HTTP/1.1 100 Continue\r\n\r\n");
            client.send(Frame.data(1, "abc", true));
            client.server.last().answer();
            assertThat(client.heard()).containsExactly("HEADERS 1", "HEADERS 1", "DATA 1 2 last");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenWindowThatStaysClosed_whenTimePasses_thenTheStreamIsCut(boolean ended) {
        try (var client = Client.greeted(4, 10)) {
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
            request.send(bytes(20));
            if (ended) request.end();
            assertThat(client.heard()).containsExactly("HEADERS 1", "DATA 1 10");
            client.until(Client.BODY_IDLE - 1);
            assertThat(client.heard()).isEmpty();
            client.until(Client.BODY_IDLE + 1);
            assertThat(client.heard()).singleElement().asString().startsWith("RST_STREAM 1 ");
            if (!ended) assertEquals(Failure.CLIENT_STALLED, request.failure);
        }
    }

    @Test
    void givenConnectionsWindowThatStaysClosed_whenTimePasses_thenThoseWhoWaitAreCut() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1), get(3));
            Client.Request waits = client.server.requests.getFirst();
            waits.send("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
            waits.send(bytes(70_000));
            client.heard();
            client.until(Client.BODY_IDLE + 1);
            assertEquals(Failure.CLIENT_STALLED, waits.failure);
            assertThat(client.heard()).containsExactly("RST_STREAM 1 INTERNAL_ERROR");
            assertEquals(null, client.server.last().failure);
            client.server.last().send("HTTP/1.1 204 No\r\n\r\n");
            client.server.last().end();
            assertThat(client.heard()).containsExactly("HEADERS 3 last");
        }
    }

    /// What answers a client is no progress of what it has asked for.
    @Test
    void givenConnectionsWindowThatStaysClosed_whenTheClientPings_thenThoseWhoWaitAreCut() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1));
            Client.Request waits = client.server.last();
            waits.send("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
            waits.send(bytes(70_000));
            for (int second = 1; second <= Client.BODY_IDLE + 1; second++) {
                client.send(Frame.ping(second));
                client.frames();
                client.until(second);
            }
            assertEquals(Failure.CLIENT_STALLED, waits.failure);
            assertFalse(client.closed());
        }
    }

    @Test
    void givenConnectionsWindowThatOpensALittle_whenTimePasses_thenNobodyIsCut() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1));
            Client.Request waits = client.server.last();
            waits.send("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
            waits.send(bytes(70_000));
            waits.end();
            for (int i = 1; i <= 4; i++) {
                client.frames();
                client.until(i * (Client.BODY_IDLE - 1));
                client.send(Frame.windowUpdate(0, 1000));
            }
            client.send(Frame.windowUpdate(0, 70_000));
            client.frames();
            assertEquals(70_000, payload(client.frames, 1).length());
        }
    }

    /// Slow is not nothing, but our last words are not for ever.
    @Test
    void givenClientThatReadsOurLastBytesOneByOne_whenTimePasses_thenItIsReset() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(get(1));
            client.socket.takes = 0;
            client.server.last().send("HTTP/1.1 200 OK\r\n\r\n");
            client.server.last().send(bytes(60_000));
            client.socket.runPendingTasks();
            client.send(Frame.windowUpdate(0, 0)); // The end.
            int turns = 0;
            while (!client.closed() && turns < 50) {
                turns++;
                client.socket.take(1);
                client.until(turns * (Client.BODY_IDLE + 1));
            }
            assertThat(turns).isBetween(9, 11);
            assertTrue(client.socket.reset);
        }
    }

    @Test
    void givenSocketThatTakesNothing_whenTimePasses_thenAllIsReset() {
        try (var client = Client.greeted(4, 1 << 20)) {
            client.send(Frame.windowUpdate(0, 1 << 20));
            client.send(get(1), get(3));
            client.socket.takes = 0;
            Client.Request request = client.server.requests.getFirst();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            request.send(bytes(140_000));
            client.socket.runPendingTasks();
            client.until(Client.BODY_IDLE - 1);
            assertFalse(client.closed());
            client.socket.take(1000);
            client.until(2 * Client.BODY_IDLE - 2);
            assertFalse(client.closed());
            client.until(3 * Client.BODY_IDLE + 2);
            assertTrue(client.closed());
            assertTrue(client.socket.reset);
            assertThat(client.server.requests).allMatch(it -> it.failure == Failure.CLIENT_STALLED);
        }
    }
}
