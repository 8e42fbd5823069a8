package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import bascule.net.Transport;
import bascule.testing.Answer;
import bascule.testing.Doors;
import bascule.testing.HoldingSite;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// One listener on all addresses, real sockets, a real kernel; the cluster is played.
@Timeout(120)
final class FarewellIT {
    private static final String MOVED = "127.0.0.2";
    private static final String OTHER = "127.0.0.1";
    private static final int SOON_MILLIS =
            500; // A SYN that is not answered is sent again after 1 s.
    private static final int LONG_MILLIS = 10_000;

    @TempDir Path folder = Path.of("");
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger drained = new AtomicInteger();
    private volatile long askedNanos;
    private CompletableFuture<Void> holds = CompletableFuture.completedFuture(null);
    private HoldingSite site;
    private Doors doors;

    private void open(Transport.Kind transport) throws IOException {
        site = new HoldingSite();
        doors = new Doors(configuration(transport, ""), folder);
        doors.publish();
    }

    private String configuration(Transport.Kind transport, String more) throws IOException {
        return """
        loops = 2, transport = %s, admin { socket = off, http = off }, logging.access = off
        listeners.http {
          bind = "[::]:0", limits.connections = 1000, backend = web
          routes = [{ path = /here, respond { status = 200, body = here } }]
        }
        %s
        backends.web.servers = ["%s"]
        """
                .formatted(
                        transport.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                        more,
                        site.address());
    }

    @AfterEach
    void end() throws IOException {
        if (doors != null) doors.close();
        if (site != null) site.close();
    }

    private Farewell farewell(String address) throws IOException {
        return new Farewell(
                "public",
                InetAddress.ofLiteral(address),
                doors.listeners,
                new Farewell.Keeper() {
                    @Override
                    public CompletableFuture<Void> holdNewcomers(String floatingIp) {
                        askedNanos = System.nanoTime();
                        asked.incrementAndGet();
                        return holds;
                    }

                    @Override
                    public void drained(String floatingIp) {
                        drained.incrementAndGet();
                    }
                },
                doors.transport.loops().getFirst().executor(),
                Runnable::run);
    }

    private InetSocketAddress to(String address) {
        return to(address, "http");
    }

    private InetSocketAddress to(String address, String listener) {
        return new InetSocketAddress(
                InetAddress.ofLiteral(address), doors.address(listener).getPort());
    }

    private static void assertSilent(InetSocketAddress to) throws IOException {
        try (var client = new Socket()) {
            assertThatExceptionOfType(SocketTimeoutException.class) // Not refused either.
                    .isThrownBy(() -> client.connect(to, SOON_MILLIS));
        }
    }

    private static void assertServed(InetSocketAddress to) throws IOException {
        try (Wire wire = Wire.connect(to)) {
            wire.send("GET /here HTTP/1.1\r\nHost: test\r\n\r\n");
            assertThat(Answer.read(wire, false).body()).isEqualTo("here");
        }
    }

    private static void await(AtomicInteger count) {
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> count.get() == 1);
    }

    @ParameterizedTest
    @CsvSource({"EPOLL, 127.0.0.2", "EPOLL, ::1", "IO_URING, 127.0.0.2"})
    void givenNobodyLeft_whenItGoes_thenWhoComesGetsNoAnswerUntilTheEnd(
            Transport.Kind transport, String address) throws Exception {
        open(transport);
        Assumptions.assumeTrue(doors.transport.kind() == transport);
        String other = address.equals(OTHER) ? MOVED : OTHER;
        assertServed(to(address));
        Farewell farewell = farewell(address);
        farewell.begin(5000);
        await(drained);

        assertSilent(to(address));
        assertServed(to(other));
        try (var late = new Socket()) {
            CompletableFuture<Void> connected =
                    CompletableFuture.runAsync(() -> connect(late, to(address)));
            Thread.sleep(50);
            farewell.end();
            connected.join(); // By its second SYN.
        }
        assertServed(to(address));
    }

    private static void connect(Socket socket, InetSocketAddress to) {
        try {
            socket.connect(to, LONG_MILLIS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void givenExchange_whenItGoes_thenNobodyIsHeldBeforeItHasEnded() throws Exception {
        open(Transport.Kind.EPOLL);
        try (Wire client = Wire.connect(to(MOVED))) {
            client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
            HoldingSite.Held slow = site.await("/slow");
            Farewell farewell = farewell(MOVED);
            farewell.begin(60_000);
            Thread.sleep(300);
            assertThat(asked).hasValue(0);
            assertServed(to(MOVED));

            slow.answer();
            assertThat(Answer.read(client, false).body()).isEqualTo("/slow");
            await(drained);
            farewell.end();
        }
    }

    @Test
    void givenExchangeThatBeganMeanwhile_whenThoseThereHaveLeft_thenTheAddressWaitsForItToo()
            throws Exception {
        open(Transport.Kind.EPOLL);
        try (Wire first = Wire.connect(to(MOVED))) {
            first.send("GET /there HTTP/1.1\r\nHost: test\r\n\r\n");
            HoldingSite.Held there = site.await("/there");
            Farewell farewell = farewell(MOVED);
            farewell.begin(60_000);
            Thread.sleep(50);
            try (Wire client = Wire.connect(to(MOVED))) {
                client.send("GET /came HTTP/1.1\r\nHost: test\r\n\r\n");
                HoldingSite.Held came = site.await("/came");
                there.answer();
                assertThat(Answer.read(first, false).body()).isEqualTo("/there");
                await(asked);
                assertNotDrained(Farewell.ASKING_MILLIS + 300);

                came.answer();
                assertThat(Answer.read(client, false).body()).isEqualTo("/came");
            }
            await(drained);
            farewell.end();
        }
    }

    /// For so long since the cluster was asked; what a look shows that came too late says nothing.
    private void assertNotDrained(long millis) throws InterruptedException {
        for (long passed = 0; passed < millis; passed = millisSinceAsked()) {
            Thread.sleep(5);
            int count = drained.get();
            if (millisSinceAsked() < Farewell.MOST_MILLIS) assertThat(count).isZero();
        }
    }

    private long millisSinceAsked() {
        return (System.nanoTime() - askedNanos) / 1_000_000;
    }

    @Test
    void givenExchangeThatDoesNotEnd_whenTheBoundComes_thenItGoesAllTheSame() throws Exception {
        open(Transport.Kind.EPOLL);
        try (Wire client = Wire.connect(to(MOVED))) {
            client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
            HoldingSite.Held slow = site.await("/slow");
            Farewell farewell = farewell(MOVED);
            farewell.begin(Farewell.MOST_MILLIS + Farewell.SPARE_MILLIS + 50);
            await(drained);

            assertSilent(to(MOVED));
            slow.answer(); // A connection is not a newcomer.
            assertThat(Answer.read(client, false).body()).isEqualTo("/slow");
            farewell.end();
        }
    }

    @Test
    void givenCalledOffWhileTheClusterIsAsked_whenItHolds_thenNoFilterIsPut() throws Exception {
        open(Transport.Kind.EPOLL);
        holds = new CompletableFuture<>();
        Farewell farewell = farewell(MOVED);
        farewell.begin(5000);
        await(asked);

        farewell.end();
        holds.complete(null);
        Thread.sleep(100);

        assertServed(to(MOVED));
        assertThat(drained).hasValue(0);
    }

    @Test
    void givenClusterThatCannotHold_whenItGoes_thenItGoesWithout() throws Exception {
        open(Transport.Kind.EPOLL);
        holds = CompletableFuture.failedFuture(new IOException("planted"));
        Farewell farewell = farewell(MOVED);
        farewell.begin(5000);
        await(drained);

        assertServed(to(MOVED));
    }

    @Test
    void givenNio_whenItGoes_thenItGoesWithout() throws Exception {
        open(Transport.Kind.NIO);
        farewell(MOVED).begin(5000);
        await(drained);

        assertThat(asked).hasValue(0);
        assertServed(to(MOVED));
    }

    @Test
    void givenNobodyEndsIt_whenTimePasses_thenDoorsAnswerAgain() throws Exception {
        open(Transport.Kind.EPOLL);
        farewell(MOVED).begin(5000);
        await(drained);
        assertSilent(to(MOVED));

        try (var client = new Socket()) { // Its SYNs come after 1, 3 and 7 s.
            client.connect(to(MOVED), 2 * LONG_MILLIS);
        }
    }

    @Test
    void givenSilence_whenAListenerIsAdded_thenItIsSilentToo() throws Exception {
        open(Transport.Kind.EPOLL);
        Farewell farewell = farewell(MOVED);
        farewell.begin(5000);
        await(drained);

        doors.reload(
                configuration(
                        Transport.Kind.EPOLL,
                        "listeners.more { bind = \"0.0.0.0:0\", routes = [{ path = /here, respond { status = 200, body = here } }] }"));
        assertSilent(to(MOVED, "more"));
        farewell.end();
        assertServed(to(MOVED, "more"));
    }

    /// A bind that goes lets its last clients in for 300 ms, in which the one that takes its place lets clients in already.
    @Test
    void
            givenReloadThatWaitsForTheLastClientsOfABind_whenAnAddressKeepsSilent_thenTheNewBindDoesAndTheOldLetsNobodyIn()
                    throws Exception {
        open(Transport.Kind.EPOLL);
        int port = freePort();
        String bind =
                "listeners.more { bind = \"%s:%d\", routes = [{ path = /here, respond { status = 200, body = here } }] }";
        doors.reload(configuration(Transport.Kind.EPOLL, bind.formatted(OTHER, port)));
        var goes = new InetSocketAddress(InetAddress.ofLiteral(OTHER), port);
        var comes = new InetSocketAddress(InetAddress.ofLiteral(MOVED), port);
        String next = configuration(Transport.Kind.EPOLL, bind.formatted(MOVED, port));
        CompletableFuture<Void> reload = CompletableFuture.runAsync(() -> reload(next));
        Awaitility.await("that the old bind lets nobody begin")
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> !connects(goes));

        InetAddress other = InetAddress.ofLiteral(OTHER);
        doors.listeners.keepSilent(InetAddress.ofLiteral(MOVED), false).join();
        doors.listeners.keepSilent(other, false).join();
        doors.listeners.answer(other).join();

        assertThat(connects(goes)).isFalse();
        assertThat(connects(comes)).isFalse();
        reload.join();
        doors.listeners.answer(InetAddress.ofLiteral(MOVED)).join();
        assertServed(comes);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void reload(String next) {
        try {
            doors.reload(next);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean connects(InetSocketAddress to) {
        try (var client = new Socket()) {
            client.connect(to, 20);
            return true;
        } catch (IOException _) {
            return false;
        }
    }
}
