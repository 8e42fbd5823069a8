package bascule.limits;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Random;

/// Content of any length in which no part looks like its neighbour: random bytes that repeat at a prime distance, so that a piece
/// that is lost, doubled or moved shows.
final class Pattern {
    private static final int PERIOD = 61_441; // Prime.
    private static final int MOST = 32 * 1024;
    private static final byte[] BYTES = bytes();

    private Pattern() {}

    private static byte[] bytes() {
        byte[] bytes = new byte[PERIOD + MOST];
        new Random(1).nextBytes(bytes);
        System.arraycopy(bytes, 0, bytes, PERIOD, MOST);
        return bytes;
    }

    /// Writes `[from, to)`.
    static void write(OutputStream out, long from, long to) throws IOException {
        for (long at = from; at < to; ) {
            int length = (int) Math.min(MOST, to - at);
            out.write(BYTES, (int) (at % PERIOD), length);
            at += length;
        }
    }

    /// Reads as many bytes as `[from, to)` has and compares them.
    static void read(InputStream in, long from, long to) throws IOException {
        byte[] some = new byte[MOST];
        for (long at = from; at < to; ) {
            int length = in.read(some, 0, (int) Math.min(MOST, to - at));
            if (length < 0) throw new EOFException("the end at byte " + at + " of " + to);
            int start = (int) (at % PERIOD);
            int wrong = Arrays.mismatch(some, 0, length, BYTES, start, start + length);
            if (wrong >= 0)
                throw new AssertionError("byte " + (at + wrong) + " of " + to + " is another");
            at += length;
        }
    }
}
