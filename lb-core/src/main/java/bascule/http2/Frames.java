package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;

/// Frames as they stand on the wire (RFC 9113 §4.1, §6).
final class Frames {
    static final int HEADER_BYTES = 9;

    static final byte DATA = 0;
    static final byte HEADERS = 1;
    static final byte RST_STREAM = 3;
    static final byte SETTINGS = 4;
    static final byte PING = 6;
    static final byte GOAWAY = 7;
    static final byte WINDOW_UPDATE = 8;
    static final byte CONTINUATION = 9;

    static final int END_STREAM = 1;
    static final int ACK = 1;
    static final int END_HEADERS = 4;
    static final int PADDED = 8;
    static final int WITH_PRIORITY = 0x20;

    /// Settings (§6.5.2, RFC 8441 §3, RFC 9218 §2.1).
    static final int ENABLE_PUSH = 2;

    static final int MAX_CONCURRENT_STREAMS = 3;
    static final int INITIAL_WINDOW_SIZE = 4;
    static final int MAX_FRAME_SIZE = 5;
    static final int MAX_HEADER_LIST_SIZE = 6;
    static final int ENABLE_CONNECT_PROTOCOL = 8;
    static final int NO_RFC7540_PRIORITIES = 9;

    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);

    private Frames() {}

    /// What a client says first (§3.4), 24 bytes.
    static byte[] preface() {
        return PREFACE.clone();
    }

    static int prefaceLength() {
        return PREFACE.length;
    }

    /// How many of the first readable bytes are those of the preface, up to its end.
    ///
    /// @param from of the preface, seen before
    static int matching(ByteBuf in, int from) {
        int most = Math.min(in.readableBytes(), PREFACE.length - from);
        int same = 0;
        while (same < most && in.getByte(in.readerIndex() + same) == PREFACE[from + same]) same++;
        return same;
    }

    static void putHeader(byte[] into, int at, int length, byte type, int flags, int stream) {
        into[at] = (byte) (length >>> 16);
        into[at + 1] = (byte) (length >>> 8);
        into[at + 2] = (byte) length;
        into[at + 3] = type;
        into[at + 4] = (byte) flags;
        into[at + 5] = (byte) (stream >>> 24);
        into[at + 6] = (byte) (stream >>> 16);
        into[at + 7] = (byte) (stream >>> 8);
        into[at + 8] = (byte) stream;
    }

    static void writeHeader(ByteBuf to, int length, byte type, int flags, int stream) {
        to.writeLong(firstEight(length, type, flags, stream)).writeByte(stream);
    }

    static void setHeader(ByteBuf in, int at, int length, byte type, int flags, int stream) {
        in.setLong(at, firstEight(length, type, flags, stream)).setByte(at + 8, stream);
    }

    private static long firstEight(int length, byte type, int flags, int stream) {
        return (long) length << 40 | (long) type << 32 | (long) flags << 24 | stream >>> 8;
    }
}
