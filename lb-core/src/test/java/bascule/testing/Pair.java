package bascule.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.Daemon;
import bascule.StartFailure;
import bascule.admin.Commands;
import bascule.cluster.key.ClusterKey;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/// Two nodes of one cluster in this process, `a` on 127.0.0.2 and `b` on 127.0.0.3, and a floating IP that a command takes and releases: it
/// writes a line into a file and changes nothing of the host. Each has a folder of its own for its state.
public final class Pair implements AutoCloseable {
    public static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final boolean witness;
    private final int port;
    private final Complaints complaints = new Complaints();
    private final Map<String, Daemon> daemons = new ConcurrentHashMap<>();
    private final Map<String, String> texts = new ConcurrentHashMap<>();

    /// @param folder empty
    public Pair(Path folder) throws IOException {
        this(folder, false);
    }

    /// @param witness is there a third node, `w` on 127.0.0.4, that never owns?
    public Pair(Path folder, boolean witness) throws IOException {
        this.folder = folder;
        this.witness = witness;
        ClusterKey.generate(folder.resolve("cluster.key"));
        Path hook = folder.resolve("hook");
        Files.writeString(hook, "#!/bin/sh\necho \"$@\" >> " + folder.resolve("moves") + "\n");
        Files.setPosixFilePermissions(hook, PosixFilePermissions.fromString("rwx------"));
        try (var free = new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.2"))) {
            port = free.getLocalPort();
        }
    }

    /// @param text of listeners and backends, and what else differs from the default
    private Configuration configuration(String node, String text) {
        String whole =
                """
                cluster { nodes { a = 127.0.0.2, b = 127.0.0.3%s }, key-file = cluster.key, port = %d, witness = 127.0.0.1, detect = calm }
                floating-ips.public { address = 203.0.113.10/24, command = hook }
                admin.http = "127.0.0.1:0"
                logging.access = off
                shutdown.grace = off
                """
                                .formatted(
                                        witness
                                                ? ", w { address = 127.0.0.4, witness = true }"
                                                : "",
                                        port)
                        + (text.contains("socket") ? "" : "admin.socket = off\n")
                        + text;
        LoadResult read =
                ConfigurationLoader.parse(whole, folder.resolve("bascule.conf"), Map.of());
        if (read instanceof LoadResult.Loaded(Configuration configuration))
            return configuration.forNode(node);
        throw new AssertionError(read);
    }

    /// @param node `a` or `b`
    /// @param text of listeners and backends; where it says `STATE`, the node's own folder is meant
    public Daemon start(String node, String text) throws StartFailure, IOException {
        Files.createDirectories(state(node));
        write(node, text);
        Daemon daemon =
                Daemon.start(
                        configuration(node, texts.get(node)),
                        () -> new LoadResult.Loaded(configuration(node, texts.get(node))));
        daemons.put(node, daemon);
        return daemon;
    }

    /// A node's own folder.
    public Path state(String node) {
        return folder.resolve("state-" + node);
    }

    /// What a reload will read.
    public void write(String node, String text) {
        texts.put(node, text.replace("STATE", state(node).toString()));
    }

    public void reload(String node, String text) {
        write(node, text);
        Commands.ReloadResult result = daemons.get(node).reload().join();
        if (!(result instanceof Commands.Reloaded)) throw new AssertionError(result);
    }

    /// A reload of what cannot be put in force; all stays as it was.
    public void reloadRefused(String node, String text) {
        String before = texts.put(node, text.replace("STATE", state(node).toString()));
        complaints.deaf(
                () -> {
                    Commands.ReloadResult result = daemons.get(node).reload().join();
                    if (!(result instanceof Commands.Refused))
                        throw new AssertionError(result.toString());
                });
        texts.put(node, before);
    }

    public void stop(String node) {
        daemons.remove(node).stop();
    }

    public String status(String node) {
        InetSocketAddress admin = daemons.get(node).adminAddresses().getFirst();
        return Answer.get(admin, "/status").body(UTF_8);
    }

    public String metrics(String node) {
        InetSocketAddress admin = daemons.get(node).adminAddresses().getFirst();
        return Answer.get(admin, "/metrics").body(UTF_8);
    }

    /// Waits until a page of a node is so.
    public void awaitStatus(String node, Predicate<String> wanted) {
        Awaitility.await(node)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> status(node), wanted);
    }

    /// Waits until both nodes see both, and one owner.
    ///
    /// @return its name
    public String awaitOwner() {
        for (String node : new String[] {"a", "b"})
            awaitStatus(
                    node,
                    status ->
                            count(status, "\"state\": \"up\"") >= 2
                                    && (owner(status).equals("a") || owner(status).equals("b")));
        Awaitility.await("one owner")
                .atMost(PATIENCE)
                .until(() -> owner(status("a")).equals(owner(status("b"))));
        return owner(status("a"));
    }

    /// What a status says.
    public static String owner(String status) {
        return status.replaceAll("(?s).*\"owner\": \"?(\\w+)\"?.*", "$1");
    }

    private static int count(String text, String part) {
        return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
    }

    /// What the command was called with.
    public String moves() {
        try {
            Path moves = folder.resolve("moves");
            return Files.exists(moves) ? Files.readString(moves) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        daemons.values().forEach(Daemon::stop);
        complaints.close();
        complaints.check();
    }
}
