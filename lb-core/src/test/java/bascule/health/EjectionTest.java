package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import bascule.health.Ejection.Burst;
import bascule.health.Ejection.Ejected;
import bascule.health.Ejection.Trusted;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EjectionTest {
    /// Three errors within 10 eject for 30. The clock wraps in most of these tests.
    private static final Rules RULES = Samples.ejecting(3, 10, 30, 50);

    private static final long NOW = Samples.beforeTheClockWraps();
    private final Ejection trusted = Trusted.NO_FAILURES;

    @Test
    void givenErrorsBelowTheNumber_whenAsked_thenTrusted() {
        assertInstanceOf(Trusted.class, trusted.after(2, RULES, true, NOW));
    }

    @Test
    void givenErrorsWithinTheTime_whenTheyReachTheNumber_thenEjectedForATime() {
        Ejection ejection = trusted.after(1, RULES, true, NOW).after(2, RULES, true, NOW + 9);

        assertEquals(new Ejected(NOW + 39), ejection);
        assertSame(ejection, ejection.at(NOW + 38));
        assertEquals(Trusted.NO_FAILURES, ejection.at(NOW + 39));
    }

    @Test
    void givenErrorsFurtherApart_whenTheyReachTheNumber_thenTrusted() {
        Ejection ejection = trusted.after(1, RULES, true, NOW).after(2, RULES, true, NOW + 10);

        assertEquals(new Trusted(List.of(new Burst(NOW + 10, 2))), ejection);
    }

    @Test
    void givenEjected_whenExchangesBegunBeforeFail_thenNotLonger() {
        Ejection ejected = trusted.after(3, RULES, true, NOW);

        assertSame(ejected, ejected.after(100, RULES, true, NOW + 20));
    }

    @Test
    void givenNoRoom_whenErrorsReachTheNumber_thenTrustedAndTheNextOneWithRoomEjects() {
        Ejection ejection = trusted.after(100, RULES, false, NOW);
        assertInstanceOf(Trusted.class, ejection);

        assertInstanceOf(Ejected.class, ejection.after(1, RULES, true, NOW + 9));
        assertInstanceOf(Trusted.class, ejection.after(1, RULES, true, NOW + 10));
    }

    @Test
    void givenNoEjection_whenExchangesFail_thenNothingIsKept() {
        assertSame(
                Trusted.NO_FAILURES,
                trusted.after(1000, Samples.ejecting(0, 10, 30, 50), true, NOW));
    }

    /// The model keeps every failure.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenAnyFailures_whenCounted_thenAsAllFailuresOfTheWindowSay(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            int errors = 1 + random.nextInt(6);
            long within = 1L + random.nextInt(20);
            long duration = 1L + random.nextInt(20);
            Rules rules = Samples.ejecting(errors, within, duration, 50);
            long now = Long.MAX_VALUE - random.nextInt(200);
            Ejection ejection = Trusted.NO_FAILURES;
            List<Long> all = new ArrayList<>();
            long ejectedAt = now;
            boolean ejected = false;
            for (int i = 0; i < 200; i++) {
                now += random.nextInt(5);
                long at = now;
                ejection = ejection.at(now);
                if (ejected && at - ejectedAt >= duration) {
                    ejected = false;
                    all.clear();
                }
                if (random.nextInt(3) == 0) {
                    int count = 1 + random.nextInt(3);
                    boolean mayEject = random.nextInt(4) > 0;
                    ejection = ejection.after(count, rules, mayEject, now);
                    for (int n = 0; n < count; n++) all.add(at);
                    long recent = all.stream().filter(failed -> at - failed < within).count();
                    if (!ejected && mayEject && recent >= errors) {
                        ejected = true;
                        ejectedAt = at;
                    }
                }
                assertEquals(
                        ejected,
                        ejection instanceof Ejected,
                        () -> "seed " + seed + " " + rules + " at " + at + " " + all);
                if (ejection instanceof Trusted(List<Burst> failures))
                    assertThat(failures).as("seed " + seed).hasSizeLessThanOrEqualTo(errors);
            }
        }
    }
}
