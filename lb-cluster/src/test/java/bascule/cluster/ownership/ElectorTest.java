package bascule.cluster.ownership;

import static bascule.cluster.ownership.Claim.Phase.OWNING;
import static bascule.cluster.ownership.Claim.Phase.STANDBY;
import static bascule.cluster.ownership.Lockstep.MS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Stories of few nodes, told in lockstep.
final class ElectorTest {
    @Test
    void givenTwoFitNodes_whenTheyStart_thenTheOneWithTheHigherPriorityOwns() {
        Lockstep pair = Lockstep.of(2).startAll();

        long millis = pair.until(it -> it.owner() >= 0);

        assertThat(pair.owner()).isEqualTo(0);
        assertThat(millis).isBetween(250L, 400L);
    }

    @Test
    void givenOneNodeAlone_whenTheHostOfTheOtherRefuses_thenItOwnsAfterTheSilence() {
        Lockstep pair = Lockstep.of(2).start(1);
        pair.fit(1, 3);

        assertThat(pair.until(it -> it.owner() == 1)).isBetween(250L, 300L);
    }

    @Test
    void givenOneNodeAlone_whenTheWitnessDoesNotAnswer_thenNobodyOwns() {
        Lockstep pair = Lockstep.of(2);
        pair.witnessed[1] = false;
        pair.links = (from, to) -> false;
        pair.start(1);
        pair.fit(1, 3);

        assertThat(pair.until(it -> it.owner() >= 0)).isEqualTo(-1);
        assertThat(pair.electors[1].standing(0).reason()).isEqualTo("the witness does not answer");
        pair.on(1, new Event.WitnessKnown(true, false));
        assertThat(pair.electors[1].standing(0).reason()).isEqualTo("the witness cannot be asked");
    }

    @Test
    void givenAStrangerWhereTheOtherNodeIs_whenAlone_thenNothingIsTakenUntilItIsGone() {
        Lockstep pair = Lockstep.of(2);
        pair.links = (from, to) -> false;
        pair.start(1);
        pair.on(1, new Event.Stranger(0, "it calls itself edge-b"));
        pair.fit(1, 3);

        assertThat(pair.until(it -> it.owner() >= 0)).isEqualTo(-1);
        assertThat(pair.electors[1].standing(0).reason())
                .isEqualTo("edge1: it calls itself edge-b");
        pair.on(1, new Event.Stranger(0, ""));
        assertThat(pair.until(it -> it.owner() == 1)).isNotNegative();
    }

    @Test
    void givenOneNodeAlone_whenTheHostOfTheOtherIsDown_thenItOwnsAfterASecond() {
        Lockstep pair = Lockstep.of(2);
        // No refusals either: two that have just started may need time to understand each other.
        pair.links = (from, to) -> false;
        pair.start(1);
        pair.fit(1, 3);

        assertThat(pair.until(it -> it.owner() == 1)).isBetween(1000L, 1100L);
    }

    @Test
    void givenAnOwner_whenItsProcessDies_thenTheOtherOwnsInTheSameTurn() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.kill(0);

        assertThat(pair.until(it -> it.owner() == 1)).isLessThanOrEqualTo(25);
        assertThat(pair.done(1, Action.Note.class).getLast().reason()).isEqualTo("dead");
    }

    @Test
    void givenAnOwnerOfThree_whenItsProcessDies_thenAnotherOwnsWithinATick() {
        Lockstep three = Lockstep.of(3).startAll();
        three.run(1000);

        three.kill(0);

        assertThat(three.until(it -> it.owner() == 1)).isBetween(0L, 50L);
    }

    @Test
    void givenAnOwner_whenItHangs_thenTheOtherOwnsAfterTheSilence() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.paused[0] = true;
        pair.alive[0] = false; // The view lets go of it, too.
        pair.links = (from, to) -> to != 0;
        pair.tellViews();
        pair.alive[0] = true;

        long millis = pair.until(it -> it.electors[1].standing(0).phase() == OWNING);
        assertThat(millis).isBetween(225L, 300L);
        assertThat(pair.done(1, Action.Note.class).getLast().reason()).isEqualTo("silent");
    }

    @Test
    void givenAnOwnerThatHung_whenItRuns_thenReleasesFirstOfAllAndStaysStandby() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.paused[0] = true;
        pair.alive[0] = false;
        pair.tellViews();
        pair.alive[0] = true;
        pair.run(3000);
        pair.forget();

        pair.paused[0] = false;
        pair.run(2000);

        assertThat(pair.done.getFirst().getFirst()).isEqualTo(new Action.Release(0));
        assertThat(pair.owner()).isEqualTo(1);
        assertThat(pair.done(1, Action.Take.class)).isEmpty();
    }

    @Test
    void givenAnOwner_whenAHandOverIsWanted_thenDrainsAndTheOtherTakesBeforeItReleases() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.forget();

        pair.on(0, new Event.HandOver(0));
        assertThat(pair.phase(0)).isEqualTo(Claim.Phase.DRAINING);
        pair.run(100);
        assertThat(pair.owner()).isEqualTo(0);
        pair.on(0, new Event.Drained(0));
        pair.run(50);

        assertThat(pair.owner()).isEqualTo(1);
        assertThat(pair.phase(0)).isEqualTo(STANDBY);
        assertThat(pair.done(0, Action.Drain.class)).hasSize(1);
        assertThat(pair.done(0, Action.Note.class).getLast().reason()).isEqualTo("handover");
    }

    @Test
    void givenAnOwnerAlone_whenAHandOverIsWanted_thenStays() {
        Lockstep pair = Lockstep.of(2).start(0);
        pair.fit(0, 3);
        pair.run(1000);

        pair.on(0, new Event.HandOver(0));
        pair.run(500);

        assertThat(pair.phase(0)).isEqualTo(OWNING);
        assertThat(pair.done(0, Action.Drain.class)).isEmpty();
    }

    @Test
    void givenAnOwner_whenItCannotServeAnyMore_thenTheOtherOwnsAtOnce() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.fit(0, -1);

        assertThat(pair.until(it -> it.owner() == 1)).isLessThanOrEqualTo(50);
        assertThat(pair.electors[0].standing(0).reason())
                .isEqualTo("listener https does not answer");
    }

    @Test
    void givenAHostWithoutAnInterfaceForIt_whenAsked_thenThatIsTheReasonAndNotTheCarrier() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.on(0, new Event.Carrier(0, false));
        assertThat(pair.electors[0].standing(0).reason()).isEqualTo("no carrier");
        pair.fit(0, -1);

        assertThat(pair.electors[0].standing(0).reason())
                .isEqualTo("listener https does not answer");
    }

    @Test
    void givenAnOwner_whenNobodyCanServe_thenNobodyMoves() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.fit(1, -1);
        pair.fit(0, -1);
        pair.run(3000);

        assertThat(pair.owner()).isEqualTo(0);
    }

    @Test
    void givenAnOwnerThatIsCutOff_whenTheOtherSeesTheWitness_thenItLetsGoBeforeTheOtherTakes() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.links = (from, to) -> false;
        pair.witnessed[0] = false;
        pair.alive[0] = false;
        pair.tellViews();
        pair.alive[0] = true;

        assertThat(pair.until(it -> it.owner() == 1)).isBetween(225L, 350L); // Asserts one owner.
        assertThat(pair.done(0, Action.Note.class).getLast().reason()).isEqualTo("isolated");
    }

    @Test
    void givenAnOwnerThatIsNotHeard_whenItHearsTheOther_thenLetsGo() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);

        pair.links = (from, to) -> from == 1;
        pair.alive[0] = false;
        pair.tellViews();
        pair.alive[0] = true;

        assertThat(pair.until(it -> it.owner() == 1)).isBetween(225L, 350L);
    }

    @Test
    void givenAnOwnerOfThree_whenCutOffFromBoth_thenLetsGoBeforeOneOfThemTakes() {
        Lockstep three = Lockstep.of(3).startAll();
        three.run(1000);

        three.links = (from, to) -> from != 0 && to != 0;
        three.alive[0] = false;
        three.tellViews();
        three.alive[0] = true;

        assertThat(three.until(it -> it.owner() == 1)).isBetween(225L, 350L);
    }

    @Test
    void givenTwoNodesAndAWitnessMember_whenTheOwnerDies_thenTheOtherOwnsByTheWitnessVote() {
        Lockstep three = new Lockstep(3, 1, false).startAll();
        three.run(1000);
        assertThat(three.owner()).isEqualTo(0);
        assertThat(three.electors[2].standing(0).reason()).isEqualTo("witness");

        three.kill(0);
        assertThat(three.until(it -> it.owner() == 1)).isBetween(0L, 50L);
        three.kill(1);
        three.run(3000);

        assertThat(three.owner()).isEqualTo(-1);
    }

    @Test
    void givenAnOwner_whenTheAddressIsDeleted_thenTakesItAgainAtOnce() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.forget();

        pair.on(pair.owner(), new Event.Present(0, false));

        assertThat(pair.done(0, Action.Take.class)).hasSize(1);
    }

    @Test
    void givenAnOwner_whenTimeGoesBy_thenRefreshesEvery250Millis() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.forget();

        pair.run(10_000);

        assertThat(pair.done(0, Action.Refresh.class))
                .hasSize(40)
                .allMatch(each -> each.leaseNanos() == 2000 * MS);
    }

    @Test
    void
            givenAPreemptingAddress_whenTheBetterNodeIsBackForHalfAMinute_thenItGetsItBackByHandOver() {
        Lockstep pair = new Lockstep(2, 0, true).startAll();
        pair.run(1000);
        pair.kill(0);
        pair.run(1000);
        pair.start(0);
        pair.fit(0, 3);

        pair.run(29_000);
        assertThat(pair.owner()).isEqualTo(1);
        pair.run(2000);

        assertThat(pair.phase(1)).isEqualTo(Claim.Phase.DRAINING);
        assertThat(pair.done(1, Action.Note.class).getLast().reason()).isEqualTo("preempt");
        pair.run(6000);
        assertThat(pair.owner()).isEqualTo(0);
    }

    @Test
    void givenARestart_whenTheAddressIsLeftOverAndNobodyOwns_thenItIsKeptAndTakenWithALaterEpoch() {
        Lockstep pair = Lockstep.of(2).start(0, 41, true);
        pair.fit(0, 3);

        pair.until(it -> it.owner() == 0);

        assertThat(pair.done(0, Action.Release.class)).isEmpty();
        assertThat(pair.done(0, Action.Take.class).getFirst().epoch()).isEqualTo(42);
    }

    @Test
    void givenARestart_whenTheAddressIsLeftOverAndAnotherHostHasItToo_thenItIsReleasedToAskThere() {
        Lockstep pair = Lockstep.of(2);
        pair.links = (from, to) -> false;
        pair.start(0, 41, true);
        pair.fit(0, 3);
        pair.run(50);
        assertThat(pair.done(0, Action.Probe.class)).hasSize(1);

        pair.on(0, new Event.Foreign(0, "02:00:00:00:00:07"));

        assertThat(pair.done(0, Action.Release.class)).hasSize(1);
    }

    @Test
    void givenRefusalsThatWaitedWhileANodeWasStopped_whenItGoesOn_thenTheyProveNothing() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.links = (from, to) -> false;
        pair.on(1, new Event.View(Set.of(1)));
        pair.now += 1000 * MS;

        pair.on(1, new Event.Tick());
        for (int i = 0; i < 3; i++) pair.on(1, new Event.Unreachable(0));

        assertThat(pair.phase(1)).isEqualTo(STANDBY);
        assertThat(pair.electors[1].peer(0).gone()).isFalse();
    }

    @Test
    void givenMuchThatChanges_whenThereIsNoTick_thenTheOthersAreToldEightTimesAtMost() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.forget();

        for (int i = 0; i < 100; i++) pair.fit(1, i);

        assertThat(pair.done(1, Action.Send.class)).hasSize(8);
    }

    @Test
    void givenANodeWithOtherFloatingIps_whenItIsHeard_thenNothingIsTakenFromIt() {
        Lockstep pair = Lockstep.of(2).start(0);
        pair.fit(0, 3);
        var unreadable = new Beat(9, false, false, List.of());

        for (int i = 0; i < 100; i++) {
            pair.on(0, new Event.Heard(1, unreadable, pair.now, 0));
            pair.run(25);
        }

        assertThat(pair.phase(0)).isEqualTo(STANDBY);
        assertThat(pair.electors[0].standing(0).eligible()).isFalse();
        assertThat(pair.electors[0].standing(0).reason())
                .isEqualTo("edge2: its file names other nodes or floating IPs");
    }

    @Test
    void givenAnOwner_whenANodeWithOtherFloatingIpsIsHeard_thenItStaysAndNothingIsAgainstIt() {
        Lockstep pair = Lockstep.of(2).start(0);
        pair.fit(0, 3);
        pair.run(2000);

        pair.on(0, new Event.Heard(1, new Beat(9, false, false, List.of()), pair.now, 0));
        pair.run(25);

        assertThat(pair.phase(0)).isEqualTo(OWNING);
        assertThat(pair.electors[0].standing(0).reason()).isEmpty();
    }

    @Test
    void givenARestart_whenTheAddressIsLeftOverAndAnotherOwns_thenItIsReleased() {
        Lockstep pair = Lockstep.of(2).startAll();
        pair.run(1000);
        pair.kill(0);
        pair.run(500);
        pair.forget();

        pair.start(0, 1, true);
        pair.run(100);

        assertThat(pair.done(0, Action.Release.class)).isNotEmpty();
        assertThat(pair.owner()).isEqualTo(1);
    }
}
