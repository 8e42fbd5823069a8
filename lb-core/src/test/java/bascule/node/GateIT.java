package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.cluster.Fitness;
import bascule.listen.Listener;
import bascule.listen.ListeningSockets;
import bascule.net.Transport;
import bascule.server.ServerSet;
import bascule.testing.Doors;
import bascule.testing.RunningDaemon;
import bascule.testing.Told;
import bascule.testing.Wire;
import bascule.tls.testing.TestAuthority;
import io.netty.channel.ServerChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The gate before real doors: what it sees, and that nobody sees it.
@Timeout(120)
final class GateIT {
    @TempDir Path folder = Path.of("");

    private final AtomicInteger looks = new AtomicInteger();
    private final Told events = new Told();
    private final Queue<String> unfit = new ConcurrentLinkedQueue<>();
    private final Queue<Integer> levels = new ConcurrentLinkedQueue<>();
    private volatile Fitness fitness = new Fitness("", 0, "");
    private Doors doors;
    private Gate gate;

    private void open(String text) throws IOException {
        doors = new Doors(text, folder);
        gate =
                Gate.start(
                        doors.listeners,
                        doors.backends,
                        doors.ports,
                        doors.transport.loops(),
                        List.of(new Duty("public", List.of("http"), List.of("web"))),
                        all -> {
                            assertEquals(1, all.size());
                            fitness = all.getFirst();
                            levels.add(fitness.level());
                            if (fitness.level() < 0) unfit.add(fitness.reason());
                            looks.incrementAndGet();
                        });
    }

    /// Nobody but the gate comes in here.
    private String strict(Transport.Kind kind, String bind) {
        return """
            transport = %s, loops = 2, admin { socket = off, http = off }
            logging { access = json, file = "%s" }
            listeners.http {
              bind = "%s", backend = web, deny = ["0.0.0.0/0", "::/0"]
              limits { connections = 1, connections-per-client = 1 }, rate-limit = 1/m
            }
            backends.web.servers = ["127.0.0.1:1"]
            """
                .formatted(
                        kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'),
                        folder.resolve("access.log"),
                        bind);
    }

    @AfterEach
    void end() {
        if (gate != null) gate.close();
        if (doors != null) doors.close();
        events.close();
    }

    private static ConditionFactory await(String what) {
        return Awaitility.await(what)
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(5));
    }

    private void awaitLevel(int level) {
        await("level " + level)
                .untilAsserted(
                        () -> assertThat(fitness).isEqualTo(new Fitness("public", level, "")));
    }

    private void awaitReason(String part) {
        await(part)
                .untilAsserted(
                        () -> {
                            assertThat(fitness.reason()).contains(part);
                            assertThat(fitness.level()).isEqualTo(-1);
                        });
    }

    /// So many looks later.
    private void awaitLooks(int more) {
        int from = looks.get();
        await(more + " looks").until(() -> looks.get() >= from + more);
    }

    @ParameterizedTest
    @EnumSource(Transport.Kind.class)
    void givenDoorsClosedToEverybody_whenGateLooks_thenItIsAnsweredAndNobodyHearsOfIt(
            Transport.Kind kind) throws IOException {
        open(strict(kind, ":0"));
        awaitLevel(1);
        awaitLooks(20);
        awaitLevel(1);

        gate.close();
        assertThat(doors.metrics.scrape(null).lines())
                .filteredOn(
                        line ->
                                line.startsWith("bascule_exchanges_total")
                                        || line.startsWith("bascule_received_bytes")
                                        || line.startsWith("bascule_sent_bytes")
                                        || line.startsWith("bascule_rejected")
                                        || line.startsWith("bascule_connections_open"))
                .isNotEmpty()
                .allMatch(line -> line.endsWith(" 0.0") || line.endsWith(" 0"));
        assertThat(Files.readString(folder.resolve("access.log"))).isEmpty();
        assertThat(events.all())
                .noneMatch(line -> line.contains("refused") || line.contains("failed"));
        assertEquals(0, doors.listeners.connections());
    }

    @Test
    void givenFitNode_whenAReloadRequiresOneListenerMore_thenItStaysFitWhileThatIsFirstAsked()
            throws Exception {
        open(
                """
                loops = 2, admin { socket = off, http = off }, logging.access = off
                listeners.http { bind = "127.0.0.1:0", backend = web, limits = 10 }
                listeners.more { bind = "127.0.0.1:0", backend = web, limits = 10 }
                backends.web.servers = ["127.0.0.1:1"]
                """);
        awaitLevel(1);
        assertThat(unfit).isNotEmpty(); // Who starts owns nothing, and is asked first.
        unfit.clear();

        gate.duties(List.of(new Duty("public", List.of("http", "more"), List.of("web"))));
        awaitLooks(20);

        awaitLevel(1);
        assertThat(unfit).isEmpty();
        doors.listeners.drain();
        awaitReason("is not open");
    }

    @Test
    void givenDoorsClosedToEverybody_whenClientAsksLikeTheGate_thenItIsKeptOut() throws Exception {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);

        for (int i = 0; i < 20; i++) {
            try (Wire wire = Wire.connect(doors.listeners.get("http").addresses().getFirst())) {
                wire.send("GET / HTTP/1.1\r\nHost: self\r\nConnection: close\r\n\r\n");
                assertThat(wire.receive()).isEqualTo(-1);
            } catch (SocketException _) {
                // Reset: kept out, too.
            }
        }
        assertThat(doors.metrics.scrape(null))
                .contains("bascule_rejected_total{listener=\"http\",reason=\"denied\"} 20");
    }

    @Test
    void givenServerThatIsUsable_whenGateLooks_thenTheNodeIsWorthMore() throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);
        var web = doors.backends.all().getFirst();
        web.publish(ServerSet.of(web.servers()));
        awaitLevel(2);
        web.publish(ServerSet.NONE);
        awaitLevel(1);
    }

    @Test
    void givenListener_whenItIsClosed_thenThatIsTheReason() throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);

        doors.listeners.drain();

        awaitReason("listener http is not open");
    }

    @Test
    void givenOneLoopOfTwo_whenItIsStuck_thenThatIsTheReasonUntilItGoesOn() throws Exception {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);

        var goOn = new CountDownLatch(1);
        doors.transport.loops().get(1).executor().execute(() -> wait(goOn));
        awaitReason("event loop 1 has not run for ");
        goOn.countDown();

        awaitLevel(1);
    }

    private static void wait(CountDownLatch until) {
        try {
            until.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void givenListener_whenItAcceptsNobody_thenThatIsTheReasonUntilItDoes() throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);

        accepting(2, false);
        awaitLevel(0); // Busy, for all that is known yet.
        awaitReason(" within 100 ms, and no client came in for 1500 ms");
        awaitLooks(10);
        awaitReason("no answer from 127.0.0.1:");
        events.await("listener-busy", "listener=http");
        accepting(2, true);

        awaitLevel(0); // It rests for a while.
    }

    @Test
    void givenListenerOnAnAddress_whenThatKeepsSilentForAHandOver_thenTheDoorIsNotLate()
            throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.2:0"));
        awaitLevel(1);
        InetAddress moved = InetAddress.ofLiteral("127.0.0.2");
        levels.clear();

        doors.listeners.keepSilent(moved, false).join();
        awaitLooks(40);
        doors.listeners.answer(moved).join();
        awaitLooks(20);

        assertThat(levels).isNotEmpty().containsOnly(1);
        assertThat(events.all()).noneMatch(line -> line.contains("listener-busy"));
    }

    /// The old socket hears the gate for 0.3 s more, and answers nobody who begins.
    @Test
    void givenListenerOnOneAddress_whenAReloadBindsItToAll_thenTheDoorIsNotLate() throws Exception {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:" + port));
        awaitLevel(1);
        levels.clear();

        doors.reload(strict(Transport.Kind.EPOLL, "0.0.0.0:" + port));
        awaitLooks(20);

        assertThat(levels).isNotEmpty().containsOnly(1);
        assertThat(events.all()).noneMatch(line -> line.contains("listener-busy"));
    }

    @Test
    void givenListener_whenOneOfItsSocketsAcceptsNobody_thenNoLuckWithTheOtherHidesIt()
            throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);

        accepting(1, false);
        awaitReason("no answer from 127.0.0.1:");
        for (int i = 0; i < 20; i++) {
            awaitLooks(1);
            assertThat(fitness.reason()).contains("no answer from 127.0.0.1:");
        }
        accepting(1, true);

        awaitLevel(0);
    }

    /// Lets the sockets of so many loops accept, or not.
    private void accepting(int loops, boolean on) {
        for (int index = 0; index < loops; index++) {
            for (ServerChannel socket : ListeningSockets.of(doors.listeners.get("http"), index))
                socket.config().setAutoRead(on);
        }
    }

    @Test
    void givenListenerWithTls_whenGateLooks_thenItIsAnswered() throws IOException {
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        TestAuthority.named("Test authority").issue("test.example").write(certificates, "default");
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0").replace("deny =", "tls = certs, deny ="));

        awaitLevel(1);
        accepting(2, false);
        awaitReason("no answer from 127.0.0.1:");
    }

    @Test
    void givenAddressThatIsNotHere_whenGateLooks_thenOpenSocketsAreEnough() throws IOException {
        open(strict(Transport.Kind.EPOLL, "192.0.2.1:0"));
        awaitLevel(1);
        awaitLooks(5);
        awaitLevel(1);

        doors.listeners.drain();
        awaitReason("listener http is not open");
    }

    @Test
    void givenGate_whenConfigurationChanges_thenItLooksAtWhatIsNew() throws IOException {
        open(strict(Transport.Kind.EPOLL, "127.0.0.1:0"));
        awaitLevel(1);
        Listener http = doors.listeners.get("http");
        assertThat(http.open()).isTrue();

        gate.duties(List.of(new Duty("other", List.of("http"), List.of())));

        await("other")
                .untilAsserted(() -> assertThat(fitness).isEqualTo(new Fitness("other", 1, "")));
    }
}
