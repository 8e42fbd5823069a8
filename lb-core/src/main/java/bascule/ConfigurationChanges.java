package bascule;

import bascule.config.BackendConfig;
import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.FloatingIpConfig;
import bascule.config.ListenerConfig;
import bascule.config.NodeConfig;
import bascule.config.NodePart;
import bascule.config.ServerConfig;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Function;

/// What a reload changes, in lines for people.
final class ConfigurationChanges {
    private ConfigurationChanges() {}

    /// What a daemon that runs cannot change, as faults of the new configuration.
    static List<String> impossible(Configuration before, Configuration after) {
        var faults = new ArrayList<String>();
        fixed(
                "loops",
                before.loops() == 0 ? "auto" : before.loops(),
                after.loops() == 0 ? "auto" : after.loops(),
                faults);
        fixed("transport", before.transport(), after.transport(), faults);
        fixed("state", before.state(), after.state(), faults);
        fixed("admin.http", texts(before), texts(after), faults);
        fixed("admin.socket", socket(before), socket(after), faults);
        cluster(before, after, faults);
        return faults;
    }

    /// A node that changed its mind alone would not be understood by the others.
    private static void cluster(Configuration before, Configuration after, List<String> faults) {
        ClusterConfig was = before.cluster();
        ClusterConfig is = after.cluster();
        if (was == null || is == null) {
            moves("cluster", was == null ? "off" : "on", is == null ? "off" : "on", faults);
            return;
        }
        moves("cluster.name", was.name(), is.name(), faults);
        moves("cluster.key-file", was.keyFile(), is.keyFile(), faults);
        moves("cluster.port", was.port(), is.port(), faults);
        moves("cluster.discovery", was.discovery(), is.discovery(), faults);
        moves("cluster.detect", was.detect(), is.detect(), faults);
        each(
                "cluster.nodes.",
                was.nodes(),
                is.nodes(),
                NodeConfig::name,
                ConfigurationChanges::text,
                faults);
        moves("cluster.witness", witness(was), witness(is), faults);
        each(
                "floating-ips.",
                before.floatingIps(),
                after.floatingIps(),
                FloatingIpConfig::name,
                ConfigurationChanges::text,
                faults);
    }

    private static <T> void each(
            String prefix,
            List<T> before,
            List<T> after,
            Function<T, String> name,
            Function<T, String> text,
            List<String> faults) {
        var names = new TreeSet<String>();
        Map<String, String> was = texts(before, name, text, names);
        Map<String, String> is = texts(after, name, text, names);
        for (String each : names)
            moves(
                    prefix + each,
                    was.getOrDefault(each, "off"),
                    is.getOrDefault(each, "off"),
                    faults);
    }

    private static <T> Map<String, String> texts(
            List<T> all, Function<T, String> name, Function<T, String> text, Set<String> names) {
        var texts = new HashMap<String, String>();
        for (T each : all) {
            names.add(name.apply(each));
            texts.put(name.apply(each), text.apply(each));
        }
        return texts;
    }

    private static String witness(ClusterConfig cluster) {
        InetAddress witness = cluster.witness();
        return witness == null ? "gateway" : NetUtil.toAddressString(witness);
    }

    private static String text(NodeConfig node) {
        String address = NetUtil.toAddressString(node.address());
        return node.witness()
                ? address + " as a witness"
                : address + " of priority " + node.priority();
    }

    /// Without `require`, which can change.
    private static String text(FloatingIpConfig ip) {
        String address = NetUtil.toAddressString(ip.address()) + "/" + ip.prefix();
        return address
                + (ip.interfaceName() == null ? "" : " on " + ip.interfaceName())
                + (ip.command() == null ? "" : " by " + ip.command())
                + (ip.preempt() ? " with preempt" : "");
    }

    private static void moves(String key, Object before, Object after, List<String> faults) {
        if (before.equals(after)) return;
        faults.add(
                "%s: %s: cannot change while the daemon runs (expected: %s, or a restart, after bascule handover where this node owns an address)"
                        .formatted(key, word(after), word(before)));
    }

    private static List<String> texts(Configuration configuration) {
        NodePart part = configuration.part();
        return StatusView.texts((part == null ? configuration : part.whole()).admin().http());
    }

    private static String socket(Configuration configuration) {
        Path socket = configuration.admin().socket();
        return socket == null ? "off" : socket.toString();
    }

    private static void fixed(String key, Object before, Object after, List<String> faults) {
        if (before.equals(after)) return;
        faults.add(
                "%s: %s: cannot change while the daemon runs (expected: %s, or a restart)"
                        .formatted(key, word(after), word(before)));
    }

    private static String word(Object value) {
        return value instanceof Enum<?> choice
                ? choice.name().toLowerCase(Locale.ROOT).replace('_', '-')
                : value.toString();
    }

    /// A line each, such as `backends.web.servers.b: added`; none if both mean the same.
    static List<String> between(Configuration before, Configuration after) {
        var lines = new ArrayList<String>();
        compare(
                "floating-ips.",
                before.floatingIps(),
                after.floatingIps(),
                FloatingIpConfig::name,
                (old, now) -> lines.add("floating-ips." + now.name() + ".require: changed"),
                lines);
        compare(
                "listeners.",
                before.listeners(),
                after.listeners(),
                ListenerConfig::name,
                (old, now) -> lines.add("listeners." + now.name() + ": changed"),
                lines);
        compare(
                "backends.",
                before.backends(),
                after.backends(),
                BackendConfig::name,
                (old, now) -> backend(old, now, lines),
                lines);
        if (!before.admin().equals(after.admin())) lines.add("admin: changed");
        if (!before.logging().equals(after.logging())) lines.add("logging: changed");
        if (!before.shutdownGrace().equals(after.shutdownGrace()))
            lines.add("shutdown.grace: changed");
        return lines;
    }

    private static void backend(BackendConfig before, BackendConfig after, List<String> lines) {
        String path = "backends." + after.name() + ".";
        var servers = new ArrayList<String>();
        compare(
                path + "servers.",
                before.servers(),
                after.servers(),
                ServerConfig::name,
                (old, now) -> servers.add(path + "servers." + now.name() + ": changed"),
                servers);
        lines.addAll(servers);
        if (!before.equals(after.withServers(before.servers())))
            lines.add("backends." + after.name() + ": changed");
        else if (servers.isEmpty()) lines.add(path + "servers: order changed");
    }

    private static <T> void compare(
            String prefix,
            List<T> before,
            List<T> after,
            Function<T, String> name,
            BiConsumer<T, T> changed,
            List<String> lines) {
        Map<String, T> known = new LinkedHashMap<>();
        for (T each : before) known.put(name.apply(each), each);
        for (T each : after) {
            T old = known.remove(name.apply(each));
            if (old == null) lines.add(prefix + name.apply(each) + ": added");
            else if (!Objects.equals(old, each)) changed.accept(old, each);
        }
        for (T each : known.values()) lines.add(prefix + name.apply(each) + ": removed");
    }
}
