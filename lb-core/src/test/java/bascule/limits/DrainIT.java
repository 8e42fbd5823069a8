package bascule.limits;

import static bascule.limits.Subject.GET;
import static bascule.limits.Subject.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import bascule.testing.Answer;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What a stop does to whoever is connected: what runs may end, what rests is let go, and no one keeps the daemon longer than the
/// grace time.
@Timeout(60)
final class DrainIT {
    private static final int GRACE_MILLIS = 1500;
    private static final int LATE_MILLIS = 5000;

    @TempDir Path folder = Path.of("");

    private Subject subject(String grace) throws IOException {
        return Subject.in(folder).listener("limits.connections = 100").grace(grace).start();
    }

    /// A stop under way on a thread of its own.
    private static final class Stop {
        private final long start = System.nanoTime();
        private final Thread thread;
        private volatile long endNanos;

        Stop(Subject subject) {
            thread =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        subject.daemon.close();
                                        endNanos = System.nanoTime();
                                    });
            Awaitility.await("new connections refused")
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> refuses(subject));
        }

        private static boolean refuses(Subject subject) throws IOException {
            try (Wire _ = subject.connect()) {
                return false;
            } catch (ConnectException refused) {
                return true;
            }
        }

        boolean over() {
            return !thread.isAlive();
        }

        long millis() throws InterruptedException {
            thread.join();
            return TimeUnit.NANOSECONDS.toMillis(endNanos - start);
        }
    }

    @Test
    void givenExchangeUnderWay_whenStopped_thenItIsTheLastOfItsConnectionAndThenItIsOver()
            throws Exception {
        try (Subject subject = subject("30s");
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();

            var stop = new Stop(subject);
            Thread.sleep(300); // Three looks at what is left.
            assertFalse(stop.over());
            server.send(OK);

            Answer answer = Answer.read(client, false);
            assertEquals("ok", answer.body());
            assertEquals("close", answer.field("Connection"));
            client.awaitEnd();
            assertThat(stop.millis()).isLessThan(LATE_MILLIS);
            server.awaitEnd();
            subject.awaitLogged(1, 200, "complete");
        }
    }

    @Test
    void givenResponseUnderWay_whenStopped_thenItIsWholeAndItsConnectionEnds() throws Exception {
        try (Subject subject = subject("30s");
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
            client.receiveHead(); // It could not know.
            assertEquals("first", client.receive(5));

            var stop = new Stop(subject);
            server.send("later");

            assertEquals("later", client.receive(5));
            assertEquals(Wire.End.CLEAN, client.awaitEnd());
            assertThat(stop.millis()).isLessThan(LATE_MILLIS);
        }
    }

    @Test
    void givenIdleConnections_whenStopped_thenTheyEndSoonAndWithThemTheStop() throws Exception {
        try (Subject subject = subject("30s");
                Wire used = subject.connect();
                Wire fresh = subject.connect();
                Wire server = subject.exchange(used)) {

            var stop = new Stop(subject);

            assertEquals(Wire.End.CLEAN, used.awaitEnd());
            assertEquals(Wire.End.CLEAN, fresh.awaitEnd());
            assertEquals(Wire.End.CLEAN, server.awaitEnd());
            assertThat(stop.millis()).isLessThan(LATE_MILLIS);
            assertThat(subject.log()).hasSize(1);
        }
    }

    /// A request that was on its way when the drain began is still answered.
    @Test
    void givenKeptConnection_whenARequestComesJustAfterTheStop_thenAnswered() throws Exception {
        try (Subject subject = subject("30s");
                Wire client = subject.connect();
                Wire server = subject.exchange(client)) {
            var stop = new Stop(subject);

            client.send(GET);

            server.receiveHead();
            server.send(OK);
            Answer answer = Answer.read(client, false);
            assertEquals("ok", answer.body());
            assertEquals("close", answer.field("Connection"));
            assertThat(stop.millis()).isLessThan(LATE_MILLIS);
        }
    }

    @Test
    void givenClientThatTakesNothing_whenTheGraceTimeIsOver_thenCutAndLogged() throws Exception {
        try (Subject subject = subject(GRACE_MILLIS + "ms");
                Wire client = Wire.connectNarrow(subject.daemon.address("http"))) {
            client.send(GET);
            try (Wire server = subject.origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
                byte[] some = new byte[64 * 1024];
                while (server.trySend(some) > 0) Thread.sleep(5);

                var stop = new Stop(subject);

                assertEquals(Wire.End.RESET, server.awaitEnd());
                assertThat(stop.millis())
                        .isBetween((long) GRACE_MILLIS, GRACE_MILLIS + (long) LATE_MILLIS);
                assertEquals(Wire.End.RESET, client.skipToEnd());
                subject.awaitLogged(1, 200, "stopping");
            }
        }
    }

    @Test
    void givenTunnel_whenStopped_thenItGoesOnThroughTheGraceTimeAndIsCutThen() throws Exception {
        try (Subject subject = subject(GRACE_MILLIS + "ms");
                Wire client =
                        subject.connect(
                                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
            client.receiveHead();

            var stop = new Stop(subject);
            Thread.sleep(300);
            client.send("still there?");
            assertEquals("still there?", server.receive(12));
            server.send("yes");
            assertEquals("yes", client.receive(3));

            assertEquals(Wire.End.RESET, client.awaitEnd());
            assertEquals(Wire.End.RESET, server.awaitEnd());
            assertThat(stop.millis())
                    .isBetween((long) GRACE_MILLIS, GRACE_MILLIS + (long) LATE_MILLIS);
            subject.awaitLogged(1, 101, "stopping");
        }
    }

    @Test
    void givenUploadAndHeadThatStall_whenTheGraceTimeIsOver_thenTheStopIsToo() throws Exception {
        try (Subject subject = subject("500ms");
                Wire upload =
                        subject.connect(
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
                Wire head = subject.connect("GET / HTT");
                Wire server = subject.origin.accept()) {
            server.receiveHead();

            var stop = new Stop(subject);

            assertThat(stop.millis()).isBetween(500L, 500L + LATE_MILLIS);
            upload.awaitEnd();
            head.awaitEnd();
            server.awaitEnd();
        }
    }

    @Test
    void givenNoGrace_whenStopped_thenEverythingEndsNow() throws Exception {
        try (Subject subject = subject("off");
                Wire client = subject.connect(GET);
                Wire server = subject.origin.accept()) {
            server.receiveHead();

            var stop = new Stop(subject);

            assertThat(stop.millis()).isLessThan(LATE_MILLIS);
            assertEquals(Wire.End.RESET, client.awaitEnd());
            assertThatThrownBy(subject::connect).isInstanceOf(ConnectException.class);
        }
    }
}
