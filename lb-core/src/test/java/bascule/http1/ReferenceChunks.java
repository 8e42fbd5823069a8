package bascule.http1;

import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Chunked bodies read the slow way, from the grammar of RFC 9112 §7.1. Shares no code with [ChunkedBody]; answers what
/// [ChunkReader] says of it.
final class ReferenceChunks {
    /// Mistakes to plant, as in [bascule.http1.Fault].
    enum Fault {
        NONE,
        SIZE_WRAPS,
        SIZE_LINE_FEED_ALONE,
        EXTENSION_NOT_READ,
        BLANK_BEHIND_SIZE,
        DATA_END_NOT_READ,
        TRAILERS_NOT_READ,
        TRAILER_LINE_FEED_ALONE,
        OVERHEAD_NOT_COUNTED
    }

    private static final String QUOTED =
            "\"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*+\"";
    private static final String EXTENSION =
            "[ \\t]*;[ \\t]*"
                    + Reference.TOKEN
                    + "(?:[ \\t]*=[ \\t]*(?:"
                    + Reference.TOKEN
                    + "|"
                    + QUOTED
                    + "))?";
    private static final Pattern SIZE_LINE =
            Pattern.compile("([0-9A-Fa-f]+)((?:" + EXTENSION + ")*)");
    private static final Pattern TRAILER =
            Pattern.compile("(" + Reference.TOKEN + "):[\\t\\x20-\\x7e\\x80-\\xff]*");
    private static final BigInteger MOST = BigInteger.TWO.pow(63).subtract(BigInteger.ONE);

    private ReferenceChunks() {}

    static String read(String wire, HeadLimits limits, Fault fault) {
        StringBuilder payload = new StringBuilder();
        int at = 0;
        int overhead = 0;
        while (true) {
            String rest = wire.substring(at);
            String line = line(rest, 256);
            Matcher digits =
                    Pattern.compile("[0-9A-Fa-f]*")
                            .matcher(rest.substring(0, Math.min(256, rest.length())));
            if (!digits.lookingAt()) throw new AssertionError();
            BigInteger size = digits.group().isEmpty() ? null : new BigInteger(digits.group(), 16);
            if (size != null && size.compareTo(MOST) > 0) {
                if (fault != Fault.SIZE_WRAPS) return said("MALFORMED", payload, rest);
                size = BigInteger.valueOf(size.longValue() & Long.MAX_VALUE);
            }
            if (line == null)
                return said(rest.length() >= 256 ? "MALFORMED" : "NEED_MORE", payload, rest);
            String read = stripped(line, fault == Fault.SIZE_LINE_FEED_ALONE);
            if (fault == Fault.EXTENSION_NOT_READ && read != null)
                read = read.replaceFirst(";.*", "");
            if (fault == Fault.BLANK_BEHIND_SIZE && read != null)
                read = read.replaceFirst("[ \t]+$", "");
            if (read == null || size == null || !SIZE_LINE.matcher(read).matches())
                return said("MALFORMED", payload, rest);
            overhead += line.length() - 2 - size.toString(16).length();
            if (overhead > 16384 && fault != Fault.OVERHEAD_NOT_COUNTED)
                return said("MALFORMED", payload, rest);
            at += line.length();
            if (size.signum() == 0) break;
            int length = (int) Math.min(size.longValue(), wire.length() - at);
            payload.append(wire, at, at + length);
            at += length;
            if (length < size.longValue()) return said("NEED_MORE", payload, "");
            rest = wire.substring(at);
            if (fault == Fault.DATA_END_NOT_READ) {
                if (rest.length() >= 2) at += 2;
                else return said("NEED_MORE", payload, rest);
                continue;
            }
            if (!"\r\n".startsWith(rest.substring(0, Math.min(2, rest.length()))))
                return said("MALFORMED", payload, rest);
            if (rest.length() < 2) return said("NEED_MORE", payload, rest);
            at += 2;
        }
        int section = at;
        int lines = 0;
        while (true) {
            int left = limits.headBytes() - (at - section);
            boolean lax = fault == Fault.TRAILER_LINE_FEED_ALONE;
            String line = line(wire.substring(at), left);
            if (line == null) {
                boolean full = wire.length() - section >= limits.headBytes();
                return said(full ? "BAD_TRAILER" : "NEED_MORE", payload, wire.substring(section));
            }
            String read = stripped(line, lax);
            if (read == null) return said("BAD_TRAILER", payload, wire.substring(section));
            at += line.length();
            if (read.isEmpty()) return said("END", payload, wire.substring(at));
            Matcher trailer = TRAILER.matcher(read);
            boolean good = trailer.matches() && !Reference.isProtected(trailer.group(1));
            if (++lines > limits.headerCount() || !good && fault != Fault.TRAILERS_NOT_READ)
                return said("BAD_TRAILER", payload, wire.substring(section));
        }
    }

    /// Up to the first LF, if that is within the limit; else null.
    private static String line(String text, int limit) {
        int lf = text.indexOf('\n');
        return lf < 0 || lf >= limit ? null : text.substring(0, lf + 1);
    }

    /// Without its line end; null if that is not CR LF.
    private static String stripped(String line, boolean lax) {
        if (line.endsWith("\r\n")) return line.substring(0, line.length() - 2);
        return lax ? line.substring(0, line.length() - 1) : null;
    }

    private static String said(String event, CharSequence payload, String rest) {
        return event + "\npayload=" + payload + "\nrest=" + rest;
    }

    /// The payload within what [ChunkedBody#scan] has passed on, which must be good to its last byte.
    static String payloadOf(String passed) {
        String read = read(passed, new HeadLimits(1 << 20, 1 << 20, 0), Fault.NONE);
        if (!read.startsWith("NEED_MORE\n") && !read.startsWith("END\n")
                || !read.endsWith("\nrest="))
            throw new AssertionError("passed on: " + Wire.show(passed));
        return read.substring(read.indexOf("\npayload=") + 9, read.length() - "\nrest=".length());
    }
}
