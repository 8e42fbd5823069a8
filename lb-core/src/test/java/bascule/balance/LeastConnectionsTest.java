package bascule.balance;

import static bascule.server.Servers.weighted;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.server.Server;
import bascule.server.ServerSet;
import bascule.server.Servers;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LeastConnectionsTest {
    private static final int ANY = Integer.MAX_VALUE;

    private static Server take(LeastConnections balancer) {
        Server server = balancer.pick();
        assertNotNull(server);
        assertTrue(server.take(ANY));
        return server;
    }

    private static int spread(List<Server> servers) {
        int least = servers.stream().mapToInt(Server::taken).min().orElseThrow();
        int most = servers.stream().mapToInt(Server::taken).max().orElseThrow();
        return most - least;
    }

    @Test
    void givenNobody_whenPicked_thenNull() {
        assertNull(new LeastConnections().pick());
    }

    @Test
    void givenIdleServers_whenPickedAndGivenBackAtOnce_thenTheyTakeTurns() {
        List<Server> servers = weighted(1, 1, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));
        var order = new ArrayList<Server>();

        for (int i = 0; i < 6; i++) {
            Server server = take(balancer);
            server.giveBack();
            order.add(server);
        }

        assertEquals(List.of(servers.get(0), servers.get(1), servers.get(2)), order.subList(0, 3));
        assertEquals(order.subList(0, 3), order.subList(3, 6));
    }

    @Test
    void givenOneBusyServer_whenPicked_thenTheOthersCatchUpFirst() {
        List<Server> servers = weighted(1, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));
        for (int i = 0; i < 3; i++) servers.get(0).take(ANY);

        for (int i = 0; i < 3; i++) assertSame(servers.get(1), take(balancer));
    }

    @Test
    void givenWeights_whenHeld_thenSharesFollowThem() {
        List<Server> servers = weighted(3, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));

        for (int i = 0; i < 400; i++) take(balancer);

        assertEquals(300, servers.get(0).taken());
        assertEquals(100, servers.get(1).taken());
    }

    @Test
    void givenOneToAvoid_whenPicked_thenAnotherOrNobody() {
        List<Server> servers = weighted(1, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));
        servers.get(1).take(ANY);

        assertSame(servers.get(1), balancer.pick(servers.get(0), ANY));

        Servers.down(servers.get(1));
        balancer.update(ServerSet.of(servers));
        assertNull(balancer.pick(servers.get(0), ANY));
    }

    @Test
    void givenALimit_whenAllAreFull_thenNobody() {
        List<Server> servers = weighted(2, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));
        for (int i = 0; i < 4; i++) {
            Server server = balancer.pick(null, 2);
            assertNotNull(server);
            assertTrue(server.take(2));
        }

        assertNull(balancer.pick(null, 2));
        assertEquals(0, spread(servers));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomEnds_whenOnePicks_thenEachPickIsOfTheLeast(long seed) {
        var random = new Random(seed);
        List<Server> servers = weighted(1, 1, 1, 1, 1);
        var balancer = new LeastConnections(ServerSet.of(servers));
        var held = new ArrayList<Server>();

        for (int step = 0; step < 10_000; step++) {
            if (held.isEmpty() || random.nextInt(5) > 1) {
                int least = servers.stream().mapToInt(Server::taken).min().orElseThrow();
                Server server = balancer.pick();
                assertNotNull(server);
                assertEquals(least, server.taken(), () -> "seed " + seed);
                server.take(ANY);
                held.add(server);
            } else {
                held.remove(random.nextInt(held.size())).giveBack();
            }
        }
    }

    @Test
    void givenFourLoops_when300AreHeld_thenSpreadIsAtMostFour() throws InterruptedException {
        int loops = 4;
        for (int round = 0; round < 200; round++) {
            List<Server> servers = weighted(1, 1, 1);
            var balancer = new LeastConnections(ServerSet.of(servers));
            var start = new CountDownLatch(1);
            var threads = new ArrayList<Thread>();
            for (int loop = 0; loop < loops; loop++) {
                threads.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            await(start);
                                            for (int i = 0; i < 75; i++) take(balancer);
                                        }));
            }
            start.countDown();
            for (Thread thread : threads) thread.join();

            assertEquals(300, servers.stream().mapToInt(Server::taken).sum());
            assertTrue(spread(servers) <= loops, () -> "spread " + spread(servers));
        }
    }

    private static void await(CountDownLatch start) {
        try {
            start.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
