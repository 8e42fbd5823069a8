package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.config.CheckConfig;
import bascule.config.StatusRange;
import bascule.server.Server;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ChecksTest {
    private static final CheckConfig.Probe HTTP =
            new CheckConfig.Probe.Http("/", null, List.of(new StatusRange(200, 399)));

    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private static Server server(String backend, ServerSocket server) {
        var address = new InetSocketAddress(server.getInetAddress(), server.getLocalPort());
        return new Server(backend, "a", address, 0, 1, false);
    }

    /// Takes connections, and says nothing.
    private static ServerSocket silent() throws Exception {
        return new ServerSocket(0, 2 * Checks.MOST_AT_ONCE, InetAddress.getLoopbackAddress());
    }

    @Test
    void givenBackendWhoseServersHang_whenAnotherBackendIsDue_thenItIsAskedAtOnce()
            throws Exception {
        var hangs = new CheckConfig(HTTP, Duration.ofMinutes(1), Duration.ofMinutes(1), 3, 2);
        var quick =
                new CheckConfig(
                        new CheckConfig.Probe.Tcp(),
                        Duration.ofMinutes(1),
                        Duration.ofSeconds(9),
                        3,
                        2);
        try (ServerSocket server = silent()) {
            var opened = new AtomicInteger();
            var checks =
                    new Checks(
                            loop,
                            family -> {
                                opened.incrementAndGet();
                                return Probe.Sockets.SYSTEM.open(family);
                            });
            for (int i = 0; i < 2 * Checks.MOST_AT_ONCE; i++) {
                var check = new Check(checks, server("hangs", server), _ -> {});
                loop.execute(() -> check.begin(hangs, Samples.PLAIN, 0));
            }
            int most = Checks.MOST_AT_ONCE * Checks.SHARE / (Checks.SHARE + 1);
            Awaitility.await().until(() -> opened.get() == most);

            var result = new CompletableFuture<ProbeResult>();
            var other = new Check(checks, server("other", server), result::complete);
            loop.execute(() -> other.begin(quick, Samples.PLAIN, 0));

            assertThat(result.get(30, TimeUnit.SECONDS)).isInstanceOf(ProbeResult.Passed.class);
            assertThat(opened).hasValue(most + 1);
        }
    }

    @Test
    void givenProbesThatFailToStart_whenTheyCanAgain_thenNoPlaceAndNoCheckIsLost()
            throws Exception {
        var tcp =
                new CheckConfig(
                        new CheckConfig.Probe.Tcp(),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(9),
                        3,
                        2);
        int count = 2 * Checks.MOST_AT_ONCE;
        var failures = new AtomicInteger(count);
        Set<Integer> passed = ConcurrentHashMap.newKeySet();
        try (ServerSocket server = new ServerSocket(0, count, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    while (true) server.accept().close();
                                } catch (IOException _) {
                                    // The test has ended.
                                }
                            });
            var checks =
                    new Checks(
                            loop,
                            family -> {
                                if (failures.getAndDecrement() > 0)
                                    throw new AssertionError("planted");
                                return Probe.Sockets.SYSTEM.open(family);
                            });
            for (int i = 0; i < count; i++) {
                int number = i;
                var check =
                        new Check(
                                checks,
                                server("web", server),
                                result -> {
                                    if (result instanceof ProbeResult.Passed) passed.add(number);
                                });
                loop.execute(() -> check.begin(tcp, Samples.PLAIN, 0));
            }

            Awaitility.await().atMost(30, TimeUnit.SECONDS).until(() -> passed.size() == count);
        }
    }

    @Test
    void givenTurnThatEndsInAnError_whenGuarded_thenTheTimerGoesOn() {
        try (Health health = Health.start(null)) {
            var turns = new AtomicInteger();
            Runnable turn =
                    health.guarded(
                            () -> {
                                turns.incrementAndGet();
                                throw new AssertionError("planted");
                            });

            turn.run();
            turn.run();

            assertThat(turns).hasValue(2);
        }
    }

    @Test
    void givenInterval_whenDrawn_thenSpreadOverATenthOnBothSides() {
        long every = 1_000_000_000L;
        int[] parts = new int[10]; // Of 900 to 1,100 ms.
        for (int i = 0; i < 10_000; i++) {
            long next = Checks.nextNanos(every);
            assertThat(next).isBetween(900_000_000L, 1_100_000_000L);
            parts[(int) Math.min(9, (next - 900_000_000L) / 20_000_000L)]++;
        }

        for (int part : parts) assertThat(part).isBetween(800, 1200);
    }
}
