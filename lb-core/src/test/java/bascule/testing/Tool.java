package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// A program that a test runs to its end, such as curl or openssl.
public final class Tool {
    private Tool() {}

    /// How it ended, and what it wrote.
    public record Ended(List<String> command, int exit, byte[] out, byte[] err) {
        /// Standard output, each byte as a character.
        public String text() {
            return new String(out, ISO_8859_1);
        }

        /// Standard error, each byte as a character.
        public String errors() {
            return new String(err, ISO_8859_1);
        }

        /// Both outputs, one after the other.
        public String all() {
            return text() + errors();
        }

        @Override
        public String toString() {
            return "%s: exit %d\n%s".formatted(String.join(" ", command), exit, all());
        }
    }

    /// Runs it without input, for up to [RunningDaemon#PATIENCE].
    public static Ended run(String... command) throws IOException, InterruptedException {
        return run(RunningDaemon.PATIENCE, "", command);
    }

    /// @param patience after which it is killed, and the test fails
    /// @param input what it reads before the end of its standard input
    public static Ended run(Duration patience, String input, String... command)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        try {
            CompletableFuture<byte[]> out = all(process.getInputStream());
            CompletableFuture<byte[]> err = all(process.getErrorStream());
            try (OutputStream in = process.getOutputStream()) {
                in.write(input.getBytes(ISO_8859_1));
            } catch (IOException notRead) {
                // It ended before; its exit code says whether that is well.
            }
            boolean done = process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (!done) end(process);
            var ended = new Ended(List.of(command), process.waitFor(), out.join(), err.join());
            if (!done) throw new AssertionError("not done after " + patience + ": " + ended);
            return ended;
        } finally {
            end(process);
        }
    }

    private static void end(Process process) {
        List<ProcessHandle> below = process.descendants().toList();
        process.destroyForcibly();
        below.forEach(ProcessHandle::destroyForcibly); // They would keep the outputs open.
    }

    private static CompletableFuture<byte[]> all(InputStream from) {
        var bytes = new CompletableFuture<byte[]>();
        Thread.startVirtualThread(
                () -> {
                    try (from) {
                        bytes.complete(from.readAllBytes());
                    } catch (Throwable failure) {
                        bytes.completeExceptionally(failure);
                    }
                });
        return bytes;
    }
}
