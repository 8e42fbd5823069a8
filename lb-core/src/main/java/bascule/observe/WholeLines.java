package bascule.observe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
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

    /// Does the last byte written here end no line? Guarded by the lock.
    private boolean cut;

    void take() {
        lock.lock();
    }

    void give() {
        lock.unlock();
    }

    /// For who has it: has the last line here no end yet? Who gives it away so has failed to write.
    boolean cut() {
        return cut;
    }

    /// For who has it, and all that is written here.
    ///
    /// @return how many bytes were written, which may be none: a pipe that is full and does not wait
    int write(WritableByteChannel to, ByteBuffer bytes) throws IOException {
        int start = bytes.position();
        int written = to.write(bytes);
        if (written > 0) cut = bytes.get(start + written - 1) != '\n';
        return written;
    }

    /// For who has it, before a line: ends the one before, if it was cut.
    ///
    /// @return false if that could not be written now
    boolean endCut(WritableByteChannel to) throws IOException {
        return !cut || write(to, ByteBuffer.wrap(new byte[] {'\n'})) == 1;
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
