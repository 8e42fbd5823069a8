package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.testing.Allocation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RateLimitTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final long START = -123_456_789_012L; // System.nanoTime() may be anything.
    private static final SipHash HASH = new SipHash(1, 2);

    private static RateLimit limit(long requests, Duration per, int burst, int sets) {
        return new RateLimit(requests, per, burst, START, HASH, sets);
    }

    @Test
    void givenBurstOfThree_whenAskedAtOnce_thenTheFourthWaitsForAToken() {
        RateLimit limit = limit(10, SECOND, 3, RateLimit.SETS);
        for (int i = 0; i < 3; i++) assertEquals(0, limit.take(7, START));

        long wait = limit.take(7, START);

        assertEquals(100_000_000, wait);
        assertTrue(limit.take(7, START + wait - 2_000_000) > 0);
        assertEquals(0, limit.take(7, START + wait));
        assertTrue(limit.take(7, START + wait) > 0);
        assertEquals(0, limit.take(8, START)); // Another client.
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "999999999, 1", "1000000000, 1", "1000000001, 2", "3600000000000, 3600"})
    void givenWait_whenToldToTheClient_thenInSecondsRoundedUp(long nanos, int seconds) {
        assertEquals(seconds, RateLimit.retryAfterSeconds(nanos));
    }

    @ParameterizedTest
    @CsvSource({
        "1, PT1S, 1",
        "3, PT1S, 1",
        "100, PT1S, 200",
        "1000000, PT1S, 10",
        "1, PT1H, 5",
        "999983, PT1S, 1000000",
        "600, PT1M, 10"
    })
    void givenTheWaitIsOver_whenAskedAgain_thenOneTokenAndNoMore(
            long requests, Duration per, int burst) {
        RateLimit limit = limit(requests, per, burst, RateLimit.SETS);
        var random = new Random(1);
        long now = START;
        for (int round = 0; round < 20; round++) {
            long wait;
            do wait = limit.take(1, now);
            while (wait == 0);
            assertThat(wait).isLessThanOrEqualTo(per.toNanos() / requests * 65 / 64 + 2);
            now += wait;
            assertEquals(0, limit.take(1, now));
            assertTrue(limit.take(1, now) > 0);
            now += random.nextLong(per.toNanos() / requests * 3);
        }
    }

    /// Against a bucket that is kept in whole numbers: a token is as many parts as a period has nanoseconds.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void givenRandomTraffic_whenLimited_thenAsATokenBucketWould(long seed) {
        var random = new Random(seed);
        long requests = 1L + random.nextInt(2000);
        int burst = 1 + random.nextInt(50);
        int clients = 5;
        RateLimit limit = limit(requests, SECOND, burst, 64);
        long token = SECOND.toNanos();
        long full = burst * token;
        long[] parts = new long[clients];
        long[] seen = new long[clients];
        java.util.Arrays.fill(parts, full);
        long now = 0;
        int taken = 0;
        int refused = 0;
        for (int i = 0; i < 200_000; i++) {
            now += random.nextLong(token * 3 / 2 / requests / clients); // A third too many.
            if (random.nextInt(1000) == 0) now += random.nextLong(token / requests * burst);
            int client = random.nextInt(clients);
            parts[client] = Math.min(full, parts[client] + (now - seen[client]) * requests);
            seen[client] = now;
            boolean may = limit.take(client * 1_000_003L, START + now) == 0;
            // Time is rounded down to a 64th of a token, so the rest of one may be seen late, and
            // by as much sooner, if the token before was seen late.
            String at = "seed " + seed + " step " + i;
            if (may) assertThat(parts[client]).as(at).isGreaterThanOrEqualTo(token - token / 64);
            else assertThat(parts[client]).as(at).isLessThan(token + token / 64 + requests);
            if (may) {
                parts[client] -= token;
                taken++;
            } else {
                refused++;
            }
        }
        assertThat(taken).isGreaterThan(1000);
        assertThat(refused).isGreaterThan(1000);
    }

    /// Time in a word goes round; a client that comes back meanwhile must not be taken for one that has just asked. Except for
    /// the moment that is told in the class, when it may be.
    @ParameterizedTest
    @CsvSource({"1000000, 1000", "1000000, 20000", "777777, 1", "100, 200"})
    void givenClientThatWasAwayForLong_whenItIsBack_thenItsBucketIsFull(long requests, int burst) {
        long token = SECOND.toNanos() / requests;
        long round = (SECOND.toNanos() << 30) / requests;
        long blur = 17_000_000_000L;
        int checked = 0;
        for (long away = burst * token + 1; away < 20 * round; away += round / 7 * 2) {
            if ((away + blur) % round < blur + burst * token + token) continue;
            RateLimit limit = limit(requests, SECOND, burst, 1);
            while (limit.take(1, START) == 0) {}
            for (int i = 0; i < burst; i++)
                assertEquals(0, limit.take(1, START + away), "after " + away + " ns, token " + i);
            assertTrue(limit.take(1, START + away) > 0);
            checked++;
        }
        assertThat(checked).isGreaterThan(50);
    }

    @Test
    void givenFullSet_whenAnotherClientComes_thenTheFullestBucketIsForgotten() {
        RateLimit limit = limit(1, Duration.ofHours(1), 10, 1);
        for (int client = 0; client < 8; client++) {
            int takes = client == 5 ? 3 : 4 + client % 3;
            for (int i = 0; i < takes; i++) assertEquals(0, limit.take(client, START));
        }

        assertEquals(0, limit.take(100, START));

        assertEquals(6, left(limit, 0)); // Still known, as all that had taken more;
        assertEquals(9, left(limit, 100));
        RateLimit again = limit(1, Duration.ofHours(1), 10, 1);
        for (int client = 0; client < 8; client++)
            for (int i = 0; i < (client == 5 ? 3 : 4); i++)
                assertEquals(0, again.take(client, START));
        assertEquals(0, again.take(100, START));
        assertEquals(10, left(again, 5)); // and this one is not.
    }

    private static int left(RateLimit limit, long client) {
        int left = 0;
        while (limit.take(client, START) == 0) left++;
        return left;
    }

    @Test
    void givenMoreClientsThanPlaces_whenEachAsksOnce_thenNobodyIsRefused() {
        RateLimit limit = limit(1, Duration.ofHours(1), 1, 16);
        for (long client = 0; client < 10_000; client++)
            assertEquals(0, limit.take(client, START + client));
    }

    @Test
    void givenPlacesForAll_whenClientsAskByTurns_thenEachHasABucketOfItsOwn() {
        RateLimit limit = limit(1, Duration.ofHours(1), 2, RateLimit.SETS);
        int clients = 8000; // On average one in each set.
        for (int round = 0; round < 2; round++)
            for (long client = 0; client < clients; client++)
                assertEquals(0, limit.take(client << 20, START));
        for (long client = 0; client < clients; client++)
            assertTrue(limit.take(client << 20, START) > 0);
    }

    @RepeatedTest(20)
    void givenSeveralLoops_whenOneClientAsksOnAll_thenItGetsExactlyItsBurst() throws Exception {
        RateLimit limit = limit(1, Duration.ofHours(1), 1000, RateLimit.SETS);
        int[] taken = race(4, limit, 1, 2000);

        assertEquals(1000, taken[0]);
    }

    /// All in one set, so that new clients come while others change it.
    @RepeatedTest(20)
    void givenSeveralLoops_whenNewClientsMeetInOneSet_thenWhatIsTakenIsNotForgotten()
            throws Exception {
        RateLimit limit = limit(1, Duration.ofHours(1), 100, 1);
        int[] taken = race(4, limit, 8, 400);

        for (int client = 0; client < 8; client++) {
            assertThat(taken[client])
                    .isBetween(100, 199); // A token at least of each is in one word.
            assertTrue(limit.take(client, START) > 0);
        }
    }

    /// What two loops leave that have both found no word of a new client.
    @Test
    void givenTwoWordsOfOneClient_whenJoined_thenWhatWasTakenIsAddedUp() {
        RateLimit limit = limit(1, Duration.ofHours(1), 10, 1);
        for (int i = 0; i < 3; i++) limit.take(1, START);
        long word = limit.words.get(0);
        limit.words.set(2, word);
        limit.words.set(5, word);
        limit.words.set(7, word);
        limit.words.set(0, 0);

        limit.join(0, word >>> 36 << 36, 0);

        assertEquals(1, left(limit, 1));
        limit.words.set(2, 0);
        assertEquals(10, left(limit, 1)); // Nothing is counted twice.
    }

    @Test
    void givenTwoWordsOfOneClient_whenMoreThanABurstWasTaken_thenItIsAnEmptyBucket() {
        RateLimit limit = limit(1, Duration.ofHours(1), 10, 1);
        for (int i = 0; i < 8; i++) limit.take(1, START);
        long word = limit.words.get(0);
        limit.words.set(5, word);

        limit.join(0, word >>> 36 << 36, 0);

        assertEquals(Duration.ofHours(1).toNanos(), limit.take(1, START));
    }

    /// @return by client, how many tokens it got
    private static int[] race(int loops, RateLimit limit, int clients, int takes) throws Exception {
        var taken = new AtomicIntegerArray(clients);
        var start = new CyclicBarrier(loops);
        List<Thread> threads = new ArrayList<>();
        for (int loop = 0; loop < loops; loop++) {
            int own = loop;
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        var random = new Random(own);
                                        await(start);
                                        for (int i = 0; i < takes * clients; i++) {
                                            int client = random.nextInt(clients);
                                            if (limit.take(client, START) == 0)
                                                taken.incrementAndGet(client);
                                        }
                                    }));
        }
        for (Thread thread : threads) thread.join();
        int[] result = new int[clients];
        for (int client = 0; client < clients; client++) result[client] = taken.get(client);
        return result;
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception broken) {
            throw new IllegalStateException(broken);
        }
    }

    @Test
    void givenClients_whenTheyTakeAndAreRefused_thenNothingIsAllocated() {
        RateLimit limit = limit(1000, SECOND, 10, RateLimit.SETS);
        long[] client = {0};

        assertEquals(0, Allocation.perOperation(() -> limit.take(client[0]++ & 0xffff, START)));
    }
}
