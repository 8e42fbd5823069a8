package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/// Servers that close kept connections at any moment, without a word, while the next request is on its way.
final class IdleCloseIT {
    private static final int CLIENTS = 8;
    private static final int EACH = 400;

    @Test
    void givenServerThatClosesAtAnyMoment_whenAsked_thenEachGetIsAnsweredAndNoPostIsSentTwice()
            throws Exception {
        Map<String, Integer> seen = new ConcurrentHashMap<>();
        try (Site site = new Site((request, wire) -> answer(request, wire, seen));
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                loops = 2
                                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(site.address()))) {
            var clients = new Background[CLIENTS];
            int[] badPosts = new int[CLIENTS];
            for (int client = 0; client < CLIENTS; client++) {
                int number = client;
                clients[client] =
                        Background.start(() -> badPosts[number] = ask(daemon, number, seen));
            }
            for (Background client : clients) client.end();

            double retries = daemon.metric("bascule_retries_total");
            double gateway = daemon.metric("bascule_exchanges_total", "code=\"5xx\"");
            int bad = Arrays.stream(badPosts).sum();
            assertThat(retries).as("closes that met a GET").isPositive();
            assertThat(gateway).as("closes that met a POST").isEqualTo(bad);
            assertThat(bad).isLessThan(CLIENTS * EACH / 4);
            assertThat(seen).hasSizeGreaterThanOrEqualTo(CLIENTS * EACH - bad);
            site.stop();
            daemon.awaitNothingOpen();
        }
    }

    /// @return how many POSTs were answered with 502
    private static int ask(RunningDaemon daemon, int client, Map<String, Integer> seen)
            throws Exception {
        var random = new SplittableRandom(client);
        int bad = 0;
        try (Wire wire = Wire.connect(daemon.address("web"))) {
            for (int i = 0; i < EACH; i++) {
                boolean post = i % 2 == 0;
                String id = "/" + client + "-" + i + (post ? "-post" : "-get");
                wire.send(
                        (post ? "POST " : "GET ")
                                + id
                                + " HTTP/1.1\r\nHost: a\r\n"
                                + (post ? "Content-Length: 0\r\n\r\n" : "\r\n"));
                int status = Answer.read(wire, false).status();
                int times = seen.getOrDefault(id, 0);
                if (!post) {
                    assertThat(status).as(id).isEqualTo(204);
                } else if (status == 502) {
                    assertThat(times).as(id).isLessThanOrEqualTo(1);
                    bad++;
                } else {
                    assertThat(status).as(id).isEqualTo(204);
                    assertThat(times).as(id).isEqualTo(1);
                }
                Thread.sleep(0, random.nextInt(400_000));
            }
        }
        return bad;
    }

    private static boolean answer(Answer request, Wire wire, Map<String, Integer> seen)
            throws IOException {
        String id = request.head().split(" ", 3)[1];
        seen.merge(id, 1, Integer::sum);
        wire.send("HTTP/1.1 204 No Content\r\n\r\n");
        if (id.hashCode() % 3 != 0) return true;
        try {
            Thread.sleep(0, Math.abs(id.hashCode() % 800_000)); // About when the next one comes.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }
}
