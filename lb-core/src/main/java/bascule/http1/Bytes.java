package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// What a byte may be, and how eight of them are looked at in one step. Reads of whole words go up to seven bytes past
/// what is asked for; [bascule.http.HeaderBlock] has that much slack.
final class Bytes {
    /// Bytes of a token (RFC 9110 §5.6.2).
    static final boolean[] TOKEN = new boolean[256];

    /// The value of a hexadecimal digit, or -1.
    static final byte[] HEX = new byte[256];

    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH = 0x8080808080808080L;

    static {
        for (int b = 0; b < 256; b++) {
            TOKEN[b] = isLetter(b) || isDigit(b) || "!#$%&'*+-.^_`|~".indexOf(b) >= 0;
            HEX[b] = (byte) (b < 128 ? Character.digit(b, 16) : -1);
        }
    }

    private Bytes() {}

    /// Copies the first `length` readable bytes of `in`, which stays as it is, and puts a NUL behind them: no token, no
    /// target and no value goes on past that.
    static void take(ByteBuf in, int length, byte[] into) {
        int readerIndex = in.readerIndex();
        // getBytes() of a direct buffer allocates where Unsafe is not to be had; this does not.
        in.readBytes(into, 0, length);
        in.readerIndex(readerIndex);
        into[length] = 0;
    }

    static boolean isLetter(int b) {
        return (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
    }

    static boolean isDigit(int b) {
        return b >= '0' && b <= '9';
    }

    static boolean isToken(byte b) {
        return TOKEN[b & 0xff];
    }

    /// SP or HTAB, the optional white space of RFC 9110 §5.6.3.
    static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    /// Eight bytes, the first in the lowest place.
    static long word(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    /// The same with letters in lower case. Of the bytes of a token, `:` and `/`, no other becomes one of them; with
    /// `_` it becomes what no token holds.
    static long lowerWord(byte[] bytes, int at) {
        return word(bytes, at) | 0x20 * ONES;
    }

    /// The first `length` (1 to 8) bytes of [#lowerWord], the others 0.
    static long lowerWord(byte[] bytes, int at, int length) {
        return lowerWord(bytes, at) & -1L >>> 64 - 8 * length;
    }

    /// Up to eight characters as [#word] would read them, the others 0.
    static long word(String text) {
        byte[] bytes = new byte[8];
        byte[] ascii = text.getBytes(US_ASCII);
        System.arraycopy(ascii, 0, bytes, 0, ascii.length);
        return word(bytes, 0);
    }

    /// The first control byte, HTAB and DEL included, from `at` on. There must be one: a parser puts a NUL behind what
    /// it reads.
    static int indexOfControl(byte[] bytes, int at) {
        for (; ; at += 8) {
            long word = word(bytes, at);
            long del = word ^ 0x7f * ONES;
            // A borrow can spoil only the places above a hit, and the lowest hit is what counts.
            long hits = ((word - 0x20 * ONES) & ~word | (del - ONES) & ~del) & HIGH;
            if (hits != 0) return at + (Long.numberOfTrailingZeros(hits) >>> 3);
        }
    }
}
