package bascule.acceptance;

import bascule.harness.AdminSocket;
import bascule.harness.Cgroups;
import bascule.harness.Host;
import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One booted host: systemd-nspawn(1) on a folder that is the image below and memory above, so that nothing is written to a disk.
/// Commands run in its namespaces, as root, as if typed on its console.
final class Edge {
    static final String UNIT = "bascule.service";
    static final String CONF = "/etc/bascule/bascule.conf";
    static final String KEY = "/etc/bascule/cluster.key";

    private static final int BOOT_MILLIS = 60_000;
    private static final int COMMAND_SECONDS = 120;
    private static final int ASK_MILLIS = 1_000;
    private static final String PATH =
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// What is mounted is seen by this process and its children alone. The groups are entered first: what systemd-nspawn makes, it makes
    /// below its own.
    private static final String BOOT =
            """
            set -e
            place=$1 image=$2 name=$3 machine=$4 address=$5 gateway=$6; shift 6
            mount -t tmpfs -o size=1536m,mode=0755 bascule "$place"
            mkdir "$place"/up "$place"/work "$place"/root
            mount -t overlay -o "lowerdir=$image,upperdir=$place/up,workdir=$place/work" bascule "$place/root"
            cd "$place/root"
            echo "$name" >etc/hostname
            printf '127.0.0.1 localhost\\n10.77.0.11 edge1\\n10.77.0.12 edge2\\n' >etc/hosts
            tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
            rm -f etc/resolv.conf
            : >etc/resolv.conf
            printf '[Match]\\nName=host0\\n[Network]\\nAddress=%s/24\\nGateway=%s\\n' "$address" "$gateway" \\
                >etc/systemd/network/10-host0.network
            exec "$@"
            """;

    private static final Pattern PRIORITY = Pattern.compile("\"PRIORITY\" *: *\"(\\d)\"");
    private static final Pattern TIME = Pattern.compile("\"__MONOTONIC_TIMESTAMP\" *: *\"(\\d+)\"");
    private static final Pattern SAID =
            Pattern.compile("\"MESSAGE\" *: *\"((?:[^\"\\\\]|\\\\.)*)\"");

    /// One line of the journal.
    ///
    /// @param nanos    as [System#nanoTime] counts
    /// @param priority of syslog(3): 3 is an error, 6 information
    record Line(long nanos, int priority, String text) {}

    private final String name;
    private final String machine;
    private final String address;
    private final Process process;
    private final Path console;
    private long leader;

    private Edge(String name, String machine, String address, Process process, Path console) {
        this.name = name;
        this.machine = machine;
        this.address = address;
        this.process = process;
        this.console = console;
    }

    /// Does not wait.
    ///
    /// @param place  an empty folder
    /// @param groups control groups that are this host's own
    static Edge boot(
            String name,
            String machine,
            String address,
            Host bed,
            Release release,
            Path image,
            Path place,
            List<Path> groups)
            throws IOException {
        Path console = place.resolveSibling(name + ".log");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "unshare",
                                "--mount",
                                "--propagation",
                                "private",
                                "bash",
                                "-c",
                                BOOT,
                                "bash",
                                place.toString(),
                                image.toString(),
                                name,
                                machine,
                                address,
                                Bed.GATEWAY));
        command.addAll(
                Cgroups.within(
                        groups,
                        List.of(
                                "setsid",
                                "nsenter",
                                "--net=" + bed.file(),
                                "systemd-nspawn",
                                "--quiet",
                                "--directory=" + place.resolve("root"),
                                "--machine=" + machine,
                                "--hostname=" + name,
                                "--register=no",
                                "--keep-unit",
                                "--private-users=no",
                                "--network-bridge=br0",
                                "--resolv-conf=off",
                                "--link-journal=no",
                                "--boot",
                                "--console=read-only")));
        var builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(console.toFile());
        if (release.needsUnifiedHierarchy())
            builder.environment().put("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        return new Edge(name, machine, address, builder.start(), console);
    }

    void awaitBooted() throws IOException, InterruptedException, Unavailable {
        Wait.until(
                BOOT_MILLIS,
                () -> !process.isAlive() || isBooted(),
                () -> name + " does not boot: " + tail(Files.readString(console)));
        if (!process.isAlive())
            throw new Unavailable(name + " ends: " + tail(Files.readString(console)));
        String failed = need("systemctl", "--failed", "--plain", "--no-legend");
        if (!failed.isBlank()) throw new Unavailable(name + " boots badly: " + failed);
    }

    private boolean isBooted() throws IOException, InterruptedException {
        if (leader == 0) leader = findLeader();
        if (leader == 0) return false;
        String state = run("systemctl", "is-system-running").output().strip();
        return state.equals("running") || state.equals("degraded");
    }

    /// The child that is number one in a namespace of its own.
    private long findLeader() {
        return process.toHandle()
                .descendants()
                .mapToLong(ProcessHandle::pid)
                .filter(pid -> insidePid(pid) == 1)
                .findFirst()
                .orElse(0);
    }

    /// @return the number that a process has in the innermost namespace, or 0 if it is in none, or gone
    private static long insidePid(long pid) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status")))
                if (line.startsWith("NSpid:")) {
                    String[] ids = line.substring(6).strip().split("\\s+");
                    return ids.length < 2 ? 0 : Long.parseLong(ids[ids.length - 1]);
                }
        } catch (IOException _) {
            // Gone.
        }
        return 0;
    }

    private static String tail(String text) {
        List<String> lines = text.lines().toList();
        return String.join(" | ", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
    }

    String name() {
        return name;
    }

    String address() {
        return address;
    }

    Process process() {
        return process;
    }

    /// Its port of the bridge.
    String port() {
        return "vb-" + machine;
    }

    Shell.Done run(String... command) throws IOException, InterruptedException {
        return run(List.of(command), "");
    }

    Shell.Done run(List<String> command, String input) throws IOException, InterruptedException {
        List<String> all =
                new ArrayList<>(
                        List.of(
                                "nsenter",
                                "--target",
                                Long.toString(leader),
                                "--all",
                                "env",
                                "-i",
                                PATH,
                                "HOME=/root",
                                "LC_ALL=C.UTF-8",
                                "SYSTEMD_PAGER=",
                                "DEBIAN_FRONTEND=noninteractive"));
        all.addAll(command);
        return Shell.run(all, input, COMMAND_SECONDS);
    }

    /// @throws Unavailable if it fails
    String need(String... command) throws IOException, InterruptedException, Unavailable {
        return need(List.of(command), "");
    }

    private String need(List<String> command, String input)
            throws IOException, InterruptedException, Unavailable {
        Shell.Done done = run(command, input);
        if (done.exitCode() == 0) return done.output();
        throw new Unavailable(
                name
                        + ": "
                        + String.join(" ", command)
                        + " failed with "
                        + done.exitCode()
                        + ": "
                        + done.output().strip());
    }

    /// A script of sh(1).
    String sh(String script) throws IOException, InterruptedException, Unavailable {
        return sh(script, "");
    }

    String sh(String script, String input) throws IOException, InterruptedException, Unavailable {
        return need(List.of("sh", "-ec", script), input);
    }

    /// Puts a file there, in place: owner and mode stay if it is there already.
    void write(String path, String text) throws IOException, InterruptedException, Unavailable {
        sh("cat >" + path, text);
    }

    /// Copies a file of this machine there.
    void copy(Path from, String to) throws IOException {
        Files.copy(from, Path.of("/proc/" + leader + "/root" + to));
    }

    /// A property of the unit (systemctl(1)); empty if it has none.
    String property(String of) throws IOException, InterruptedException, Unavailable {
        return need("systemctl", "show", "--value", "--property=" + of, UNIT).strip();
    }

    boolean isActive() throws IOException, InterruptedException {
        return run("systemctl", "is-active", "--quiet", UNIT).exitCode() == 0;
    }

    /// Waits until another process of the daemon than this one is active.
    ///
    /// @return seconds it took
    double awaitAnother(long pid, int limitMillis)
            throws IOException, InterruptedException, Unavailable {
        return Wait.until(
                limitMillis,
                () -> daemon() != pid && daemon() != 0 && isActive(),
                () -> name + " is not started again: " + lastWords());
    }

    private String lastWords() throws IOException, InterruptedException {
        return tail(run("systemctl", "status", UNIT).output());
    }

    /// The daemon's process, as this machine counts; 0 if there is none.
    long daemon() throws IOException, InterruptedException, Unavailable {
        long inside = Long.parseLong(property("MainPID"));
        if (inside == 0) return 0;
        return ProcessHandle.of(leader).stream()
                .flatMap(ProcessHandle::descendants)
                .mapToLong(ProcessHandle::pid)
                .filter(pid -> insidePid(pid) == inside)
                .findFirst()
                .orElse(0);
    }

    /// A line of `/proc/PID/status` of the daemon, without its name.
    String processStatus(String line) throws IOException, InterruptedException, Unavailable {
        for (String each : Files.readAllLines(Path.of("/proc/" + daemon() + "/status")))
            if (each.startsWith(line + ":")) return each.substring(line.length() + 1).strip();
        return "";
    }

    /// How many threads of the daemon have a name that begins so.
    long threads(String prefix) throws IOException, InterruptedException, Unavailable {
        long count = 0;
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/" + daemon() + "/task"))) {
            for (Path each : tasks) {
                try {
                    if (Files.readString(each.resolve("comm")).startsWith(prefix)) count++;
                } catch (IOException _) {
                    // It ended meanwhile.
                }
            }
        }
        return count;
    }

    /// What the unit has said since a moment, oldest first.
    List<Line> journal(long sinceNanos) throws IOException, InterruptedException, Unavailable {
        List<Line> lines = new ArrayList<>();
        need("journalctl", "--sync");
        String all = need("journalctl", "--quiet", "--output=json", "--boot", "--unit=" + UNIT);
        for (String line : all.split("\n")) {
            Matcher time = TIME.matcher(line);
            Matcher said = SAID.matcher(line);
            if (!time.find() || !said.find()) continue;
            long nanos = Long.parseLong(time.group(1)) * 1_000;
            if (nanos - sinceNanos < 0) continue;
            Matcher priority = PRIORITY.matcher(line);
            String text = said.group(1).replace("\\\"", "\"").replace("\\\\", "\\");
            lines.add(
                    new Line(
                            nanos,
                            priority.find() ? Integer.parseInt(priority.group(1)) : -1,
                            text));
        }
        return lines;
    }

    /// The daemon's own word.
    AdminSocket admin() {
        return new AdminSocket(Path.of("/proc/" + leader + "/root/run/bascule/admin.sock"));
    }

    /// Its `/status`; empty if it does not answer.
    String status() {
        try {
            return admin().get("/status", ASK_MILLIS);
        } catch (IOException _) {
            return "";
        }
    }

    /// Has its kernel this address now?
    boolean has(String floating) throws IOException, InterruptedException {
        return run("ip", "-o", "-4", "addr", "show").output().contains(" " + floating + "/");
    }

    /// As its power switch does; does not wait.
    void powerOff() {
        if (leader != 0) Native.kill(leader, SIGRTMIN_4);
        else process.destroyForcibly();
    }

    /// systemd(1): powers off.
    private static final int SIGRTMIN_4 = 34 + 4;
}
