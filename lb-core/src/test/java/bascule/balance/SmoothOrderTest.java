package bascule.balance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SmoothOrderTest {
    @ParameterizedTest
    @CsvSource({
        "5 1 1,   a a b a c a a",
        "1 1 1,   a b c",
        "7 7 7,   a b c",
        "1 2 3,   c b a c b c",
        "2 4 6,   c b a c b c",
        "4 2,     a b a",
        "256,     a",
        "'',      ''",
    })
    void givenWeights_whenOrdered_thenAsNginxPicks(String weights, String expected) {
        int[] order = SmoothOrder.of(numbers(weights));

        var names = new StringBuilder();
        for (int index : order)
            names.append(names.isEmpty() ? "" : " ").append((char) ('a' + index));
        assertEquals(expected, names.toString());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomWeights_whenOrdered_thenAsTheModelPicksForTwoCycles(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 2_000; round++) {
            int[] weights =
                    randomWeights(
                            random,
                            1 + random.nextInt(24),
                            1 + random.nextInt(random.nextBoolean() ? 4 : 256));
            int[] order = SmoothOrder.of(weights);
            int[] model = new NginxModel(weights).picks(2 * order.length);

            for (int at = 0; at < model.length; at++) {
                int place = at;
                assertEquals(
                        model[at],
                        order[at % order.length],
                        () -> "seed " + seed + ", " + Arrays.toString(weights) + " at " + place);
            }
            assertThat(mostOwed(order, weights))
                    .as("seed %d, %s", seed, Arrays.toString(weights))
                    .isLessThan(1.25);
        }
    }

    @Test
    void givenThousandUnequalServers_whenOrdered_thenExactAndSmooth() {
        int[] weights = randomWeights(new Random(1), 1_000, 256);

        int[] order = SmoothOrder.of(weights);

        assertArrayEquals(weights, counts(order, weights.length));
        assertThat(mostOwed(order, weights)).isLessThan(1.25);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomDebt_whenStartIsSought_thenNoPlaceIsCloser(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            int[] weights = randomWeights(random, 1 + random.nextInt(8), 1 + random.nextInt(20));
            int[] order = SmoothOrder.of(weights);
            double[] debt = random.doubles(weights.length, -1, 1).toArray();

            int start = SmoothOrder.bestStart(order, debt);

            double[] distances = distances(order, debt);
            assertThat(distances[start])
                    .as("seed %d, %s, %s", seed, Arrays.toString(weights), Arrays.toString(debt))
                    .isLessThan(Arrays.stream(distances).min().orElseThrow() + 1e-6);
        }
    }

    /// By the definition, place by place.
    private static double[] distances(int[] order, double[] debt) {
        double[] distances = new double[order.length];
        int[] counts = counts(order, debt.length);
        for (int place = 0; place < order.length; place++) {
            int[] got = counts(Arrays.copyOf(order, place), debt.length);
            for (int i = 0; i < debt.length; i++) {
                double owed = (double) place * counts[i] / order.length - got[i];
                distances[place] += (owed - debt[i]) * (owed - debt[i]);
            }
        }
        return distances;
    }

    /// The most picks that any index is ahead of or behind its share at any place.
    private static double mostOwed(int[] order, int[] weights) {
        int[] got = new int[weights.length];
        double most = 0;
        int sum = IntStream.of(weights).sum();
        for (int at = 0; at < order.length; at++) {
            got[order[at]]++;
            for (int i = 0; i < weights.length; i++) {
                most = Math.max(most, Math.abs((at + 1.0) * weights[i] / sum - got[i]));
            }
        }
        return most;
    }

    private static int[] counts(int[] order, int servers) {
        int[] counts = new int[servers];
        for (int index : order) counts[index]++;
        return counts;
    }

    private static int[] randomWeights(Random random, int servers, int most) {
        return random.ints(servers, 1, most + 1).toArray();
    }

    private static int[] numbers(String text) {
        return text.isEmpty()
                ? new int[0]
                : Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    /// ngx_http_upstream_get_peer, retold: nothing is divided, nothing precomputed.
    private static final class NginxModel {
        private final int[] weights;
        private final long[] current;

        NginxModel(int[] weights) {
            this.weights = weights;
            current = new long[weights.length];
        }

        int[] picks(int count) {
            return IntStream.range(0, count).map(_ -> pick()).toArray();
        }

        private int pick() {
            int best = -1;
            long total = 0;
            for (int i = 0; i < weights.length; i++) {
                current[i] += weights[i];
                total += weights[i];
                if (best < 0 || current[i] > current[best]) best = i;
            }
            current[best] -= total;
            return best;
        }
    }
}
