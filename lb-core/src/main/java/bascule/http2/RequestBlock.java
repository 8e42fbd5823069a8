package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import bascule.http.FieldName;
import bascule.http1.Names;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/// The head of a request that crosses the seam as HTTP/1.1, read so far that it can be written as a field block (RFC 9113 §8.3, RFC 8441
/// §4). It is one that we wrote ourselves, so its lines are clean and its framing is certain. One per loop.
final class RequestBlock {
    private static final int NO_HEAD = -1;

    /// What [Names] reads past the end of a name.
    private static final int SLACK = 8;

    private static final byte[] GET = "GET".getBytes(US_ASCII);
    private static final byte[] POST = "POST".getBytes(US_ASCII);
    private static final byte[] CONNECT = "CONNECT".getBytes(US_ASCII);
    private static final byte[] WEBSOCKET = "websocket".getBytes(US_ASCII);
    private static final byte[] WEBSOCKET_KEY = "sec-websocket-key".getBytes(US_ASCII);
    private static final byte[] PROTOCOL = ":protocolwebsocket".getBytes(US_ASCII);
    private static final byte[] TE = "tetrailers".getBytes(US_ASCII);

    private byte[] bytes = new byte[4096];
    private int length;
    private int targetStart;
    private int targetEnd;
    private int methodEnd;
    private int fieldsStart;
    private int hostStart;
    private int hostEnd;
    private int keyStart;
    private int keyEnd;
    private boolean chunked;
    private boolean hasBody;
    private boolean takesTrailers;
    private boolean webSocket;

    /// Reads the head that starts at the reader index, which stays where it is.
    ///
    /// @return its length, or -1 if none is there
    int read(ByteBuf in) {
        length = length(in);
        if (length < 0) return NO_HEAD;
        if (bytes.length < length + SLACK)
            bytes = new byte[Math.max(length + SLACK, bytes.length * 2)];
        in.getBytes(in.readerIndex(), bytes, 0, length);
        methodEnd = indexOf((byte) ' ', 0);
        targetStart = methodEnd + 1;
        targetEnd = indexOf((byte) ' ', targetStart);
        fieldsStart = indexOf((byte) '\n', targetEnd) + 1;
        hostStart = 0;
        hostEnd = 0;
        keyStart = 0;
        keyEnd = 0;
        chunked = false;
        hasBody = false;
        takesTrailers = false;
        webSocket = false;
        for (int at = fieldsStart; at < length - 2; at = line(at)) {}
        return length;
    }

    private static int length(ByteBuf in) {
        int start = in.readerIndex();
        int end = in.writerIndex();
        int at = start;
        while (true) {
            int lf = in.indexOf(at, end, (byte) '\n');
            if (lf < 0) return NO_HEAD;
            if (lf == at + 1 && at > start) return lf + 1 - start;
            at = lf + 1;
        }
    }

    private int indexOf(byte wanted, int from) {
        int at = from;
        while (bytes[at] != wanted) at++;
        return at;
    }

    /// Notes what one line means.
    ///
    /// @return where the next one starts
    private int line(int start) {
        int nameEnd = indexOf((byte) ':', start);
        int end = lineEnd(nameEnd);
        switch (Names.code(bytes, start, nameEnd)) {
            case FieldName.HOST -> {
                hostStart = valueStart(nameEnd, end);
                hostEnd = valueEnd(hostStart, end);
            }
            case FieldName.TRANSFER_ENCODING -> {
                chunked = true;
                hasBody = true;
            }
            case FieldName.CONTENT_LENGTH -> {
                for (int at = valueStart(nameEnd, end); at < end; at++)
                    hasBody |= bytes[at] >= '1' && bytes[at] <= '9';
            }
            case FieldName.TE -> takesTrailers = true;
            case FieldName.UPGRADE -> webSocket = lists(valueStart(nameEnd, end), end);
            default -> {
                if (!Ascii.equalsIgnoreCase(bytes, start, nameEnd, WEBSOCKET_KEY)) break;
                keyStart = valueStart(nameEnd, end);
                keyEnd = valueEnd(keyStart, end);
            }
        }
        return end + 2;
    }

    /// Does an Upgrade field list WebSocket?
    private boolean lists(int start, int end) {
        for (int at = start; at < end; at++) {
            int from = at;
            while (at < end && bytes[at] != ',') at++;
            while (from < at && isBlank(bytes[from])) from++;
            if (Ascii.equalsIgnoreCase(bytes, from, valueEnd(from, at), WEBSOCKET)) return true;
        }
        return false;
    }

    private int lineEnd(int from) {
        int at = from;
        while (bytes[at] != '\r' || bytes[at + 1] != '\n') at++;
        return at;
    }

    private int valueStart(int nameEnd, int end) {
        int at = nameEnd + 1;
        while (at < end && isBlank(bytes[at])) at++;
        return at;
    }

    private int valueEnd(int start, int end) {
        int at = end;
        while (at > start && isBlank(bytes[at - 1])) at--;
        return at;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    /// Is the body in chunks?
    boolean chunked() {
        return chunked;
    }

    boolean hasBody() {
        return hasBody;
    }

    /// Does it ask for a WebSocket, in place of a response?
    boolean webSocket() {
        return webSocket && keyEnd > keyStart;
    }

    /// The client's key of that WebSocket.
    byte[] key() {
        return Arrays.copyOfRange(bytes, keyStart, keyEnd);
    }

    /// Writes what was read last. Any upgrade but that to WebSocket is left out: a server may ignore it (RFC 9110 §7.8).
    ///
    /// @param secure what `:scheme` says
    void write(HpackWriter block, boolean secure) {
        boolean connect = webSocket();
        if (connect) block.named(HpackWriter.METHOD, CONNECT, 0, CONNECT.length);
        else if (is(GET, 0, methodEnd)) block.indexed(HpackWriter.METHOD_GET);
        else if (is(POST, 0, methodEnd)) block.indexed(HpackWriter.METHOD_POST);
        else block.named(HpackWriter.METHOD, bytes, 0, methodEnd);
        if (connect) block.field(PROTOCOL, 0, 9, 9, PROTOCOL.length);
        block.indexed(secure ? HpackWriter.SCHEME_HTTPS : HpackWriter.SCHEME_HTTP);
        if (targetEnd - targetStart == 1 && bytes[targetStart] == '/')
            block.indexed(HpackWriter.PATH_ROOT);
        else block.named(HpackWriter.PATH, bytes, targetStart, targetEnd);
        block.named(HpackWriter.AUTHORITY, bytes, hostStart, hostEnd);
        for (int at = fieldsStart; at < length - 2; ) {
            int nameEnd = indexOf((byte) ':', at);
            int end = lineEnd(nameEnd);
            int valueStart = valueStart(nameEnd, end);
            if (keeps(at, nameEnd, connect))
                block.field(bytes, at, nameEnd, valueStart, valueEnd(valueStart, end));
            at = end + 2;
        }
        if (takesTrailers) block.field(TE, 0, 2, 2, TE.length);
    }

    private boolean is(byte[] word, int start, int end) {
        return Arrays.equals(bytes, start, end, word, 0, word.length);
    }

    /// Is the line not about a connection of HTTP/1.1 (RFC 9113 §8.2.2), or said otherwise?
    private boolean keeps(int start, int nameEnd, boolean connect) {
        return switch (Names.code(bytes, start, nameEnd)) {
            case FieldName.HOST,
                    FieldName.CONNECTION,
                    FieldName.KEEP_ALIVE,
                    FieldName.PROXY_CONNECTION,
                    FieldName.TRANSFER_ENCODING,
                    FieldName.UPGRADE,
                    FieldName.HTTP2_SETTINGS,
                    FieldName.TE ->
                    false;
            default -> !connect || !Ascii.equalsIgnoreCase(bytes, start, nameEnd, WEBSOCKET_KEY);
        };
    }
}
