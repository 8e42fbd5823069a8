package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HelloLimitTest {
    private static final long SECOND = 1_000_000_000;

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - SECOND, Long.MIN_VALUE + 5})
    void givenOneSource_whenFlooding_thenTenAtOnceAndTenPerSecond(long start) {
        var limit = new HelloLimit(start);

        assertThat(taken(limit, 7, start, 1000)).isEqualTo(10);
        int later = 0;
        for (int i = 1; i <= 50_000; i++)
            if (limit.take(7, start + i * (10 * SECOND / 50_000))) later++;
        assertThat(later).isBetween(99, 100);
    }

    @Test
    void givenManySources_whenFlooding_thenHundredAtOnceAndNoneOfThemMoreThanTen() {
        var limit = new HelloLimit(0);
        int all = 0;
        for (int source = 0; source < 256; source++) all += taken(limit, source, 0, 20);

        assertThat(all).isEqualTo(100);
        assertThat(taken(limit, 3, SECOND, 20)).isEqualTo(10);
    }

    private static int taken(HelloLimit limit, int source, long now, int tries) {
        int taken = 0;
        for (int i = 0; i < tries; i++) if (limit.take(source, now)) taken++;
        return taken;
    }
}
