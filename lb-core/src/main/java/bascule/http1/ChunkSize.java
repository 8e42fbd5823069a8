package bascule.http1;

import static bascule.http1.Bytes.HEX;
import static bascule.http1.Bytes.isBlank;
import static bascule.http1.Bytes.isToken;

import io.netty.buffer.ByteBuf;

/// Sizes of chunks.
final class ChunkSize {
    static final long NEED_MORE = -1;
    static final long MALFORMED = -2;

    private ChunkSize() {}

    /// Reads one chunk-size line, `1a;name=value CR LF` (RFC 9112 §7.1).
    ///
    /// @param in readerIndex at the first digit; moved past the LF only if a size is returned
    /// @param limit longest line accepted, in bytes, CR LF included
    /// @return the size in bytes, 0 for the last chunk; or [#NEED_MORE]; or [#MALFORMED]
    static long read(ByteBuf in, int limit) {
        int start = in.readerIndex();
        int end = start + Math.min(in.readableBytes(), limit);
        int at = start;
        long size = 0;
        for (int digit; at < end && (digit = HEX[in.getByte(at) & 0xff]) >= 0; at++) {
            // Before the shift: a size that wraps to 0 would end the body early.
            if (size >>> 59 != 0) return MALFORMED;
            size = size << 4 | digit;
        }
        int lf = in.indexOf(at, end, (byte) '\n');
        if (lf < 0) return end - start == limit ? MALFORMED : NEED_MORE;
        // §2.2 tolerates a lone LF; a proxy must not.
        if (at == start || lf == at || in.getByte(lf - 1) != '\r') return MALFORMED;
        if (at < lf - 1 && !isCleanExtension(in, at, lf - 1)) return MALFORMED;
        in.readerIndex(lf + 1);
        return size;
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, RFC 9112 §7.1.1. No control byte but HTAB.
    private static boolean isCleanExtension(ByteBuf in, int start, int end) {
        int at = start;
        do {
            at = skipBlanks(in, at, end);
            if (at == end || in.getByte(at) != ';') return false;
            int name = skipBlanks(in, at + 1, end);
            at = skipToken(in, name, end);
            if (at == name) return false;
            int equals = skipBlanks(in, at, end);
            // Blanks stand between things, not behind the last one.
            if (equals == end) return at == end;
            if (in.getByte(equals) == '=') {
                int value = skipBlanks(in, equals + 1, end);
                if (value == end) return false;
                at =
                        in.getByte(value) == '"'
                                ? skipQuoted(in, value, end)
                                : skipToken(in, value, end);
                if (at <= value) return false;
            }
        } while (at < end);
        return true;
    }

    private static int skipBlanks(ByteBuf in, int at, int end) {
        while (at < end && isBlank(in.getByte(at))) at++;
        return at;
    }

    private static int skipToken(ByteBuf in, int at, int end) {
        while (at < end && isToken(in.getByte(at))) at++;
        return at;
    }

    /// @return behind the closing quote, or -1 (RFC 9110 §5.6.4)
    private static int skipQuoted(ByteBuf in, int open, int end) {
        for (int at = open + 1; at < end; at++) {
            byte b = in.getByte(at);
            if (b == '"') return at + 1;
            if (b == '\\' && ++at < end) b = in.getByte(at);
            if (b >= 0 && b < 0x20 && b != '\t' || b == 0x7f) return -1;
        }
        return -1;
    }
}
