package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// Feeds a [ChunkedBody] as a connection does: what it leaves unread is kept, and comes again with more behind it.
final class ChunkReader {
    private ChunkReader() {}

    /// @param strip by [ChunkedBody#next] instead of [ChunkedBody#scan]
    /// @return the last event, the payload, and what was left unread
    static String read(HeadLimits limits, boolean strip, String... parts) {
        ChunkedBody body = new ChunkedBody(limits);
        ByteBuf in = Unpooled.buffer();
        StringBuilder payload = new StringBuilder();
        StringBuilder passed = new StringBuilder();
        int event = ChunkedBody.NEED_MORE;
        for (String part : parts) {
            in.writeBytes(part.getBytes(ISO_8859_1));
            if (event != ChunkedBody.NEED_MORE) continue;
            int before = in.readerIndex();
            if (strip) {
                while ((event = body.next(in)) == ChunkedBody.DATA) {
                    if (body.dataLength() < 1) throw new AssertionError("no data");
                    payload.append(in.readCharSequence(body.dataLength(), ISO_8859_1));
                }
            } else {
                event = body.scan(in);
            }
            passed.append(in.toString(before, in.readerIndex() - before, ISO_8859_1));
            int after = in.readerIndex();
            if (event != ChunkedBody.NEED_MORE
                    && (body.next(in) != event || in.readerIndex() != after))
                throw new AssertionError("not over after " + event);
            in.discardReadBytes();
        }
        if (!strip) payload.append(ReferenceChunks.payloadOf(passed.toString()));
        if (body.payloadBytes() != payload.length())
            throw new AssertionError(
                    body.payloadBytes() + " bytes (expected: " + payload.length() + ")");
        return name(event) + "\npayload=" + payload + "\nrest=" + in.toString(ISO_8859_1);
    }

    private static String name(int event) {
        return switch (event) {
            case ChunkedBody.NEED_MORE -> "NEED_MORE";
            case ChunkedBody.END -> "END";
            case ChunkedBody.MALFORMED -> "MALFORMED";
            case ChunkedBody.BAD_TRAILER -> "BAD_TRAILER";
            default -> throw new AssertionError(event);
        };
    }
}
