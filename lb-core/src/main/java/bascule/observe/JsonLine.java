package bascule.observe;

import bascule.config.AccessLogFormat;
import bascule.tls.TlsSession;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A line in JSON.
///
/// Every line has all keys, in this order; what there is not is `null`:
///
/// | key | value | HAProxy |
/// |---|---|---|
/// | `time` | when the head was complete; ISO 8601, UTC, milliseconds | `%tr` |
/// | `listener` | its name | `%f` |
/// | `client` | address and port | `%ci:%cp` |
/// | `method`, `host`, `target`, `protocol` | as received; `null` where the head could not be read | `%r` |
/// | `tls`, `cipher` | the version and the cipher suite's IANA name; `null` without TLS | `%sslv`, `%sslc` |
/// | `sni` | the host that the client asked TLS for | |
/// | `resumed` | did its TLS session go on from an earlier one; `null` without TLS | |
/// | `request_id` | as sent to the server | `%ID` |
/// | `status` | as sent to the client; `null` if nothing was | `%ST` |
/// | `received`, `sent` | bytes, from and to the client, heads included | `%U`, `%B` |
/// | `backend`, `server` | their names | `%b`, `%s` |
/// | `queue_ms` | waited for a place at the server | `%Tw` |
/// | `connect_ms` | opening the connection; `null` on a reused one | `%Tc` |
/// | `first_byte_ms` | from the request sent to the first byte of the response | `%Tr` |
/// | `total_ms` | from `time` to the last byte | `%Ta` |
/// | `retries` | attempts after the first | `%rc` |
/// | `reused` | did the request go over a pooled connection | |
/// | `upgraded` | did the exchange become a tunnel | |
/// | `reason` | how it ended: `complete`, or what cut it short and who did | `%ts` |
///
/// A byte that is escaped stands as the JSON escape of U+0000 to U+00FF that has its value.
final class JsonLine extends AccessLine {
    /// With the other shares, the keys and the numbers it stays below [#LIMIT].
    private static final int TARGET_LIMIT = 5120;

    private static final Fixed TIME = Fixed.of("{\"time\":\"");
    private static final Fixed LISTENER = Fixed.of("\",\"listener\":\"");
    private static final Fixed CLIENT = Fixed.of("\",\"client\":\"");
    private static final Fixed METHOD = Fixed.of("\",\"method\":\"");
    private static final Fixed HOST = Fixed.of("\",\"host\":\"");
    private static final Fixed NO_HOST = Fixed.of("\",\"host\":null,\"target\":\"");
    private static final Fixed TARGET = Fixed.of("\",\"target\":\"");
    private static final Fixed HTTP_1_0 = Fixed.of("\",\"protocol\":\"HTTP/1.0\"");
    private static final Fixed HTTP_1_1 = Fixed.of("\",\"protocol\":\"HTTP/1.1\"");
    private static final Fixed HTTP_2_0 = Fixed.of("\",\"protocol\":\"HTTP/2.0\"");
    private static final byte[] NO_HEAD =
            ascii("\",\"method\":null,\"host\":null,\"target\":null,\"protocol\":null");
    static final byte[] NO_TLS =
            ascii(",\"tls\":null,\"cipher\":null,\"sni\":null,\"resumed\":null");
    private static final Fixed TLS = Fixed.of(",\"tls\":\"");
    private static final Fixed CIPHER = Fixed.of("\",\"cipher\":\"");
    private static final Fixed SNI = Fixed.of("\",\"sni\":");
    private static final Fixed RESUMED = Fixed.of(",\"resumed\":true");
    private static final Fixed NOT_RESUMED = Fixed.of(",\"resumed\":false");
    private static final Fixed REQUEST_ID = Fixed.of(",\"request_id\":\"");
    private static final Fixed STATUS_AFTER_ID = Fixed.of("\",\"status\":");
    private static final Fixed STATUS_WITHOUT_ID = Fixed.of(",\"request_id\":null,\"status\":");
    private static final Fixed RECEIVED = Fixed.of(",\"received\":");
    private static final Fixed SENT = Fixed.of(",\"sent\":");
    private static final Fixed BACKEND = Fixed.of(",\"backend\":");
    private static final Fixed SERVER = Fixed.of(",\"server\":");
    private static final Fixed QUEUE = Fixed.of(",\"queue_ms\":");
    private static final Fixed CONNECT = Fixed.of(",\"connect_ms\":");
    private static final Fixed FIRST_BYTE = Fixed.of(",\"first_byte_ms\":");
    private static final Fixed TOTAL = Fixed.of(",\"total_ms\":");
    private static final Fixed RETRIES = Fixed.of(",\"retries\":");
    private static final Fixed NEW = Fixed.of(",\"reused\":false");
    private static final Fixed REUSED = Fixed.of(",\"reused\":true");
    private static final Fixed NOT_UPGRADED = Fixed.of(",\"upgraded\":false,\"reason\":\"");
    private static final Fixed UPGRADED = Fixed.of(",\"upgraded\":true,\"reason\":\"");
    private static final Fixed END = Fixed.of("\"}\n");
    private static final Fixed NULL = Fixed.of("null");
    private static final byte[] HEX = ascii("0123456789abcdef");

    /// More than what [#end] writes: keys, numbers, and the names' shares.
    private static final int TAIL = 512 + 3 * NAME_LIMIT + REQUEST_ID_LIMIT;

    JsonLine() {
        super(AccessLogFormat.JSON);
    }

    /// What [#begin] begins with; up to the client's address, with room for the time.
    static byte[] part(String listener) {
        var line = new JsonLine();
        line.append(TIME);
        line.position += Timestamp.LENGTH;
        line.append(LISTENER);
        line.text(listener);
        line.append(CLIENT);
        return Arrays.copyOf(line.line, line.position);
    }

    static byte[] part(TlsSession session) {
        var line = new JsonLine();
        line.append(TLS);
        line.text(session.version());
        line.append(CIPHER);
        line.text(session.cipher());
        line.append(SNI);
        line.name(session.sni());
        line.append(session.resumed() ? RESUMED : NOT_RESUMED);
        return Arrays.copyOf(line.line, line.position);
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
        start(listener.json(), client, wallMillis);
        append(METHOD);
        escape(head, methodStart, methodEnd, METHOD_LIMIT, FROM_BLANK);
        if (hostStart == hostEnd) {
            append(NO_HOST);
        } else {
            append(HOST);
            escape(head, hostStart, hostEnd, HOST_LIMIT, FROM_BLANK);
            append(TARGET);
        }
        escape(head, targetStart, targetEnd, TARGET_LIMIT, FROM_BLANK);
        append(version == 20 ? HTTP_2_0 : version == 11 ? HTTP_1_1 : HTTP_1_0);
        append(tls);
    }

    @Override
    public void beginRejected(ListenerPart listener, byte[] client, byte[] tls, long wallMillis) {
        start(listener.json(), client, wallMillis);
        append(NO_HEAD);
        append(tls);
    }

    private void start(byte[] listenerPart, byte[] client, long wallMillis) {
        position = 0;
        hasRequestId = false;
        this.wallMillis = wallMillis;
        append(listenerPart);
        escape(client, 0, client.length, CLIENT_LIMIT, FROM_BLANK);
    }

    @Override
    public void requestId(byte[] bytes, int start, int end) {
        assert position > 0 && !hasRequestId;
        append(REQUEST_ID);
        escape(bytes, start, end, REQUEST_ID_LIMIT, FROM_BLANK);
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
        assert position > 0 : "no begin";
        reserve(TAIL);
        append(hasRequestId ? STATUS_AFTER_ID : STATUS_WITHOUT_ID);
        if (status == 0) append(NULL);
        else number(status);
        append(RECEIVED);
        number(receivedBytes);
        append(SENT);
        number(sentBytes);
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
        append(END);
        to.timestamp().write(wallMillis, line, TIME.length());
        handOver(to);
    }

    @Override
    void escape(int character) {
        reserve(6);
        line[position++] = '\\';
        if (character == '"' || character == '\\') {
            line[position++] = (byte) character;
        } else {
            line[position++] = 'u';
            line[position++] = HEX[character >>> 12];
            line[position++] = HEX[character >>> 8 & 0xf];
            line[position++] = HEX[character >>> 4 & 0xf];
            line[position++] = HEX[character & 0xf];
        }
    }

    private void name(@Nullable String name) {
        if (name == null) {
            append(NULL);
            return;
        }
        line[position++] = '"';
        text(name);
        line[position++] = '"';
    }

    /// @param nanos negative for none
    private void time(long nanos) {
        if (nanos < 0) append(NULL);
        else millis(nanos);
    }
}
