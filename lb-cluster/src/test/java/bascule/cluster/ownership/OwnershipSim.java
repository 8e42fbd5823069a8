package bascule.cluster.ownership;

import static bascule.cluster.ownership.SimulatedCluster.MS;
import static bascule.cluster.ownership.SimulatedCluster.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.ownership.SimulatedCluster.Host;
import bascule.cluster.ownership.SimulatedCluster.Setup;
import bascule.cluster.ownership.SimulatedCluster.Violation;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Properties of ownership, over many worlds. What fails prints its seed and what happened.
final class OwnershipSim {
    private static final long HOUR = 3600 * SECOND;
    private static final boolean LONG = Boolean.getBoolean("bascule.long");

    private static LongStream seeds(int normal, int many) {
        return LongStream.range(0, LONG ? many : normal);
    }

    static Setup drawn(int nodes, long seed) {
        var random = new SplittableRandom(seed ^ 0x5eed);
        boolean shared = random.nextBoolean();
        boolean witness = nodes > 2 || random.nextInt(4) != 0;
        double loss =
                random.nextInt(3) == 0 ? random.nextDouble() * 0.2 : random.nextDouble() * 0.02;
        long delay = (1 + random.nextInt(random.nextInt(4) == 0 ? 30 : 3)) * MS;
        Setup setup = Setup.of(nodes).on(shared, witness).lossy(loss, delay, 0.05);
        if (nodes > 2) setup = setup.lossyWithoutBound();
        if (nodes > 2 && random.nextInt(3) == 0) setup = setup.withWitnesses(1);
        return setup.withFloatingIps(1 + random.nextInt(2));
    }

    @Test
    void givenTwoNodes_whenAnythingFails_thenNeverTwoLiveOwnersAndSoonOneAgain() {
        seeds(300, 4000).forEach(seed -> Chaos.run(drawn(2, seed), seed));
    }

    @Test
    void givenThreeNodes_whenAnythingFails_thenNeverTwoLiveOwnersAndSoonOneAgain() {
        seeds(150, 4000).forEach(seed -> Chaos.run(drawn(3, seed), seed));
    }

    @Test
    void givenFiveNodes_whenAnythingFails_thenNeverTwoLiveOwnersAndSoonOneAgain() {
        seeds(40, 2000).forEach(seed -> Chaos.run(drawn(5, seed), seed));
    }

    /// All nodes are up and can serve, and each floating IP has its owner.
    private static void settle(SimulatedCluster world) {
        for (Host host : world.hosts) {
            for (int ip = 0; ip < world.setup.floatingIps(); ip++)
                host.fitness[ip] = host.isWitness() ? -1 : 3;
            world.after(world.between(0, SECOND), host::start);
        }
        world.runUntil(4 * SECOND);
        for (int ip = 0; ip < world.setup.floatingIps(); ip++)
            if (world.owner(ip) < 0) throw new Violation("ip" + ip + " has no owner");
    }

    private static Setup calm(int nodes, long seed) {
        var random = new SplittableRandom(seed ^ 0xca1f);
        return Setup.of(nodes)
                .on(random.nextBoolean(), random.nextInt(4) != 0)
                .withFloatingIps(1 + random.nextInt(2));
    }

    private static Host any(SimulatedCluster world) {
        return world.hosts[world.random.nextInt(world.hosts.length)];
    }

    private static void stays(SimulatedCluster world, Runnable trouble) {
        settle(world);
        int moves = world.moves;
        trouble.run();
        if (world.moves != moves) throw new Violation("moved without a reason");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void givenAnOwner_whenNodesPauseForATenthOfASecond_thenNothingMoves(int nodes) {
        seeds(20, 400).forEach(seed -> Chaos.tell(calm(nodes, seed), seed, OwnershipSim::pauses));
    }

    private static void pauses(SimulatedCluster world) {
        stays(
                world,
                () -> {
                    for (int i = 0; i < 100; i++) {
                        // Two without a breath in between would be one.
                        world.runUntil(world.now + world.between(150 * MS, 300 * MS));
                        Host host = any(world);
                        long nanos = world.between(0, 100 * MS);
                        if (world.chance(0.5)) host.stop(nanos);
                        else host.boot.pause(nanos, false);
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void givenAnOwner_whenOneDatagramInTwentyIsLost_thenNothingMoves(int nodes) {
        Consumer<SimulatedCluster> minute =
                world -> stays(world, () -> world.runUntil(world.now + 60 * SECOND));
        seeds(10, 200).forEach(seed -> Chaos.tell(lossy(calm(nodes, seed), 0.05), seed, minute));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void givenPreempt_whenTheNodeOfHighestPriorityIsFit_thenItGetsAllBackByHandOver(int nodes) {
        seeds(10, 200)
                .forEach(
                        seed ->
                                Chaos.tell(
                                        calm(nodes, seed).preempting(),
                                        seed,
                                        OwnershipSim::preempts));
    }

    private static void preempts(SimulatedCluster world) {
        settle(world);
        world.guarded = true;
        world.runUntil(world.now + 40 * SECOND);
        for (int ip = 0; ip < world.setup.floatingIps(); ip++)
            if (world.owner(ip) != 0) throw new Violation("ip" + ip + " is not at home");
        int moves = world.moves;
        world.runUntil(world.now + 40 * SECOND);
        if (world.moves != moves) throw new Violation("moved without a reason");
    }

    private static Setup lossy(Setup setup, double loss) {
        return setup.lossy(loss, 5 * MS, 0.01).lossyWithoutBound();
    }

    /// Nothing here reads the wall clock; clocks that run slow or fast are in every world.
    @Test
    void givenAnOwner_whenClocksStepAndDatagramsAreReplayed_thenNothingMoves() {
        seeds(10, 200).forEach(seed -> Chaos.tell(calm(2, seed), seed, OwnershipSim::replays));
    }

    private static void replays(SimulatedCluster world) {
        stays(
                world,
                () -> {
                    for (int i = 0; i < 50; i++) {
                        world.wallClock(any(world), world.between(-HOUR, HOUR));
                        world.replay();
                        world.runUntil(world.now + 200 * MS);
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void givenAnOwner_whenAskedToHandOverOrToStop_thenTheAddressIsAlwaysThereAndThenOnce(
            int nodes) {
        seeds(20, 400)
                .forEach(
                        seed ->
                                Chaos.tell(
                                        calm(nodes, seed).lossy(0.01, 2 * MS, 0.01),
                                        seed,
                                        OwnershipSim::planned));
    }

    private static void planned(SimulatedCluster world) {
        settle(world);
        world.guarded = true;
        for (int i = 0; i < 6; i++) {
            int ip = world.random.nextInt(world.setup.floatingIps());
            Host owner = world.hosts[world.owner(ip)];
            int moves = world.moves;
            if (world.chance(0.5)) {
                owner.boot.leave();
                world.after(3 * SECOND, owner::start);
            } else {
                owner.boot.post(() -> new Event.HandOver(ip));
            }
            world.runUntil(world.now + 1500 * MS);
            if (world.moves == moves || world.owner(ip) == owner.id)
                throw new Violation("ip" + ip + " has not moved");
            world.runUntil(world.now + 3 * SECOND);
            if (world.places(ip) != 1)
                throw new Violation("ip" + ip + " is on " + world.places(ip) + " hosts");
        }
    }

    /// Three in a row may be lost just before: the assumption that two nodes with a witness address need.
    @Test
    void givenTwoNodesAndBurstsOfLoss_whenTheOwnerIsCutOff_thenItLetsGoBeforeTheOtherTakes() {
        cutOff(Setup.of(2), LONG ? 2000 : 60);
    }

    static void cutOff(Setup setup, int seeds) {
        Setup lossy = setup.lossy(0.45, MS, 0);
        for (long seed = 0; seed < seeds; seed++) Chaos.tell(lossy, seed, OwnershipSim::cutOff);
    }

    private static void cutOff(SimulatedCluster world) {
        world.loss = 0;
        settle(world);
        world.loss = world.setup.net().loss();
        for (int i = 0; i < 5; i++) {
            world.runUntil(world.now + world.between(SECOND, 2 * SECOND));
            int owner = world.owner(0);
            if (owner < 0) continue;
            world.isolate(SimulatedCluster.CLUSTER, owner, true);
            world.runUntil(world.now + SECOND);
            world.isolate(SimulatedCluster.CLUSTER, owner, false);
        }
    }

    /// The one case that two nodes cannot tell: why a third member is worth its keep.
    @Test
    void givenTwoNodesThatBothSeeTheWitness_whenAllBetweenThemIsCut_thenBothOwn() {
        Setup pair = Setup.of(2).on(true, true);

        assertThatThrownBy(() -> Chaos.tell(pair, 1, world -> cutBetween(world)))
                .hasMessageContaining("two live owners");
    }

    @Test
    void givenTwoNodesAndAWitnessMember_whenAllBetweenThemIsCut_thenOneOwns() {
        Setup trio = Setup.of(3).withWitnesses(1);

        Chaos.tell(
                trio,
                1,
                world -> {
                    cutBetween(world);
                    assertThat(world.owner(0)).isGreaterThanOrEqualTo(0);
                });
    }

    private static void cutBetween(SimulatedCluster world) {
        settle(world);
        world.cut(SimulatedCluster.CLUSTER, 0, 1, true);
        world.cut(SimulatedCluster.CLUSTER, 1, 0, true);
        world.runUntil(world.now + 3 * SECOND);
    }
}
