package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ReplayWindowTest {
    private final ReplayWindow window = new ReplayWindow();

    @Test
    void givenEdges_whenAsked_thenSixtyFourBack() {
        window.mark(100);

        assertThat(window.isFresh(100)).isFalse();
        assertThat(window.isFresh(37)).isTrue();
        assertThat(window.isFresh(36)).isFalse();
        assertThat(window.isFresh(101)).isTrue();
        assertThat(window.isFresh(0)).isFalse();
        assertThat(window.isFresh(-1)).isFalse();
        assertThat(window.isFresh(Long.MIN_VALUE)).isFalse();
        window.mark(164); // Exactly the width ahead.
        assertThat(window.isFresh(101)).isTrue();
        assertThat(window.isFresh(100)).isFalse();
        window.mark(Long.MAX_VALUE);
        assertThat(window.isFresh(Long.MAX_VALUE)).isFalse();
        assertThat(window.isFresh(Long.MAX_VALUE - 1)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomCounters_whenAsked_thenAsAListThatForgetsNothingSays(long seed) {
        var random = new Random(seed);
        Set<Long> seen = new HashSet<>();
        long highest = 0;
        for (int round = 0; round < 20_000; round++) {
            int reach = random.nextInt(50) == 0 ? 300 : 70;
            long counter = Math.max(0, highest + random.nextInt(reach) - reach * 4 / 5);
            boolean fresh =
                    counter > 0 && counter > highest - ReplayWindow.SIZE && !seen.contains(counter);
            assertThat(window.isFresh(counter))
                    .as("seed %d round %d", seed, round)
                    .isEqualTo(fresh);
            assertThat(window.isNewest(counter)).isEqualTo(counter > highest);
            if (!fresh) continue;
            window.mark(counter);
            seen.add(counter);
            highest = Math.max(highest, counter);
        }
    }
}
