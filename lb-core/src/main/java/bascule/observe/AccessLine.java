package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One exchange's line of the access log, in JSON. Reused from exchange to exchange; belongs to one loop. What the head holds
/// is encoded at the beginning, because by the end the head is gone. Without allocation, once the buffer has grown.
///
/// Every line has all keys, in this order; what there is not is `null`:
///
/// | key | value | HAProxy |
/// |---|---|---|
/// | `time` | when the head was complete; ISO 8601, UTC, milliseconds | `%tr` |
/// | `listener` | its name | `%f` |
/// | `client` | address and port | `%ci:%cp` |
/// | `method`, `host`, `target`, `protocol` | as received; `null` where the head could not be read | `%r` |
/// | `request_id` | as sent to the server | `%ID` |
/// | `status` | as sent to the client; `null` if nothing was | `%ST` |
/// | `received`, `sent` | bytes, from and to the client, heads included | `%U`, `%B` |
/// | `backend`, `server` | their names | `%b`, `%s` |
/// | `queue_ms` | waited for a slot at the server | `%Tw` |
/// | `connect_ms` | opening the connection; `null` on a reused one | `%Tc` |
/// | `first_byte_ms` | from the request sent to the first byte of the response | `%Tr` |
/// | `total_ms` | from `time` to the last byte | `%Ta` |
/// | `retries` | attempts after the first | `%rc` |
/// | `reused` | did the request go over a pooled connection | |
/// | `upgraded` | did the exchange become a tunnel | |
/// | `reason` | how it ended: `complete`, or what cut it short and who did | `%ts` |
///
/// Times have three decimals. In text from clients every byte outside printable ASCII stands as the JSON escape of
/// U+0000 to U+00FF that has the byte's value. A line has at most [#LIMIT] bytes; text too long for its share is cut and ends
/// with U+2026 (`…`), which no byte gives.
public final class AccessLine {
    /// Longest line in bytes, its LF included.
    public static final int LIMIT = 8192;

    // Shares of the line in bytes, after escaping and without the mark of a cut. Their sum, the
    // keys and the numbers stay below LIMIT.
    private static final int METHOD_LIMIT = 64;
    private static final int HOST_LIMIT = 512;
    private static final int TARGET_LIMIT = 5120;
    private static final int REQUEST_ID_LIMIT = 256;
    private static final int NAME_LIMIT = 256;
    private static final int CLIENT_LIMIT = 64;

    private static final VarHandle EIGHT_BYTES =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final Fixed TIME = Fixed.of("{\"time\":\"");
    private static final Fixed LISTENER = Fixed.of("\",\"listener\":\"");
    private static final Fixed CLIENT = Fixed.of("\",\"client\":\"");
    private static final Fixed METHOD = Fixed.of("\",\"method\":\"");
    private static final Fixed HOST = Fixed.of("\",\"host\":\"");
    private static final Fixed NO_HOST = Fixed.of("\",\"host\":null,\"target\":\"");
    private static final Fixed TARGET = Fixed.of("\",\"target\":\"");
    private static final Fixed HTTP_1_0 = Fixed.of("\",\"protocol\":\"HTTP/1.0\"");
    private static final Fixed HTTP_1_1 = Fixed.of("\",\"protocol\":\"HTTP/1.1\"");
    private static final byte[] NO_HEAD =
            ascii("\",\"method\":null,\"host\":null,\"target\":null,\"protocol\":null");
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
    private static final Fixed CUT = Fixed.of("\\u2026");
    private static final byte[] HEX = ascii("0123456789abcdef");

    /// More than what [#end] writes: keys, numbers, and the names' shares.
    private static final int TAIL = 512 + 3 * NAME_LIMIT + REQUEST_ID_LIMIT;

    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHS = 0x8080_8080_8080_8080L;

    /// Text of the format in four words, little-endian, so that it is stored from the code rather than copied from memory: half
    /// of a line is such text, in short pieces. A record, because the compiler trusts its fields never to change.
    private record Fixed(int length, long a, long b, long c, long d) {
        static final int MOST = 32;

        static Fixed of(String text) {
            byte[] bytes = Arrays.copyOf(ascii(text), MOST);
            if (text.length() > MOST) throw new IllegalArgumentException(text);
            return new Fixed(
                    text.length(),
                    word(bytes, 0),
                    word(bytes, 8),
                    word(bytes, 16),
                    word(bytes, 24));
        }

        private static long word(byte[] bytes, int at) {
            return (long) EIGHT_BYTES.get(bytes, at);
        }
    }

    private byte[] line = new byte[512];
    private int position;
    private long wallMillis;
    private boolean hasRequestId;

    /// The part of every line that a listener's name decides; for [#begin], made once.
    public static byte[] listenerPart(String listener) {
        var line = new AccessLine();
        line.append(TIME);
        line.position += Timestamp.LENGTH;
        line.append(LISTENER);
        line.text(listener);
        line.append(CLIENT);
        return Arrays.copyOf(line.line, line.position);
    }

    /// Begins the line of a request whose head was read.
    ///
    /// @param listenerPart as made by [#listenerPart]
    /// @param client address and port in ASCII, `192.0.2.1:1234` or `[2001:db8::1]:1234`
    /// @param head where the ranges count
    /// @param hostEnd equal to `hostStart` where the request has no host
    /// @param minorVersion 0 or 1
    public void begin(
            byte[] listenerPart,
            byte[] client,
            long wallMillis,
            byte[] head,
            int methodStart,
            int methodEnd,
            int targetStart,
            int targetEnd,
            int hostStart,
            int hostEnd,
            int minorVersion) {
        start(listenerPart, client, wallMillis);
        append(METHOD);
        escape(head, methodStart, methodEnd, METHOD_LIMIT);
        if (hostStart == hostEnd) {
            append(NO_HOST);
        } else {
            append(HOST);
            escape(head, hostStart, hostEnd, HOST_LIMIT);
            append(TARGET);
        }
        escape(head, targetStart, targetEnd, TARGET_LIMIT);
        append(minorVersion == 0 ? HTTP_1_0 : HTTP_1_1);
    }

    /// Begins the line of a request whose head could not be read.
    public void beginRejected(byte[] listenerPart, byte[] client, long wallMillis) {
        start(listenerPart, client, wallMillis);
        append(NO_HEAD);
    }

    private void start(byte[] listenerPart, byte[] client, long wallMillis) {
        position = 0;
        hasRequestId = false;
        this.wallMillis = wallMillis;
        append(listenerPart);
        escape(client, 0, client.length, CLIENT_LIMIT);
    }

    /// After the beginning, at most once: the range of the request's id.
    public void requestId(byte[] bytes, int start, int end) {
        assert position > 0 && !hasRequestId;
        append(REQUEST_ID);
        escape(bytes, start, end, REQUEST_ID_LIMIT);
        hasRequestId = true;
    }

    /// Ends the line and hands it over. Times in nanoseconds; -1 for one that there is not.
    ///
    /// @param status 0 if nothing was answered
    /// @param reason a constant
    /// @param connectNanos -1 for a reused connection
    public void end(
            LoopAccessLog to,
            int status,
            String reason,
            @Nullable String backend,
            @Nullable String server,
            long receivedBytes,
            long sentBytes,
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
        millis(queueNanos);
        append(CONNECT);
        millis(connectNanos);
        append(FIRST_BYTE);
        millis(firstByteNanos);
        append(TOTAL);
        millis(totalNanos);
        append(RETRIES);
        number(retries);
        append(server != null && connectNanos < 0 ? REUSED : NEW);
        append(upgraded ? UPGRADED : NOT_UPGRADED);
        text(reason);
        append(END);
        to.timestamp().write(wallMillis, line, TIME.length());
        to.offer(line, position);
        position = 0;
    }

    private void append(byte[] bytes) {
        reserve(bytes.length);
        System.arraycopy(bytes, 0, line, position, bytes.length);
        position += bytes.length;
    }

    /// Stores whole words: what lies behind the text is overwritten by what follows.
    private void append(Fixed text) {
        reserve(Fixed.MOST);
        byte[] to = line;
        int at = position;
        EIGHT_BYTES.set(to, at, text.a);
        EIGHT_BYTES.set(to, at + 8, text.b);
        EIGHT_BYTES.set(to, at + 16, text.c);
        EIGHT_BYTES.set(to, at + 24, text.d);
        position = at + text.length;
    }

    private void reserve(int more) {
        if (line.length - position < more) grow(more);
    }

    private void grow(int more) {
        line = Arrays.copyOf(line, Math.max(line.length * 2, position + more));
    }

    /// @param limit for what is written, without the mark of a cut
    private void escape(byte[] from, int start, int end, int limit) {
        int last = position + limit;
        for (int at = start; ; at++) {
            int dirty = firstDirty(from, at, end);
            int run = Math.min(dirty - at, last - position);
            reserve(run + CUT.length());
            System.arraycopy(from, at, line, position, run);
            position += run;
            if (at + run == end) return;
            if (at + run < dirty || last - position < CUT.length()) {
                append(CUT);
                return;
            }
            at = dirty;
            escape(from[at] & 0xff);
        }
    }

    private void escape(int character) {
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

    /// @return the index of the first byte that JSON, or a log of plain ASCII, wants escaped; or `end`
    private static int firstDirty(byte[] bytes, int start, int end) {
        int at = start;
        while (end - at >= 8) {
            long dirty = dirty((long) EIGHT_BYTES.get(bytes, at));
            if (dirty != 0) return at + (Long.numberOfTrailingZeros(dirty) >>> 3);
            at += 8;
        }
        for (; at < end; at++) if (isDirty(bytes[at])) return at;
        return end;
    }

    /// Eight bytes at once. Of the marked ones only the lowest is sure: a borrow may mark what lies above.
    private static long dirty(long bytes) {
        long quote = bytes ^ ONES * '"';
        long backslash = bytes ^ ONES * '\\';
        long delete = bytes ^ ONES * 0x7f;
        return (bytes | bytes - ONES * ' ' | quote - ONES | backslash - ONES | delete - ONES)
                & HIGHS;
    }

    private static boolean isDirty(int character) {
        return character < ' ' || character > '~' || character == '"' || character == '\\';
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

    private void text(String text) {
        int last = position + NAME_LIMIT;
        reserve(NAME_LIMIT + CUT.length() + 2);
        for (int i = 0; i < text.length(); i++) {
            if (last - position < CUT.length()) {
                append(CUT);
                return;
            }
            char c = text.charAt(i);
            if (isDirty(c)) escape(c);
            else line[position++] = (byte) c;
        }
    }

    /// @param nanos negative for none
    private void millis(long nanos) {
        if (nanos < 0) {
            append(NULL);
            return;
        }
        long micros = nanos / 1000;
        number(micros / 1000);
        int rest = (int) (micros % 1000);
        line[position] = '.';
        line[position + 1] = (byte) ('0' + rest / 100);
        line[position + 2] = (byte) ('0' + rest / 10 % 10);
        line[position + 3] = (byte) ('0' + rest % 10);
        position += 4;
    }

    /// @param value not negative
    private void number(long value) {
        assert value >= 0 : value;
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) digits++;
        long rest = value;
        for (int at = position + digits - 1; at >= position; at--) {
            line[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        position += digits;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(US_ASCII);
    }
}
