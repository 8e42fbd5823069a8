package bascule.config;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What all blocks of one load share while they are read.
final class Reading {
    static final Kind<String> BACKEND = Kind.NAME.expecting("the name of a backend");

    private final Problems problems;
    private final Places places;
    private final Path folder;
    private final SequencedMap<String, String> keys = new LinkedHashMap<>();
    private final Map<InetSocketAddress, String> owners = new HashMap<>();
    private final Map<InetAddress, Value> hosts = new HashMap<>();
    private @Nullable List<InetAddress> nodes; // Null = there is no cluster.
    private final List<Value> references = new ArrayList<>();
    private final List<Value> toHttps = new ArrayList<>();
    private final SortedSet<Integer> httpsPorts = new TreeSet<>();

    /// @param folder absolute: where relative paths start
    Reading(Problems problems, Places places, Path folder) {
        this.problems = problems;
        this.places = places;
        this.folder = folder;
    }

    Problems problems() {
        return problems;
    }

    Places places() {
        return places;
    }

    Path folder() {
        return folder;
    }

    /// Every key that was asked for, as `listeners.*.routes[].path`, and what it expects; empty for a block.
    SequencedMap<String, String> keys() {
        return keys;
    }

    /// Keeps two from opening one address. Any free port is another one each time.
    ///
    /// @param value null = a default, which gives nobody anything to blame: claim it first
    void claim(InetSocketAddress address, String path, @Nullable Value value) {
        if (address.getPort() == 0) return;
        String owner = path + (value == null ? " by default" : " on " + value.place());
        String first = owners.putIfAbsent(address, owner);
        if (first != null && value != null)
            value.refuse("is taken by " + first, "each address once");
    }

    /// The addresses of the cluster's nodes, which a host word stands for, and its port, which is none for listeners.
    void clusterIs(List<InetAddress> addresses, int port) {
        nodes = addresses;
        var taken = new ArrayList<>(addresses);
        for (String wildcard : List.of("0.0.0.0", "::")) taken.add(InetAddress.ofLiteral(wildcard));
        for (InetAddress each : taken)
            claim(new InetSocketAddress(each, port), "cluster.port", null);
    }

    /// Keeps two from opening the address of a node.
    void claimOnNodes(InetSocketAddress address, Value value) {
        if (nodes == null) {
            value.refuse("there is no cluster that gives this node an address", "IP:PORT or :PORT");
            return;
        }
        for (InetAddress node : nodes)
            claim(new InetSocketAddress(node, address.getPort()), value.path(), value);
    }

    /// Keeps two hosts, or a host and a floating IP, from having one address.
    void claimHost(InetAddress address, Value value) {
        Value first = hosts.putIfAbsent(address, value);
        if (first != null)
            value.refuse(
                    "is taken by " + first.path() + " on " + first.place(), "each address once");
    }

    /// Keeps a name in mind until all that it may refer to are known.
    void refer(Value value) {
        references.add(value);
    }

    /// Keeps in mind a redirect that leads to the listener with TLS, wherever that is.
    void needsHttpsPort(Value value) {
        toHttps.add(value);
    }

    /// Of the listeners with TLS so far.
    SortedSet<Integer> httpsPorts() {
        return httpsPorts;
    }

    void refuseUnknownHttpsPort() {
        SortedSet<Integer> ports = httpsPorts;
        if (Configuration.httpsPort(ports) != 0) return;
        String what =
                ports.isEmpty()
                        ? "no listener has tls, so none gives the port"
                        : "listeners have tls at the ports " + Kind.both(ports);
        for (Value value : toHttps) value.refuse(what, "{ scheme = https, port = … }");
    }

    void refuseUnknown(Collection<String> backends) {
        for (Value reference : references) {
            String name = reference.text();
            if (name == null || backends.contains(name)) continue;
            String near = Spelling.suggest(name, backends);
            reference.refuse("no such backend" + near, BACKEND.expected());
        }
    }
}
