package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pages of the operator's own: for errors, and for maintenance.
final class OwnPagesIT {
    @TempDir Path folder = Path.of("");

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("404.html"), "<p>not here</p>");
        Files.writeString(folder.resolve("503.json"), "{\"error\":503}");
        Files.writeString(folder.resolve("works.txt"), "back soon");
    }

    private RunningDaemon start(String servers, String backend) {
        return RunningDaemon.start(
                """
                listeners.web {
                  bind = "127.0.0.1:0", limits.connections = 100
                  trust = "127.0.0.0/8"
                  routes = [{ path = /, backend = web }, { path = /host, host = nobody, respond = 200 }]
                  error-pages { 404 = "%1$s/404.html", 503 = "%1$s/503.json", 405 = "%1$s/works.txt" }
                  response-headers { set { X-Frame-Options = DENY } }
                }
                listeners.bare { bind = "127.0.0.1:0", limits.connections = 100, backend = web }
                listeners.routes { bind = "127.0.0.1:0", limits.connections = 100, routes = [{ path = /x, respond = 200 }]
                  error-pages { 404 = "%1$s/404.html" } }
                backends.web {
                  servers = ["%2$s"]
                  %3$s
                }
                """
                        .formatted(folder, servers, backend.replace("FOLDER", folder.toString())));
    }

    private static Answer ask(RunningDaemon daemon, String listener, String request, boolean head)
            throws IOException {
        try (Wire wire = Wire.connect(daemon.address(listener))) {
            wire.send(request + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            return Answer.read(wire, head);
        }
    }

    @Test
    void givenPageForAnError_whenItIsAnswered_thenWithThatPage() throws Exception {
        try (RunningDaemon daemon = start("127.0.0.1:1", "check = { tcp = on, every = 1500ms }")) {
            Answer missing = ask(daemon, "routes", "GET /", false);
            assertEquals(404, missing.status());
            assertEquals("<p>not here</p>", missing.body());
            assertEquals("text/html; charset=utf-8", missing.field("content-type"));
            assertEquals("no-store", missing.field("cache-control"));
            assertEquals("15", ask(daemon, "routes", "HEAD /", true).field("content-length"));

            Answer unavailable = ask(daemon, "web", "GET /", false);
            assertEquals(503, unavailable.status());
            assertEquals("{\"error\":503}", unavailable.body());
            assertEquals("application/json", unavailable.field("content-type"));
            assertEquals("2", unavailable.field("retry-after")); // 1.5 s, rounded up.
            assertEquals("DENY", unavailable.field("x-frame-options"));

            Answer refused = ask(daemon, "web", "TRACE /", false); // No request at all.
            assertEquals(405, refused.status());
            assertEquals("back soon", refused.body());
            assertEquals("DENY", refused.field("x-frame-options"));
            assertThat(refused.field("allow")).contains("GET");

            Answer bare = ask(daemon, "bare", "GET /", false);
            assertEquals("503 Service Unavailable\n", bare.body());
            assertNull(bare.field("cache-control"));
            assertNull(bare.field("x-frame-options"));
        }
    }

    @Test
    void givenServersAnswerWithErrors_whenPassedOn_thenTheirPagesStay() throws Exception {
        try (Site site =
                        new Site(
                                (request, wire) -> {
                                    wire.send("HTTP/1.1 404 Nope\r\nContent-Length: 4\r\n\r\nmine");
                                    return true;
                                });
                RunningDaemon daemon = start(site.address(), "")) {
            assertEquals("mine", ask(daemon, "web", "GET /", false).body());
        }
    }

    @Test
    void givenMaintenance_whenAsked_thenOnlyTheExceptedReachTheServer() throws Exception {
        try (Site site =
                        new Site(
                                (request, wire) -> {
                                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                                    return true;
                                });
                RunningDaemon daemon =
                        start(
                                site.address(),
                                "maintenance { page = \"FOLDER/works.txt\", retry-after = 10m, except = \"192.0.2.0/24\" }")) {
            Answer away = ask(daemon, "web", "GET /", false);
            assertEquals(503, away.status());
            assertEquals("back soon", away.body());
            assertEquals("600", away.field("retry-after"));
            assertEquals("text/plain; charset=utf-8", away.field("content-type"));
            assertEquals("no-store", away.field("cache-control"));
            String testers = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
            try (Wire wire = Wire.connect(daemon.address("web"))) {
                wire.send(testers);
                assertEquals("ok", Answer.read(wire, false).body());
            }
            try (Wire wire = Wire.connect(daemon.address("bare"))) { // Which trusts nobody.
                wire.send(testers);
                assertEquals(503, Answer.read(wire, false).status());
            }
            assertEquals(1, site.requests());
            daemon.awaitMetric(
                    2,
                    "bascule_exchanges_total",
                    "backend=\"web\"",
                    "server=\"none\"",
                    "code=\"5xx\"");
        }
    }

    @Test
    void givenMaintenanceWithoutAPage_whenAsked_thenTheListenersOwn() throws Exception {
        try (RunningDaemon daemon = start("127.0.0.1:1", "maintenance = on")) {
            Answer away = ask(daemon, "web", "GET /", false);
            assertEquals("{\"error\":503}", away.body());
            assertNull(away.field("retry-after"));
            assertEquals("503 Service Unavailable\n", ask(daemon, "bare", "GET /", false).body());
        }
    }
}
