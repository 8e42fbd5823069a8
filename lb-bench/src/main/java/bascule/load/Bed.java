package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// What a run stands on: a temporary folder, free ports on 127.0.0.1, and every process started. Closing it ends them
/// all and removes the folder; so does Ctrl-C.
final class Bed implements AutoCloseable {
    /// The CPU that the proxy under test has for itself, and the one of its client and its servers.
    static final int PROXY_CPU = 0;

    static final int LOAD_CPU = 1;

    /// Below the usual ephemeral range: no outgoing connection can take a port between choice and use.
    private static final int FIRST_PORT = 12_000;

    private static final int LAST_PORT = 32_000;

    private final Path checkout;
    private final Path folder;
    private final boolean keepFolder;
    private final List<Child> children = new ArrayList<>();
    private final Thread onExit = new Thread(this::end, "bed-end");
    private int nextPort = ThreadLocalRandom.current().nextInt(FIRST_PORT, LAST_PORT);
    private int started;
    private boolean ended;

    Bed(Path checkout, boolean keepFolder) throws IOException {
        this.checkout = checkout;
        this.keepFolder = keepFolder;
        folder = Files.createTempDirectory("bascule-load");
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    Path checkout() {
        return checkout;
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    String nativeTool(String name) {
        return checkout.resolve("lb-bench/target/native").resolve(name).toString();
    }

    synchronized int freePort() throws IOException {
        for (int attempt = 0; attempt < 1_000; attempt++) {
            int port = nextPort++;
            if (nextPort > LAST_PORT) nextPort = FIRST_PORT;
            try (var socket = new ServerSocket()) {
                socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                return port;
            } catch (IOException _) {
                // Taken: the next one.
            }
        }
        throw new IOException("no free port from " + FIRST_PORT + " to " + LAST_PORT);
    }

    /// Starts a process on one CPU.
    ///
    /// @throws Unavailable if the program is not there
    Child start(int cpu, String name, List<String> command) throws IOException, Unavailable {
        return startPinned(Integer.toString(cpu), name, command);
    }

    /// Runs a command to its end, on all CPUs, and returns it.
    Child run(String name, List<String> command, int limitSeconds)
            throws IOException, InterruptedException, Unavailable {
        Child child = startPinned(PROXY_CPU + "," + LOAD_CPU, name, command);
        if (!child.process().waitFor(limitSeconds, TimeUnit.SECONDS)) {
            end(child);
            throw new Unavailable(name + ": not done within " + limitSeconds + " s");
        }
        end(child);
        return child;
    }

    /// @throws Unavailable if the processes are being ended: what is seen of them from now on means nothing
    synchronized void requireOpen() throws Unavailable {
        if (ended) throw new Unavailable("the run was stopped");
    }

    private synchronized Child startPinned(String cpus, String name, List<String> command)
            throws IOException, Unavailable {
        requireOpen();
        String program = command.getFirst();
        if (!isExecutable(program)) throw new Unavailable(program + " is not installed");
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", cpus));
        pinned.addAll(command);
        Path output = file(name + "-" + ++started + ".out");
        Process process =
                new ProcessBuilder(pinned)
                        .directory(checkout.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        Child child = new Child(name, process, output);
        children.add(child);
        return child;
    }

    /// Ends one process before the others.
    void end(Child child) {
        child.end();
        synchronized (this) {
            children.remove(child);
        }
    }

    static boolean isExecutable(String program) {
        if (program.contains("/")) return Files.isExecutable(Path.of(program));
        // sbin: where a distribution keeps daemons, and often not in a user's PATH.
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin";
        return Stream.of(path.split(":"))
                .anyMatch(place -> Files.isExecutable(Path.of(place, program)));
    }

    @Override
    public void close() {
        end();
        Runtime.getRuntime().removeShutdownHook(onExit);
    }

    private void end() {
        List<Child> left;
        synchronized (this) {
            if (ended) return;
            ended = true;
            left = new ArrayList<>(children);
        }
        left.forEach(child -> child.process().destroy()); // All at once, then one by one.
        left.forEach(Child::end);
        if (keepFolder) {
            System.err.println("kept: " + folder);
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        } catch (IOException e) {
            System.err.println("left behind: " + e.getMessage());
        }
    }
}
