package bascule.observe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/// One place that lines are written to. Whoever writes there has it from the beginning of a line to its end: the kernel keeps together what one call
/// writes only up to PIPE_BUF, 4 KiB, of a pipe (pipe(7)), and nothing of a longer line that the pipe has no room for. Those who wait take turns.
final class WholeLines {
    /// Standard error, to which events go.
    static final WholeLines STANDARD_ERROR = new WholeLines();

    private static final Path ERROR_FILE = Path.of("/proc/self/fd/2");

    private final ReentrantLock lock = new ReentrantLock(true);

    /// Did a write that failed leave a line without its end? For who has it.
    private boolean cut;

    void take() {
        lock.lock();
    }

    void give() {
        lock.unlock();
    }

    boolean cut() {
        return cut;
    }

    void cut(boolean now) {
        cut = now;
    }

    /// @return [#STANDARD_ERROR] if that is the same pipe, file, terminal or stream of the journal; else a place of its own
    static WholeLines of(Path file) {
        try {
            return identity(file).equals(identity(ERROR_FILE)) ? STANDARD_ERROR : new WholeLines();
        } catch (IOException | UnsupportedOperationException _) {
            return new WholeLines();
        }
    }

    private static Map<String, Object> identity(Path file) throws IOException {
        return Files.readAttributes(file, "unix:dev,ino");
    }
}
