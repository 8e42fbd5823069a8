package bascule.listen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.net.Loop;
import bascule.testing.Answer;
import bascule.testing.Doors;
import bascule.testing.HoldingSite;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// One listener on all addresses: clients who came by one of them leave, those who came by another stay.
@Timeout(120)
final class AddressDrainIT {
    private static final InetAddress MOVED = InetAddress.ofLiteral("127.0.0.2");
    private static final InetAddress OTHER = InetAddress.ofLiteral("127.0.0.1");

    @TempDir Path folder = Path.of("");
    private final AtomicInteger left = new AtomicInteger();
    private HoldingSite site;
    private Site tunnels;
    private Doors doors;

    @BeforeEach
    void prepare() throws IOException {
        site = new HoldingSite();
        tunnels =
                Site.ofHeads(
                        (_, wire) -> {
                            wire.send(
                                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n");
                            wire.send(wire.receive(4));
                            return false;
                        });
        doors = new Doors(configuration(""), folder);
        doors.publish();
    }

    private String configuration(String more) throws IOException {
        return """
        loops = 2, admin { socket = off, http = off }, logging.access = off
        listeners.http {
          bind = "[::]:0", protocols = [h2, http1], limits.connections = 1000, backend = web
          routes = [{ path = /here, respond { status = 200, body = here } }, { path = /tunnel, backend = tunnels }]
        }
        %s
        backends.web.servers = ["%s"]
        backends.tunnels.servers = ["%s"]
        """
                .formatted(more, site.address(), tunnels.address());
    }

    @AfterEach
    void end() throws IOException {
        doors.close();
        site.close();
        tunnels.close();
    }

    private Wire connect(InetAddress by) throws IOException {
        return Wire.connect(new InetSocketAddress(by, doors.address("http").getPort()));
    }

    private static void ask(Wire wire, String path) throws IOException {
        wire.send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
    }

    private static Answer answer(Wire wire) throws IOException {
        return Answer.read(wire, false);
    }

    /// Returns when all doors have heard of it.
    private void drain() {
        doors.listeners.drain(MOVED, left::incrementAndGet);
        settle();
    }

    private void settle() {
        for (Loop loop : doors.transport.loops())
            CompletableFuture.runAsync(() -> {}, loop.executor()).join();
    }

    private void awaitLeft() {
        Awaitility.await("that they have left")
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .untilAsserted(() -> assertEquals(1, left.get()));
    }

    private static void pause(long millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    @Test
    void givenNobody_whenDrained_thenAllHaveLeft() {
        drain();

        awaitLeft();
    }

    @Test
    void givenExchangesByTwoAddresses_whenOneIsDrained_thenItsClientLeavesWithItsResponse()
            throws Exception {
        try (Wire mine = connect(MOVED);
                Wire other = connect(OTHER)) {
            ask(mine, "/mine");
            ask(other, "/other");
            HoldingSite.Held first = site.await("/mine");
            drain();
            pause(1300); // Longer than anybody who rests is waited for.
            assertEquals(0, left.get());

            first.answer();
            Answer answered = answer(mine);
            assertEquals("/mine", answered.body());
            assertEquals("close", answered.field("connection"));
            assertEquals(Wire.End.CLEAN, mine.awaitEnd());
            awaitLeft();

            site.await("/other").answer();
            assertNull(answer(other).field("connection"));
            ask(other, "/here");
            assertEquals("here", answer(other).body());
        }
        assertEquals(1, left.get());
    }

    @Test
    void givenClientsThatRest_whenTheirAddressIsDrained_thenTheyAreClosedAndOthersAreNot()
            throws Exception {
        try (Wire used = connect(MOVED);
                Wire fresh = connect(MOVED);
                Wire other = connect(OTHER)) {
            ask(used, "/here");
            answer(used);
            drain();

            assertEquals(Wire.End.CLEAN, used.awaitEnd());
            assertEquals(Wire.End.CLEAN, fresh.awaitEnd());
            awaitLeft();
            ask(other, "/here");
            assertNull(answer(other).field("connection"));
        }
    }

    @Test
    void givenClientThatRestsForAMoment_whenItAsksOnceMore_thenItIsServedAndLeaves()
            throws Exception {
        try (Wire mine = connect(MOVED)) {
            ask(mine, "/here");
            assertNull(answer(mine).field("connection"));
            drain();
            ask(mine, "/here");

            assertEquals("close", answer(mine).field("connection"));
            assertEquals(Wire.End.CLEAN, mine.awaitEnd());
            awaitLeft();
        }
    }

    @Test
    void givenDrain_whenClientComes_thenItIsServedAndLeaves_andIsNotWaitedForLong()
            throws Exception {
        try (Wire old = connect(MOVED)) {
            ask(old, "/old");
            HoldingSite.Held first = site.await("/old");
            drain();
            try (Wire fresh = connect(MOVED);
                    Wire slow = connect(MOVED)) {
                ask(fresh, "/here");
                assertEquals("close", answer(fresh).field("connection"));
                assertEquals(Wire.End.CLEAN, fresh.awaitEnd());
                ask(slow, "/slow");
                HoldingSite.Held last = site.await("/slow");
                assertEquals(0, left.get());
                first.answer();
                assertEquals("close", answer(old).field("connection"));

                awaitLeft();
                last.answer();
                assertEquals("close", answer(slow).field("connection"));
            }
        }
        assertEquals(1, left.get());
    }

    @Test
    void
            givenClientThatHasYetToAskAndOneThatWasThere_whenThoseInFlightAreCounted_thenTheyCountOnlyForPatience()
                    throws Exception {
        try (Wire old = connect(MOVED);
                Wire tunnel = connect(MOVED)) {
            ask(old, "/old");
            HoldingSite.Held first = site.await("/old");
            tunnel.send(
                    "GET /tunnel HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
            assertThat(tunnel.receiveHead()).startsWith("HTTP/1.1 101");
            drain();
            try (Wire slow = connect(MOVED);
                    Wire _ = connect(MOVED)) {
                ask(slow, "/slow");
                HoldingSite.Held last = site.await("/slow");
                Awaitility.await("that all three are in")
                        .atMost(RunningDaemon.PATIENCE)
                        .until(() -> doors.listeners.inFlight(MOVED, true).join() == 3);

                assertEquals(1, doors.listeners.inFlight(MOVED, false).join());
                first.answer();
                last.answer();
                assertEquals("/slow", answer(slow).body());
            }
            assertEquals("/old", answer(old).body());
        }
    }

    @Test
    void givenClientsOfWhomAPartHasCome_whenThoseInFlightAreCounted_thenTheyAreAmongThem()
            throws Exception {
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        TestAuthority.named("Test authority").issue("test.example").write(certificates, "default");
        doors.reload(
                configuration(
                        "listeners.secure { bind = \"[::]:0\", tls = \"%s\", backend = web, limits.connections = 10 }"
                                .formatted(certificates)));
        drain();
        var secure = new InetSocketAddress(MOVED, doors.address("secure").getPort());
        try (Wire _ = connect(MOVED);
                Wire head = connect(MOVED);
                Wire preface = connect(MOVED);
                Wire _ = Wire.connect(secure);
                Wire hello = Wire.connect(secure)) {
            head.send("GET /ha");
            preface.send("PRI * HT");
            hello.send("\u0016\u0003\u0001");
            Awaitility.await("that all are in, and what they sent")
                    .atMost(RunningDaemon.PATIENCE)
                    .untilAsserted(
                            () -> {
                                assertEquals(5, doors.listeners.inFlight(MOVED, true).join());
                                assertEquals(3, doors.listeners.inFlight(MOVED, false).join());
                            });
        }
    }

    @Test
    void givenTunnel_whenItsAddressIsDrained_thenItIsNotWaitedForAndGoesOn() throws Exception {
        try (Wire tunnel = connect(MOVED)) {
            tunnel.send(
                    "GET /tunnel HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
            assertThat(tunnel.receiveHead()).startsWith("HTTP/1.1 101");
            drain();

            awaitLeft();
            tunnel.send("ping");
            assertEquals("ping", tunnel.receive(4));
        }
    }

    @Test
    void givenDrain_whenItIsCalledOff_thenConnectionsAreKeptAgain() throws Exception {
        try (Wire old = connect(MOVED)) {
            ask(old, "/old");
            HoldingSite.Held first = site.await("/old");
            drain();
            try (Wire fresh = connect(MOVED)) {
                ask(fresh, "/fresh");
                HoldingSite.Held second = site.await("/fresh");
                doors.listeners.undrain(MOVED);
                settle();
                first.answer();
                second.answer();

                assertNull(answer(old).field("connection"));
                assertEquals("close", answer(fresh).field("connection")); // As it began.
            }
            try (Wire later = connect(MOVED)) {
                ask(later, "/here");
                assertNull(answer(later).field("connection"));
            }
            pause(1300);
            ask(old, "/here");
            assertNull(answer(old).field("connection"));
        }
        assertEquals(0, left.get());
    }

    @Test
    void givenDrain_whenAReloadAddsAListener_thenItsClientsLeaveToo() throws Exception {
        drain();
        awaitLeft();
        doors.reload(
                configuration(
                        "listeners.more { bind = \"0.0.0.0:0\", backend = web, limits.connections = 10, routes = [{ respond = 200 }] }"));

        for (InetAddress by : new InetAddress[] {MOVED, OTHER}) {
            try (Wire wire =
                    Wire.connect(new InetSocketAddress(by, doors.address("more").getPort()))) {
                ask(wire, "/");
                assertEquals(by == MOVED ? "close" : null, answer(wire).field("connection"));
            }
        }
    }

    @Test
    void givenHttp2Client_whenItsAddressIsDrained_thenItIsToldToGoAndMayEndWhatItBegan()
            throws Exception {
        try (Wire mine = connect(MOVED);
                Wire other = connect(OTHER)) {
            greet(mine);
            greet(other);
            // GET /mine: indexed method and scheme, literal path and authority (RFC 7541).
            mine.send(frame(1, 5, 1, "\u0082\u0086\u0004\u0005/mineA\u0004test"));
            HoldingSite.Held held = site.await("/mine");
            drain();
            Frame goAway = next(mine, 7);
            assertEquals("\u007f\u00ff\u00ff\u00ff", goAway.payload.substring(0, 4));
            mine.send(frame(6, 1, 0, next(mine, 6).payload));
            assertEquals("\0\0\0\u0001", next(mine, 7).payload.substring(0, 4));
            assertEquals(0, left.get());
            held.answer();

            assertEquals("/mine", next(mine, 0).payload);
            awaitLeft();
            other.send(frame(6, 0, 0, "12345678")); // It heard nothing, and is there.
            assertEquals(1, next(other, 6).flags);
        }
    }

    private record Frame(int type, int flags, String payload) {}

    private static void greet(Wire wire) throws IOException {
        wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, ""));
        next(wire, 4);
        wire.send(frame(4, 1, 0, ""));
    }

    private static String frame(int type, int flags, int stream, String payload) {
        return "\0\0"
                + (char) payload.length()
                + (char) type
                + (char) flags
                + "\0\0\0"
                + (char) stream
                + payload;
    }

    /// The next frame of this type; others are passed over.
    private static Frame next(Wire wire, int type) throws IOException {
        while (true) {
            String head = wire.receive(9);
            int length = head.charAt(0) << 16 | head.charAt(1) << 8 | head.charAt(2);
            var frame = new Frame(head.charAt(3), head.charAt(4), wire.receive(length));
            if (frame.type == type) return frame;
        }
    }
}
