package bascule.acceptance;

import bascule.harness.Host;
import bascule.harness.Leftover;
import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Tools;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/// Two booted hosts on a bridge, in a network namespace with a random name, that also holds the servers and the clients.
/// This machine's own network is not touched. Closing it ends all that runs there and leaves nothing; so does Ctrl-C, and what
/// a run left behind that was killed, the next one removes.
///
/// | | address |
/// |---|---|
/// | servers, clients, default route of the hosts | 10.77.0.1 |
/// | edge1, edge2 | 10.77.0.11, .12 |
/// | the floating IP | 10.77.0.100 |
/// | nobody | 10.77.0.200 |
final class Bed implements AutoCloseable {
    static final List<String> EDGES = List.of("edge1", "edge2");
    static final String GATEWAY = "10.77.0.1";
    static final String FLOATING = "10.77.0.100";
    static final String NOBODY = "10.77.0.200";

    /// What takes half a second.
    static final String SLOW = "/slow";

    static final List<Integer> SERVER_PORTS = List.of(8001, 8002);

    private static final int SERVERS_MILLIS = 10_000;
    private static final String SERVERS = "servers";
    private static final List<String> GROUPS = List.of("edge1", "edge2", SERVERS);
    private static final String FOLDER = "bascule-acceptance-";
    private static final String PREFIX = "bascule-acc-";

    private final String id;
    private final Path folder;
    private final Host inside;
    private final Map<String, Edge> edges = new LinkedHashMap<>();
    private final Thread onExit = new Thread(this::end, "bed-end");
    private boolean ended;

    private Bed(String id, Path folder) {
        this.id = id;
        this.folder = folder;
        inside = new Host("bed", PREFIX + id);
    }

    /// @param image of the release
    static Bed boot(Release release, Path image)
            throws IOException, InterruptedException, Unavailable {
        String id = String.format("%04x", ThreadLocalRandom.current().nextInt(1 << 16));
        Path folder = Files.createTempDirectory(FOLDER + id + "-");
        Leftover.mark(folder, id);
        Bed bed = new Bed(id, folder);
        Runtime.getRuntime().addShutdownHook(bed.onExit);
        try {
            bed.build(release, image);
            return bed;
        } catch (IOException | InterruptedException | Unavailable | RuntimeException e) {
            bed.close();
            throw e;
        }
    }

    private void build(Release release, Path image)
            throws IOException, InterruptedException, Unavailable {
        Shell.need(List.of("ip", "netns", "add", inside.namespace()));
        Shell.need(
                inside.ip("-batch", "-"),
                """
                link set lo up
                link add br0 type bridge stp_state 0 mcast_snooping 0
                addr add %s/24 dev br0
                link set br0 up
                """
                        .formatted(GATEWAY));
        startServers();
        for (String name : EDGES) {
            String machine = name.charAt(0) + name.substring(name.length() - 1) + "-" + id;
            Path place = Files.createDirectories(folder.resolve(name));
            edges.put(
                    name,
                    Edge.boot(
                            name,
                            machine,
                            address(name),
                            inside,
                            release,
                            image,
                            place,
                            Cgroups.make(PREFIX + id + "-" + name)));
        }
        for (Edge edge : edges.values()) edge.awaitBooted();
    }

    /// nginx: `/` is answered at once and says by which of the two; `/slow` takes half a second.
    private void startServers() throws IOException, Unavailable {
        Path place = Files.createDirectories(folder.resolve("servers"));
        Path pages = Files.createDirectories(place.resolve("pages"));
        // With its head more than is sent at once, which is what is allowed in half a second.
        Files.writeString(pages.resolve("slow"), "slow ".repeat(104));
        String servers = "";
        for (int port : SERVER_PORTS)
            servers +=
                    """
                        server {
                            listen %s:%d backlog=4096;
                            location = / { default_type text/plain; return 200 "%d\\n"; }
                            location = /slow { root %s; limit_rate 1000; sendfile_max_chunk 500; }
                        }
                    """
                            .formatted(GATEWAY, port, port, pages);
        String text =
                """
                user root;
                daemon off;
                worker_processes 1;
                pid %1$s/pid;
                error_log %1$s/error.log;
                events { worker_connections 4096; }
                http {
                    access_log off;
                    client_body_temp_path %1$s/body;
                    proxy_temp_path %1$s/proxy;
                    fastcgi_temp_path %1$s/fastcgi;
                    uwsgi_temp_path %1$s/uwsgi;
                    scgi_temp_path %1$s/scgi;
                    keepalive_requests 1000000000;
                    keepalive_timeout 1h;
                %2$s
                }
                """
                        .formatted(place, servers);
        Path file = Files.writeString(place.resolve("nginx.conf"), text);
        Process nginx =
                new ProcessBuilder(
                                Cgroups.within(
                                        Cgroups.make(PREFIX + id + "-" + SERVERS),
                                        inside.command(
                                                List.of(
                                                        "nginx",
                                                        "-p",
                                                        place.toString(),
                                                        "-e",
                                                        place.resolve("error.log").toString(),
                                                        "-c",
                                                        file.toString()))))
                        .redirectErrorStream(true)
                        .redirectOutput(place.resolve("nginx.log").toFile())
                        .start();
        for (int waited = 0; !Files.exists(place.resolve("pid")); waited += 20) {
            if (waited > SERVERS_MILLIS || !nginx.isAlive())
                throw new Unavailable(
                        "nginx does not start: " + Files.readString(place.resolve("nginx.log")));
            Shell.sleep(20);
        }
    }

    static String address(String edge) {
        return edge.equals("edge1") ? "10.77.0.11" : "10.77.0.12";
    }

    /// Where the clients are.
    Host inside() {
        return inside;
    }

    Edge edge(String name) {
        Edge edge = edges.get(name);
        if (edge == null) throw new IllegalArgumentException(name);
        return edge;
    }

    List<Edge> edges() {
        return List.copyOf(edges.values());
    }

    /// Pulls the cable out of the switch, or puts it back: both ends lose their carrier.
    void cable(Edge edge, boolean plugged) throws IOException, InterruptedException, Unavailable {
        Shell.need(inside.ip("link", "set", edge.port(), plugged ? "up" : "down"));
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
        List<Process> all = edges.values().stream().map(Edge::process).toList();
        edges.values().forEach(Edge::powerOff);
        try {
            for (Process each : all) each.waitFor(6, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        remove(id, folder);
    }

    /// Removes what runs left behind whose process is gone.
    static void sweep() throws IOException {
        for (Map.Entry<Path, String> each : Leftover.orphans(FOLDER).entrySet()) {
            System.err.println(
                    "acceptance: an earlier run was killed: removing " + PREFIX + each.getValue());
            remove(each.getValue(), each.getKey());
        }
    }

    /// A host's first process takes all others with it, and its file systems are mounted where it alone sees them.
    private static void remove(String id, Path folder) {
        try {
            String namespace = PREFIX + id;
            for (int round = 0; round < 2; round++) {
                for (String name : GROUPS) killAll(Cgroups.roots(), namespace + "-" + name);
                String pids = Shell.run(List.of("ip", "netns", "pids", namespace)).output();
                pids.lines()
                        .filter(line -> line.matches("\\d+"))
                        .map(Long::parseLong)
                        .filter(pid -> pid != ProcessHandle.current().pid())
                        .forEach(pid -> Native.kill(pid, Native.SIGKILL));
                Shell.sleep(100);
            }
            Shell.run(List.of("ip", "netns", "del", namespace));
            for (int attempt = 0; ; attempt++) {
                try {
                    for (String name : GROUPS) Cgroups.remove(namespace + "-" + name);
                    break;
                } catch (IOException e) { // Who was killed is not gone yet.
                    if (attempt == 20) throw e;
                    Shell.sleep(100);
                }
            }
            Leftover.delete(folder);
        } catch (IOException e) {
            System.err.println("acceptance: left behind: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void killAll(List<Path> roots, String group) throws IOException {
        List<Path> lists = new ArrayList<>();
        for (Path root : roots) {
            if (!Files.isDirectory(root.resolve(group))) continue;
            try (var files = Files.walk(root.resolve(group))) {
                files.filter(each -> each.endsWith("cgroup.procs")).forEach(lists::add);
            } catch (java.io.UncheckedIOException _) {
                // A group went meanwhile.
            }
        }
        for (Path list : lists) {
            try {
                for (String pid : Files.readAllLines(list))
                    Native.kill(Long.parseLong(pid), Native.SIGKILL);
            } catch (IOException _) {
                // It went meanwhile.
            }
        }
    }

    /// What is missing on this machine for a bed; empty if nothing is.
    static List<String> missing() throws IOException, InterruptedException {
        List<String> missing =
                new ArrayList<>(
                        Tools.missing(
                                List.of(
                                        "ip",
                                        "nsenter",
                                        "unshare",
                                        "bash",
                                        "nginx",
                                        "curl",
                                        "systemd-nspawn",
                                        "mmdebstrap",
                                        "dpkg-deb",
                                        "git")));
        if (Cgroups.roots().isEmpty()) missing.add("control groups of systemd's");
        else if (missing.isEmpty()) {
            String probe = PREFIX + "probe-" + ThreadLocalRandom.current().nextInt(10_000, 100_000);
            try {
                Cgroups.make(probe);
                Cgroups.remove(probe);
            } catch (IOException e) {
                missing.add("the right to make control groups (" + e.getMessage() + ")");
            }
        }
        return missing;
    }
}
