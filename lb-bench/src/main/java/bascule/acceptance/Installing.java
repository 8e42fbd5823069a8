package bascule.acceptance;

import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// From two bare hosts to a pair, and back to two bare hosts.
final class Installing {
    private static final int SHIPPED_PORT = 8080;
    private static final String CAPABILITIES = "0000000000003400";
    private static final double EXPOSURE = 2.0;
    private static final double MEGABYTE = 1e6;
    private static final double DEB_MB = 35;
    private static final double INSTALLED_MB = 110;
    private static final double ALONE_MB = 90;

    /// Of a node of the pair; infinite: it is only counted.
    private static final double NODE_MB = Double.POSITIVE_INFINITY;

    /// A host that it was removed from has the address for no longer, though no other node takes it.
    private static final int MOST_SECONDS = 2;

    private static final int PATIENCE_MILLIS = 15_000;

    /// As old a daemon is when its memory is looked at: by then the C library has given back what the start took.
    private static final int IDLE_MILLIS = 15_000;

    /// Looks at memory that is above its bar, and the time between them: the C library gives back every ten seconds (java.args), also what
    /// compilers took just before.
    private static final int LOOKS = 3;

    private static final int LOOK_MILLIS = 11_000;

    private final Pair pair;
    private final Release release;
    private final Packages packages;
    private final Map<String, Listing> before = new LinkedHashMap<>();
    private final int mostSeconds;
    private double installSeconds;

    /// @param stretch of the time for which an address may stay
    Installing(Pair pair, Release release, Packages packages, int stretch) {
        this.pair = pair;
        this.release = release;
        this.packages = packages;
        mostSeconds = MOST_SECONDS * stretch;
    }

    void install(Found found) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : pair.edges()) {
            before.put(edge.name(), Listing.of(edge));
            edge.copy(packages.file(), Packages.NEW);
        }
        long begun = System.nanoTime();
        pair.both(edge -> edge.need("dpkg", "--install", Packages.NEW));
        installSeconds = (System.nanoTime() - begun) / 1e9;
        for (Edge edge : pair.edges()) edge.need("rm", Packages.NEW);
        found.figure("install both hosts", "s", installSeconds);
        found.fact(true, "both installed in %.1f s", installSeconds);
        for (Edge edge : pair.edges()) {
            for (String what : List.of("active", "enabled")) {
                String is = edge.run("systemctl", "is-" + what, Edge.UNIT).output().strip();
                found.fact(is.equals(what), "%s: %s", edge.name(), is);
            }
        }
        found.measured(".deb", "MB", Files.size(packages.file()) / MEGABYTE, DEB_MB);
        String bytes =
                pair.one()
                        .sh(
                                """
                                dpkg-query -L bascule | while read -r f; do
                                    if [ -f "$f" ] && [ ! -L "$f" ]; then echo "$f"; fi
                                done | tr '\\n' '\\0' | du -cb --files0-from=- | tail -n 1 | cut -f 1
                                """);
        found.measured(
                "installed", "MB", Double.parseDouble(bytes.strip()) / MEGABYTE, INSTALLED_MB);
    }

    void shipped(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.two();
        String user = edge.need("ps", "-o", "user=", "-p", edge.property("MainPID")).strip();
        found.fact(user.equals("bascule"), "user %s", user);
        for (String set : List.of("CapEff", "CapPrm", "CapBnd", "CapAmb"))
            looked(found, edge, set, CAPABILITIES);
        looked(found, edge, "NoNewPrivs", "1");
        looked(found, edge, "Seccomp", "2");
        found.measured("exposure of " + release, "of 10", exposure(edge), EXPOSURE);
        String status = edge.property("StatusText");
        found.fact(!status.isEmpty(), "status text: %s", status);

        int code = pair.answer(edge.address(), SHIPPED_PORT, "/");
        found.fact(code > 0, "port %d answers: %d", SHIPPED_PORT, code);
        List<Edge.Line> lines = edge.journal(Long.MIN_VALUE / 2);
        long bare = lines.stream().filter(each -> each.text().matches("<\\d>.*")).count();
        long informed = lines.stream().filter(each -> each.priority() == 6).count();
        found.fact(
                bare == 0 && informed > 0,
                "journal: %d lines of priority 6, %d with a priority left in their text",
                informed,
                bare);
        findIdle(found, "RSS idle", edge, ALONE_MB);
    }

    /// Both nodes, before anyone asks them for anything.
    void idle(Found found) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : pair.edges())
            findIdle(found, "RSS idle of a node, " + edge.name(), edge, NODE_MB);
    }

    private static void findIdle(Found found, String name, Edge edge, double most)
            throws IOException, InterruptedException, Unavailable {
        long started = Long.parseLong(edge.property("ExecMainStartTimestampMonotonic")) / 1_000;
        Shell.sleep(Math.max(0, started + IDLE_MILLIS - System.nanoTime() / 1_000_000));
        double megabytes = resident(edge);
        for (int look = 1; look < LOOKS && megabytes > most; look++) {
            Shell.sleep(LOOK_MILLIS);
            megabytes = resident(edge);
        }
        found.measured(name, "MB", megabytes, most);
    }

    private static double resident(Edge edge)
            throws IOException, InterruptedException, Unavailable {
        String kibibytes = edge.processStatus("VmRSS").replaceAll("\\D", "");
        return Double.parseDouble(kibibytes) * 1_024 / MEGABYTE;
    }

    private static void looked(Found found, Edge edge, String line, String wanted)
            throws IOException, InterruptedException, Unavailable {
        String value = edge.processStatus(line);
        found.fact(value.equals(wanted), "%s %s", line, value);
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

    void pair(Found found) throws IOException, InterruptedException, Unavailable {
        long begun = System.nanoTime();
        pair.form(Configuration.usual());
        pair.awaitServed();
        double seconds = (System.nanoTime() - begun) / 1e9;
        double all = seconds + installSeconds;
        found.figure("from the file on two bare hosts to a request served by the pair", "s", all);
        found.fact(
                true,
                "served through the floating IP %.1f s after the key was asked for; with the installation %.1f s",
                seconds,
                all);
        pair.settle();
        for (Edge edge : pair.edges()) {
            String mode = edge.need("stat", "-c", "%a %U:%G", Edge.KEY).strip();
            found.fact(mode.matches("6[0-4]0 .*"), "%s: the key is %s", edge.name(), mode);
            List<Edge.Line> lines = edge.journal(begun);
            List<String> errors =
                    lines.stream()
                            .filter(each -> each.priority() >= 0 && each.priority() <= 3)
                            .map(Edge.Line::text)
                            .toList();
            found.fact(
                    errors.isEmpty(),
                    "%s: %d lines in the journal, errors: %s",
                    edge.name(),
                    lines.size(),
                    errors);
        }
    }

    void remove(Found found) throws IOException, InterruptedException, Unavailable {
        pair.both(edge -> edge.need("dpkg", "--remove", "bascule"));
        long removed = System.nanoTime();
        for (Edge edge : pair.edges()) {
            Wait.until(
                    PATIENCE_MILLIS,
                    () -> !edge.has(Bed.FLOATING),
                    () -> edge.name() + " still has the floating IP");
            double seconds = (System.nanoTime() - removed) / 1e9;
            found.fact(
                    seconds <= mostSeconds,
                    "%s: without the floating IP after %.1f s (≤ %d)",
                    edge.name(),
                    seconds,
                    mostSeconds);
        }
        for (Edge edge : pair.edges()) {
            if (!pair.configuration().isEmpty()) {
                boolean kept = edge.run("cat", Edge.CONF).output().equals(pair.configuration());
                boolean key = edge.run("test", "-s", Edge.KEY).exitCode() == 0;
                found.fact(kept, "%s: the file is %s", edge.name(), kept ? "kept" : "LOST");
                found.fact(key, "%s: the key is %s", edge.name(), key ? "kept" : "LOST");
            }
            found.fact(!edge.isActive(), "%s: stopped", edge.name());
            String left = edge.run("find", "/usr/bin/bascule", "/usr/lib/bascule").output();
            found.fact(
                    left.lines().allMatch(each -> each.contains("No such file")),
                    "%s: programs gone",
                    edge.name());
        }
    }

    /// With all in it that one who used it has: its key and certificates, and what a daemon leaves in its state.
    void purge(Found found) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : pair.edges()) {
            edge.sh(
                    "cd /etc/bascule; install -m 640 -g bascule %s certs/site.pem; test -s %s; test -d /var/lib/bascule"
                            .formatted(Edge.CONF, Edge.KEY));
            edge.need("dpkg", "--purge", "bascule");
            edge.need("systemctl", "daemon-reload");
            Listing old = before.get(edge.name());
            if (old == null) throw new Unavailable("no listing of before");
            List<String> left = Listing.of(edge).since(old);
            found.fact(
                    left.isEmpty(),
                    "%s: with a key and a certificate in /etc/bascule; %s",
                    edge.name(),
                    left.isEmpty()
                            ? old.lines().size() + " files, users, units, sockets: as before"
                            : "left behind: " + left);
        }
    }
}
