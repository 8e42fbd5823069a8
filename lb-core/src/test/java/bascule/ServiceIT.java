package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.Cluster;
import bascule.cluster.ClusterHost;
import bascule.cluster.ClusterSettings;
import bascule.cluster.ClusterStatus;
import bascule.cluster.OwnershipChange;
import bascule.cluster.key.ClusterKey;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.net.Transport;
import bascule.systemd.NotifySocket;
import bascule.testing.BasculeProcess;
import bascule.testing.FakeSystemd;
import bascule.testing.Site;
import bascule.tls.TicketRing;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What systemd hears of a daemon.
@Timeout(120)
final class ServiceIT {
    @TempDir Path folder = Path.of("");

    private static final String TEXT =
            """
            admin { http = "127.0.0.1:0", socket = %s }
            state = .
            logging.access = off
            shutdown.grace = 1s
            loops = 2
            listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
            backends.web.servers = ["%s"]
            """;

    private static LoadResult read(String text) {
        return ConfigurationLoader.parse(text, Path.of("test.conf"), Map.of());
    }

    private static Configuration configuration(String text) {
        if (read(text) instanceof LoadResult.Loaded(Configuration loaded)) return loaded;
        throw new AssertionError(read(text));
    }

    private static Site site() throws Exception {
        return new Site(
                (_, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    return true;
                });
    }

    @Test
    void givenDaemon_whenItLives_thenTheManagerHearsEachStep() throws Exception {
        try (var site = site();
                var manager = FakeSystemd.in(folder)) {
            var text = new AtomicReference<>(TEXT.formatted("off", site.address()));
            var daemon =
                    Daemon.start(
                            configuration(text.get()),
                            () -> read(text.get()),
                            new TicketRing(Instant.now()),
                            new Service(manager.environment(0)));
            try {
                assertThat(manager.count("READY=1")).isZero(); // A signal would not stop it yet.
                daemon.serves();
                manager.await("READY=1", 1);
                assertThat(manager.status()).isEqualTo("serving on 1 listener; 1 of 1 server up");

                text.set(text.get() + "backends.other.servers = [\"127.0.0.1:1\"]\n");
                daemon.reload().join();
                manager.await("READY=1", 2);
                assertThat(manager.status()).isEqualTo("serving on 1 listener; 2 of 2 servers up");

                text.set("nonsense");
                daemon.reload().join();
                manager.await("READY=1", 3);
                assertThat(manager.status())
                        .isEqualTo(
                                "serving on 1 listener; 2 of 2 servers up; the last reload was refused, what was loaded before is in force");
            } finally {
                daemon.stop();
            }
            manager.await("STOPPING=1", 1);

            assertThat(manager.messages())
                    .extracting(message -> message.lines().findFirst().orElse(""))
                    .filteredOn(line -> !line.startsWith("FDSTORE") && !line.startsWith("BARRIER"))
                    .containsExactly(
                            "READY=1",
                            "RELOADING=1",
                            "READY=1",
                            "RELOADING=1",
                            "READY=1",
                            "STOPPING=1");
            assertThat(manager.messages())
                    .filteredOn(message -> message.startsWith("RELOADING"))
                    .allMatch(message -> message.matches("RELOADING=1\nMONOTONIC_USEC=\\d+"));
            assertThat(manager.messages().getLast()).contains("EXTEND_TIMEOUT_USEC=26000000");
        }
    }

    @Test
    void givenServerThatGoesDown_whenASecondIsOver_thenTheStatusSaysSo() throws Exception {
        try (var site = site();
                var manager = FakeSystemd.in(folder)) {
            String text =
                    TEXT.formatted("off", site.address())
                            + "backends.web.check { http = /, every = 100ms, fall = 1 }\n";
            var daemon =
                    Daemon.start(
                            configuration(text),
                            null,
                            new TicketRing(Instant.now()),
                            new Service(manager.environment(0)));
            try {
                daemon.serves();
                site.stop();
                Awaitility.await()
                        .atMost(BasculeProcess.PATIENCE)
                        .until(
                                () ->
                                        manager.status()
                                                .equals(
                                                        "serving on 1 listener; 0 of 1 server up; no server for web"));
            } finally {
                daemon.stop();
            }
        }
    }

    @Test
    void givenStuckEventLoop_whenWatched_thenNotFedUntilItGoesOn() throws Exception {
        var transport = Transport.open(Transport.Kind.NIO, 2);
        try (var manager = FakeSystemd.in(folder);
                var service = new Service(manager.environment(400_000))) {
            transport.loops().forEach(loop -> loop.start(_ -> {}));
            service.watch(transport.loops(), null);
            manager.await("WATCHDOG=1", 3);
            var stuck = new CountDownLatch(1);
            var holds = new CountDownLatch(1);
            transport
                    .loops()
                    .getLast()
                    .executor()
                    .execute(
                            () -> {
                                holds.countDown();
                                awaitQuietly(stuck);
                            });
            holds.await();
            Thread.sleep(300); // What had run by then may still be told.
            long before = manager.count("WATCHDOG=1");
            Thread.sleep(1000);
            assertThat(manager.count("WATCHDOG=1")).isEqualTo(before);

            stuck.countDown();
            manager.await("WATCHDOG=1", before + 2);
        } finally {
            transport.close(5000);
        }
    }

    @Test
    void givenManagerThatStoodStill_whenItHearsAgain_thenItIsFedBeforeTheNextLook()
            throws Exception {
        try (var manager = FakeSystemd.in(folder);
                var other = NotifySocket.open(manager.address());
                var service = new Service(manager.environment(1_000_000_000))) { // Looks: 250 s.
            manager.turnDeaf();
            Thread.sleep(100); // It may be listening for the last time.
            int others = 0;
            while (other.offer("OTHER=1")) others++;
            assertThat(others).isPositive();
            service.watch(List.of(), null);
            Thread.sleep(1500); // Longer than one that waits does.
            assertThat(other.offer("OTHER=1")).isFalse();
            manager.hearAgain();
            manager.await("WATCHDOG=1", 1);
        }
    }

    @Test
    void givenStuckOwnershipLoop_whenWatched_thenNotFedUntilItGoesOn() throws Exception {
        ClusterKey.generate(folder.resolve("key"));
        if (!(ClusterKey.read(folder.resolve("key")) instanceof ClusterKey.Read.Loaded(var key)))
            throw new AssertionError();
        int port;
        try (var free = new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.2"))) {
            port = free.getLocalPort();
        }
        var alone = new ClusterSettings.Node("a", InetAddress.ofLiteral("127.0.0.2"), 100, false);
        var settings =
                new ClusterSettings(
                        "test",
                        key,
                        List.of(alone),
                        0,
                        port,
                        false,
                        true,
                        null,
                        List.of(),
                        "ab".repeat(32),
                        folder,
                        folder);
        var stuck = new CountDownLatch(1);
        try (var cluster = Cluster.start(settings, "test", new NoHost());
                var manager = FakeSystemd.in(folder);
                var service = new Service(manager.environment(400_000))) {
            service.watch(List.of(), cluster::turned);
            manager.await("WATCHDOG=1", 3);
            var holds = new CountDownLatch(1);
            do { // What is told by the loop runs on it, unless it was told before.
                var _ =
                        cluster.handOver(null)
                                .thenRun(
                                        () -> {
                                            if (!Thread.currentThread()
                                                    .getName()
                                                    .equals("ownership")) return;
                                            holds.countDown();
                                            awaitQuietly(stuck);
                                        });
            } while (!holds.await(100, TimeUnit.MILLISECONDS));
            Thread.sleep(300);
            long before = manager.count("WATCHDOG=1");
            Thread.sleep(1000);
            assertThat(manager.count("WATCHDOG=1")).isEqualTo(before);

            stuck.countDown();
            manager.await("WATCHDOG=1", before + 2);
        } finally {
            stuck.countDown();
        }
    }

    private static final class NoHost implements ClusterHost {
        @Override
        public void drain(String floatingIp) {}

        @Override
        public void undrain(String floatingIp) {}

        @Override
        public void changed(OwnershipChange change) {}

        @Override
        public void received(String topic, String node, byte[] message) {}

        @Override
        public Map<String, byte[]> greeting() {
            return Map.of();
        }

        @Override
        public void viewChanged(ClusterStatus status) {}

        @Override
        public void told(boolean worse, String event, Object... keyValues) {}
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void givenManagerThatWasBusy_whenItHearsAgain_thenWhatItMissedIsSaidAgainOnce()
            throws Exception {
        var busy = FakeSystemd.in(folder);
        var environment = busy.environment(0);
        busy.close();
        Files.delete(Path.of(busy.address()));
        try (var service = new Service(environment)) {
            service.ready("serving");
            try (var manager = FakeSystemd.in(folder)) {
                service.status("serving");
                service.status("serving");
                service.status("serving\nREADY=1".repeat(1000));

                String line = "serving READY=1".repeat(1000).substring(0, 500);
                manager.await("STATUS=" + line + "…", 1);
                assertThat(manager.count("READY=1")).isEqualTo(1);
            }
        }
    }

    @Test
    void givenManagerThatIsGone_whenTheDaemonRuns_thenItDoesNotCare() throws Exception {
        var manager = FakeSystemd.in(folder);
        var environment = manager.environment(400_000);
        manager.close();
        Files.delete(Path.of(manager.address()));
        try (var site = site()) {
            var daemon =
                    Daemon.start(
                            configuration(TEXT.formatted("off", site.address())),
                            null,
                            new TicketRing(Instant.now()),
                            new Service(environment));
            daemon.serves();
            daemon.stop();
        }
    }

    @Test
    void givenRealProcess_whenStartedReloadedAndStopped_thenTheManagerHears() throws Exception {
        try (var site = site();
                var manager = FakeSystemd.in(folder)) {
            Path file = folder.resolve("bascule.conf");
            Files.writeString(file, TEXT.formatted("admin.sock", site.address()));
            try (var unit =
                    manager.start(
                            folder,
                            Map.of("WATCHDOG_USEC", "2000000"),
                            "run",
                            "-c",
                            file.toString())) {
                manager.await("READY=1", 1);
                manager.await("WATCHDOG=1", 2);
                assertThat(
                                BasculeProcess.bascule(
                                                "reload",
                                                "--socket",
                                                folder.resolve("admin.sock").toString())
                                        .end()
                                        .exitCode())
                        .isZero();
                manager.await("READY=1", 2);
                assertThat(manager.count("RELOADING=1")).isEqualTo(1);
                assertThat(unit.stop()).isEqualTo(143);
                manager.await("STOPPING=1", 1);
            }
        }
    }

    @Test
    void givenFileThatIsRefused_whenStarted_thenTheManagerIsToldAndItEndsWith78() throws Exception {
        try (var manager = FakeSystemd.in(folder)) {
            Path file = folder.resolve("bascule.conf");
            Files.writeString(file, "nonsense = 1\n");
            try (var unit = manager.start(folder, Map.of(), "run", "-c", file.toString())) {
                assertThat(unit.awaitEnd()).isEqualTo(78);
                assertThat(manager.status()).isEqualTo("refused: " + file + ", see the log");
                assertThat(manager.count("READY=1")).isZero();
            }
        }
    }

    @Test
    void givenNothingInTheEnvironment_whenAsked_thenThereIsNoService() {
        assertThat(Service.of(Map.of("WATCHDOG_USEC", "1"))).isNull();
    }
}
