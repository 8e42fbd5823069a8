package bascule.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecentLatencyTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final Metrics metrics = Metrics.create("1.2.3", 2);
    private final RecentLatency recent = new RecentLatency(metrics);
    private long now = Long.MAX_VALUE - 20 * SECOND; // The clock wraps within the test.

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void givenNothingSampledOrRecorded_whenAsked_thenNone() {
        assertEquals(Latency.NONE, recent.of("web", "a"));
        server(0);
        sampleAfter(5);

        assertEquals(new Latency(0, -1, -1), recent.of("web", "a"));
    }

    @Test
    void givenTwoLoops_whenSampled_thenAddedUp() {
        for (int i = 0; i < 98; i++) server(i % 2).exchange.record(1_000_000);
        server(0).exchange.record(700_000_000);
        server(1).exchange.record(700_000_000);
        sampleAfter(5);

        assertEquals(100, recent.of("web", "a").exchanges());
        assertWithin(1_000_000, recent.of("web", "a").p50Nanos());
        assertWithin(700_000_000, recent.of("web", "a").p99Nanos());
    }

    @Test
    void givenSlowMinute_whenItIsOver_thenForgotten() {
        server(0).exchange.record(2_000_000_000);
        sampleAfter(5);
        for (int i = 0; i < 11; i++) {
            sampleAfter(5);
            assertEquals(1, recent.of("web", "a").exchanges(), "after " + i);
        }

        sampleAfter(5);

        assertEquals(Latency.NONE, recent.of("web", "a"));
    }

    @Test
    void givenSamplerThatStalls_whenItGoesOn_thenWhatIsTooOldIsForgottenAtOnce() {
        server(0).exchange.record(2_000_000_000);
        sampleAfter(5);
        server(0).exchange.record(1_000_000);
        sampleAfter(300);

        assertEquals(1, recent.of("web", "a").exchanges());
        assertWithin(1_000_000, recent.of("web", "a").p99Nanos());
    }

    @Test
    void givenImpatientCaller_whenSampled_thenOnlyWhenItIsTimeAndTheBoundHolds() {
        server(0).exchange.record(1);
        sampleAfter(1);
        server(0).exchange.record(1);
        sampleAfter(4);
        assertEquals(1, recent.of("web", "a").exchanges());
        sampleAfter(1);
        assertEquals(2, recent.of("web", "a").exchanges());

        for (int i = 0; i < 3_000; i++) {
            now += SECOND / 10;
            recent.sample(now);
        }
        assertTrue(recent.steps() <= RecentLatency.MOST_STEPS, () -> "" + recent.steps());
        assertTrue(recent.steps() > 10);
    }

    @Test
    void givenServerRemoved_whenItsNameComesBack_thenItBeginsAnew() {
        for (int i = 0; i < 10; i++) server(0).exchange.record(2_000_000_000);
        sampleAfter(5);
        metrics.removeServer("web", "a");
        server(0).exchange.record(1_000_000);
        sampleAfter(5);
        assertEquals(11, recent.of("web", "a").exchanges());

        metrics.removeServer("web", "a");
        sampleAfter(5);
        assertEquals(Latency.NONE, recent.of("web", "a"));
        assertEquals(0, recent.steps());

        server(1).exchange.record(1_000_000);
        sampleAfter(5);
        assertEquals(1, recent.of("web", "a").exchanges());
        assertWithin(1_000_000, recent.of("web", "a").p50Nanos());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomLoad_whenSampled_thenAsFromAllValuesOfTheLastMinute(long seed) {
        var random = new Random(seed);
        var minute = new ArrayDeque<List<Long>>();
        for (int step = 0; step < 60; step++) {
            var values = new ArrayList<Long>();
            int count = random.nextInt(3) == 0 ? 0 : random.nextInt(200);
            for (int i = 0; i < count; i++) {
                long value = (long) Math.exp(random.nextDouble() * Math.log(2e10));
                values.add(value);
                server(random.nextInt(2)).exchange.record(value);
            }
            minute.addLast(values);
            if (minute.size() > 12) minute.removeFirst();
            sampleAfter(5);

            var all = new ArrayList<Long>();
            minute.forEach(all::addAll);
            Collections.sort(all);
            Latency latency = recent.of("web", "a");
            assertEquals(all.size(), latency.exchanges(), "seed " + seed + " step " + step);
            if (all.isEmpty()) continue;
            assertWithin(all.get((int) Math.ceil(0.5 * all.size()) - 1), latency.p50Nanos());
            assertWithin(all.get((int) Math.ceil(0.99 * all.size()) - 1), latency.p99Nanos());
        }
    }

    private ServerMetrics server(int loop) {
        return metrics.loop(loop).server("web", "a");
    }

    private void sampleAfter(long seconds) {
        now += seconds * SECOND;
        recent.sample(now);
    }

    /// To within a slot of the histogram.
    private static void assertWithin(long expected, long nanos) {
        assertTrue(
                nanos >= expected && nanos <= expected + Math.max(expected / 16, 32),
                () -> expected + " but was " + nanos);
    }
}
