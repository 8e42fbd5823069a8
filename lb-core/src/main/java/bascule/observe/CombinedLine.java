package bascule.observe;

import bascule.config.AccessLogFormat;
import org.jspecify.annotations.Nullable;

/// A line in the combined format of the NCSA server, as Apache and nginx write it, so that programs which read theirs read ours;
/// behind it what that format has no place for, as `key=value`. One line, broken here:
///
/// ```
/// 192.0.2.1 - - [20/Nov/2026:08:17:49 +0000] "GET /a?b=c HTTP/1.1" 200 4032 "https://example.org/" "curl/8.14.1"
///     host="www.example.org" request_id="5f3a" listener="http" backend="web" server="10.0.1.11:80"
///     queue_ms=0.000 connect_ms=1.234 first_byte_ms=12.040 total_ms=15.002 retries=0 reused=false upgraded=false reason=complete
/// ```
///
/// | place | value | nginx |
/// |---|---|---|
/// | 1 | the client's address, without its port | `$remote_addr` |
/// | 2, 3 | always `-` | `-`, `$remote_user` |
/// | 4 | when the head was complete; UTC | `$time_local` |
/// | 5 | method, target and version as received; `-` where the head could not be read | `$request` |
/// | 6 | the status as sent to the client; 499 if nothing was | `$status` |
/// | 7 | bytes to the client but for heads; chunks count with their framing | `$body_bytes_sent` |
/// | 8, 9 | the fields as received, `-` if there is none; of several the first | `$http_referer`, `$http_user_agent` |
///
/// Then all keys, in the order above; what they mean is said at [JsonLine]. Text stands in quotes, words and numbers do not; what
/// there is not is `-` without quotes. A byte that is escaped stands as `\x` and two digits, as nginx writes it, so that between
/// two quotes there is never a third; in the request line blanks are escaped too, so it has always three parts.
final class CombinedLine extends AccessLine {
    /// With the other shares, the keys and the numbers they stay below [#LIMIT].
    private static final int TARGET_LIMIT = 3584;

    private static final int REFERER_LIMIT = 1024;
    private static final int USER_AGENT_LIMIT = 1024;

    /// What nginx writes if the client was gone before there was an answer.
    private static final int NO_STATUS = 499;

    private static final Fixed BEFORE_TIME = Fixed.of(" - - [");
    private static final Fixed BEFORE_REQUEST = Fixed.of("] \"");
    private static final Fixed HTTP_1_0 = Fixed.of(" HTTP/1.0\"");
    private static final Fixed HTTP_1_1 = Fixed.of(" HTTP/1.1\"");
    private static final Fixed HTTP_2_0 = Fixed.of(" HTTP/2.0\"");
    private static final Fixed NO_REQUEST = Fixed.of("-\"");
    private static final Fixed NO_FIELDS = Fixed.of(" \"-\" \"-\" host=-");
    private static final Fixed BEFORE_FIELD = Fixed.of(" \"");
    private static final Fixed HOST = Fixed.of(" host=");
    private static final Fixed REQUEST_ID = Fixed.of(" request_id=");
    private static final Fixed LISTENER = Fixed.of(" listener=");
    private static final Fixed BACKEND = Fixed.of(" backend=");
    private static final Fixed SERVER = Fixed.of(" server=");
    private static final Fixed QUEUE = Fixed.of(" queue_ms=");
    private static final Fixed CONNECT = Fixed.of(" connect_ms=");
    private static final Fixed FIRST_BYTE = Fixed.of(" first_byte_ms=");
    private static final Fixed TOTAL = Fixed.of(" total_ms=");
    private static final Fixed RETRIES = Fixed.of(" retries=");
    private static final Fixed NEW = Fixed.of(" reused=false");
    private static final Fixed REUSED = Fixed.of(" reused=true");
    private static final Fixed NOT_UPGRADED = Fixed.of(" upgraded=false reason=");
    private static final Fixed UPGRADED = Fixed.of(" upgraded=true reason=");
    private static final byte[] HEX = ascii("0123456789ABCDEF");

    /// More than what [#end] writes: keys, numbers, and the names' shares.
    private static final int TAIL = 512 + 3 * NAME_LIMIT;

    /// Blanks, three digits of a status, and a number of 64 bits.
    private static final int NUMBERS = 24;

    private int timeAt;
    private int requestEnd;
    private String listener = "";

    CombinedLine() {
        super(AccessLogFormat.COMBINED);
    }

    @Override
    public void begin(
            ListenerPart listener,
            byte[] client,
            byte[] tls,
            long wallMillis,
            byte[] head,
            int methodStart,
            int methodEnd,
            int targetStart,
            int targetEnd,
            int hostStart,
            int hostEnd,
            int version) {
        start(listener, client, wallMillis);
        escape(head, methodStart, methodEnd, METHOD_LIMIT, FROM_EXCLAMATION);
        put(' ');
        escape(head, targetStart, targetEnd, TARGET_LIMIT, FROM_EXCLAMATION);
        append(version == 20 ? HTTP_2_0 : version == 11 ? HTTP_1_1 : HTTP_1_0);
        requestEnd = position;
    }

    @Override
    public void beginRejected(ListenerPart listener, byte[] client, byte[] tls, long wallMillis) {
        start(listener, client, wallMillis);
        append(NO_REQUEST);
        requestEnd = position;
        append(NO_FIELDS);
    }

    private void start(ListenerPart listener, byte[] client, long wallMillis) {
        position = 0;
        hasRequestId = false;
        this.listener = listener.name();
        this.wallMillis = wallMillis;
        int bracket = client[0] == '[' ? 1 : 0;
        int colon = client.length - 1;
        while (colon > 0 && client[colon] != ':') colon--;
        escape(client, bracket, colon - bracket, CLIENT_LIMIT, FROM_EXCLAMATION);
        append(BEFORE_TIME);
        timeAt = position;
        reserve(Timestamp.COMMON_LENGTH);
        position += Timestamp.COMMON_LENGTH;
        append(BEFORE_REQUEST);
    }

    @Override
    public boolean wantsFields() {
        return true;
    }

    @Override
    public void fields(
            byte[] head,
            int refererStart,
            int refererEnd,
            int userAgentStart,
            int userAgentEnd,
            int hostStart,
            int hostEnd) {
        assert position == requestEnd : "not after begin";
        field(head, refererStart, refererEnd, REFERER_LIMIT);
        field(head, userAgentStart, userAgentEnd, USER_AGENT_LIMIT);
        append(HOST);
        if (hostStart == hostEnd) put('-');
        else quoted(head, hostStart, hostEnd, HOST_LIMIT);
    }

    private void field(byte[] head, int start, int end, int limit) {
        append(BEFORE_FIELD);
        if (start == end) put('-');
        else escape(head, start, end, limit, FROM_BLANK);
        put('"');
    }

    @Override
    public void requestId(byte[] bytes, int start, int end) {
        assert position > requestEnd && !hasRequestId;
        append(REQUEST_ID);
        quoted(bytes, start, end, REQUEST_ID_LIMIT);
        hasRequestId = true;
    }

    @Override
    public void end(
            LoopAccessLog to,
            int status,
            String reason,
            @Nullable String backend,
            @Nullable String server,
            long receivedBytes,
            long sentBytes,
            long sentHeadBytes,
            long queueNanos,
            long connectNanos,
            long firstByteNanos,
            long totalNanos,
            int retries,
            boolean upgraded) {
        assert position > requestEnd : "no begin, or no fields";
        insert(status == 0 ? NO_STATUS : status, Math.max(sentBytes - sentHeadBytes, 0));
        reserve(TAIL);
        if (!hasRequestId) {
            append(REQUEST_ID);
            put('-');
        }
        append(LISTENER);
        name(listener);
        append(BACKEND);
        name(backend);
        append(SERVER);
        name(server);
        append(QUEUE);
        time(queueNanos);
        append(CONNECT);
        time(connectNanos);
        append(FIRST_BYTE);
        time(firstByteNanos);
        append(TOTAL);
        time(totalNanos);
        append(RETRIES);
        number(retries);
        append(server != null && connectNanos < 0 ? REUSED : NEW);
        append(upgraded ? UPGRADED : NOT_UPGRADED);
        text(reason);
        put('\n');
        to.timestamp().writeCommon(wallMillis, line, timeAt);
        handOver(to);
    }

    /// Makes room behind the request for what is known only now. The fields behind it had to be encoded before.
    private void insert(int status, long bodyBytes) {
        reserve(NUMBERS);
        int end = position;
        put(' ');
        number(status);
        put(' ');
        number(bodyBytes);
        int length = position - end;
        reserve(length);
        // What was written steps aside, the fields move up, and it takes the place where they
        // began.
        System.arraycopy(line, end, line, position, length);
        System.arraycopy(line, requestEnd, line, requestEnd + length, end - requestEnd);
        System.arraycopy(line, position, line, requestEnd, length);
    }

    @Override
    void escape(int character) {
        reserve(6);
        line[position++] = '\\';
        if (character <= 0xff) {
            line[position++] = 'x';
        } else { // Of a name; no byte is so large.
            line[position++] = 'u';
            line[position++] = HEX[character >>> 12];
            line[position++] = HEX[character >>> 8 & 0xf];
        }
        line[position++] = HEX[character >>> 4 & 0xf];
        line[position++] = HEX[character & 0xf];
    }

    private void name(@Nullable String name) {
        if (name == null) {
            put('-');
            return;
        }
        put('"');
        text(name);
        put('"');
    }

    private void quoted(byte[] bytes, int start, int end, int limit) {
        put('"');
        escape(bytes, start, end, limit, FROM_BLANK);
        put('"');
    }

    /// @param nanos negative for none
    private void time(long nanos) {
        if (nanos < 0) put('-');
        else millis(nanos);
    }

    private void put(char ascii) {
        reserve(1);
        line[position++] = (byte) ascii;
    }
}
