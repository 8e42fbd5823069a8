package bascule.listen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Who may come in.
final class DoorIT {
    private static RunningDaemon start(String bind, String rules) {
        return RunningDaemon.start(
                """
                loops = 4
                listeners.web {
                  bind = "%s"
                  limits.connections = 100
                  %s
                  routes = [{ path = /, respond { status = 200, body = ok } }]
                }
                """
                        .formatted(bind, rules));
    }

    /// By IPv4, also to a listener that is bound for both families.
    private static Wire connect(RunningDaemon daemon) throws IOException {
        int port = daemon.address("web").getPort();
        return Wire.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    }

    private static boolean served(Wire wire) throws IOException {
        try {
            wire.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
            if (wire.ended()) return false;
            return Answer.read(wire, false).status() == 200;
        } catch (SocketException reset) {
            return false;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            127.0.0.1:0 | deny = "127.0.0.0/8"                         | false
            127.0.0.1:0 | deny = "127.0.0.2/32"                        | true
            127.0.0.1:0 | allow = "10.0.0.0/8", trust = "127.0.0.0/8"  | false
            127.0.0.1:0 | allow = ["10.0.0.0/8", "127.0.0.1/32"]       | true
            127.0.0.1:0 | allow = "127.0.0.0/8", deny = "127.0.0.1/32" | false
            [::]:0      | deny = "127.0.0.0/8"                         | false
            [::]:0      | allow = "127.0.0.0/8"                        | true
            [::]:0      | deny = "::/0"                                | true
            """)
    void givenLists_whenAClientComes_thenItIsLetInOrNot(String bind, String rules, boolean in)
            throws Exception {
        try (RunningDaemon daemon = start(bind, rules);
                Wire wire = connect(daemon)) {
            assertEquals(in, served(wire));

            daemon.awaitMetric(in ? 0 : 1, "bascule_rejected_total", "reason=\"denied\"");
            daemon.awaitMetric(in ? 1 : 0, "bascule_connections_open");
        }
    }

    @Test
    void givenMostOfAClientAreOpen_whenOneMoreComes_thenItIsClosedUntilOneHasLeft()
            throws Exception {
        try (RunningDaemon daemon = start("127.0.0.1:0", "limits.connections-per-client = 3")) {
            List<Wire> open = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                open.add(connect(daemon));
                assertEquals(true, served(open.getLast()));
            }
            try (Wire more = connect(daemon)) {
                assertEquals(false, served(more));
            }
            daemon.awaitMetric(1, "bascule_rejected_total", "reason=\"connections-per-client\"");

            open.removeFirst().close();
            daemon.awaitMetric(2, "bascule_connections_open");

            open.add(connect(daemon));
            assertEquals(true, served(open.getLast()));
            try (Wire more = connect(daemon)) {
                assertEquals(false, served(more));
            }
            for (Wire wire : open) wire.close();
            daemon.awaitMetric(0, "bascule_connections_open");
        }
    }

    /// Connections come and go on all loops; there is room for one of each client that the daemon has not seen go yet.
    @Test
    void givenManyThatComeAndGo_whenCounted_thenNoneIsForgotten() throws Exception {
        try (RunningDaemon daemon = start("127.0.0.1:0", "limits.connections-per-client = 16")) {
            var refused = new AtomicInteger();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                clients.add(
                        Thread.startVirtualThread(
                                () -> {
                                    try {
                                        for (int n = 0; n < 50; n++) {
                                            try (Wire wire = connect(daemon)) {
                                                if (!served(wire)) refused.incrementAndGet();
                                                // Seen by the daemon before the next one comes.
                                                wire.sendEnd();
                                                wire.skipToEnd();
                                            }
                                        }
                                    } catch (IOException e) {
                                        throw new IllegalStateException(e);
                                    }
                                }));
            }
            for (Thread client : clients) client.join();
            daemon.awaitMetric(0, "bascule_connections_open");
            List<Wire> open = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                open.add(connect(daemon));
                assertEquals(true, served(open.getLast()), "place " + i);
            }
            for (Wire wire : open) wire.close();
            assertEquals(0, refused.get());
        }
    }
}
