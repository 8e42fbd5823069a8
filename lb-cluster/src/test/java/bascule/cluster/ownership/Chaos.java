package bascule.cluster.ownership;

import static bascule.cluster.ownership.SimulatedCluster.CLUSTER;
import static bascule.cluster.ownership.SimulatedCluster.LAN;
import static bascule.cluster.ownership.SimulatedCluster.MS;
import static bascule.cluster.ownership.SimulatedCluster.SECOND;

import bascule.cluster.ownership.SimulatedCluster.Host;
import bascule.cluster.ownership.SimulatedCluster.Setup;
import bascule.cluster.ownership.SimulatedCluster.Violation;
import java.util.function.Consumer;

/// Ten seconds of faults drawn from a seed, then none, and what has to be so in the end.
///
/// Two nodes with a witness address are promised less than three: so for them no fault is drawn that the promise excludes. That is: both see
/// the witness and there is no way between them (of either direction, if a process starts meanwhile); more than [SimulatedCluster.Net#burstMost]
/// datagrams lost in a row; one node cut off within half a second of the other's return.
final class Chaos {
    static final long FAULTS = 10 * SECOND;

    /// After the last fault an owner is there within so long: a start (the silence, a session), a hold-down after a failure of the kernel and a
    /// prober that waits for votes that never come are in it, and the view's own time is not.
    static final long OWNED_WITHIN = 1500 * MS;

    private final SimulatedCluster world;
    private final Setup setup;
    private final boolean careful;

    /// When the last cut of two careful nodes ends.
    private long cutUntil;

    /// While a process starts.
    private long noCutUntil;

    /// Is only the cluster link cut, and the LAN another network, and whole?
    private boolean linkOnly;

    Chaos(SimulatedCluster world) {
        this.world = world;
        setup = world.setup;
        careful = setup.nodes() == 2;
    }

    /// @throws Violation where something is not as it has to be; the message tells the seed, and all that has happened
    static void run(Setup setup, long seed) {
        tell(setup, seed, world -> new Chaos(world).run());
    }

    /// Runs a story in a world; if it is violated once more, with a trace.
    static void tell(Setup setup, long seed, Consumer<SimulatedCluster> story) {
        try {
            story.accept(new SimulatedCluster(setup, seed, false));
        } catch (Violation first) {
            var world = new SimulatedCluster(setup, seed, true);
            try {
                story.accept(world);
            } catch (Violation again) {
                throw new Violation(
                        "seed "
                                + seed
                                + ", "
                                + setup
                                + ": "
                                + again.getMessage()
                                + " at "
                                + world.now / MS
                                + " ms\n"
                                + world.trace());
            }
            throw first;
        }
    }

    void run() {
        for (Host host : world.hosts) {
            for (int ip = 0; ip < setup.floatingIps(); ip++)
                host.fitness[ip] = host.isWitness() ? -1 : 3;
            world.after(world.between(0, 2 * SECOND), host::start);
            if (careful) cutUntil = 3 * SECOND;
        }
        long at = world.between(0, SECOND);
        while (at < FAULTS) {
            world.after(at, this::fault);
            at += world.between(0, 700 * MS);
        }
        world.runUntil(FAULTS);
        calmDown();
        long begin = world.now;
        while (!allOwned() && world.now - begin < OWNED_WITHIN) world.runUntil(world.now + 25 * MS);
        world.ownedAfter = world.now - begin;
        world.runUntil(begin + OWNED_WITHIN);
        for (int ip = 0; ip < setup.floatingIps(); ip++) {
            if (world.owner(ip) < 0) throw new Violation("ip" + ip + " has no owner");
        }
        // Those that are there already stay.
        int moves = world.moves;
        world.runUntil(world.now + 4 * SECOND);
        if (world.moves != moves) throw new Violation("moved without a reason");
        for (int ip = 0; ip < setup.floatingIps(); ip++) {
            int owner = world.owner(ip);
            if (owner < 0) throw new Violation("ip" + ip + " has no owner any more");
            if (!world.hosts[owner].has(ip))
                throw new Violation("ip" + ip + " is not where its owner is");
            if (world.places(ip) > 1) {
                world.runUntil(
                        world.now + 7 * SECOND); // Until a lease of one that was alone is over.
                if (world.places(ip) > 1) throw new Violation("ip" + ip + " is on two hosts");
            }
        }
    }

    private boolean allOwned() {
        for (int ip = 0; ip < setup.floatingIps(); ip++) if (world.owner(ip) < 0) return false;
        return true;
    }

    /// All is well again: what was cut is whole, who was down is started.
    private void calmDown() {
        world.say(() -> "no more faults");
        world.loss = Math.min(world.loss, 0.01);
        for (Host host : world.hosts) {
            world.isolate(CLUSTER, host.id, false);
            world.isolate(LAN, host.id, false);
            host.netlinkBroken = false;
            if (!host.carrier) host.carrier(true);
            if (host.boot == null) {
                host.powerOn();
                host.start();
            }
            for (int ip = 0; ip < setup.floatingIps(); ip++) if (!host.isWitness()) host.fit(ip, 3);
        }
    }

    private Host any() {
        return world.hosts[world.random.nextInt(world.hosts.length)];
    }

    private Host owner() {
        int owner = world.owner(world.random.nextInt(setup.floatingIps()));
        return owner < 0 || world.chance(0.3) ? any() : world.hosts[owner];
    }

    private int anyIp() {
        return world.random.nextInt(setup.floatingIps());
    }

    private long within(long most) {
        long least = 10 * MS;
        long span = Math.min(most, Math.max(least, FAULTS - world.now));
        return world.chance(0.5)
                ? world.between(least, span)
                : world.between(least, Math.min(span, 600 * MS));
    }

    private void fault() {
        Host host = owner();
        int draw = world.random.nextInt(20);
        switch (draw) {
            case 0, 1, 2 -> {
                if (host.boot != null) host.boot.pause(within(5 * SECOND), world.chance(0.3));
            }
            case 3, 4 -> host.stop(within(4 * SECOND));
            case 5, 6, 7 -> down(host);
            case 8, 9, 10 -> partition(host);
            case 11 -> carrier(host);
            case 12, 13 -> fitness(host);
            case 14 -> {
                host.netlinkBroken = true;
                world.after(within(SECOND), () -> host.netlinkBroken = false);
            }
            case 15 -> {
                int ip = anyIp();
                host.remove(ip, "somebody deleted it");
            }
            case 16, 17 -> {
                int ip = anyIp();
                if (host.boot != null) host.boot.post(() -> new Event.HandOver(ip));
                world.say(() -> "hand-over of ip" + ip + " wanted at n" + host.id);
            }
            case 18 -> {
                if (careful && world.now < cutUntil) return;
                if (host.boot != null) host.boot.leave();
                startLater(host);
            }
            default -> {
                world.replay();
                world.wallClock(any(), world.between(-3600 * SECOND, 3600 * SECOND));
            }
        }
    }

    private void down(Host host) {
        if (careful && world.now < cutUntil && !linkOnly) return;
        boolean power = world.chance(0.3);
        if (power) host.powerOff();
        else host.kill();
        startLater(host);
    }

    private void startLater(Host host) {
        long delay = world.between(300 * MS, 3 * SECOND);
        if (careful)
            cutUntil = Math.max(cutUntil, world.now + delay + SECOND); // No cut while it starts.
        world.after(
                delay,
                () -> {
                    if (host.boot != null) return;
                    if (world.chance(0.3))
                        java.util.Arrays.fill(host.epochs, 0); // The file is lost.
                    host.powerOn();
                    host.start();
                });
    }

    private void partition(Host host) {
        if (!careful) {
            long end = within(3 * SECOND);
            int net = world.chance(0.7) ? CLUSTER : LAN;
            if (world.chance(0.4)) {
                world.isolate(net, host.id, true);
                if (world.chance(0.5)) world.isolate(1 - net, host.id, true);
                world.after(
                        end,
                        () -> {
                            world.isolate(CLUSTER, host.id, false);
                            world.isolate(LAN, host.id, false);
                        });
                return;
            }
            int other = (host.id + 1 + world.random.nextInt(setup.nodes() - 1)) % setup.nodes();
            boolean both = world.chance(0.5);
            world.cut(net, host.id, other, true);
            if (both) world.cut(net, other, host.id, true);
            world.after(
                    end,
                    () -> {
                        world.cut(net, host.id, other, false);
                        world.cut(net, other, host.id, false);
                    });
            return;
        }
        if (world.now < cutUntil || world.now < noCutUntil || !world.haveMet()) return;
        linkOnly = false;
        long end = within(3 * SECOND);
        cutUntil = world.now + end + 500 * MS;
        int other = 1 - host.id;
        if (world.chance(0.4) && setup.net().witnessKnown()) {
            world.isolate(CLUSTER, host.id, true);
            world.isolate(LAN, host.id, true);
            world.after(
                    end,
                    () -> {
                        world.isolate(CLUSTER, host.id, false);
                        world.isolate(LAN, host.id, false);
                    });
        } else if (world.chance(0.5)) {
            linkOnly = !setup.net().shared() && allOwned();
            boolean both = linkOnly && world.chance(0.5);
            world.cut(CLUSTER, host.id, other, true);
            if (both) world.cut(CLUSTER, other, host.id, true);
            world.after(
                    end,
                    () -> {
                        world.cut(CLUSTER, host.id, other, false);
                        world.cut(CLUSTER, other, host.id, false);
                    });
        } else {
            world.witness(host.id, false);
            world.after(end, () -> world.witness(host.id, true));
        }
    }

    private void carrier(Host host) {
        if (careful && (world.now < cutUntil || world.now < noCutUntil) || !host.carrier) return;
        linkOnly = false;
        long end = within(2 * SECOND);
        if (careful) cutUntil = world.now + end + 500 * MS;
        host.carrier(false);
        world.after(
                end,
                () -> {
                    if (!host.carrier) host.carrier(true);
                });
    }

    private void fitness(Host host) {
        int ip = anyIp();
        host.fit(ip, world.chance(0.6) ? -1 : world.random.nextInt(4));
        world.after(within(2 * SECOND), () -> host.fit(ip, 3));
    }
}
