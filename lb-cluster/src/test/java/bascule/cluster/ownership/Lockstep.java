package bascule.cluster.ownership;

import bascule.cluster.ownership.Claim.Phase;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/// Nodes that turn at the same time, on links without delay: for tests that tell a story. Faults are what the test says; the random ones are
/// in [SimulatedCluster].
final class Lockstep {
    static final long MS = 1_000_000;
    static final Timings TIMES = Timings.FAST;

    final List<List<Action>> done = new ArrayList<>();
    final Elector[] electors;
    final Rules[] rules;
    final boolean[] alive;
    final boolean[] paused;
    final boolean[] witnessed;
    long now = 77 * MS;

    /// Does a beat from one node get to another?
    BiPredicate<Integer, Integer> links = (from, to) -> true;

    private record Mail(int to, Event event) {}

    private final Deque<Mail> mail = new ArrayDeque<>();
    private final long[][] heardFrom;

    /// @param witnesses the last so many are witness members
    Lockstep(int nodes, int witnesses, boolean preempt) {
        var members = new ArrayList<Rules.Node>();
        for (int i = 0; i < nodes; i++)
            members.add(new Rules.Node("edge" + (i + 1), 100 - i, i >= nodes - witnesses));
        electors = new Elector[nodes];
        rules = new Rules[nodes];
        alive = new boolean[nodes];
        paused = new boolean[nodes];
        witnessed = new boolean[nodes];
        heardFrom = new long[nodes][nodes];
        for (int i = 0; i < nodes; i++) {
            rules[i] =
                    new Rules(members, i, List.of(new Rules.FloatingIp("public", preempt)), TIMES);
            done.add(new ArrayList<>());
            witnessed[i] = true;
        }
    }

    static Lockstep of(int nodes) {
        return new Lockstep(nodes, 0, false);
    }

    Lockstep start(int node) {
        return start(node, 0, false);
    }

    Lockstep start(int node, long epoch, boolean leftover) {
        electors[node] =
                new Elector(rules[node], 7, new long[] {epoch}, new boolean[] {leftover}, now);
        alive[node] = true;
        for (long[] each : heardFrom) each[node] = Event.UNPROVEN;
        for (int i = 0; i < heardFrom.length; i++) heardFrom[node][i] = Event.UNPROVEN;
        tellViews();
        on(node, new Event.WitnessKnown(true, true));
        on(node, new Event.Carrier(0, true));
        return this;
    }

    Lockstep startAll() {
        for (int i = 0; i < electors.length; i++) start(i);
        for (int i = 0; i < electors.length; i++) if (!rules[i].nodes().get(i).witness()) fit(i, 3);
        return this;
    }

    /// The process ends; its host lives.
    void kill(int node) {
        alive[node] = false;
        tellViews();
    }

    void tellViews() {
        Set<Integer> view = new java.util.HashSet<>();
        for (int i = 0; i < alive.length; i++) if (alive[i]) view.add(i);
        for (int i = 0; i < alive.length; i++) if (alive[i]) on(i, new Event.View(view));
    }

    void fit(int node, int fitness) {
        on(node, new Event.Fit(0, fitness, fitness < 0 ? "listener https does not answer" : ""));
    }

    void on(int node, Event event) {
        mail.add(new Mail(node, event));
        deliver();
    }

    private void deliver() {
        for (Mail next; (next = mail.poll()) != null; ) {
            int node = next.to;
            if (!alive[node] || paused[node]) continue;
            if (next.event instanceof Event.Heard(int from, _, _, _)) heardFrom[node][from] = now;
            for (Action action : electors[node].on(next.event, now)) perform(node, action);
        }
    }

    private void perform(int node, Action action) {
        done.get(node).add(action);
        switch (action) {
            case Action.Send(int to, Beat beat) -> send(node, to, beat);
            case Action.Answer(int to, Beat beat, _) -> send(node, to, beat);
            case Action.AskWitness() -> {
                if (witnessed[node]) mail.add(new Mail(node, new Event.Witness(now)));
            }
            case Action.Take(int i, _, _) -> mail.add(new Mail(node, new Event.Present(i, true)));
            case Action.Release(int i) -> mail.add(new Mail(node, new Event.Present(i, false)));
            default -> {}
        }
    }

    private void send(int from, int to, Beat beat) {
        if (!links.test(from, to)) return;
        if (!alive[to]) {
            if (links.test(to, from)) mail.add(new Mail(from, new Event.Unreachable(to)));
            return;
        }
        mail.add(new Mail(to, new Event.Heard(from, beat, heardFrom[from][to], 0)));
    }

    /// Lets time pass, a tick at a time, until it is so.
    ///
    /// @return the milliseconds that it took; -1 if it was not so within ten seconds
    long until(Predicate<Lockstep> isSo) {
        long begin = now;
        while (now - begin < 10_000 * MS) {
            if (isSo.test(this)) return (now - begin) / MS;
            tick();
        }
        return -1;
    }

    void run(long millis) {
        for (long end = now + millis * MS; now < end; ) tick();
    }

    private void tick() {
        now += TIMES.tick();
        for (int i = 0; i < electors.length; i++) on(i, new Event.Tick());
    }

    Phase phase(int node) {
        return electors[node].standing(0).phase();
    }

    boolean owns(int node) {
        return alive[node] && phase(node).owns();
    }

    /// The only owner; -1 = none.
    int owner() {
        int owner = -1;
        for (int i = 0; i < electors.length; i++) {
            if (electors[i] == null || !owns(i)) continue;
            if (owner >= 0) throw new AssertionError("two owners: " + owner + " and " + i);
            owner = i;
        }
        return owner;
    }

    <T extends Action> List<T> done(int node, Class<T> kind) {
        return done.get(node).stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    void forget() {
        done.forEach(List::clear);
    }
}
