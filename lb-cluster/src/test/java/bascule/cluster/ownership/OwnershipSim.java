package bascule.cluster.ownership;

import static bascule.cluster.ownership.SimulatedCluster.MS;

import bascule.cluster.ownership.SimulatedCluster.Setup;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/// Properties of ownership, over many worlds. What fails prints its seed and what happened.
final class OwnershipSim {
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
        seeds(400, 4000).forEach(seed -> Chaos.run(drawn(2, seed), seed));
    }

    @Test
    void givenThreeNodes_whenAnythingFails_thenNeverTwoLiveOwnersAndSoonOneAgain() {
        seeds(200, 4000).forEach(seed -> Chaos.run(drawn(3, seed), seed));
    }

    @Test
    void givenFiveNodes_whenAnythingFails_thenNeverTwoLiveOwnersAndSoonOneAgain() {
        seeds(60, 2000).forEach(seed -> Chaos.run(drawn(5, seed), seed));
    }
}
