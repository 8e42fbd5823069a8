package bascule.acceptance;

import bascule.harness.Cgroups;
import bascule.harness.Ground;
import bascule.harness.Host;
import bascule.harness.Nginx;
import bascule.harness.Shell;
import bascule.harness.Tools;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    static final List<String> SERVERS = List.of(GATEWAY + ":8001", GATEWAY + ":8002");

    private static final String KIND = "acceptance";
    private static final int POWER_OFF_SECONDS = 6;

    private final Ground ground;
    private final Host inside;
    private final Map<String, Edge> edges = new LinkedHashMap<>();

    private Bed() throws IOException {
        ground = Ground.make(KIND, this::powerOff);
        inside = ground.host("bed");
    }

    /// @param image of the release
    static Bed boot(Release release, Path image)
            throws IOException, InterruptedException, Unavailable {
        Bed bed = new Bed();
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
        Nginx.start(inside, ground.folder("servers"), ground.groups("servers"), SERVERS);
        for (String name : EDGES)
            edges.put(
                    name,
                    Edge.boot(
                            name,
                            name.replace("edge", "e") + "-" + ground.id(),
                            address(name),
                            inside,
                            release,
                            image,
                            ground.folder(name),
                            ground.groups(name)));
        for (Edge edge : edges.values()) edge.awaitBooted();
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
        ground.close();
    }

    /// A host's first process takes all others with it, and its file systems are mounted where it alone sees them.
    private void powerOff() {
        List<Process> all = edges.values().stream().map(Edge::process).toList();
        edges.values().forEach(Edge::powerOff);
        try {
            for (Process each : all) each.waitFor(POWER_OFF_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Removes what runs left behind whose process is gone.
    static void sweep() throws IOException {
        Ground.sweep(KIND);
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
        String groups = missing.isEmpty() ? Cgroups.missing() : "";
        if (!groups.isEmpty()) missing.add(groups);
        return missing;
    }
}
