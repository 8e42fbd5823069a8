package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Who gets how many of 3,000 requests, over kept and new connections, from many clients at once.
final class RoundRobinIT {
    private static final int REQUESTS = 3000;
    private static final int CLIENTS = 12;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void givenThreeServers_whenAsked3000Times_thenEachAnswers1000Times(int loops) throws Exception {
        assertThat(shares(loops, "{ address = \"%s\" }"))
                .allMatch(share -> Math.abs(share - 1000) <= 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void givenWeightsOneTwoThree_whenAsked3000Times_thenTheSharesAreExact(int loops)
            throws Exception {
        List<Integer> shares =
                shares(
                        loops,
                        "{ address = \"%s\" }",
                        "{ address = \"%s\", weight = 2 }",
                        "{ address = \"%s\", weight = 3 }");

        assertThat(shares).containsExactly(500, 1000, 1500);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void givenBackupServer_whenTheOthersAreUp_thenItIsNeverAsked(int loops) throws Exception {
        List<Integer> shares =
                shares(
                        loops,
                        "{ address = \"%s\" }",
                        "{ address = \"%s\", backup = true }",
                        "{ address = \"%s\" }");

        assertThat(shares).containsExactly(1500, 0, 1500);
    }

    /// @param servers one pattern for all, or three
    private static List<Integer> shares(int loops, String... servers) throws Exception {
        List<Site> sites = new ArrayList<>();
        var configured = new ArrayList<String>();
        for (int i = 0; i < 3; i++) {
            sites.add(
                    new Site(
                            (_, wire) -> {
                                wire.send("HTTP/1.1 204 No Content\r\n\r\n");
                                return true;
                            }));
            configured.add(servers[i % servers.length].formatted(sites.get(i).address()));
        }
        var answered = new AtomicInteger();
        try (RunningDaemon daemon =
                RunningDaemon.start(
                        """
                        loops = %d
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                        backends.web.servers = [%s]
                        """
                                .formatted(loops, String.join(", ", configured)))) {
            List<Background> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                int connections = client % 3 == 0 ? REQUESTS / CLIENTS : 1 + client % 3;
                clients.add(Background.start(() -> ask(daemon, connections, answered)));
            }
            for (Background client : clients) client.end();
            assertThat(answered).hasValue(REQUESTS);
            for (Site site : sites) site.stop();
            daemon.awaitNothingOpen();
        }
        return sites.stream().map(Site::requests).toList();
    }

    /// A client's share of the requests, over so many connections.
    private static void ask(RunningDaemon daemon, int connections, AtomicInteger answered)
            throws Exception {
        int left = REQUESTS / CLIENTS;
        for (int connection = connections; connection > 0; connection--) {
            int requests = left / connection;
            left -= requests;
            try (Wire wire = Wire.connect(daemon.address("web"))) {
                for (int i = 0; i < requests; i++) {
                    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    assertThat(Answer.read(wire, false).status()).isEqualTo(204);
                    answered.incrementAndGet();
                }
            }
        }
    }
}
