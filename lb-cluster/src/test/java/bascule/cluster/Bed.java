package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.testing.Skip;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A bridge in a network namespace of its own, and nodes on it, each a process in its own: `10.99.0.11`, `.12`, …, the gateway `10.99.0.1`. All is taken
/// down in the end.
final class Bed implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 30;

    private final String prefix =
            "bascule-" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
    private final Path folder;
    private final Path key;
    private final String floatingIps;
    private final List<String> names;
    final List<Node> nodes = new ArrayList<>();

    /// @param floatingIps `NAME=ADDRESS/LEN,…`
    Bed(Path folder, List<String> names, String floatingIps) throws IOException {
        requireNamespaces();
        this.folder = folder;
        this.names = names;
        this.floatingIps = floatingIps;
        key = folder.resolve("cluster.key");
        ClusterKey.generate(key);
        ip("netns", "add", prefix);
        in(prefix, "ip", "link", "set", "lo", "up");
        in(prefix, "ip", "link", "add", "br0", "type", "bridge");
        in(prefix, "ip", "addr", "add", "10.99.0.1/24", "dev", "br0");
        in(prefix, "ip", "addr", "add", "fd99::1/64", "dev", "br0", "nodad");
        in(prefix, "ip", "link", "set", "br0", "up");
        for (int i = 0; i < names.size(); i++) nodes.add(new Node(i));
    }

    static void requireNamespaces() {
        String missing = null;
        if (!"root".equals(System.getProperty("user.name"))) missing = "root";
        else if (!Files.isExecutable(Path.of("/usr/sbin/ip"))
                && !Files.isExecutable(Path.of("/sbin/ip"))) missing = "ip (package iproute2)";
        if (missing == null) return;
        throw Skip.forWantOf(missing + " is missing: network namespaces cannot be made");
    }

    /// A host, and the process on it, if one runs.
    final class Node {
        final int index;
        final String namespace;
        final List<String> said = new CopyOnWriteArrayList<>();
        private Process process;

        private Node(int index) throws IOException {
            this.index = index;
            namespace = prefix + "-" + names.get(index);
            ip("netns", "add", namespace);
            ip(
                    "-n", prefix, "link", "add", port(), "type", "veth", "peer", "name", "eth0",
                    "netns", namespace);
            in(prefix, "ip", "link", "set", port(), "master", "br0", "up");
            in(namespace, "ip", "link", "set", "lo", "up");
            in(namespace, "ip", "addr", "add", "10.99.0." + (11 + index) + "/24", "dev", "eth0");
            in(
                    namespace,
                    "ip",
                    "addr",
                    "add",
                    "fd99::" + (11 + index) + "/64",
                    "dev",
                    "eth0",
                    "nodad");
            in(namespace, "ip", "link", "set", "eth0", "up");
            in(namespace, "ip", "route", "add", "default", "via", "10.99.0.1");
        }

        private String port() {
            return "p" + index;
        }

        void start() throws IOException {
            Path state = Files.createDirectories(folder.resolve(names.get(index)));
            String all =
                    IntStream.range(0, names.size())
                            .mapToObj(i -> names.get(i) + "=10.99.0." + (11 + i))
                            .collect(Collectors.joining(","));
            process =
                    new ProcessBuilder(
                                    "ip",
                                    "netns",
                                    "exec",
                                    namespace,
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "-Xmx64m",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    ClusterNode.class.getName(),
                                    key.toString(),
                                    Integer.toString(index),
                                    state.toString(),
                                    all,
                                    floatingIps)
                            .redirectErrorStream(true)
                            .start();
            BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
            Thread.ofVirtual().start(() -> output.lines().forEach(said::add));
        }

        void command(String line) throws IOException {
            process.outputWriter(StandardCharsets.UTF_8).append(line).append('\n').flush();
        }

        void signal(String name) throws IOException {
            Bed.run("kill", "-" + name, Long.toString(process.pid()));
        }

        void kill() {
            process.destroyForcibly();
            process.onExit().join();
        }

        boolean runs() {
            return process != null && process.isAlive();
        }

        /// Is this address on the host?
        boolean has(String address) {
            String all = in(namespace, "ip", "-o", "addr", "show");
            return all.contains(" " + address + "/32 ") || all.contains(" " + address + "/128 ");
        }

        void cable(boolean up) {
            in(prefix, "ip", "link", "set", port(), up ? "up" : "down");
        }

        boolean hasSaid(String text) {
            return hasSaidSince(0, text);
        }

        /// @param before so many lines do not count
        boolean hasSaidSince(int before, String text) {
            return said.stream().skip(before).anyMatch(line -> line.contains(text));
        }
    }

    /// The nodes that the address is on.
    List<Integer> holders(String address) {
        return nodes.stream().filter(node -> node.has(address)).map(node -> node.index).toList();
    }

    /// Waits until exactly one node has it, and says so.
    int owner(String address) {
        var owner = new AtomicInteger();
        await(
                "one owner of " + address,
                () -> {
                    List<Integer> now = holders(address);
                    if (now.size() != 1) return false;
                    owner.set(now.getFirst());
                    return nodes.get(now.getFirst()).hasSaid("after=OWNING");
                });
        return owner.get();
    }

    void await(String what, BooleanSupplier until) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!until.getAsBoolean()) {
            if (System.nanoTime() - end > 0) fail("no " + what + "\n" + story());
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    String story() {
        var text = new StringBuilder();
        for (Node node : nodes) {
            text.append("--- ").append(names.get(node.index)).append('\n');
            node.said.forEach(line -> text.append(line).append('\n'));
        }
        return text.toString();
    }

    /// Runs a command on the bridge's host, the gateway.
    String gateway(String... command) {
        return in(prefix, command);
    }

    static String ip(String... arguments) {
        var line = new ArrayList<String>();
        line.add("ip");
        line.addAll(List.of(arguments));
        return run(line.toArray(String[]::new));
    }

    static String in(String namespace, String... command) {
        var line = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        line.addAll(List.of(command));
        return run(line.toArray(String[]::new));
    }

    private static String run(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as("%s: %s", List.of(command), output).isZero();
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        for (Node node : nodes) if (node.process != null) node.kill();
        for (Node node : nodes) ip("netns", "del", node.namespace);
        ip("netns", "del", prefix);
    }
}
