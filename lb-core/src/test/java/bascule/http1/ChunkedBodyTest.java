package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

class ChunkedBodyTest {
    private static final HeadLimits LIMITS = new HeadLimits(64, 2, 0);

    private final ChunkedBody body = new ChunkedBody(LIMITS);

    @Test
    void givenBody_whenScanned_thenStopsBehindIt() {
        ByteBuf in = Wire.buffer("5\r\nhello\r\n0\r\n\r\nGET /");

        assertEquals(ChunkedBody.END, body.scan(in));
        assertEquals("GET /", in.toString(ISO_8859_1));
        assertEquals(5, body.payloadBytes());
    }

    @Test
    void givenBody_whenStripped_thenPayloadIsFound() {
        ByteBuf in = Wire.buffer("5\r\nhello\r\n0\r\n\r\n");

        assertEquals(ChunkedBody.DATA, body.next(in));
        assertEquals(5, body.dataLength());
        assertEquals("hello", in.readSlice(5).toString(ISO_8859_1));
        assertEquals(ChunkedBody.END, body.next(in));
    }

    @Test
    void givenPartOfChunk_whenStripped_thenThatMuchIsFound() {
        ByteBuf in = Unpooled.buffer().writeBytes("5\r\nhel".getBytes(ISO_8859_1));

        assertEquals(ChunkedBody.DATA, body.next(in));
        assertEquals(3, body.dataLength());
        in.skipBytes(3);
        assertEquals(ChunkedBody.NEED_MORE, body.next(in));
        in.writeBytes("lo\r\n".getBytes(ISO_8859_1));
        assertEquals(ChunkedBody.DATA, body.next(in));
        assertEquals(2, body.dataLength());
    }

    @Test
    void givenFramingCutShort_whenScanned_thenItStaysUnread() {
        for (String cut :
                new String[] {
                    "5", "5;a=b\r", "\r", "0\r", "0\r\n\r", "0\r\nX: y\r\n", "0\r\nX: y"
                }) {
            body.reset();
            String before = cut.equals("\r") ? "5\r\nhello" : "";
            ByteBuf in = Wire.buffer(before + cut);
            assertEquals(ChunkedBody.NEED_MORE, body.scan(in), Wire.show(cut));
            String left = cut.startsWith("0\r\n") ? cut.substring(3) : cut;
            assertEquals(left, in.toString(ISO_8859_1));
        }
    }

    @Test
    void givenBodyReadBefore_whenReset_thenTheNextOneIsReadAfresh() {
        assertEquals(
                ChunkedBody.BAD_TRAILER,
                body.scan(Wire.buffer("5\r\nhello\r\n0\r\nHost: a\r\n\r\n")));
        body.reset();

        assertEquals(0, body.payloadBytes());
        assertEquals(ChunkedBody.END, body.scan(Wire.buffer("0\r\nX: y\r\n\r\n")));
    }

    @Test
    void givenFaultSeen_whenMoreComes_thenNothingMoves() {
        ByteBuf in = Wire.buffer("x\r\n5\r\nhello\r\n0\r\n\r\n");

        assertEquals(ChunkedBody.MALFORMED, body.scan(in));
        assertEquals(ChunkedBody.MALFORMED, body.scan(in));
        assertEquals(0, in.readerIndex());
    }

    @Test
    void givenManyLongExtensions_whenScanned_thenMalformedAt16KiB() {
        String chunk =
                "1;"
                        + "a".repeat(249)
                        + "\r\nx\r\n"; // 250 bytes that nobody reads, 65 times within 16 KiB.

        assertEquals(ChunkedBody.END, body.scan(Wire.buffer(chunk.repeat(65) + "0\r\n\r\n")));
        body.reset();
        ByteBuf in = Wire.buffer(chunk.repeat(66) + "0\r\n\r\n");
        assertEquals(ChunkedBody.MALFORMED, body.scan(in));
        assertEquals(65 * chunk.length(), in.readerIndex());
    }

    @Test
    void givenManyLeadingZeros_whenScanned_thenTheyCountLikeExtensions() {
        String chunk = "0".repeat(250) + "1\r\nx\r\n";

        assertEquals(ChunkedBody.MALFORMED, body.scan(Wire.buffer(chunk.repeat(66))));
        assertEquals(65, body.payloadBytes());
    }

    @Test
    void givenManyChunks_whenScanned_thenTheirSizesAloneAreNoOverhead() {
        assertEquals(
                ChunkedBody.END,
                body.scan(Wire.buffer("10\r\n0123456789abcdef\r\n".repeat(20_000) + "0\r\n\r\n")));
        assertEquals(320_000, body.payloadBytes());
    }

    @Test
    void givenTrailersAtTheirLimits_whenScanned_thenOneMoreIsBad() {
        String section = "X: " + "y".repeat(57) + "\r\n\r\n"; // 64 bytes
        assertEquals(ChunkedBody.END, body.scan(Wire.buffer("0\r\n" + section)));
        body.reset();
        assertEquals(ChunkedBody.BAD_TRAILER, body.scan(Wire.buffer("0\r\nX" + section)));
        body.reset();
        assertEquals(ChunkedBody.END, body.scan(Wire.buffer("0\r\nX: 1\r\nX: 2\r\n\r\n")));
        body.reset();
        assertEquals(
                ChunkedBody.BAD_TRAILER,
                body.scan(Wire.buffer("0\r\nX: 1\r\nX: 2\r\nX: 3\r\n\r\n")));
    }

    @Test
    void givenPayloadOfManyGibibytes_whenScanned_thenIsCounted() {
        ByteBuf piece = Unpooled.buffer(1 << 20).writerIndex(1 << 20);
        assertEquals(ChunkedBody.NEED_MORE, body.scan(Wire.buffer("fffffffff\r\n")));
        for (int i = 0; i < 5 * 1024; i++)
            assertEquals(ChunkedBody.NEED_MORE, body.scan(piece.readerIndex(0)));

        assertEquals(5L << 30, body.payloadBytes());
    }
}
