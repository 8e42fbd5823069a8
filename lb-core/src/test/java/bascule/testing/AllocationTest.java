package bascule.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class AllocationTest {
    private static volatile Object sink = "";

    @Test
    void givenOneObjectAmongThousandsOfSteps_whenMeasured_thenSeen() {
        long bytes =
                Allocation.bytes(
                        () -> {
                            for (int i = 0; i < 10_000; i++) if (i == 5_000) sink = new Object();
                        });

        assertThat(bytes).isPositive();
        assertThat(sink).isNotNull();
    }

    @Test
    void givenNoObject_whenMeasured_thenZero() {
        int[] sum = {0};

        long bytes =
                Allocation.bytes(
                        () -> {
                            for (int i = 0; i < 10_000; i++) sum[0] += i;
                        });

        assertThat(bytes).isZero();
    }
}
