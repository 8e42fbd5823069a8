package bascule.drill;

import static bascule.drill.Trial.pass;

import bascule.harness.AdminSocket;
import bascule.harness.Client;
import bascule.harness.Host;
import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// All drills there are, in the order in which they are run: those with the same setup one after the other.
final class Drills {
    /// Takes half a minute for each trial, and nearly all of that is waiting.
    static final String SLOW = "stop-30s";

    private static final int AS_SAID = 0;
    private static final int NONE = -1;
    private static final int MOVES = 20;

    /// How long one looks for an address that is left over.
    private static final long LEFTOVER_MILLIS = 3_000;

    private static final Pattern LOADED = Pattern.compile("\"loadedAt\"\\s*:\\s*\"([^\"]*)\"");

    /// Two checks of keepalived's that fail, at worst, and the move.
    private static final long CHECKS_MILLIS = 4_000;

    private Drills() {}

    static List<Drill> all() {
        return List.of(
                new Drill(
                        "kill",
                        "kill -9 of all that runs on the owner; from 2.5 s on ten look-ups by a client that has forgotten"
                                + " the address (counted as on return), and the dead host's kernel hears them first",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        Drills::kill,
                        List.of(
                                Drill.typicalOutage(100),
                                Drill.worstOutage(200),
                                Drill.leftover(2_500),
                                Drill.noneFailedOnHealing(),
                                Drill.neverTwo()),
                        ""),
                new Drill(
                        "power",
                        "power loss: all dead, no carrier",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        Drills::power,
                        List.of(Drill.typicalOutage(300), Drill.neverTwo()),
                        ""),
                new Drill(
                        "cable",
                        "the owner's cable pulled, and put back",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        bench -> cable(bench, false),
                        List.of(
                                Drill.typicalOutage(300),
                                Drill.noneFailedOnHealing(),
                                Drill.neverTwo()),
                        ""),
                new Drill(
                        "silent",
                        "the switch forwards nothing from and to the owner, carrier up; then again",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        bench -> cable(bench, true),
                        List.of(
                                Drill.typicalOutage(300),
                                Drill.noneFailedOnHealing(),
                                Drill.neverTwo()),
                        ""),
                stop("stop-1s", 1),
                stop("stop-3s", 3),
                stop(SLOW, 30),
                new Drill(
                        "listener",
                        "the owner's listener closed under it",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        Drills::listener,
                        List.of(Drill.typicalOutage(400), Drill.neverTwo()),
                        ""),
                new Drill(
                        "loop",
                        "an event loop of the owner stuck (keepalived: HAProxy stopped)",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        Drills::loop,
                        List.of(Drill.typicalOutage(400), Drill.neverTwo()),
                        ""),
                new Drill(
                        "graceful",
                        "SIGTERM to the owner",
                        Setup.PLAIN,
                        MOVES,
                        AS_SAID,
                        bench -> graceful(bench, Trial.begin(bench)),
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        "ms until it has ended"),
                new Drill(
                        "handover",
                        "`bascule handover`",
                        Setup.PLAIN,
                        MOVES,
                        NONE,
                        bench -> handOver(bench, Trial.begin(bench)),
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        "ms of the command"),
                new Drill(
                        "graceful-slow",
                        "SIGTERM to the owner, under requests that take half a second, 50 a second (patient for 3 s)",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        bench -> graceful(bench, Trial.beginSlow(bench)),
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        "ms until it has ended"),
                new Drill(
                        "handover-slow",
                        "`bascule handover`, under requests that take half a second, 50 a second (patient for 3 s)",
                        Setup.PLAIN,
                        AS_SAID,
                        NONE,
                        bench -> handOver(bench, Trial.beginSlow(bench)),
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        "ms of the command"),
                new Drill(
                        "cold-start",
                        "both started, the second up to 1 s after the first",
                        Setup.PLAIN,
                        MOVES,
                        AS_SAID,
                        Drills::coldStart,
                        List.of(Drill.worstSpecial(1_000), Drill.neverTwo()),
                        "ms from the second's start to one owner"),
                new Drill(
                        "pauses",
                        "100 times: the owner stopped for 100 ms",
                        Setup.PLAIN,
                        1,
                        1,
                        Drills::pauses,
                        List.of(Drill.noMove(), Drill.neverTwo()),
                        ""),
                new Drill(
                        "flush",
                        "`ip addr flush` on the owner's interface, own address and routes put back by its host",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        bench -> flush(bench, true),
                        List.of(Drill.worstSpecial(100), Drill.neverTwo()),
                        "ms until it is back"),
                new Drill(
                        "networkd",
                        "a network service restarted on the owner: addresses that are not its own deleted, own ones and routes replaced",
                        Setup.PLAIN,
                        AS_SAID,
                        AS_SAID,
                        bench -> flush(bench, false),
                        List.of(Drill.worstSpecial(100), Drill.neverTwo()),
                        "ms until it is back"),
                new Drill(
                        "forged",
                        "datagrams of the members replayed, changed and made up for 2 s, and a third daemon with a wrong key",
                        Setup.PLAIN,
                        AS_SAID,
                        NONE,
                        Drills::forged,
                        List.of(Drill.noneFailed(), Drill.noMove(), Drill.neverTwo()),
                        "datagrams counted as dropped"),
                new Drill(
                        "replay-kill",
                        "kill -9 of the owner, while all that it said before is said again",
                        Setup.PLAIN,
                        AS_SAID,
                        NONE,
                        Drills::replayKill,
                        List.of(Drill.typicalOutage(100), Drill.worstOutage(200), Drill.neverTwo()),
                        ""),
                new Drill(
                        "drain",
                        "`bascule drain` on one node, both nodes restarted one after the other, `enable` on the other",
                        Setup.PLAIN,
                        2,
                        NONE,
                        Drills::drain,
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        "ms until both show it"),
                new Drill(
                        "tls",
                        "TLS sessions (1.2, 1.3) of one node taken up by the other after a hand-over",
                        Setup.PLAIN,
                        2,
                        NONE,
                        Drills::tls,
                        List.of(Drill.noneFailed(), Drill.neverTwo()),
                        ""),
                new Drill(
                        "clock",
                        "wall clocks stepped by an hour, forth and back, on one node and on the other (each daemon has a clock of its own)",
                        Setup.OWN_CLOCKS,
                        1,
                        NONE,
                        Drills::clock,
                        List.of(Drill.noneFailed(), Drill.noMove(), Drill.neverTwo()),
                        ""),
                new Drill(
                        "backend",
                        "the owner's way to the servers cut (checks every 100 ms, fall 2)",
                        Setup.QUICK_CHECKS,
                        AS_SAID,
                        AS_SAID,
                        Drills::backend,
                        List.of(
                                Drill.typicalOutage(400),
                                Drill.noneFailedOnHealing(),
                                Drill.neverTwo()),
                        ""),
                new Drill(
                        "link",
                        "the cluster's own link cut for 2 s, the LAN whole",
                        Setup.OWN_LINK,
                        AS_SAID,
                        AS_SAID,
                        Drills::link,
                        List.of(Drill.noneFailed(), Drill.noMove(), Drill.neverTwo()),
                        ""),
                new Drill(
                        "sixteen",
                        "16 addresses, IPv4 and IPv6, over two nodes: kill -9 of one",
                        Setup.SIXTEEN,
                        AS_SAID,
                        AS_SAID,
                        Drills::sixteen,
                        List.of(Drill.worstSpecial(400), Drill.neverTwo()),
                        "ms until the last has moved"),
                new Drill(
                        "witness",
                        "a third member as witness; the LAN cut between the two nodes for 2 s",
                        Setup.WITNESS,
                        AS_SAID,
                        AS_SAID,
                        Drills::split,
                        List.of(Drill.worstOutage(500), Drill.neverTwo()),
                        ""));
    }

    private static Drill stop(String name, int seconds) {
        return new Drill(
                name,
                "SIGSTOP of all that runs on the owner for " + seconds + " s",
                Setup.PLAIN,
                AS_SAID,
                AS_SAID,
                bench -> suspend(bench, seconds),
                List.of(
                        Drill.typicalOutage(350),
                        Drill.noneFailedOnHealing(),
                        Drill.noMoveOnHealing(),
                        Drill.neverTwo()),
                "");
    }

    private static Trial kill(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        List<ProcessHandle> all = bench.pair().family(trial.owner());
        trial.lose();
        bench.pair().kill(trial.owner(), all);
        pass(2_000);
        bench.bed().answersFirst("lan", trial.owner());
        pass(500);
        trial.heal();
        for (InetAddress each : bench.pair().addresses()) {
            for (int i = 0; i < 10; i++) {
                Shell.need(
                        bench.bed()
                                .host("client")
                                .ip("neigh", "del", each.getHostAddress(), "dev", "lan0"));
                pass(50);
            }
        }
        return trial;
    }

    private static Trial power(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        String owner = trial.owner();
        List<ProcessHandle> all = bench.pair().family(owner);
        trial.strike();
        bench.bed().cables(owner, false); // First: who is without power says no good-bye.
        bench.pair().kill(owner, all);
        pass(1_500);
        bench.wipe(owner); // It boots.
        bench.bed().cables(owner, true);
        return trial;
    }

    /// @param silent with the carrier up
    private static Trial cable(Bench bench, boolean silent)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        Bed bed = bench.bed();
        trial.lose();
        if (silent) bed.forwarding("lan", trial.owner(), false);
        else bed.cable("lan", trial.owner(), false);
        pass(1_500);
        trial.heal();
        if (silent) bed.forwarding("lan", trial.owner(), true);
        else bed.cable("lan", trial.owner(), true);
        pass(1_500);
        return trial;
    }

    private static Trial suspend(Bench bench, int seconds)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        List<ProcessHandle> all = bench.pair().family(trial.owner());
        trial.lose();
        bench.pair().suspend(trial.owner(), all);
        pass(Math.min(seconds, 3) * 1_000L);
        if (seconds > 3) trial.meanwhile(() -> pass((seconds - 3) * 1_000L));
        trial.heal();
        bench.pair().resume(trial.owner(), all);
        pass(1_500);
        return trial;
    }

    private static Trial listener(Bench bench)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        trial.lose();
        bench.pair().closeListener(trial.owner());
        pass(bench.isBascule() ? 1_000 : CHECKS_MILLIS);
        bench.pair().kill(trial.owner()); // Its operator starts it anew.
        return trial;
    }

    private static Trial loop(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        String owner = trial.owner();
        if (bench.isBascule()) {
            Long first = bench.bascule().loops(owner).getFirst();
            trial.lose();
            try (var _ = Native.freeze(List.of(first))) {
                pass(1_200);
                trial.heal();
            }
        } else {
            trial.lose();
            bench.pair().signal(owner, "haproxy", Native.SIGSTOP);
            pass(CHECKS_MILLIS);
            trial.heal();
            bench.pair().signal(owner, "haproxy", Native.SIGCONT);
        }
        pass(1_000);
        return trial;
    }

    private static Trial graceful(Bench bench, Trial trial)
            throws IOException, InterruptedException, Unavailable {
        trial.strike();
        bench.pair().stop(trial.owner());
        trial.special((System.nanoTime() - trial.faultNanos()) / 1e6);
        pass(300);
        return trial;
    }

    private static Trial handOver(Bench bench, Trial trial)
            throws IOException, InterruptedException, Unavailable {
        trial.strike();
        Shell.Done done = bench.bascule().command(trial.owner(), "handover");
        trial.special((System.nanoTime() - trial.faultNanos()) / 1e6);
        trial.note(done.output());
        if (done.exitCode() != 0) trial.fail("handover ended with " + done.exitCode());
        pass(300);
        for (InetAddress each : bench.pair().addresses())
            if (!bench.observer().holders(each).equals(List.of(trial.other())))
                trial.fail("the owners are " + bench.observer().holders(each));
        return trial;
    }

    private static Trial coldStart(Bench bench)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        List<String> edges = new ArrayList<>(List.of("edge1", "edge2"));
        for (String edge : edges) {
            bench.pair().kill(edge);
            bench.wipe(edge);
        }
        if (ThreadLocalRandom.current().nextBoolean()) edges = edges.reversed();
        pass(300);
        bench.observer().forget();
        long skew = ThreadLocalRandom.current().nextLong(1_000);
        trial.strike();
        bench.pair().start(edges.getFirst());
        pass(skew);
        bench.pair().start(edges.getLast());
        InetAddress address = bench.pair().addresses().getFirst();
        long deadline = System.nanoTime() + 20_000_000_000L;
        long started = -1;
        long owned = -1;
        while (started < 0 || owned < 0) {
            pass(5);
            long now = System.nanoTime();
            if (now - deadline > 0) throw new Unavailable("no owner within 20 s");
            if (started < 0 && bench.pair().hasStarted(edges.getLast())) started = now;
            for (String edge : edges)
                if (owned < 0)
                    owned = bench.observer().cameAfter(edge, address, trial.faultNanos());
        }
        trial.special(Math.max(0, (owned - started) / 1e6));
        trial.note("skew " + skew + " ms, " + edges.getFirst() + " first");
        pass(700);
        if (bench.observer().holders(address).size() != 1)
            trial.fail("the owners are " + bench.observer().holders(address));
        return trial;
    }

    private static Trial pauses(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        List<ProcessHandle> all = bench.pair().family(trial.owner());
        trial.strike();
        for (int i = 0; i < 100; i++) {
            bench.pair().suspend(trial.owner(), all);
            pass(100);
            bench.pair().resume(trial.owner(), all);
            pass(100);
        }
        pass(300);
        return trial;
    }

    /// @param all the host's own address, too
    private static Trial flush(Bench bench, boolean all)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        Host host = bench.bed().host(trial.owner());
        InetAddress address = bench.pair().addresses().getFirst();
        String own = bench.bed().configured(trial.owner(), "lan");
        String length = bench.isBascule() ? "/32" : "/24";
        String batch =
                all
                        ? "addr flush dev lan0 scope global\n" + own
                        : "addr del " + address.getHostAddress() + length + " dev lan0\n" + own;
        trial.strike();
        Shell.need(host.ip("-batch", "-"), batch);
        pass(700);
        long gone = -1;
        for (Observer.Held each : bench.observer().history())
            if (each.host().equals(trial.owner()) && each.toNanos() - trial.faultNanos() > 0)
                if (gone < 0) gone = each.toNanos();
        if (gone < 0 || gone == Long.MAX_VALUE) {
            trial.fail("it was not deleted");
            return trial;
        }
        long back = bench.observer().cameAfter(trial.owner(), address, gone);
        trial.special(back < 0 ? Double.POSITIVE_INFINITY : (back - gone) / 1e6);
        return trial;
    }

    private static Trial backend(Bench bench)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        trial.lose();
        bench.bed().forwarding("srv", trial.owner(), false);
        pass(bench.isBascule() ? 1_200 : CHECKS_MILLIS);
        trial.heal();
        bench.bed().forwarding("srv", trial.owner(), true);
        pass(1_000);
        return trial;
    }

    private static Trial link(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        trial.strike();
        bench.bed().forwarding("clu", "edge1", false);
        pass(2_000);
        trial.heal();
        bench.bed().forwarding("clu", "edge1", true);
        pass(1_500);
        return trial;
    }

    private static Trial sixteen(Bench bench)
            throws IOException, InterruptedException, Unavailable {
        bench.settle();
        if (bench.isBascule()) spread(bench);
        Trial trial = Trial.begin(bench, bench.targets(), Client.PERIOD_NANOS / 4);
        String owner = trial.owner();
        List<InetAddress> moving = new ArrayList<>();
        for (InetAddress each : bench.pair().addresses())
            if (bench.observer().holders(each).contains(owner)) moving.add(each);
        trial.note(owner + " has " + moving.size());
        List<ProcessHandle> all = bench.pair().family(owner);
        trial.lose();
        bench.pair().kill(owner, all);
        pass(1_500);
        long last = trial.faultNanos();
        for (InetAddress each : moving) {
            long came = bench.observer().cameAfter(trial.other(), each, trial.faultNanos());
            last = came < 0 ? Long.MAX_VALUE : Math.max(last, came);
        }
        trial.special((last - trial.faultNanos()) / 1e6);
        trial.awaitGone(LEFTOVER_MILLIS);
        return trial;
    }

    /// Half of the addresses for each: who is there first takes all, and keeps them.
    private static void spread(Bench bench) throws IOException {
        List<InetAddress> all = bench.pair().addresses();
        for (String edge : List.of("edge1", "edge2")) {
            List<InetAddress> held =
                    all.stream()
                            .filter(each -> bench.observer().holders(each).contains(edge))
                            .toList();
            for (InetAddress each :
                    held.subList(Math.min(held.size(), all.size() / 2), held.size()))
                bench.bascule().handOver(edge, each);
        }
    }

    private static Trial split(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        trial.strike();
        bench.bed().apart("lan", List.of("edge1", "edge2"), true);
        pass(2_000);
        trial.heal();
        bench.bed().apart("lan", List.of("edge1", "edge2"), false);
        pass(1_500);
        return trial;
    }

    private static Trial forged(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        BasculePair pair = bench.bascule();
        double before = dropped(pair, "edge1") + dropped(pair, "edge2");
        trial.strike();
        pair.startRogue();
        int said;
        try (Forger forger = Forger.start(bench.bed(), true)) {
            pass(2_000);
            said = forger.said();
        } finally {
            trial.note(pair.tail(BasculePair.ROGUE));
            pair.kill(BasculePair.ROGUE);
        }
        pass(300);
        double counted = dropped(pair, "edge1") + dropped(pair, "edge2") - before;
        trial.special(counted);
        trial.note(said + " datagrams said");
        if (counted < said / 2.0) trial.fail("of " + said + " datagrams " + counted + " counted");
        return trial;
    }

    private static double dropped(BasculePair pair, String edge) throws IOException {
        return pair.metric(edge, "bascule_owner_port_dropped_total", "");
    }

    private static Trial replayKill(Bench bench)
            throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        try (Forger forger = Forger.start(bench.bed(), false)) {
            pass(200);
            List<ProcessHandle> all = bench.pair().family(trial.owner());
            trial.strike();
            bench.pair().kill(trial.owner(), all);
            pass(800);
            trial.note(forger.said() + " datagrams said");
        }
        return trial;
    }

    private static Trial drain(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        BasculePair pair = bench.bascule();
        trial.strike();
        order(trial, pair, trial.other(), "drain");
        long said = System.nanoTime();
        trial.special(awaitAdmin(trial, pair, "drain", said));
        for (String edge : List.of(trial.owner(), trial.other())) {
            pair.stop(edge);
            bench.settle();
            for (String each : List.of("edge1", "edge2"))
                if (!admin(pair, each).startsWith("drain"))
                    trial.fail(edge + " restarted: on " + each + " s1 is " + admin(pair, each));
        }
        order(trial, pair, trial.owner(), "enable");
        awaitAdmin(trial, pair, "enabled", System.nanoTime());
        return trial;
    }

    private static void order(Trial trial, BasculePair pair, String edge, String verb)
            throws IOException, InterruptedException {
        Shell.Done done = pair.command(edge, verb, "web/s1");
        trial.note(verb + " on " + edge + ": " + done.output());
        if (done.exitCode() != 0) trial.fail(verb + " ended with " + done.exitCode());
    }

    private static String admin(BasculePair pair, String edge) {
        return AdminSocket.field(pair.status(edge), "backends", "s1", "admin");
    }

    /// @return milliseconds since a moment until both say so
    private static double awaitAdmin(Trial trial, BasculePair pair, String word, long since) {
        while (System.nanoTime() - since < 5_000_000_000L) {
            if (admin(pair, "edge1").startsWith(word) && admin(pair, "edge2").startsWith(word))
                return (System.nanoTime() - since) / 1e6;
            pass(5);
        }
        trial.fail(
                "expected s1 "
                        + word
                        + ": edge1 says "
                        + admin(pair, "edge1")
                        + ", edge2 "
                        + admin(pair, "edge2"));
        return Double.NaN;
    }

    private static Trial tls(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        trial.strike();
        for (String version : List.of("-tls1_2", "-tls1_3"))
            session(trial, bench, version, "-sess_out", "New");
        Shell.Done done = bench.bascule().command(trial.owner(), "handover");
        trial.note(done.output());
        pass(200);
        String address = bench.pair().addresses().getFirst().getHostAddress();
        List<String> now = bench.observer().holders(bench.pair().addresses().getFirst());
        if (!now.equals(List.of(trial.other()))) trial.fail(address + " is on " + now);
        for (String version : List.of("-tls1_2", "-tls1_3"))
            session(trial, bench, version, "-sess_in", "Reused");
        return trial;
    }

    /// One request over TLS; its session is put into a file, or taken from there.
    ///
    /// @param expected how `openssl s_client` calls the handshake
    private static void session(
            Trial trial, Bench bench, String version, String option, String expected)
            throws IOException, InterruptedException {
        InetAddress address = bench.pair().addresses().getFirst();
        String file = bench.bed().folder("tls") + "/session" + version;
        List<String> command =
                List.of(
                        "timeout",
                        "5",
                        "openssl",
                        "s_client",
                        "-connect",
                        address.getHostAddress() + ":443",
                        "-servername",
                        "drill",
                        version,
                        "-ign_eof",
                        option,
                        file);
        Shell.Done done =
                Shell.run(
                        bench.bed().host("client").command(command),
                        "GET / HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n");
        boolean fine =
                done.output().contains("\n" + expected + ", TLSv1.")
                        && done.output().contains("HTTP/1.1 200");
        if (!fine) {
            trial.note(done.output());
            trial.fail(version + " " + option + ": not " + expected);
        }
    }

    private static Trial clock(Bench bench) throws IOException, InterruptedException, Unavailable {
        Trial trial = Trial.begin(bench);
        BasculePair pair = bench.bascule();
        trial.strike();
        for (long seconds : new long[] {3_600, 0, -3_600, 0, 3_600, -3_600, 0}) {
            for (String edge : List.of(trial.owner(), trial.other())) {
                pair.step(edge, seconds);
                pass(700);
            }
        }
        pair.step(trial.owner(), 3_600); // Forth: a new certificate is not valid before.
        Shell.Done done = pair.command(trial.owner(), "reload");
        String loaded = pair.status(trial.owner());
        trial.note(done.output() + loaded);
        long hour = Instant.now().plusSeconds(3_600).getEpochSecond();
        Matcher at = LOADED.matcher(loaded);
        if (!at.find() || Math.abs(Instant.parse(at.group(1)).getEpochSecond() - hour) > 60)
            trial.fail("the daemon does not see the step");
        pair.step(trial.owner(), 0);
        pass(300);
        return trial;
    }
}
