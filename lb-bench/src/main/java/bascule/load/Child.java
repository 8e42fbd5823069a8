package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A process that the bench started. What it prints goes to a file; its standard input is a pipe.
record Child(String name, Process process, Path output) {
    private static final long POLL_MILLIS = 10;

    long pid() {
        return process.pid();
    }

    /// Waits for the first output line with this prefix after `skip` lines, and returns what follows the prefix.
    ///
    /// @throws Unavailable if the process ended or the time passed before
    String await(String prefix, int skip, Duration limit)
            throws IOException, InterruptedException, Unavailable {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            boolean alive =
                    process.isAlive(); // Asked before reading: the last line may precede the end.
            for (String line : lines().stream().skip(skip).toList()) {
                if (line.startsWith(prefix)) return line.substring(prefix.length()).strip();
            }
            if (!alive) throw new Unavailable(name + " ended: " + tail());
            if (System.nanoTime() - deadline >= 0) {
                throw new Unavailable(
                        name
                                + ": no line '"
                                + prefix
                                + "' within "
                                + limit.toSeconds()
                                + " s: "
                                + tail());
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /// Sends one line and waits for the one that answers it.
    String ask(String line, Duration limit) throws IOException, InterruptedException, Unavailable {
        int before = lines().size();
        process.outputWriter().write(line + "\n");
        process.outputWriter().flush();
        return await("", before, limit);
    }

    /// Complete lines printed so far; one still being written is left out.
    List<String> lines() throws IOException {
        String text = Files.readString(output);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }

    /// The last words, on one line.
    String tail() throws IOException {
        List<String> all =
                Files.readString(output).lines().filter(line -> !line.isBlank()).toList();
        String text = String.join(" | ", all.subList(Math.max(0, all.size() - 4), all.size()));
        return text.isEmpty() ? "no output" : text;
    }

    /// Ends the process and what it started: asked first, then forced.
    void end() {
        List<ProcessHandle> family = process.descendants().toList();
        process.destroy();
        try {
            process.waitFor(3, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        family.forEach(ProcessHandle::destroyForcibly); // Those of a killed parent would live on.
    }
}
