package bascule.acceptance;

import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What breaks: the owner's daemon, its cable, its network; and nothing at all, to see that clients would notice.
final class Faults {
    /// Worst of the drills for kill -9.
    private static final double KILL_MILLIS = 200;

    /// Of the drills, for a host that hangs or is cut off: a median of 350 and 300.
    private static final double LOST_MILLIS = 400;

    private static final int RESTART_MILLIS = 10_000;
    private static final int WATCHDOG_MILLIS = 8_000;
    private static final int CUT_MILLIS = 2_000;

    private final Pair pair;
    private final int stretch;

    /// @param stretch of each of these bars
    Faults(Pair pair, int stretch) {
        this.pair = pair;
        this.stretch = stretch;
    }

    void kill(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("own address", edge.address(), Load.MANY, Bar.inFlight(1_500))
                        .askSlow("own address", edge.address(), Bar.inFlight(20))
                        .ask(
                                "floating IP of the pair",
                                Bed.FLOATING,
                                Load.SOME,
                                Bar.outage(300, KILL_MILLIS * stretch));
        load.around(found, () -> kill(found, edge, load));
        pair.settle();
    }

    private static void kill(Found found, Edge edge, Load load)
            throws IOException, InterruptedException, Unavailable {
        long pid = edge.daemon();
        if (pid == 0) throw new Unavailable(edge.name() + " has no daemon to kill");
        long begun = System.nanoTime();
        Native.kill(pid, Native.SIGKILL);
        Wait.until(RESTART_MILLIS, 1, () -> !isAlive(pid), () -> "kill -9 has not killed " + pid);
        load.gone();
        edge.awaitAnother(pid, RESTART_MILLIS);
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

    void stop(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("own address", edge.address(), Load.SOME, Bar.counted(300))
                        .ask(
                                "floating IP of the pair",
                                Bed.FLOATING,
                                Load.SOME,
                                Bar.outage(600, LOST_MILLIS * stretch));
        load.around(
                found,
                () -> {
                    long pid = edge.daemon();
                    int restarts = Integer.parseInt(edge.property("NRestarts"));
                    int mostMillis = WATCHDOG_MILLIS * stretch;
                    Native.kill(pid, Native.SIGSTOP);
                    double seconds = edge.awaitAnother(pid, 2 * mostMillis);
                    int more = Integer.parseInt(edge.property("NRestarts")) - restarts;
                    found.fact(
                            seconds <= mostMillis / 1e3 && more == 1,
                            "active again after %.1f s (≤ %d), restarted %d times",
                            seconds,
                            mostMillis / 1_000,
                            more);
                });
        pair.settle();
    }

    void cable(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask(
                                "floating IP of the pair",
                                Bed.FLOATING,
                                Load.SOME,
                                Bar.outage(400, LOST_MILLIS * stretch));
        load.around(
                found,
                () -> {
                    pair.bed().cable(edge, false);
                    Shell.sleep(CUT_MILLIS);
                    pair.bed().cable(edge, true);
                });
        pair.settle();
    }

    void networkd(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("floating IP of the pair", Bed.FLOATING, Load.MANY, Bar.none(1_000));
        load.around(found, () -> edge.need("systemctl", "restart", "systemd-networkd"));
        pair.settle();
    }

    /// From here on the second is stopped.
    void planted(Found found) throws IOException, InterruptedException, Unavailable {
        pair.owner();
        pair.two().need("systemctl", "stop", Edge.UNIT);
        String stopped = "a stopped daemon's own address";
        Load load =
                pair.load()
                        .ask(stopped, pair.two().address(), Load.MANY, Bar.planted(300))
                        .ask("an address that nobody has", Bed.NOBODY, Load.SOME, Bar.planted(60));
        load.around(found, () -> {});
        int refused = found.view(stopped).refused();
        found.fact(refused >= 300, "%d counted as refused", refused);
    }

    void loneKill(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.lone();
        Load load =
                pair.load()
                        .ask(
                                "floating IP of a lone node",
                                Bed.FLOATING,
                                Load.MANY,
                                Bar.inFlight(1_500))
                        .askSlow("floating IP of a lone node", Bed.FLOATING, Bar.inFlight(20));
        load.around(found, () -> kill(found, edge, load));
        pair.awaitLone();
    }
}
