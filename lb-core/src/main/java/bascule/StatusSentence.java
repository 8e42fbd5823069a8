package bascule;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.cluster.ClusterStatus;
import bascule.config.NodeConfig;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.server.Server;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What `systemctl status` shows of the daemon, in a line: `serving on 2 listeners; 5 of 6 servers up; owns public; edge2 up`. From any thread.
record StatusSentence(
        Supplier<InForce> inForce,
        Listeners listeners,
        Backends backends,
        Supplier<@Nullable ClusterStatus> cluster) {
    /// Names of one kind, before the others are only counted.
    private static final int MOST_NAMES = 4;

    String text() {
        var parts = new ArrayList<String>();
        listeners(parts);
        servers(parts);
        ClusterStatus seen = cluster.get();
        if (seen != null) cluster(seen, parts);
        if (inForce.get().lastResult().equals("refused"))
            parts.add("the last reload was refused, what was loaded before is in force");
        else if (inForce.get().lastResult().equals("failed"))
            parts.add("the last reload failed, what was loaded before is in force");
        return String.join("; ", parts);
    }

    private void listeners(List<String> parts) {
        List<Listener> all = listeners.all();
        List<String> closed =
                all.stream().filter(each -> !each.open()).map(Listener::name).toList();
        parts.add("serving on " + count(all.size() - closed.size(), "listener"));
        if (!closed.isEmpty()) parts.add("not open: " + names(closed));
    }

    private void servers(List<String> parts) {
        int up = 0;
        int all = 0;
        var empty = new ArrayList<String>();
        for (Backend backend : backends.all()) {
            for (Server server : backend.servers()) {
                all++;
                if (server.status().usable()) up++;
            }
            if (!backend.hasServer()) empty.add(backend.name());
        }
        if (all > 0) parts.add(up + " of " + count(all, "server") + " up");
        if (!empty.isEmpty()) parts.add("no server for " + names(empty));
    }

    private void cluster(ClusterStatus seen, List<String> parts) {
        NodeConfig self = inForce.get().configuration().node();
        String own = self == null ? "" : self.name();
        var owned = new ArrayList<String>();
        var nobodys = new ArrayList<String>();
        for (ClusterStatus.FloatingIp each : seen.floatingIps()) {
            if (own.equals(each.owner())) owned.add(each.name());
            else if (each.owner() == null) nobodys.add(each.name());
        }
        if (!seen.floatingIps().isEmpty())
            parts.add(owned.isEmpty() ? "owns no floating IP" : "owns " + names(owned));
        if (!nobodys.isEmpty()) parts.add("no owner of " + names(nobodys));
        List<String> others =
                seen.nodes().stream()
                        .filter(node -> !node.name().equals(own))
                        .map(node -> node.name() + " " + node.state())
                        .toList();
        if (!others.isEmpty()) parts.add(names(others));
    }

    private static String count(int count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    private static String names(List<String> all) {
        if (all.size() <= MOST_NAMES) return String.join(", ", all);
        return String.join(", ", all.subList(0, MOST_NAMES))
                + " and "
                + (all.size() - MOST_NAMES)
                + " more";
    }
}
