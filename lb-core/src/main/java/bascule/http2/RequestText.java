package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import bascule.http.Rejection;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.AsciiString;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The head of an HTTP/2 request as HTTP/1.1 writes it (RFC 9113 §8.3, RFC 8441 §4). What would mean something else there, or
/// nothing, never gets that far; the rest is for the one strict parser to judge. One per loop.
final class RequestText {
    private static final byte[] VERSION_AND_HOST = " HTTP/1.1\r\nHost: ".getBytes(US_ASCII);
    private static final byte[] CHUNKED = "Transfer-Encoding: chunked\r\n".getBytes(US_ASCII);
    private static final byte[] NO_CONTENT = "Content-Length: 0\r\n".getBytes(US_ASCII);
    private static final byte[] TE = "TE: trailers\r\nConnection: TE\r\n".getBytes(US_ASCII);
    private static final byte[] WEBSOCKET =
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ".getBytes(US_ASCII);
    private static final AsciiString GET = AsciiString.cached("GET");
    private static final AsciiString POST = AsciiString.cached("POST");
    private static final AsciiString PUT = AsciiString.cached("PUT");
    private static final AsciiString PATCH = AsciiString.cached("PATCH");
    private static final AsciiString CONNECT = AsciiString.cached("CONNECT");
    private static final AsciiString OPTIONS = AsciiString.cached("OPTIONS");
    private static final AsciiString WEBSOCKET_PROTOCOL = AsciiString.cached("websocket");

    /// What all that is added takes beside the client's own bytes.
    private static final int ADDED_BYTES = 256;

    private byte[] bytes = new byte[4096];
    private int length;

    /// Looks at the pseudo-fields.
    ///
    /// @return what is wrong; [Rejection#PROTOCOL] and what is too much are to be answered, all else makes the request malformed
    ///     (RFC 9113 §8.1.1)
    @Nullable Rejection check(DecodedFields fields) {
        if (fields.fault != null) return fields.fault;
        if (fields.excess != null) return fields.excess;
        AsciiString method = fields.method;
        AsciiString path = fields.path;
        AsciiString scheme = fields.scheme;
        if (method == null || path == null || scheme == null || fields.status != null)
            return Rejection.PSEUDO_FIELD; // CONNECT without :protocol has no path.
        if (!isToken(method)) return Rejection.REQUEST_LINE;
        boolean connect = method.contentEquals(CONNECT);
        if (connect != (fields.protocol != null)) return Rejection.PSEUDO_FIELD;
        int usualPort = usualPort(scheme);
        if (usualPort == 0 || !isTarget(path)) return Rejection.TARGET;
        boolean origin = path.byteAt(0) == '/';
        boolean asterisk = path.length() == 1 && path.byteAt(0) == '*';
        if (!origin && !(asterisk && method.contentEquals(OPTIONS))) return Rejection.TARGET;
        AsciiString authority = fields.authority;
        AsciiString host = fields.host;
        if (authority != null && !isTarget(authority)) return Rejection.HOST;
        if (authority == null && (host == null || !isTarget(host))) return Rejection.HOST;
        if (authority != null && host != null && !same(authority, host, usualPort))
            return Rejection.HOST;
        AsciiString protocol = fields.protocol;
        return protocol == null || protocol.contentEqualsIgnoreCase(WEBSOCKET_PROTOCOL)
                ? null
                : Rejection.PROTOCOL;
    }

    private static int usualPort(AsciiString scheme) {
        if (scheme.contentEqualsIgnoreCase("https")) return 443;
        return scheme.contentEqualsIgnoreCase("http") ? 80 : 0;
    }

    private static boolean isToken(AsciiString text) {
        for (int i = 0; i < text.length(); i++) {
            byte b = text.byteAt(i);
            if (!DecodedFields.isNameByte(Ascii.lower(b))) return false;
        }
        return !text.isEmpty();
    }

    /// Bytes that may stand between two blanks of a request line, or in Host, one at least; which ones may stand where is the parser's
    /// business.
    private static boolean isTarget(AsciiString text) {
        for (int i = 0; i < text.length(); i++) {
            byte b = text.byteAt(i);
            if (b <= ' ' || b == 0x7f) return false;
        }
        return !text.isEmpty();
    }

    /// Do they name the same, whatever the case, and whether or not one of them says the usual port?
    private static boolean same(AsciiString one, AsciiString other, int usualPort) {
        return one.contentEqualsIgnoreCase(other)
                || withoutPort(one, usualPort)
                        .contentEqualsIgnoreCase(withoutPort(other, usualPort));
    }

    private static AsciiString withoutPort(AsciiString authority, int usualPort) {
        String port = ":" + usualPort;
        int end = authority.length() - port.length();
        return end > 0 && authority.regionMatches(false, end, port, 0, port.length())
                ? authority.subSequence(0, end, false)
                : authority;
    }

    /// Writes the head of a request that [#check] has passed.
    ///
    /// @param last is there no body?
    /// @param key of the WebSocket, or null
    /// @return a buffer with headroom, and room for a little more
    ByteBuf write(
            DecodedFields fields, boolean last, byte @Nullable [] key, ByteBufAllocator allocator) {
        AsciiString authority = fields.authority == null ? fields.host : fields.authority;
        AsciiString method = fields.method;
        AsciiString path = fields.path;
        if (authority == null || method == null || path == null)
            throw new IllegalStateException("not checked");
        int most =
                method.length()
                        + path.length()
                        + authority.length()
                        + fields.length()
                        + ADDED_BYTES;
        if (bytes.length < most) bytes = new byte[most];
        length = 0;
        put(key == null ? method : GET);
        bytes[length++] = ' ';
        put(path);
        put(VERSION_AND_HOST);
        put(authority);
        crlf();
        System.arraycopy(fields.lines(), 0, bytes, length, fields.length());
        length += fields.length();
        if (key != null) {
            put(WEBSOCKET);
            put(key);
            crlf();
        } else {
            if (!fields.hasLength) {
                if (!last) put(CHUNKED);
                else if (mostlyHasContent(method)) put(NO_CONTENT);
            }
            if (fields.acceptsTrailers) put(TE);
        }
        crlf();
        ByteBuf out = ReceiveBuffers.allocate(allocator, last ? length : length + ADDED_BYTES);
        return out.writeBytes(bytes, 0, length);
    }

    /// RFC 9110 §8.6: then the length is said even of nothing. Some servers insist.
    private static boolean mostlyHasContent(AsciiString method) {
        return method.contentEquals(POST)
                || method.contentEquals(PUT)
                || method.contentEquals(PATCH);
    }

    private void put(AsciiString text) {
        System.arraycopy(text.array(), text.arrayOffset(), bytes, length, text.length());
        length += text.length();
    }

    private void put(byte[] text) {
        System.arraycopy(text, 0, bytes, length, text.length);
        length += text.length;
    }

    private void crlf() {
        bytes[length++] = '\r';
        bytes[length++] = '\n';
    }

    /// The lines of a trailer section, each with its CR LF, as chunked framing ends with them.
    static byte[] trailers(DecodedFields fields) {
        return Arrays.copyOf(fields.lines(), fields.length());
    }
}
