package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class RateLimitIT {
    private static final String LISTENERS =
            """
            loops = 4
            listeners.web {
              bind = "127.0.0.1:0", limits.connections = 100
              rate-limit { rate = 1/h, burst = 3 }
              routes = [{ path = /, respond { status = 200, body = ok } }]
            }
            listeners.behind {
              bind = "127.0.0.1:0", limits.connections = 100
              trust = ["127.0.0.0/8", "10.0.0.0/8"]
              rate-limit { rate = 1/h, burst = 2 }
              routes = [{ path = /, respond { status = 200, body = ok } }]
            }
            """;

    private static String request(String more) {
        return "GET / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
    }

    private static int ask(Wire wire, String request) throws IOException {
        wire.send(request);
        return Answer.read(wire, false).status();
    }

    @Test
    void givenBurstIsTaken_whenAskedAgain_thenItIsToldWhenToComeBack() throws Exception {
        try (RunningDaemon daemon = RunningDaemon.start(LISTENERS);
                Wire wire = Wire.connect(daemon.address("web"))) {
            for (int i = 0; i < 3; i++) assertEquals(200, ask(wire, request("")));

            wire.send(request(""));
            Answer refused = Answer.read(wire, false);

            assertEquals(429, refused.status());
            assertThat(Integer.parseInt(refused.field("retry-after"))).isBetween(3500, 3600);
            assertEquals("429 Too Many Requests\n", refused.body());
            assertEquals(
                    429, ask(wire, request("X-Forwarded-For: 192.0.2.1\r\n"))); // A mere claim.
            wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
            assertEquals(429, Answer.read(wire, false).status());
            assertEquals(
                    Wire.End.CLEAN,
                    wire.awaitEnd()); // What it was about to send is not waited for.
            daemon.awaitMetric(
                    3, "bascule_rejected_total", "listener=\"web\"", "reason=\"rate-limit\"");
            daemon.awaitMetric(3, "bascule_exchanges_total", "listener=\"web\"", "code=\"4xx\"");
        }
    }

    @Test
    void givenTrustedPeer_whenItNamesClients_thenEachHasItsOwnBucket() throws Exception {
        try (RunningDaemon daemon = RunningDaemon.start(LISTENERS);
                Wire wire = Wire.connect(daemon.address("behind"))) {
            for (String client : List.of("192.0.2.1", "192.0.2.2, 10.1.1.1", "2001:db8:0:1::1")) {
                String request = request("X-Forwarded-For: 192.0.2.9, " + client + "\r\n");
                assertEquals(200, ask(wire, request));
                assertEquals(200, ask(wire, request));
                assertEquals(429, ask(wire, request));
            }
            // Another address of the same subscriber.
            assertEquals(429, ask(wire, request("X-Forwarded-For: 2001:db8:0:1::2\r\n")));
            assertEquals(200, ask(wire, request(""))); // The peer itself.
        }
    }

    @Test
    void givenManyConnectionsOverAllLoops_whenTheyAskAtOnce_thenTheBurstIsGivenOutOnce()
            throws Exception {
        try (RunningDaemon daemon =
                RunningDaemon.start(LISTENERS.replace("burst = 3", "burst = 300"))) {
            var good = new AtomicInteger();
            var limited = new AtomicInteger();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                clients.add(
                        Thread.startVirtualThread(
                                () -> {
                                    try (Wire wire = Wire.connect(daemon.address("web"))) {
                                        for (int n = 0; n < 30; n++) {
                                            int status = ask(wire, request(""));
                                            (status == 200 ? good : limited).incrementAndGet();
                                        }
                                    } catch (IOException e) {
                                        throw new IllegalStateException(e);
                                    }
                                }));
            }
            for (Thread client : clients) client.join();

            assertEquals(300, good.get());
            assertEquals(300, limited.get());
        }
    }
}
