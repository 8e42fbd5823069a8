package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LimitedTest {
    @Test
    void givenManyInARow_whenAsked_thenOneEveryTenSecondsAndTheRestCounted() {
        long now = Long.MAX_VALUE - 5; // Of nanoTime: may pass the end.
        var limited = new Limited(now);
        int due = 0;
        for (int i = 0; i < 100; i++, now += 100_000_000) if (limited.isDue(now)) due++;
        assertThat(due).isEqualTo(1);

        assertThat(limited.isDue(now)).isTrue();
        assertThat(limited.with("cause", "x")).containsExactly("cause", "x", "suppressed", 99L);
        assertThat(limited.with("cause", "x")).containsExactly("cause", "x");
    }
}
