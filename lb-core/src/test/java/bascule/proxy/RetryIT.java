package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// A second try: where it goes, and when there is none.
final class RetryIT {
    private static final int REQUESTS = 20;
    private static final int SECONDS = Boolean.getBoolean("bascule.long") ? 25 : 3;
    private static final int CLIENTS = 8;

    private static RunningDaemon daemon(String... servers) {
        return RunningDaemon.start(
                """
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                backends.web.servers = ["%s"]
                loops = 1
                """
                        .formatted(String.join("\", \"", servers)));
    }

    private static String closedPort() throws IOException {
        try (var closed = new Origin()) {
            return closed.address();
        }
    }

    @Test
    void givenOneOfTwoServersRefuses_whenAsked_thenTheOtherAnswersAll() throws Exception {
        try (var alive = new Origin();
                RunningDaemon daemon = daemon(closedPort(), alive.address());
                Wire client = Wire.connect(daemon.address("web"))) {
            Wire server = null;
            for (int sent = 0; sent < REQUESTS; sent++) {
                client.send(
                        "POST /" + sent + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
                if (server == null) server = alive.accept();
                assertThat(server.receiveHead()).startsWith("POST /" + sent + " ");
                server.receive(2);
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                assertThat(Answer.read(client, false).status()).isEqualTo(200);
            }
            daemon.awaitMetric(
                    REQUESTS, "bascule_exchanges_total", "code=\"2xx\"", alive.address());
            // Every second one, for another try takes nobody's turn.
            daemon.awaitMetric(REQUESTS / 2, "bascule_retries_total", "reason=\"connect\"");
            server.close();
        }
    }

    @Test
    void givenAllServersRefuse_whenAsked_then502AfterTwoTries() throws Exception {
        try (RunningDaemon daemon = daemon(closedPort(), closedPort());
                Wire client = Wire.connect(daemon.address("web"))) {
            for (int sent = 0; sent < REQUESTS; sent++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(Answer.read(client, false).status()).isEqualTo(502);
            }
            daemon.awaitMetric(REQUESTS, "bascule_exchanges_total", "code=\"5xx\"");
            daemon.awaitMetric(REQUESTS, "bascule_retries_total", "reason=\"connect\"");
        }
    }

    @Test
    void givenTheOnlyServerRefuses_whenAsked_then502AtOnce() throws Exception {
        try (RunningDaemon daemon = daemon(closedPort());
                Wire client = Wire.connect(daemon.address("web"))) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(Answer.read(client, false).status()).isEqualTo(502);
            daemon.awaitMetric(0, "bascule_retries_total");
        }
    }

    private static RunningDaemon of(String backend) {
        return RunningDaemon.start(
                """
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                backends.web { %s }
                loops = 1
                """
                        .formatted(backend));
    }

    private static String path(Answer request) {
        return request.head().split(" ", 3)[1];
    }

    private static boolean ok(Wire wire) throws IOException {
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return true;
    }

    /// The server that fails has ten turns of twelve, so most second tries would be its turn, too.
    @Test
    void givenAServerThatDiesOfEachRequest_whenAsked_thenEachIsSentToAnotherOne() throws Exception {
        List<String> died = Collections.synchronizedList(new ArrayList<>());
        try (var bad =
                        new Site(
                                (request, wire) -> {
                                    died.add(path(request));
                                    wire.reset();
                                    return false;
                                });
                var good = new Site((_, wire) -> ok(wire));
                var better = new Site((_, wire) -> ok(wire));
                RunningDaemon daemon =
                        of(
                                "servers = [{ address = \"%s\", weight = 10 }, \"%s\", \"%s\"], retry { tries = 2, budget = 100%% }"
                                        .formatted(
                                                bad.address(), good.address(), better.address()));
                Wire client = Wire.connect(daemon.address("web"))) {
            for (int sent = 0; sent < REQUESTS; sent++) {
                client.send("GET /" + sent + " HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(Answer.read(client, false).status()).isEqualTo(200);
            }
            assertThat(died).hasSizeGreaterThan(REQUESTS / 2).doesNotHaveDuplicates();
            assertThat(good.requests() + better.requests()).isEqualTo(REQUESTS);
            daemon.awaitMetric(died.size(), "bascule_retries_total", "reason=\"no-response\"");
        }
    }

    @Test
    void givenRetryIsOff_whenAServerFails_thenNothingIsSentAgain() throws Exception {
        try (var dies = new Site((_, wire) -> false);
                var good = new Site((_, wire) -> ok(wire));
                RunningDaemon daemon =
                        of(
                                "servers = [\"%s\", \"%s\", \"%s\"], retry = off"
                                        .formatted(closedPort(), dies.address(), good.address()));
                Wire client = Wire.connect(daemon.address("web"))) {
            int refused = 0;
            int sent = 3 * REQUESTS;
            for (int number = 0; number < sent; number++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                int status = Answer.read(client, false).status();
                if (status == 502) refused++;
                else assertThat(status).isEqualTo(200);
            }
            assertThat(refused).isEqualTo(2 * REQUESTS);
            assertThat(dies.requests()).isEqualTo(REQUESTS);
            assertThat(good.requests()).isEqualTo(REQUESTS);
            daemon.awaitMetric(0, "bascule_retries_total");
        }
    }

    /// Closed by the server, all of them, and only noticed by the request that comes: the second try must not meet another of them.
    @Test
    void givenAnOnlyServerWithManyStaleConnections_whenAsked_thenAFreshOneAnswers()
            throws Exception {
        int pooled = 5;
        var waiting = new CountDownLatch(pooled);
        var stale = ConcurrentHashMap.<Wire>newKeySet();
        try (var site =
                        new Site(
                                (request, wire) -> {
                                    if (stale.contains(wire)) {
                                        wire.reset();
                                        return false;
                                    }
                                    if (path(request).equals("/first")) {
                                        stale.add(wire);
                                        waiting.countDown();
                                        await(waiting);
                                        return ok(wire);
                                    }
                                    wire.send(
                                            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
                                    return false;
                                });
                RunningDaemon daemon = of("servers = \"" + site.address() + "\"")) {
            var clients = new ArrayList<Background>();
            for (int client = 0; client < pooled; client++)
                clients.add(
                        Background.start(
                                () ->
                                        assertThat(
                                                        Answer.get(daemon.address("web"), "/first")
                                                                .body())
                                                .isEqualTo("ok")));
            for (Background client : clients) client.end();
            daemon.awaitMetric(pooled, "bascule_server_pool_idle");

            for (int sent = 0; sent < pooled; sent++)
                assertThat(Answer.get(daemon.address("web"), "/then").status()).isEqualTo(200);
            daemon.awaitMetric(pooled, "bascule_retries_total", "reason=\"no-response\"");
            assertThat(site.requests()).isEqualTo(3 * pooled);
            assertThat(site.connections()).isEqualTo(2 * pooled);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(RunningDaemon.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                throw new AssertionError("not together");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Site dying() throws IOException {
        return new Site(
                (_, wire) -> {
                    wire.reset();
                    return false;
                });
    }

    /// How much is sent, and how much arrives, where all servers fail.
    ///
    /// @param budget of `retry`
    private static long[] sentAndSeen(String budget) throws Exception {
        try (var one = dying();
                var two = dying();
                var three = dying();
                RunningDaemon daemon =
                        of(
                                "servers = [\"%s\", \"%s\", \"%s\"], retry { tries = 10, budget = %s }"
                                        .formatted(
                                                one.address(),
                                                two.address(),
                                                three.address(),
                                                budget))) {
            var sent = new AtomicLong();
            long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
            var clients = new ArrayList<Background>();
            for (int number = 0; number < CLIENTS; number++) {
                clients.add(
                        Background.start(
                                () -> {
                                    try (Wire client = Wire.connect(daemon.address("web"))) {
                                        while (System.nanoTime() - end < 0) {
                                            sent.incrementAndGet();
                                            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                                            assertThat(Answer.read(client, false).status())
                                                    .isEqualTo(502);
                                        }
                                    }
                                }));
            }
            for (Background client : clients) client.end();
            long seen = (long) one.requests() + two.requests() + three.requests();
            daemon.awaitMetric((double) (seen - sent.get()), "bascule_retries_total");
            return new long[] {sent.get(), seen};
        }
    }

    /// A fifth of the requests, and three a second: 30 at once, since the budget is that of ten seconds.
    private static long most(long sent) {
        return sent + sent / 5 + 30L * (SECONDS / 10 + 1);
    }

    @Test
    void givenAllServersFail_whenAsked_thenNoMoreIsSentAgainThanTheBudgetHas() throws Exception {
        long[] counts = sentAndSeen("20%");

        assertThat(counts[0]).isGreaterThan(SECONDS * 100L);
        // It is spent, too.
        assertThat(counts[1]).isBetween(counts[0] + counts[0] / 20, most(counts[0]));
    }

    @Test
    void givenABudgetOfAll_whenAllServersFail_thenTheServersSeeMore() throws Exception {
        long[] counts = sentAndSeen("100%");

        assertThat(counts[1]).isGreaterThan(most(counts[0]));
    }
}
