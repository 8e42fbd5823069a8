package bascule.load;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.load.Balanced.Member;
import bascule.testing.Answer;
import bascule.testing.JournalOrigin;
import bascule.testing.Load;
import bascule.testing.Load.Failure;
import bascule.testing.Load.Fault;
import bascule.testing.Load.Kind;
import bascule.testing.Load.Result;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What befalls an operator's servers, and what he does with them, while fifty clients are never idle: what nobody could have
/// saved is lost, and nothing else.
final class OperateIT {
    /// Sent in each test, at least.
    private static final int REQUESTS = Boolean.getBoolean("bascule.long") ? 200_000 : 20_000;

    private static final int QUARTER = REQUESTS / 4;

    /// Enough to see that a server takes part.
    private static final int SOME = REQUESTS / 20;

    /// What may be sent again is a share of what was sent before, counted once a second.
    private static final int BUDGET_MILLIS = 3000;

    private static final int CONNECTIONS = 50;
    private static final int RELOADS = 20;

    @TempDir Path folder = Path.of("");
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.add(resource);
        return resource;
    }

    private Nginx nginx(String name) throws IOException {
        Peers.require("nginx");
        return opened(new Nginx(name, folder));
    }

    private static List<Member> members(Nginx... servers) {
        return Arrays.stream(servers).map(each -> new Member(each.name(), each.address())).toList();
    }

    @Test
    void givenServerOfThree_whenKilledAndBack_thenOnlyWhatItHadBegunIsLost() throws Exception {
        Nginx a = nginx("a");
        Balanced web = opened(new Balanced(members(a, nginx("b"), nginx("c"))));
        Load load = opened(web.load(CONNECTIONS));

        load.awaitSent(QUARTER);
        Thread.sleep(BUDGET_MILLIS);
        a.kill();
        long killedNanos = System.nanoTime();
        load.awaitSent(2 * QUARTER);
        a.start();
        load.awaitComplete("a", SOME);
        load.awaitSent(QUARTER);

        assertOnlyExcused(load.stop(), killedNanos);
    }

    /// The server is stopped first, until all clients wait for it: so it is known what has reached it, read or not yet.
    @Test
    void givenServersWithJournals_whenOneDies_thenNoPostReachesTwo() throws Exception {
        List<JournalOrigin> origins = new ArrayList<>();
        for (String name : List.of("a", "b", "c"))
            origins.add(opened(new JournalOrigin(name, folder)));
        JournalOrigin a = origins.getFirst();
        Balanced web =
                opened(
                        new Balanced(
                                origins.stream()
                                        .map(each -> new Member(each.name(), each.address()))
                                        .toList()));
        Load load = opened(web.load(CONNECTIONS));

        load.awaitSent(QUARTER);
        Thread.sleep(BUDGET_MILLIS);
        a.freeze();
        awaitStandstill(load);
        int unread = a.unread();
        a.kill();
        long killedNanos = System.nanoTime();
        load.awaitSent(2 * QUARTER);
        a.start();
        load.awaitComplete("a", SOME);
        load.awaitSent(QUARTER);
        Result result = load.stop();

        assertOnlyExcused(result, killedNanos);
        List<Long> never = new ArrayList<>();
        List<Long> twice = new ArrayList<>();
        for (long number = 0; number < result.sent(); number++) {
            long at = number;
            int seen = origins.stream().mapToInt(each -> each.seen(at)).sum();
            if (seen == 0) never.add(number);
            if (seen > 1 && Kind.of(number) == Kind.POST) twice.add(number);
        }
        assertThat(twice).isEmpty();
        assertThat(never).isSubsetOf(result.failures().stream().map(Failure::number).toList());
        assertThat(never).hasSizeLessThanOrEqualTo(unread);
    }

    /// Waits until nobody sends, for all wait.
    private static void awaitStandstill(Load load) throws InterruptedException {
        for (long sent = -1; sent != load.sent(); Thread.sleep(200)) sent = load.sent();
    }

    @Test
    void givenOneServerKilledEachSecond_whenAskedSteadily_thenNoMoreIsLostThanWasUnderWay()
            throws Exception {
        int kills = Boolean.getBoolean("bascule.long") ? 600 : 10;
        long seed = System.nanoTime();
        var random = new SplittableRandom(seed);
        List<Nginx> servers = List.of(nginx("a"), nginx("b"), nginx("c"));
        Balanced web = opened(new Balanced(members(servers.toArray(Nginx[]::new))));
        Load load = opened(Load.start(web.address(), CONNECTIONS, 1000));
        List<Death> deaths = new ArrayList<>();

        for (int kill = 0; kill < kills; kill++) {
            Thread.sleep(random.nextInt(500, 1500));
            Nginx victim = servers.get(random.nextInt(3));
            long beforeNanos = System.nanoTime();
            victim.kill();
            deaths.add(new Death(beforeNanos, System.nanoTime()));
            victim.start();
        }
        Result result = load.stop();

        List<Failure> rest =
                result.failures().stream()
                        .filter(
                                each ->
                                        !isExcused(each)
                                                || deaths.stream()
                                                        .noneMatch(death -> death.met(each)))
                        .toList();
        assertThat(rest).as("seed %d: %s", seed, result.describe(rest)).isEmpty();
        assertThat(result.failed()).isEqualTo(result.failures().size()); // None was left out.
        assertThat(result.sent()).isGreaterThan(500L * kills);
    }

    /// Some time between these a server has died.
    private record Death(long afterNanos, long beforeNanos) {
        /// Was the request under way then?
        boolean met(Failure failure) {
            return beforeNanos - failure.sentNanos() > 0 && failure.failedNanos() - afterNanos > 0;
        }
    }

    private static void assertOnlyExcused(Result result, long killedNanos) {
        List<Failure> rest =
                result.failures().stream()
                        .filter(each -> !isExcused(each) || each.sentNanos() - killedNanos > 0)
                        .toList();
        assertThat(rest).as(result.describe(rest)).isEmpty();
        assertThat(result.failed()).isLessThanOrEqualTo(CONNECTIONS); // At one instant.
        assertThat(result.sent()).isGreaterThanOrEqualTo(REQUESTS);
    }

    /// Its response had begun to reach the client; or it had reached the server, and may not be sent again.
    private static boolean isExcused(Failure failure) {
        return failure.fault() == Fault.TRUNCATED
                || failure.kind() == Kind.POST
                        && failure.fault() == Fault.STATUS
                        && failure.response().startsWith("HTTP/1.1 502 ");
    }

    @Test
    void givenServerOfThree_whenDrainedStoppedAndBack_thenNothingIsLost() throws Exception {
        Nginx b = nginx("b");
        Balanced web = opened(new Balanced(members(nginx("a"), b, nginx("c"))));
        Load load = opened(web.load(CONNECTIONS));

        load.awaitSent(QUARTER);
        web.change("drain", "b");
        web.awaitServer("b", "\"exchanges\":0");
        Balanced.awaitIdle("b", load);
        b.kill();
        load.awaitSent(QUARTER);
        b.start();
        web.change("enable", "b");
        load.awaitComplete("b", SOME);
        load.awaitSent(2 * QUARTER);

        assertNothingLost(load.stop());
    }

    @Test
    void givenThreeServers_whenReloadedAgainAndAgain_thenNothingIsLost() throws Exception {
        List<Member> members = members(nginx("a"), nginx("b"), nginx("c"));
        Balanced web = opened(new Balanced(members));
        Load load = opened(web.load(CONNECTIONS));

        for (int reload = 0; reload < RELOADS; reload++) {
            load.awaitSent(REQUESTS / RELOADS);
            // Of the listener, of its routes, of another backend: each time something else.
            web.write(
                    members,
                    200 + reload,
                    """
                    listeners.web.routes = [{ path = /reload-%1$d, respond = 200 }]
                    backends.other-%1$d.servers = ["%2$s"]
                    """
                            .formatted(200 + reload, members.getFirst().address()));
            if (reload % 2 == 0) web.reload();
            else web.signal("HUP");
            String route = "/reload-" + (200 + reload);
            Balanced.await(route).until(() -> Answer.get(web.address(), route).status() == 200);
        }
        load.awaitSent(REQUESTS / RELOADS);
        Result result = load.stop();

        assertNothingLost(result);
        assertThat(result.complete()).containsOnlyKeys("a", "b", "c");
    }

    @Test
    void givenThreeServers_whenOneIsAddedAndAnotherRemoved_thenNothingIsLost() throws Exception {
        Nginx a = nginx("a");
        Nginx b = nginx("b");
        Nginx c = nginx("c");
        Nginx d = nginx("d");
        Balanced web = opened(new Balanced(members(a, b, c)));
        Load load = opened(web.load(CONNECTIONS));

        load.awaitSent(QUARTER);
        web.write(members(a, b, c, d));
        web.reload();
        load.awaitComplete("d", SOME);
        load.awaitSent(QUARTER);
        web.write(members(b, c, d));
        web.reload();
        Balanced.awaitIdle("a", load);
        a.kill();
        load.awaitSent(2 * QUARTER);

        assertNothingLost(load.stop());
    }

    private static void assertNothingLost(Result result) {
        assertThat(result.failed()).as(result.describe(result.failures())).isZero();
        assertThat(result.sent()).isGreaterThanOrEqualTo(REQUESTS);
    }
}
