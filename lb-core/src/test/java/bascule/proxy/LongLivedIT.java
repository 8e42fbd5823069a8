package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.Content;
import bascule.testing.HoldingSite;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Downloads, uploads and a tunnel that take their time, and connections that rest in pools, while the configuration changes all
/// around them.
final class LongLivedIT {
    private static final int RELOADS = 20;

    /// From one reload to the next: in the long run they take more than 20 s.
    private static final int PAUSE_MILLIS = Boolean.getBoolean("bascule.long") ? 1_100 : 100;

    private static final int STEP_PAUSE_MILLIS = 10;
    private static final int STEP_BYTES = 64 * 1024;

    /// Of a body: more than is sent at that pace, and than fits into all buffers on the way.
    private static final int STEPS = Boolean.getBoolean("bascule.long") ? 5000 : 1000;

    /// Kept for after the reloads.
    private static final int LAST_STEPS = STEPS / 10;

    /// What all consist of, again and again; its length divides no size on the way, so that each step is another one.
    private static final byte[] PATTERN = Content.of(20, 1_000_003);

    private static final int POOLED = 5;

    @TempDir Path folder = Path.of("");
    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<Lasting> lasting = new ArrayList<>();
    private RunningDaemon daemon;
    private volatile boolean hurry;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.add(resource);
        return resource;
    }

    private void start(String configuration) {
        daemon = opened(RunningDaemon.startWith(configuration));
    }

    // ---- the bytes

    private enum Framing {
        LENGTH("Content-Length: " + (long) STEPS * STEP_BYTES),
        CHUNKED("Transfer-Encoding: chunked");

        final String field;

        Framing(String field) {
            this.field = field;
        }

        /// As on the wire; chunks pass as they came.
        byte[] step(int number) {
            var out = new ByteArrayOutputStream(STEP_BYTES + 16);
            if (this == CHUNKED)
                out.writeBytes((Integer.toHexString(STEP_BYTES) + "\r\n").getBytes(US_ASCII));
            int start = (int) ((long) number * STEP_BYTES % PATTERN.length);
            int first = Math.min(STEP_BYTES, PATTERN.length - start);
            out.write(PATTERN, start, first);
            out.write(PATTERN, 0, STEP_BYTES - first);
            if (this == CHUNKED) out.writeBytes(end(number == STEPS - 1));
            return out.toByteArray();
        }

        private static byte[] end(boolean last) {
            return (last ? "\r\n0\r\n\r\n" : "\r\n").getBytes(US_ASCII);
        }
    }

    private static void expect(Wire wire, byte[] expected) throws IOException {
        byte[] some = new byte[expected.length];
        for (int at = 0; at < expected.length; ) {
            int read = wire.receive(some, 0, expected.length - at);
            if (read < 0) throw new EOFException("the end, too early");
            int wrong = Arrays.mismatch(some, 0, read, expected, at, at + read);
            if (wrong >= 0) throw new AssertionError("byte " + (at + wrong) + " is another");
            at += read;
        }
    }

    // ---- the server

    private static boolean serve(String head, Wire wire) throws IOException {
        Framing framing = head.contains("chunked") ? Framing.CHUNKED : Framing.LENGTH;
        switch (head.split(" ", 3)[1].replace("-chunked", "")) {
            case "/download" -> {
                wire.send("HTTP/1.1 200 OK\r\n" + framing.field + "\r\n\r\n");
                for (int step = 0; step < STEPS; step++) wire.send(framing.step(step));
            }
            case "/upload" -> {
                for (int step = 0; step < STEPS; step++) expect(wire, framing.step(step));
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
            }
            case "/tunnel" -> {
                wire.send(
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
                byte[] some = new byte[STEP_BYTES];
                for (int read; (read = wire.receive(some, 0, some.length)) >= 0; )
                    wire.send(some, 0, read);
                return false;
            }
            default -> wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
        return true;
    }

    // ---- the clients

    /// One that takes its time, step by step, until all are told to hurry.
    private final class Lasting {
        private final String name;
        private final AtomicInteger steps = new AtomicInteger();
        private final Background work;

        private interface Step {
            void take(Wire wire, int number) throws Exception;
        }

        /// @param head of its request
        Lasting(String name, String head, Step step, String rest) throws IOException {
            this.name = name;
            Wire wire = opened(Wire.connect(daemon.address("web")));
            work =
                    Background.start(
                            () -> {
                                wire.send(head);
                                for (int number = 0; number < STEPS; number++) {
                                    step.take(wire, number);
                                    steps.incrementAndGet();
                                    do {
                                        if (!hurry) Thread.sleep(STEP_PAUSE_MILLIS);
                                    } while (!hurry && number >= STEPS - LAST_STEPS);
                                }
                                if (!rest.isEmpty())
                                    assertThat(Answer.read(wire, false).body()).isEqualTo(rest);
                            });
        }

        void end() throws InterruptedException {
            try {
                work.end();
            } catch (AssertionError failure) {
                throw new AssertionError(name + " at step " + steps, failure);
            }
            assertThat(steps).hasValue(STEPS);
        }
    }

    private void startAll() throws IOException {
        for (Framing framing : Framing.values()) {
            String suffix = framing == Framing.CHUNKED ? "-chunked" : "";
            lasting.add(
                    new Lasting(
                            "download" + suffix,
                            "GET /download" + suffix + " HTTP/1.1\r\nHost: a\r\n\r\n",
                            (wire, number) -> {
                                if (number == 0)
                                    assertThat(wire.receiveHead()).startsWith("HTTP/1.1 200 ");
                                expect(wire, framing.step(number));
                            },
                            ""));
            lasting.add(
                    new Lasting(
                            "upload" + suffix,
                            "POST /upload"
                                    + suffix
                                    + " HTTP/1.1\r\nHost: a\r\n"
                                    + framing.field
                                    + "\r\n\r\n",
                            (wire, number) -> wire.send(framing.step(number)),
                            "whole"));
        }
        lasting.add(
                new Lasting(
                        "tunnel",
                        "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
                        (wire, number) -> {
                            if (number == 0)
                                assertThat(wire.receiveHead()).startsWith("HTTP/1.1 101 ");
                            byte[] message = Framing.LENGTH.step(number);
                            wire.send(message);
                            expect(wire, message);
                        },
                        ""));
        awaitSteps();
    }

    /// Waits until each has done one more.
    private void awaitSteps() {
        int[] before = lasting.stream().mapToInt(each -> each.steps.get()).toArray();
        for (int one = 0; one < before.length; one++) {
            Lasting each = lasting.get(one);
            int at = before[one];
            Awaitility.await(each.name + " goes on")
                    .atMost(RunningDaemon.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> each.steps.get() > at);
        }
    }

    private void endAll() throws InterruptedException {
        assertThat(lasting).allMatch(each -> each.steps.get() < STEPS);
        hurry = true;
        for (Lasting each : lasting) each.end();
    }

    // ---- the reloads

    private static final String COMMON =
            """
            admin { http = "127.0.0.1:0", socket = off }
            shutdown.grace = off
            loops = 2
            listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
            """;

    private static final String QUIET = "logging.access = off\n";

    /// Each differs from the one before in all but what leads to the servers `a` and `b`.
    private String configuration(int number, Site a, Site b, Site extra) throws IOException {
        return COMMON
                + """
                listeners.web { limits.headers = %1$dKiB, routes = [{ path = /reload-%1$d, respond = 200 }] }
                listeners.other-%2$d { bind = "127.0.0.1:0", limits.connections = 100, backend = other }
                backends.web {
                  balance = %3$s
                  servers = [
                    { name = a, address = "%4$s", weight = %2$d }, { name = b, address = "%5$s" }
                    %6$s
                  ]
                }
                backends.other { servers = ["127.0.0.1:%1$d"], timeouts.connect = %1$ds }
                logging { access = %7$s, file = "%8$s" }
                """
                        .formatted(
                                number + 20,
                                number % 3 + 1,
                                number % 4 < 2 ? "round-robin" : "least-connections",
                                a.address(),
                                b.address(),
                                number % 2 == 0 ? "" : "\"" + extra.address() + "\"",
                                List.of("json", "combined", "off").get(number % 3),
                                folder.resolve("access-" + number % 2 + ".log"));
    }

    @Test
    void givenLongOnesUnderWay_when20ReloadsChangeOtherThings_thenTheyLiveOnByteForByte()
            throws Exception {
        Site a = opened(Site.ofHeads(LongLivedIT::serve));
        Site b = opened(Site.ofHeads(LongLivedIT::serve));
        Site extra = opened(Site.ofHeads(LongLivedIT::serve));
        start(configuration(0, a, b, extra));
        startAll();

        for (int reload = 1; reload <= RELOADS; reload++) {
            List<String> changes = daemon.reloadWith(configuration(reload, a, b, extra));
            assertThat(changes).hasSizeGreaterThanOrEqualTo(4);
            assertThat(Answer.get(daemon.address("web"), "/reload-" + (reload + 20)).status())
                    .isEqualTo(200);
            assertThat(Answer.get(daemon.address("web"), "/").body()).isEqualTo("ok");
            awaitSteps();
            Thread.sleep(PAUSE_MILLIS);
        }

        daemon.awaitMetric(RELOADS, "bascule_config_reloads_total", "result=\"loaded\"");
        endAll();
    }

    @Test
    void givenLongOnesUnderWay_whenTheirOwnServerIsRemoved_thenTheyEndAsTheyBegan()
            throws Exception {
        Site a = opened(Site.ofHeads(LongLivedIT::serve));
        Site b = opened(Site.ofHeads(LongLivedIT::serve));
        start(COMMON + QUIET + "backends.web.servers = \"" + a.address() + "\"");
        startAll();

        daemon.reloadWith(COMMON + QUIET + "backends.web.servers = \"" + b.address() + "\"");
        assertThat(Answer.get(daemon.address("web"), "/").body()).isEqualTo("ok");
        awaitSteps();

        assertThat(a.requests()).isEqualTo(lasting.size());
        assertThat(b.requests()).isEqualTo(1);
        endAll();
    }

    @Test
    void givenLongOnesUnderWay_whenTheDaemonStops_thenEachOfThemSeesIt() throws Exception {
        Site a = opened(Site.ofHeads(LongLivedIT::serve));
        start(COMMON + QUIET + "backends.web.servers = \"" + a.address() + "\"");
        startAll();

        daemon.close();

        hurry = true;
        int failed = 0;
        for (Lasting each : lasting) {
            try {
                each.end();
            } catch (AssertionError cut) {
                failed++;
            }
        }
        assertThat(failed).isEqualTo(lasting.size()).isEqualTo(5);
    }

    // ---- the pools

    /// Asks at the same time, on as many connections to the server.
    private void askTogether(String listener, HoldingSite site, String path) throws Exception {
        var clients = new ArrayList<Background>();
        var paths = new ArrayList<String>();
        for (int client = 0; client < POOLED; client++) {
            String own = path + "-" + client;
            paths.add(own);
            clients.add(
                    Background.start(
                            () ->
                                    assertThat(Answer.get(daemon.address(listener), own).body())
                                            .isEqualTo(own)));
        }
        Awaitility.await("all of " + path)
                .atMost(RunningDaemon.PATIENCE)
                .until(() -> List.copyOf(site.arrivals()), all -> all.containsAll(paths));
        for (HoldingSite.Held held : List.copyOf(site.held().values())) held.answer();
        for (Background client : clients) client.end();
        daemon.awaitStatus(0, "running");
    }

    /// @param servers of `mixed`
    private static String pools(HoldingSite still, String servers) throws IOException {
        return """
               admin { http = "127.0.0.1:0", socket = off }
               logging.access = off
               shutdown.grace = off
               loops = 1
               listeners.still { bind = "127.0.0.1:0", backend = still, limits.connections = 100 }
               listeners.mixed { bind = "127.0.0.1:0", backend = mixed, limits.connections = 100 }
               backends.still.servers = "%s"
               backends.mixed { %s }
               """
                .formatted(still.address(), servers);
    }

    @Test
    void givenIdleConnections_when20ReloadsChangeOtherThings_thenTheyAreStillInUse()
            throws Exception {
        var still = opened(new HoldingSite());
        var mixed = opened(new HoldingSite());
        var extra = opened(new HoldingSite());
        start(pools(still, "servers = { name = m, address = \"%s\" }".formatted(mixed.address())));
        askTogether("still", still, "/first");
        askTogether("mixed", mixed, "/first");

        for (int reload = 1; reload <= RELOADS; reload++) {
            daemon.reloadWith(
                    pools(
                            still,
                            "servers = [{ name = m, address = \"%s\", weight = %d } %s], timeouts.response = %ds"
                                    .formatted(
                                            mixed.address(),
                                            reload,
                                            reload % 2 == 0 ? "" : ", \"" + extra.address() + "\"",
                                            reload)));
        }
        askTogether("still", still, "/then");
        askTogether("mixed", mixed, "/then");

        assertThat(still.arrivals()).hasSize(2 * POOLED);
        assertThat(still.connections()).isEqualTo(POOLED);
        assertThat(mixed.arrivals()).hasSize(2 * POOLED);
        assertThat(mixed.connections()).isEqualTo(POOLED);
    }

    /// By another name it is another server, and the count of connections shows it.
    @Test
    void givenIdleConnections_whenTheirServerIsRenamed_thenOthersTakeTheirPlace() throws Exception {
        var still = opened(new HoldingSite());
        var mixed = opened(new HoldingSite());
        String server = "servers = { name = %s, address = \"" + mixed.address() + "\" }";
        start(pools(still, server.formatted("m")));
        askTogether("mixed", mixed, "/first");

        daemon.reloadWith(pools(still, server.formatted("n")));
        askTogether("mixed", mixed, "/then");

        assertThat(mixed.arrivals()).hasSize(2 * POOLED);
        assertThat(mixed.connections()).isEqualTo(2 * POOLED);
    }
}
