package bascule.http1;

import static bascule.http1.Bytes.TOKEN;
import static bascule.http1.Bytes.isDigit;
import static bascule.http1.Bytes.isLetter;
import static bascule.http1.Bytes.lowerWord;
import static bascule.http1.Bytes.word;
import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.FieldName;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestHead;
import bascule.http.RequestHead.TargetForm;
import io.netty.buffer.ByteBuf;

/// Reads the head of a request (RFC 9112 §3, §5, §6) in one pass over one copy. In doubt it refuses: what two parsers
/// could read differently never reaches a server. One per event loop; no allocation, no exception.
///
/// A fault is reported in the order of the bytes, and never depends on how the input was cut: whatever is reported for
/// a prefix is reported for the whole.
public final class RequestParser {
    public static final int NEED_MORE = 0;

    /// A head is rarely longer; so little is copied of a body behind it, or of the requests that wait there.
    private static final int WINDOW = 2048;

    private static final int LONGEST_METHOD = 32;

    private static final long HTTP_1_0 = word("HTTP/1.0");
    private static final long HTTP_1_1 = word("HTTP/1.1");
    private static final byte[] VERSION_LINE = "HTTP/d.d\r\n".getBytes(US_ASCII);
    private static final long HTTP_SCHEME = word("http://");
    private static final long HTTPS_SCHEME = word("https://");
    private static final byte[] H2C = "h2c".getBytes(US_ASCII);
    private static final byte[] TRAILERS = "trailers".getBytes(US_ASCII);
    private static final byte[] CONTINUE = "100-continue".getBytes(US_ASCII);

    private static final long GET = word("GET");
    private static final long PUT = word("PUT");
    private static final long HEAD = word("HEAD");
    private static final long POST = word("POST");
    private static final long PATCH = word("PATCH");
    private static final long TRACE = word("TRACE");
    private static final long DELETE = word("DELETE");
    private static final long OPTIONS = word("OPTIONS");
    private static final long CONNECT = word("CONNECT");

    /// Bytes of a path that mean nothing by themselves, and those of a query.
    private static final boolean[] PATH = new boolean[256];

    private static final boolean[] QUERY = new boolean[256];

    static {
        for (int b = 0x21; b < 0x7f; b++) {
            QUERY[b] = b != '#';
            PATH[b] = b != '#' && b != '?' && b != '.' && b != '%' && b != '\\';
        }
    }

    private static final Rejection[] REJECTIONS = Rejection.values();

    private final FieldSection section = new FieldSection();

    /// Why a code below 0 was returned.
    public static Rejection rejection(int code) {
        return REJECTIONS[-1 - code];
    }

    @SuppressWarnings("EnumOrdinal") // A code lives no longer than the answer to it.
    private static int refuse(Rejection rejection) {
        return -1 - rejection.ordinal();
    }

    /// Reads a head that starts at the reader index, which stays where it is. One empty line before it is tolerated
    /// (RFC 9112 §2.2) and counts with it. After [#NEED_MORE] it is called again with the same bytes and more.
    ///
    /// @param head filled if a length is returned; else its content means nothing
    /// @return the length of the head; or [#NEED_MORE]; or a code below 0 for [#rejection(int)]
    public int parse(ByteBuf in, HeadLimits limits, RequestHead head) {
        int most = Math.min(limits.headBytes(), head.fields.capacityBytes());
        int available = Math.min(in.readableBytes(), most);
        int taken = Math.min(available, WINDOW);
        int result = parse(in, taken, limits, head);
        if (result == NEED_MORE && taken < available) result = parse(in, available, limits, head);
        return result == NEED_MORE && available == most
                ? refuse(Rejection.HEADERS_TOO_LARGE)
                : result;
    }

    private int parse(ByteBuf in, int length, HeadLimits limits, RequestHead head) {
        HeaderBlock fields = head.fields;
        byte[] bytes = fields.bytes();
        Bytes.take(in, length, bytes);

        int at = requestLine(bytes, length, limits.requestLineBytes(), head);
        if (at <= 0) return at;
        int end =
                section.read(
                        fields, at, length, Math.min(limits.headerCount(), fields.capacityLines()));
        if (end <= 0) {
            if (end == NEED_MORE) return NEED_MORE;
            return refuse(
                    end == FieldSection.TOO_MANY ? Rejection.TOO_MANY_HEADERS : Rejection.FIELD);
        }
        head.length = end;
        return meaning(head);
    }

    /// @return where the fields start, [#NEED_MORE], or a code below 0
    private static int requestLine(byte[] bytes, int end, int limit, RequestHead head) {
        int at = 0;
        if (bytes[0] == '\r') {
            if (end == 1) return NEED_MORE;
            if (bytes[1] != '\n') return refuse(Rejection.REQUEST_LINE);
            at = 2;
        }
        int last = at + limit; // Where the CR stands at the latest.

        int methodStart = at;
        while (TOKEN[bytes[at] & 0xff]) at++;
        if (at - methodStart > Math.min(limit, LONGEST_METHOD))
            return refuse(
                    limit < LONGEST_METHOD
                            ? Rejection.REQUEST_LINE_TOO_LONG
                            : Rejection.REQUEST_LINE);
        if (bytes[at] != ' ' || at == methodStart)
            return at == end ? NEED_MORE : refuse(Rejection.REQUEST_LINE);
        head.methodStart = methodStart;
        head.methodEnd = at;

        int targetStart = ++at;
        boolean plain = true; // Does the path read as it is written?
        for (; ; at++) {
            while (PATH[bytes[at] & 0xff]) at++;
            byte b = bytes[at];
            if (b == '%' || b == '\\' || b == '.' && bytes[at - 1] == '/') plain = false;
            else if (b != '.') break;
        }
        int pathEnd = at;
        if (bytes[at] == '?') while (QUERY[bytes[at] & 0xff]) at++;
        if (at > last) return refuse(Rejection.REQUEST_LINE_TOO_LONG);
        if (bytes[at] != ' ' || at == targetStart) {
            if (at == end) return NEED_MORE;
            // No version, as in HTTP/0.9; or two spaces.
            boolean cut = bytes[at] == '\r' || bytes[at] == ' ';
            return refuse(cut ? Rejection.REQUEST_LINE : Rejection.TARGET);
        }
        int targetEnd = at++;
        head.targetStart = targetStart;
        head.targetEnd = targetEnd;

        if (at + VERSION_LINE.length > end || at + 8 > last) return version(bytes, at, end, last);
        long version = word(bytes, at);
        if (version != HTTP_1_1 && version != HTTP_1_0
                || bytes[at + 8] != '\r'
                || bytes[at + 9] != '\n') return version(bytes, at, end, last);
        head.minorVersion = version == HTTP_1_1 ? 1 : 0;
        head.http2 = false;
        at += VERSION_LINE.length;

        Method method = method(bytes, methodStart, targetStart - 1 - methodStart);
        head.method = method;
        if (method == Method.CONNECT || method == Method.TRACE) return refuse(Rejection.METHOD);
        return target(bytes, pathEnd, plain, head) ? at : refuse(Rejection.TARGET);
    }

    /// What to say of a version that is cut short, or wrong from some byte on.
    private static int version(byte[] bytes, int at, int end, int last) {
        for (int i = 0; i < VERSION_LINE.length; i++) {
            if (i == 8 && word(bytes, at) != HTTP_1_1 && word(bytes, at) != HTTP_1_0)
                return refuse(Rejection.VERSION);
            if (i <= 8 && at + i > last) return refuse(Rejection.REQUEST_LINE_TOO_LONG);
            if (at + i == end) return NEED_MORE;
            byte expected = VERSION_LINE[i];
            if (expected == 'd' ? !isDigit(bytes[at + i]) : bytes[at + i] != expected)
                return refuse(Rejection.REQUEST_LINE);
        }
        throw new AssertionError("a good version, which the caller knows");
    }

    private static Method method(byte[] bytes, int start, int length) {
        if (length < 3 || length > 7) return Method.OTHER;
        long word = word(bytes, start) & -1L >>> 64 - 8 * length; // Case counts in a method.
        if (word == GET) return Method.GET;
        if (word == POST) return Method.POST;
        if (word == HEAD) return Method.HEAD;
        if (word == PUT) return Method.PUT;
        if (word == DELETE) return Method.DELETE;
        if (word == OPTIONS) return Method.OPTIONS;
        if (word == PATCH) return Method.PATCH;
        if (word == TRACE) return Method.TRACE;
        if (word == CONNECT) return Method.CONNECT;
        return Method.OTHER;
    }

    /// Sets form, path and, from the absolute form, the host (RFC 9112 §3.2).
    ///
    /// @param pathEnd the question mark, or the end of the target
    private static boolean target(byte[] bytes, int pathEnd, boolean plain, RequestHead head) {
        int pathStart = head.targetStart;
        if (bytes[pathStart] == '/') {
            head.form = TargetForm.ORIGIN;
        } else if (isLetter(bytes[pathStart])) {
            head.form = TargetForm.ABSOLUTE;
            boolean http = lowerWord(bytes, pathStart, 7) == HTTP_SCHEME;
            if (!http && lowerWord(bytes, pathStart) != HTTPS_SCHEME) return false;
            head.hostStart = pathStart += http ? 7 : 8;
            while (pathStart < pathEnd && bytes[pathStart] != '/') pathStart++;
            head.authorityEnd = pathStart;
            head.hostEnd = HostParser.hostEnd(bytes, head.hostStart, pathStart);
            if (head.hostEnd < 0) return false;
        } else {
            head.form = TargetForm.ASTERISK;
            if (bytes[pathStart] != '*'
                    || head.targetEnd - pathStart != 1
                    || head.method != Method.OPTIONS) return false;
        }
        head.pathStart = pathStart;
        head.pathEnd = pathEnd;
        if (plain && pathStart < pathEnd) {
            head.routePath = bytes;
            head.routePathStart = pathStart;
            head.routePathEnd = pathEnd;
            return true;
        }
        head.routePath = head.decodedPath;
        head.routePathStart = 0;
        if (pathStart == pathEnd) {
            head.decodedPath[0] = '/';
            head.routePathEnd = 1;
        } else {
            head.routePathEnd =
                    PathNormalizer.normalize(bytes, pathStart, pathEnd, head.decodedPath);
        }
        return head.routePathEnd > 0;
    }

    /// What the fields mean: framing, host, connection.
    ///
    /// @return the length of the head, or a code below 0
    private int meaning(RequestHead head) {
        HeaderBlock fields = head.fields;
        boolean current = head.minorVersion == 1;

        long length = section.contentLength(fields);
        boolean chunked = section.has(FieldName.TRANSFER_ENCODING);
        if (length == FieldSection.MALFORMED) return refuse(Rejection.FRAMING);
        if (chunked && (length != FieldSection.ABSENT || !current || !section.chunkedAlone(fields)))
            return refuse(Rejection.FRAMING);
        head.chunked = chunked;
        head.contentLength = chunked ? -1 : Math.max(length, 0);

        if (!host(head)) return refuse(Rejection.HOST);

        int options = section.connectionOptions(fields);
        if (options == FieldSection.MALFORMED) return refuse(Rejection.FIELD);
        head.keepAlive =
                (options & FieldSection.CLOSE) == 0
                        && (current || (options & FieldSection.KEEP_ALIVE) != 0);
        head.acceptsTrailers =
                current
                        && (options & FieldSection.TE) != 0
                        && section.lists(fields, FieldName.TE, TRAILERS);
        head.upgradeLine =
                current && (options & FieldSection.UPGRADE) != 0 ? upgradeLine(fields) : -1;
        head.expectContinue = section.has(FieldName.EXPECT) && expectsContinue(head);
        return head.length;
    }

    /// Checks Host, and takes the host from it unless the target has said it (RFC 9112 §3.2).
    private boolean host(RequestHead head) {
        HeaderBlock fields = head.fields;
        boolean absolute = head.form == TargetForm.ABSOLUTE;
        if (!section.has(FieldName.HOST)) {
            if (head.minorVersion == 1) return false;
            if (!absolute) head.hostStart = head.hostEnd = head.authorityEnd = 0;
            return true;
        }
        if (section.repeats(FieldName.HOST)) return false;
        int line = section.first(FieldName.HOST);
        byte[] bytes = fields.bytes();
        int start = fields.valueStart(line);
        int authorityEnd = fields.valueEnd(line);
        int end = HostParser.hostEnd(bytes, start, authorityEnd);
        if (end < 0) return false;
        if (absolute) {
            int usual = (bytes[head.targetStart + 4] | 0x20) == 's' ? 443 : 80;
            return HostParser.sameHost(bytes, head.hostStart, head.hostEnd, start, end)
                    && HostParser.port(bytes, head.hostEnd, head.authorityEnd, usual)
                            == HostParser.port(bytes, end, authorityEnd, usual);
        }
        head.hostStart = start;
        head.hostEnd = end;
        head.authorityEnd = authorityEnd;
        return true;
    }

    /// The first Upgrade line, if nothing speaks against passing it on: a list of protocols, and h2c not among them.
    private int upgradeLine(HeaderBlock fields) {
        if (!section.has(FieldName.UPGRADE) || section.lists(fields, FieldName.UPGRADE, H2C))
            return -1;
        int line = section.first(FieldName.UPGRADE);
        byte[] bytes = fields.bytes();
        int end = fields.valueEnd(line);
        int at = fields.valueStart(line);
        if (at == end) return -1;
        for (; at < end; at++) {
            byte b = bytes[at];
            if (!Bytes.isToken(b) && !Bytes.isBlank(b) && b != '/' && b != ',') return -1;
        }
        return line;
    }

    /// `100-continue` counts where a body will follow, and never in HTTP/1.0, where it does not go on either (RFC 9110
    /// §10.1.1). An expectation that we do not know is the server's business.
    private boolean expectsContinue(RequestHead head) {
        HeaderBlock fields = head.fields;
        if (head.minorVersion == 1)
            return head.hasBody() && section.lists(fields, FieldName.EXPECT, CONTINUE);
        for (int line = section.first(FieldName.EXPECT);
                line >= 0;
                line = section.next(fields, FieldName.EXPECT, line)) fields.nominate(line);
        return false;
    }
}
