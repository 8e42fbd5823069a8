package bascule.drill;

import bascule.harness.Ground;
import bascule.harness.Host;
import bascule.harness.Shell;
import bascule.harness.Tools;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Hosts on real bridges: network namespaces with random names, and a folder. Closing it ends every process in them and
/// deletes all of it; so does Ctrl-C, and what a run left behind that was killed, the next one deletes.
///
/// | host | LAN `10.0.0.0/24`, `fd00::/64` | cluster link `10.0.1.0/24` | servers' network `10.0.2.0/24` |
/// |---|---|---|---|
/// | edge1, edge2, edge3 | .11, .12, .13 | .11, .12, .13 | .11, .12, .13 |
/// | gateway | .1 | | |
/// | client | .9 | | |
/// | rogue | .66 | | |
/// | servers | | | .21, .22 |
///
/// The bridges stand in a namespace of their own; a port is called by its network and host, as in `lan-edge1`.
final class Bed implements AutoCloseable {
    static final List<String> NETWORKS = List.of("lan", "clu", "srv");
    static final List<String> EDGES = List.of("edge1", "edge2", "edge3");

    /// What the floating IPs begin with; the last number is from 100 on.
    static final String LAN = "10.0.0.";

    static final String LAN6 = "fd00::";

    private static final String KIND = "drill";

    private static final Map<String, Integer> NUMBERS =
            Map.of(
                    "edge1", 11, "edge2", 12, "edge3", 13, "gateway", 1, "client", 9, "rogue", 66,
                    "servers", 21);

    private final Ground ground;
    private final Map<String, Host> hosts = new LinkedHashMap<>();
    private final Host bridges;

    private Bed() throws IOException {
        ground = Ground.make(KIND, () -> {});
        bridges = ground.host("switch");
        for (String name :
                List.of("client", "edge1", "edge2", "edge3", "gateway", "rogue", "servers"))
            hosts.put(name, ground.host(name));
    }

    static Bed make() throws IOException, InterruptedException, Unavailable {
        Bed bed = new Bed();
        try {
            bed.build();
            return bed;
        } catch (IOException | InterruptedException | Unavailable e) {
            bed.close();
            throw e;
        }
    }

    private void build() throws IOException, InterruptedException, Unavailable {
        var namespaces = new StringBuilder("netns add " + bridges.namespace() + "\n");
        hosts.values().forEach(host -> namespaces.append("netns add " + host.namespace() + "\n"));
        Shell.need(List.of("ip", "-batch", "-"), namespaces.toString());
        var links = new StringBuilder();
        for (String network : NETWORKS) {
            links.append("link add " + network + " type bridge stp_state 0 mcast_snooping 0\n");
            links.append("link set " + network + " up\n");
        }
        for (Host host : hosts.values()) {
            for (String network : networksOf(host.name())) {
                String port = network + "-" + host.name();
                links.append("link add " + port + " type veth peer name " + network + "0 netns ");
                links.append(host.namespace() + "\n");
                links.append("link set " + port + " master " + network + " up\n");
            }
        }
        Shell.need(bridges.ip("-batch", "-"), links.toString());
        for (Host host : hosts.values()) {
            var batch = new StringBuilder("link set lo up\n");
            for (String network : networksOf(host.name())) batch.append(configured(host, network));
            Shell.need(host.ip("-batch", "-"), batch.toString());
        }
    }

    private static List<String> networksOf(String host) {
        return switch (host) {
            case "servers" -> List.of("srv");
            case "edge1", "edge2", "edge3" -> NETWORKS;
            default -> List.of("lan");
        };
    }

    private static String configured(Host host, String network) {
        String device = network + "0";
        int number = number(host.name());
        String text = "link set " + device + " up\n";
        text += "addr replace " + address(network, number) + "/24 dev " + device + "\n";
        if (host.name().equals("servers"))
            text += "addr replace " + address(network, number + 1) + "/24 dev " + device + "\n";
        if (network.equals("lan")) {
            text += "addr replace " + LAN6 + number + "/64 dev " + device + " nodad\n";
            if (EDGES.contains(host.name())) text += "route replace default via " + LAN + "1\n";
        }
        return text;
    }

    /// What the host's own network service would do: its addresses and its default route are there again.
    String configured(String host, String network) {
        return configured(host(host), network);
    }

    static int number(String host) {
        return NUMBERS.getOrDefault(host, 0);
    }

    static String address(String network, int number) {
        return "10.0." + NETWORKS.indexOf(network) + "." + number;
    }

    Host host(String name) {
        Host host = hosts.get(name);
        if (host == null) throw new IllegalArgumentException(name);
        return host;
    }

    /// Where the bridges are.
    Host bridges() {
        return bridges;
    }

    /// A folder for one host, or for one program: made when it is first asked for.
    Path folder(String name) throws IOException {
        return ground.folder(name);
    }

    /// Pulls the cable out of the switch, or puts it back: both ends lose their carrier.
    void cable(String network, String host, boolean plugged)
            throws IOException, InterruptedException, Unavailable {
        String port = network + "-" + host;
        Shell.need(bridges.ip("link", "set", port, plugged ? "up" : "down"));
    }

    /// All cables of a host at once.
    void cables(String host, boolean plugged)
            throws IOException, InterruptedException, Unavailable {
        var batch = new StringBuilder();
        for (String network : networksOf(host))
            batch.append("link set " + network + "-" + host + (plugged ? " up\n" : " down\n"));
        Shell.need(bridges.ip("-batch", "-"), batch.toString());
    }

    /// Has a port of the switch forward nothing more, with the carrier up; or all again.
    void forwarding(String network, String host, boolean on)
            throws IOException, InterruptedException, Unavailable {
        set(network, host, "state", on ? "3" : "0"); // BR_STATE_FORWARDING, BR_STATE_DISABLED
    }

    /// Has the switch hand on a broadcast to this host before all others: it does so to the port that came last first.
    void answersFirst(String network, String host)
            throws IOException, InterruptedException, Unavailable {
        String port = network + "-" + host;
        Shell.need(
                bridges.ip("-batch", "-"),
                "link set " + port + " nomaster\nlink set " + port + " master " + network + "\n");
    }

    /// Has the switch forward nothing between these hosts, but all between them and others; or all again.
    void apart(String network, List<String> hosts, boolean on)
            throws IOException, InterruptedException, Unavailable {
        for (String host : hosts) set(network, host, "isolated", on ? "on" : "off");
    }

    /// @param option of a port, as bridge(8) calls it
    private void set(String network, String host, String option, String value)
            throws IOException, InterruptedException, Unavailable {
        String port = network + "-" + host;
        List<String> command = new ArrayList<>(List.of("bridge", "-n", bridges.namespace()));
        command.addAll(List.of("link", "set", "dev", port, option, value));
        Shell.need(command);
    }

    @Override
    public void close() {
        ground.close();
    }

    /// Deletes what runs left behind whose process is gone.
    static void sweep() throws IOException {
        Ground.sweep(KIND);
    }

    /// What is missing on this machine for a bed; empty if nothing is.
    static List<String> missing(boolean keepalived) throws IOException, InterruptedException {
        List<String> programs = new ArrayList<>(List.of("ip", "bridge", "nsenter", "nginx"));
        if (keepalived) programs.addAll(List.of("keepalived", "haproxy", "curl"));
        return Tools.missing(programs);
    }

    @Override
    public String toString() {
        return ground.toString();
    }
}
