package bascule.acceptance;

import bascule.harness.AdminSocket;
import bascule.harness.Native;
import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The steps, on one bed, in their order: each finds the pair well and leaves it well. A step that cannot be done is broken, and
/// the walk goes on, unless there is nothing to go on with.
final class Walk {
    /// New connections a second on a host's own address, and on a lone node's floating IP.
    private static final int MANY = 500;

    /// On the pair's floating IP.
    private static final int SOME = 100;

    /// Requests a second that take half a second each.
    private static final int SLOW = 10;

    private static final int HTTP = 80;
    private static final int SHIPPED_PORT = 8080;
    private static final int EXTRA_PORT = 8090;
    private static final String NAME = "public";

    private static final String CAPABILITIES = "0000000000003400";
    private static final int REFUSED_CONFIG = 78;

    private static final double EXPOSURE = 2.0;
    private static final double START_MILLIS = 1_000;
    private static final double RSS_MIB = 90;
    private static final double DEB_MIB = 35;
    private static final double INSTALLED_MIB = 110;
    private static final double PAUSE_MILLIS = 10;

    /// Worst of the drills for kill -9.
    private static final double KILL_MILLIS = 200;

    /// Of the drills, for a host that hangs or is cut off: a median of 350 and 300.
    private static final double LOST_MILLIS = 400;

    /// A node that ends alone keeps its address for so long: the kernel's lease of it, and the time that its end may take.
    private static final int LEASE_SECONDS = 12;

    /// Idle for so long, before its memory is looked at: by then the C library has given back what the start took.
    private static final int IDLE_MILLIS = 12_000;

    private static final int PATIENCE_MILLIS = 30_000;
    private static final int START_LIMIT_MILLIS = 10_000;

    /// Longer than a hold-down after a first fault.
    private static final long HELD_DOWN_NANOS = 1_500_000_000;

    private static final String DEB = "/root/bascule.deb";
    private static final String OLD_DEB = "/root/bascule-old.deb";

    /// A step's work: it adds to what was found.
    private interface Work {
        void run(Found found) throws IOException, InterruptedException, Unavailable;
    }

    /// What a step finds.
    private static final class Found {
        final List<View> views = new ArrayList<>();
        final List<Step.Fact> facts = new ArrayList<>();

        void fact(boolean holds, String text, Object... values) {
            facts.add(new Step.Fact(String.format(Locale.ROOT, text, values), holds));
        }
    }

    private final Bed bed;
    private final Release release;
    private final Packages packages;
    private final int trials;
    private final int pauseSeconds;
    private final Path folder;
    private final Consumer<String> say;
    private final List<Step> steps = new ArrayList<>();
    private final Map<String, Double> figures = new LinkedHashMap<>();
    private String configuration = "";

    /// @param trials       of each step that breaks something
    /// @param pauseSeconds of the run that looks for pauses; 0: none
    /// @param folder       for the journals of steps that are broken
    Walk(
            Bed bed,
            Release release,
            Packages packages,
            int trials,
            int pauseSeconds,
            Path folder,
            Consumer<String> say) {
        this.bed = bed;
        this.release = release;
        this.packages = packages;
        this.trials = trials;
        this.pauseSeconds = pauseSeconds;
        this.folder = folder;
        this.say = say;
    }

    List<Step> steps() {
        return List.copyOf(steps);
    }

    /// What was measured, by its name with its unit.
    Map<String, Double> figures() {
        return figures;
    }

    void run() throws IOException, InterruptedException {
        Map<String, Listing> before = new LinkedHashMap<>();
        boolean there =
                step(
                        "install",
                        "the file installed on two bare hosts at once",
                        found -> install(found, before));
        if (!there) return;
        step("shipped", "as installed, nothing edited", this::shipped);
        boolean pair =
                step(
                        "pair",
                        "one key made, one file written, both the same on both hosts, both restarted",
                        this::pair);
        if (pair) {
            step("start", "restarted without load, to READY", this::start);
            step("bad-file", "a file with a fault, and a restart", this::badFile);
            step("reload", "`systemctl reload` of a good and of a bad file", this::reload);
            repeat("restart", "`systemctl restart` of the owner under load", this::restart);
            step("loops", "`loops` 4, then 2, then 4, a restart each", this::loops);
            step("listener", "a listener taken out of the file, and a restart", this::listener);
            repeat("kill", "kill -9 of the owner's daemon", this::kill);
            repeat("stop", "SIGSTOP of the owner's daemon, until the watchdog ends it", this::stop);
            repeat("cable", "the owner's port of the bridge down for 2 s", this::cable);
            step("handover", "`bascule handover` on the owner", this::handOver);
            step("networkd", "systemd-networkd restarted on the owner", this::networkd);
            step("lone-planted", "a stopped daemon, an address that nobody has", this::planted);
            repeat(
                    "lone-restart",
                    "`systemctl restart`, the other node stopped",
                    this::loneRestart);
            repeat("lone-kill", "kill -9, the other node stopped", this::loneKill);
            if (pauseSeconds > 0)
                step("pauses", "under load for " + pauseSeconds + " s", this::pauses);
        }
        step("remove", "`dpkg --remove`", this::remove);
        step("purge", "`dpkg --purge`", found -> purge(found, before));
        step(
                "upgrade",
                "an older package on both, then the new one over it, one host after the other",
                this::upgrade);
    }

    private void repeat(String name, String what, Work work)
            throws IOException, InterruptedException {
        for (int i = 0; i < trials; i++) {
            String trial = trials == 1 ? "" : " (" + (i + 1) + " of " + trials + ")";
            step(name, what + trial, work);
        }
    }

    /// @return could it be done?
    private boolean step(String name, String what, Work work)
            throws IOException, InterruptedException {
        long begun = System.nanoTime();
        Found found = new Found();
        boolean done = true;
        try {
            work.run(found);
        } catch (Unavailable e) {
            done = false;
            found.fact(false, "%s", e.why());
        }
        Step step =
                new Step(name, what, found.views, found.facts, (System.nanoTime() - begun) / 1e9);
        steps.add(step);
        List<String> broken = step.broken();
        say.accept(
                String.format(
                        Locale.ROOT,
                        "%-13s %5.1f s  %s",
                        name,
                        step.seconds(),
                        broken.isEmpty() ? "kept" : "BROKEN: " + String.join("; ", broken)));
        for (View each : step.views()) say.accept("    " + each.line());
        for (Step.Fact each : step.facts()) if (each.holds()) say.accept("    " + each.text());
        if (!broken.isEmpty()) keep(name, begun);
        return done;
    }

    /// What both hosts have said since.
    private void keep(String name, long since) throws IOException, InterruptedException {
        Path to = folder.resolve(release.codename() + "-" + steps.size() + "-" + name);
        Files.createDirectories(to);
        for (Edge edge : bed.edges()) {
            List<String> lines = new ArrayList<>();
            Shell.Done all =
                    edge.run(
                            "journalctl",
                            "--boot",
                            "--no-pager",
                            "--output=short-monotonic",
                            "--lines=400");
            lines.add(all.output());
            lines.add("---- status");
            lines.add(edge.run("systemctl", "status", "--lines=0", Edge.UNIT).output());
            lines.add(edge.status());
            lines.add("---- the step began at " + since / 1e9);
            Files.write(to.resolve(edge.name() + ".log"), lines);
        }
        say.accept("    kept: " + to);
    }

    private Edge one() {
        return bed.edge("edge1");
    }

    private Edge two() {
        return bed.edge("edge2");
    }

    private Load load(int mostSeconds) {
        return new Load(bed.inside(), mostSeconds);
    }

    // The steps.

    private void install(Found found, Map<String, Listing> before)
            throws IOException, InterruptedException, Unavailable {
        for (Edge edge : bed.edges()) {
            before.put(edge.name(), Listing.of(edge));
            edge.copy(packages.file(), DEB);
        }
        long begun = System.nanoTime();
        both(edge -> edge.need("dpkg", "--install", DEB));
        double seconds = (System.nanoTime() - begun) / 1e9;
        figures.put("install both hosts, s", seconds);
        found.fact(true, "both installed in %.1f s", seconds);
        for (Edge edge : bed.edges()) {
            found.fact(
                    edge.isActive(),
                    "%s: %s",
                    edge.name(),
                    edge.run("systemctl", "is-active", Edge.UNIT).output().strip());
            String enabled = edge.run("systemctl", "is-enabled", Edge.UNIT).output().strip();
            found.fact(enabled.equals("enabled"), "%s: %s", edge.name(), enabled);
        }
        double deb = Files.size(packages.file()) / 1048576.0;
        figures.put(".deb, MiB", deb);
        found.fact(deb <= DEB_MIB, "the .deb has %.1f MiB (≤ %.0f)", deb, DEB_MIB);
        double installed =
                Double.parseDouble(
                                one().sh(
                                                """
                                                dpkg-query -L bascule | while read -r f; do
                                                    if [ -f "$f" ] && [ ! -L "$f" ]; then echo "$f"; fi
                                                done | tr '\\n' '\\0' | du -ck --apparent-size --files0-from=- | tail -n 1 | cut -f 1
                                                """)
                                        .strip())
                        / 1024;
        figures.put("installed, MiB", installed);
        found.fact(
                installed <= INSTALLED_MIB,
                "installed %.1f MiB (≤ %.0f)",
                installed,
                INSTALLED_MIB);
    }

    private void shipped(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = two();
        String user = edge.need("ps", "-o", "user=", "-p", edge.property("MainPID")).strip();
        found.fact(user.equals("bascule"), "user %s", user);
        for (String set : List.of("CapEff", "CapPrm", "CapBnd", "CapAmb")) {
            String value = edge.processStatus(set);
            found.fact(value.equals(CAPABILITIES), "%s %s", set, value);
        }
        String privileges = edge.processStatus("NoNewPrivs");
        found.fact(privileges.equals("1"), "NoNewPrivs %s", privileges);
        String seccomp = edge.processStatus("Seccomp");
        found.fact(seccomp.equals("2"), "Seccomp %s", seccomp);
        double exposure = exposure(edge);
        figures.put("exposure of " + release, exposure);
        found.fact(exposure <= EXPOSURE, "exposure %.1f (≤ %.1f)", exposure, EXPOSURE);
        String status = edge.property("StatusText");
        found.fact(!status.isEmpty(), "status text: %s", status);

        int code = answer(edge.address(), SHIPPED_PORT);
        found.fact(code > 0, "port %d answers: %d", SHIPPED_PORT, code);
        List<Edge.Line> lines = edge.journal(Long.MIN_VALUE / 2);
        long bare = lines.stream().filter(each -> each.text().matches("<\\d>.*")).count();
        long informed = lines.stream().filter(each -> each.priority() == 6).count();
        found.fact(
                bare == 0 && informed > 0,
                "journal: %d lines of priority 6, %d with a priority left in their text",
                informed,
                bare);
        Shell.sleep(IDLE_MILLIS);
        double rss = Double.parseDouble(edge.processStatus("VmRSS").replaceAll("\\D", "")) / 1024;
        figures.put("RSS idle, MiB", rss);
        found.fact(rss <= RSS_MIB, "RSS idle %.0f MiB (≤ %.0f)", rss, RSS_MIB);
    }

    /// The word of systemd-analyze(1).
    private static double exposure(Edge edge)
            throws IOException, InterruptedException, Unavailable {
        String all = edge.need("systemd-analyze", "security", "--no-pager", Edge.UNIT);
        for (String line : all.split("\n"))
            if (line.contains("Overall exposure level"))
                return Double.parseDouble(line.replaceAll(".*: *([0-9.]+).*", "$1"));
        throw new Unavailable("systemd-analyze security says no level: " + all);
    }

    private void pair(Found found) throws IOException, InterruptedException, Unavailable {
        long begun = System.nanoTime();
        configuration = Configuration.usual();
        one().need("bascule", "keygen", Edge.KEY);
        String mode = one().need("stat", "-c", "%a %U:%G", Edge.KEY).strip();
        String key = one().need("cat", Edge.KEY);
        // As scp does it: the mode goes along, the owner is who copies.
        Shell.Done copied =
                two().run(
                                List.of(
                                        "sh",
                                        "-ec",
                                        "umask 077; cat >"
                                                + Edge.KEY
                                                + "; chmod "
                                                + mode.replaceAll(" .*", " ")
                                                + Edge.KEY),
                                key);
        if (copied.exitCode() != 0) throw new Unavailable("the key: " + copied.output());
        found.fact(
                mode.startsWith("6") && mode.matches("\\d[0-4]0 .*"),
                "the key is %s, its copy %s",
                mode,
                two().need("stat", "-c", "%a %U:%G", Edge.KEY).strip());
        writeBoth(configuration);
        for (Edge edge : bed.edges()) edge.need("systemctl", "restart", Edge.UNIT);
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        while (answer(Bed.FLOATING, HTTP) != 200) {
            if (System.nanoTime() - deadline > 0)
                throw new Unavailable(
                        "the floating IP is not served: edge1: "
                                + one().status()
                                + " edge2: "
                                + two().status());
            Shell.sleep(20);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        double all = seconds + figures.getOrDefault("install both hosts, s", 0.0);
        figures.put("from the file on two bare hosts to a request served by the pair, s", all);
        found.fact(
                true,
                "served through the floating IP %.1f s after the key was asked for; with the installation %.1f s",
                seconds,
                all);
        settle();
        for (Edge edge : bed.edges()) {
            List<Edge.Line> lines = edge.journal(begun);
            found.fact(
                    lines.stream().noneMatch(each -> each.priority() >= 0 && each.priority() <= 3),
                    "%s: %d lines in the journal, errors: %s",
                    edge.name(),
                    lines.size(),
                    lines.stream()
                            .filter(each -> each.priority() >= 0 && each.priority() <= 3)
                            .map(Edge.Line::text)
                            .toList());
        }
    }

    private void start(Found found) throws IOException, InterruptedException, Unavailable {
        List<Double> all = new ArrayList<>();
        Edge edge = two();
        for (int i = 0; i < 3; i++) {
            calm(edge);
            edge.need("systemctl", "restart", Edge.UNIT);
            long begun = Long.parseLong(edge.property("ExecMainStartTimestampMonotonic"));
            long ready = Long.parseLong(edge.property("ActiveEnterTimestampMonotonic"));
            all.add((ready - begun) / 1e3);
            settle();
        }
        double median = all.stream().sorted().toList().get(1);
        figures.put("start to READY, median of 3, ms", median);
        found.fact(
                median <= START_MILLIS,
                "start to READY %.0f ms (≤ %.0f; of %s, by `systemctl show -p ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic`)",
                median,
                START_MILLIS,
                all.stream().map(each -> String.format(Locale.ROOT, "%.0f", each)).toList());
    }

    private void badFile(Found found) throws IOException, InterruptedException, Unavailable {
        owner("edge1");
        Edge edge = two();
        try (Load load = load(30)) {
            load.ask("floating IP, 100/s", Bed.FLOATING, HTTP, "/", SOME, Bar.none(100)).begin();
            long begun = System.nanoTime();
            String bad = configuration + "listeners.web.bindd = \":81\"\n";
            int line = (int) bad.lines().count();
            edge.write(Edge.CONF, bad);
            calm(edge);
            int code = edge.run("systemctl", "restart", Edge.UNIT).exitCode();
            found.fact(code != 0, "systemctl restart ends with %d", code);
            Shell.sleep(700); // Longer than it would take to be started again.
            String status = edge.property("ExecMainStatus");
            String restarts = edge.property("NRestarts");
            String state = edge.property("ActiveState");
            found.fact(
                    status.equals("" + REFUSED_CONFIG)
                            && restarts.equals("0")
                            && state.equals("failed"),
                    "exit code %s, %s restarts, state %s",
                    status,
                    restarts,
                    state);
            sayPlace(found, edge, begun, Edge.CONF + ":" + line + ":");
            edge.write(Edge.CONF, configuration);
            calm(edge);
            edge.need("systemctl", "start", Edge.UNIT);
            settle();
            found.views.addAll(load.end());
        }
    }

    /// Is this place named in an error of the journal?
    private static void sayPlace(Found found, Edge edge, long since, String place)
            throws IOException, InterruptedException, Unavailable {
        List<Edge.Line> said =
                edge.journal(since).stream().filter(each -> each.text().contains(place)).toList();
        found.fact(
                said.stream().anyMatch(each -> each.priority() >= 0 && each.priority() <= 4),
                "journal names %s: %s",
                place,
                said.stream()
                        .map(each -> each.priority() + " " + each.text())
                        .min(Comparator.naturalOrder())
                        .orElse("never"));
    }

    private void reload(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(30)) {
            load.ask("floating IP, 500/s", Bed.FLOATING, HTTP, "/", MANY, Bar.none(1_000))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.none(20))
                    .begin();
            String changed = Configuration.with(4, true, "{ path = /new, respond = 204 }");
            edge.write(Edge.CONF, changed);
            long pid = edge.daemon();
            Shell.Done good = edge.run("systemctl", "reload", Edge.UNIT);
            int code = answer(edge.address(), HTTP, "/new");
            found.fact(
                    good.exitCode() == 0 && code == 204 && edge.daemon() == pid,
                    "a good file: ends with %d, its route answers %d, %s process",
                    good.exitCode(),
                    code,
                    edge.daemon() == pid ? "the same" : "ANOTHER");
            Shell.sleep(700);
            long begun = System.nanoTime();
            String bad = changed + "backends.web.balance = best\n";
            edge.write(Edge.CONF, bad);
            Shell.Done refused = edge.run("systemctl", "reload", Edge.UNIT);
            code = answer(edge.address(), HTTP, "/new");
            found.fact(
                    refused.exitCode() != 0
                            && code == 204
                            && edge.daemon() == pid
                            && edge.isActive(),
                    "a bad file: ends with %d, what was in force still answers %d, active",
                    refused.exitCode(),
                    code);
            sayPlace(found, edge, begun, "bascule.conf:" + bad.lines().count() + ":");
            edge.write(Edge.CONF, configuration);
            edge.need("systemctl", "reload", Edge.UNIT);
            Shell.sleep(500);
            found.views.addAll(load.end());
        }
        settle();
    }

    private void restart(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(60)) {
            ownAddress(load, edge, Bar.none(1_500), Bar.none(20));
            load.ask(
                    "floating IP of the pair, 100/s", Bed.FLOATING, HTTP, "/", SOME, Bar.none(300));
            load.begin();
            Shell.sleep(1_000);
            restart(edge, found);
            load.awaitSteady();
            Shell.sleep(1_500);
            found.views.addAll(load.end());
        }
        settle();
    }

    private static void ownAddress(Load load, Edge edge, Bar bar, Bar slow) {
        load.ask("own address, 500/s", edge.address(), HTTP, "/", MANY, bar)
                .ask(
                        "own address, takes half a second, 10/s",
                        edge.address(),
                        HTTP,
                        "/slow",
                        SLOW,
                        slow);
    }

    private static void restart(Edge edge, Found found)
            throws IOException, InterruptedException, Unavailable {
        calm(edge);
        long before = edge.daemon();
        long begun = System.nanoTime();
        edge.need("systemctl", "restart", Edge.UNIT);
        long after = edge.daemon();
        found.fact(
                after != before && after != 0 && edge.isActive(),
                "restarted in %.2f s, %s process",
                (System.nanoTime() - begun) / 1e9,
                after != before ? "another" : "THE SAME");
    }

    private void loops(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(60)) {
            ownAddress(load, edge, Bar.none(2_000), Bar.none(30));
            load.begin();
            for (int loops : List.of(2, 4)) {
                Shell.sleep(500);
                edge.write(Edge.CONF, Configuration.with(loops, true, ""));
                restart(edge, found);
                load.awaitSteady();
                long threads = edge.threads("loop-");
                String stored = edge.property("NFileDescriptorStore");
                found.fact(threads == loops, "%d loops, %s stored descriptors", threads, stored);
            }
            Shell.sleep(1_000);
            found.views.addAll(load.end());
        }
        edge.write(Edge.CONF, configuration);
        settle();
    }

    private void listener(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        String stored = edge.property("NFileDescriptorStore");
        try (Load load = load(60);
                Load other = load(60)) {
            ownAddress(load, edge, Bar.none(1_000), Bar.none(15));
            load.begin();
            // Of the listener that goes: who is refused knows; who waits for ever was swallowed.
            other.ask(
                            "the listener that goes, 100/s",
                            edge.address(),
                            EXTRA_PORT,
                            "/",
                            SOME,
                            Bar.counted(100))
                    .begin();
            Shell.sleep(700);
            edge.write(Edge.CONF, Configuration.with(4, false, ""));
            restart(edge, found);
            load.awaitSteady();
            int refused = answer(edge.address(), EXTRA_PORT);
            found.fact(
                    refused < 0,
                    "the port of the listener that went is %s",
                    refused < 0 ? "closed" : "OPEN");
            Shell.sleep(500);
            List<View> gone = other.end();
            Map<Recording.Result, Integer> causes = gone.getFirst().summary().causes();
            int swallowed = causes.getOrDefault(Recording.Result.LATE, 0);
            found.fact(
                    swallowed == 0,
                    "of its requests %d waited for nothing; the others were answered, closed or refused",
                    swallowed);
            found.views.addAll(load.end());
            found.views.addAll(gone);
            String less = edge.property("NFileDescriptorStore");
            found.fact(
                    Integer.parseInt(less) < Integer.parseInt(stored),
                    "stored descriptors: %s, then %s",
                    stored,
                    less);
        }
        edge.write(Edge.CONF, configuration);
        restart(edge, found);
        settle();
    }

    private void kill(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(60)) {
            ownAddress(load, edge, Bar.inFlight(1_500), Bar.inFlight(20));
            load.ask(
                    "floating IP of the pair, 100/s",
                    Bed.FLOATING,
                    HTTP,
                    "/",
                    SOME,
                    Bar.outage(300, KILL_MILLIS));
            load.begin();
            Shell.sleep(1_000);
            killDaemon(edge, load, found);
            load.awaitSteady();
            Shell.sleep(1_500);
            found.views.addAll(load.end());
        }
        settle();
    }

    private static void killDaemon(Edge edge, Load load, Found found)
            throws IOException, InterruptedException, Unavailable {
        calm(edge);
        long pid = edge.daemon();
        if (pid == 0) throw new Unavailable(edge.name() + " has no daemon to kill");
        long begun = System.nanoTime();
        Native.kill(pid, Native.SIGKILL);
        while (isAlive(pid)) Shell.sleep(1);
        load.gone();
        while (edge.daemon() == 0 || edge.daemon() == pid || !edge.isActive()) {
            if (System.nanoTime() - begun > START_LIMIT_MILLIS * 1_000_000L)
                throw new Unavailable(edge.name() + " is not started again");
            Shell.sleep(20);
        }
        found.fact(true, "active again after %.2f s", (System.nanoTime() - begun) / 1e9);
    }

    /// One that is dead, and not buried yet, is not.
    private static boolean isAlive(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return !stat.substring(stat.lastIndexOf(')') + 2).startsWith("Z");
        } catch (IOException _) {
            return false;
        }
    }

    private void stop(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(60)) {
            load.ask("own address, 100/s", edge.address(), HTTP, "/", SOME, Bar.counted(300));
            load.ask(
                    "floating IP of the pair, 100/s",
                    Bed.FLOATING,
                    HTTP,
                    "/",
                    SOME,
                    Bar.outage(600, LOST_MILLIS));
            load.begin();
            Shell.sleep(500);
            calm(edge);
            long pid = edge.daemon();
            int restarts = Integer.parseInt(edge.property("NRestarts"));
            long begun = System.nanoTime();
            Native.kill(pid, Native.SIGSTOP);
            while (edge.daemon() == pid || edge.daemon() == 0 || !edge.isActive()) {
                if (System.nanoTime() - begun > START_LIMIT_MILLIS * 1_000_000L + 5_000_000_000L)
                    throw new Unavailable("the watchdog does not end it");
                Shell.sleep(50);
            }
            double seconds = (System.nanoTime() - begun) / 1e9;
            int now = Integer.parseInt(edge.property("NRestarts"));
            found.fact(
                    seconds <= 8 && now == restarts + 1,
                    "active again after %.1f s (≤ 8), restarted %d times",
                    seconds,
                    now - restarts);
            load.awaitSteady();
            Shell.sleep(1_000);
            found.views.addAll(load.end());
        }
        settle();
    }

    private void cable(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(60)) {
            load.ask(
                    "floating IP of the pair, 100/s",
                    Bed.FLOATING,
                    HTTP,
                    "/",
                    SOME,
                    Bar.outage(400, LOST_MILLIS));
            load.begin();
            Shell.sleep(500);
            bed.cable(edge, false);
            Shell.sleep(2_000);
            bed.cable(edge, true);
            Shell.sleep(2_000);
            found.views.addAll(load.end());
        }
        settle();
    }

    private void handOver(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(30)) {
            load.ask(
                            "floating IP of the pair, 500/s",
                            Bed.FLOATING,
                            HTTP,
                            "/",
                            MANY,
                            Bar.none(1_000))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.counted(20));
            load.begin();
            Shell.sleep(1_000);
            edge.need("bascule", "handover");
            Shell.sleep(1_000);
            found.views.addAll(load.end());
        }
        settle();
        found.fact(two().has(Bed.FLOATING), "owner: %s", ownerNow());
    }

    private void networkd(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        try (Load load = load(30)) {
            load.ask(
                    "floating IP of the pair, 500/s",
                    Bed.FLOATING,
                    HTTP,
                    "/",
                    MANY,
                    Bar.none(1_000));
            load.begin();
            Shell.sleep(500);
            edge.need("systemctl", "restart", "systemd-networkd");
            Shell.sleep(1_500);
            found.views.addAll(load.end());
        }
        settle();
    }

    /// From here on edge2 is stopped.
    private void planted(Found found) throws IOException, InterruptedException, Unavailable {
        owner("edge1");
        two().need("systemctl", "stop", Edge.UNIT);
        try (Load load = load(5)) {
            load.ask(
                            "a stopped daemon's own address, 500/s",
                            two().address(),
                            HTTP,
                            "/",
                            MANY,
                            Bar.planted(300))
                    .ask(
                            "an address that nobody has, 100/s",
                            Bed.NOBODY,
                            HTTP,
                            "/",
                            SOME,
                            Bar.planted(60));
            load.begin();
            Shell.sleep(1_000);
            found.views.addAll(load.end());
        }
        int refused = found.views.getFirst().refused();
        found.fact(refused >= 300, "%d counted as refused", refused);
    }

    private void lone(Found found) throws IOException, InterruptedException, Unavailable {
        two().need("systemctl", "stop", Edge.UNIT);
        awaitOwner(one());
        found.fact(!two().isActive(), "edge2 is stopped");
    }

    private void loneRestart(Found found) throws IOException, InterruptedException, Unavailable {
        lone(found);
        Edge edge = one();
        try (Load load = load(60)) {
            load.ask(
                            "floating IP of a lone node, 500/s",
                            Bed.FLOATING,
                            HTTP,
                            "/",
                            MANY,
                            Bar.none(1_500))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.none(20));
            load.begin();
            Shell.sleep(1_000);
            restart(edge, found);
            load.awaitSteady();
            Shell.sleep(1_500);
            found.views.addAll(load.end());
        }
        awaitOwner(edge);
    }

    private void loneKill(Found found) throws IOException, InterruptedException, Unavailable {
        lone(found);
        Edge edge = one();
        try (Load load = load(60)) {
            load.ask(
                            "floating IP of a lone node, 500/s",
                            Bed.FLOATING,
                            HTTP,
                            "/",
                            MANY,
                            Bar.inFlight(1_500))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.inFlight(20));
            load.begin();
            Shell.sleep(1_000);
            killDaemon(edge, load, found);
            load.awaitSteady();
            Shell.sleep(1_500);
            found.views.addAll(load.end());
        }
        awaitOwner(edge);
    }

    /// The JVM writes down itself when it stood still; the file of options is the one that users have for that.
    private void pauses(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = owner("edge1");
        edge.sh(
                "cp -p /etc/default/bascule /root/default;"
                        + " echo 'BASCULE_JAVA_OPTS=-Xlog:gc,safepoint:file=/run/bascule/pauses.log:uptime,tags:filecount=0'"
                        + " >>/etc/default/bascule");
        calm(edge);
        edge.need("systemctl", "restart", Edge.UNIT);
        owner("edge1");
        try (Load load = load(pauseSeconds + 60)) {
            load.ask(
                            "floating IP of the pair, 500/s",
                            Bed.FLOATING,
                            HTTP,
                            "/",
                            MANY,
                            Bar.none(pauseSeconds * MANY * 9 / 10))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.none(pauseSeconds * SLOW * 9 / 10));
            load.begin();
            Shell.sleep(pauseSeconds * 1_000L);
            found.views.addAll(load.end());
        }
        Pauses all = Pauses.of(edge.need("cat", "/run/bascule/pauses.log").lines().toList());
        figures.put("longest pause, ms", all.longestMillis());
        found.fact(
                all.collections() > 0 && all.longestMillis() <= PAUSE_MILLIS,
                "%d collections, the longest %.1f ms (≤ %.0f); %d stops for any reason, the longest %.1f ms; RSS %s",
                all.collections(),
                all.longestMillis(),
                PAUSE_MILLIS,
                all.stops(),
                all.longestStopMillis(),
                edge.processStatus("VmRSS"));
        edge.sh("mv /root/default /etc/default/bascule");
        calm(edge);
        edge.need("systemctl", "restart", Edge.UNIT);
        settle();
    }

    private void remove(Found found) throws IOException, InterruptedException, Unavailable {
        long begun = System.nanoTime();
        both(edge -> edge.need("dpkg", "--remove", "bascule"));
        for (Edge edge : bed.edges()) {
            boolean kept = edge.run("cat", Edge.CONF).output().equals(configuration);
            boolean key =
                    configuration.isEmpty() || edge.run("test", "-s", Edge.KEY).exitCode() == 0;
            found.fact(
                    kept || configuration.isEmpty(),
                    "%s: the file is %s",
                    edge.name(),
                    kept ? "kept" : "LOST");
            found.fact(key, "%s: the key is %s", edge.name(), key ? "kept" : "LOST");
            found.fact(!edge.isActive(), "%s: stopped", edge.name());
            double gone = awaitGone(edge, begun);
            found.fact(
                    !edge.has(Bed.FLOATING),
                    "%s: without the floating IP after %.1f s (≤ %d)",
                    edge.name(),
                    gone,
                    LEASE_SECONDS);
            String left = edge.run("find", "/usr/bin/bascule", "/usr/lib/bascule").output();
            found.fact(
                    left.lines().allMatch(each -> each.contains("No such file")),
                    "%s: programs gone",
                    edge.name());
        }
    }

    /// Seconds until its kernel has no floating IP, as long as one may wait.
    private static double awaitGone(Edge edge, long since)
            throws IOException, InterruptedException {
        while (edge.has(Bed.FLOATING)
                && System.nanoTime() - since < TimeUnit.SECONDS.toNanos(LEASE_SECONDS))
            Shell.sleep(50);
        return (System.nanoTime() - since) / 1e9;
    }

    private void purge(Found found, Map<String, Listing> before)
            throws IOException, InterruptedException, Unavailable {
        for (Edge edge : bed.edges()) {
            // What our user has put there by hand is theirs: they take it away as well.
            edge.sh("rm -f " + Edge.KEY + " " + DEB);
            edge.need("dpkg", "--purge", "bascule");
            edge.need("systemctl", "daemon-reload");
            Listing old = before.get(edge.name());
            if (old == null) throw new Unavailable("no listing of before");
            List<String> left = Listing.of(edge).since(old);
            found.fact(
                    left.isEmpty(),
                    "%s: %s",
                    edge.name(),
                    left.isEmpty()
                            ? old.lines().size() + " files, users, units, sockets: as before"
                            : "left behind: " + left);
        }
    }

    private void upgrade(Found found) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : bed.edges()) {
            edge.copy(packages.old(), OLD_DEB);
            edge.copy(packages.file(), DEB);
        }
        both(edge -> edge.need("dpkg", "--install", OLD_DEB));
        configuration = "# Edited by hand.\n" + Configuration.usual();
        one().need("bascule", "keygen", Edge.KEY);
        String mode = one().need("stat", "-c", "%a", Edge.KEY).strip();
        Shell.Done copied =
                two().run(
                                List.of(
                                        "sh",
                                        "-ec",
                                        "umask 077; cat >"
                                                + Edge.KEY
                                                + "; chmod "
                                                + mode
                                                + " "
                                                + Edge.KEY),
                                one().need("cat", Edge.KEY));
        if (copied.exitCode() != 0) throw new Unavailable("the key: " + copied.output());
        writeBoth(configuration);
        for (Edge edge : bed.edges()) edge.need("systemctl", "restart", Edge.UNIT);
        owner("edge1");
        String old = one().need("dpkg-query", "-W", "-f", "${Version}", "bascule");
        try (Load load = load(120)) {
            load.ask("floating IP of the pair, 100/s", Bed.FLOATING, HTTP, "/", SOME, Bar.none(500))
                    .ask(
                            "takes half a second, 10/s",
                            Bed.FLOATING,
                            HTTP,
                            "/slow",
                            SLOW,
                            Bar.counted(50))
                    .ask(
                            "edge1's own address, 100/s",
                            one().address(),
                            HTTP,
                            "/",
                            SOME,
                            Bar.counted(500));
            load.begin();
            for (Edge edge : List.of(two(), one())) { // The one without the address first.
                calm(edge);
                edge.need("dpkg", "--force-confold", "--install", DEB);
                edge.awaitActive(START_LIMIT_MILLIS);
                settle();
            }
            Shell.sleep(1_000);
            found.views.addAll(load.end());
        }
        for (Edge edge : bed.edges()) {
            String now = edge.need("dpkg-query", "-W", "-f", "${Version}", "bascule");
            found.fact(
                    !now.equals(old) && edge.isActive(),
                    "%s: %s, then %s, active",
                    edge.name(),
                    old,
                    now);
            boolean kept = edge.need("cat", Edge.CONF).equals(configuration);
            found.fact(kept, "%s: the edited file is %s", edge.name(), kept ? "kept" : "CHANGED");
        }
        found.fact(true, "the older one: %s", packages.origin());
    }

    // What they need.

    private interface OnEdge {
        String run(Edge edge) throws IOException, InterruptedException, Unavailable;
    }

    /// On both at the same time.
    private void both(OnEdge work) throws IOException, InterruptedException, Unavailable {
        List<FutureTask<String>> tasks = new ArrayList<>();
        for (Edge edge : bed.edges()) {
            FutureTask<String> task = new FutureTask<>(() -> work.run(edge));
            Thread.ofPlatform().name(edge.name()).daemon().start(task);
            tasks.add(task);
        }
        for (FutureTask<String> task : tasks) {
            try {
                task.get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof Unavailable why) throw new Unavailable(why.why());
                throw new IOException(e);
            }
        }
    }

    private void writeBoth(String text) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : bed.edges()) edge.write(Edge.CONF, text);
    }

    /// The walk starts a daemon more often than a unit may by itself.
    private static void calm(Edge edge) throws IOException, InterruptedException {
        edge.run("systemctl", "reset-failed", Edge.UNIT);
    }

    /// The status of an answer; -1 if there is none.
    private int answer(String address, int port) throws IOException, InterruptedException {
        return answer(address, port, "/");
    }

    private int answer(String address, int port, String path)
            throws IOException, InterruptedException {
        Shell.Done done =
                Shell.run(
                        bed.inside()
                                .command(
                                        List.of(
                                                "curl",
                                                "--silent",
                                                "--max-time",
                                                "2",
                                                "--output",
                                                "/dev/null",
                                                "--write-out",
                                                "%{http_code}",
                                                "http://" + address + ":" + port + path)));
        return done.exitCode() == 0 ? Integer.parseInt(done.output().strip()) : -1;
    }

    /// Who has the floating IP, as the kernels say.
    private List<String> ownerNow() throws IOException, InterruptedException {
        List<String> all = new ArrayList<>();
        for (Edge edge : bed.edges()) if (edge.has(Bed.FLOATING)) all.add(edge.name());
        return all;
    }

    /// Has this one own the floating IP, by a hand-over if need be, with the other ready to take it.
    private Edge owner(String name) throws IOException, InterruptedException, Unavailable {
        settle();
        if (!ownerNow().equals(List.of(name))) {
            bed.other(bed.edge(name)).need("bascule", "handover");
            settle();
        }
        if (!ownerNow().equals(List.of(name)))
            throw new Unavailable("the owner is " + ownerNow() + ", not " + name);
        return bed.edge(name);
    }

    /// Waits until both are up, each could own the address, and one of them does. Starts who does not run.
    private void settle() throws IOException, InterruptedException, Unavailable {
        long deadline = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
        long rested = System.nanoTime() + HELD_DOWN_NANOS;
        for (Edge edge : bed.edges()) {
            if (edge.isActive()) continue;
            calm(edge);
            edge.need("systemctl", "start", Edge.UNIT);
        }
        int calm = 0;
        List<String> before = List.of();
        while (calm < 3) {
            String missing = unready();
            List<String> owners = ownerNow();
            if (missing.isEmpty() && owners.size() != 1) missing = "owners " + owners;
            calm = missing.isEmpty() && owners.equals(before) ? calm + 1 : 0;
            before = owners;
            if (System.nanoTime() - deadline > 0)
                throw new Unavailable(
                        "not ready within " + PATIENCE_MILLIS / 1000 + " s: " + missing);
            if (System.nanoTime() - rested > 0) {
                rested = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
                renewHeldDown();
            }
            Shell.sleep(60);
        }
    }

    /// Faults that follow each other as fast as here hold a node down for up to a minute: the next step is not about that. A daemon
    /// that is started anew has no past.
    private void renewHeldDown() throws IOException, InterruptedException, Unavailable {
        for (Edge edge : bed.edges()) {
            String status = edge.status();
            boolean owns =
                    AdminSocket.field(status, "floatingIps", NAME, "owner").equals(edge.name());
            boolean may = AdminSocket.field(status, "floatingIps", NAME, "eligible").equals("true");
            if (owns || may) continue;
            calm(edge);
            edge.need("systemctl", "restart", Edge.UNIT);
        }
    }

    private String unready() {
        for (Edge edge : bed.edges()) {
            String status = edge.status();
            if (status.isEmpty()) return edge.name() + ": no status";
            for (String member : Bed.EDGES) {
                String state = AdminSocket.field(status, "nodes", member, "state");
                if (!state.equals("up")) return edge.name() + ": " + member + " is '" + state + "'";
            }
            if (!AdminSocket.field(status, "floatingIps", NAME, "eligible").equals("true"))
                return edge.name()
                        + ": "
                        + AdminSocket.field(status, "floatingIps", NAME, "reason");
            if (AdminSocket.field(status, "floatingIps", NAME, "owner").isEmpty())
                return edge.name() + ": nobody owns " + NAME;
        }
        return "";
    }

    /// With the other one stopped.
    private static void awaitOwner(Edge edge)
            throws IOException, InterruptedException, Unavailable {
        long deadline = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
        while (!edge.has(Bed.FLOATING)
                || !AdminSocket.field(edge.status(), "floatingIps", NAME, "owner")
                        .equals(edge.name())) {
            if (System.nanoTime() - deadline > 0)
                throw new Unavailable(edge.name() + " does not own: " + edge.status());
            Shell.sleep(50);
        }
    }
}
