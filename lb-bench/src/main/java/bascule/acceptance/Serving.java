package bascule.acceptance;

import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/// What an operator does to a daemon that serves: starts, reloads, restarts, and another file each time.
final class Serving {
    private static final int EXTRA_PORT = 8090;
    private static final int REFUSED_CONFIG = 78;
    private static final double START_MILLIS = 1_000;
    private static final double PAUSE_MILLIS = 10;

    private final Pair pair;
    private final int stretch;

    /// @param stretch of the bar of a start
    Serving(Pair pair, int stretch) {
        this.pair = pair;
        this.stretch = stretch;
    }

    void start(Found found) throws IOException, InterruptedException, Unavailable {
        List<Double> all = new ArrayList<>();
        Edge edge = pair.two();
        for (int i = 0; i < 3; i++) {
            edge.need("systemctl", "restart", Edge.UNIT);
            long begun = Long.parseLong(edge.property("ExecMainStartTimestampMonotonic"));
            long ready = Long.parseLong(edge.property("ActiveEnterTimestampMonotonic"));
            all.add((ready - begun) / 1e3);
            pair.settle();
        }
        double median = all.stream().sorted().toList().get(1);
        found.measured("start to READY, median of 3", "ms", median, START_MILLIS * stretch);
        found.fact(
                true,
                "of %s, by `systemctl show -p ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic`",
                all.stream().map(each -> String.format(Locale.ROOT, "%.0f", each)).toList());
    }

    void badFile(Found found) throws IOException, InterruptedException, Unavailable {
        pair.owner();
        Edge edge = pair.two();
        Load load =
                pair.load().ask("floating IP of the pair", Bed.FLOATING, Load.SOME, Bar.none(100));
        load.around(
                found,
                () -> {
                    long begun = System.nanoTime();
                    String bad = pair.configuration() + "listeners.web.bindd = \":81\"\n";
                    edge.write(Edge.CONF, bad);
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
                    findPlace(found, edge, begun, bad);
                    edge.write(Edge.CONF, pair.configuration());
                    edge.need("systemctl", "start", Edge.UNIT);
                    pair.settle();
                });
    }

    /// Is the last line of a file named in an error of the journal?
    private static void findPlace(Found found, Edge edge, long since, String file)
            throws IOException, InterruptedException, Unavailable {
        String place = Edge.CONF + ":" + file.lines().count() + ":";
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

    void reload(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("floating IP of the pair", Bed.FLOATING, Load.MANY, Bar.none(1_000))
                        .askSlow("floating IP of the pair", Bed.FLOATING, Bar.none(20));
        load.around(
                found,
                () -> {
                    String changed = Configuration.with(4, true, "{ path = /new, respond = 204 }");
                    edge.write(Edge.CONF, changed);
                    long pid = edge.daemon();
                    int ends = edge.run("systemctl", "reload", Edge.UNIT).exitCode();
                    int code = pair.answer(edge.address(), Load.HTTP, "/new");
                    found.fact(
                            ends == 0 && code == 204 && edge.daemon() == pid,
                            "a good file: ends with %d, its route answers %d, %s process",
                            ends,
                            code,
                            edge.daemon() == pid ? "the same" : "ANOTHER");
                    Shell.sleep(700);
                    long begun = System.nanoTime();
                    String bad = changed + "backends.web.balance = best\n";
                    edge.write(Edge.CONF, bad);
                    ends = edge.run("systemctl", "reload", Edge.UNIT).exitCode();
                    code = pair.answer(edge.address(), Load.HTTP, "/new");
                    found.fact(
                            ends != 0 && code == 204 && edge.daemon() == pid && edge.isActive(),
                            "a bad file: ends with %d, what was in force still answers %d, active",
                            ends,
                            code);
                    findPlace(found, edge, begun, bad);
                    edge.write(Edge.CONF, pair.configuration());
                    edge.need("systemctl", "reload", Edge.UNIT);
                });
        pair.settle();
    }

    void restart(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("own address", edge.address(), Load.MANY, Bar.none(1_500))
                        .askSlow("own address", edge.address(), Bar.none(20))
                        .ask("floating IP of the pair", Bed.FLOATING, Load.SOME, Bar.none(300));
        load.around(found, () -> restart(found, edge));
        pair.settle();
    }

    private static void restart(Found found, Edge edge)
            throws IOException, InterruptedException, Unavailable {
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

    void loops(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("own address", edge.address(), Load.MANY, Bar.none(2_000))
                        .askSlow("own address", edge.address(), Bar.none(30));
        load.around(
                found,
                () -> {
                    for (int loops : List.of(2, 4)) {
                        edge.write(Edge.CONF, Configuration.with(loops, true, ""));
                        restart(found, edge);
                        load.awaitSteady();
                        long threads = edge.threads("loop-");
                        String stored = edge.property("NFileDescriptorStore");
                        found.fact(
                                threads == loops,
                                "%d loops, %s stored descriptors",
                                threads,
                                stored);
                    }
                });
        edge.write(Edge.CONF, pair.configuration());
        pair.settle();
    }

    void listener(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        String stored = edge.property("NFileDescriptorStore");
        String goes = "the listener that goes";
        Load load =
                pair.load()
                        .ask("own address", edge.address(), Load.MANY, Bar.none(1_000))
                        .askSlow("own address", edge.address(), Bar.none(15))
                        .ask(goes, edge.address(), EXTRA_PORT, Load.SOME, Bar.counted(100));
        load.around(
                found,
                () -> {
                    edge.write(Edge.CONF, Configuration.with(4, false, ""));
                    restart(found, edge);
                    int refused = pair.answer(edge.address(), EXTRA_PORT, "/");
                    found.fact(
                            refused < 0,
                            "the port of the listener that went is %s",
                            refused < 0 ? "closed" : "OPEN");
                });
        // Who is refused knows; who waits for ever was swallowed.
        int swallowed = found.view(goes).failed(Recording.Result.LATE);
        found.fact(
                swallowed == 0,
                "of its requests %d waited for nothing; the others were answered, closed or refused",
                swallowed);
        String less = edge.property("NFileDescriptorStore");
        found.fact(
                Integer.parseInt(less) < Integer.parseInt(stored),
                "stored descriptors: %s, then %s",
                stored,
                less);
        edge.write(Edge.CONF, pair.configuration());
        restart(found, edge);
        pair.settle();
    }

    void loneRestart(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.lone();
        Load load =
                pair.load()
                        .ask("floating IP of a lone node", Bed.FLOATING, Load.MANY, Bar.none(1_500))
                        .askSlow("floating IP of a lone node", Bed.FLOATING, Bar.none(20));
        load.around(found, () -> restart(found, edge));
        pair.awaitLone();
    }

    /// The JVM writes down itself when it stood still; the file of options is the one that users have for that.
    void pauses(Found found, int seconds) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        edge.sh(
                "cp -p /etc/default/bascule /root/default;"
                        + " echo 'BASCULE_JAVA_OPTS=-Xlog:gc,safepoint:file=/run/bascule/pauses.log:uptime,tags:filecount=0'"
                        + " >>/etc/default/bascule");
        edge.need("systemctl", "restart", Edge.UNIT);
        pair.owner();
        Load load =
                pair.load(seconds + 60)
                        .ask(
                                "floating IP of the pair",
                                Bed.FLOATING,
                                Load.MANY,
                                Bar.none(seconds * Load.MANY * 9 / 10))
                        .askSlow(
                                "floating IP of the pair",
                                Bed.FLOATING,
                                Bar.none(seconds * Load.SLOW * 9 / 10));
        load.around(found, () -> Shell.sleep(seconds * 1_000L));
        Pauses all = Pauses.of(edge.need("cat", "/run/bascule/pauses.log").lines().toList());
        found.measured("longest pause", "ms", all.longestMillis(), PAUSE_MILLIS);
        found.fact(
                all.collections() > 0,
                "%d collections; %d stops for any reason, the longest %.1f ms; RSS %s",
                all.collections(),
                all.stops(),
                all.longestStopMillis(),
                edge.processStatus("VmRSS"));
        edge.sh("mv /root/default /etc/default/bascule");
        edge.need("systemctl", "restart", Edge.UNIT);
        pair.settle();
    }
}
