package bascule.http2;

import bascule.http.FieldName;
import bascule.http.Rejection;
import bascule.http1.Names;
import bascule.http1.ProtectedNames;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A field block as it comes out of the HPACK decoder, which takes this for a map of headers: nothing is kept as an object. Fields
/// become lines as HTTP/1.1 writes them, checked byte by byte, for a CR or a NUL in a value would be a second request there;
/// pseudo-fields are kept as they are, for whoever knows what has to be there. The crumbs of Cookie become one field
/// (RFC 9113 §8.2.3). One per loop, begun anew for each block; valid until the next one.
final class DecodedFields extends DefaultHttp2Headers {
    private static final int SLACK = 8; // What Names reads past the end of a name.

    private static final AsciiString METHOD = AsciiString.cached(":method");
    private static final AsciiString SCHEME = AsciiString.cached(":scheme");
    private static final AsciiString AUTHORITY = AsciiString.cached(":authority");
    private static final AsciiString PATH = AsciiString.cached(":path");
    private static final AsciiString PROTOCOL = AsciiString.cached(":protocol");
    private static final AsciiString STATUS = AsciiString.cached(":status");
    private static final AsciiString COOKIE = AsciiString.cached("cookie");
    private static final AsciiString WEBSOCKET_KEY = AsciiString.cached("sec-websocket-key");
    private static final AsciiString TRAILERS = AsciiString.cached("trailers");

    /// A token without upper case (RFC 9113 §8.2.1).
    private static final boolean[] NAME = new boolean[256];

    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHS = 0x8080_8080_8080_8080L;

    static {
        for (int b = 0; b < 128; b++)
            NAME[b] =
                    b >= 'a' && b <= 'z'
                            || b >= '0' && b <= '9'
                            || "!#$%&'*+-.^_`|~".indexOf(b) >= 0;
    }

    @Nullable AsciiString method;
    @Nullable AsciiString scheme;
    @Nullable AsciiString authority;
    @Nullable AsciiString path;
    @Nullable AsciiString protocol;
    @Nullable AsciiString status;

    /// The value of Host, which is not among the lines.
    @Nullable AsciiString host;

    /// Did `te: trailers` come? It is not among the lines, nor is there any other `te`.
    boolean acceptsTrailers;

    /// Is there a Content-Length?
    boolean hasLength;

    /// What is wrong, and beyond repair: the message is malformed (RFC 9113 §8.1.1). The first fault counts.
    @Nullable Rejection fault;

    /// Too large, or too many; nothing more was taken then.
    @Nullable Rejection excess;

    private boolean trailers;
    private boolean afterPseudo;
    private int limitBytes;
    private int limitLines;
    private int lineCount;
    private byte[] lines = new byte[4096];
    private int length;
    private byte[] cookie = new byte[1024];
    private int cookieLength;

    DecodedFields() {
        super(false, 2); // The map itself stays empty.
    }

    /// @param ofTrailers is it a trailer section? Then there is no pseudo-field, and no field that means something for what came before
    /// @param bytes most bytes of the lines, with cookies and values of pseudo-fields
    /// @param count most fields
    DecodedFields begin(boolean ofTrailers, int bytes, int count) {
        method = null;
        scheme = null;
        authority = null;
        path = null;
        protocol = null;
        status = null;
        host = null;
        acceptsTrailers = false;
        hasLength = false;
        fault = null;
        excess = null;
        trailers = ofTrailers;
        afterPseudo = false;
        limitBytes = bytes;
        limitLines = count;
        lineCount = 0;
        length = 0;
        cookieLength = 0;
        return this;
    }

    /// The lines, each with its CR LF, up to [#length()]; Cookie is the last of them. Shared, not copied.
    byte[] lines() {
        return lines;
    }

    int length() {
        return length;
    }

    /// How many lines.
    int count() {
        return lineCount;
    }

    @Override
    public Http2Headers add(CharSequence name, CharSequence value) {
        if (fault == null && excess == null) take((AsciiString) name, (AsciiString) value);
        return this;
    }

    private void take(AsciiString name, AsciiString value) {
        int nameLength = name.length();
        int valueLength = value.length();
        if (nameLength > 0 && name.byteAt(0) == ':') {
            limitBytes -= valueLength;
            if (limitBytes < 0) excess = Rejection.HEADERS_TOO_LARGE;
            else if (trailers || afterPseudo || !pseudo(name, value))
                fault = Rejection.PSEUDO_FIELD;
            return;
        }
        afterPseudo = true;
        if (length + cookieLength + nameLength + valueLength + 4 > limitBytes) {
            excess = Rejection.HEADERS_TOO_LARGE;
            return;
        }
        int needed = length + nameLength + valueLength + 4 + SLACK;
        if (needed > lines.length) lines = Arrays.copyOf(lines, Math.max(lines.length * 2, needed));
        byte[] to = lines;
        int start = length;
        int nameEnd = start + nameLength;
        System.arraycopy(name.array(), name.arrayOffset(), to, start, nameLength);
        if (!isName(to, start, nameEnd)) {
            fault = Rejection.FIELD;
            return;
        }
        to[nameEnd] = ':';
        to[nameEnd + 1] = ' ';
        int valueStart = nameEnd + 2;
        int valueEnd = valueStart + valueLength;
        System.arraycopy(value.array(), value.arrayOffset(), to, valueStart, valueLength);
        if (!isValue(to, valueStart, valueEnd)) {
            fault = Rejection.FIELD;
            return;
        }
        if (trailers && ProtectedNames.contains(to, start, nameEnd)) {
            fault = Rejection.TRAILER;
            return;
        }
        switch (Names.code(to, start, nameEnd)) {
            case FieldName.CONNECTION,
                    FieldName.KEEP_ALIVE,
                    FieldName.PROXY_CONNECTION,
                    FieldName.TRANSFER_ENCODING,
                    FieldName.UPGRADE -> {
                fault = Rejection.FIELD; // RFC 9113 §8.2.2
                return;
            }
            case FieldName.TE -> {
                if (!value.contentEqualsIgnoreCase(TRAILERS)) fault = Rejection.FIELD;
                acceptsTrailers = true;
                return;
            }
            case FieldName.HOST -> {
                if (host != null) fault = Rejection.HOST;
                host = value;
                return;
            }
            case FieldName.CONTENT_LENGTH -> hasLength = true;
            default -> {}
        }
        if (name.contentEquals(COOKIE)) {
            crumb(to, valueStart, valueEnd);
            return;
        }
        if (name.contentEquals(WEBSOCKET_KEY)) return; // It has none here, and servers get ours.
        if (lineCount == limitLines) {
            excess = Rejection.TOO_MANY_HEADERS;
            return;
        }
        to[valueEnd] = '\r';
        to[valueEnd + 1] = '\n';
        length = valueEnd + 2;
        lineCount++;
    }

    /// @return whether it is one that we know, for the first time
    private boolean pseudo(AsciiString name, AsciiString value) {
        if (name.contentEquals(METHOD)) {
            if (method != null) return false;
            method = value;
        } else if (name.contentEquals(PATH)) {
            if (path != null) return false;
            path = value;
        } else if (name.contentEquals(SCHEME)) {
            if (scheme != null) return false;
            scheme = value;
        } else if (name.contentEquals(AUTHORITY)) {
            if (authority != null) return false;
            authority = value;
        } else if (name.contentEquals(STATUS)) {
            if (status != null) return false;
            status = value;
        } else if (name.contentEquals(PROTOCOL)) {
            if (protocol != null) return false;
            protocol = value;
        } else {
            return false;
        }
        return true;
    }

    private void crumb(byte[] from, int start, int end) {
        int needed = cookieLength + end - start + 2;
        if (needed > cookie.length)
            cookie = Arrays.copyOf(cookie, Math.max(cookie.length * 2, needed));
        if (cookieLength > 0) {
            cookie[cookieLength++] = ';';
            cookie[cookieLength++] = ' ';
        }
        System.arraycopy(from, start, cookie, cookieLength, end - start);
        cookieLength += end - start;
    }

    /// After the last field: puts what was collected of Cookie behind the other lines.
    void end() {
        if (cookieLength == 0 || fault != null || excess != null) return;
        int valueLength = cookieLength;
        int most = limitBytes;
        cookieLength = 0;
        if (length + COOKIE.length() + valueLength + 4 > most) {
            excess = Rejection.HEADERS_TOO_LARGE;
            return;
        }
        put(COOKIE, cookie, 0, valueLength);
    }

    /// Adds a line of our own.
    void put(AsciiString name, byte[] value, int start, int end) {
        int needed = length + name.length() + end - start + 4 + SLACK;
        if (needed > lines.length) lines = Arrays.copyOf(lines, Math.max(lines.length * 2, needed));
        System.arraycopy(name.array(), name.arrayOffset(), lines, length, name.length());
        length += name.length();
        lines[length++] = ':';
        lines[length++] = ' ';
        System.arraycopy(value, start, lines, length, end - start);
        length += end - start;
        lines[length++] = '\r';
        lines[length++] = '\n';
        lineCount++;
    }

    private static boolean isName(byte[] bytes, int start, int end) {
        if (start == end) return false;
        for (int at = start; at < end; at++) if (!NAME[bytes[at] & 0xff]) return false;
        return true;
    }

    static boolean isNameByte(byte b) {
        return NAME[b & 0xff];
    }

    /// No control byte but HTAB, and no blank at either end (RFC 9113 §8.2.1, RFC 9110 §5.5).
    static boolean isValue(byte[] bytes, int start, int end) {
        if (start == end) return true;
        if (isBlank(bytes[start]) || isBlank(bytes[end - 1])) return false;
        int at = start;
        for (; end - at >= 8; at += 8) {
            long word = (long) LONG.get(bytes, at);
            long delete = word ^ 0x7f * ONES;
            // A borrow can spoil only the places above a hit; then the bytes are looked at one by
            // one.
            long hits = ((word - 0x20 * ONES) & ~word | (delete - ONES) & ~delete) & HIGHS;
            if (hits != 0 && !isText(bytes, at, at + 8)) return false;
        }
        return isText(bytes, at, end);
    }

    private static boolean isText(byte[] bytes, int start, int end) {
        for (int at = start; at < end; at++) {
            byte b = bytes[at];
            if (b >= 0 && b < 0x20 && b != '\t' || b == 0x7f) return false;
        }
        return true;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
