package bascule;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// `/status` of a daemon that has something to tell.
final class StatusIT {
    @Test
    void givenExchanges_whenAsked_thenTotalsPerServerAndPerListener() throws Exception {
        try (var site = site();
                var daemon = daemon(site)) {
            for (String path : List.of("/", "/", "/500", "/nowhere/"))
                Answer.get(daemon.address("http"), path);

            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .until(() -> listener(daemon).get("exchanges").number() == 4);
            assertEquals(1, listener(daemon).get("errors").number());
            Json a = server(daemon);
            assertEquals(3, a.get("exchanges").number());
            assertEquals(1, a.get("errors").number());
            assertEquals("up", a.get("state").text());
            assertEquals("enabled", a.get("admin").text());
            assertEquals("round-robin", backend(daemon).get("balance").text());
        }
    }

    @Test
    void givenExchanges_whenSampled_thenTheirMedianAndTheSlowest() throws Exception {
        try (var site = site();
                var daemon = daemon(site)) {
            assertThat(server(daemon).get("p50Seconds").number()).isNaN();
            Answer.get(daemon.address("http"), "/");
            Answer.get(daemon.address("http"), "/slow");

            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .until(() -> server(daemon).get("p99Seconds").number() >= 0.2);
            assertThat(server(daemon).get("p50Seconds").number()).isBetween(0.0, 0.19);
        }
    }

    @Test
    void givenDaemon_whenAsked_thenWhatChangedTheNewestFirstAndWhenItWasAsked() throws Exception {
        Instant before = Instant.now();
        try (var site = site();
                var daemon = daemon(site)) {
            Json status = status(daemon);
            Json change = status.get("changes").list().getFirst();

            assertEquals("listener-open", change.get("event").text());
            assertThat(change.get("text").text()).startsWith("name=http bind=");
            assertThat(Instant.parse(change.get("at").text()))
                    .isBetween(before, Instant.parse(status.get("at").text()));
            assertThat(Duration.between(before, Instant.parse(status.get("at").text())))
                    .isBetween(Duration.ZERO, RunningDaemon.PATIENCE);
        }
    }

    private static Site site() throws IOException {
        return new Site(
                (request, wire) -> {
                    String path = request.head().split(" ", 3)[1];
                    if (path.equals("/slow")) pause();
                    String status = path.equals("/500") ? "500 No" : "200 OK";
                    wire.send("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
                    return true;
                });
    }

    private static void pause() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static RunningDaemon daemon(Site site) throws IOException {
        return RunningDaemon.start(
                """
                listeners.http {
                    bind = "127.0.0.1:0"
                    routes = [{ path = /nowhere/, respond = 404 }]
                    backend = web
                    limits.connections = 100
                }
                backends.web.servers = [{ name = a, address = "%s" }]
                """
                        .formatted(site.address()));
    }

    private static Json status(RunningDaemon daemon) throws IOException {
        return Json.parse(Answer.get(daemon.adminAddress(), "/status").body(UTF_8));
    }

    private static Json listener(RunningDaemon daemon) throws IOException {
        return status(daemon).get("listeners").list().getFirst();
    }

    private static Json backend(RunningDaemon daemon) throws IOException {
        return status(daemon).get("backends").list().getFirst();
    }

    private static Json server(RunningDaemon daemon) throws IOException {
        return backend(daemon).get("servers").list().getFirst();
    }
}
