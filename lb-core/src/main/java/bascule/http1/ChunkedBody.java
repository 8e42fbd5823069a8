package bascule.http1;

import static bascule.http1.Bytes.isToken;

import io.netty.buffer.ByteBuf;

/// A chunked body in progress (RFC 9112 §7.1): checks every byte of its framing before the byte may go on. One per
/// direction of a connection, reset for every message. No allocation, no exception.
///
/// Two ways to use it, not to be mixed within a message: [#scan] passes the body on as it came; [#next] finds the
/// payload alone.
public final class ChunkedBody {
    /// All that can be read has been; what is left from the reader index on is cut short and must come again, with more
    /// behind it.
    public static final int NEED_MORE = 0;

    /// There is payload, see [#dataLength()].
    public static final int DATA = 1;

    /// The body is complete; the reader index is behind its last byte.
    public static final int END = 2;

    /// Sizes or line ends are wrong, or there is more framing than payload deserves. The connection cannot be used any
    /// more.
    public static final int MALFORMED = -1;

    /// The trailer section is too long or has too many lines, or holds a line that is malformed or has no business
    /// there. The same applies.
    public static final int BAD_TRAILER = -2;

    private static final int SIZE_LINE_LIMIT = 256;

    /// Most bytes that extensions and leading zeros of one message may take: nobody reads them, and they escape
    /// `limits.body`.
    private static final int OVERHEAD_LIMIT = 16 * 1024;

    // States; END and the faults are states too.
    private static final int SIZE = 10;
    private static final int PAYLOAD = 11;
    private static final int PAYLOAD_END = 12;
    private static final int TRAILERS = 13;

    private final HeadLimits limits;

    private int state;
    private long left;
    private long payload;
    private int overhead;
    private int dataLength;
    private int trailers;

    /// In the trailer section, counted from its start: where the current line starts, and up to where no LF has been
    /// found.
    private int lineStart;

    private int searched;

    private int trailerBytes;

    /// @param limits of the head, which the trailer section has to keep too, by itself
    public ChunkedBody(HeadLimits limits) {
        this.limits = limits;
        reset();
    }

    /// Begins another body.
    public void reset() {
        state = SIZE;
        payload = 0;
        overhead = 0;
        trailers = 0;
        lineStart = 0;
        searched = 0;
    }

    /// Payload so far, in bytes.
    public long payloadBytes() {
        return payload;
    }

    /// Bytes of payload from the reader index on, after [#DATA].
    public int dataLength() {
        return dataLength;
    }

    /// Length of the trailer section, the empty line at its end included, after [#END]: it lies right before the reader index.
    public int trailerBytes() {
        return trailerBytes;
    }

    /// Moves over all that is valid, payload and framing alike; never past a byte that has not been checked.
    ///
    /// @return [#NEED_MORE], [#END], [#MALFORMED] or [#BAD_TRAILER]
    public int scan(ByteBuf in) {
        int event;
        while ((event = next(in)) == DATA) in.skipBytes(dataLength);
        return event;
    }

    /// Moves over framing up to the next payload. After [#DATA] the caller moves past all of it before the next call.
    ///
    /// @return [#DATA], or what [#scan] returns
    public int next(ByteBuf in) {
        for (; ; ) {
            switch (state) {
                case SIZE -> {
                    int before = in.readerIndex();
                    long size = ChunkSize.read(in, SIZE_LINE_LIMIT);
                    if (size == ChunkSize.NEED_MORE) return NEED_MORE;
                    if (size == ChunkSize.MALFORMED) return state = MALFORMED;
                    overhead += in.readerIndex() - before - 2 - digits(size);
                    if (overhead > OVERHEAD_LIMIT) {
                        in.readerIndex(before);
                        return state = MALFORMED;
                    }
                    left = size;
                    state = size == 0 ? TRAILERS : PAYLOAD;
                }
                case PAYLOAD -> {
                    if (left == 0) {
                        state = PAYLOAD_END;
                        continue;
                    }
                    int length = (int) Math.min(left, in.readableBytes());
                    if (length == 0) return NEED_MORE;
                    left -= length;
                    payload += length;
                    dataLength = length;
                    return DATA;
                }
                case PAYLOAD_END -> {
                    int at = in.readerIndex();
                    int readable = in.readableBytes();
                    if (readable > 0 && in.getByte(at) != '\r') return state = MALFORMED;
                    if (readable < 2) return NEED_MORE;
                    if (in.getByte(at + 1) != '\n') return state = MALFORMED;
                    in.readerIndex(at + 2);
                    state = SIZE;
                }
                case TRAILERS -> {
                    int result = trailerSection(in);
                    if (result != NEED_MORE) state = result;
                    return result;
                }
                default -> {
                    return state; // Over, one way or the other.
                }
            }
        }
    }

    private static int digits(long size) {
        return size == 0 ? 1 : (67 - Long.numberOfLeadingZeros(size)) / 4;
    }

    /// The section stays unread until it is whole, but no byte is searched twice.
    private int trailerSection(ByteBuf in) {
        int start = in.readerIndex();
        int available = Math.min(in.readableBytes(), limits.headBytes());
        while (searched < available) {
            int lf = in.indexOf(start + searched, start + available, (byte) '\n') - start;
            if (lf < 0) {
                searched = available;
                break;
            }
            if (lf == lineStart || in.getByte(start + lf - 1) != '\r') return BAD_TRAILER;
            if (lf - 1 == lineStart) {
                in.readerIndex(start + lf + 1);
                trailerBytes = lf + 1;
                return END;
            }
            if (++trailers > limits.headerCount()) return BAD_TRAILER;
            if (!isCleanTrailer(in, start + lineStart, start + lf - 1)) return BAD_TRAILER;
            lineStart = searched = lf + 1;
        }
        return available == limits.headBytes() ? BAD_TRAILER : NEED_MORE;
    }

    private static boolean isCleanTrailer(ByteBuf in, int start, int end) {
        int at = start;
        while (at < end && isToken(in.getByte(at))) at++;
        if (at == start
                || at == end
                || in.getByte(at) != ':'
                || ProtectedNames.contains(in, start, at)) return false;
        while (++at < end) {
            byte b = in.getByte(at);
            if (b >= 0 && b < 0x20 && b != '\t' || b == 0x7f) return false;
        }
        return true;
    }
}
