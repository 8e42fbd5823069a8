package bascule.http1;

import static bascule.http1.Bytes.TOKEN;
import static bascule.http1.Bytes.isBlank;
import static bascule.http1.Bytes.isDigit;
import static bascule.http1.Bytes.isToken;
import static bascule.http1.Bytes.lowerWord;
import static bascule.http1.Bytes.word;

import bascule.http.Ascii;
import bascule.http.FieldName;
import bascule.http.HeaderBlock;

/// The field lines of a head (RFC 9112 §5) and what those say that requests and responses read alike: length, coding,
/// connection options. Holds the state of the head read last.
final class FieldSection {
    /// Results of [#read], beside the length of the head.
    static final int NEED_MORE = 0;

    static final int FAULTY = -1;
    static final int TOO_MANY = -2;

    /// Results of [#contentLength] and [#connectionOptions], beside good ones.
    static final int ABSENT = -1;

    static final int MALFORMED = -2;

    /// Connection options, as bits.
    static final int CLOSE = 1;

    static final int KEEP_ALIVE = 2;
    static final int UPGRADE = 4;
    static final int TE = 8;

    /// Options of one head: every unknown one is held against all lines.
    private static final int MOST_OPTIONS = 32;

    private static final long CLOSE_OPTION = word("close");
    private static final long CHUNKED = word("chunked");

    private final int[] first = new int[FieldName.COUNT];
    private int seen;
    private int repeated;

    /// Reads field lines up to the empty line, and adds them to `fields`.
    ///
    /// @param at where the first line starts
    /// @param end behind the last byte there is; a NUL stands there
    /// @return where the head ends, or one of the results above
    int read(HeaderBlock fields, int at, int end, int mostLines) {
        byte[] bytes = fields.bytes();
        fields.clear();
        int seenBefore = 0;
        int seenTwice = 0;
        for (; ; ) {
            int lineStart = at;
            while (TOKEN[bytes[at] & 0xff]) at++;
            if (bytes[at] != ':' || at == lineStart) {
                if (at == end) return NEED_MORE;
                // A folded line starts with a blank; no name does.
                if (at != lineStart || bytes[at] != '\r') return FAULTY;
                if (at + 1 == end) return NEED_MORE;
                if (bytes[at + 1] != '\n') return FAULTY;
                seen = seenBefore;
                repeated = seenTwice;
                return at + 2;
            }
            int nameEnd = at++;
            while (isBlank(bytes[at])) at++;
            int valueStart = at;
            while (bytes[at = Bytes.indexOfControl(bytes, at)] == '\t') at++;
            if (bytes[at] != '\r') return at == end ? NEED_MORE : FAULTY;
            if (at + 1 == end) return NEED_MORE;
            if (bytes[at + 1] != '\n') return FAULTY;
            if (fields.count() == mostLines) return TOO_MANY;
            int valueEnd = at;
            while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--;
            at += 2;
            byte name = Names.code(bytes, lineStart, nameEnd);
            if (name != FieldName.OTHER) {
                int bit = 1 << name;
                if ((seenBefore & bit) == 0) first[name] = fields.count();
                seenTwice |= seenBefore & bit;
                seenBefore |= bit;
            }
            fields.add(name, lineStart, nameEnd, valueStart, valueEnd, at);
        }
    }

    /// Is there such a line, of a name with a code?
    boolean has(byte name) {
        return (seen & 1 << name) != 0;
    }

    /// Is there a second one?
    boolean repeats(byte name) {
        return (repeated & 1 << name) != 0;
    }

    /// The first such line; there must be one.
    int first(byte name) {
        return first[name];
    }

    /// The line of that name after `line`, or -1.
    int next(HeaderBlock fields, byte name, int line) {
        if (!repeats(name)) return -1;
        for (int i = line + 1; i < fields.count(); i++) if (fields.name(i) == name) return i;
        return -1;
    }

    /// The body's length as Content-Length says. Lines that repeat the same number are nominated, so that one goes on.
    ///
    /// @return 0 to 2^63-1, [#ABSENT] or [#MALFORMED]
    long contentLength(HeaderBlock fields) {
        if (!has(FieldName.CONTENT_LENGTH)) return ABSENT;
        int line = first(FieldName.CONTENT_LENGTH);
        long length = number(fields.bytes(), fields.valueStart(line), fields.valueEnd(line));
        while (length >= 0 && (line = next(fields, FieldName.CONTENT_LENGTH, line)) >= 0) {
            if (number(fields.bytes(), fields.valueStart(line), fields.valueEnd(line)) != length)
                return MALFORMED;
            fields.nominate(line);
        }
        return length;
    }

    /// Digits alone: no sign, no list, no blank (RFC 9110 §8.6).
    private static long number(byte[] bytes, int start, int end) {
        int digits = end - start;
        if (digits < 1 || digits > 19) return MALFORMED; // 2^63-1 has 19 digits.
        long number = 0;
        for (int at = start; at < end; at++) {
            if (!isDigit(bytes[at])) return MALFORMED;
            number = number * 10 + bytes[at] - '0';
        }
        return number >= 0 ? number : MALFORMED; // 19 digits are less than 2^64.
    }

    /// With a Transfer-Encoding: is it one line that says `chunked` and nothing else? Any other coding, known or not,
    /// would have to be understood by the next server in just the same way.
    boolean chunkedAlone(HeaderBlock fields) {
        if (repeats(FieldName.TRANSFER_ENCODING)) return false;
        int line = first(FieldName.TRANSFER_ENCODING);
        int start = fields.valueStart(line);
        return fields.valueEnd(line) - start == 7 && lowerWord(fields.bytes(), start, 7) == CHUNKED;
    }

    /// Reads the Connection fields (RFC 9110 §7.6.1) and nominates the lines that they name, but for [ProtectedNames].
    ///
    /// @return bits, or [#MALFORMED]
    int connectionOptions(HeaderBlock fields) {
        if (!has(FieldName.CONNECTION)) return 0;
        byte[] bytes = fields.bytes();
        int options = 0;
        int count = 0;
        for (int line = first(FieldName.CONNECTION);
                line >= 0;
                line = next(fields, FieldName.CONNECTION, line)) {
            int end = fields.valueEnd(line);
            int at = fields.valueStart(line);
            while (at < end) {
                // Empty elements are allowed, §5.6.1.2.
                if (isBlank(bytes[at]) || bytes[at] == ',') {
                    at++;
                    continue;
                }
                int start = at;
                while (at < end && isToken(bytes[at])) at++;
                if (at == start || ++count > MOST_OPTIONS) return MALFORMED;
                options |= option(fields, start, at);
                while (at < end && isBlank(bytes[at])) at++;
                if (at < end && bytes[at] != ',') return MALFORMED;
            }
        }
        return options;
    }

    private static int option(HeaderBlock fields, int start, int end) {
        byte[] bytes = fields.bytes();
        if (end - start == 5 && lowerWord(bytes, start, 5) == CLOSE_OPTION) return CLOSE;
        byte name = Names.code(bytes, start, end);
        if (name == FieldName.KEEP_ALIVE) return KEEP_ALIVE;
        if (name == FieldName.UPGRADE) return UPGRADE;
        if (name == FieldName.TE) return TE;
        if (!ProtectedNames.contains(bytes, start, end)) nominate(fields, start, end);
        return 0;
    }

    private static void nominate(HeaderBlock fields, int start, int end) {
        byte[] bytes = fields.bytes();
        for (int line = 0; line < fields.count(); line++) {
            int nameStart = fields.lineStart(line);
            int nameLength = fields.nameEnd(line) - nameStart;
            if (nameLength != end - start) continue;
            int same = 0;
            while (same < nameLength
                    && Ascii.lower(bytes[nameStart + same]) == Ascii.lower(bytes[start + same]))
                same++;
            if (same == nameLength) fields.nominate(line);
        }
    }

    /// Is there an element in the comma-separated values of that name that starts with the token `element` (in lower
    /// case) and goes on, if at all, with a `;`, a `/` or a blank?
    boolean lists(HeaderBlock fields, byte name, byte[] element) {
        if (!has(name)) return false;
        byte[] bytes = fields.bytes();
        for (int line = first(name); line >= 0; line = next(fields, name, line)) {
            int end = fields.valueEnd(line);
            int at = fields.valueStart(line);
            while (at < end) {
                while (at < end && (isBlank(bytes[at]) || bytes[at] == ',')) at++;
                int start = at;
                while (at < end && isToken(bytes[at])) at++;
                if (Ascii.equalsIgnoreCase(bytes, start, at, element)) return true;
                while (at < end && bytes[at] != ',') at++;
            }
        }
        return false;
    }
}
