package bascule.http2;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http2.Http2Error;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Frames of all streams on their way out (RFC 9113 §4, §6): small ones share a buffer, which goes out as one. Nothing leaves before
/// [#finish], or before something that has a buffer of its own.
final class FrameWriter {
    private static final int ROOM_BYTES = 16 * 1024; // Of the shared buffer.

    private final ByteBufAllocator allocator;
    private final Consumer<ByteBuf> out;
    private @Nullable ByteBuf room;
    private boolean blockWritten;
    private long writtenBytes;
    private int controlBytes;
    private int blocks;

    /// @param out owns what it is given
    FrameWriter(ByteBufAllocator allocator, Consumer<ByteBuf> out) {
        this.allocator = allocator;
        this.out = out;
    }

    /// A buffer that takes so many bytes more.
    ByteBuf room(int bytes) {
        ByteBuf shared = room;
        if (shared != null) {
            if (shared.writableBytes() >= bytes) return shared;
            finish();
        }
        return room = allocator.directBuffer(Math.max(bytes, ROOM_BYTES));
    }

    /// Hands on what has been put into the shared buffer.
    void finish() {
        ByteBuf shared = room;
        if (shared == null) return;
        room = null;
        writtenBytes += shared.readableBytes();
        out.accept(shared);
    }

    /// Hands on a buffer of its own, behind that.
    void write(ByteBuf own) {
        finish();
        writtenBytes += own.readableBytes();
        out.accept(own);
    }

    /// All bytes so far.
    long writtenBytes() {
        return writtenBytes;
    }

    /// Bytes of frames that answer the peer's frames rather than carry anything, since [#forgetControl].
    int controlBytes() {
        return controlBytes;
    }

    /// Field blocks so far.
    int blocks() {
        return blocks;
    }

    void forgetControl() {
        controlBytes = 0;
    }

    void drop() {
        ByteBuf shared = room;
        room = null;
        if (shared != null) shared.release();
    }

    void settings(int... idsAndValues) {
        int bytes = 3 * idsAndValues.length;
        ByteBuf to = room(Frames.HEADER_BYTES + bytes);
        Frames.writeHeader(to, bytes, Frames.SETTINGS, 0, 0);
        for (int i = 0; i < idsAndValues.length; i += 2)
            to.writeShort(idsAndValues[i]).writeInt(idsAndValues[i + 1]);
    }

    void settingsAck() {
        Frames.writeHeader(control(Frames.HEADER_BYTES), 0, Frames.SETTINGS, Frames.ACK, 0);
    }

    void ping(long data, boolean ack) {
        ByteBuf to = control(Frames.HEADER_BYTES + 8);
        Frames.writeHeader(to, 8, Frames.PING, ack ? Frames.ACK : 0, 0);
        to.writeLong(data);
    }

    void reset(int id, Http2Error code) {
        fourBytes(Frames.RST_STREAM, id, (int) code.code());
    }

    void windowUpdate(int id, int bytes) {
        fourBytes(Frames.WINDOW_UPDATE, id, bytes);
    }

    private void fourBytes(byte type, int id, int value) {
        ByteBuf to = control(Frames.HEADER_BYTES + 4);
        Frames.writeHeader(to, 4, type, 0, id);
        to.writeInt(value);
    }

    private ByteBuf control(int bytes) {
        controlBytes += bytes;
        return room(bytes);
    }

    void goAway(int lastStream, Http2Error code) {
        ByteBuf to = room(Frames.HEADER_BYTES + 8);
        Frames.writeHeader(to, 8, Frames.GOAWAY, 0, 0);
        to.writeInt(lastStream).writeInt((int) code.code());
    }

    /// A field block with its frame, or frames.
    void headers(int id, HpackWriter block, boolean last) {
        blocks++;
        int bytes = block.end() - HpackWriter.ROOM;
        int flags = last ? Frames.END_STREAM : 0;
        if (!blockWritten || bytes > FrameReader.FRAME_LIMIT) {
            headers(id, block.bytes(), HpackWriter.ROOM, block.end(), flags);
            return;
        }
        Frames.putHeader(block.bytes(), 0, bytes, Frames.HEADERS, flags | Frames.END_HEADERS, id);
        room(block.end()).writeBytes(block.bytes(), 0, block.end());
    }

    /// Trailers.
    ///
    /// @param block a field block; not released
    void trailers(int id, ByteBuf block) {
        blocks++;
        byte[] whole = new byte[block.readableBytes()];
        block.readBytes(whole);
        headers(id, whole, 0, whole.length, Frames.END_STREAM);
    }

    private void headers(int id, byte[] from, int start, int end, int flags) {
        boolean first = !blockWritten; // Then we say that there is no table.
        blockWritten = true;
        byte type = Frames.HEADERS;
        int own = flags;
        for (int at = start; ; ) {
            int extra = first && at == start ? 1 : 0;
            int bytes = Math.min(FrameReader.FRAME_LIMIT - extra, end - at);
            boolean last = at + bytes == end;
            ByteBuf to = room(Frames.HEADER_BYTES + extra + bytes);
            int all = own | (last ? Frames.END_HEADERS : 0);
            Frames.writeHeader(to, extra + bytes, type, all, id);
            if (extra > 0) to.writeByte(HpackWriter.NO_TABLE);
            to.writeBytes(from, at, bytes);
            if (last) return;
            at += bytes;
            type = Frames.CONTINUATION;
            own = 0;
        }
    }
}
