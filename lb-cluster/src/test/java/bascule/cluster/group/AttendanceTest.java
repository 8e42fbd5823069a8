package bascule.cluster.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.jgroups.Address;
import org.jgroups.util.UUID;
import org.junit.jupiter.api.Test;

final class AttendanceTest {
    private final Address me = UUID.randomUUID();
    private final Address firstStart = UUID.randomUUID();
    private final Address secondStart = UUID.randomUUID();
    private final Address third = UUID.randomUUID();
    private final Attendance attendance = new Attendance(0);

    @Test
    void givenNodeThatStartedAnewBetweenTwoViews_whenChanged_thenItWasAway() {
        attendance.changed(Map.of(0, me, 1, firstStart, 2, third));

        assertThat(attendance.changed(Map.of(0, me, 1, secondStart, 2, third)))
                .containsExactly(Set.of(0, 2), Set.of(0, 1, 2));
        assertThat(attendance.changed(Map.of(0, me, 1, secondStart, 2, third))).isEmpty();
    }

    @Test
    void givenNodesThatComeAndGo_whenChanged_thenEachViewOnce() {
        assertThat(attendance.changed(Map.of(0, me))).containsExactly(Set.of(0));
        assertThat(attendance.changed(Map.of(0, me, 1, firstStart))).containsExactly(Set.of(0, 1));
        assertThat(attendance.changed(Map.of(0, me, 1, firstStart))).isEmpty();
        assertThat(attendance.changed(Map.of(0, me))).containsExactly(Set.of(0));
        assertThat(attendance.changed(Map.of(0, me, 1, secondStart))).containsExactly(Set.of(0, 1));
    }

    @Test
    void givenOwnNewStart_whenTheOthersAreAsBefore_thenAllAreMetAnew() {
        attendance.changed(Map.of(0, me, 1, firstStart));

        assertThat(attendance.changed(Map.of(0, UUID.randomUUID(), 1, firstStart)))
                .containsExactly(Set.of(0), Set.of(0, 1));
    }
}
