package bascule.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.server.Server;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import bascule.server.ServerStatus;
import bascule.server.Servers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class LineTest {
    private static final int LOOPS = 3;
    private static final Transport TRANSPORT = Transport.open(Transport.Kind.NIO, LOOPS);
    private static final Loop LOOP = TRANSPORT.loops().getFirst();

    @AfterAll
    static void end() {
        TRANSPORT.close(1000);
    }

    private static BackendConfig config(String keys, int servers) {
        var names = new ArrayList<String>();
        for (int i = 0; i < servers; i++) names.add("\"127.0.0.1:" + (8001 + i) + "\"");
        LoadResult read =
                ConfigurationLoader.parse(
                        "listeners.http { bind = \":80\", backend = web }\nbackends.web { servers = %s, %s }"
                                .formatted(names, keys),
                        Path.of("test.conf"),
                        Map.of());
        if (!(read instanceof LoadResult.Loaded(Configuration loaded)))
            throw new AssertionError(read);
        return loaded.backends().getFirst();
    }

    private static Backend backend(String keys, int servers) {
        Backend backend =
                new Backends()
                        .apply(
                                List.of(config(keys, servers)),
                                Map.of("web", ServerLink.plain(BackendProtocol.HTTP1)),
                                _ -> List.of())
                        .all()
                        .getFirst();
        backend.publish(ServerSet.of(backend.servers()));
        return backend;
    }

    private static void onLoop(Loop loop, Runnable action) {
        CompletableFuture.runAsync(action, loop.executor()).join();
    }

    /// One that notes what it gets.
    private static final class Guest extends Waiter {
        final CompletableFuture<@Nullable Server> outcome = new CompletableFuture<>();
        final CompletableFuture<Void> late = new CompletableFuture<>();

        Guest(@Nullable Server wanted) {
            this(wanted, null);
        }

        Guest(@Nullable Server wanted, @Nullable Server avoid) {
            super(LOOP, wanted, avoid);
        }

        @Override
        protected void granted(@Nullable Server server, long nowNanos) {
            assertTrue(LOOP.executor().inEventLoop());
            outcome.complete(server);
        }

        @Override
        protected void timedOut(long nowNanos) {
            late.complete(null);
        }

        @Override
        protected void failed(Throwable cause) {
            outcome.completeExceptionally(cause);
        }
    }

    private static Guest joined(Backend backend, @Nullable Server wanted) {
        var guest = new Guest(wanted);
        onLoop(LOOP, () -> assertTrue(backend.await(guest, LOOP.nanoTime())));
        return guest;
    }

    @Test
    void givenAFullServer_whenAPlaceIsGivenBack_thenTheLongestWaiterHasIt() {
        Backend backend = backend("capacity { connections = 1, queue = 2 }", 1);
        Server server = backend.choose(null, true);
        assertNotNull(server);
        assertNull(backend.choose(null, true));
        Guest first = joined(backend, null);
        Guest second = joined(backend, null);
        assertEquals(2, backend.waiting());

        backend.leave(server);

        assertSame(server, first.outcome.join());
        assertFalse(second.outcome.isDone());
        assertEquals(1, server.taken());
        assertEquals(1, backend.waiting());
    }

    @Test
    void givenAFullLine_whenOneMoreComes_thenItIsRefused() {
        Backend backend = backend("capacity { connections = 1, queue = 2 }", 1);
        backend.choose(null, true);
        joined(backend, null);
        joined(backend, null);

        onLoop(LOOP, () -> assertFalse(backend.await(new Guest(null), LOOP.nanoTime())));
        assertEquals(2, backend.waiting());
    }

    @Test
    void givenAWaiter_whenAnotherComes_thenItDoesNotOvertake() {
        Backend backend = backend("capacity { connections = 1 }", 2);
        Server a = backend.choose(null, true);
        Server b = backend.choose(null, true);
        assertNotNull(a);
        assertNotNull(b);
        // Waits for one that stays full, so it is in the line when the other is free.
        Guest bound = joined(backend, a);
        backend.leave(b);

        assertNull(backend.choose(null, true), "a free place is for the line");
        assertSame(b, joined(backend, null).outcome.join());
        assertFalse(bound.outcome.isDone());
        backend.leave(a);
        assertSame(a, bound.outcome.join());
    }

    @Test
    void givenAWaiterBoundToAServer_whenThatIsLost_thenAnyOtherWillDo() {
        Backend backend = backend("capacity { connections = 1 }", 2);
        Server a = backend.choose(null, true);
        Server b = backend.choose(null, true);
        assertNotNull(a);
        assertNotNull(b);
        Guest bound = joined(backend, a);
        Servers.down(a);
        backend.publish(ServerSet.of(backend.servers()));
        backend.leave(b);

        assertSame(b, bound.outcome.join());
    }

    @Test
    void givenOneToAvoid_whenOnlyItHasAPlace_thenTheOtherIsWaitedFor() {
        Backend backend = backend("capacity { connections = 1 }", 2);
        Server a = backend.choose(null, true);
        Server b = backend.choose(null, true);
        assertNotNull(a);
        assertNotNull(b);
        backend.leave(b);

        assertNull(backend.choose(b, true));
        var guest = new Guest(null, b);
        onLoop(LOOP, () -> assertTrue(backend.await(guest, LOOP.nanoTime())));
        onLoop(LOOP, () -> {});
        assertFalse(guest.outcome.isDone());

        backend.leave(a);
        assertSame(a, guest.outcome.join());
    }

    @Test
    void givenOneToAvoid_whenThereIsNoOther_thenItIsAskedAgain() {
        Backend backend = backend("capacity { connections = 1 }", 1);
        Server only = backend.servers().getFirst();

        assertSame(only, backend.choose(only, true));
    }

    @Test
    void givenOneBoundToADrainedServer_whenAllOthersAreFull_thenThoseBeforeItDoNotHoldItUp() {
        Backend backend = backend("capacity { connections = 1 }", 2);
        Server a = backend.choose(null, true);
        Server b = backend.choose(null, true);
        assertNotNull(a);
        assertNotNull(b);
        a.publish(new ServerStatus(ServerStatus.Admin.DRAINING, ServerStatus.Health.UP));
        backend.publish(ServerSet.of(backend.servers()));
        Guest any = joined(backend, null);
        Guest bound = joined(backend, a);

        backend.leave(a);

        assertSame(a, bound.outcome.join());
        assertFalse(any.outcome.isDone());
    }

    @Test
    void givenAWaiterThatFails_whenGranted_thenItHearsOfIt() {
        Backend backend = backend("capacity { connections = 1 }", 1);
        Server server = backend.choose(null, true);
        assertNotNull(server);
        var heard = new CompletableFuture<Throwable>();
        var broken =
                new Waiter(LOOP, null, null) {
                    @Override
                    protected void granted(@Nullable Server place, long nowNanos) {
                        throw new IllegalStateException("planted");
                    }

                    @Override
                    protected void timedOut(long nowNanos) {}

                    @Override
                    protected void failed(Throwable cause) {
                        heard.complete(cause);
                    }
                };
        onLoop(LOOP, () -> assertTrue(backend.await(broken, LOOP.nanoTime())));

        backend.leave(server);

        assertEquals("planted", heard.join().getMessage());
    }

    @Test
    void givenWaiters_whenNoServerIsLeft_thenAllAreSentAway() {
        Backend backend = backend("capacity { connections = 1 }", 1);
        Server server = backend.choose(null, true);
        assertNotNull(server);
        Guest first = joined(backend, null);
        Guest second = joined(backend, null);

        Servers.down(server);
        backend.publish(ServerSet.of(backend.servers()));

        assertNull(first.outcome.join());
        assertNull(second.outcome.join());
        assertEquals(0, backend.waiting());
    }

    @Test
    void givenAWaiter_whenItsTimeIsOver_thenItHearsSoAndIsGone() {
        Backend backend = backend("capacity { connections = 1, wait = 50ms }", 1);
        backend.choose(null, true);
        Guest guest = joined(backend, null);

        onLoop(LOOP, () -> LOOP.wheel().advance(LOOP.nanoTime() + TimeUnit.SECONDS.toNanos(1)));

        guest.late.join();
        assertEquals(0, backend.waiting());
    }

    @Test
    void givenAWaiterThatLeft_whenItsPlaceIsOnTheWay_thenThePlaceGoesBack() {
        Backend backend = backend("capacity { connections = 1 }", 1);
        Server server = backend.choose(null, true);
        assertNotNull(server);
        Guest hasty = joined(backend, null);

        onLoop(
                LOOP,
                () -> {
                    backend.leave(server); // Granted, by a task that runs after this one.
                    hasty.leave();
                });
        onLoop(LOOP, () -> {});

        assertFalse(hasty.outcome.isDone());
        assertEquals(0, server.taken());
        assertSame(server, backend.choose(null, true));
    }

    @Test
    void givenWaiters_whenAReloadLiftsTheBound_thenAllAreServed() {
        Backend backend = backend("capacity { connections = 1 }", 1);
        Server server = backend.choose(null, true);
        assertNotNull(server);
        Guest guest = joined(backend, null);

        backend.reconfigure(config("capacity = off", 1), backend.link(), backend.servers());

        assertSame(server, guest.outcome.join());
    }

    /// Loops that come, wait, leave and go as a seed says: no server ever has more than its places, nobody is forgotten, and those of
    /// one loop are served in their order.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenBusyLoops_whenPlacesAreFew_thenNeverOneTooManyAndNobodyIsForgotten(long seed)
            throws InterruptedException {
        int limit = 2;
        Backend backend =
                backend(
                        "balance = least-connections, capacity { connections = 2, queue = 100000, wait = 5m }",
                        3);
        Map<Server, AtomicInteger> inside = new ConcurrentHashMap<>();
        backend.servers().forEach(server -> inside.put(server, new AtomicInteger()));
        var most = new AtomicInteger();
        var outOfOrder = new AtomicInteger();
        var served = new AtomicLong();
        int visits = 4000;
        var done = new CountDownLatch(LOOPS * visits);
        for (Loop loop : TRANSPORT.loops()) {
            loop.executor()
                    .execute(
                            () ->
                                    new Visitors(
                                                    loop,
                                                    backend,
                                                    new Random(seed + loop.index()),
                                                    inside,
                                                    most,
                                                    outOfOrder,
                                                    served,
                                                    done,
                                                    visits)
                                            .next());
        }

        assertTrue(done.await(30, TimeUnit.SECONDS), () -> done.getCount() + " were forgotten");
        assertTrue(most.get() <= limit, () -> "at once: " + most);
        assertEquals(0, outOfOrder.get());
        assertEquals(LOOPS * (long) visits, served.get());
        assertEquals(0, backend.waiting());
        for (Server server : backend.servers()) assertEquals(0, server.taken());
    }

    /// What one loop does.
    private record Visitors(
            Loop loop,
            Backend backend,
            Random random,
            Map<Server, AtomicInteger> inside,
            AtomicInteger most,
            AtomicInteger outOfOrder,
            AtomicLong served,
            CountDownLatch done,
            Map<Integer, Integer> state) {
        private static final int COME = 0;
        private static final int GRANTED = 1;
        private static final int LEFT = 2;

        Visitors(
                Loop loop,
                Backend backend,
                Random random,
                Map<Server, AtomicInteger> inside,
                AtomicInteger most,
                AtomicInteger outOfOrder,
                AtomicLong served,
                CountDownLatch done,
                int visits) {
            this(loop, backend, random, inside, most, outOfOrder, served, done, new HashMap<>());
            state.put(LEFT, visits);
        }

        void next() {
            int left = state.merge(LEFT, -1, Integer::sum);
            if (left < 0) return;
            Server server = backend.choose(null, true);
            if (server == null) {
                int number = state.merge(COME, 1, Integer::sum);
                var waiting = new Visitor(this, number);
                assertTrue(backend.await(waiting, loop.nanoTime()));
                if (random.nextInt(8) == 0) {
                    loop.executor()
                            .execute(
                                    () -> {
                                        if (waiting.gone) return;
                                        waiting.gone = true;
                                        waiting.leave();
                                        served.incrementAndGet();
                                        done.countDown();
                                    });
                }
            } else {
                enter(server);
            }
            loop.executor().execute(this::next);
        }

        void granted(int number, Server server) {
            Integer before = state.put(GRANTED, number);
            if (before != null && before > number) outOfOrder.incrementAndGet();
            enter(server);
        }

        private void enter(Server server) {
            AtomicInteger count = inside.get(server);
            assertNotNull(count);
            most.accumulateAndGet(count.incrementAndGet(), Math::max);
            loop.executor()
                    .execute(
                            () -> {
                                count.decrementAndGet();
                                backend.leave(server);
                                served.incrementAndGet();
                                done.countDown();
                            });
        }
    }

    private static final class Visitor extends Waiter {
        private final Visitors of;
        private final int number;
        boolean gone;

        Visitor(Visitors of, int number) {
            super(of.loop(), null, null);
            this.of = of;
            this.number = number;
        }

        @Override
        protected void granted(@Nullable Server server, long nowNanos) {
            gone = true;
            assertNotNull(server);
            of.granted(number, server);
        }

        @Override
        protected void timedOut(long nowNanos) {
            throw new AssertionError("timed out");
        }

        @Override
        protected void failed(Throwable cause) {
            throw new AssertionError(cause);
        }
    }
}
