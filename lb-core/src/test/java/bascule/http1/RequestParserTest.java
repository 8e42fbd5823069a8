package bascule.http1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import bascule.http.Rejection;
import bascule.http.RequestHead;
import org.junit.jupiter.api.Test;

/// Beside the transcripts: sizes, limits and reuse.
class RequestParserTest {
    private static final HeadLimits LIMITS = new HeadLimits(32 * 1024, 100, 8 * 1024);

    private final RequestParser parser = new RequestParser();
    private final RequestHead head = new RequestHead(32 * 1024, 100);

    @Test
    void givenNothing_whenParsed_thenNeedsMore() {
        assertEquals(RequestParser.NEED_MORE, parse(""));
    }

    @Test
    void givenHeadsOfManySizes_whenParsed_thenAreRead() {
        for (int size = 1_900; size < 2_200; size++) { // Around what is copied at first.
            String filler = "a".repeat(size - 32);
            String wire = "GET / HTTP/1.1\r\nHost: a\r\nX: " + filler + "\r\n\r\n";
            assertEquals(size, parse(wire));
            assertEquals(filler, head.fields.value(1));
            assertEquals(size, parse(wire + "b".repeat(10_000)));
            assertEquals(RequestParser.NEED_MORE, parse(wire.substring(0, size - 1)));
        }
    }

    @Test
    void givenLargestHead_whenParsed_thenIsReadAndOneByteMoreIsNot() {
        String start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        String filler = "a".repeat(32 * 1024 - start.length() - 4);

        assertEquals(32 * 1024, parse(start + filler + "\r\n\r\n"));
        assertSame(Rejection.HEADERS_TOO_LARGE, rejection(start + filler + "a\r\n\r\n"));
        assertSame(Rejection.HEADERS_TOO_LARGE, rejection(start + filler + "aaaa"));
        assertEquals(RequestParser.NEED_MORE, parse(start + filler));
    }

    @Test
    void givenLimitsOverWhatTheHeadHolds_whenParsed_thenTheHeadCounts() {
        HeadLimits wide = new HeadLimits(1 << 20, 1_000, 1 << 20);
        RequestHead small = new RequestHead(64, 2);

        assertSame(
                Rejection.HEADERS_TOO_LARGE,
                RequestParser.rejection(
                        parser.parse(Wire.buffer("GET /" + "a".repeat(100)), wide, small)));
        assertSame(
                Rejection.TOO_MANY_HEADERS,
                RequestParser.rejection(
                        parser.parse(
                                Wire.buffer("GET / HTTP/1.1\r\nA:1\r\nB:2\r\nC:3\r\n\r\n"),
                                wide,
                                small)));
    }

    @Test
    void givenManyPipelinedRequests_whenParsedOneByOne_thenEachIsRead() {
        StringBuilder wire = new StringBuilder();
        for (int i = 0; i < 500; i++)
            wire.append("GET /").append(i).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
        var in = Wire.buffer(wire.toString());
        for (int i = 0; i < 500; i++) {
            int length = parser.parse(in, LIMITS, head);
            assertEquals("/" + i, head.fields.text(head.pathStart, head.pathEnd));
            in.skipBytes(length);
        }
        assertEquals(0, in.readableBytes());
    }

    @Test
    void givenRichHeadBefore_whenPlainOneIsParsed_thenNothingIsLeftOfTheFirst() {
        String plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        String said = Described.request(parse(plain), head);
        String rich =
                """
                POST http://b:81/%41 HTTP/1.1
                Host: b:81
                Transfer-Encoding: chunked
                Expect: 100-continue
                Connection: close, upgrade, te, x
                X: 1
                TE: trailers
                Upgrade: websocket

                """;
        parse(rich.replace("\n", "\r\n"));
        assertThat(head.upgradeLine).isEqualTo(6);
        assertThat(head.routePath).isSameAs(head.decodedPath);

        assertEquals(said, Described.request(parse(plain), head));
        assertThat(head.routePath).isSameAs(head.fields.bytes());
        assertThat(head.fields.nominated(0)).isFalse();
    }

    @Test
    void givenEveryCode_whenAsked_thenSaysItsOwnRejection() {
        Rejection[] rejections = Rejection.values();
        for (int i = 0; i < rejections.length; i++)
            assertSame(rejections[i], RequestParser.rejection(-1 - i));
    }

    private int parse(String wire) {
        return parser.parse(Wire.buffer(wire), LIMITS, head);
    }

    private Rejection rejection(String wire) {
        return RequestParser.rejection(parse(wire));
    }
}
