package bascule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.admin.Commands;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Traffic rules while an operator reloads, drains and limits.
final class TrafficRulesIT {
    @TempDir Path folder = Path.of("");
    private final AtomicReference<String> file = new AtomicReference<>("");
    private Daemon daemon;

    private void start(String text) throws StartFailure {
        file.set(text);
        if (!(read() instanceof LoadResult.Loaded(Configuration configuration)))
            throw new AssertionError(read());
        daemon = Daemon.start(configuration, this::read);
    }

    private LoadResult read() {
        String common =
                """
                admin { http = "127.0.0.1:0", socket = "%1$s/admin.sock" }
                state = "%1$s"
                logging.access = off
                shutdown.grace = off
                """
                        .formatted(folder);
        return ConfigurationLoader.parse(common + file.get(), Path.of("test.conf"), Map.of());
    }

    private void reload(String text) throws Exception {
        file.set(text);
        assertInstanceOf(Commands.Reloaded.class, daemon.reload().get());
    }

    @AfterEach
    void stop() {
        if (daemon != null) daemon.stop();
    }

    private Wire connect() throws IOException {
        return Wire.connect(daemon.addresses("web").getFirst());
    }

    private static Answer ask(Wire wire, String more) throws IOException {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n");
        return Answer.read(wire, false);
    }

    private int status() throws IOException {
        try (Wire wire = connect()) {
            return ask(wire, "").status();
        }
    }

    @Test
    void givenRateLimit_whenReloaded_thenBucketsStayUnlessTheLimitChanges() throws Exception {
        String listener =
                """
                listeners.web {
                  bind = "127.0.0.1:0", limits.connections = 100
                  rate-limit { rate = 1/h, burst = %d }
                  routes = [{ path = /, respond = %d }]
                }
                """;
        start(listener.formatted(2, 200));
        assertEquals(200, status());
        assertEquals(200, status());
        assertEquals(429, status());

        reload(listener.formatted(2, 201));
        assertEquals(429, status());

        reload(listener.formatted(1, 201));
        assertEquals(201, status());
        assertEquals(429, status());

        reload(listener.formatted(1, 201).replace("rate-limit", "#rate-limit"));
        assertEquals(201, status());
    }

    @Test
    void givenRules_whenReloaded_thenTheNextRequestOnAnOldConnectionFollowsThem() throws Exception {
        start(
                "listeners.web { bind = \"127.0.0.1:0\", limits.connections = 100, routes = [{ path = /, respond = 200 }] }");
        try (Wire wire = connect();
                Wire other = connect()) {
            assertNull(ask(wire, "").field("x-a"));
            String filler = "y".repeat(4000);
            reload(
                    """
                    listeners.web {
                      bind = "127.0.0.1:0", limits { connections = 100, connections-per-client = 2 }
                      response-headers { set { X-A = %1$s, X-B = %1$s, X-C = %1$s }, add { X-D = [%1$s, %1$s] } }
                      routes = [{ path = /, respond = 200 }]
                    }
                    """
                            .formatted(filler));

            assertEquals(filler, ask(wire, "").field("x-c")); // Heads may have become longer.
            assertEquals(filler, ask(other, "").field("x-d"));
            reload(
                    "listeners.web { bind = \"127.0.0.1:0\", deny = \"127.0.0.0/8\", limits.connections = 100, routes = [{ path = /, respond = 200 }] }");
            wire.skipToEnd(); // Whoever is denied now is denied at once.
            try (Wire late = connect()) {
                late.skipToEnd();
            }
        }
    }

    private static Site site(String name) throws IOException {
        return new Site(
                (request, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + name);
                    return true;
                });
    }

    /// The pair that a Set-Cookie sets.
    private static String cookie(Answer answer) {
        String set = answer.field("set-cookie");
        assertNotNull(set, answer.head());
        return set.substring(0, set.indexOf(';'));
    }

    @ParameterizedTest
    @CsvSource({"drain, finish, true", "drain, move, false", "disable, finish, false"})
    void givenStickyClient_whenItsServerIsDrained_thenItStaysOrMoves(
            String verb, String onDrain, boolean stays) throws Exception {
        try (Site a = site("s0");
                Site b = site("s1")) {
            start(
                    """
                    listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                    backends.web {
                      servers = [{ name = s0, address = "%s" }, { name = s1, address = "%s" }]
                      sticky { name = site, on-drain = %s }
                    }
                    """
                            .formatted(a.address(), b.address(), onDrain));
            try (Wire wire = connect()) {
                Answer first = ask(wire, "");
                String cookie = cookie(first);
                String server = first.body();

                AdminClient.Answer done =
                        new AdminClient(folder.resolve("admin.sock"))
                                .ask(
                                        "POST",
                                        "/servers/web/" + server + "/" + verb,
                                        RunningDaemon.PATIENCE);
                assertEquals(200, done.status(), done.body());

                Answer again = ask(wire, "Cookie: " + cookie + "\r\n");
                if (stays) {
                    assertEquals(server, again.body());
                    assertNull(again.field("set-cookie"));
                } else {
                    assertNotEquals(server, again.body());
                    assertNotEquals(cookie, cookie(again));
                }
                for (int i = 0; i < 4; i++) assertNotEquals(server, ask(wire, "").body());
            }
        }
    }

    /// A session is nowhere else, so its client waits for its own server, while others go past it.
    @Test
    void givenStickyClient_whenItsServerIsFull_thenItWaitsForIt() throws Exception {
        var release = new CountDownLatch(1);
        try (Site slow =
                        new Site(
                                (request, wire) -> {
                                    if (request.head().startsWith("GET /slow")) {
                                        try {
                                            release.await(20, TimeUnit.SECONDS);
                                        } catch (InterruptedException e) {
                                            throw new IllegalStateException(e);
                                        }
                                    }
                                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ns0");
                                    return true;
                                });
                Site other = site("s1")) {
            start(
                    """
                    loops = 1
                    listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                    backends.web {
                      servers = [{ name = s0, address = "%s" }, { name = s1, address = "%s" }]
                      sticky = site
                      capacity { connections = 1, queue = 10, wait = 20s }
                    }
                    """
                            .formatted(slow.address(), other.address()));
            try (Wire holder = connect();
                    Wire waiting = connect();
                    Wire free = connect()) {
                Answer first = ask(holder, "");
                if (!first.body().equals("s0")) first = ask(holder, "");
                String cookie = "Cookie: " + cookie(first) + "\r\n";
                holder.send("GET /slow HTTP/1.1\r\nHost: a\r\n" + cookie + "\r\n");
                Awaitility.await().until(() -> slow.requests() == 2);
                waiting.send("GET / HTTP/1.1\r\nHost: a\r\n" + cookie + "\r\n");
                Awaitility.await()
                        .during(300, TimeUnit.MILLISECONDS)
                        .until(() -> waiting.poll().isEmpty() && slow.requests() == 2);
                assertEquals("s1", ask(free, "").body()); // Others are not held up.

                release.countDown();
                assertEquals("s0", Answer.read(holder, false).body());
                Answer served = Answer.read(waiting, false);
                assertEquals("s0", served.body());
                assertNull(served.field("set-cookie"));
            }
        }
    }
}
