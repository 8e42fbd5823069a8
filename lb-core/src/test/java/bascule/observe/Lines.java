package bascule.observe;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Random;

/// What a loop has logged, read by a test in the place of the log's thread.
final class Lines {
    private final LoopAccessLog log;
    private long readTo;

    Lines(LoopAccessLog log) {
        this.log = log;
    }

    /// A ring that nobody empties.
    static LoopAccessLog ring() {
        var log = new LoopAccessLog();
        log.prepare(Thread.currentThread());
        return log;
    }

    /// What was logged since the last call.
    String raw() {
        var bytes = new byte[(int) (log.end() - readTo)];
        for (int i = 0; i < bytes.length; i++, readTo++) {
            bytes[i] = log.view().get((int) (readTo & LoopAccessLog.CAPACITY - 1));
        }
        log.release(readTo);
        return new String(bytes, ISO_8859_1);
    }

    void skip() {
        readTo = log.end();
        log.release(readTo);
    }

    /// Long or short, plain or with any byte.
    static String randomText(Random random) {
        int length = random.nextInt(4) == 0 ? random.nextInt(9_000) : random.nextInt(40);
        int kind = random.nextInt(3);
        var text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            int any = random.nextInt(256);
            int plain = 'a' + any % 26;
            text.append((char) (kind == 0 ? plain : kind == 1 || any < 8 ? any : plain));
        }
        return text.toString();
    }
}
