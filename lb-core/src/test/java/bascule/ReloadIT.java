package bascule;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import bascule.admin.Commands;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.testing.Answer;
import bascule.testing.Wire;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A file that is edited while the daemon runs.
final class ReloadIT {
    private static final String COMMON =
            """
            admin { http = "127.0.0.1:0", socket = off }
            logging.access = off
            shutdown.grace = off
            """;

    private final AtomicReference<String> file = new AtomicReference<>("");
    private Daemon daemon;

    private void start(String text) throws StartFailure {
        file.set(text);
        if (!(read() instanceof LoadResult.Loaded(Configuration configuration)))
            throw new AssertionError(read());
        daemon = Daemon.start(configuration, this::read);
    }

    private LoadResult read() {
        return ConfigurationLoader.parse(COMMON + file.get(), Path.of("test.conf"), Map.of());
    }

    private Commands.ReloadResult reload(String text)
            throws ExecutionException, InterruptedException {
        file.set(text);
        return daemon.reload().get();
    }

    private InetSocketAddress http() {
        return daemon.addresses("http").getFirst();
    }

    @AfterEach
    void stop() {
        if (daemon != null) daemon.stop();
    }

    @Test
    void givenAnotherRoute_whenReloaded_thenRequestsFollowItAndTheSocketStays() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ path = /a, respond = 201 }] }");
        InetSocketAddress before = http();
        assertEquals(404, Answer.get(before, "/b").status());

        var result =
                reload(
                        "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ path = /b, respond = 202 }] }");

        var reloaded = assertInstanceOf(Commands.Reloaded.class, result);
        assertThat(reloaded.changes()).containsExactly("listeners.http: changed");
        assertEquals(before, http());
        assertEquals(202, Answer.get(before, "/b").status());
        assertEquals(404, Answer.get(before, "/a").status());
    }

    @Test
    void givenAFault_whenReloaded_thenItIsToldAndAllIsAsItWas() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ path = /a, respond = 201 }] }");

        var result = reload("listeners.http { bindd = \"127.0.0.1:0\" }");

        var refused = assertInstanceOf(Commands.Refused.class, result);
        assertThat(refused.problems()).anyMatch(line -> line.contains("bindd"));
        assertEquals(201, Answer.get(http(), "/a").status());
        assertThat(status()).containsPattern("\"result\" ?: ?\"refused\"");
    }

    @Test
    void givenWhatCannotChange_whenReloaded_thenRefused() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 201 }] }");

        var result =
                reload(
                        "loops = 7\nlisteners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 202 }] }");

        var refused = assertInstanceOf(Commands.Refused.class, result);
        assertThat(refused.problems())
                .containsExactly(
                        "loops: 7: cannot change while the daemon runs (expected: auto, or a restart)");
        assertEquals(201, Answer.get(http(), "/a").status());
    }

    @Test
    void givenAnAddressThatIsTaken_whenReloaded_thenFailedAndNothingElseIsOpen() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 201 }] }");
        try (var taken = new ServerSocket(0, 1, http().getAddress())) {
            var result =
                    reload(
                            """
                            listeners.http { bind = "127.0.0.1:0", limits = 100, routes = [{ respond = 202 }] }
                            listeners.more { bind = "127.0.0.1:%d", limits = 100, routes = [{ respond = 203 }] }
                            """
                                    .formatted(taken.getLocalPort()));

            var failed = assertInstanceOf(Commands.Failed.class, result);
            assertThat(failed.cause()).startsWith("listeners.more.bind: cannot bind");
        }
        assertEquals(201, Answer.get(http(), "/").status());
    }

    @Test
    void givenListeners_whenOneComesOneGoesAndOneIsRenamed_thenEachAddressLeadsWhereTheFileSays()
            throws Exception {
        int port = freePort();
        start(
                """
                listeners.http { bind = "127.0.0.1:0", limits = 100, routes = [{ respond = 201 }] }
                listeners.old { bind = "127.0.0.1:%d", limits = 100, routes = [{ respond = 202 }] }
                """
                        .formatted(port));
        InetSocketAddress http = http();
        assertEquals(202, Answer.get(new InetSocketAddress("127.0.0.1", port), "/").status());

        reload(
                """
                listeners.http { bind = "127.0.0.1:0", limits = 100, routes = [{ respond = 201 }] }
                listeners.new { bind = "127.0.0.1:%d", limits = 100, routes = [{ respond = 203 }] }
                listeners.more { bind = "127.0.0.1:0", limits = 100, routes = [{ respond = 204 }] }
                """
                        .formatted(port));

        assertEquals(http, http());
        assertEquals(203, Answer.get(new InetSocketAddress("127.0.0.1", port), "/").status());
        assertEquals(204, Answer.get(daemon.addresses("more").getFirst(), "/").status());
        assertThat(status()).doesNotContain("\"old\"");
    }

    @Test
    void givenAServerIsReplaced_whenReloaded_thenTheOtherOneAnswersAndItsSeriesReplaceTheFormer()
            throws Exception {
        HttpServer first = answering("first");
        HttpServer second = answering("second");
        try {
            start(web(first));
            assertEquals("first", Answer.get(http(), "/").body(US_ASCII));

            var result = reload(web(second));

            var reloaded = assertInstanceOf(Commands.Reloaded.class, result);
            assertEquals(2, reloaded.changes().size());
            assertEquals("second", Answer.get(http(), "/").body(US_ASCII));
            String metrics = metrics();
            assertThat(metrics).contains("server=\"127.0.0.1:" + second.getAddress().getPort());
            assertThat(metrics)
                    .doesNotContain("server=\"127.0.0.1:" + first.getAddress().getPort());
        } finally {
            first.stop(0);
            second.stop(0);
        }
    }

    @Test
    void givenAListenerThatGoes_whenItsLastClientHasLeft_thenItsSeriesAreGone() throws Exception {
        HttpServer web = answering("web");
        String http = "listeners.http { bind = \"127.0.0.1:0\", limits = 100, backend = web }\n";
        String old = http.replace("http {", "old {");
        String backend =
                "backends.web.servers = [\"127.0.0.1:%d\"]\n".formatted(web.getAddress().getPort());
        try {
            start(http + old + backend);
            try (Wire client = Wire.connect(daemon.addresses("old").getFirst())) {
                client.send("GET / HTTP/1.1\r\nHost: h\r\n");

                reload(http + backend);
                Thread.sleep(2_500); // Longer than the daemon takes to look.
                assertThat(metrics()).contains("connections_open{listener=\"old\"} 1.0");
                client.send("\r\n");

                assertEquals("web", Answer.read(client, false).body(US_ASCII));
            }
            Awaitility.await()
                    .untilAsserted(() -> assertThat(metrics()).doesNotContain("listener=\"old\""));
            assertThat(metrics()).contains("connections_open{listener=\"http\"} 0.0");
        } finally {
            web.stop(0);
        }
    }

    @Test
    void givenTheSameText_whenReloaded_thenNothingHasChanged() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 201 }] }");
        String before = status();

        var result = assertInstanceOf(Commands.Reloaded.class, reload(file.get()));

        assertThat(result.changes()).isEmpty();
        assertNotEquals(before, status());
    }

    private static HttpServer answering(String body) throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    exchange.sendResponseHeaders(200, body.length());
                    exchange.getResponseBody().write(body.getBytes(US_ASCII));
                    exchange.close();
                });
        server.start();
        return server;
    }

    private static String web(HttpServer origin) {
        return """
               listeners.http { bind = "127.0.0.1:0", limits = 100, backend = web }
               backends.web.servers = ["127.0.0.1:%d"]
               """
                .formatted(origin.getAddress().getPort());
    }

    private String metrics() {
        return Answer.get(daemon.adminAddresses().getFirst(), "/metrics").body(US_ASCII);
    }

    private String status() {
        return Answer.get(daemon.adminAddresses().getFirst(), "/status").body(US_ASCII);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void givenWaitersAtABackendThatIsRemoved_whenReloaded_thenTheyAreToldAtOnce() throws Exception {
        var busy = new CountDownLatch(1);
        HttpServer slow = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        slow.createContext(
                "/",
                exchange -> {
                    try {
                        busy.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    exchange.sendResponseHeaders(204, -1);
                    exchange.close();
                });
        slow.start();
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            start(
                    """
                    listeners.http { bind = "127.0.0.1:0", limits = 100, backend = web }
                    backends.web { servers = ["127.0.0.1:%d"], capacity { connections = 1, wait = 5m } }
                    """
                            .formatted(slow.getAddress().getPort()));
            InetSocketAddress http = http();
            var served = executor.submit(() -> Answer.get(http, "/").status());
            awaitStatus("\"running\" ?: ?1");
            var waiting = executor.submit(() -> Answer.get(http, "/").status());
            awaitStatus("\"queued\" ?: ?1");

            reload(
                    "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 201 }] }");

            assertEquals(503, waiting.get());
            assertEquals(201, Answer.get(http, "/").status());
            busy.countDown();
            assertEquals(204, served.get());
        } finally {
            busy.countDown();
            slow.stop(0);
        }
    }

    private void awaitStatus(String pattern) {
        Awaitility.await(pattern).until(() -> Pattern.compile(pattern).matcher(status()).find());
    }

    @Test
    void givenAClientThatIsConnected_whenAReloadDeniesIt_thenItsConnectionEnds() throws Exception {
        start(
                "listeners.http { bind = \"127.0.0.1:0\", limits = 100, routes = [{ respond = 201 }] }");
        try (Wire client = Wire.connect(http())) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assertEquals(201, Answer.read(client, false).status());

            reload(
                    "listeners.http { bind = \"127.0.0.1:0\", limits = 100, deny = [\"127.0.0.0/8\"], routes = [{ respond = 201 }] }");

            client.awaitEnd();
        }
    }
}
