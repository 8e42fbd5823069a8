package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SlowStartTest {
    private static final long NOW =
            Samples.beforeTheClockWraps(); // The clock wraps in these tests.

    @ParameterizedTest
    @CsvSource({"0, 1", "99, 1", "100, 2", "499, 5", "500, 6", "899, 9", "900, 10", "9999, 10"})
    void givenNineHundred_whenTimePasses_thenATenthMoreEachHundred(long elapsed, int tenths) {
        assertEquals(tenths, SlowStart.begin(NOW).at(NOW + elapsed, 900).tenths());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 9, 10, 17, 1000, 86_400_000_000_000L})
    void givenAnyLength_whenTimePasses_thenFromATenthToAllInAtMostTenSteps(long length) {
        var seen = new TreeSet<Integer>();
        SlowStart pace = SlowStart.begin(NOW);
        for (int i = 0; i <= 1000; i++) {
            int before = pace.tenths();
            pace = pace.at(NOW + (long) (length / 1000.0 * i), length);
            assertThat(pace.tenths()).isBetween(before, 10);
            seen.add(pace.tenths());
        }

        assertEquals(10, pace.at(NOW + length, length).tenths());
        assertThat(seen).hasSizeLessThanOrEqualTo(10);
    }

    @Test
    void givenItIsOver_whenTimePasses_thenForGood() {
        assertSame(SlowStart.DONE, SlowStart.DONE.at(NOW, Long.MAX_VALUE));
        assertSame(SlowStart.DONE, SlowStart.begin(NOW).at(NOW, 0)); // A reload took it away.
    }
}
