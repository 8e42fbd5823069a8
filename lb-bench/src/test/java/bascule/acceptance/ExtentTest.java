package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ExtentTest {
    @Test
    void givenNothingAsked_whenExtentChosen_thenOneTrialAndBarsAsTheyAre() throws Options.Wrong {
        assertThat(extent(true)).isEqualTo(new Extent(1, 0, 1));
    }

    @Test
    void givenLong_whenExtentChosen_thenTrialsAndPausesOnTheFirstReleaseOnly()
            throws Options.Wrong {
        assertThat(extent(true, "--long")).isEqualTo(new Extent(3, 600, 1));
        assertThat(extent(false, "--long")).isEqualTo(new Extent(3, 0, 1));
    }

    @Test
    void givenBuild_whenExtentChosen_thenBarsOfTimesAreStretched() throws Options.Wrong {
        assertThat(extent(true, "--in-build")).isEqualTo(new Extent(1, 0, 3));
    }

    private static Extent extent(boolean first, String... args) throws Options.Wrong {
        return Extent.of(Options.parse(List.of(args)), first);
    }
}
