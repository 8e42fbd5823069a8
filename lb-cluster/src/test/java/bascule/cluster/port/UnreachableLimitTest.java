package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class UnreachableLimitTest {
    @Test
    void givenFlood_whenTaken_thenEightAtOnceAndOneEveryFiveMilliseconds() {
        long now = Long.MAX_VALUE - 3; // Of nanoTime: may pass the end.
        var limit = new UnreachableLimit(now);
        int taken = 0;
        for (int i = 0; i < 100; i++) if (limit.take(now)) taken++;
        assertThat(taken).isEqualTo(UnreachableLimit.AT_ONCE);

        for (int ms = 1; ms <= 1000; ms++)
            for (int i = 0; i < 100; i++) if (limit.take(now + ms * 1_000_000L)) taken++;
        assertThat(taken).isEqualTo(UnreachableLimit.AT_ONCE + 200);
    }
}
