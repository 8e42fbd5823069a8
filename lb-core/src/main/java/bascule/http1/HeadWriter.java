package bascule.http1;

import bascule.http.HeaderBlock;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Arrays;

/// A head in the making: one array per loop, filled front to back and then put where the head it replaces lay, so that head and
/// body leave in one buffer. No allocation as long as the new head fits into the old one and the headroom before it.
public final class HeadWriter {
    private byte[] bytes;
    private int length;

    /// @param capacity longest head in bytes; writing more is a bug
    public HeadWriter(int capacity) {
        bytes = new byte[capacity];
    }

    /// From now on heads may be as long as this. Not while one is written.
    public void reserve(int capacity) {
        if (bytes.length < capacity) bytes = new byte[capacity];
    }

    public int capacity() {
        return bytes.length;
    }

    public void clear() {
        length = 0;
    }

    public int length() {
        return length;
    }

    public void put(byte[] from) {
        put(from, 0, from.length);
    }

    /// Bytes `[start, end)`.
    public void put(byte[] from, int start, int end) {
        System.arraycopy(from, start, bytes, length, end - start);
        length += end - start;
    }

    public void put(char ascii) {
        bytes[length++] = (byte) ascii;
    }

    /// Whole lines `[from, to)` of a header block, which lie side by side.
    public void putLines(HeaderBlock fields, int from, int to) {
        if (from < to) put(fields.bytes(), fields.lineStart(from), fields.lineEnd(to - 1));
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(bytes, length);
    }

    /// Puts this head in place of the first `oldLength` readable bytes of `in`.
    ///
    /// @param in owned by the callee; everything before its reader index is free
    /// @return `in`, or a larger buffer
    public ByteBuf replace(ByteBuf in, int oldLength, ByteBufAllocator allocator) {
        int bodyStart = in.readerIndex() + oldLength;
        int start = bodyStart - length;
        if (start >= 0) return in.setBytes(start, bytes, 0, length).readerIndex(start);
        int body = in.writerIndex() - bodyStart;
        try {
            return ReceiveBuffers.allocate(allocator, length + body)
                    .writeBytes(bytes, 0, length)
                    .writeBytes(in, bodyStart, body);
        } finally {
            in.release(); // Also when there is no memory left.
        }
    }
}
