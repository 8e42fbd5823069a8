package bascule.proxy;

import bascule.http.BackStream;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What came of a request and has not been sent yet, or may have to be sent again: the buffers as they were, by a second
/// reference where they are on their way already. Belongs to one exchange.
final class HeldRequest {
    /// Most that is kept of what has been sent.
    static final int MOST_BYTES = 64 << 10;

    /// Most buffers that are kept of what has been sent.
    static final int MOST_PIECES = 32;

    /// A buffer of this size is kept as it is, however little is in it: a receive buffer for a head.
    private static final int SMALL_BYTES = 8 << 10;

    private static final int USUAL_PIECES = 2;

    private @Nullable ByteBuf[] pieces = new ByteBuf[USUAL_PIECES];
    private int[] starts = new int[USUAL_PIECES];
    private int[] ends = new int[USUAL_PIECES];
    private int count;
    private int bytes;

    boolean isEmpty() {
        return count == 0;
    }

    /// May this be kept too, once it has been sent?
    boolean hasRoomFor(ByteBuf piece) {
        return count < MOST_PIECES && bytes + piece.readableBytes() <= MOST_BYTES;
    }

    /// May all that is here be kept, once it has been sent?
    boolean keepable() {
        return count <= MOST_PIECES && bytes <= MOST_BYTES;
    }

    /// Keeps what is about to be sent: in a buffer of its size where the one that it came in is much larger, or a client that sends
    /// little at a time would have us hold a whole receive buffer for it.
    ///
    /// @param piece the caller's own still
    /// @throws OutOfMemoryError nothing is kept then
    void keep(ByteBuf piece, ByteBufAllocator allocator) {
        int length = piece.readableBytes();
        boolean fits = piece.capacity() <= Math.max(SMALL_BYTES, 2 * length);
        add(
                fits
                        ? piece.retain()
                        : allocator
                                .directBuffer(length)
                                .writeBytes(piece, piece.readerIndex(), length));
    }

    /// @param piece owned by this from now on
    void add(ByteBuf piece) {
        if (count == pieces.length) {
            pieces = Arrays.copyOf(pieces, count * 2);
            starts = Arrays.copyOf(starts, count * 2);
            ends = Arrays.copyOf(ends, count * 2);
        }
        pieces[count] = piece;
        starts[count] = piece.readerIndex();
        ends[count] = piece.writerIndex();
        bytes += piece.readableBytes();
        count++;
    }

    /// Sends everything.
    ///
    /// @param last does the request end here?
    /// @param keep may it have to be sent again? Else nothing is held any more
    void sendTo(BackStream to, boolean last, boolean keep, long nowNanos) {
        int all = count;
        for (int i = 0; i < all; i++) {
            ByteBuf piece = pieces[i];
            if (piece == null) throw new IllegalStateException("nothing at " + i);
            piece.setIndex(starts[i], ends[i]);
            if (keep) piece.retain();
            else pieces[i] = null;
            to.send(piece, last && i == all - 1, nowNanos);
        }
        if (keep) return;
        count = 0;
        bytes = 0;
    }

    void release() {
        for (int i = 0; i < count; i++) {
            ByteBuf piece = pieces[i];
            pieces[i] = null;
            if (piece != null) piece.release();
        }
        count = 0;
        bytes = 0;
    }
}
