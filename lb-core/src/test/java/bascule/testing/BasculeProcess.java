package bascule.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The real program, started by the checkout's launcher as a user would, on what this build has packaged. Has a folder of its
/// own under the temporary one. [#close] kills what still runs.
public final class BasculeProcess implements AutoCloseable {
    /// Longest wait for whatever is expected to happen.
    public static final Duration PATIENCE = Duration.ofSeconds(30);

    /// The checkout.
    public static final Path ROOT = root();

    /// What a daemon's file is called.
    public static final String FILE = "bascule.conf";

    private static final String SOCKET = "admin.sock";

    private static final Pattern LISTENER_OPEN =
            Pattern.compile("listener-open name=(\\S+) bind=\\S*:(\\d+)\\b");
    private static final Pattern ADMIN_OPEN = Pattern.compile("admin-open bind=\\S*:(\\d+)\\b");

    private final Path folder;
    private final Path out;
    private final Path err;
    private final List<String> command;
    private final Process process;

    /// How a process ended, and all that it wrote.
    public record Ended(int exitCode, String out, String err) {}

    /// What to start, and how.
    public static final class Builder {
        private final List<String> command = new ArrayList<>();
        private final Map<String, String> environment = new HashMap<>();

        private Builder(List<String> command) {
            this.command.addAll(command);
        }

        /// Runs the command by a line of bash, in which it is `"$@"`.
        public Builder by(String line) {
            command.addAll(0, List.of("bash", "-c", line, "bash"));
            return this;
        }

        public Builder environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        public BasculeProcess start() {
            return new BasculeProcess(this, newFolder());
        }

        /// Waits for its end.
        public Ended end() {
            try (BasculeProcess process = start()) {
                return process.awaitEnd();
            }
        }

        /// Runs the daemon, and waits until it serves. Its file is [#FILE] in its folder; its admin socket and its state are
        /// there, too, if the configuration names no other places.
        ///
        /// @param configuration the text of its file; with port 0 for `admin.http`, too
        public BasculeProcess serve(String configuration) {
            Path folder = newFolder();
            Path file = folder.resolve(FILE);
            var text = new StringBuilder(configuration).append('\n');
            if (!configuration.contains("socket"))
                text.append("admin.socket = ").append(SOCKET).append('\n');
            if (!configuration.contains("state =")) text.append("state = .\n");
            try {
                Files.writeString(file, text);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            command.addAll(List.of("run", "-c", file.toString()));
            var process = new BasculeProcess(this, folder);
            try {
                process.await("that it serves", () -> process.err().contains(" started "));
                return process;
            } catch (AssertionError e) {
                process.close();
                throw e;
            }
        }
    }

    /// `bascule` with these arguments.
    public static Builder bascule(String... arguments) {
        var command = new ArrayList<>(List.of(ROOT.resolve("bascule").toString()));
        command.addAll(List.of(arguments));
        return new Builder(command);
    }

    /// Some other command, with the same care.
    public static Builder command(String... command) {
        return new Builder(List.of(command));
    }

    private BasculeProcess(Builder builder, Path folder) {
        this.folder = folder;
        command = builder.command;
        out = folder.resolve("stdout");
        err = folder.resolve("stderr");
        var starting =
                new ProcessBuilder(hearingHangUps(command))
                        .directory(folder.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
        Map<String, String> environment = starting.environment();
        environment.keySet().removeIf(name -> name.startsWith("BASCULE_"));
        environment.put("BASCULE_IN_BUILD", "1"); // Or the launcher would build below our feet.
        environment.put("JAVA_HOME", System.getProperty("java.home"));
        environment.putAll(builder.environment);
        try {
            process = starting.start();
        } catch (IOException e) {
            delete(folder);
            throw new UncheckedIOException(e);
        }
    }

    /// Its working folder, gone after [#close].
    public Path folder() {
        return folder;
    }

    /// Started by nohup(1), tests hand on that hang-ups are ignored, and the program rightly keeps to that.
    private static List<String> hearingHangUps(List<String> command) {
        var all = new ArrayList<>(List.of("env", "--default-signal=HUP"));
        all.addAll(command);
        return all;
    }

    /// Where a daemon listens for commands, if its configuration names no other place.
    public Path socket() {
        return folder.resolve(SOCKET);
    }

    public long pid() {
        return process.pid();
    }

    /// Standard output so far.
    public String out() {
        return read(out);
    }

    /// Standard error so far.
    public String err() {
        return read(err);
    }

    /// The port that a listener with one address has got.
    public int port(String listener) {
        return LISTENER_OPEN
                .matcher(err())
                .results()
                .filter(open -> open.group(1).equals(listener))
                .map(open -> Integer.parseInt(open.group(2)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no port of listener " + listener + this));
    }

    public int adminPort() {
        Matcher open = ADMIN_OPEN.matcher(err());
        if (!open.find()) throw new AssertionError("no admin port" + this);
        return Integer.parseInt(open.group(1));
    }

    /// @param name `INT`, `TERM` …
    public void signal(String name) {
        Ended sent = command("bash", "-c", "kill -" + name + " " + process.pid()).end();
        if (sent.exitCode() != 0) throw new AssertionError("no signal sent: " + sent.err() + this);
    }

    /// Waits for a condition; fails if the process ends before, or patience does.
    public void await(String what, Supplier<Boolean> condition) {
        long start = System.nanoTime();
        while (!condition.get()) {
            boolean late = System.nanoTime() - start > PATIENCE.toNanos();
            if (!late && process.isAlive()) pause();
            else if (!condition.get())
                throw new AssertionError("waited in vain for " + what + this);
        }
    }

    public Ended awaitEnd() {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                throw new AssertionError("did not end" + this);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        return new Ended(process.exitValue(), out(), err());
    }

    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            delete(folder);
        }
    }

    /// For messages: all that is known.
    @Override
    public String toString() {
        String state = process.isAlive() ? "running" : "ended with " + process.exitValue();
        return "\n%s: %s\nstdout:\n%s\nstderr:\n%s"
                .formatted(String.join(" ", command), state, out(), err());
    }

    private static Path root() {
        try {
            Path classes =
                    Path.of(
                            BasculeProcess.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI());
            return classes.resolve("../../..").normalize();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static Path newFolder() {
        try {
            return Files.createTempDirectory("bascule-test-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try {
            Files.walkFileTree(
                    folder,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            Files.delete(file);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(Path emptied, IOException failure)
                                throws IOException {
                            Files.delete(emptied);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static AssertionError interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new AssertionError(e);
    }
}
