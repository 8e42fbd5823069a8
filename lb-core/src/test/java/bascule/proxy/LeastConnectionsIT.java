package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.HoldingSite;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How 300 requests that nobody answers yet are spread over three servers, counted by the servers.
final class LeastConnectionsIT {
    private static final int HELD = 300;
    private static final int ROUNDS = 5;
    private static final long SEED = 300;

    private final List<HoldingSite> sites = new ArrayList<>();
    private final List<Client> asking = new ArrayList<>();
    private final Queue<Wire> idle = new ArrayDeque<>();
    private RunningDaemon daemon;
    private int sent;

    /// One that waits for its answer.
    private record Client(Wire wire, String path) {}

    private void start(int loops, String balance, int... weights) throws IOException {
        var servers = new ArrayList<String>();
        for (int weight : weights) {
            var site = new HoldingSite();
            sites.add(site);
            servers.add("{ address = \"%s\", weight = %d }".formatted(site.address(), weight));
        }
        daemon =
                RunningDaemon.start(
                        """
                        loops = %d
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 400 }
                        backends.web { balance = %s, servers = %s }
                        """
                                .formatted(loops, balance, servers));
    }

    @AfterEach
    void stop() throws IOException {
        for (Client client : asking) client.wire.reset();
        for (Wire wire : idle) wire.close();
        for (HoldingSite site : sites) site.close();
        if (daemon == null) return;
        daemon.awaitNothingOpen();
        daemon.close();
    }

    /// Lets clients ask, all at once, until so many wait for their answer.
    private void fill() throws Exception {
        var fresh = new ArrayList<Client>();
        while (asking.size() + fresh.size() < HELD) {
            Wire known = idle.poll();
            Wire wire = known == null ? Wire.connect(daemon.address("web")) : known;
            fresh.add(new Client(wire, "/" + sent++));
        }
        var sending =
                fresh.stream()
                        .map(
                                client ->
                                        Background.start(
                                                () ->
                                                        client.wire.send(
                                                                "GET "
                                                                        + client.path
                                                                        + " HTTP/1.1\r\nHost: a\r\n\r\n")))
                        .toList();
        for (Background each : sending) each.end();
        asking.addAll(fresh);
        awaitPresent(HELD);
    }

    private void awaitPresent(int count) {
        Awaitility.await(count + " requests")
                .atMost(RunningDaemon.PATIENCE)
                .until(() -> IntStream.of(present()).sum() == count);
        daemon.awaitStatus(count, "running");
    }

    private int[] present() {
        return sites.stream().mapToInt(HoldingSite::present).toArray();
    }

    /// Ends some exchanges: every other one by an answer, the rest because the client is gone.
    private void end(List<Client> clients) throws Exception {
        int number = 0;
        for (Client client : clients) {
            asking.remove(client);
            if (number++ % 2 == 0) {
                answer(client);
                idle.add(client.wire);
            } else {
                client.wire.reset();
            }
        }
        awaitPresent(HELD - clients.size());
    }

    private void answer(Client client) throws IOException {
        for (HoldingSite site : sites) {
            HoldingSite.Held held = site.held().get(client.path);
            if (held != null) held.answer();
        }
        assertThat(Answer.read(client.wire, false).body()).isEqualTo(client.path);
    }

    private static int spread(int[] counts) {
        return IntStream.of(counts).max().orElseThrow() - IntStream.of(counts).min().orElseThrow();
    }

    /// With one loop the counts differ by one at most; loops that choose at the same moment may each add one.
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void given300Requests_whenHeldOpen_thenServersDifferByNoMoreThanTheLoops(int loops)
            throws Exception {
        start(loops, "least-connections", 1, 1, 1);

        fill();

        assertThat(sent).isEqualTo(HELD);
        assertThat(spread(present())).as("%d loops", loops).isLessThanOrEqualTo(loops);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void givenHalfOfThemEndAtRandom_whenOthersCome_thenTheyAreSpreadAsWell(int loops)
            throws Exception {
        start(loops, "least-connections", 1, 1, 1);
        var random = new Random(SEED);
        fill();

        for (int round = 0; round < ROUNDS; round++) {
            var drawn = new ArrayList<>(asking);
            Collections.shuffle(drawn, random);
            end(drawn.subList(0, HELD / 2));
            fill();

            assertThat(spread(present()))
                    .as("%d loops, round %d of seed %d", loops, round, SEED)
                    .isLessThanOrEqualTo(loops);
        }
        assertThat(sent).isEqualTo(HELD + ROUNDS * HELD / 2);
    }

    /// 300 is a multiple of the weights' sum, so the shares are whole.
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void givenWeightsOneTwoThree_whenHeldOpen_thenSoAreTheShares(int loops) throws Exception {
        start(loops, "least-connections", 1, 2, 3);

        fill();
        int[] first = present();
        end(new ArrayList<>(asking.subList(0, HELD / 2)));
        fill();
        int[] second = present();

        for (int[] counts : List.of(first, second)) {
            for (int server = 0; server < 3; server++)
                assertThat(counts[server])
                        .as("server %d, %d loops", server, loops)
                        .isBetween(50 * (server + 1) - loops + 1, 50 * (server + 1) + loops - 1);
        }
        assertThat(sent).isEqualTo(HELD + HELD / 2);
    }

    @Test
    void givenRoundRobin_whenOneServerAnswersAll_thenTheSpreadIsSeen() throws Exception {
        start(1, "round-robin", 1, 1, 1);
        fill();
        HoldingSite quick = sites.getFirst();
        end(asking.stream().filter(client -> quick.held().containsKey(client.path)).toList());

        fill();

        assertThat(spread(present())).isGreaterThan(HELD / 10);
    }
}
