package bascule.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RetryBudgetTest {
    private static final int LEAST = RetryBudget.SECONDS * RetryBudget.LEAST_PER_SECOND;

    private static int takeAll(RetryBudget budget, int atMost) {
        int taken = 0;
        while (taken < atMost && budget.take()) taken++;
        return taken;
    }

    @Test
    void givenNoTraffic_whenTaken_thenThreeASecondForTenSeconds() {
        assertEquals(LEAST, takeAll(new RetryBudget(), 1000));
    }

    @Test
    void givenTraffic_whenTaken_thenAShareOfTheLastTenSeconds() {
        var budget = new RetryBudget();
        for (int second = 1; second <= 20; second++) budget.sample(second * 100L, 20);

        assertEquals(200, takeAll(budget, 1000));

        budget.sample(2100, 20);
        assertEquals(0, takeAll(budget, 1000));
    }

    @Test
    void givenASpentBudget_whenTenSecondsHavePassed_thenItIsThereAgain() {
        var budget = new RetryBudget();
        assertEquals(LEAST, takeAll(budget, 1000));

        for (int second = 1; second <= RetryBudget.SECONDS; second++) budget.sample(0, 20);
        assertEquals(0, takeAll(budget, 1000));

        budget.sample(0, 20);
        assertEquals(LEAST, takeAll(budget, 1000));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomTraffic_whenTaken_thenNoWindowHasMoreThanItsShare(long seed) {
        var random = new Random(seed);
        var budget = new RetryBudget();
        var begun = new ArrayDeque<Long>();
        var taken = new ArrayDeque<Integer>();
        var shares = new ArrayDeque<Long>();
        for (int i = 0; i < RetryBudget.SECONDS; i++) {
            begun.add(0L);
            taken.add(0);
            shares.add(0L);
        }
        long all = 0;
        for (int second = 0; second < 1000; second++) {
            long now = random.nextInt(3) == 0 ? 0 : random.nextInt(1000);
            all += now;
            begun.add(now);
            begun.remove();
            budget.sample(all, 20);
            int got = takeAll(budget, random.nextInt(300));
            taken.remove();
            taken.add(got);
            shares.remove();
            shares.add(begun.stream().mapToLong(each -> each).sum() / 5);
            long share = shares.stream().mapToLong(each -> each).max().orElseThrow();
            int sum = taken.stream().mapToInt(each -> each).sum();
            int at = second;
            assertTrue(
                    sum <= Math.max(share, LEAST),
                    () -> "seed " + seed + " second " + at + ": " + sum + " of " + share);
        }
    }

    @Test
    void givenManyLoops_whenTheyTakeAtOnce_thenNeverMoreThanThereAre() throws InterruptedException {
        var budget = new RetryBudget();
        var taken = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 4; i++)
            threads.add(Thread.ofPlatform().start(() -> taken.addAndGet(takeAll(budget, 1000))));
        for (Thread thread : threads) thread.join();

        assertEquals(LEAST, taken.get());
    }
}
