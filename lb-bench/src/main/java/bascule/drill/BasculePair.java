package bascule.drill;

import bascule.harness.AdminSocket;
import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// Bascule on both edges, by its launcher, as a user would start it. The file is the same, byte by byte, and lies in
/// the same place on both: each has a mount namespace, where its own folder is put there.
final class BasculePair extends Pair {
    /// What is there is run, even if a source changes just now: see the launcher.
    private static final String IN_BUILD = "BASCULE_IN_BUILD=1";

    /// Reasons of `/status` that pass with time.
    private static final Set<String> HELD_DOWN =
            Set.of("too long a pause", "was cut off", "not enough nodes answer");

    private static final int ASK_MILLIS = 100;
    private static final int METRICS_MILLIS = 1_000;
    private static final int HAND_OVER_MILLIS = 10_000;
    private static final int STOP_MILLIS = 40_000;
    private static final String CLOCK = "clock";

    static final String ROGUE = "rogue";

    private final Path checkout;
    private final Path here;
    private final Path common;

    /// @param common a folder with `cluster.key` and `certs/`
    BasculePair(Bed bed, Setup setup, Path checkout, Path common) throws IOException {
        super(bed, setup);
        this.checkout = checkout;
        this.common = common;
        here = bed.folder("here");
    }

    /// Makes what all members of all clusters share.
    static Path common(Bed bed, Path checkout)
            throws IOException, InterruptedException, Unavailable {
        Path folder = bed.folder("common");
        Shell.need(keygen(checkout, folder.resolve("cluster.key")));
        Path certificate = Files.createDirectory(folder.resolve("certs")).resolve("default.pem");
        Path key = folder.resolve("default.key");
        Shell.need(
                List.of(
                        "openssl",
                        "req",
                        "-x509",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:P-256",
                        "-nodes",
                        "-days",
                        "30",
                        "-subj",
                        "/CN=drill",
                        "-addext",
                        "subjectAltName=DNS:drill",
                        "-keyout",
                        key.toString(),
                        "-out",
                        certificate.toString()));
        Files.writeString(certificate, Files.readString(certificate) + Files.readString(key));
        Files.delete(key);
        return folder;
    }

    private static List<String> keygen(Path checkout, Path to) {
        String launcher = checkout.resolve("bascule").toString();
        return List.of("env", IN_BUILD, launcher, "keygen", to.toString());
    }

    @Override
    String name() {
        return "bascule";
    }

    String configuration() {
        String nodes =
                setup.members().stream().map(this::node).collect(Collectors.joining("\n    "));
        String ips =
                setup.addresses().stream()
                        .map(each -> Setup.name(each) + " = \"" + each + "\"")
                        .collect(Collectors.joining("\n  "));
        return """
        cluster {
          key-file = cluster.key
          nodes {
            %s
          }
        }
        floating-ips {
          %s
        }
        listeners {
          http { bind = ":80", backend = web, limits.connections = 2000 }
          https { bind = ":443", backend = web, tls = certs/, limits.connections = 2000 }
        }
        backends.web {
          servers = [
            { name = s1, address = "%s:80" }
            { name = s2, address = "%s:80" }
          ]
          check = { http = / %s }
        }
        admin { socket = admin.sock, http = "127.0.0.1:9180" }
        state = state/
        logging.access = off
        shutdown.grace = 5s
        """
                .formatted(
                        nodes,
                        ips,
                        Bed.address("srv", Bed.number("servers")),
                        Bed.address("srv", Bed.number("servers") + 1),
                        setup.quickChecks() ? ", every = 100ms, timeout = 50ms, fall = 2" : "");
    }

    private String node(String edge) {
        String address = Bed.address(setup.link(), Bed.number(edge));
        return edge.equals("edge3")
                ? edge + " { address = \"" + address + "\", witness = true }"
                : edge + " = \"" + address + "\"";
    }

    @Override
    void start(String edge) throws IOException, InterruptedException, Unavailable {
        Path folder = folder(edge);
        Path file = folder.resolve("bascule.conf");
        if (!Files.exists(file)) {
            Files.writeString(file, configuration());
            Files.createDirectories(folder.resolve("state"));
            Shell.need(List.of("cp", "-a", common + "/.", folder.toString()));
        }
        run(edge, folder);
    }

    /// @param on   a host
    /// @param with a folder with `bascule.conf` and all that it wants
    private void run(String on, Path with) throws IOException, InterruptedException, Unavailable {
        List<String> command =
                new ArrayList<>(
                        List.of("unshare", "--mount", "--propagation", "private", "env", IN_BUILD));
        if (setup.ownClocks()) {
            command.add("LD_PRELOAD=" + clock());
            command.add("DRILL_CLOCK=" + with.resolve(CLOCK));
            if (!Files.exists(with.resolve(CLOCK))) step(on, 0);
        }
        command.addAll(
                List.of(
                        "bash",
                        "-c",
                        "mount --bind \"$1\" \"$2\" && cd \"$2\" && shift 2 && exec \"$@\"",
                        "bash",
                        with.toString(),
                        here.toString(),
                        checkout.resolve("bascule").toString(),
                        "run",
                        "-c",
                        here.resolve("bascule.conf").toString()));
        launch(on, "bascule", command);
    }

    /// The library that gives a process a wall clock of its own.
    private Path clock() throws IOException, InterruptedException, Unavailable {
        Path library = common.resolve("clock.so");
        if (!Files.exists(library))
            Shell.need(
                    List.of(
                            "gcc",
                            "-shared",
                            "-fPIC",
                            "-O2",
                            "-o",
                            library.toString(),
                            checkout.resolve("lb-bench/drill/clock.c").toString()));
        return library;
    }

    /// Has a daemon's wall clock be off by so much from now on.
    void step(String edge, long seconds) throws IOException {
        ByteBuffer offset = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
        offset.putLong(seconds).flip();
        // In place: it is mapped.
        try (FileChannel file =
                FileChannel.open(
                        folder(edge).resolve(CLOCK),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE)) {
            file.write(offset, 0);
        }
    }

    /// Starts a daemon on the host `rogue` that takes itself for a third member, and has another key. Let go of by [#kill].
    void startRogue() throws IOException, InterruptedException, Unavailable {
        Path folder = folder(ROGUE);
        Path key = folder.resolve("cluster.key");
        if (!Files.exists(key)) Shell.need(keygen(checkout, key));
        Files.createDirectories(folder.resolve("state"));
        String nodes =
                setup.members().stream().map(this::node).collect(Collectors.joining("\n    "));
        Files.writeString(
                folder.resolve("bascule.conf"),
                """
                cluster {
                  key-file = cluster.key
                  nodes {
                    %s
                    rogue = "%s"
                  }
                }
                listeners.http { bind = ":80", backend = web, limits.connections = 2000 }
                backends.web { servers = ["%s:80"] }
                admin { socket = admin.sock, http = "127.0.0.1:9180" }
                state = state/
                logging.access = off
                """
                        .formatted(
                                nodes,
                                Bed.address(setup.link(), Bed.number(ROGUE)),
                                Bed.address("srv", Bed.number("servers"))));
        run(ROGUE, folder);
    }

    AdminSocket admin(String edge) throws IOException {
        return new AdminSocket(folder(edge).resolve("admin.sock"));
    }

    /// Its `/status`; empty if it does not answer.
    String status(String edge) {
        try {
            return admin(edge).get("/status", ASK_MILLIS);
        } catch (IOException _) {
            return "";
        }
    }

    @Override
    String unready(String edge) {
        String status = status(edge);
        if (status.isEmpty()) return edge + ": no status";
        for (String member : setup.members()) {
            String state = AdminSocket.field(status, "nodes", member, "state");
            if (runs(member) && !state.equals("up"))
                return edge + ": " + member + " is '" + state + "'";
        }
        if (edge.equals("edge3")) return ""; // A witness is never eligible.
        for (String address : setup.addresses()) {
            String name = Setup.name(address);
            if (!AdminSocket.field(status, "floatingIps", name, "eligible").equals("true"))
                return edge
                        + ": "
                        + name
                        + ": "
                        + AdminSocket.field(status, "floatingIps", name, "reason");
            if (AdminSocket.field(status, "floatingIps", name, "owner").isEmpty())
                return edge + ": " + name + " has no owner";
        }
        return "";
    }

    @Override
    boolean isHeldDown(String edge) {
        String status = status(edge);
        boolean held = false;
        for (String address : setup.addresses()) {
            String name = Setup.name(address);
            if (AdminSocket.field(status, "floatingIps", name, "owner").equals(edge)) return false;
            String reason = AdminSocket.field(status, "floatingIps", name, "reason");
            held |= HELD_DOWN.contains(reason) || reason.startsWith("held down");
        }
        return held;
    }

    @Override
    boolean hasStarted(String edge) throws IOException {
        return said(edge, "bascule").contains(" started ");
    }

    @Override
    void stop(String edge) throws IOException, InterruptedException, Unavailable {
        List<ProcessHandle> all = family(edge);
        for (ProcessHandle each : all) Native.kill(each.pid(), Native.SIGTERM);
        Wait.until(
                STOP_MILLIS,
                5,
                () -> all.stream().noneMatch(ProcessHandle::isAlive),
                () -> edge + " does not stop");
        forget(edge);
    }

    @Override
    boolean believesToOwn(String edge, InetAddress address) {
        String name = Setup.name(text(address));
        return AdminSocket.field(status(edge), "floatingIps", name, "owner").equals(edge);
    }

    @Override
    boolean isAtHome(InetAddress address, String holder) {
        return believesToOwn(holder, address);
    }

    /// Orders it by the admin socket, which is faster than a command.
    void handOver(String edge, InetAddress address) throws IOException {
        String name = Setup.name(text(address));
        admin(edge).ask("POST", "/floating-ips/" + name + "/handover", HAND_OVER_MILLIS);
    }

    private static String text(InetAddress address) {
        String text = address.getHostAddress(); // Of IPv6 the long form.
        return text.contains(":") ? text.substring(text.lastIndexOf(':')) : text;
    }

    /// The sum of all samples of a metric whose labels contain this text.
    double metric(String edge, String name, String labels) throws IOException {
        return admin(edge)
                .get("/metrics", METRICS_MILLIS)
                .lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> line.contains(labels))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    /// The threads of its event loops.
    List<Long> loops(String edge) throws IOException {
        List<Long> found = new ArrayList<>();
        for (ProcessHandle each : family(edge)) {
            for (long task : threads(each.pid())) {
                Path name = Path.of("/proc/" + each.pid() + "/task/" + task + "/comm");
                if (Files.readString(name).startsWith("loop-")) found.add(task);
            }
        }
        return found;
    }

    /// A command of `bascule` to the daemon of one edge.
    Shell.Done command(String edge, String... words) throws IOException, InterruptedException {
        List<String> all =
                new ArrayList<>(List.of("env", IN_BUILD, checkout.resolve("bascule").toString()));
        all.addAll(List.of(words));
        all.addAll(List.of("--socket", folder(edge).resolve("admin.sock").toString()));
        return Shell.run(all);
    }
}
