package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// What clients see when servers go and come, and who notices: the checks, or the exchanges themselves.
final class UnfitServersIT {
    private static final String CHECK =
            "check { http = /health, every = 250ms, rise = 2, fall = 2 }";

    private static RunningDaemon daemon(String keys, String... servers) {
        return RunningDaemon.start(
                """
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                backends.web.servers = ["%s"]
                backends.web { %s }
                """
                        .formatted(String.join("\", \"", servers), keys));
    }

    private static boolean ok(Wire wire) throws IOException {
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return true;
    }

    private static void awaitStatus(RunningDaemon daemon, int status) {
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> get(daemon).status(), seen -> seen == status);
    }

    private static Answer get(RunningDaemon daemon) {
        return Answer.get(daemon.address("web"), "/");
    }

    @Test
    void givenOnlyServer_whenItGoesAndComes_then503MeanwhileAndServedAfterRisePasses()
            throws Exception {
        Site first = Site.ofHeads((_, wire) -> ok(wire));
        String address = first.address();
        try (first;
                RunningDaemon daemon = daemon(CHECK, address)) {
            assertEquals(
                    200, get(daemon).status()); // The first check came before the first client.
            first.stop();
            awaitStatus(daemon, 503);

            Answer none = get(daemon);
            assertEquals(503, none.status());
            assertEquals("1", none.field("Retry-After"));
            daemon.awaitMetric(0, "bascule_server_up", address);
            daemon.awaitMetric(1, "bascule_server_state", address, "state=\"down\"");
            String status = status(daemon);
            assertThat(status)
                    .contains("\"health\": \"down\"", "\"check\": \"connection refused\"");

            var checks = new AtomicInteger();
            var checksBefore = new AtomicInteger(-1);
            try (Site second =
                    Site.at(
                            address,
                            (head, wire) -> {
                                if (head.startsWith("GET /health ")) checks.incrementAndGet();
                                else checksBefore.compareAndSet(-1, checks.get());
                                return ok(wire);
                            })) {
                awaitStatus(daemon, 200);
                assertThat(checksBefore.get()).isGreaterThanOrEqualTo(2);
                daemon.awaitMetric(1, "bascule_server_up", address);
                assertThat(status(daemon)).contains("\"health\": \"up\"", "\"check\": \"200 in ");
                second.check();
            }
        }
    }

    private static String status(RunningDaemon daemon) {
        return Answer.get(daemon.adminAddress(), "/status").body();
    }

    @Test
    void givenTwoServers_whenOneGoesAndComes_thenNoClientNotices() throws Exception {
        Site gone = Site.ofHeads((_, wire) -> ok(wire));
        String address = gone.address();
        try (gone;
                Site stays = Site.ofHeads((_, wire) -> ok(wire));
                RunningDaemon daemon = daemon(CHECK, address, stays.address())) {
            for (int i = 0; i < 20; i++) assertEquals(200, get(daemon).status());
            gone.stop();
            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .pollInterval(Duration.ofMillis(20)) // Within the budget of a young daemon.
                    .until(
                            () -> {
                                assertEquals(200, get(daemon).status());
                                return daemon.metric("bascule_server_up", address) == 0;
                            });
            // The set may be a moment younger than the status.
            Awaitility.await().until(() -> untouched(daemon, address));

            var served = new AtomicInteger();
            try (Site back =
                    Site.at(
                            address,
                            (head, wire) -> {
                                if (head.startsWith("GET / ")) served.incrementAndGet();
                                return ok(wire);
                            })) {
                Awaitility.await()
                        .atMost(RunningDaemon.PATIENCE)
                        .pollInterval(Duration.ofMillis(10))
                        .until(
                                () -> {
                                    assertEquals(200, get(daemon).status());
                                    return served.get() > 3;
                                });
                back.check();
            }
        }
    }

    /// Whether of some requests none was tried at a server that is down.
    private static boolean untouched(RunningDaemon daemon, String server) {
        double before = daemon.metric("bascule_retries_total", "backend=\"web\"");
        for (int i = 0; i < 20; i++) assertEquals(200, get(daemon).status());
        return daemon.metric("bascule_retries_total", "backend=\"web\"") == before
                && daemon.metric("bascule_server_up", server) == 0;
    }

    @Test
    void givenServerThatBreaksExchanges_whenTooMany_thenEjectedForATime() throws Exception {
        var broken = new AtomicBoolean(true);
        try (Site bad =
                        Site.ofHeads(
                                (_, wire) -> {
                                    if (!broken.get()) return ok(wire);
                                    wire.send("HTTP/1.1 2x0 NO\r\n\r\n");
                                    return false;
                                });
                Site good = Site.ofHeads((_, wire) -> ok(wire));
                RunningDaemon daemon =
                        daemon(
                                "eject { errors = 3, within = 1h, for = 2s }",
                                bad.address(),
                                good.address())) {
            int failed = 0;
            while (daemon.metric("bascule_server_state", bad.address(), "state=\"ejected\"") == 0) {
                int status = get(daemon).status();
                assertThat(status).isIn(200, 502);
                if (status == 502) failed++;
                assertThat(failed).isLessThan(1000);
            }
            assertThat(failed).isGreaterThanOrEqualTo(3);
            broken.set(false);
            int served = bad.requests();
            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .pollInterval(Duration.ofMillis(10))
                    .until(
                            () -> {
                                assertEquals(200, get(daemon).status());
                                return bad.requests() > served + 1;
                            });
            daemon.awaitMetric(0, "bascule_server_state", bad.address(), "state=\"ejected\"");
            good.check();
        }
    }
}
