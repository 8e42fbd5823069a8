package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ChecksTest {
    @Test
    void givenInterval_whenDrawn_thenSpreadOverATenthOnBothSides() {
        long every = 1_000_000_000L;
        int[] parts = new int[10]; // Of 900 to 1,100 ms.
        for (int i = 0; i < 10_000; i++) {
            long next = Checks.nextNanos(every);
            assertThat(next).isBetween(900_000_000L, 1_100_000_000L);
            parts[(int) Math.min(9, (next - 900_000_000L) / 20_000_000L)]++;
        }

        for (int part : parts) assertThat(part).isBetween(800, 1200);
    }
}
