package bascule.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class ServerTest {
    @Test
    void givenALimit_whenAllPlacesAreTaken_thenNoMoreUntilOneIsGivenBack() {
        Server server = Servers.server(0, 1, false);

        assertTrue(server.take(2));
        assertTrue(server.take(2));
        assertFalse(server.take(2));
        assertEquals(2, server.taken());

        server.giveBack();
        assertTrue(server.take(2));
    }

    @Test
    void givenManyThreads_whenTheyTakeAndGiveBack_thenNeverMoreThanTheLimit()
            throws InterruptedException {
        Server server = Servers.server(0, 1, false);
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        var refused = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 4; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int n = 0; n < 50_000; n++) {
                                            if (!server.take(2)) {
                                                refused.incrementAndGet();
                                                continue;
                                            }
                                            most.accumulateAndGet(
                                                    inside.incrementAndGet(), Math::max);
                                            inside.decrementAndGet();
                                            server.giveBack();
                                        }
                                    }));
        }
        for (Thread thread : threads) thread.join();

        assertTrue(most.get() <= 2, () -> "inside at once: " + most);
        assertEquals(0, server.taken());
    }

    @Test
    void givenFailures_whenTaken_thenCountedOnce() {
        Server server = Servers.server(0, 1, false);
        server.noteFailure();
        server.noteFailure();

        assertEquals(2, server.takeFailures());
        assertEquals(0, server.takeFailures());
    }

    @Test
    void givenAReload_whenReconfigured_thenTheNextSetSaysSo() {
        Server server = Servers.server(0, 1, false);
        ServerSet before = ServerSet.of(List.of(server));

        server.reconfigure(5, true);

        assertEquals(1, before.weights()[0]);
        assertEquals(5, ServerSet.of(List.of(server)).weights()[0]);
        assertTrue(server.backup());
    }

    @Test
    void givenStatuses_whenTheStateChanges_thenSinceMovesAndOnlyThen() throws InterruptedException {
        Server server = Servers.server(0, 1, false);
        Instant made = server.since();
        Thread.sleep(2);

        Servers.up(server); // Not checked before: counted as up.
        assertEquals(made, server.since());

        Servers.down(server);
        assertTrue(server.since().isAfter(made));
    }
}
