package bascule.cluster.ownership;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.ownership.PlantedFaultsSim.Times;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class TimingsTest {
    private static void assertBroken(String inequality, Consumer<Times> change) {
        var times = new Times();
        change.accept(times);
        assertThat(times.timings().broken()).contains(inequality);
    }

    @Test
    void givenTheTimingsThatShip_whenChecked_thenNothingIsBroken() {
        assertThat(Timings.FAST.broken()).isEmpty();
        assertThat(Timings.CALM.broken()).isEmpty();
    }

    @Test
    void givenATimeTooLong_whenChecked_thenItsInequalityIsBroken() {
        assertBroken("hold < silence - tick", it -> it.hold = it.silence - Timings.FAST.tick());
        assertBroken("gap <= silence - tick", it -> it.gap = it.silence);
        assertBroken("3 tick <= burst", it -> it.burst = 3 * Timings.FAST.tick() - 1);
        assertBroken("2 burst <= silence", it -> it.burst = it.silence / 2 + 1);
        assertBroken("4 refresh <= lease", it -> it.refresh = it.lease / 4 + 1);
        assertBroken("invite + silence <= lease", it -> it.invite = it.lease);
        assertBroken("lease <= soloLease", it -> it.soloLease = it.lease - 1);
    }
}
