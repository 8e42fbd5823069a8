package bascule.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/// What a run makes on this machine: a folder in the temporary one, network namespaces and control groups, all of one random
/// name. Closing it ends every process in them and deletes all of it; so does Ctrl-C, and what a run left behind that was
/// killed, the next one deletes.
public final class Ground implements AutoCloseable {
    private static final int ROUNDS = 2;
    private static final int ATTEMPTS = 20;
    private static final int PAUSE_MILLIS = 100;

    private final String kind;
    private final String id;
    private final Path folder;
    private final Runnable first;
    private final Thread onExit = new Thread(this::end, "ground-end");
    private boolean ended;

    private Ground(String kind, String id, Path folder, Runnable first) {
        this.kind = kind;
        this.id = id;
        this.folder = folder;
        this.first = first;
    }

    /// @param kind  of run: what begins with its name is its own
    /// @param first done before all else when it ends
    public static Ground make(String kind, Runnable first) throws IOException {
        String id = String.format("%04x", ThreadLocalRandom.current().nextInt(1 << 16));
        Path folder = Files.createTempDirectory(prefix(kind) + id + "-");
        Leftover.mark(folder, id);
        Ground ground = new Ground(kind, id, folder, first);
        Runtime.getRuntime().addShutdownHook(ground.onExit);
        return ground;
    }

    private static String prefix(String kind) {
        return "bascule-" + kind + "-";
    }

    private static String prefix(String kind, String id) {
        return prefix(kind) + id + "-";
    }

    /// Four hexadecimal digits.
    public String id() {
        return id;
    }

    /// A folder for one host, or for one program: made when it is first asked for.
    public Path folder(String name) throws IOException {
        return Files.createDirectories(folder.resolve(name));
    }

    /// A host whose namespace may be made.
    public Host host(String name) {
        return new Host(name, prefix(kind, id) + name);
    }

    /// Control groups for what is to be apart, and to come before what else this machine does.
    public List<Path> groups(String name) throws IOException {
        return Cgroups.make(prefix(kind, id) + name);
    }

    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException _) {
            // The JVM ends already.
        }
    }

    private synchronized void end() {
        if (ended) return;
        ended = true;
        first.run();
        remove(kind, id, folder);
    }

    /// Deletes what runs of this kind left behind whose process is gone.
    public static void sweep(String kind) throws IOException {
        for (Map.Entry<Path, String> each : Leftover.orphans(prefix(kind)).entrySet()) {
            String id = each.getValue();
            System.err.println(
                    kind + ": an earlier run was killed: removing " + prefix(kind, id) + "*");
            remove(kind, id, each.getKey());
        }
    }

    private static void remove(String kind, String id, Path folder) {
        String prefix = prefix(kind, id);
        try {
            List<String> namespaces = namespaces(prefix);
            for (int round = 0;
                    round < ROUNDS;
                    round++) { // Who is killed may just have started another.
                if (round > 0) Shell.sleep(PAUSE_MILLIS);
                Cgroups.killAll(prefix);
                for (String namespace : namespaces) killAll(namespace);
            }
            var batch = new StringBuilder();
            namespaces.forEach(each -> batch.append("netns del " + each + "\n"));
            Shell.run(List.of("ip", "-force", "-batch", "-"), batch.toString());
            for (int attempt = 0; ; attempt++) {
                try {
                    Cgroups.remove(prefix);
                    break;
                } catch (IOException e) { // Who was killed is not gone yet.
                    if (attempt == ATTEMPTS) throw e;
                    Shell.sleep(PAUSE_MILLIS);
                }
            }
            Leftover.delete(folder);
        } catch (IOException e) {
            System.err.println(kind + ": left behind: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static List<String> namespaces(String prefix) throws IOException {
        Path all = Path.of("/run/netns");
        if (!Files.isDirectory(all)) return List.of(); // None was ever made.
        try (Stream<Path> files = Files.list(all)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.startsWith(prefix))
                    .toList();
        }
    }

    private static void killAll(String namespace) throws IOException, InterruptedException {
        String pids = Shell.run(List.of("ip", "netns", "pids", namespace)).output();
        pids.lines()
                .filter(line -> line.matches("\\d+"))
                .map(Long::parseLong)
                .filter(pid -> pid != ProcessHandle.current().pid())
                .forEach(pid -> Native.kill(pid, Native.SIGKILL));
    }

    @Override
    public String toString() {
        return "bascule-" + kind + "-" + id;
    }
}
