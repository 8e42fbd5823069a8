package bascule.cluster.ownership;

import static bascule.cluster.ownership.Known.but;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.cluster.ownership.Ownership.Draining;
import bascule.cluster.ownership.Ownership.Effect;
import bascule.cluster.ownership.Ownership.Facts;
import bascule.cluster.ownership.Ownership.Leaving;
import bascule.cluster.ownership.Ownership.Owning;
import bascule.cluster.ownership.Ownership.Probing;
import bascule.cluster.ownership.Ownership.Standby;
import bascule.cluster.ownership.Ownership.State;
import bascule.cluster.ownership.Ownership.Step;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class OwnershipTest {
    private static final Timings TIMES = Timings.FAST;
    private static final State PROBING = new Probing(8, 0, false);
    private static final State KEPT = new Probing(8, 0, true);
    private static final State OWNING = new Owning(7);
    private static final State DRAINING = new Draining(7, 1, 0, "handover");
    private static final State LEAVING = new Leaving(7, 1, 0, "handover");

    private static Step step(State state, Consumer<Known> change) {
        return Ownership.step(state, but(change), TIMES);
    }

    private static void assertStays(State state, Consumer<Known> change) {
        assertEquals(Step.stay(state), step(state, change));
    }

    private static void assertLost(String reason, State state, Consumer<Known> change) {
        assertEquals(new Step(new Standby(), Effect.RELEASE, reason, true), step(state, change));
    }

    private static void owned(Known it) {
        it.rival = 1;
    }

    // ---- standby

    @Test
    void givenStandby_whenNobodyOwnsAndItIsTheBest_thenProbesWithTheNextEpoch() {
        assertEquals(Step.to(new Probing(8, 5, false), ""), step(new Standby(), it -> it.now = 5));
    }

    @Test
    void givenStandby_whenTheAddressIsStillHere_thenProbesAndKeepsIt() {
        assertEquals(
                Step.to(new Probing(8, 0, true), ""),
                step(
                        new Standby(),
                        it -> {
                            it.here = true;
                            it.undecided = true;
                        }));
    }

    @Test
    void givenStandby_whenAnotherLeavesToIt_thenProbesThoughItIsNotTheBest() {
        assertEquals(
                Step.to(new Probing(8, 0, false), ""),
                step(
                        new Standby(),
                        it -> {
                            it.rival = 1;
                            it.invited = true;
                            it.best = false;
                            it.clear = false;
                        }));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"owned", "unfit", "stopping", "carrier", "failed", "not best", "not clear"})
    void givenStandby_whenOneThingIsAgainstIt_thenStays(String what) {
        assertStays(
                new Standby(),
                it -> {
                    switch (what) {
                        case "owned" -> it.rival = 1;
                        case "unfit" -> it.fit = false;
                        case "stopping" -> it.stopping = true;
                        case "carrier" -> it.carrier = false;
                        case "failed" -> it.failed = true;
                        case "not best" -> it.best = false;
                        case "not clear" -> it.clear = false;
                        default -> throw new IllegalArgumentException(what);
                    }
                });
    }

    @Test
    void givenStandbyWithALeftover_whenNobodyMayTakeYet_thenItStays() {
        assertStays(
                new Standby(),
                it -> {
                    it.fit = false;
                    it.here = true;
                    it.undecided = true;
                });
    }

    @Test
    void givenStandbyWithALeftover_whenAnotherOwns_thenReleases() {
        assertEquals(
                Step.to(new Standby(), Effect.RELEASE, ""),
                step(
                        new Standby(),
                        it -> {
                            it.rival = 1;
                            it.here = true;
                            it.undecided = true;
                        }));
    }

    @Test
    void givenStandby_whenSomebodyPutsTheAddressHere_thenReleases() {
        assertEquals(
                Step.to(new Standby(), Effect.RELEASE, ""),
                step(
                        new Standby(),
                        it -> {
                            it.fit = false;
                            it.here = true;
                        }));
    }

    // ---- probing

    @Test
    void givenProbing_whenVotedFor_thenTakes() {
        assertEquals(Step.to(new Owning(8), Effect.TAKE, ""), step(PROBING, _ -> {}));
    }

    @Test
    void givenProbing_whenNotVotedForYet_thenWaits() {
        assertStays(PROBING, it -> it.voted = false);
    }

    @Test
    void givenProbing_whenNotVotedForInTime_thenOthersMayTry() {
        assertEquals(
                new Step(new Standby(), Effect.NONE, "unanswered", true),
                step(
                        PROBING,
                        it -> {
                            it.voted = false;
                            it.now = TIMES.invite();
                        }));
    }

    @Test
    void givenProbing_whenAnotherOwnsOrIsBetter_thenYieldsThoughVotedFor() {
        assertEquals(
                Step.to(new Standby(), Effect.NONE, "yielded"),
                step(PROBING, OwnershipTest::owned));
        assertEquals(
                Step.to(new Standby(), Effect.NONE, "yielded"),
                step(PROBING, it -> it.best = false));
    }

    @Test
    void givenProbingWithTheAddress_whenAnotherOwns_thenReleases() {
        assertEquals(
                Step.to(new Standby(), Effect.RELEASE, "yielded"),
                step(KEPT, OwnershipTest::owned));
    }

    @Test
    void givenProbingWithTheAddress_whenUnfitAndNobodyElseCould_thenTakesItAgain() {
        assertEquals(Step.to(new Owning(8), Effect.TAKE, ""), step(KEPT, it -> it.fit = false));
    }

    @Test
    void givenProbing_whenLate_thenLetsGoThoughVotedFor() {
        assertEquals(
                new Step(new Standby(), Effect.NONE, "gap", false),
                step(PROBING, it -> it.late = true));
        assertEquals(
                new Step(new Standby(), Effect.RELEASE, "gap", false),
                step(KEPT, it -> it.late = true));
    }

    // ---- owning

    @Test
    void givenOwning_whenAllIsWell_thenStays() {
        assertStays(OWNING, _ -> {});
    }

    @Test
    void givenOwningOrDraining_whenAFaultIsFound_thenReleasesAtOnce() {
        for (State state : new State[] {OWNING, DRAINING}) {
            assertLost("gap", state, it -> it.late = true);
            assertLost("carrier", state, it -> it.carrier = false);
            assertLost("beaten", state, it -> it.rivalOwns = true);
            assertLost("isolated", state, it -> it.held = false);
            assertLost("failed", state, it -> it.failed = true);
        }
    }

    @Test
    void givenOwning_whenLateAndAllElseIsWrongToo_thenTheGapComesFirst() {
        assertLost(
                "gap",
                OWNING,
                it -> {
                    it.late = true;
                    it.carrier = false;
                    it.held = false;
                    it.rivalOwns = true;
                });
    }

    @Test
    void givenOwning_whenUnfit_thenLeavesWithoutDraining() {
        assertEquals(
                new Step(new Leaving(7, 1, 0, "unfit"), Effect.SHORTEN, "unfit", true),
                step(
                        OWNING,
                        it -> {
                            it.fit = false;
                            it.successor = 1;
                        }));
    }

    @Test
    void givenOwning_whenThereIsNobodyToFollow_thenStaysWhateverIsWanted() {
        assertStays(
                OWNING,
                it -> {
                    it.fit = false;
                    it.stopping = true;
                    it.wanted = true;
                });
    }

    @Test
    void givenOwning_whenAHandOverIsWantedOrItStops_thenDrains() {
        assertEquals(
                Step.to(new Draining(7, 1, 0, "handover"), Effect.DRAIN, "handover"),
                step(
                        OWNING,
                        it -> {
                            it.wanted = true;
                            it.successor = 1;
                        }));
        assertEquals(
                Step.to(new Draining(7, 1, 0, "stop"), Effect.DRAIN, "stop"),
                step(
                        OWNING,
                        it -> {
                            it.stopping = true;
                            it.successor = 1;
                        }));
    }

    @Test
    void givenOwning_whenAnotherIsFitterForLong_thenLeaves() {
        assertEquals(
                Step.to(new Leaving(7, 2, 0, "fitter"), Effect.SHORTEN, "fitter"),
                step(OWNING, it -> it.fitter = 2));
    }

    @Test
    void givenOwning_whenAnotherMayHaveItBack_thenDrains() {
        assertEquals(
                Step.to(new Draining(7, 2, 0, "preempt"), Effect.DRAIN, "preempt"),
                step(OWNING, it -> it.preempting = 2));
    }

    // ---- draining

    private static Facts draining(Consumer<Known> change) {
        return but(but(it -> it.follows = true), change);
    }

    @Test
    void givenDraining_whenClientsAreThere_thenStays() {
        assertEquals(Step.stay(DRAINING), Ownership.step(DRAINING, draining(_ -> {}), TIMES));
    }

    @Test
    void givenDraining_whenDrainedOrTooLongOrUnfit_thenLeaves() {
        Facts drained = draining(it -> it.drained = true);
        Facts unfit = draining(it -> it.fit = false);
        Facts over = draining(it -> it.now = TIMES.drain());
        State leaving = new Leaving(7, 1, 0, "handover");
        State later = new Leaving(7, 1, TIMES.drain(), "handover");

        assertEquals(
                Step.to(leaving, Effect.SHORTEN, "handover"),
                Ownership.step(DRAINING, drained, TIMES));
        assertEquals(
                Step.to(leaving, Effect.SHORTEN, "handover"),
                Ownership.step(DRAINING, unfit, TIMES));
        assertEquals(
                Step.to(later, Effect.SHORTEN, "handover"), Ownership.step(DRAINING, over, TIMES));
    }

    @Test
    void givenDraining_whenTheOtherCannotFollowAnyMore_thenOwnsOn() {
        assertEquals(
                Step.to(new Owning(7), Effect.UNDRAIN, "kept"),
                step(DRAINING, it -> it.follows = false));
    }

    // ---- leaving

    @Test
    void givenLeaving_whenTheOtherHasNotTakenYet_thenWaitsWithTheAddress() {
        assertStays(
                LEAVING,
                it -> {
                    it.follows = true;
                    it.held = false; // It is not the owner any more: nothing to hold.
                });
    }

    @Test
    void givenLeaving_whenAnotherOwns_thenReleasesWithTheReasonOfTheHandOver() {
        assertEquals(
                Step.to(new Standby(), Effect.RELEASE, "handover"),
                step(
                        LEAVING,
                        it -> {
                            it.rival = 1;
                            it.rivalOwns = true;
                            it.follows = true;
                        }));
    }

    @Test
    void givenLeaving_whenNobodyTakesIt_thenIsACandidateAgainWithALaterEpochAndTheAddress() {
        Step again = Step.to(new Probing(9, 0, true), "kept");
        Step later = Step.to(new Probing(9, TIMES.invite(), true), "kept");

        assertEquals(again, step(LEAVING, it -> it.here = true));
        assertEquals(
                later,
                step(
                        LEAVING,
                        it -> {
                            it.here = true;
                            it.follows = true;
                            it.now = TIMES.invite();
                        }));
    }

    @Test
    void givenLeaving_whenLateOrWithoutCarrier_thenReleases() {
        assertLost("gap", LEAVING, it -> it.late = true);
        assertLost("carrier", LEAVING, it -> it.carrier = false);
    }
}
