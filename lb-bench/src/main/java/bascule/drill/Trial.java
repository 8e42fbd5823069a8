package bascule.drill;

import bascule.harness.Client;
import bascule.harness.Nginx;
import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/// One trial: the pair is well, a fault comes, perhaps it goes again, and all is written down meanwhile.
final class Trial {
    private static final double MILLI = 1e6;
    private static final long NOT_YET = Long.MAX_VALUE;

    /// Between two requests that take half a second each.
    private static final long SLOW_PERIOD_NANOS = 20_000_000;

    /// And so long such a one takes, on a machine that is busy.
    private static final long SLOW_NANOS = 700_000_000;

    private final Bench bench;
    private final Client client;
    private final long longestNanos;
    private final Recording recording;
    private final String owner;
    private final List<String> notes = new ArrayList<>();
    private long faultNanos = NOT_YET;
    private long healedNanos = NOT_YET;
    private boolean ownerIsLost;
    private double special = Double.NaN;
    private String fault = "";

    private Trial(
            Bench bench, Client client, long longestNanos, String owner, Recording recording) {
        this.bench = bench;
        this.client = client;
        this.longestNanos = longestNanos;
        this.owner = owner;
        this.recording = recording;
    }

    /// Waits until the pair is well; then begins to ask for all its addresses in turn.
    static Trial begin(Bench bench) throws IOException, InterruptedException, Unavailable {
        return begin(bench, bench.targets(), Client.PERIOD_NANOS);
    }

    static Trial begin(Bench bench, List<InetSocketAddress> targets, long periodNanos)
            throws IOException, InterruptedException, Unavailable {
        return begin(bench, bench.client(), Client.DEADLINE_NANOS, targets, "/", periodNanos);
    }

    /// The same, with requests that take half a second each, from a client that gives up later than that.
    static Trial beginSlow(Bench bench) throws IOException, InterruptedException, Unavailable {
        return begin(
                bench,
                bench.patientClient(),
                SLOW_NANOS,
                bench.targets(),
                Nginx.SLOW,
                SLOW_PERIOD_NANOS);
    }

    /// @param longestNanos who asked so long before the fault may be hit by it
    private static Trial begin(
            Bench bench,
            Client client,
            long longestNanos,
            List<InetSocketAddress> targets,
            String path,
            long periodNanos)
            throws IOException, InterruptedException, Unavailable {
        bench.settle();
        bench.turn().lock();
        bench.observer().forget();
        Recording recording = bench.record(client, targets, path, periodNanos);
        List<String> holders = bench.observer().holders(bench.pair().addresses().getFirst());
        if (holders.size() != 1) {
            client.stop();
            throw new Unavailable("the owners are " + holders);
        }
        return new Trial(bench, client, longestNanos, holders.getFirst(), recording);
    }

    /// Who has the address, or the first of them, when the trial begins.
    String owner() {
        return owner;
    }

    /// The other edge.
    String other() {
        return owner.equals("edge1") ? "edge2" : "edge1";
    }

    Recording recording() {
        return recording;
    }

    /// The fault comes now.
    void strike() {
        faultNanos = System.nanoTime();
    }

    /// The owner is dead, hung or cut off from now on: what it still has is left over.
    void lose() {
        strike();
        ownerIsLost = true;
    }

    /// The fault is over.
    void heal() {
        healedNanos = System.nanoTime();
    }

    long faultNanos() {
        return faultNanos;
    }

    /// Lets trials on other benches go on while nothing happens here.
    void meanwhile(Runnable nothing) {
        bench.turn().unlock();
        try {
            nothing.run();
        } finally {
            bench.turn().lock();
        }
    }

    static void pass(long millis) {
        Shell.sleep(millis);
    }

    /// Waits until the lost owner is rid of all its addresses, for as long as one may look.
    void awaitGone(long limitMillis) throws IOException {
        long deadline = faultNanos + limitMillis * 1_000_000L;
        while (System.nanoTime() - deadline < 0 && leftover() == Double.POSITIVE_INFINITY) pass(20);
    }

    void special(double millis) {
        special = millis;
    }

    void fail(String why) {
        if (fault.isEmpty()) fault = why;
    }

    void note(String what) {
        notes.add(what);
    }

    /// Milliseconds from the fault until the owner is rid of the address that stays longest.
    private double leftover() throws IOException {
        long last = faultNanos;
        for (InetAddress each : bench.pair().addresses())
            last = Math.max(last, bench.observer().goneAfter(owner, each, faultNanos));
        return last == NOT_YET ? Double.POSITIVE_INFINITY : (last - faultNanos) / MILLI;
    }

    /// How often an address came to a host between two moments.
    int moves(long from, long to) {
        return (int)
                bench.observer().history().stream()
                        .filter(each -> each.fromNanos() - from >= 0 && each.fromNanos() < to)
                        .count();
    }

    /// Ends it.
    Outcome end() throws IOException {
        double left = ownerIsLost ? leftover() : Double.NaN;
        long now = System.nanoTime();
        client.stop();
        if (faultNanos == NOT_YET) throw new IllegalStateException("no fault");
        long from = faultNanos - longestNanos;
        long healed = Math.min(healedNanos, now);
        Recording.Summary all = recording.summary(from, healed);
        Recording.Summary healing = recording.summary(healed, now);
        List<String> wrong = bench.observer().check();
        if (!wrong.isEmpty()) note("observer: " + wrong);
        return new Outcome(
                all.sent() + healing.sent(),
                all.failed(),
                all.outage(),
                healing.failed(),
                bench.observer().bothLiveMillis(),
                left,
                moves(faultNanos, now),
                healedNanos == NOT_YET ? 0 : moves(healedNanos, now),
                special,
                fault,
                all.causes(),
                Math.max(all.lag(), healing.lag()),
                "");
    }

    /// All that was seen, in milliseconds since the fault.
    List<String> course() {
        List<String> lines = new ArrayList<>();
        long since = faultNanos == NOT_YET ? System.nanoTime() : faultNanos;
        lines.add("owner " + owner);
        if (healedNanos != NOT_YET) lines.add("healed at " + (healedNanos - since) / MILLI);
        lines.addAll(notes);
        lines.addAll(bench.observer().course(since));
        lines.addAll(recording.course(since));
        return lines;
    }
}
