package bascule.observe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogLinearHistogramTest {
    /// product.md's list, in seconds.
    private static final double[] BOUNDS = {
        .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30
    };

    @Test
    void givenBounds_whenShown_thenInSeconds() {
        assertArrayEquals(BOUNDS, LogLinearHistogram.boundsSeconds());
    }

    @Test
    void givenValuesAroundABound_whenRecorded_thenTheBucketIsExact() {
        for (int bound = 0; bound < BOUNDS.length; bound++) {
            long nanos = Math.round(BOUNDS[bound] * 1e9);
            var expected = new long[LogLinearHistogram.BUCKETS];
            expected[bound] = 2;
            expected[bound + 1] = 1;

            assertArrayEquals(expected, buckets(nanos - 1, nanos, nanos + 1), () -> nanos + " ns");
        }
    }

    @Test
    void givenExtremes_whenRecorded_thenTheyFallIntoTheOuterBuckets() {
        long[] buckets =
                buckets(Long.MIN_VALUE, -1, 0, 1, LogLinearHistogram.LARGEST + 1, 1L << 60);

        assertEquals(4, buckets[0]);
        assertEquals(2, buckets[LogLinearHistogram.BUCKETS - 1]);
        assertEquals(6, Arrays.stream(buckets).sum());
    }

    @Test
    void givenValues_whenRecorded_thenSumIsExact() {
        var histogram = new LogLinearHistogram();
        histogram.record(3);
        histogram.record(-5);
        histogram.record(1L << 50);

        assertEquals(3 + (1L << 50), histogram.sumNanos());
        assertEquals(3, histogram.count());
    }

    @Test
    void givenNothing_whenAskedForPercentile_thenNone() {
        assertEquals(-1, LogLinearHistogram.percentile(new long[LogLinearHistogram.SLOTS], 0.5));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenRandomValuesOfTwoLoops_whenAskedForPercentiles_thenWithinOneSixteenth(long seed) {
        var random = new Random(seed);
        var loops = new LogLinearHistogram[] {new LogLinearHistogram(), new LogLinearHistogram()};
        var values = new long[10_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextLong() >>> 27 + random.nextInt(36); // Up to 2^37.
            loops[i % 2].record(values[i]);
        }
        Arrays.sort(values);
        var slots = new long[LogLinearHistogram.SLOTS];
        for (LogLinearHistogram loop : loops) loop.addTo(slots);

        for (double share : new double[] {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1}) {
            long exact = values[Math.max((int) Math.ceil(share * values.length), 1) - 1];
            long shown = LogLinearHistogram.percentile(slots, share);
            assertTrue(
                    shown >= exact && shown - exact <= Math.max(exact / 16, 31),
                    () -> "seed " + seed + " share " + share + ": " + exact + ", " + shown);
        }
    }

    @Test
    void givenAWriter_whenReadMeanwhile_thenCountsOnlyGrowAndEndComplete() throws Exception {
        var histogram = new LogLinearHistogram();
        var done = new AtomicBoolean();
        int records = 2_000_000;
        Thread writer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    for (int i = 0; i < records; i++) histogram.record(i * 1_000L);
                                    done.set(true);
                                });
        long before = 0;
        long looks = 0;
        while (!done.get()) {
            long now = histogram.count();
            assertTrue(now >= before, now + " after " + before);
            before = now;
            looks++;
        }
        writer.join();

        assertEquals(records, histogram.count());
        assertEquals(records * (records - 1L) / 2 * 1_000, histogram.sumNanos());
        assertTrue(looks > 10, looks + " looks");
    }

    private static long[] buckets(long... values) {
        var histogram = new LogLinearHistogram();
        for (long value : values) histogram.record(value);
        var buckets = new long[LogLinearHistogram.BUCKETS];
        histogram.addBucketsTo(buckets);
        return buckets;
    }
}
