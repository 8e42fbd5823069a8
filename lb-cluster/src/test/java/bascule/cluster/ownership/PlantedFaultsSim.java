package bascule.cluster.ownership;

import static bascule.cluster.ownership.SimulatedCluster.MS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.ownership.Ownership.Step;
import bascule.cluster.ownership.SimulatedCluster.Setup;
import bascule.cluster.ownership.SimulatedCluster.Violation;
import java.util.function.LongFunction;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/// What the properties are worth: with a fault planted, or an inequality broken, some world violates them.
final class PlantedFaultsSim {
    private static final int SEEDS = 400;

    /// @return what the first violated world says
    static String firstViolation(LongFunction<Setup> setup) {
        for (long seed = 0; seed < SEEDS; seed++) {
            try {
                Chaos.run(setup.apply(seed), seed);
            } catch (Violation found) {
                return found.getMessage();
            }
        }
        return "none of " + SEEDS + " worlds is violated";
    }

    private static LongFunction<Setup> worlds(int nodes, UnaryOperator<Setup> change) {
        return seed -> change.apply(OwnershipSim.drawn(nodes, seed));
    }

    private static Timings broken(String inequality, UnaryOperator<Times> change) {
        Timings timings = change.apply(new Times()).timings();
        assertThat(timings.broken()).contains(inequality);
        return timings;
    }

    /// Timings to be changed one by one.
    static final class Times {
        long gap = Timings.FAST.gap();
        long hold = Timings.FAST.hold();
        long silence = Timings.FAST.silence();
        long burst = Timings.FAST.burst();
        long refresh = Timings.FAST.refresh();
        long invite = Timings.FAST.invite();
        long lease = Timings.FAST.lease();
        long soloLease = Timings.FAST.soloLease();

        Timings timings() {
            Timings fast = Timings.FAST;
            return new Timings(
                    fast.tick(),
                    gap,
                    hold,
                    silence,
                    burst,
                    lease,
                    soloLease,
                    refresh,
                    invite,
                    fast.drain(),
                    fast.stable(),
                    fast.preemptAfter(),
                    fast.holdDown(),
                    fast.holdDownMost());
        }
    }

    @Test
    void givenAHoldLongerThanTheSilence_whenThreeNodesFail_thenTwoLiveOwnersAreFound() {
        Timings timings =
                broken(
                        "hold < silence - tick",
                        it -> {
                            it.hold = 400 * MS;
                            return it;
                        });

        assertThat(firstViolation(worlds(3, it -> it.with(timings)))).contains("two live owners");
    }

    @Test
    void givenVotesThatLapseTooSoon_whenThreeNodesFail_thenTwoLiveOwnersAreFound() {
        Timings timings =
                broken(
                        "hold < silence - tick",
                        it -> {
                            it.silence = 120 * MS;
                            return it;
                        });

        assertThat(firstViolation(worlds(3, it -> it.with(timings)))).contains("two live owners");
    }

    @Test
    void givenAGapLongerThanTheSilence_whenTwoNodesWithoutWitnessFail_thenTwoLiveOwnersAreFound() {
        Timings timings =
                broken(
                        "gap <= silence - tick",
                        it -> {
                            it.gap = 2000 * MS;
                            return it;
                        });

        assertThat(firstViolation(worlds(2, it -> it.on(true, false).with(timings))))
                .contains("two live owners");
    }

    @Test
    void givenABurstShorterThanWhatIsLost_whenAnOwnerIsCutOff_thenTwoLiveOwnersAreFound() {
        Timings timings =
                broken(
                        "3 tick <= burst",
                        it -> {
                            it.burst = Timings.FAST.tick();
                            return it;
                        });

        assertThatThrownBy(() -> OwnershipSim.cutOff(Setup.of(2).with(timings), SEEDS))
                .hasMessageContaining("two live owners");
    }

    @Test
    void givenABurstAsLongAsTheSilence_whenOneNodeIsAlone_thenItCannotStay() {
        Timings timings =
                broken(
                        "2 burst <= silence",
                        it -> {
                            it.burst = 600 * MS;
                            return it;
                        });

        assertThat(firstViolation(worlds(2, it -> it.on(true, true).with(timings))))
                .contains("owner");
    }

    @Test
    void givenRefreshesTooRare_whenAnOwnerStays_thenItsLeaseRunsOut() {
        Timings timings =
                broken(
                        "4 refresh <= lease",
                        it -> {
                            it.refresh = 2500 * MS;
                            return it;
                        });

        assertThat(firstViolation(worlds(2, it -> it.with(timings))))
                .contains("ran out under its owner");
    }

    @Test
    void givenAnOwnerThatForgetsToReleaseAfterAGap_whenThreeNodesFail_thenTwoLiveOwnersAreFound() {
        Elector.Decision forgetful =
                (state, facts, times) ->
                        facts.late() ? Step.stay(state) : Ownership.step(state, facts, times);

        assertThat(firstViolation(worlds(3, it -> it.with(forgetful)))).contains("two live owners");
    }

    @Test
    void givenAnOwnerThatStaysWithoutVotes_whenThreeNodesFail_thenTwoLiveOwnersAreFound() {
        Elector.Decision stubborn =
                (state, facts, times) ->
                        Ownership.step(state, Known.but(facts, it -> it.held = true), times);

        assertThat(firstViolation(worlds(3, it -> it.with(stubborn)))).contains("two live owners");
    }
}
