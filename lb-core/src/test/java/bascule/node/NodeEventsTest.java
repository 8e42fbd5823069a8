package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.ClusterStatus;
import bascule.cluster.OwnershipChange;
import bascule.cluster.ownership.Claim.Phase;
import bascule.observe.ClusterSample;
import bascule.testing.Told;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class NodeEventsTest {
    private final NodeEvents events = new NodeEvents("a", List.of("public"));
    private final Told told = new Told();

    @AfterEach
    void end() {
        told.close();
    }

    private void change(Phase before, Phase after, long epoch, String owner, String reason) {
        events.changed(
                new OwnershipChange(
                        "public", "public-" + epoch, before, after, epoch, owner, reason, ""));
    }

    private static ClusterStatus status(String state, String hash, String owner) {
        return new ClusterStatus(
                List.of(
                        new ClusterStatus.Node("a", "10.0.0.2", "up", false, "11"),
                        new ClusterStatus.Node("b", "10.0.0.3", state, false, hash)),
                List.of(
                        new ClusterStatus.FloatingIp(
                                "public", "203.0.113.10/24", owner, 3, false, "carrier lost")));
    }

    private List<String> told(String event) {
        return told.all().stream().filter(line -> line.startsWith(event + " ")).toList();
    }

    @Test
    void givenTakeAndHandOver_whenTold_thenEachChangeOfOwnerOnceAndTheStepsBesides() {
        change(Phase.STANDBY, Phase.PROBING, 7, null, "dead");
        change(Phase.PROBING, Phase.OWNING, 7, "a", "dead");
        change(Phase.OWNING, Phase.DRAINING, 7, "a", "handover");
        change(Phase.DRAINING, Phase.LEAVING, 7, null, "handover");
        change(Phase.LEAVING, Phase.STANDBY, 8, "b", "handover");
        change(Phase.STANDBY, Phase.STANDBY, 8, "b", "told");

        assertThat(told("floating-ip-changed"))
                .containsExactly(
                        "floating-ip-changed name=public timeline=public-7 owner=a epoch=7 phase=owning reason=dead",
                        "floating-ip-changed name=public timeline=public-7 owner=nobody epoch=7 phase=leaving reason=handover",
                        "floating-ip-changed name=public timeline=public-8 owner=b epoch=8 phase=standby reason=handover");
        assertThat(told("floating-ip-phase")).hasSize(3);
        ClusterSample sample = events.sample(status("up", "11", "b"), "11", Map.of());
        assertThat(sample.changes().get("public"))
                .containsEntry("dead", 1L)
                .containsEntry("handover", 1L)
                .containsEntry("gap", 0L);
        assertThat(sample.owned()).containsEntry("public", false);
    }

    @Test
    void givenOtherNode_whenItComesAndGoesAndChanges_thenEachIsToldOnce() {
        events.look(status("gone", null, "a"), "11");
        assertThat(told.all()).isEmpty(); // It was never there.
        events.look(status("partial", null, "a"), "11");
        events.look(status("up", "22", "a"), "11");
        events.look(status("up", "22", "a"), "11");
        assertThat(events.sample(status("up", "22", "a"), "11", Map.of()).differing()).isOne();
        events.look(status("up", "11", "a"), "11");
        events.look(status("gone", "11", "a"), "11");
        events.look(status("gone", "11", "a"), "11");

        assertThat(told.all())
                .containsExactly(
                        "node-joined node=b address=10.0.0.3",
                        "config-differs node=b theirs=22 config=11",
                        "config-equal node=b config=11",
                        "node-gone node=b address=10.0.0.3");
        ClusterSample sample = events.sample(status("gone", "11", "a"), "11", Map.of());
        assertThat(sample.nodes()).isOne();
        assertThat(sample.owned()).containsEntry("public", true);
    }

    @Test
    void givenNoOwner_whenThatLasts_thenItIsToldOnceWithWhatKeepsThisNode() {
        for (int look = 0; look < 2; look++) events.lookAgain(status("gone", null, null), "11");
        events.lookAgain(status("gone", null, "a"), "11");
        assertThat(told.all()).isEmpty(); // A moment between two owners.
        for (int look = 0; look < 5; look++) events.lookAgain(status("gone", null, null), "11");

        assertThat(told.all())
                .containsExactly("floating-ip-without-owner name=public here=\"carrier lost\"");
    }
}
