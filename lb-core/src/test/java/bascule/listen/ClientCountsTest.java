package bascule.listen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientCountsTest {
    @Test
    void givenMostAreOpen_whenOneMoreComes_thenNotBeforeOneHasLeft() {
        var counts = new ClientCounts();
        assertTrue(counts.tryEnter(1, 2));
        assertTrue(counts.tryEnter(1, 2));
        assertFalse(counts.tryEnter(1, 2));
        assertTrue(counts.tryEnter(2, 2)); // Another client.

        counts.leave(1);

        assertTrue(counts.tryEnter(1, 2));
        assertFalse(counts.tryEnter(1, 2));
    }

    @Test
    void givenAllHaveLeft_whenLookedAt_thenNothingIsKept() {
        var counts = new ClientCounts();
        for (long client = 0; client < 1000; client++) {
            assertTrue(counts.tryEnter(client, 5));
            assertTrue(counts.tryEnter(client, 5));
        }
        for (long client = 0; client < 1000; client++) counts.leave(client);
        assertEquals(1000, counts.clients());

        for (long client = 0; client < 1000; client++) counts.leave(client);

        assertEquals(0, counts.clients());
        assertThrows(IllegalStateException.class, () -> counts.leave(1));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenSeveralLoops_whenClientsComeAndGo_thenNeverOneTooManyNorOneLost(long seed)
            throws Exception {
        int clients = 3;
        int most = 4;
        var counts = new ClientCounts();
        var inside = new AtomicIntegerArray(clients);
        var tooMany = new AtomicInteger();
        var refused = new AtomicInteger();
        List<Thread> loops = new ArrayList<>();
        for (int loop = 0; loop < 4; loop++) {
            var random = new Random(seed * 10 + loop);
            loops.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        int[] own = new int[clients];
                                        for (int i = 0; i < 50_000; i++) {
                                            int client = random.nextInt(clients);
                                            if (own[client] > 0 && random.nextBoolean()) {
                                                own[client]--;
                                                inside.decrementAndGet(client);
                                                counts.leave(client);
                                            } else if (counts.tryEnter(client, most)) {
                                                own[client]++;
                                                if (inside.incrementAndGet(client) > most)
                                                    tooMany.incrementAndGet();
                                            } else {
                                                refused.incrementAndGet();
                                            }
                                        }
                                        for (int client = 0; client < clients; client++)
                                            for (; own[client] > 0; own[client]--) {
                                                inside.decrementAndGet(client);
                                                counts.leave(client);
                                            }
                                    }));
        }
        for (Thread loop : loops) loop.join();

        assertEquals(0, tooMany.get(), () -> "seed " + seed);
        assertEquals(0, counts.clients(), () -> "seed " + seed);
        assertTrue(refused.get() > 1000, () -> "seed " + seed); // It was tight.
    }

    /// As many threads as places, so nobody may be refused: a count that is up for a moment longer than the client shows.
    @Test
    void givenNoMoreThanMayEnter_whenTheyComeAndGo_thenNobodyIsRefused() throws Exception {
        var counts = new ClientCounts();
        var refused = new AtomicInteger();
        List<Thread> loops = new ArrayList<>();
        for (int loop = 0; loop < 3; loop++) {
            loops.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 100_000; i++) {
                                            if (counts.tryEnter(1, 3)) counts.leave(1);
                                            else refused.incrementAndGet();
                                        }
                                    }));
        }
        for (Thread loop : loops) loop.join();

        assertEquals(0, refused.get());
    }
}
