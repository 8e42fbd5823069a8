package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.AccessLogFormat;
import bascule.tls.TlsSession;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One exchange's line of the access log, in one of its formats. Reused from exchange to exchange; belongs to one loop, which asks
/// [LoopAccessLog#line] for it. What the head holds is encoded at the beginning, because by the end the head is gone. Without
/// allocation, once the buffer has grown.
///
/// Times have three decimals. In text from clients every byte outside printable ASCII, and what ends a field, is escaped, so
/// that no client writes a line or a field of ours. A line has at most [#LIMIT] bytes; text too long for its share is cut and
/// ends with `\u2026` (`…`), which no byte gives.
public abstract sealed class AccessLine permits JsonLine, CombinedLine {
    /// Longest line in bytes, its LF included.
    public static final int LIMIT = 8192;

    // Shares of the line in bytes, after escaping and without the mark of a cut.
    static final int METHOD_LIMIT = 64;
    static final int HOST_LIMIT = 512;
    static final int REQUEST_ID_LIMIT = 256;
    static final int NAME_LIMIT = 256;
    static final int CLIENT_LIMIT = 64;

    private static final VarHandle EIGHT_BYTES =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHS = 0x8080_8080_8080_8080L;

    /// For [#escape]: what is below is escaped.
    static final long FROM_BLANK = ONES * ' ';

    static final long FROM_EXCLAMATION = ONES * '!';

    static final Fixed CUT = Fixed.of("\\u2026");

    /// Text of the format in four words, little-endian, so that it is stored from the code rather than copied from memory: half
    /// of a line is such text, in short pieces. A record, because the compiler trusts its fields never to change.
    record Fixed(int length, long a, long b, long c, long d) {
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

    /// What a listener's name decides in every line.
    ///
    /// @param json what such a line begins with
    public record ListenerPart(String name, byte[] json) {}

    final AccessLogFormat format;
    byte[] line = new byte[512];
    int position;
    long wallMillis;
    boolean hasRequestId;

    AccessLine(AccessLogFormat format) {
        this.format = format;
    }

    /// For [#begin], made once.
    public static ListenerPart listenerPart(String listener) {
        return new ListenerPart(listener, JsonLine.part(listener));
    }

    /// For [#begin], made once per connection: what was agreed on within TLS.
    ///
    /// @param session null = no TLS
    public static byte[] tlsPart(@Nullable TlsSession session) {
        return session == null ? JsonLine.NO_TLS : JsonLine.part(session);
    }

    /// Begins the line of a request whose head was read.
    ///
    /// @param listener as made by [#listenerPart]
    /// @param client address and port in ASCII, `192.0.2.1:1234` or `[2001:db8::1]:1234`
    /// @param tls as made by [#tlsPart]
    /// @param head where the ranges count
    /// @param hostEnd equal to `hostStart` where the request has no host
    /// @param version of HTTP, times ten: 10, 11 or 20
    public abstract void begin(
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
            int version);

    /// Begins the line of a request whose head could not be read.
    public abstract void beginRejected(
            ListenerPart listener, byte[] client, byte[] tls, long wallMillis);

    /// Does the format show fields? Then [#fields] follows [#begin].
    public boolean wantsFields() {
        return false;
    }

    /// Ranges in the head that [#begin] got; those of a field that is not there are empty.
    public void fields(
            byte[] head,
            int refererStart,
            int refererEnd,
            int userAgentStart,
            int userAgentEnd,
            int hostStart,
            int hostEnd) {
        throw new IllegalStateException("not wanted");
    }

    /// After the beginning, at most once: the range of the request's id.
    public abstract void requestId(byte[] bytes, int start, int end);

    /// Ends the line and hands it over. Times in nanoseconds; -1 for one that there is not.
    ///
    /// @param status 0 if nothing was answered
    /// @param reason a constant
    /// @param sentHeadBytes how many of `sentBytes` were heads
    /// @param connectNanos -1 for a reused connection
    public abstract void end(
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
            boolean upgraded);

    /// Writes one byte of a client's, or one character of a name, that must not stand as it is; at most as long as [#CUT].
    abstract void escape(int character);

    final void handOver(LoopAccessLog to) {
        to.offer(line, position);
        position = 0;
    }

    final void append(byte[] bytes) {
        reserve(bytes.length);
        System.arraycopy(bytes, 0, line, position, bytes.length);
        position += bytes.length;
    }

    /// Stores whole words: what lies behind the text is overwritten by what follows.
    final void append(Fixed text) {
        reserve(Fixed.MOST);
        byte[] to = line;
        int at = position;
        EIGHT_BYTES.set(to, at, text.a);
        EIGHT_BYTES.set(to, at + 8, text.b);
        EIGHT_BYTES.set(to, at + 16, text.c);
        EIGHT_BYTES.set(to, at + 24, text.d);
        position = at + text.length;
    }

    final void reserve(int more) {
        if (line.length - position < more) grow(more);
    }

    private void grow(int more) {
        line = Arrays.copyOf(line, Math.max(line.length * 2, position + more));
    }

    /// @param limit for what is written, without the mark of a cut
    /// @param floor [#FROM_BLANK] or [#FROM_EXCLAMATION]
    final void escape(byte[] from, int start, int end, int limit, long floor) {
        int last = position + limit;
        for (int at = start; ; at++) {
            int dirty = firstDirty(from, at, end, floor);
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

    /// @return the index of the first byte that has to be escaped, or `end`
    private static int firstDirty(byte[] bytes, int start, int end, long floor) {
        int at = start;
        while (end - at >= 8) {
            long dirty = dirty((long) EIGHT_BYTES.get(bytes, at), floor);
            if (dirty != 0) return at + (Long.numberOfTrailingZeros(dirty) >>> 3);
            at += 8;
        }
        for (; at < end; at++) if (isDirty(bytes[at], floor)) return at;
        return end;
    }

    /// Eight bytes at once. Of the marked ones only the lowest is sure: a borrow may mark what lies above.
    private static long dirty(long bytes, long floor) {
        long quote = bytes ^ ONES * '"';
        long backslash = bytes ^ ONES * '\\';
        long delete = bytes ^ ONES * 0x7f;
        return (bytes | bytes - floor | quote - ONES | backslash - ONES | delete - ONES) & HIGHS;
    }

    private static boolean isDirty(int character, long floor) {
        return character < (int) (floor & 0xff)
                || character > '~'
                || character == '"'
                || character == '\\';
    }

    /// At most [#NAME_LIMIT] bytes, and the mark of a cut.
    final void text(String text) {
        int last = position + NAME_LIMIT;
        reserve(NAME_LIMIT + CUT.length() + 2);
        for (int i = 0; i < text.length(); i++) {
            if (last - position < CUT.length()) {
                append(CUT);
                return;
            }
            char c = text.charAt(i);
            if (isDirty(c, FROM_BLANK)) escape(c);
            else line[position++] = (byte) c;
        }
    }

    /// @param nanos not negative
    final void millis(long nanos) {
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
    final void number(long value) {
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

    static byte[] ascii(String text) {
        return text.getBytes(US_ASCII);
    }
}
