package bascule;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.admin.Commands;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.net.Descriptors;
import bascule.net.SegmentFilter;
import bascule.systemd.NotifySocket;
import bascule.testing.Answer;
import bascule.testing.FakeSystemd;
import bascule.testing.Newcomers;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Told;
import bascule.testing.Wire;
import bascule.tls.TicketRing;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Daemons in this process, one after the other, and what the manager keeps between them.
@Timeout(120)
final class KeptSocketsIT {
    @TempDir Path folder = Path.of("");

    private final AtomicReference<String> file = new AtomicReference<>("");
    private final CountDownLatch slow = new CountDownLatch(1);
    private final CountDownLatch hang = new CountDownLatch(1);
    private Site site;
    private FakeSystemd manager;
    private Daemon daemon;

    @BeforeEach
    void begin() throws IOException {
        Assumptions.assumeTrue(Epoll.isAvailable(), "no epoll here");
        manager = FakeSystemd.in(folder);
        site =
                new Site(
                        (request, wire) -> {
                            if (request.head().startsWith("GET /tunnel ")) {
                                wire.send(
                                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
                                while (true) wire.send(wire.receive(4)); // Until it is cut.
                            }
                            if (request.head().startsWith("GET /slow ")) awaitQuietly(slow);
                            if (request.head().startsWith("GET /hang ")) awaitQuietly(hang);
                            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                            return true;
                        });
    }

    @AfterEach
    void end() throws IOException {
        slow.countDown();
        hang.countDown();
        if (daemon != null) daemon.stop();
        if (site != null) site.close();
        if (manager != null) manager.close();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private LoadResult read() {
        return ConfigurationLoader.parse(file.get(), Path.of("test.conf"), Map.of());
    }

    /// @param text beside what is the same in all; `BACKEND` is a listener's backend and limits
    private void write(String text) throws IOException {
        String rest = "backend = web, limits.connections = 100";
        file.set(
                """
                admin { http = "127.0.0.1:0", socket = off }
                logging.access = off
                backends.web.servers = ["%s"]
                """
                                .formatted(site.address())
                        + (text.contains("loops") ? "" : "loops = 2\n")
                        + (text.contains("shutdown") ? "" : "shutdown.grace = 20s\n")
                        + text.replace("BACKEND", rest));
    }

    private void start(String text) throws Exception {
        write(text);
        if (!(read() instanceof LoadResult.Loaded(Configuration loaded)))
            throw new AssertionError(read());
        daemon =
                Daemon.start(
                        loaded,
                        this::read,
                        new TicketRing(Instant.now()),
                        new Service(manager.environment(0)));
        long before = manager.count("READY=1");
        daemon.serves();
        manager.await("READY=1", before + 1);
    }

    private void stop() {
        daemon.stop();
        manager.await("STOPPING=1", 1);
    }

    private void reload(String text) throws Exception {
        write(text);
        long before = manager.count("READY=1");
        assertThat(daemon.reload().join()).isInstanceOf(Commands.Reloaded.class);
        manager.await("READY=1", before + 1);
    }

    private InetSocketAddress address(String listener) {
        return daemon.addresses(listener).getFirst();
    }

    private static void ask(InetSocketAddress address) {
        assertThat(Answer.get(address, "/").body(US_ASCII)).isEqualTo("ok");
    }

    /// One that comes while nobody is there.
    private static Wire waiting(InetSocketAddress address) throws IOException {
        Wire wire = Wire.connect(address);
        wire.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        return wire;
    }

    private static void assertServed(Wire wire) throws IOException {
        assertThat(Answer.read(wire, false).body(US_ASCII)).isEqualTo("ok");
    }

    private static void assertRefused(InetSocketAddress address) {
        assertThatThrownBy(() -> Wire.connect(address).close())
                .isInstanceOf(ConnectException.class);
    }

    private List<String> inodes() {
        return manager.stored().stream()
                .distinct()
                .flatMap(name -> manager.inodes(name).stream())
                .toList();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static final String ONE = "listeners.web { bind = \"127.0.0.1:0\", BACKEND }\n";

    @ParameterizedTest
    @CsvSource({"2,2", "4,2", "1,3", "3,1", "3,2"})
    void givenStoppedDaemon_whenStartedWithOtherLoops_thenAllSocketsAreServedAndNobodyWasRefused(
            int before, int after) throws Exception {
        start("loops = " + before + "\n" + ONE);
        InetSocketAddress address = address("web");
        List<String> first = inodes();
        assertThat(first).hasSize(before);
        stop();

        // So many that each of the sockets has some.
        List<Wire> clients = Stream.generate(() -> quietlyWaiting(address)).limit(64).toList();
        start("loops = " + after + "\n" + ONE);

        assertThat(address("web")).isEqualTo(address);
        for (Wire each : clients) {
            assertServed(each);
            each.close();
        }
        assertThat(inodes()).containsAll(first).hasSize(Math.max(before, after));
        for (int i = 0; i < 64; i++) ask(address);
        assertThat(manager.count("FDSTOREREMOVE=1")).isZero();
    }

    private static Wire quietlyWaiting(InetSocketAddress address) {
        try {
            return waiting(address);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void givenListenersOfAllKinds_whenRestarted_thenEachIsAdopted() throws Exception {
        int port = freePort();
        String text =
                """
                listeners.any { bind = ":%d", BACKEND }
                listeners.six { bind = ["[::1]:0", "127.0.0.2:0"], BACKEND }
                """
                        .formatted(port);
        start(text);
        List<InetSocketAddress> six = daemon.addresses("six");
        List<String> sockets = inodes();
        assertThat(manager.stored())
                .containsExactly("any.0.0", "any.0.1", "six.0.0", "six.0.1", "six.1.0", "six.1.1");
        stop();
        start(text);

        assertThat(daemon.addresses("six")).isEqualTo(six);
        assertThat(inodes()).containsExactlyInAnyOrderElementsOf(sockets);
        ask(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        for (InetSocketAddress each : six) ask(each);
    }

    @Test
    void givenListenerThatIsGone_whenRestarted_thenWhoWaitedIsClosedAndItsPortRefuses()
            throws Exception {
        start(ONE + "listeners.old { bind = \"127.0.0.1:0\", BACKEND }\n");
        InetSocketAddress old = address("old");
        stop();
        try (Wire waits = waiting(old);
                var told = new Told()) {
            start(ONE);

            assertRefused(old);
            assertThat(waits.skipToEnd()).isNotNull();
            assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
            assertThat(told.await("listening-socket-ended", "clients=1"))
                    .contains("name=old.0.", "reason=\"no listener is bound there\"");
        }
        ask(address("web"));
    }

    @Test
    void givenListenerWithAnotherName_whenRestarted_thenItsSocketsAreTheSameUnderThatName()
            throws Exception {
        int port = freePort();
        start("listeners.old { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port));
        List<String> sockets = inodes();
        stop();
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (Wire waits = waiting(address)) {
            start("listeners.new { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port));
            assertServed(waits);
        }
        assertThat(manager.stored()).containsExactly("new.0.0", "new.0.1");
        assertThat(inodes()).containsExactlyInAnyOrderElementsOf(sockets);
    }

    @ParameterizedTest
    @CsvSource({"0.0.0.0,127.0.0.1", "127.0.0.1,0.0.0.0", "[::],127.0.0.1"})
    void givenBindThatHasChanged_whenRestarted_thenWhoWaitedIsServedByTheNewOne(
            String before, String after) throws Exception {
        int port = freePort();
        String bind = "listeners.web { bind = \"%s:%d\", BACKEND }\n";
        start(bind.formatted(before, port));
        List<String> sockets = inodes();
        stop();
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (Wire waits = waiting(address)) {
            start(bind.formatted(after, port));
            assertServed(waits);
        }
        assertThat(inodes()).hasSize(2).doesNotContainAnyElementsOf(sockets);
        for (int i = 0; i < 32; i++) ask(address); // Nothing swallows a share of them.
    }

    @Test
    void givenOtherDescriptors_whenStarted_thenTheyAreThrownOutAndToldOf() throws Exception {
        FileDescriptor[] pipe = FileDescriptor.pipe();
        var udp = new EpollDatagramChannel();
        try (var told = new Told()) {
            manager.store("web.0.0", pipe[0].intValue());
            manager.store("web.0.1", udp.fd().intValue());
            int port = freePort();
            storeListening("stranger", port);
            storeListening("web.0.7", freePort()); // A name of ours, another address.
            start("listeners.web { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port));

            told.await("descriptor-not-ours", "name=web.0.0", "is=\"is no socket\"");
            told.await("descriptor-not-ours", "name=web.0.1", "is=\"is no TCP socket\"");
            told.await("listening-socket-ended", "name=stranger");
            told.await("listening-socket-ended", "name=web.0.7");
            assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
            for (int i = 0; i < 32; i++) ask(address("web"));
        } finally {
            pipe[0].close();
            pipe[1].close();
            udp.fd().close();
        }
    }

    private static FileDescriptor listening(EpollServerSocketChannel channel, int port)
            throws IOException {
        var socket = (Socket) channel.fd();
        socket.setReuseAddress(true);
        socket.setReusePort(true);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        socket.listen(16);
        return socket;
    }

    /// A shared listening socket that only the store has.
    private void storeListening(String name, int port) throws IOException {
        FileDescriptor socket =
                listening(new EpollServerSocketChannel(SocketProtocolFamily.INET), port);
        manager.store(name, socket.intValue());
        socket.close();
    }

    @Test
    void givenFilterOfAHandOverThatWasCutOff_whenStarted_thenItIsGone() throws Exception {
        int port = freePort();
        var channel = new EpollServerSocketChannel(SocketProtocolFamily.INET);
        FileDescriptor socket = listening(channel, port);
        var silent = new SegmentFilter.Silent(InetAddress.getLoopbackAddress(), true);
        assertThat(SegmentFilter.of(List.of(silent)).attach(channel)).isTrue();
        manager.store("web.0.0", socket.intValue());
        socket.close();
        List<String> sockets = inodes();
        start("loops = 1\nlisteners.web { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port));

        assertThat(inodes()).isEqualTo(sockets);
        ask(address("web"));
    }

    @Test
    void givenTwoOfOneName_whenStarted_thenBothServeAndEachHasItsName() throws Exception {
        start(ONE);
        List<String> sockets = inodes();
        stop();
        manager.rename("web.0.1", "web.0.0");
        start(ONE);

        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
        assertThat(inodes()).containsExactlyInAnyOrderElementsOf(sockets);
    }

    @Test
    void givenReload_whenListenersComeAndGo_thenTheStoreFollows() throws Exception {
        int port = freePort();
        start(ONE);
        String more = "listeners.more { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port);
        reload(ONE + more);
        assertThat(manager.stored()).containsExactly("more.0.0", "more.0.1", "web.0.0", "web.0.1");
        List<String> sockets = manager.inodes("more.0.0");

        reload(ONE + more.replace("more", "other"));
        assertThat(manager.stored())
                .containsExactly("other.0.0", "other.0.1", "web.0.0", "web.0.1");
        assertThat(manager.inodes("other.0.0")).isEqualTo(sockets);

        reload(ONE);
        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
        assertRefused(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        assertThat(daemon.addresses("web")).hasSize(1);
        ask(address("web"));
    }

    @Test
    void givenManagerThatForgetsNothing_whenAListenerGoes_thenItsPortRefusesAllTheSame()
            throws Exception {
        int port = freePort();
        start(ONE + "listeners.more { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port));
        manager.turnDeaf();
        write(ONE);
        daemon.reload().join();

        assertRefused(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        assertThat(manager.stored()).contains("more.0.0"); // A copy is there.
        manager.hearAgain();
    }

    @Test
    void givenListenersThatSwapAddresses_whenReloaded_thenEachNameHasItsSockets() throws Exception {
        String text =
                """
                listeners.a { bind = "127.0.0.1:%d", BACKEND }
                listeners.b { bind = "127.0.0.1:%d", BACKEND }
                """;
        int one = freePort();
        int two = freePort();
        start(text.formatted(one, two));
        List<String> a = manager.inodes("a.0.0");
        List<String> b = manager.inodes("b.0.0");
        reload(text.formatted(two, one));

        assertThat(manager.inodes("a.0.0")).isEqualTo(b);
        assertThat(manager.inodes("b.0.0")).isEqualTo(a);
        assertThat(manager.stored()).containsExactly("a.0.0", "a.0.1", "b.0.0", "b.0.1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nio", "io-uring"})
    void givenTransportThatKeepsNone_whenStarted_thenItSaysSoAndServes(String transport)
            throws Exception {
        int port = freePort();
        String listener = "listeners.web { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port);
        start(listener);
        stop();
        try (var told = new Told()) {
            start("transport = " + transport + "\n" + listener);
            told.await("listening-sockets-not-kept", "(expected: epoll)");
            told.await("listening-socket-ended", "name=web.0.1");
        }
        assertThat(manager.stored()).isEmpty();
        for (int i = 0; i < 32; i++) ask(address("web"));
        Json systemd = status().get("systemd");
        assertThat(systemd.get("storedSockets").number()).isZero();
        assertThat(systemd.get("notStored").text()).endsWith("(expected: epoll)");
        assertThat(StatusTable.render(status(), null, 200, false))
                .contains("no listening socket outlives a restart: transport is ");
    }

    @Test
    void givenEpoll_whenAsked_thenTheStatusSaysHowManyAreKept() throws Exception {
        start(ONE);
        awaitStored(2);
    }

    private Json status() throws IOException {
        return Json.parse(Answer.get(daemon.adminAddresses().getFirst(), "/status").body(US_ASCII));
    }

    @Test
    void givenManagerThatSaysNothingOfAStore_whenStarted_thenNothingIsSentAndTheStatusSaysWhy()
            throws Exception {
        manager.limitStore(0);
        try (var told = new Told()) {
            start(ONE);
            told.await("listening-sockets-not-kept", "sockets=2 kept=0");
        }
        assertThat(manager.count("FDSTORE=1")).isZero();
        assertThat(status().get("systemd").get("storedSockets").number()).isZero();
        assertThat(status().get("systemd").get("notStored").text())
                .startsWith("there are 2, one for each bind and loop (expected: at most 0, as ");
    }

    /// A unit whose `FileDescriptorStoreMax=` was changed, and `Environment=BASCULE_FDSTORE=` not.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void givenManagerThatKeepsLessThanItsUnitSays_whenRestarted_thenItIsToldAndItServesAllTheSame(
            int keeps) throws Exception {
        manager.limitStore(keeps);
        manager.claimStore(1024);
        int port = freePort();
        String text = ONE + "listeners.more { bind = \"127.0.0.1:%d\", BACKEND }\n".formatted(port);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (var told = new Told()) {
            start(text);
            told.await("listening-sockets-not-kept", "sockets=4 kept=0", "BASCULE_FDSTORE");
        }
        assertThat(manager.stored()).hasSize(keeps).doesNotContain("bascule-probe");
        assertNotStored(0);
        try (Wire here = Wire.connect(address)) {
            here.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            assertServed(here);
            stop();
            assertThat(here.skipToEnd()).isNotNull();
        }

        start(text);
        ask(address);
        assertNotStored(keeps); // What it passed it has.
        reload(text.replace("more", "other"));
        ask(address);
    }

    private void assertNotStored(int known) {
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .untilAsserted(
                        () -> {
                            Json systemd = status().get("systemd");
                            assertThat(systemd.get("notStored").text())
                                    .isEqualTo(
                                            "the service manager drops what is sent: FileDescriptorStoreMax= of the unit is less than BASCULE_FDSTORE says (expected: the same)");
                            assertThat(systemd.get("storedSockets").number()).isEqualTo(known);
                        });
    }

    @ParameterizedTest
    @CsvSource({"1024,1024", "3,1024", "3,3"})
    void givenManagerThatDoesNotTellItsLimit_whenAllFits_thenThatIsShownAndNothingElseIsLeftThere(
            int keeps, int claims) throws Exception {
        manager.limitStore(keeps);
        manager.claimStore(claims);
        start(ONE);

        awaitStored(2);
        manager.await("FDSTOREREMOVE=1", 1);
        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
    }

    @Test
    void givenManagerThatIsSlow_whenReloadedMeanwhile_thenNoProbeTakesThePlaceOfAnother()
            throws Exception {
        manager.limitStore(3);
        manager.claimStore(3);
        start(ONE);
        awaitStored(2);
        manager.turnDeaf();
        Thread.sleep(100); // It may be listening for the last time.
        try (var told = new Told()) {
            for (int i = 0; i < 3; i++) {
                write(ONE.replace(":0", ":" + freePort()));
                assertThat(daemon.reload().join()).isInstanceOf(Commands.Reloaded.class);
            }
            manager.hearAgain();

            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .until(() -> status().get("systemd").get("storedSockets").number() == 2);
            assertThat(told.all()).noneMatch(line -> line.contains("listening-sockets-not-kept"));
        }
        awaitStored(2);
        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
    }

    @Test
    void givenProbeOfADaemonThatWasKilled_whenStarted_thenItIsTakenAwayWithoutAWord()
            throws Exception {
        FileDescriptor[] pipe = FileDescriptor.pipe();
        manager.claimStore(1024);
        try (var told = new Told()) {
            manager.store("bascule-probe", pipe[1].intValue());
            start(ONE);

            awaitStored(2);
            assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
            assertThat(told.all()).noneMatch(line -> line.contains("probe"));
        } finally {
            pipe[0].close();
            pipe[1].close();
        }
    }

    @Test
    void givenMoreSocketsThanTheStoreTakes_whenStarted_thenEachAddressHasOneAndItIsTold()
            throws Exception {
        manager.limitStore(3);
        String more = "listeners.more { bind = \"127.0.0.1:0\", BACKEND }\n";
        try (var told = new Told()) {
            start(ONE + more);
            assertThat(told.await("listening-sockets-not-kept", "sockets=4"))
                    .contains(
                            "kept=3",
                            "(expected: at most 3, as FDSTORE says, or one less than BASCULE_FDSTORE; ");
        }
        assertThat(manager.stored())
                .hasSize(3)
                .contains("more.0.0", "web.0.0"); // Each address has one.
        assertThat(manager.count("FDSTORE=1")).isEqualTo(3); // What it would drop is not sent.
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .until(() -> status().get("systemd").get("storedSockets").number() == 3);
        assertThat(status().get("systemd").get("notStored").text())
                .isEqualTo(
                        "there are 4, one for each bind and loop (expected: at most 3, as FDSTORE says, or one less than BASCULE_FDSTORE; FileDescriptorStoreMax= of the unit sets the one, Environment= the other, for systemd before 254)");
        assertThat(StatusTable.render(status(), null, 300, false))
                .contains("only 3 listening sockets outlive a restart: there are 4, ");

        reload(ONE);
        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
        awaitStored(2);
    }

    @Test
    void givenNoDescriptorToSpare_whenAReloadMovesAListener_thenItIsRefused() throws Exception {
        long clients = mostClients();
        String text = " { bind = \"127.0.0.1:0\", backend = web, limits.connections = %d }\n";
        start("listeners.web" + text.formatted(clients));
        reload("listeners.web" + text.formatted(clients) + "# The same address.\n");

        // Its 2 sockets are open until those of the other are, too.
        write("listeners.other" + text.formatted(clients));
        assertThat(daemon.reload().join())
                .isInstanceOfSatisfying(
                        Commands.Refused.class,
                        refused ->
                                assertThat(refused.problems())
                                        .singleElement()
                                        .asString()
                                        .contains("268 of the daemon's own"));
    }

    @Test
    void givenNoDescriptorToSpare_whenPassedSocketsAreNotWanted_thenItStartsAndTheyAreEnded()
            throws Exception {
        String text = " { bind = \"127.0.0.1:0\", backend = web, limits.connections = %d }\n";
        start("listeners.old" + text.formatted(1));
        stop();
        long clients = mostClients();

        try (var told = new Told()) {
            // With both it would be one too many at least.
            start("listeners.web" + text.formatted(clients));
            told.await("listening-socket-ended", "name=old.0.0");
            told.await("listening-socket-ended", "name=old.0.1");
        }
        assertThat(manager.stored()).containsExactly("web.0.0", "web.0.1");
    }

    /// That a daemon of two loops, one bind and one server has descriptors for.
    private static long mostClients() {
        // 2 sockets, 264 others, idle connections to one server for each loop.
        long clients = (Descriptors.limit() - 2 - 264 - 2 * 512) / 2;
        Assumptions.assumeTrue(
                clients <= 1_000_000, "RLIMIT_NOFILE is above what a file can ask for");
        return clients;
    }

    @Test
    void givenFullStore_whenAReloadAddsAnAddress_thenOneOfAnotherMakesRoom() throws Exception {
        manager.limitStore(2);
        start(ONE);
        reload(ONE + "listeners.more { bind = \"127.0.0.1:0\", BACKEND }\n");

        assertThat(manager.stored()).containsExactly("more.0.0", "web.0.0");
    }

    private void awaitStored(int sockets) {
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .untilAsserted(
                        () -> {
                            Json systemd = status().get("systemd");
                            assertThat(systemd.get("notStored").text()).isEmpty();
                            assertThat(systemd.get("storedSockets").number()).isEqualTo(sockets);
                        });
    }

    @Test
    void givenManagerThatTakesNothing_whenReloaded_thenNobodyWaitsForItAndItIsToldLater()
            throws Exception {
        start(ONE + "listeners.old { bind = \"127.0.0.1:0\", BACKEND }\n");
        awaitStored(4);
        manager.turnDeaf();
        Thread.sleep(100); // It may be listening for the last time.
        try (var noise = NotifySocket.open(manager.address());
                var told = new Told()) {
            int said = 0;
            while (noise.offer("NOISE=1")) said++;
            assertThat(said).isPositive();
            var binds = new StringJoiner("\", \"", "\"", "\"");
            for (int i = 0; i < 20; i++) binds.add("127.0.0.1:0");
            write(ONE + "listeners.more { bind = [" + binds + "], BACKEND }\n");
            // 42 messages, and each would have waited for a second.
            assertThat(daemon.reload().get(20, TimeUnit.SECONDS))
                    .isInstanceOf(Commands.Reloaded.class);

            ask(daemon.addresses("more").getLast());
            told.await("listening-sockets-kept-late", "cause=");
            assertThat(manager.stored()).contains("old.0.0");
            assertThat(status().get("systemd").get("notStored").text())
                    .isEqualTo(
                            "the service manager has not shown that it keeps them: 2 of 42 told, 2 to be forgotten");
            assertThat(status().get("systemd").get("storedSockets").number()).isEqualTo(2);
        }
        manager.hearAgain();

        awaitStored(42);
        assertThat(manager.stored())
                .hasSize(42)
                .contains("web.0.0", "web.0.1", "more.0.0", "more.19.1");
    }

    @Test
    void givenManagerThatIsSlow_whenItHasTakenAll_thenTheStatusWaitsUntilItHasDoneAll()
            throws Exception {
        start(ONE);
        awaitStored(2);
        manager.turnDeaf();
        Thread.sleep(100); // It may be listening for the last time.
        write(ONE + "listeners.more { bind = \"127.0.0.1:0\", BACKEND }\n");
        daemon.reload().join();

        assertThat(status().get("systemd").get("storedSockets").number()).isEqualTo(2);
        assertThat(status().get("systemd").get("notStored").text()).contains("4 of 4 told");
        manager.hearAgain();
        awaitStored(4);
    }

    @Test
    void givenQueueOfTheProcessBefore_whenAdopted_thenItIsAsLongAsOurs() throws Exception {
        int port = freePort();
        var channel = new EpollServerSocketChannel(SocketProtocolFamily.INET);
        FileDescriptor socket = listening(channel, port); // Of 16.
        try {
            manager.store("web.0.0", socket.intValue());
            start(
                    "loops = 1\nlisteners.web { bind = \"127.0.0.1:%d\", BACKEND }\n"
                            .formatted(port));

            // tcp_info of a socket that listens: what may wait there is at 28.
            ByteBuffer info =
                    channel.config().getOption(new RawUnixChannelOption("TCP_INFO", 6, 11, 32));
            // 4096, or what this host allows.
            assertThat(info.order(ByteOrder.nativeOrder()).getInt(28)).isGreaterThan(16);
        } finally {
            socket.close();
        }
    }

    @Test
    void givenClientsWhoComeAllTheTime_whenABindChangesByReloads_thenNoneIsCut() throws Exception {
        int port = freePort();
        String bind =
                "listeners.web { bind = \"%s:%d\", backend = web, limits.connections = 5000 }\n";
        start(bind.formatted("127.0.0.1", port));
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (var clients = Newcomers.start(address, 1000)) {
            for (String host : List.of("0.0.0.0", "127.0.0.1", "0.0.0.0", "127.0.0.1")) {
                long goal = clients.answered() + 500;
                Awaitility.await()
                        .atMost(RunningDaemon.PATIENCE)
                        .until(() -> clients.answered() >= goal);
                reload(bind.formatted(host, port));
            }
            Newcomers.Result result = clients.stop();

            assertThat(result.failures()).as(result.toString()).isEmpty();
            assertThat(result.refused()).isZero();
            assertThat(result.answered()).isEqualTo(result.came());
        }
    }

    @Test
    void givenClientsWhoComeAllTheTime_whenABindChangesByARestart_thenNoneIsCut() throws Exception {
        int port = freePort();
        String bind =
                "listeners.web { bind = \"%s:%d\", backend = web, limits.connections = 5000 }\n";
        start(bind.formatted("127.0.0.1", port));
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (var clients = Newcomers.start(address, 500)) {
            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .until(() -> clients.answered() >= 300);
            stop();
            start(bind.formatted("0.0.0.0", port));
            Newcomers.Result result = clients.stop();

            assertThat(result.failures()).as(result.toString()).isEmpty();
            assertThat(result.refused()).isZero();
            assertThat(result.answered()).isEqualTo(result.came());
        }
    }

    @Test
    void givenTunnel_whenStopped_thenNewcomersAreServedAndItEndsWithTheGrace() throws Exception {
        start("shutdown.grace = 3s\n" + ONE);
        InetSocketAddress address = address("web");
        try (Wire tunnel = Wire.connect(address)) {
            tunnel.send(
                    "GET /tunnel HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            assertThat(tunnel.receiveHead()).startsWith("HTTP/1.1 101 ");
            Daemon first = daemon;
            var stopped = CompletableFuture.runAsync(first::stop);
            manager.await("STOPPING=1", 1);
            for (int i = 0; i < 32; i++) {
                try (Wire late = Wire.connect(address)) {
                    late.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
                    assertServed(late);
                }
            }
            tunnel.send("echo");
            assertThat(tunnel.receive(4)).isEqualTo("echo");
            assertThat(stopped).isNotDone();

            stopped.get(15, TimeUnit.SECONDS);
            assertThat(tunnel.awaitEnd()).isEqualTo(Wire.End.RESET);
            try (Wire waits = waiting(address)) {
                start(ONE);
                assertServed(waits);
            }
        }
    }

    @Test
    void givenRequestThatRuns_whenStopped_thenNewcomersAreServedUntilItEndsAndThenWait()
            throws Exception {
        start(ONE);
        InetSocketAddress address = address("web");
        try (Wire runs = Wire.connect(address);
                Wire rests = Wire.connect(address)) {
            runs.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
            rests.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            assertServed(rests);
            Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 2);
            Daemon first = daemon;
            var stopped = CompletableFuture.runAsync(first::stop);
            manager.await("STOPPING=1", 1);
            rests.skipToEnd(); // Who has nothing to ask for is gone,
            for (int i = 0; i < 32; i++) { // and who comes is served, once.
                try (Wire late = Wire.connect(address)) {
                    late.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
                    Answer answer = Answer.read(late, false);
                    assertThat(answer.field("Connection")).isEqualTo("close");
                }
            }
            assertThat(stopped).isNotDone();
            slow.countDown();
            assertServed(runs);
            stopped.get();
            try (Wire waits = waiting(address)) {
                start(ONE);
                assertServed(waits);
            }
        }
    }

    @Test
    void givenRequestOfALatecomerThatHangs_whenTheOthersHaveGone_thenTheDoorsAreNotShutForIt()
            throws Exception {
        start(ONE);
        InetSocketAddress address = address("web");
        try (Wire runs = Wire.connect(address)) {
            runs.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
            Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 1);
            Daemon first = daemon;
            var stopped = CompletableFuture.runAsync(first::stop);
            manager.await("STOPPING=1", 1);
            try (Wire hangs = Wire.connect(address)) {
                hangs.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n");
                Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 2);
                slow.countDown();
                assertServed(runs);

                stopped.get(10, TimeUnit.SECONDS); // The grace is 20 s.
            }
        }
    }

    @Test
    void givenRequestThatOutlivesTheGrace_whenStopped_thenWhatNewcomersHaveUnderWayEnds()
            throws Exception {
        start("shutdown.grace = 2s\n" + ONE);
        InetSocketAddress address = address("web");
        try (Wire hangs = Wire.connect(address)) {
            hangs.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n");
            Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 1);
            Daemon first = daemon;
            var stopped = CompletableFuture.runAsync(first::stop);
            manager.await("STOPPING=1", 1);
            try (Wire late = Wire.connect(address)) {
                late.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
                Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 2);
                Thread.sleep(2100); // The grace is over, the second after it is not.
                slow.countDown();

                assertServed(late);
            }
            stopped.get();
        }
    }

    @Test
    void givenNoManager_whenStopped_thenNobodyIsLetInWhileOthersFinish() throws Exception {
        write(ONE);
        if (!(read() instanceof LoadResult.Loaded(Configuration loaded)))
            throw new AssertionError(read());
        daemon = Daemon.start(loaded);
        InetSocketAddress address = address("web");
        try (Wire runs = Wire.connect(address)) {
            runs.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
            Awaitility.await().atMost(RunningDaemon.PATIENCE).until(() -> site.requests() == 1);
            var stopped = CompletableFuture.runAsync(daemon::stop);
            Awaitility.await()
                    .atMost(RunningDaemon.PATIENCE)
                    .untilAsserted(() -> assertRefused(address));
            slow.countDown();
            assertServed(runs);
            stopped.get();
        }
    }
}
