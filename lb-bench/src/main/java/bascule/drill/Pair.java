package bascule.drill;

import bascule.harness.Native;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// The two edges that serve floating IPs, under one of both systems.
abstract sealed class Pair implements AutoCloseable permits BasculePair, KeepalivedPair {
    private static final int PORT = 80;

    /// Two turns of an ownership loop.
    private static final long TURN_NANOS = 50_000_000;

    final Bed bed;
    final Setup setup;

    /// What runs on an edge, in the order in which it has to be killed.
    private final Map<String, List<Process>> running = new HashMap<>();

    private final Set<String> suspended = new HashSet<>();

    /// Where the last words are, by edge and program.
    private final Map<String, Path> latest = new HashMap<>();

    private final Map<String, Long> resumedNanos = new HashMap<>();
    private int launched;

    Pair(Bed bed, Setup setup) {
        this.bed = bed;
        this.setup = setup;
    }

    abstract String name();

    /// Starts what an edge runs; does not wait.
    abstract void start(String edge) throws IOException, InterruptedException, Unavailable;

    /// Why it does not take part, as an owner or ready to become one; empty if it does.
    abstract String unready(String edge) throws IOException;

    /// Does it own nothing, and could it but for faults that it had before?
    abstract boolean isHeldDown(String edge);

    /// Is it past what a start takes, so that it could look for its peer?
    abstract boolean hasStarted(String edge) throws IOException;

    /// Asks it to stop, as an operator would, and waits for the end.
    abstract void stop(String edge) throws IOException, InterruptedException, Unavailable;

    /// Does what runs there believe to own it? Only asked of an edge that has the address, and whose processes run.
    abstract boolean believesToOwn(String edge, InetAddress address);

    /// Does an address stay where it is as long as nothing happens?
    abstract boolean isAtHome(InetAddress address, String holder) throws IOException;

    /// Where its words are.
    List<Path> logs() throws IOException {
        List<Path> all = new ArrayList<>();
        for (String edge : List.of("edge1", "edge2", "edge3", "rogue")) {
            try (var files = Files.list(folder(edge))) {
                files.filter(each -> each.toString().endsWith(".log")).forEach(all::add);
            }
        }
        return all;
    }

    Path folder(String edge) throws IOException {
        return bed.folder(name() + "-" + edge);
    }

    /// @param name of its log
    final Process launch(String edge, String name, List<String> command) throws IOException {
        Path log = folder(edge).resolve(name + "-" + ++launched + ".log");
        Process process =
                new ProcessBuilder(bed.host(edge).command(command))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        synchronized (running) {
            running.computeIfAbsent(edge, _ -> new ArrayList<>()).add(process);
            latest.put(edge + " " + name, log);
        }
        return process;
    }

    /// What a program on an edge has said since it was started last.
    final String said(String edge, String name) throws IOException {
        Path log;
        synchronized (running) {
            log = latest.get(edge + " " + name);
        }
        return log == null ? "" : Files.readString(log);
    }

    /// The last words of all that was started there last, on one line.
    final String tail(String edge) throws IOException {
        List<String> words = new ArrayList<>();
        List<Path> last;
        synchronized (running) {
            last =
                    latest.entrySet().stream()
                            .filter(each -> each.getKey().startsWith(edge + " "))
                            .map(Map.Entry::getValue)
                            .toList();
        }
        for (Path log : last) {
            List<String> lines = Files.readAllLines(log);
            words.addAll(lines.subList(Math.max(0, lines.size() - 3), lines.size()));
        }
        return String.join(" | ", words);
    }

    private List<Process> processes(String edge) {
        synchronized (running) {
            return List.copyOf(running.getOrDefault(edge, List.of()));
        }
    }

    /// All of it with what it has started: children first, for a parent's death is a signal to some.
    final List<ProcessHandle> family(String edge) {
        List<ProcessHandle> all = new ArrayList<>();
        for (Process process : processes(edge)) {
            process.descendants().forEach(all::add);
            all.add(process.toHandle());
        }
        return all;
    }

    /// `kill -9` of everything, as if it were one process.
    final void kill(String edge) throws InterruptedException {
        kill(edge, family(edge));
    }

    /// @param all its family: to look for it takes longer than to kill it
    final void kill(String edge, List<ProcessHandle> all) throws InterruptedException {
        for (ProcessHandle each : all) Native.kill(each.pid(), Native.SIGKILL);
        for (Process process : processes(edge)) process.waitFor(5, TimeUnit.SECONDS);
        forget(edge);
    }

    final void forget(String edge) {
        synchronized (running) {
            running.remove(edge);
            suspended.remove(edge);
        }
    }

    /// SIGSTOP for everything.
    final void suspend(String edge, List<ProcessHandle> all) {
        synchronized (running) {
            suspended.add(edge);
        }
        for (ProcessHandle each : all) Native.kill(each.pid(), Native.SIGSTOP);
    }

    /// SIGCONT for everything.
    final void resume(String edge, List<ProcessHandle> all) {
        synchronized (running) {
            suspended.remove(edge);
            resumedNanos.put(edge, System.nanoTime());
        }
        for (ProcessHandle each : all.reversed()) Native.kill(each.pid(), Native.SIGCONT);
    }

    /// To the processes of one program.
    final void signal(String edge, String program, int signal) {
        for (ProcessHandle each : family(edge))
            if (each.info().command().orElse("").endsWith("/" + program))
                Native.kill(each.pid(), signal);
    }

    final boolean runs(String edge) {
        synchronized (running) {
            return !suspended.contains(edge)
                    && !processes(edge).isEmpty()
                    && processes(edge).stream().allMatch(Process::isAlive);
        }
    }

    /// Who goes on after a stop is no owner before it has looked around: until then what it says, and has, is left over.
    final boolean livesAsOwner(String edge, InetAddress address) {
        synchronized (running) {
            Long since = resumedNanos.get(edge);
            if (since != null && System.nanoTime() - since < TURN_NANOS) return false;
        }
        return runs(edge) && believesToOwn(edge, address);
    }

    /// The floating IPs.
    final List<InetAddress> addresses() throws IOException {
        List<InetAddress> all = new ArrayList<>();
        for (String each : setup.addresses())
            all.add(InetAddress.getByName(each.substring(0, each.indexOf('/')))); // A literal.
        return all;
    }

    /// Shuts down the sockets that listen on the client's port, behind the back of the process that has them.
    final void closeListener(String edge) throws IOException, Unavailable {
        boolean found = false;
        for (ProcessHandle each : family(edge)) {
            for (int descriptor : listening(each.pid())) {
                Native.shutDown(each.pid(), descriptor);
                found = true;
            }
        }
        if (!found) throw new Unavailable(edge + ": nobody listens on port " + PORT);
    }

    /// All threads of a process.
    static List<Long> threads(long pid) throws IOException {
        try (var tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return tasks.map(each -> Long.parseLong(String.valueOf(each.getFileName()))).toList();
        }
    }

    private static List<Integer> listening(long pid) throws IOException {
        Set<String> inodes = new HashSet<>();
        for (String table : List.of("tcp", "tcp6")) {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/net/" + table))) {
                String[] fields = line.strip().split(" +");
                if (fields[1].endsWith(String.format(":%04X", PORT)) && fields[3].equals("0A"))
                    inodes.add("socket:[" + fields[9] + "]");
            }
        }
        List<Integer> found = new ArrayList<>();
        try (var descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            for (Path each : descriptors.toList()) {
                if (inodes.contains(target(each)))
                    found.add(Integer.parseInt(String.valueOf(each.getFileName())));
            }
        }
        return found;
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException _) {
            return ""; // Closed meanwhile.
        }
    }

    @Override
    public void close() {
        List<String> all;
        synchronized (running) {
            all = List.copyOf(running.keySet());
        }
        for (String edge : all) {
            try {
                kill(edge);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
