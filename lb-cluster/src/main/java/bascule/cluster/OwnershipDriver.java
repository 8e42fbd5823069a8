package bascule.cluster;

import bascule.cluster.net.NetFault;
import bascule.cluster.ownership.Action;
import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Claim.Phase;
import bascule.cluster.ownership.Elector;
import bascule.cluster.ownership.Event;
import bascule.cluster.ownership.Rules;
import bascule.cluster.port.OwnerPort;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Feeds events to the [Elector] and carries out what it says. All of it on the ownership loop.
final class OwnershipDriver {
    /// How a beat gets to a node, and what else is behind the driver.
    interface Ways {
        void send(int to, Beat beat);

        /// To a floating IP, which the node may hold.
        void send(int to, Beat beat, int floatingIp);

        /// By the membership.
        void sendByMembership(int to, Beat beat);

        void answer(int to, Beat beat, int via);
    }

    /// A node that was not heard by its own address for so long is told by the other ways, too.
    private static final long OTHER_WAYS_NANOS = 100_000_000;

    /// What the data-path checks said counts for so long.
    private static final long FITNESS_NANOS = 300_000_000;

    /// Who is in view and silent on the owner port for so long has a firewall in between.
    private static final long PORT_SILENT_NANOS = 3_000_000_000L;

    /// After a change of owner the LAN hears of both for a while.
    private static final long SETTLED_NANOS = 2_000_000_000L;

    private static final long LATE_NANOS = 100_000_000;

    private final ClusterSettings settings;
    private final Rules rules;
    private final Elector elector;
    private final Lan lan;
    private final Ways ways;
    private final Epochs epochs;
    private final @Nullable CommandHook[] hooks;
    private final ReleaseOnDeath releaseOnDeath;
    private final ClusterHost host;

    private final HandOverWatch[] handOvers;
    private final Fitness[] fitness;
    private long fitnessNanos;
    private final long[] heardNanos;
    private final long[] otherNanos; // By another way of the owner port.
    private final int[] otherWay;
    private final int[] lookedAt; // The floating IP at which it was looked for last.
    private final long[] viewNanos;
    private final boolean[] inView;
    private final boolean[] toldSilent;
    private boolean begun;
    private long turnNanos;
    private final List<Event> followUps = new ArrayList<>();
    private boolean news = true;
    private volatile boolean settled;
    private final Limited bugNews = new Limited(System.nanoTime());
    private final Limited lateNews = new Limited(System.nanoTime());
    private final Limited[] failureNews;
    private final Limited[] claimNews;
    private final long[] changedNanos;
    private boolean leaving;

    OwnershipDriver(
            ClusterSettings settings,
            Rules rules,
            Elector elector,
            Lan lan,
            Ways ways,
            Epochs epochs,
            @Nullable CommandHook[] hooks,
            ReleaseOnDeath releaseOnDeath,
            ClusterHost host) {
        this.settings = settings;
        this.rules = rules;
        this.elector = elector;
        this.lan = lan;
        this.ways = ways;
        this.epochs = epochs;
        this.hooks = hooks.clone();
        this.releaseOnDeath = releaseOnDeath;
        this.host = host;
        int floatingIps = rules.floatingIps().size();
        int nodes = rules.nodes().size();
        handOvers = new HandOverWatch[floatingIps];
        fitness = new Fitness[floatingIps];
        failureNews = new Limited[floatingIps];
        claimNews = new Limited[floatingIps];
        for (int i = 0; i < floatingIps; i++) {
            handOvers[i] = new HandOverWatch();
            fitness[i] = new Fitness(rules.floatingIps().get(i).name(), -1, "not checked yet");
            failureNews[i] = new Limited(System.nanoTime());
            claimNews[i] = new Limited(System.nanoTime());
        }
        changedNanos = new long[floatingIps];
        Arrays.fill(changedNanos, System.nanoTime());
        heardNanos = new long[nodes];
        otherNanos = new long[nodes];
        otherWay = new int[nodes];
        lookedAt = new int[nodes];
        viewNanos = new long[nodes];
        inView = new boolean[nodes];
        toldSilent = new boolean[nodes];
        fitnessNanos = System.nanoTime();
    }

    // ---- what happens

    void turn(long nowNanos) {
        long late = begun ? nowNanos - turnNanos - rules.timings().tick() : 0;
        begun = true;
        turnNanos = nowNanos;
        if (late > LATE_NANOS && lateNews.isDue(nowNanos))
            host.told(true, "ownership-loop-late", lateNews.with("ms", late / 1_000_000));
        handle(new Event.Tick());
        lan.tick(nowNanos);
        // After a pause of its own it has to be asked anew before it can be called old.
        if (nowNanos - fitnessNanos > FITNESS_NANOS && late < LATE_NANOS)
            useFitness(i -> new Fitness(name(i), -1, "the data path was not checked for long"));
        for (int node = 0; node < heardNanos.length; node++) lookAtPort(node, nowNanos);
        listReleases();
    }

    private void lookAtPort(int node, long nowNanos) {
        if (node == rules.self() || !inView[node]) return;
        boolean silent =
                nowNanos - heardNanos[node] > PORT_SILENT_NANOS
                        && nowNanos - viewNanos[node] > PORT_SILENT_NANOS;
        if (silent == toldSilent[node]) return;
        toldSilent[node] = silent;
        if (silent)
            host.told(
                    true,
                    "owner-port-silent",
                    "node",
                    rules.nodes().get(node).name(),
                    "expected",
                    "datagrams to UDP port " + settings.port() + " in both directions");
        else host.told(false, "owner-port-heard", "node", rules.nodes().get(node).name());
    }

    void heard(int from, Beat beat, long provenNanos, int via) {
        if (via == OwnerPort.DIRECT) {
            heardNanos[from] = System.nanoTime();
        } else if (via != OwnerPort.BY_OTHER_TRANSPORT) {
            otherNanos[from] = System.nanoTime();
            otherWay[from] = via;
        }
        handle(new Event.Heard(from, beat, provenNanos, via));
    }

    void view(Event.View view) {
        long now = System.nanoTime();
        for (int node = 0; node < inView.length; node++) {
            boolean there = view.nodes().contains(node);
            if (there && !inView[node]) viewNanos[node] = now;
            inView[node] = there;
        }
        handle(view);
    }

    void fitness(List<Fitness> all) {
        fitnessNanos = System.nanoTime();
        useFitness(
                i -> {
                    for (Fitness each : all) if (each.floatingIp().equals(name(i))) return each;
                    return new Fitness(name(i), -1, "not checked");
                });
    }

    private interface Told {
        Fitness of(int floatingIp);
    }

    private void useFitness(Told told) {
        for (int i = 0; i < fitness.length; i++) {
            Fitness now = told.of(i);
            String obstacle = lan.obstacle(i);
            if (!obstacle.isEmpty()) now = new Fitness(now.floatingIp(), -1, obstacle);
            if (now.equals(fitness[i])) continue;
            fitness[i] = now;
            news = true;
            handle(new Event.Fit(i, now.level(), now.reason()));
        }
    }

    private String name(int floatingIp) {
        return rules.floatingIps().get(floatingIp).name();
    }

    /// @return what came of it; complete at once if this node does not own it
    CompletableFuture<HandOver> handOver(int floatingIp) {
        Elector.Standing now = elector.standing(floatingIp);
        if (!now.phase().owns())
            return CompletableFuture.completedFuture(
                    failed(floatingIp, now.owner(), "this node does not own it"));
        CompletableFuture<HandOver> told = handOvers[floatingIp].begin(System.nanoTime());
        if (now.phase() == Phase.OWNING) {
            handle(new Event.HandOver(floatingIp));
            if (elector.standing(floatingIp).phase() == Phase.OWNING)
                handOvers[floatingIp].end(
                        failed(floatingIp, rules.self(), "no other node is fit to own it"));
        }
        return told;
    }

    private HandOver failed(int floatingIp, int owner, String why) {
        String from = nodeName(owner);
        return new HandOver(name(floatingIp), from, from, List.of(), why);
    }

    private @Nullable String nodeName(int node) {
        return node < 0 ? null : rules.nodes().get(node).name();
    }

    /// Hands all over.
    void leave() {
        leaving = true;
        handle(new Event.Stop());
        settle();
    }

    /// Has all been handed over that could be?
    boolean settled() {
        return settled;
    }

    void handle(Event event) {
        long now = System.nanoTime();
        if (event instanceof Event.Foreign(int floatingIp, String hardware))
            claimed(floatingIp, hardware, now);
        perform(elector.on(event, now), now);
        while (!followUps.isEmpty()) {
            Event next = followUps.removeFirst();
            long later = System.nanoTime();
            perform(elector.on(next, later), later);
        }
        if (leaving) settle();
    }

    /// What the node before announced is no conflict, nor what the owner does that this node is not.
    private void claimed(int floatingIp, String hardware, long now) {
        boolean isOurs = elector.standing(floatingIp).phase().owns();
        if (!isOurs || now - changedNanos[floatingIp] < SETTLED_NANOS) return;
        if (claimNews[floatingIp].isDue(now))
            host.told(
                    true,
                    "floating-ip-claimed",
                    claimNews[floatingIp].with("name", name(floatingIp), "hardware", hardware));
    }

    private void settle() {
        for (int i = 0; i < fitness.length; i++) {
            Phase phase = elector.standing(i).phase();
            if (phase != Phase.STANDBY && phase != Phase.OWNING) return;
        }
        settled = true;
    }

    // ---- what is done

    private void perform(List<Action> actions, long eventNanos) {
        for (Action action : actions) {
            // What was decided before a pause is void after it; to let go is always right.
            boolean stale = System.nanoTime() - eventNanos >= rules.timings().gap();
            if (stale && !isAlwaysRight(action)) continue;
            try {
                perform(action, eventNanos);
            } catch (RuntimeException bug) { // The other addresses have their turn all the same.
                if (action instanceof Action.Take(int floatingIp, _, _))
                    followUps.add(new Event.Failed(floatingIp, bug.toString()));
                if (bugNews.isDue(System.nanoTime()))
                    host.told(true, "ownership-bug", bugNews.with("cause", bug));
            }
        }
    }

    private static boolean isAlwaysRight(Action action) {
        return action instanceof Action.Release
                || action instanceof Action.Note
                || action instanceof Action.Undrain;
    }

    private void perform(Action action, long eventNanos) {
        switch (action) {
            case Action.Send(int to, Beat beat) -> send(to, beat, eventNanos);
            case Action.Answer(int to, Beat beat, int via) -> ways.answer(to, beat, via);
            case Action.Take(int floatingIp, long epoch, long lease) -> {
                CommandHook hook = hooks[floatingIp];
                onAddress(floatingIp, true, () -> lan.take(floatingIp, lease));
                if (hook != null) hook.take(epoch);
                epochs.learn(name(floatingIp), epoch);
            }
            case Action.Refresh(int floatingIp, long lease) ->
                    onAddress(floatingIp, false, () -> lan.refresh(floatingIp, lease));
            case Action.Release(int floatingIp) -> {
                CommandHook hook = hooks[floatingIp];
                onAddress(floatingIp, false, () -> lan.release(floatingIp));
                if (hook != null) hook.release(elector.standing(floatingIp).epoch());
            }
            case Action.Announce(int floatingIp) ->
                    onAddress(floatingIp, false, () -> lan.announce(floatingIp));
            case Action.Probe(int floatingIp) ->
                    onAddress(floatingIp, false, () -> lan.probe(floatingIp));
            case Action.AskWitness() -> {
                try {
                    lan.askWitness(eventNanos);
                } catch (IOException unanswered) {
                    // No answer says enough.
                }
            }
            case Action.Drain(int floatingIp) -> host.drain(name(floatingIp));
            case Action.Undrain(int floatingIp) -> host.undrain(name(floatingIp));
            case Action.Note note -> note(note, eventNanos);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /// @param isTake does ownership hang on it?
    private void onAddress(int floatingIp, boolean isTake, Work work) {
        try {
            work.run();
        } catch (IOException failure) {
            String cause = String.valueOf(failure.getMessage());
            boolean isGone = failure instanceof NetFault fault && fault.isNotThere();
            if (isTake) followUps.add(new Event.Failed(floatingIp, cause));
            else if (isGone) followUps.add(new Event.Present(floatingIp, false));
            if (failureNews[floatingIp].isDue(System.nanoTime()))
                host.told(
                        true,
                        "floating-ip-failed",
                        failureNews[floatingIp].with("name", name(floatingIp), "cause", cause));
        }
    }

    private void send(int to, Beat beat, long nowNanos) {
        ways.send(to, beat);
        if (nowNanos - heardNanos[to] < OTHER_WAYS_NANOS) return;
        if (inView[to]) ways.sendByMembership(to, beat);
        // By the way that it came last, and where it may be found: where it is believed to be, else
        // anywhere; one a turn, for the port remembers 64 challenges.
        if (nowNanos - otherNanos[to] < OTHER_WAYS_NANOS) ways.answer(to, beat, otherWay[to]);
        int count = fitness.length;
        int found = -1;
        for (int k = 0; k < count; k++) {
            int i = (lookedAt[to] + 1 + k) % count;
            Elector.Standing standing = elector.standing(i);
            if (standing.phase().owns() || found >= 0 && standing.owner() != to) continue;
            found = i;
            if (standing.owner() == to) break;
        }
        if (found < 0) return;
        lookedAt[to] = found;
        ways.send(to, beat, found);
    }

    private void note(Action.Note note, long eventNanos) {
        int i = note.floatingIp();
        news = true;
        changedNanos[i] = eventNanos;
        epochs.learn(name(i), note.epoch());
        handOvers[i].changed(note, name(i), this::nodeName, eventNanos);
        newcomers(note);
        host.changed(
                new OwnershipChange(
                        name(i),
                        name(i) + "-" + note.epoch(),
                        note.before(),
                        note.after(),
                        note.epoch(),
                        nodeName(note.owner()),
                        note.reason(),
                        note.detail()));
    }

    /// Keeps what asks for connections to a floating IP that is handed over, until the new owner is heard.
    ///
    /// @throws IOException if that cannot be, or there is no hand-over
    void holdNewcomers(int floatingIp) throws IOException {
        if (elector.standing(floatingIp).phase() != Phase.DRAINING)
            throw new IOException("it is not handed over");
        lan.holdNewcomers(floatingIp, rules.timings().drain());
    }

    private void newcomers(Action.Note note) {
        int i = note.floatingIp();
        switch (note.after()) {
            case DRAINING -> {}
            case LEAVING -> lan.leave(i, rules.timings().invite());
            case STANDBY -> {
                if (note.before() == Phase.DRAINING) lan.forgetNewcomers(i);
            }
            case PROBING, OWNING -> lan.forgetNewcomers(i);
        }
    }

    /// What ExecStopPost is to take off, while another could take it.
    private void listReleases() {
        var lines = new ArrayList<String>();
        for (int i = 0; i < fitness.length; i++) {
            String line = lan.line(i);
            Elector.Standing now = elector.standing(i);
            if (line != null && now.phase() != Phase.STANDBY && now.otherFit()) lines.add(line);
        }
        releaseOnDeath.list(lines);
    }

    /// Is there something in [#status] since this was asked last that nobody should have to wait for?
    boolean hasNews() {
        boolean since = news;
        news = false;
        return since;
    }

    /// @param configHashes of each node; null where it is not known
    ClusterStatus status(@Nullable String[] configHashes) {
        var nodes = new ArrayList<ClusterStatus.Node>();
        for (int i = 0; i < rules.nodes().size(); i++) {
            ClusterSettings.Node node = settings.nodes().get(i);
            nodes.add(
                    new ClusterStatus.Node(
                            node.name(),
                            node.address().getHostAddress(),
                            state(i),
                            node.witness(),
                            configHashes[i]));
        }
        var addresses = new ArrayList<ClusterStatus.FloatingIp>();
        for (int i = 0; i < fitness.length; i++) {
            Elector.Standing now = elector.standing(i);
            ClusterSettings.FloatingIp each = settings.floatingIps().get(i);
            addresses.add(
                    new ClusterStatus.FloatingIp(
                            each.name(),
                            each.address().getHostAddress() + "/" + each.prefix(),
                            nodeName(now.owner()),
                            now.epoch(),
                            now.eligible(),
                            now.eligible() ? null : now.reason()));
        }
        return new ClusterStatus(nodes, addresses);
    }

    private String state(int node) {
        if (node == rules.self()) return leaving ? "stopping" : "up";
        Elector.Peer peer = elector.peer(node);
        if (peer.stopping()) return peer.heard() ? "stopping" : "gone";
        if (peer.heard() && peer.inView()) return "up";
        return peer.heard() || peer.inView() ? "partial" : "gone";
    }
}
