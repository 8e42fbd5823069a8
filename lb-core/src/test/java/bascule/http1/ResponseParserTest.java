package bascule.http1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.Framing;
import bascule.http.Method;
import bascule.http.ResponseHead;
import org.junit.jupiter.api.Test;

/// Beside the transcripts: sizes, limits and reuse.
class ResponseParserTest {
    private static final HeadLimits LIMITS = new HeadLimits(32 * 1024, 100, 8 * 1024);

    private final ResponseParser parser = new ResponseParser();
    private final ResponseHead head = new ResponseHead(32 * 1024, 100);

    @Test
    void givenNothing_whenParsed_thenNeedsMore() {
        assertEquals(ResponseParser.NEED_MORE, parse("", Method.GET));
    }

    @Test
    void givenLargestHead_whenParsed_thenIsReadAndOneByteMoreIsNot() {
        String start = "HTTP/1.1 200 OK\r\nX: ";
        String filler = "a".repeat(32 * 1024 - start.length() - 4);

        assertEquals(32 * 1024, parse(start + filler + "\r\n\r\n", Method.GET));
        assertEquals(ResponseParser.MALFORMED, parse(start + filler + "a\r\n\r\n", Method.GET));
        assertEquals(ResponseParser.NEED_MORE, parse(start + filler, Method.GET));
    }

    @Test
    void givenHeadAndBody_whenParsed_thenTheBodyIsLeftAlone() {
        assertEquals(
                38,
                parse(
                        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + "\0".repeat(20_000),
                        Method.GET));
    }

    @Test
    void givenSameHead_whenItAnswersAnotherMethod_thenIsFramedByTheMethod() {
        String wire = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";

        for (Method method : Method.values()) {
            parse(wire, method);
            assertEquals(method == Method.HEAD ? Framing.NONE : Framing.LENGTH, head.framing);
            assertEquals(3, head.contentLength);
        }
    }

    @Test
    void givenSwitchBefore_whenNextIsParsed_thenNothingIsLeftOfIt() {
        parse(
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade, x\r\nX: 1\r\n\r\n",
                Method.GET);
        assertEquals(0, head.upgradeLine);
        assertFalse(head.interim());
        assertTrue(head.fields.nominated(2));

        parse(
                "HTTP/1.1 100 x\r\nUpgrade: websocket\r\nConnection: upgrade, y\r\nX: 1\r\n\r\n",
                Method.GET);
        assertEquals(-1, head.upgradeLine);
        assertTrue(head.interim());
        assertFalse(head.fields.nominated(2));
        assertEquals(-1, head.contentLength);
    }

    private int parse(String wire, Method method) {
        return parser.parse(Wire.buffer(wire), LIMITS, method, head);
    }
}
