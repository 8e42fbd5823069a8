package bascule.limits;

import static bascule.limits.Subject.GET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Origin;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Out of file descriptors. The check at the start makes that rare; here the limit is lowered under a running daemon, so that it
/// meets EMFILE in life.
@Timeout(120)
final class DescriptorsIT {
    private static final int FREE = 40;
    private static final int CLIENTS = 120;
    private static final double SECONDS = 2;

    @Test
    void givenNoDescriptorLeft_whenClientsComeAndGo_thenAcceptingPausesIsCountedAndRecovers()
            throws Exception {
        Peers.require("prlimit");
        List<Wire> clients = new ArrayList<>();
        try (var origin = new Origin();
                Child child =
                        Child.start(
                                "",
                                """
                                admin.http = "127.0.0.1:0"
                                listeners.http {
                                  bind = "127.0.0.1:0", backend = web, limits.connections = 1000
                                  routes = [{ path = /here, respond = 204 }]
                                }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(origin.address()))) {
            String here = GET.replace("/ ", "/here ");
            Wire first = Wire.connect(child.address());
            clients.add(first);
            first.send(here);
            assertEquals(204, Answer.read(first, false).status());
            lower(child, child.proc.descriptors() + FREE);

            for (int i = 0; i < CLIENTS; i++) {
                Wire client = Wire.connect(child.address()); // The kernel takes them all.
                client.send(here);
                clients.add(client);
            }
            child.awaitMetric(
                    count -> count > 0, "bascule_accept_errors_total", "reason=\"emfile\"");
            double open = child.metric("bascule_connections_open");
            assertThat(open).isBetween(2.0, FREE + 1.0);

            // It pauses, and does nothing else meanwhile: at most ten tries a second and socket.
            double errors = child.metric("bascule_accept_errors_total", "reason=\"emfile\"");
            double cpu = child.proc.cpuSeconds();
            long start = System.nanoTime();
            Thread.sleep((long) (SECONDS * 1000));
            double tries =
                    child.metric("bascule_accept_errors_total", "reason=\"emfile\"") - errors;
            double seconds = (System.nanoTime() - start) / 1e9;
            double used = child.proc.cpuSeconds() - cpu;
            int sockets = Runtime.getRuntime().availableProcessors();
            System.out.printf(
                    "out of descriptors: %.0f tries to accept in %.1f s, %.2f s of CPU%n",
                    tries, seconds, used);
            assertThat(tries).isBetween(1.0, sockets * (seconds * 10 + 1));
            assertThat(used).isLessThan(seconds * 0.3);
            assertThat(child.process.err().lines().filter(line -> line.contains("accept-failed")))
                    .hasSizeBetween(1, sockets); // And not for every try.

            // Those inside are served, but a server cannot be asked.
            first.send(here);
            assertEquals(204, Answer.read(first, false).status());
            first.send(GET);
            Answer refused = Answer.read(first, false);
            assertEquals(503, refused.status());
            child.process.await(
                    "the refusal in the access log",
                    () -> child.process.out().contains("\"reason\":\"exhausted\""));
            assertThat(child.metric("bascule_server_connections")).isZero();

            // Whoever is served makes room for another: in the end each is, though it waited.
            List<Wire> waiting = new ArrayList<>(clients.subList(1, clients.size()));
            Awaitility.await("an answer for each")
                    .atMost(RunningDaemon.PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(
                            () -> {
                                waiting.removeIf(DescriptorsIT::answered);
                                return waiting.isEmpty();
                            });
            first.send(GET);
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send(Subject.OK);
                assertEquals(200, Answer.read(first, false).status());
            }
        } finally {
            for (Wire client : clients) client.close();
        }
    }

    /// If the answer has come, leaves.
    private static boolean answered(Wire client) {
        try {
            String come = client.poll();
            if (come == null) throw new AssertionError("closed without an answer");
            if (come.isEmpty()) return false;
            assertThat(come).startsWith("HTTP/1.1 204 ").endsWith("\r\n\r\n");
            client.close();
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void lower(Child child, int descriptors) {
        Ended lowered =
                BasculeProcess.command(
                                "prlimit",
                                "--pid",
                                Long.toString(child.proc.pid()),
                                "--nofile=" + descriptors + ":")
                        .end();
        assertEquals(0, lowered.exitCode(), lowered.err());
    }
}
