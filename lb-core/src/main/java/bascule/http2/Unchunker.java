package bascule.http2;

import bascule.http1.ChunkedBody;
import bascule.http1.Http1Codec;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/// Takes a body out of the chunks in which it crosses the seam, and sends it as DATA, with trailers as the fields that they are. One
/// per stream and direction, begun anew for each body.
final class Unchunker {
    private final ChunkedBody scanner = new ChunkedBody(Http1Codec.RESPONSE_LIMITS);
    private @Nullable ByteBuf rest; // Of framing that was cut.

    void begin() {
        drop();
        scanner.reset();
    }

    /// Forgets what was cut.
    void drop() {
        ByteBuf cut = rest;
        rest = null;
        if (cut != null) cut.release();
    }

    /// Sends on what is payload, and END_STREAM at the end. Mostly there is one chunk in a buffer, which then goes on as it is.
    ///
    /// @param more owned by the callee
    /// @return [ChunkedBody#NEED_MORE], [ChunkedBody#END], or what is neither: these are no chunks, and nothing was sent
    int send(ByteBuf more, Http2Stream to, Http2Codec codec) {
        ByteBuf in = withRest(more, codec);
        ByteBuf joined = null;
        int start = 0;
        int bytes = 0;
        int result;
        while ((result = scanner.next(in)) == ChunkedBody.DATA) {
            int piece = scanner.dataLength();
            if (bytes == 0) {
                start = in.readerIndex();
                in.skipBytes(piece);
            } else {
                if (joined == null)
                    joined =
                            ReceiveBuffers.allocate(
                                            codec.loop.allocator(), in.writerIndex() - start, in)
                                    .writeBytes(in, start, bytes);
                joined.writeBytes(in, piece);
            }
            bytes += piece;
        }
        switch (result) {
            case ChunkedBody.NEED_MORE -> {
                int left = in.readableBytes();
                if (left > 0) rest = allocate(left, in, joined, codec).writeBytes(in);
                pass(in, joined, start, bytes, to);
            }
            case ChunkedBody.END -> {
                int section = scanner.trailerBytes();
                ByteBuf block = null;
                if (section > 2) {
                    ByteBuf lines = in.readerIndex(in.readerIndex() - section);
                    block = trailers(lines, section, joined, codec);
                }
                pass(in, joined, start, bytes, to);
                if (block == null) to.queueEnd();
                else to.queueTrailers(block);
            }
            default -> {
                in.release();
                if (joined != null) joined.release();
            }
        }
        return result;
    }

    private ByteBuf withRest(ByteBuf more, Http2Codec codec) {
        ByteBuf cut = rest;
        if (cut == null) return more;
        ByteBuf both =
                ReceiveBuffers.allocate(
                        codec.loop.allocator(), cut.readableBytes() + more.readableBytes(), more);
        rest = null;
        both.writeBytes(cut).writeBytes(more);
        cut.release();
        more.release();
        return both;
    }

    private static void pass(
            ByteBuf in, @Nullable ByteBuf joined, int start, int bytes, Http2Stream to) {
        if (joined != null) {
            in.release();
            to.queue(joined);
        } else if (bytes == 0) {
            in.release();
        } else {
            to.queue(in.setIndex(start, start + bytes));
        }
    }

    /// A new buffer. Where there is no memory left, `in` and `joined` are released: nobody else would.
    private static ByteBuf allocate(
            int bytes, ByteBuf in, @Nullable ByteBuf joined, Http2Codec codec) {
        try {
            return codec.loop.allocator().directBuffer(bytes);
        } catch (OutOfMemoryError none) {
            in.release();
            if (joined != null) joined.release();
            throw none;
        }
    }

    /// Encodes a trailer section of so many bytes, which `in` begins with. Releases as [#allocate] does.
    private static ByteBuf trailers(
            ByteBuf in, int section, @Nullable ByteBuf joined, Http2Codec codec) {
        byte[] lines = new byte[section];
        in.readBytes(lines);
        HpackWriter block = codec.block;
        block.clear();
        for (int start = 0; lines[start] != '\r'; ) {
            int colon = start;
            while (lines[colon] != ':') colon++;
            int end = colon + 1;
            while (lines[end] != '\r' || lines[end + 1] != '\n') end++;
            int from = colon + 1;
            int to = end;
            while (from < to && isBlank(lines[from])) from++;
            while (from < to && isBlank(lines[to - 1])) to--;
            block.field(lines, start, colon, from, to);
            start = end + 2;
        }
        int bytes = block.end() - HpackWriter.ROOM;
        return allocate(bytes, in, joined, codec)
                .writeBytes(block.bytes(), HpackWriter.ROOM, bytes);
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
