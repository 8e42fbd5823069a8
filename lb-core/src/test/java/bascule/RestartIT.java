package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.FakeSystemd;
import bascule.testing.Newcomers;
import bascule.testing.Site;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Real daemons, one after the other, by a manager that keeps their listening sockets, under clients that come all the time.
@Timeout(180)
final class RestartIT {
    private static final int PER_SECOND = 500;

    @TempDir Path folder = Path.of("");

    private Path file(Site site, int loops) throws Exception {
        Path file = folder.resolve("bascule.conf");
        Files.writeString(
                file,
                """
                admin { http = "127.0.0.1:0", socket = off }
                state = .
                logging.access = off
                loops = %d
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
                backends.web.servers = ["%s"]
                """
                        .formatted(loops, site.address()));
        return file;
    }

    private static Site site() throws Exception {
        return new Site(
                (_, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    return true;
                });
    }

    private FakeSystemd.Unit start(FakeSystemd manager, Path file) {
        long before = manager.count("READY=1");
        var unit = manager.start(folder, Map.of(), "run", "-c", file.toString());
        manager.await("READY=1", before + 1);
        return unit;
    }

    private static void awaitAnswers(Newcomers clients, long more) {
        long goal = clients.answered() + more;
        Awaitility.await().until(() -> clients.answered() >= goal);
    }

    @Test
    void givenClientsWhoComeAllTheTime_whenRestartedWithOtherLoops_thenNoneIsRefusedAndNoneFails()
            throws Exception {
        try (var site = site();
                var manager = FakeSystemd.in(folder)) {
            FakeSystemd.Unit unit = start(manager, file(site, 4));
            int port = unit.port("web");
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
            try (var clients = Newcomers.start(address, PER_SECOND)) {
                for (int loops : new int[] {2, 4, 4}) {
                    awaitAnswers(clients, 300);
                    Path next = file(site, loops);
                    assertThat(unit.stop()).isEqualTo(143);
                    unit = start(manager, next);
                    assertThat(unit.port("web")).isEqualTo(port);
                    assertThat(manager.stored())
                            .containsExactly("web.0.0", "web.0.1", "web.0.2", "web.0.3");
                }
                awaitAnswers(clients, 300);
                Newcomers.Result result = clients.stop();

                assertThat(result.failures()).as(result.toString()).isEmpty();
                assertThat(result.refused()).isZero();
                assertThat(result.answered()).isEqualTo(result.came());
            } finally {
                unit.close();
            }
        }
    }

    @Test
    void givenClientsWhoComeAllTheTime_whenKilled_thenNoneIsRefused() throws Exception {
        try (var site = site();
                var manager = FakeSystemd.in(folder)) {
            Path file = file(site, 2);
            FakeSystemd.Unit unit = start(manager, file);
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), unit.port("web"));
            try (var clients = Newcomers.start(address, PER_SECOND)) {
                awaitAnswers(clients, 500);
                unit.kill();
                unit = start(manager, file);
                awaitAnswers(clients, 500);
                Newcomers.Result result = clients.stop();

                assertThat(result.refused()).isZero();
                // What was under way in that moment.
                assertThat(result.failures()).hasSizeLessThan(PER_SECOND / 10);
                assertThat(result.answered() + result.failures().size()).isEqualTo(result.came());
            } finally {
                unit.close();
            }
        }
    }
}
