package bascule.testing;

import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;

/// Bodies that tell whether a byte was lost, doubled or put elsewhere.
public final class Content {
    private Content() {}

    /// So many bytes, drawn at random, the same ones for the same seed.
    public static byte[] of(long seed, int length) {
        byte[] content = new byte[length];
        new SplittableRandom(seed).nextBytes(content);
        return content;
    }

    /// Receives as many bytes as are expected and compares them.
    ///
    /// @param pauseMillis before each read, for a peer that is slow
    public static void receive(Wire wire, byte[] expected, int pauseMillis)
            throws IOException, InterruptedException {
        byte[] some = new byte[pauseMillis == 0 ? 64 * 1024 : 8 * 1024];
        for (int at = 0; at < expected.length; ) {
            if (pauseMillis > 0) Thread.sleep(pauseMillis);
            int read = wire.receive(some, 0, Math.min(some.length, expected.length - at));
            if (read < 0)
                throw new AssertionError("the end at byte " + at + " of " + expected.length);
            int wrong = Arrays.mismatch(some, 0, read, expected, at, at + read);
            if (wrong >= 0) throw new AssertionError("byte " + (at + wrong) + " is another");
            at += read;
        }
    }
}
