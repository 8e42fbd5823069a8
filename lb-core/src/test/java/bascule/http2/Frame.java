package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/// One frame as tests write and read it (RFC 9113 §4.1): every part of it may be wrong.
///
/// @param type as in §6
record Frame(int type, int flags, int stream, byte[] payload) {
    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int PRIORITY = 2;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PUSH_PROMISE = 5;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;
    static final int CONTINUATION = 9;

    static final int END_STREAM = 1;
    static final int ACK = 1;
    static final int END_HEADERS = 4;
    static final int PADDED = 8;
    static final int WITH_PRIORITY = 0x20;

    static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1);

    static Frame data(int stream, String text, boolean last) {
        return data(stream, text.getBytes(ISO_8859_1), last);
    }

    static Frame data(int stream, byte[] bytes, boolean last) {
        return new Frame(DATA, last ? END_STREAM : 0, stream, bytes);
    }

    /// @param block as of [#block]
    static Frame headers(int stream, byte[] block, boolean last) {
        return new Frame(HEADERS, END_HEADERS | (last ? END_STREAM : 0), stream, block);
    }

    static Frame settings(int... idsAndValues) {
        ByteBuffer payload = ByteBuffer.allocate(3 * idsAndValues.length);
        for (int i = 0; i < idsAndValues.length; i += 2)
            payload.putShort((short) idsAndValues[i]).putInt(idsAndValues[i + 1]);
        return new Frame(SETTINGS, 0, 0, payload.array());
    }

    static Frame settingsAck() {
        return new Frame(SETTINGS, ACK, 0, new byte[0]);
    }

    static Frame ping(long data) {
        return new Frame(PING, 0, 0, ByteBuffer.allocate(8).putLong(data).array());
    }

    static Frame pong(long data) {
        return new Frame(PING, ACK, 0, ByteBuffer.allocate(8).putLong(data).array());
    }

    static Frame reset(int stream, Http2Error code) {
        return new Frame(RST_STREAM, 0, stream, four((int) code.code()));
    }

    static Frame windowUpdate(int stream, int bytes) {
        return new Frame(WINDOW_UPDATE, 0, stream, four(bytes));
    }

    static Frame priority(int stream, int dependency) {
        byte[] payload = ByteBuffer.allocate(5).putInt(dependency).put((byte) 15).array();
        return new Frame(PRIORITY, 0, stream, payload);
    }

    static Frame goAway(int lastStream, Http2Error code) {
        byte[] payload =
                ByteBuffer.allocate(8).putInt(lastStream).putInt((int) code.code()).array();
        return new Frame(GOAWAY, 0, 0, payload);
    }

    private static byte[] four(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    /// A field block of literals, in this order, whatever they are (RFC 7541 §6.2.2).
    static byte[] block(String... namesAndValues) {
        var out = new ByteArrayOutputStream();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            out.write(0);
            literal(out, namesAndValues[i]);
            literal(out, namesAndValues[i + 1]);
        }
        return out.toByteArray();
    }

    private static void literal(ByteArrayOutputStream out, String text) {
        int length = text.length();
        if (length < 127) {
            out.write(length);
        } else {
            out.write(127);
            int rest = length - 127;
            for (; rest >= 128; rest >>>= 7) out.write(rest & 127 | 128);
            out.write(rest);
        }
        out.writeBytes(text.getBytes(ISO_8859_1));
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /// Four bytes of the payload.
    int number(int at) {
        return ByteBuffer.wrap(payload).getInt(at);
    }

    Http2Error error() {
        return Http2Error.valueOf(number(type == GOAWAY ? 4 : 0));
    }

    String text() {
        return new String(payload, ISO_8859_1);
    }

    byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(9 + payload.length);
        out.putInt(payload.length << 8 | type & 0xff).put((byte) flags).putInt(stream).put(payload);
        return out.array();
    }

    static byte[] bytes(Frame... frames) {
        var out = new ByteArrayOutputStream();
        for (Frame frame : frames) out.writeBytes(frame.bytes());
        return out.toByteArray();
    }

    /// Takes a frame off the readable bytes; null if there is no whole one.
    static Frame read(ByteBuf in) {
        if (in.readableBytes() < 9) return null;
        int length = in.getUnsignedMedium(in.readerIndex());
        if (in.readableBytes() < 9 + length) return null;
        in.skipBytes(3);
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        int stream = in.readInt();
        byte[] payload = new byte[length];
        in.readBytes(payload);
        return new Frame(type, flags, stream, payload);
    }

    @Override
    public String toString() {
        return switch (type) {
            case DATA -> "DATA " + stream + " " + payload.length + (has(END_STREAM) ? " last" : "");
            case HEADERS -> "HEADERS " + stream + (has(END_STREAM) ? " last" : "");
            case RST_STREAM -> "RST_STREAM " + stream + " " + error();
            case GOAWAY -> "GOAWAY " + number(0) + " " + error();
            case WINDOW_UPDATE -> "WINDOW_UPDATE " + stream + " " + number(0);
            case SETTINGS -> has(ACK) ? "SETTINGS ack" : "SETTINGS";
            case PING -> has(ACK) ? "PING ack" : "PING";
            default -> "frame " + type + " flags " + flags + " stream " + stream;
        };
    }
}
