package bascule.http1;

import static bascule.http1.Bytes.isDigit;
import static bascule.http1.Bytes.word;
import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.FieldName;
import bascule.http.Framing;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.ResponseHead;
import io.netty.buffer.ByteBuf;

/// Reads the head of a response (RFC 9112 §4, §5, §6), as strictly as [RequestParser] reads a request's: a server that
/// a client can make confused is half of an attack. One per event loop; no allocation, no exception.
public final class ResponseParser {
    public static final int NEED_MORE = 0;
    public static final int MALFORMED = -1;

    private static final int WINDOW = 2048;

    private static final long HTTP_1_0 = word("HTTP/1.0");
    private static final long HTTP_1_1 = word("HTTP/1.1");
    private static final byte[] VERSION = "HTTP/1.".getBytes(US_ASCII);

    private final FieldSection section = new FieldSection();

    /// Reads a head that starts at the reader index, which stays where it is. After [#NEED_MORE] it is called again
    /// with the same bytes and more.
    ///
    /// @param requestMethod of the request that is answered: the answer to HEAD has no body
    /// @param head filled if a length is returned; else its content means nothing
    /// @return the length of the head, [#NEED_MORE] or [#MALFORMED]
    public int parse(ByteBuf in, HeadLimits limits, Method requestMethod, ResponseHead head) {
        int most = Math.min(limits.headBytes(), head.fields.capacityBytes());
        int available = Math.min(in.readableBytes(), most);
        int taken = Math.min(available, WINDOW);
        int result = parse(in, taken, limits, requestMethod, head);
        if (result == NEED_MORE && taken < available)
            result = parse(in, available, limits, requestMethod, head);
        return result == NEED_MORE && available == most ? MALFORMED : result;
    }

    private int parse(
            ByteBuf in, int length, HeadLimits limits, Method requestMethod, ResponseHead head) {
        HeaderBlock fields = head.fields;
        byte[] bytes = fields.bytes();
        Bytes.take(in, length, bytes);

        int at = statusLine(bytes, length, head);
        if (at <= 0) return at;
        int end =
                section.read(
                        fields, at, length, Math.min(limits.headerCount(), fields.capacityLines()));
        if (end <= 0) return end == FieldSection.NEED_MORE ? NEED_MORE : MALFORMED;
        head.length = end;
        return meaning(requestMethod, head) ? end : MALFORMED;
    }

    /// @return where the fields start, [#NEED_MORE] or [#MALFORMED]
    private static int statusLine(byte[] bytes, int end, ResponseHead head) {
        long version = word(bytes, 0);
        // Not yet `HTTP/1.1 200` with its space or CR?
        if (end < 13) return isPrefix(bytes, end) ? NEED_MORE : MALFORMED;
        if (version != HTTP_1_1 && version != HTTP_1_0) return MALFORMED;
        byte hundreds = bytes[9];
        if (bytes[8] != ' '
                || hundreds < '1'
                || hundreds > '5'
                || !isDigit(bytes[10])
                || !isDigit(bytes[11])) return MALFORMED;
        head.minorVersion = version == HTTP_1_1 ? 1 : 0;
        head.status = 100 * (hundreds - '0') + 10 * (bytes[10] - '0') + bytes[11] - '0';
        int at = 12;
        // The space is due even without a reason; not all know.
        if (bytes[at] == ' ') at++;
        else if (bytes[at] != '\r') return MALFORMED;
        head.reasonStart = at;
        while (bytes[at = Bytes.indexOfControl(bytes, at)] == '\t') at++;
        head.reasonEnd = at;
        if (bytes[at] != '\r') return at == end ? NEED_MORE : MALFORMED;
        if (at + 1 == end) return NEED_MORE;
        return bytes[at + 1] == '\n' ? at + 2 : MALFORMED;
    }

    /// May the first bytes, fewer than 13, become a status line?
    private static boolean isPrefix(byte[] bytes, int end) {
        for (int at = 0; at < end; at++) {
            byte b = bytes[at];
            boolean fits =
                    switch (at) {
                        case 7 -> b == '0' || b == '1';
                        case 8 -> b == ' ';
                        case 9 -> b >= '1' && b <= '5';
                        case 10, 11 -> isDigit(b);
                        default -> b == VERSION[at];
                    };
            if (!fits) return false;
        }
        return true;
    }

    /// What the fields mean: framing (RFC 9112 §6.3) and connection.
    private boolean meaning(Method requestMethod, ResponseHead head) {
        HeaderBlock fields = head.fields;
        int status = head.status;
        boolean current = head.minorVersion == 1;
        boolean chunked = section.has(FieldName.TRANSFER_ENCODING);
        // Neither a body nor a word about its length.
        boolean bare = status < 200 || status == 204;

        long length = section.contentLength(fields);
        if (length == FieldSection.MALFORMED) return false;
        if (chunked
                && (length != FieldSection.ABSENT
                        || !current
                        || bare
                        || !section.chunkedAlone(fields))) return false;

        int options = section.connectionOptions(fields);
        if (options == FieldSection.MALFORMED) return false;
        head.keepAlive =
                (options & FieldSection.CLOSE) == 0
                        && (current || (options & FieldSection.KEEP_ALIVE) != 0);
        head.upgradeLine = -1;
        head.contentLength = length;

        if (bare) {
            head.framing = Framing.NONE;
            head.contentLength = -1;
            if (length != FieldSection.ABSENT)
                fields.nominate(section.first(FieldName.CONTENT_LENGTH));
            // Who announces such a body may well send it.
            if (length > 0) head.keepAlive = false;
            if (status != 101) return true;
            head.keepAlive = false;
            if (!section.has(FieldName.UPGRADE)
                    || (options & FieldSection.UPGRADE) == 0
                    || !current) return false;
            head.upgradeLine = section.first(FieldName.UPGRADE);
        } else if (requestMethod == Method.HEAD || status == 304) {
            head.framing = Framing.NONE;
        } else if (chunked) {
            head.framing = Framing.CHUNKED;
        } else if (length >= 0) {
            head.framing = length == 0 ? Framing.NONE : Framing.LENGTH;
        } else {
            head.framing = Framing.UNTIL_CLOSE;
            head.keepAlive = false;
        }
        return true;
    }
}
