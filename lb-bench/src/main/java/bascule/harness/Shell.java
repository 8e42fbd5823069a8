package bascule.harness;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Commands that end by themselves.
public final class Shell {
    private static final int LIMIT_SECONDS = 30;

    /// @param output both streams
    public record Done(int exitCode, String output) {}

    private Shell() {}

    public static Done run(List<String> command) throws IOException, InterruptedException {
        return run(command, "");
    }

    /// @param input what it reads; short, for it is written first
    public static Done run(List<String> command, String input)
            throws IOException, InterruptedException {
        return run(command, input, LIMIT_SECONDS);
    }

    /// @param limitSeconds after which it is killed
    public static Done run(List<String> command, String input, int limitSeconds)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        Thread watch =
                Thread.ofPlatform()
                        .daemon()
                        .start(
                                () -> {
                                    try {
                                        if (!process.waitFor(limitSeconds, TimeUnit.SECONDS))
                                            process.destroyForcibly();
                                    } catch (InterruptedException _) {
                                        // It is done.
                                    }
                                });
        try (var to = process.getOutputStream()) {
            to.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException _) {
            // It reads nothing, or has failed: its exit code says so.
        }
        try (var from = process.getInputStream()) {
            String output = new String(from.readAllBytes(), StandardCharsets.UTF_8);
            return new Done(process.waitFor(), output);
        } finally {
            watch.interrupt();
        }
    }

    /// @throws Unavailable if it fails
    public static String need(List<String> command)
            throws IOException, InterruptedException, Unavailable {
        return need(command, "");
    }

    public static String need(List<String> command, String input)
            throws IOException, InterruptedException, Unavailable {
        Done done = run(command, input);
        if (done.exitCode() == 0) return done.output();
        throw new Unavailable(
                String.join(" ", command)
                        + " failed with "
                        + done.exitCode()
                        + ": "
                        + done.output().strip());
    }

    public static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
