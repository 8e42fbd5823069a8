package bascule.cluster.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/// A network namespace with a random name, deleted when closed (ip-netns(8)). Needs root; [#orSkip] says so.
public final class Namespace implements AutoCloseable {
    private static final int CLONE_NEWNET = 0x40000000;
    private static final MethodHandle OPEN =
            call("open", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    private static final MethodHandle SETNS =
            call("setns", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final MethodHandle CLOSE = call("close", ValueLayout.JAVA_INT);

    private final String name;

    private Namespace(String name) {
        this.name = name;
    }

    /// Skips the test where namespaces cannot be made; where CI=true that fails it.
    public static Namespace orSkip() throws IOException {
        String name = "bascule-%08x".formatted(ThreadLocalRandom.current().nextInt());
        try {
            host("ip", "netns", "add", name);
        } catch (IOException e) {
            throw Skip.forWantOf(
                    "needs root and ip(8) to make a network namespace: " + e.getMessage());
        }
        Namespace made = new Namespace(name);
        made.run("ip", "link", "set", "lo", "up");
        return made;
    }

    public String name() {
        return name;
    }

    /// Joins two by a pair of veth interfaces, up, without addresses.
    public static void join(
            Namespace one, String oneInterface, Namespace other, String otherInterface)
            throws IOException {
        one.run(
                "ip",
                "link",
                "add",
                oneInterface,
                "type",
                "veth",
                "peer",
                "name",
                otherInterface,
                "netns",
                other.name);
        one.run("ip", "link", "set", oneInterface, "up");
        other.run("ip", "link", "set", otherInterface, "up");
    }

    /// Runs a command inside to its end.
    ///
    /// @return what it wrote
    /// @throws IOException if it did not end with 0 within 20 s; says what it wrote
    public String run(String... command) throws IOException {
        return host(inside(command).toArray(String[]::new));
    }

    /// Starts a command inside; standard output and errors are one.
    public Process start(String... command) throws IOException {
        return new ProcessBuilder(inside(command)).redirectErrorStream(true).start();
    }

    private List<String> inside(String... command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", name));
        all.addAll(Arrays.asList(command));
        return all;
    }

    /// Calls something on a thread of its own that is inside. Sockets made there stay there, whichever thread uses them later.
    public <T> T inside(Callable<T> what) throws Exception {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            enter();
                            return what.call();
                        });
        Thread.ofPlatform().name("inside-" + name).daemon().start(task);
        try {
            return task.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) throw cause;
            if (e.getCause() instanceof Error cause) throw cause;
            throw e;
        }
    }

    private void enter() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int fd =
                    (int)
                            OPEN.invokeExact(
                                    arena.allocateFrom("/run/netns/" + name),
                                    0x80000); // O_RDONLY | O_CLOEXEC
            if (fd < 0) throw new IOException("open /run/netns/" + name);
            int entered = (int) SETNS.invokeExact(fd, CLONE_NEWNET);
            int closed = (int) CLOSE.invokeExact(fd);
            if (entered != 0 || closed != 0) throw new IOException("setns " + name);
        } catch (IOException e) {
            throw e;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle call(String name, ValueLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        MemorySegment function = linker.defaultLookup().findOrThrow(name);
        return linker.downcallHandle(
                function, FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    private static String host(String... command) throws IOException {
        Path output = Files.createTempFile("bascule-command", ".txt");
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + ": no end after 20 s");
            }
            String said = Files.readString(output, UTF_8);
            if (process.exitValue() != 0)
                throw new IOException(String.join(" ", command) + ": " + said.strip());
            return said;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } finally {
            Files.delete(output);
        }
    }

    @Override
    public void close() throws IOException {
        host("ip", "netns", "delete", name);
    }
}
