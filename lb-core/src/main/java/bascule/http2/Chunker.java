package bascule.http2;

import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/// Puts a body into the chunks in which it crosses the seam.
final class Chunker {
    private static final byte[] LAST_CHUNK = {'0', '\r', '\n'};
    private static final byte[] HEX = {
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
    };

    private Chunker() {}

    /// Makes a chunk of what came, in the buffer that it came in: its size goes into the headroom.
    ///
    /// @param came owned by the callee; null = nothing
    /// @param last is it the end?
    /// @param trailers lines, each with its CR LF; null = none
    /// @return null if there is nothing to say
    static @Nullable ByteBuf wrap(
            @Nullable ByteBuf came,
            boolean last,
            byte @Nullable [] trailers,
            ByteBufAllocator allocator) {
        int bytes = came == null ? 0 : came.readableBytes();
        if (bytes == 0 && !last) {
            if (came != null) came.release();
            return null;
        }
        int end = last ? LAST_CHUNK.length + (trailers == null ? 0 : trailers.length) + 2 : 0;
        ByteBuf out =
                came == null
                        ? ReceiveBuffers.allocate(allocator, end + 16)
                        : withRoom(came, end + 2, allocator);
        if (bytes > 0) {
            sizeLine(out, bytes);
            out.writeByte('\r').writeByte('\n');
        }
        if (last) {
            out.writeBytes(LAST_CHUNK);
            if (trailers != null) out.writeBytes(trailers);
            out.writeByte('\r').writeByte('\n');
        }
        return out;
    }

    private static ByteBuf withRoom(ByteBuf came, int more, ByteBufAllocator allocator) {
        if (came.writableBytes() >= more) return came;
        ByteBuf larger = ReceiveBuffers.allocate(allocator, came.readableBytes() + more, came);
        larger.writeBytes(came);
        came.release();
        return larger;
    }

    /// Puts the size of the chunk before it.
    private static void sizeLine(ByteBuf out, int size) {
        int at = out.readerIndex();
        out.setByte(--at, '\n');
        out.setByte(--at, '\r');
        int left = size;
        do {
            out.setByte(--at, HEX[left & 15]);
            left >>>= 4;
        } while (left != 0);
        out.readerIndex(at);
    }
}
