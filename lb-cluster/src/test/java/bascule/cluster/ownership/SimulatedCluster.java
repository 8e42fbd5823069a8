package bascule.cluster.ownership;

import bascule.cluster.ownership.Claim.Phase;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/// Nodes in one simulated world: the real [Elector] of each, and models of all that is around it: clocks, the driver's thread, the process,
/// the owner port with its sessions, two networks, the membership's failure detector, the kernel with its leases, the LAN and the
/// witness. One queue of events, one thread; all that is random follows from the seed. Each event is followed by a look at what must
/// never be.
final class SimulatedCluster {
    static final long MS = 1_000_000;
    static final long SECOND = 1000 * MS;

    /// The network with the nodes' own addresses, and the one with the floating IPs.
    static final int CLUSTER = 0;

    static final int LAN = 1;

    /// What the kernel adds to a lease before it looks (as measured).
    static final long ROUNDING = 400 * MS;

    private static final long EVENTS_MOST = 3_000_000;

    /// How long an event that has waited is worked at.
    private static final long HANDLING = 20_000;

    private static final long OTHER_WAYS = 100 * MS;
    private static final int BUFFER_MOST = 256;
    private static final int ICMP_BURST = 6;
    private static final int BY_MEMBERSHIP = -1;

    /// @param shared are both networks one?
    /// @param witnessKnown is there a witness address?
    /// @param loss of each datagram, 0 to 1
    /// @param burstMost so many in a row are lost at most, as long as the way is not cut; 0 = without bound
    /// @param duplicates of each datagram, 0 to 1
    record Net(
            boolean shared,
            boolean witnessKnown,
            double loss,
            int burstMost,
            long delayMost,
            double duplicates) {}

    /// @param preempt has each node a lower priority than the one before, and do they count?
    record Setup(
            int nodes,
            int witnesses,
            int floatingIps,
            boolean preempt,
            Net net,
            Timings timings,
            Elector.Decision decision) {
        static Setup of(int nodes) {
            var net = new Net(true, true, 0, 3, MS, 0);
            return new Setup(nodes, 0, 1, false, net, Timings.FAST, Ownership::step);
        }

        Setup with(Timings other) {
            return new Setup(nodes, witnesses, floatingIps, preempt, net, other, decision);
        }

        Setup with(Elector.Decision other) {
            return new Setup(nodes, witnesses, floatingIps, preempt, net, timings, other);
        }

        private Setup with(Net other) {
            return new Setup(nodes, witnesses, floatingIps, preempt, other, timings, decision);
        }

        Setup withFloatingIps(int count) {
            return new Setup(nodes, witnesses, count, preempt, net, timings, decision);
        }

        Setup withWitnesses(int count) {
            return new Setup(nodes, count, floatingIps, preempt, net, timings, decision);
        }

        Setup preempting() {
            return new Setup(nodes, witnesses, floatingIps, true, net, timings, decision);
        }

        Setup on(boolean one, boolean witness) {
            return with(
                    new Net(one, witness, net.loss, net.burstMost, net.delayMost, net.duplicates));
        }

        Setup lossy(double loss, long delay, double twice) {
            return with(new Net(net.shared, net.witnessKnown, loss, net.burstMost, delay, twice));
        }

        Setup lossyWithoutBound() {
            return with(
                    new Net(
                            net.shared,
                            net.witnessKnown,
                            net.loss,
                            0,
                            net.delayMost,
                            net.duplicates));
        }
    }

    /// What must never be, was.
    static final class Violation extends AssertionError {
        private static final long serialVersionUID = 1;

        Violation(String what) {
            super(what);
        }
    }

    final Setup setup;
    final SplittableRandom random;
    final Host[] hosts;
    long now;
    double loss;

    /// When a floating IP got another owner, counted.
    int moves;

    long ownedAfter;

    /// Is a floating IP never to be on no host at all?
    boolean guarded;

    private final boolean[][][] cut;
    private final int[][][] lostInARow;
    private final boolean[] witnessAway;
    private final Rules.Node[] members;
    private final List<Rules.FloatingIp> floatingIps;
    private final PriorityQueue<Due> queue = new PriorityQueue<>();
    private final List<Runnable> recorded = new ArrayList<>();
    private final boolean tracing;
    private final StringBuilder trace = new StringBuilder();
    private final int[] lastOwner;
    private long order;
    private long boots;

    private record Due(long at, long order, Runnable work) implements Comparable<Due> {
        @Override
        public int compareTo(Due other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    SimulatedCluster(Setup setup, long seed, boolean tracing) {
        this.setup = setup;
        this.tracing = tracing;
        random = new SplittableRandom(seed);
        loss = setup.net.loss;
        members = new Rules.Node[setup.nodes];
        for (int i = 0; i < setup.nodes; i++) {
            int priority = setup.preempt ? 100 - i : 100;
            members[i] = new Rules.Node("n" + i, priority, i >= setup.nodes - setup.witnesses);
        }
        floatingIps = new ArrayList<>();
        for (int i = 0; i < setup.floatingIps; i++)
            floatingIps.add(new Rules.FloatingIp("ip" + i, setup.preempt));
        cut = new boolean[2][setup.nodes][setup.nodes];
        lostInARow = new int[2][setup.nodes][setup.nodes];
        witnessAway = new boolean[setup.nodes];
        lastOwner = new int[setup.floatingIps];
        Arrays.fill(lastOwner, -1);
        hosts = new Host[setup.nodes];
        for (int i = 0; i < setup.nodes; i++) hosts[i] = new Host(i);
    }

    // ---- time

    void after(long nanos, Runnable work) {
        queue.add(new Due(now + nanos, order++, work));
    }

    /// @throws Violation with a trace, if this world is traced
    void runUntil(long until) {
        for (Due next; (next = queue.peek()) != null && next.at <= until; ) {
            queue.poll();
            now = next.at;
            if (order > EVENTS_MOST) throw new Violation("no rest after " + order + " events");
            next.work.run();
            look();
        }
        now = until;
    }

    long between(long least, long most) {
        return least + (most > least ? random.nextLong(most - least + 1) : 0);
    }

    boolean chance(double of) {
        return random.nextDouble() < of;
    }

    void say(Supplier<String> what) {
        if (tracing) trace.append(String.format("%10.3f ms  %s%n", now / 1e6, what.get()));
    }

    String trace() {
        return trace.toString();
    }

    // ---- what must never be

    private void look() {
        for (int ip = 0; ip < setup.floatingIps; ip++) {
            int owner = -1;
            for (Host host : hosts) {
                if (!host.ownsLive(ip)) continue;
                if (owner >= 0)
                    throw new Violation(
                            "ip" + ip + " has two live owners: n" + owner + " and n" + host.id);
                owner = host.id;
            }
            if (owner >= 0 && owner != lastOwner[ip]) {
                lastOwner[ip] = owner;
                moves++;
            }
            if (guarded && places(ip) == 0) throw new Violation("ip" + ip + " is on no host");
            for (Host host : hosts) host.lookAtLeftover(ip);
        }
    }

    int owner(int ip) {
        for (Host host : hosts) if (host.ownsLive(ip)) return host.id;
        return -1;
    }

    /// On how many hosts that have power a floating IP is.
    int places(int ip) {
        int places = 0;
        for (Host host : hosts) if (host.has(ip)) places++;
        return places;
    }

    // ---- networks

    void cut(int net, int from, int to, boolean isCut) {
        if (cut[net][from][to] == isCut) return;
        cut[net][from][to] = isCut;
        if (setup.net.shared) cut[1 - net][from][to] = isCut;
        say(
                () ->
                        (isCut ? "cut " : "healed ")
                                + (net == LAN ? "lan" : "cluster")
                                + " n"
                                + from
                                + " -> n"
                                + to);
        connectionsChanged();
    }

    void isolate(int net, int node, boolean isCut) {
        for (int other = 0; other < hosts.length; other++) {
            if (other == node) continue;
            cut(net, node, other, isCut);
            cut(net, other, node, isCut);
        }
        if (net == LAN || setup.net.shared) witness(node, !isCut);
    }

    /// Nothing reads the wall clock: so nothing is to be done.
    void wallClock(Host host, long stepNanos) {
        say(() -> "wall clock of n" + host.id + " steps by " + stepNanos / MS + " ms");
    }

    void witness(int node, boolean there) {
        witnessAway[node] = !there;
        say(() -> "n" + node + (there ? " sees" : " does not see") + " the witness");
    }

    /// Records nothing of what it carries: whoever replays sends the same bytes again.
    private void transmit(int net, int from, int to, Runnable arrival) {
        if (cut[net][from][to] || !hosts[from].powered) return;
        int[] row = lostInARow[net][from];
        if (chance(loss) && (setup.net.burstMost == 0 || row[to] < setup.net.burstMost)) {
            row[to]++;
            return;
        }
        row[to] = 0;
        after(between(50_000, setup.net.delayMost), arrival);
        if (chance(setup.net.duplicates)) after(between(50_000, 3 * setup.net.delayMost), arrival);
        if (chance(0.001) && recorded.size() < 100) recorded.add(arrival);
    }

    /// Somebody sends again what was sent before.
    void replay() {
        if (recorded.isEmpty()) return;
        say(() -> "replay of " + recorded.size() + " datagrams");
        for (Runnable each : recorded) after(between(0, 5 * MS), each);
    }

    /// Do all that run know each other's present run?
    boolean haveMet() {
        for (Host host : hosts)
            for (Host other : hosts)
                if (host != other
                        && host.boot != null
                        && other.boot != null
                        && host.boot.sessions[other.id].peerBoot != other.boot.number) return false;
        return true;
    }

    // ---- membership

    private boolean isConnected(int i, int j) {
        return hosts[i].isRunning()
                && hosts[j].isRunning()
                && !cut[CLUSTER][i][j]
                && !cut[CLUSTER][j][i];
    }

    private void connectionsChanged() {
        for (Host host : hosts)
            for (int other = 0; other < hosts.length; other++)
                if (other != host.id) host.connectionChanged(other);
    }

    // ---- hosts

    /// A host: its kernel, and the process that runs on it, or does not.
    final class Host {
        final int id;
        boolean powered = true;
        boolean stopped;
        boolean carrier = true;
        boolean netlinkBroken;
        Boot boot;
        final int[] fitness;
        final long[] epochs;
        private final double drift;
        private final long clock;
        private final long[] leaseEnd;
        private final long[] leaseNanos;
        private final long[] renewed;
        private final long[] owned;
        private final boolean[] connected;
        private final int[] connection;
        private final int[] refusals;
        private final Deque<Runnable> buffer = new ArrayDeque<>();

        Host(int id) {
            this.id = id;
            drift = 1 + (random.nextDouble() - 0.5) * 2e-4;
            clock = random.nextLong(1L << 50) - (1L << 49); // System.nanoTime() may be negative.
            fitness = new int[setup.floatingIps];
            epochs = new long[setup.floatingIps];
            leaseEnd = new long[setup.floatingIps];
            leaseNanos = new long[setup.floatingIps];
            renewed = new long[setup.floatingIps];
            owned = new long[setup.floatingIps];
            connected = new boolean[setup.nodes];
            connection = new int[setup.nodes];
            refusals = new int[setup.nodes];
        }

        long local() {
            return clock + (long) (now * drift);
        }

        boolean isRunning() {
            return powered && boot != null && !stopped;
        }

        boolean isWitness() {
            return members[id].witness();
        }

        boolean ownsLive(int ip) {
            return isRunning() && !boot.paused && boot.elector.phase(ip).owns();
        }

        boolean has(int ip) {
            return powered && leaseEnd[ip] != 0;
        }

        // ---- kernel

        private void put(int ip, long lease) {
            long seconds = Math.ceilDiv(lease, SECOND);
            long end = now + seconds * SECOND + between(0, ROUNDING);
            boolean isNew = leaseEnd[ip] == 0;
            leaseEnd[ip] = end;
            leaseNanos[ip] = lease;
            renewed[ip] = now;
            after(
                    end - now,
                    () -> {
                        if (leaseEnd[ip] != end) return;
                        if (ownsLive(ip))
                            throw new Violation(
                                    "the lease of ip" + ip + " ran out under its owner n" + id);
                        remove(ip, "lease over");
                    });
            if (isNew) tellPresent(ip);
        }

        void remove(int ip, String why) {
            if (leaseEnd[ip] == 0) return;
            leaseEnd[ip] = 0;
            say(() -> "n" + id + " has ip" + ip + " no more: " + why);
            tellPresent(ip);
        }

        private void tellPresent(int ip) {
            Boot whose = boot;
            after(
                    between(100_000, 2 * MS),
                    () -> {
                        if (whose != null && boot == whose)
                            whose.post(() -> new Event.Present(ip, has(ip)));
                    });
        }

        private void lookAtLeftover(int ip) {
            if (!has(ip)) return;
            boolean owns =
                    boot != null
                            && boot.elector.phase(ip) != Phase.STANDBY
                            && boot.elector.phase(ip) != Phase.PROBING;
            if (owns && isRunning() && !boot.paused) owned[ip] = now;
            long since = Math.max(renewed[ip], owned[ip]);
            if (!owns
                    && now - since > Math.ceilDiv(leaseNanos[ip], SECOND) * SECOND + ROUNDING + MS)
                throw new Violation("n" + id + " has ip" + ip + " longer than its lease");
        }

        private void foreign(int ip, int whose) {
            if (boot == null || !powered) return;
            boot.post(() -> new Event.Foreign(ip, "host of n" + whose));
        }

        // ---- process

        void start() {
            if (boot != null || !powered) return;
            var leftover = new boolean[setup.floatingIps];
            for (int ip = 0; ip < leftover.length; ip++) {
                leftover[ip] = has(ip) && epochs[ip] > 0;
                if (has(ip) && !leftover[ip]) remove(ip, "swept");
            }
            say(
                    () ->
                            "n"
                                    + id
                                    + " starts, epochs "
                                    + Arrays.toString(epochs)
                                    + ", left over "
                                    + Arrays.toString(leftover));
            stopped = false;
            buffer.clear();
            boot = new Boot(this, leftover);
            boot.begin();
            connectionsChanged();
        }

        void kill() {
            if (boot == null) return;
            say(() -> "n" + id + " is killed");
            boot = null;
            stopped = false;
            buffer.clear();
            connectionsChanged();
        }

        void powerOff() {
            say(() -> "n" + id + " loses power");
            boot = null;
            stopped = false;
            powered = false;
            buffer.clear();
            Arrays.fill(leaseEnd, 0);
            connectionsChanged();
        }

        void powerOn() {
            powered = true;
        }

        /// SIGSTOP, and SIGCONT later: the kernel goes on, and keeps what comes.
        void stop(long nanos) {
            if (!isRunning()) return;
            Boot whose = boot;
            say(() -> "n" + id + " is stopped for " + nanos / MS + " ms");
            stopped = true;
            connectionsChanged();
            after(
                    nanos,
                    () -> {
                        if (boot != whose || !stopped) return;
                        say(() -> "n" + id + " goes on");
                        stopped = false;
                        whose.resume();
                        for (Runnable each; (each = buffer.poll()) != null; ) each.run();
                        connectionsChanged();
                        if (nanos > 150 * MS) whose.viewShatters();
                    });
        }

        void carrier(boolean up) {
            carrier = up;
            say(() -> "n" + id + (up ? " has carrier" : " has no carrier"));
            isolate(LAN, id, !up);
            Boot told = boot;
            for (int ip = 0; ip < setup.floatingIps && told != null; ip++) {
                int about = ip;
                told.post(() -> new Event.Carrier(about, carrier));
            }
        }

        void fit(int ip, int level) {
            if (isWitness()) return;
            fitness[ip] = level;
            say(() -> "n" + id + " fitness for ip" + ip + " is " + level);
            Boot told = boot;
            if (told != null) told.post(() -> told.fit(ip));
        }

        /// A datagram has come as far as this host's kernel.
        private void arrived(int net, int from, Runnable read) {
            if (!powered) return;
            if (boot == null) {
                unreachable(net, from);
            } else if (stopped) {
                if (buffer.size() < BUFFER_MOST) buffer.add(read);
            } else {
                read.run();
            }
        }

        /// ICMP: limited by the kernel to a few, then one each second (icmp(7)).
        private void unreachable(int net, int to) {
            if (refusals[to] >= ICMP_BURST) return;
            refusals[to]++;
            after(SECOND, () -> refusals[to]--);
            Boot whose = hosts[to].boot;
            transmit(
                    net,
                    id,
                    to,
                    () -> {
                        if (whose != null && hosts[to].boot == whose)
                            whose.post(() -> new Event.Unreachable(id));
                    });
        }

        // ---- the failure detector of the membership, as this node sees another

        private void connectionChanged(int other) {
            boolean is = isConnected(id, other);
            if (is == connected[other]) return;
            connected[other] = is;
            int version = ++connection[other];
            if (stopped) return; // It sees nothing; what it believes after is up to viewShatters.
            boolean closed =
                    hosts[other].boot == null && hosts[other].powered && !cut[CLUSTER][other][id];
            long delay;
            if (is) delay = chance(0.3) ? between(0, 5 * SECOND) : between(10 * MS, 800 * MS);
            else delay = closed ? between(20 * MS, 40 * MS) : between(150 * MS, 250 * MS);
            after(
                    delay,
                    () -> {
                        if (connection[other] == version && boot != null && !stopped)
                            boot.view(other, is);
                    });
        }
    }

    /// One run of a node's process.
    final class Boot {
        final Host host;
        final long number = ++boots;
        final Elector elector;
        boolean paused;
        boolean leaving;
        private boolean pauseBeforeActions;
        private long pauseNanos;
        private List<Action> unfinished = List.of();
        private long unfinishedLocal;
        private final Deque<Supplier<Event>> inbox = new ArrayDeque<>();
        private final Session[] sessions;
        private final long[] heardDirect;
        private final long[] heardByLan;
        private final int[] lookedAt = new int[setup.nodes];
        private final Set<Integer> view = new HashSet<>();
        private boolean asking;
        private long askedLocal;

        Boot(Host host, boolean[] leftover) {
            this.host = host;
            Rules rules = new Rules(List.of(members), host.id, floatingIps, setup.timings);
            elector = new Elector(rules, 7, host.epochs, leftover, host.local(), setup.decision);
            sessions = new Session[setup.nodes];
            for (int i = 0; i < sessions.length; i++) sessions[i] = new Session();
            heardDirect = new long[setup.nodes];
            Arrays.fill(heardDirect, now - SECOND);
            heardByLan = heardDirect.clone();
            view.add(host.id);
        }

        private void begin() {
            post(this::witnessKnown);
            for (int ip = 0; ip < setup.floatingIps; ip++) {
                int about = ip;
                post(() -> new Event.Carrier(about, host.carrier));
                post(() -> new Event.Present(about, host.has(about)));
                after(between(20 * MS, 300 * MS), () -> post(() -> fit(about)));
            }
            after(between(0, setup.timings.tick()), this::tick);
        }

        private Event witnessKnown() {
            return new Event.WitnessKnown(setup.net.witnessKnown, true);
        }

        private boolean isCurrent() {
            return host.boot == this;
        }

        private boolean isAwake() {
            return isCurrent() && !host.stopped && !paused;
        }

        Event fit(int ip) {
            int level = host.fitness[ip];
            return new Event.Fit(ip, level, level < 0 ? "listener https does not answer" : "");
        }

        // ---- the driver's thread

        void post(Supplier<Event> event) {
            if (!isCurrent()) return;
            if (isAwake() && inbox.isEmpty()) handle(event.get());
            else inbox.add(event);
        }

        private void tick() {
            if (!isCurrent()) return;
            if (isAwake()) handle(new Event.Tick());
            after(setup.timings.tick() + between(0, MS), this::tick);
        }

        /// @param beforeActions does it strike when a decision is made, and before it is carried out?
        void pause(long nanos, boolean beforeActions) {
            if (!isAwake()) return;
            if (beforeActions) {
                pauseBeforeActions = true;
                pauseNanos = nanos;
            } else {
                pauseNow(nanos);
            }
        }

        private void pauseNow(long nanos) {
            say(() -> "n" + host.id + " thread pauses for " + nanos / MS + " ms");
            paused = true;
            after(
                    nanos,
                    () -> {
                        if (!isCurrent() || !paused) return;
                        paused = false;
                        if (!host.stopped) resume();
                    });
        }

        /// The turn comes first, then all that waits.
        private void resume() {
            if (paused) return;
            finish();
            if (isAwake()) handle(new Event.Tick());
            after(HANDLING, this::drain);
        }

        private void drain() {
            if (!isAwake() || inbox.isEmpty()) return;
            handle(inbox.poll().get());
            after(HANDLING, this::drain);
        }

        private void handle(Event event) {
            unfinishedLocal = host.local();
            unfinished = elector.on(event, unfinishedLocal);
            if (pauseBeforeActions
                    && unfinished.stream().anyMatch(each -> !(each instanceof Action.Send))) {
                pauseBeforeActions = false;
                pauseNow(pauseNanos);
                return;
            }
            finish();
            if (leaving) settle();
        }

        private void finish() {
            List<Action> actions = unfinished;
            unfinished = List.of();
            boolean stale = host.local() - unfinishedLocal >= setup.timings.gap();
            for (Action action : actions) {
                boolean always =
                        action instanceof Action.Release
                                || action instanceof Action.Note
                                || action instanceof Action.Undrain;
                if (isCurrent() && (always || !stale)) perform(action);
            }
        }

        private void perform(Action action) {
            switch (action) {
                case Action.Send(int to, Beat beat) -> send(to, beat);
                case Action.Answer(int to, Beat beat, int via) -> answer(to, beat, via);
                case Action.Take(int ip, long epoch, long lease) -> {
                    host.epochs[ip] = Math.max(host.epochs[ip], epoch);
                    say(
                            () ->
                                    "n"
                                            + host.id
                                            + " TAKE ip"
                                            + ip
                                            + " epoch "
                                            + epoch
                                            + " lease "
                                            + lease / MS
                                            + (host.netlinkBroken ? " FAILS" : ""));
                    if (host.netlinkBroken) handle(new Event.Failed(ip, "errno 16"));
                    else host.put(ip, lease);
                }
                case Action.Refresh(int ip, long lease) -> {
                    if (host.has(ip) && !host.netlinkBroken) host.put(ip, lease);
                }
                case Action.Release(int ip) -> {
                    say(() -> "n" + host.id + " RELEASE ip" + ip);
                    if (!host.netlinkBroken) host.remove(ip, "released");
                }
                case Action.Announce(int ip) -> {
                    for (Host other : hosts)
                        if (other != host)
                            transmit(LAN, host.id, other.id, () -> other.foreign(ip, host.id));
                }
                case Action.Probe(int ip) -> {
                    for (Host other : hosts) {
                        if (other == host) continue;
                        transmit(
                                LAN,
                                host.id,
                                other.id,
                                () -> {
                                    if (other.has(ip))
                                        transmit(
                                                LAN,
                                                other.id,
                                                host.id,
                                                () -> host.foreign(ip, other.id));
                                });
                    }
                }
                case Action.AskWitness() -> askWitness();
                case Action.Drain(int ip) ->
                        after(between(0, SECOND), () -> post(() -> new Event.Drained(ip)));
                case Action.Undrain _ -> {}
                case Action.Note note -> {
                    host.epochs[note.floatingIp()] =
                            Math.max(host.epochs[note.floatingIp()], note.epoch());
                    say(
                            () ->
                                    "n"
                                            + host.id
                                            + " ip"
                                            + note.floatingIp()
                                            + " "
                                            + note.before()
                                            + " -> "
                                            + note.after()
                                            + " epoch "
                                            + note.epoch()
                                            + " owner "
                                            + note.owner()
                                            + " ("
                                            + note.reason()
                                            + " "
                                            + note.detail()
                                            + ")");
                }
            }
        }

        // ---- stopping

        void leave() {
            if (!isAwake()) return;
            say(() -> "n" + host.id + " is to end");
            leaving = true;
            after(
                    8 * SECOND,
                    () -> {
                        if (isCurrent()) host.kill();
                    });
            post(Event.Stop::new);
        }

        private void settle() {
            for (int ip = 0; ip < setup.floatingIps; ip++) {
                Phase phase = elector.phase(ip);
                if (phase != Phase.STANDBY && phase != Phase.OWNING) return;
            }
            for (int ip = 0; ip < setup.floatingIps; ip++)
                if (elector.standing(ip).otherFit()) host.remove(ip, "end");
            host.kill();
        }

        // ---- the owner port: one session for each pair of starts, a counter, the newest beat only

        private static final class Session {
            long peerBoot;
            long counter;
            long highest;
            long challenge = Event.UNPROVEN;
            long heardNanos = -SECOND;
            final long[] helloNanos = {-SECOND, -SECOND};

            void with(long boot) {
                if (peerBoot == boot) return;
                peerBoot = boot;
                counter = 0;
                highest = 0;
                challenge = Event.UNPROVEN;
            }
        }

        private void send(int to, Beat beat) {
            sendTo(CLUSTER, to, to, beat, 0);
            if (now - heardDirect[to] < OTHER_WAYS) return;
            if (view.contains(to)) sendByMembership(to, beat);
            if (now - heardByLan[to] < OTHER_WAYS) sendTo(LAN, to, to, beat, 1);
            int found = -1;
            for (int k = 0; k < setup.floatingIps; k++) {
                int ip = (lookedAt[to] + 1 + k) % setup.floatingIps;
                int owner = elector.standing(ip).owner();
                if (elector.phase(ip).owns() || found >= 0 && owner != to) continue;
                found = ip;
                if (owner == to) break;
            }
            if (found < 0 || host.has(found)) return;
            lookedAt[to] = found;
            sendTo(LAN, holder(found), to, beat, 1);
        }

        /// Whom the neighbour cache of this host has for a floating IP: any that answers.
        private int holder(int ip) {
            int found = -1;
            int count = 0;
            for (Host other : hosts) {
                if (other == host || !other.has(ip)) continue;
                if (cut[LAN][host.id][other.id] || cut[LAN][other.id][host.id]) continue;
                if (random.nextInt(++count) == 0) found = other.id;
            }
            return found;
        }

        private void answer(int to, Beat beat, int via) {
            if (via == BY_MEMBERSHIP) sendByMembership(to, beat);
            else sendTo(via == 0 ? CLUSTER : LAN, to, to, beat, via);
        }

        /// @param where the host it gets to; -1 = none
        /// @param to for whom it is sealed
        private void sendTo(int net, int where, int to, Beat beat, int via) {
            if (where < 0) return;
            Session session = sessions[to];
            if (now - session.heardNanos > 100 * MS) hello(net, where, to);
            if (session.peerBoot == 0) return;
            Runnable sealed = sealed(to, beat, via);
            transmit(
                    net,
                    host.id,
                    where,
                    () -> hosts[where].arrived(net, host.id, where == to ? sealed : () -> {}));
        }

        private Runnable sealed(int to, Beat beat, int via) {
            Session session = sessions[to];
            long mine = number;
            long theirs = session.peerBoot;
            long counter = ++session.counter;
            long challenge = host.local();
            long echo = session.challenge;
            return () -> {
                Boot receiver = hosts[to].boot;
                if (receiver != null)
                    receiver.received(host.id, mine, theirs, counter, challenge, echo, beat, via);
            };
        }

        private void sendByMembership(int to, Beat beat) {
            if (sessions[to].peerBoot == 0 || !isConnected(host.id, to)) return;
            Runnable sealed = sealed(to, beat, BY_MEMBERSHIP);
            after(
                    between(MS, 10 * MS),
                    () -> {
                        if (!hosts[to].stopped) sealed.run();
                        else if (hosts[to].buffer.size() < BUFFER_MOST)
                            hosts[to].buffer.add(sealed);
                    });
        }

        private void received(
                int from,
                long fromBoot,
                long toBoot,
                long counter,
                long challenge,
                long echo,
                Beat beat,
                int via) {
            Session session = sessions[from];
            if (toBoot != number || fromBoot != session.peerBoot) {
                if (via != BY_MEMBERSHIP) hello(via == 0 ? CLUSTER : LAN, from, from);
                return;
            }
            if (counter <= session.highest) return; // A replay, or overtaken.
            session.highest = counter;
            session.challenge = challenge;
            session.heardNanos = now;
            if (via == 0) heardDirect[from] = now;
            if (via == 1) heardByLan[from] = now;
            post(() -> new Event.Heard(from, beat, echo, via));
        }

        private void hello(int net, int where, int to) {
            Session session = sessions[to];
            if (now - session.helloNanos[net] < 100 * MS) return;
            session.helloNanos[net] = now;
            long mine = number;
            transmit(
                    net,
                    host.id,
                    where,
                    () ->
                            hosts[where].arrived(
                                    net,
                                    host.id,
                                    () -> {
                                        Boot peer = hosts[where].boot;
                                        if (where != to || peer == null) return;
                                        long theirs = peer.number;
                                        transmit(
                                                net,
                                                where,
                                                host.id,
                                                () ->
                                                        host.arrived(
                                                                net,
                                                                where,
                                                                () -> {
                                                                    if (!isCurrent()) return;
                                                                    sessions[to].with(theirs);
                                                                    transmit(
                                                                            net,
                                                                            host.id,
                                                                            where,
                                                                            () ->
                                                                                    hosts[where]
                                                                                            .arrived(
                                                                                                    net,
                                                                                                    host.id,
                                                                                                    () -> {
                                                                                                        if (hosts[
                                                                                                                        where]
                                                                                                                        .boot
                                                                                                                == peer)
                                                                                                            peer
                                                                                                                    .sessions[
                                                                                                                    host.id]
                                                                                                                    .with(
                                                                                                                            mine);
                                                                                                    }));
                                                                }));
                                    }));
        }

        // ---- witness, view

        private void askWitness() {
            if (!asking) askedLocal = host.local();
            asking = true;
            if (witnessAway[host.id] || !host.powered || chance(loss) || chance(loss)) return;
            after(
                    between(100_000, setup.net.delayMost),
                    () ->
                            post(
                                    () -> {
                                        boolean first = asking;
                                        asking = false;
                                        return first
                                                ? new Event.Witness(askedLocal)
                                                : witnessKnown();
                                    }));
        }

        private void view(int other, boolean there) {
            if (there ? !view.add(other) : !view.remove(other)) return;
            say(() -> "n" + host.id + " view " + view);
            Set<Integer> told = Set.copyOf(view);
            post(() -> new Event.View(told));
        }

        /// After it was stopped it believes in its old view for a while, then finds itself alone, then merges.
        private void viewShatters() {
            for (int other = 0; other < hosts.length; other++) {
                if (other == host.id) continue;
                int about = other;
                int version = ++host.connection[about];
                long alone = between(40 * MS, 3250 * MS);
                after(
                        alone,
                        () -> {
                            if (isCurrent() && host.connection[about] == version)
                                view(about, false);
                        });
                after(
                        alone + between(0, 2 * SECOND),
                        () -> {
                            if (isCurrent()
                                    && host.connection[about] == version
                                    && isConnected(host.id, about)) view(about, true);
                        });
            }
        }
    }
}
