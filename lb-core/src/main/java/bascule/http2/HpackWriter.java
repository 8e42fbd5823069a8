package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import java.util.Arrays;

/// Writes a field block (RFC 7541) straight from bytes: names of the static table by index, all else as it is, nothing that the
/// other side would have to remember. So there is no table of ours to keep, and blocks may be written in any order. One per loop,
/// reused for each block.
///
/// Before the block there are [#ROOM] free bytes, for the header of the frame that carries it.
final class HpackWriter {
    static final int ROOM = Frames.HEADER_BYTES;

    /// Comes before the first block of a connection, alone: our table is empty and stays so, whatever the other side allows. Then it
    /// need not be told when it allows less (RFC 7541 §4.2).
    static final byte NO_TABLE = 0x20;

    /// Indices of the static table (RFC 7541, appendix A).
    static final int AUTHORITY = 1;

    static final int METHOD = 2;
    static final int METHOD_GET = 2;
    static final int METHOD_POST = 3;
    static final int PATH = 4;
    static final int PATH_ROOT = 4;
    static final int SCHEME_HTTP = 6;
    static final int SCHEME_HTTPS = 7;
    static final int STATUS = 8;

    private static final int AUTHORIZATION = 23;
    private static final int COOKIE = 32;
    private static final int PROXY_AUTHORIZATION = 49;
    private static final int SET_COOKIE = 55;

    private static final int FIRST_NAME = 15;
    private static final String[] NAMES = {
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "accept-ranges",
        "accept",
        "access-control-allow-origin",
        "age",
        "allow",
        "authorization",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "etag",
        "expect",
        "expires",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "last-modified",
        "link",
        "location",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "range",
        "referer",
        "refresh",
        "retry-after",
        "server",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "www-authenticate"
    };

    /// Places of the names, by [#slot]; where two share a slot, the later one is in the next free one.
    private static final byte[][] TABLE = new byte[256][];

    private static final byte[] INDEX = new byte[TABLE.length];

    static {
        for (int i = 0; i < NAMES.length; i++) {
            byte[] name = ascii(NAMES[i]);
            int slot = slot(name, 0, name.length);
            while (TABLE[slot] != null) slot = slot + 1 & TABLE.length - 1;
            TABLE[slot] = name;
            INDEX[slot] = (byte) (FIRST_NAME + i);
        }
    }

    private byte[] bytes = new byte[4096];
    private int length;

    private static byte[] ascii(String text) {
        return text.getBytes(US_ASCII);
    }

    /// First, last and middle byte and the length tell most names of the table from each other.
    private static int slot(byte[] name, int start, int end) {
        int hash =
                (end - start)
                        + 31 * Ascii.lower(name[start])
                        + 131 * Ascii.lower(name[end - 1])
                        + 17 * Ascii.lower(name[start + end >>> 1]);
        return (hash ^ hash >>> 8) & TABLE.length - 1;
    }

    /// The index of a name in the static table, or 0.
    private static int index(byte[] name, int start, int end) {
        for (int slot = slot(name, start, end); ; slot = slot + 1 & TABLE.length - 1) {
            byte[] known = TABLE[slot];
            if (known == null) return 0;
            if (Ascii.equalsIgnoreCase(name, start, end, known)) return INDEX[slot];
        }
    }

    void clear() {
        length = ROOM;
    }

    /// From 0: [#ROOM] bytes, then the block, up to [#end()].
    byte[] bytes() {
        return bytes;
    }

    int end() {
        return length;
    }

    private void reserve(int more) {
        if (bytes.length - length < more)
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }

    /// A field of the static table, name and value.
    void indexed(int index) {
        reserve(1);
        bytes[length++] = (byte) (0x80 | index);
    }

    /// @param status 100 to 599
    void status(int status) {
        int index =
                switch (status) {
                    case 200 -> 8;
                    case 204 -> 9;
                    case 206 -> 10;
                    case 304 -> 11;
                    case 400 -> 12;
                    case 404 -> 13;
                    case 500 -> 14;
                    default -> 0;
                };
        if (index > 0) {
            indexed(index);
            return;
        }
        reserve(5);
        bytes[length++] = STATUS;
        bytes[length++] = 3;
        bytes[length++] = (byte) ('0' + status / 100);
        bytes[length++] = (byte) ('0' + status / 10 % 10);
        bytes[length++] = (byte) ('0' + status % 10);
    }

    /// A field whose name is in the static table.
    ///
    /// @param from `[start, end)` of it is the value
    void named(int index, byte[] from, int start, int end) {
        reserve(16 + end - start);
        literal(index);
        value(from, start, end);
    }

    /// A field, its name in whatever case.
    void field(byte[] from, int nameStart, int nameEnd, int valueStart, int valueEnd) {
        int name = nameEnd - nameStart;
        reserve(16 + name + valueEnd - valueStart);
        int index = index(from, nameStart, nameEnd);
        if (index > 0) {
            literal(index);
        } else {
            bytes[length++] = 0;
            number(0, 0x7f, name);
            byte[] to = bytes;
            int at = length;
            for (int i = nameStart; i < nameEnd; i++) to[at++] = Ascii.lower(from[i]);
            length = at;
        }
        value(from, valueStart, valueEnd);
    }

    /// Without indexing; what is secret also without the leave to index it further on (RFC 7541 §7.1.3).
    private void literal(int index) {
        boolean secret =
                switch (index) {
                    case AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE -> true;
                    default -> false;
                };
        number(secret ? 0x10 : 0, 0x0f, index);
    }

    private void value(byte[] from, int start, int end) {
        number(0, 0x7f, end - start);
        System.arraycopy(from, start, bytes, length, end - start);
        length += end - start;
    }

    /// An integer (RFC 7541 §5.1), six bytes at most.
    ///
    /// @param pattern the bits above the prefix
    /// @param prefix its largest value
    private void number(int pattern, int prefix, int value) {
        if (value < prefix) {
            bytes[length++] = (byte) (pattern | value);
            return;
        }
        bytes[length++] = (byte) (pattern | prefix);
        int rest = value - prefix;
        while (rest >= 0x80) {
            bytes[length++] = (byte) (0x80 | rest & 0x7f);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
    }
}
