package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.BackendConfig;
import bascule.health.Health.Outcome;
import bascule.observe.Change;
import bascule.observe.Events;
import bascule.server.Server;
import bascule.server.ServerSet;
import bascule.server.ServerStatus.Admin;
import bascule.testing.Site;
import io.netty.channel.ChannelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The thread, real sockets and real time; what may be chosen is what the published sets say.
final class HealthIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String QUICK = "check { http = /, every = 250ms, rise = 2, fall = 3 }\n";

    @TempDir private Path folder;
    private final List<AutoCloseable> open = new ArrayList<>();

    /// Of this test alone, since events are remembered for the whole process.
    private String backend = "";

    private Health health;

    /// A server that does what the test says.
    private static final class Peer implements AutoCloseable {
        volatile int status = 200;
        private final Site site;

        Peer() throws IOException {
            site =
                    Site.ofHeads(
                            (head, wire) -> {
                                wire.send("HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n");
                                return false;
                            });
        }

        String address() throws IOException {
            return site.address();
        }

        int asked() {
            return site.requests();
        }

        @Override
        public void close() throws IOException {
            site.close();
        }
    }

    /// Receives the sets of one backend, and looks at each.
    private static final class Sets {
        final List<ServerSet> all = new CopyOnWriteArrayList<>();

        void accept(ServerSet set) {
            if (!Thread.currentThread().getName().equals("health"))
                throw new AssertionError(Thread.currentThread());
            all.add(set);
        }

        List<String> usable() {
            return all.getLast().usable().stream().map(Server::name).toList();
        }

        List<Integer> weights() {
            return Arrays.stream(all.getLast().weights()).boxed().toList();
        }

        void awaitUsable(String... names) {
            await(() -> usable().equals(List.of(names)));
        }
    }

    private final Sets sets = new Sets();

    @BeforeEach
    void start(TestInfo test) {
        backend = "b" + Integer.toHexString((test.getDisplayName() + folder).hashCode());
        health = Health.start(folder);
    }

    @AfterEach
    void end() throws Exception {
        health.close();
        for (AutoCloseable each : open) each.close();
    }

    private static void await(BooleanSupplier condition) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .until(condition::getAsBoolean);
    }

    private static <T> T join(CompletableFuture<T> future) {
        return future.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }

    private Peer peer() throws IOException {
        var peer = new Peer();
        open.add(peer);
        return peer;
    }

    private Server server(String name, Peer peer) throws IOException {
        return Samples.server(backend, name, peer.address());
    }

    /// Nobody is there.
    private Server server(String name) {
        return Samples.server(backend, name, "127.0.0.1:1");
    }

    private void watch(String keys, Server... servers) {
        BackendConfig config = Samples.backend(backend, keys);
        join(
                health.watch(
                        List.of(
                                new Health.Group(
                                        config, Samples.PLAIN, List.of(servers), sets::accept))));
    }

    private Outcome.Done order(String server, Admin wanted) {
        return assertInstanceOf(Outcome.Done.class, join(health.admin(backend, server, wanted)));
    }

    /// Names of the events so far that are about this test's backend, oldest first.
    private List<String> events() {
        return Events.recent().reversed().stream()
                .filter(change -> change.text().contains("backend=" + backend))
                .map(Change::name)
                .toList();
    }

    private String text(String event) {
        return Events.recent().stream()
                .filter(change -> change.name().equals(event))
                .filter(change -> change.text().contains("backend=" + backend))
                .findFirst()
                .orElseThrow()
                .text();
    }

    @Test
    void givenNoCheck_whenWatched_thenUsableAtOnceAndNeverAsked() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch("", server);

        assertEquals(List.of("a"), sets.usable());
        assertEquals("up", server.status().state());
        assertNull(server.checkText());
        Thread.sleep(300);
        assertEquals(0, a.asked());
    }

    @Test
    void givenACheck_whenWatched_thenDownUntilTheFirstPass() throws IOException {
        Peer a = peer();
        Server good = server("a", a);
        Server bad = server("b");
        watch(QUICK, good, bad);

        assertEquals(List.of(), sets.all.getFirst().usable());
        join(health.seen());
        assertEquals(List.of("a"), sets.usable());
        assertEquals("up", good.status().state());
        assertEquals("down", bad.status().state());
        assertThat(good.checkText()).startsWith("200 in ");
        assertEquals("connection refused", bad.checkText());
        assertThat(events()).containsExactlyInAnyOrder("server-up", "server-down");
        assertEquals(
                "backend=" + backend + " server=b reason=\"connection refused\"",
                text("server-down"));
    }

    @Test
    void givenSteadyServer_whenItFailsAndRecovers_thenDownAfterFallAndUpAfterRise()
            throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch("check { http = /, every = 250ms, rise = 3, fall = 4 }", server);
        sets.awaitUsable("a");

        a.status = 500;
        int before = a.asked();
        sets.awaitUsable();
        int failures = a.asked() - before;
        assertThat(failures).isBetween(4, 6); // One may have been under way, one may follow.
        assertThat(text("server-down")).contains("reason=\"500 in ");

        a.status = 200;
        before = a.asked();
        sets.awaitUsable("a");
        assertThat(a.asked() - before).isBetween(3, 5);
    }

    @Test
    void givenFlappingServer_whenNeverSoManyInARow_thenItStays() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch("check { http = /, every = 200ms, rise = 2, fall = 4 }", server);
        sets.awaitUsable("a");

        for (int round = 0; round < 5; round++) {
            int before = a.asked();
            a.status = 500;
            await(() -> a.asked() > before);
            a.status = 200;
            int failed = a.asked();
            await(() -> a.asked() > failed + 1);
        }

        assertEquals(List.of("server-up"), events());
        assertEquals(2, sets.all.size()); // At the start, and after the first pass.
    }

    @Test
    void givenDrain_whenAsked_thenNothingNewAndChecksGoOn() throws Exception {
        Peer a = peer();
        Peer b = peer();
        Server drained = server("a", a);
        watch(QUICK, drained, server("b", b));
        sets.awaitUsable("a", "b");

        Outcome.Done done = order("a", Admin.DRAINING);

        assertEquals(List.of("b"), sets.usable());
        assertEquals("draining", done.status().state());
        assertNull(done.notKept());
        int before = a.asked();
        await(() -> a.asked() > before + 2);
        assertEquals(List.of("b"), sets.usable());

        order("a", Admin.ENABLED);
        assertEquals(List.of("a", "b"), sets.usable());
        assertThat(events()).containsSubsequence("server-draining", "server-enabled");
    }

    @Test
    void givenDisable_whenAsked_thenNoChecksAndAfterItAllAnew() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch(QUICK, server);
        sets.awaitUsable("a");

        assertEquals("disabled", order("a", Admin.DISABLED).status().state());
        int before = a.asked();
        Thread.sleep(500);
        assertThat(a.asked() - before).isLessThanOrEqualTo(1); // It was on its way.
        assertEquals(List.of(), sets.usable());

        int then = a.asked();
        order("a", Admin.ENABLED);
        sets.awaitUsable("a");
        assertThat(a.asked()).isGreaterThan(then);
        assertThat(events()).containsSubsequence("server-disabled", "server-enabled", "server-up");
    }

    @Test
    void givenProbeUnderWay_whenDisabled_thenItIsCutAndNoneFollows() throws Exception {
        var cut = new CompletableFuture<Void>();
        try (Site hanging =
                Site.ofHeads(
                        (head, wire) -> {
                            wire.skipToEnd();
                            cut.complete(null);
                            return false;
                        })) {
            Server server = Samples.server(backend, "a", hanging.address());
            watch("check { http = /, every = 1s, timeout = 1s, fall = 1 }", server);
            await(() -> hanging.requests() == 1);
            order("a", Admin.DISABLED);

            join(cut);
            Thread.sleep(1500);
            assertEquals(1, hanging.requests());
            assertNull(server.checkText()); // No result of it.
        }
    }

    @Test
    void givenUnknownNames_whenAsked_thenUnknown() {
        watch("", server("a"));

        assertEquals(new Outcome.Unknown(), join(health.admin(backend, "b", Admin.DRAINING)));
        assertEquals(new Outcome.Unknown(), join(health.admin("none", "a", Admin.DRAINING)));
    }

    @Test
    void givenReload_whenTheServerIsTheSame_thenAllIsKept() throws Exception {
        Peer a = peer();
        Peer b = peer();
        Server up = server("a", a);
        Server drained = server("b", b);
        Server down = server("c");
        watch("check { http = /, every = 1h, timeout = 1s }", up, drained, down);
        sets.awaitUsable("a", "b");
        join(health.seen());
        order("b", Admin.DRAINING);
        int before = a.asked();

        watch("check { http = /, every = 1h, timeout = 1s }\nslow-start = 5s", up, drained, down);

        assertEquals(List.of("a"), sets.usable());
        assertEquals("draining", drained.status().state());
        assertEquals("down", down.status().state());
        Thread.sleep(300);
        assertEquals(before, a.asked()); // Its time had not come.
    }

    @Test
    void givenReload_whenTheCheckIsAnother_thenTheVerdictStaysUntilItSpeaks() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch("check { http = /, every = 1h, timeout = 1s }", server);
        sets.awaitUsable("a");
        a.status = 500;

        watch("check { http = /other, every = 100ms, fall = 2 }", server);

        assertEquals(List.of("a"), sets.usable());
        sets.awaitUsable();
    }

    @Test
    void givenReload_whenTheCheckIsTakenAway_thenUpAndNotAsked() throws Exception {
        Peer a = peer();
        a.status = 500;
        Server server = server("a", a);
        watch(QUICK, server);
        join(health.seen());
        assertEquals(List.of(), sets.usable());

        watch("", server);

        assertEquals(List.of("a"), sets.usable());
        assertNull(server.checkText());
        int before = a.asked();
        Thread.sleep(300);
        assertThat(a.asked() - before).isLessThanOrEqualTo(1);
    }

    @Test
    void givenReload_whenAServerIsGone_thenNotAskedAndItsOrderRemembered() throws Exception {
        Peer a = peer();
        Peer b = peer();
        watch(QUICK, server("a", a), server("b", b));
        sets.awaitUsable("a", "b");
        order("b", Admin.DRAINING);

        watch(QUICK, server("a", a));
        int before = b.asked();
        Thread.sleep(300);
        assertThat(b.asked() - before).isLessThanOrEqualTo(1);
        assertEquals(new Outcome.Unknown(), join(health.admin(backend, "b", Admin.ENABLED)));

        Server back = server("b", b);
        watch(QUICK, server("a", a), back);
        assertEquals("draining", back.status().state());
    }

    @Test
    void givenRestart_whenTheFolderIsTheSame_thenOrdersAreKept() throws Exception {
        watch("", server("a"), server("b"), server("c"));
        order("a", Admin.DRAINING);
        order("b", Admin.DISABLED);
        order("c", Admin.DRAINING);
        order("c", Admin.ENABLED);
        health.close();

        health = Health.start(folder);
        Server a = server("a");
        Server b = server("b");
        watch("", a, b, server("c"));

        assertEquals("draining", a.status().state());
        assertEquals("disabled", b.status().state());
        assertEquals(List.of("c"), sets.usable());
        assertEquals("backend=" + backend + " server=b reason=kept", text("server-disabled"));
    }

    @Test
    void givenNoFolderThatCanBeWritten_whenDrained_thenInForceAndItSaysThatItIsNotKept()
            throws IOException {
        Files.writeString(folder.resolve("file"), "");
        health.close();
        health = Health.start(folder.resolve("file"));
        watch("", server("a"), server("b"));

        Outcome.Done done = order("a", Admin.DRAINING);

        assertEquals(List.of("b"), sets.usable());
        assertThat(done.notKept()).contains(folder.resolve("file").toString());
    }

    @Test
    void givenNoFolder_whenDrained_thenInForceAndItSaysThatItIsNotKept() {
        health.close();
        health = Health.start(null);
        watch("", server("a"), server("b"));

        assertEquals("no state folder", order("a", Admin.DRAINING).notKept());
        assertNull(order("a", Admin.ENABLED).notKept());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"servers\":[{\"backend\":\"web\"}]}", "[]", "\0\0\0"})
    void givenCorruptFile_whenStarted_thenWithoutItAndTheNextOrderReplacesIt(String content)
            throws IOException {
        health.close();
        Files.writeString(folder.resolve("servers.json"), content);
        health = Health.start(folder);
        watch("", server("a"), server("b"));
        assertEquals(List.of("a", "b"), sets.usable());

        assertNull(order("a", Admin.DRAINING).notKept());
        assertThat(new OrdersFile(folder.resolve("servers.json")).read()).hasSize(1);
        assertThat(folder.resolve("servers.json.broken")).hasContent(content);
    }

    @Test
    void givenFailures_whenTooMany_thenEjectedAndReadmitted() throws Exception {
        Server a = server("a");
        Server b = server("b");
        watch("eject { errors = 5, within = 10s, for = 1s }", a, b);

        for (int i = 0; i < 4; i++) a.noteFailure();
        Thread.sleep(300);
        assertEquals(List.of("a", "b"), sets.usable());
        a.noteFailure();
        sets.awaitUsable("b");
        assertEquals("ejected", a.status().state());
        for (int i = 0; i < 100; i++) b.noteFailure();
        Thread.sleep(300);
        assertEquals(List.of("b"), sets.usable()); // Half of two is one.

        sets.awaitUsable("a", "b");
        assertEquals(List.of("server-ejected", "server-readmitted"), events());
        assertEquals(
                "backend=" + backend + " server=a errors=5 within=10000ms for=1000ms",
                text("server-ejected"));
    }

    @Test
    void givenOnlyServer_whenItFailsAlways_thenItStays() throws Exception {
        Server a = server("a");
        watch("eject { errors = 1, at-most = 100% }", a);
        for (int i = 0; i < 100; i++) a.noteFailure();
        Thread.sleep(300);

        assertEquals(List.of("a"), sets.usable());
    }

    @Test
    void givenFailuresBefore_whenAReloadTurnsEjectionOn_thenTheyDoNotCount() throws Exception {
        Server a = server("a");
        Server b = server("b");
        watch("", a, b);
        for (int i = 0; i < 100; i++) a.noteFailure();
        Thread.sleep(300);

        watch("eject = on", a, b);
        Thread.sleep(300);
        assertEquals(List.of("a", "b"), sets.usable());
    }

    @Test
    void givenSlowStart_whenAServerComesBack_thenItsShareGrowsInTenths() throws Exception {
        Peer a = peer();
        Server back = new Server(backend, "a", Samples.address(a.address()), 0, 3, false);
        Peer b = peer();
        String keys = "slow-start = 2s, check { http = /, every = 200ms, rise = 1, fall = 2 }";
        watch(keys, back, server("b", b));
        sets.awaitUsable("a", "b");
        assertEquals(List.of(3, 1), sets.weights()); // At the start all begin together.

        a.status = 500;
        sets.awaitUsable("b");
        assertEquals(List.of(1), sets.weights());
        int before = sets.all.size();
        a.status = 200;
        await(() -> sets.all.size() > before + 5 && sets.weights().equals(List.of(3, 1)));

        List<List<Integer>> seen = new ArrayList<>();
        for (ServerSet set : sets.all.subList(before, sets.all.size()))
            seen.add(Arrays.stream(set.weights()).boxed().toList());
        assertEquals(List.of(3, 10), seen.getFirst()); // A tenth of 3 beside all of 1.
        for (int i = 1; i < seen.size() - 1; i++)
            assertTrue(
                    seen.get(i).getFirst() > seen.get(i - 1).getFirst()
                            && seen.get(i).getLast() == 10,
                    seen::toString);
        assertThat(seen).hasSizeLessThanOrEqualTo(10);
    }

    @Test
    void givenSlowStart_whenAReloadAddsAServer_thenSlowlyButNotInANewBackend() {
        Server a = server("a");
        watch("slow-start = 1h", a);
        assertEquals(List.of(1), sets.weights());

        watch("slow-start = 1h", a, server("b"));
        assertEquals(List.of(10, 1), sets.weights());

        var other = new Sets();
        BackendConfig config = Samples.backend("other", "slow-start = 1h");
        List<Server> servers =
                List.of(
                        Samples.server("other", "x", "127.0.0.1:1"),
                        Samples.server("other", "y", "127.0.0.1:1"));
        join(
                health.watch(
                        List.of(new Health.Group(config, Samples.PLAIN, servers, other::accept))));
        assertEquals(List.of(1, 1), other.weights());
    }

    @Test
    void givenAllServersGone_whenTheLastGoes_thenToldOnceAndAgainNextTime() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch("check { http = /, every = 200ms, rise = 1, fall = 2 }", server, server("b"));
        sets.awaitUsable("a");
        assertThat(events()).doesNotContain("backend-without-server");

        for (int round = 1; round <= 2; round++) {
            a.status = 500;
            sets.awaitUsable();
            Thread.sleep(300);
            assertThat(events()).filteredOn("backend-without-server"::equals).hasSize(round);
            a.status = 200;
            sets.awaitUsable("a");
        }
    }

    @Test
    void givenBackupServer_whenTheOthersGo_thenItIsUsed() throws Exception {
        Peer a = peer();
        Peer b = peer();
        Server backup = new Server(backend, "b", Samples.address(b.address()), 1, 1, true);
        watch(QUICK, server("a", a), backup);
        sets.awaitUsable("a");
        join(health.seen());

        a.status = 500;
        sets.awaitUsable("b");
        a.status = 200;
        sets.awaitUsable("a");
    }

    @Test
    void givenNoSocketsLeft_whenChecksAreDue_thenNobodyGoesDown() throws Exception {
        Peer a = peer();
        var none = new AtomicInteger();
        health.close();
        health =
                Health.start(
                        folder,
                        family -> {
                            if (none.get() > 0) {
                                none.incrementAndGet();
                                throw new ChannelException(
                                        "no", new IOException("Too many open files"));
                            }
                            return Probe.Sockets.SYSTEM.open(family);
                        });
        Server server = server("a", a);
        watch("check { http = /, every = 200ms, fall = 3 }", server);
        sets.awaitUsable("a");

        none.set(1);
        await(() -> none.get() > 5);
        assertEquals(List.of("a"), sets.usable());
        assertEquals("too many open files", server.checkText());

        none.set(0);
        await(() -> server.checkText().startsWith("200"));
    }

    @Test
    void givenManyHangingServers_whenAsked_thenNeverTooManyAtOnceAndNoneTwice() throws Exception {
        var now = new AtomicInteger();
        var most = new AtomicInteger();
        var turns = new AtomicInteger();
        int count = Checks.MOST_AT_ONCE + 100;
        try (Site hanging =
                Site.ofHeads(
                        (head, wire) -> {
                            turns.incrementAndGet();
                            most.accumulateAndGet(now.incrementAndGet(), Math::max);
                            wire.skipToEnd();
                            now.decrementAndGet();
                            return false;
                        })) {
            List<Server> servers = new ArrayList<>();
            for (int i = 0; i < count; i++)
                servers.add(Samples.server(backend, "s" + i, hanging.address()));
            watch(
                    "check { http = /, every = 300ms, timeout = 300ms }",
                    servers.toArray(Server[]::new));
            join(health.seen());

            assertThat(turns.get()).isGreaterThanOrEqualTo(count);
            // The far end of a connection lives on a moment longer.
            assertThat(most.get()).isBetween(Checks.MOST_AT_ONCE / 2, Checks.MOST_AT_ONCE + 60);
            for (Server server : servers) assertEquals("down", server.status().state());
        }
    }

    @Test
    void givenServersThatBeganTogether_whenTimePasses_thenOutOfStep() throws Exception {
        var times = new CopyOnWriteArrayList<Long>();
        try (Site site =
                Site.ofHeads(
                        (head, wire) -> {
                            times.add(System.nanoTime());
                            wire.send("HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n");
                            return false;
                        })) {
            List<Server> servers = new ArrayList<>();
            for (int i = 0; i < 100; i++)
                servers.add(Samples.server(backend, "s" + i, site.address()));
            watch("check { http = /, every = 500ms }", servers.toArray(Server[]::new));
            await(() -> times.size() >= 900);
        }
        // By the ninth round the sum of the jitters spreads them over most of an interval: 100 ms
        // do not
        // hold nearly all of a round any more.
        List<Long> last = times.subList(800, 900);
        long middle = last.get(50);
        long near = last.stream().filter(time -> Math.abs(time - middle) < 25_000_000L).count();
        assertThat(near).isLessThan(90);
    }

    /// Orders and results of checks cross each other at random; whatever comes, no set gives work to a server from the moment at which
    /// its drain was confirmed until it was asked back.
    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void givenFlappingServer_whenDrainedAtRandom_thenNoSetHoldsItMeanwhile(long seed)
            throws Exception {
        var random = new Random(seed);
        Peer a = peer();
        Server server = server("a", a);
        watch("check { http = /, every = 100ms, rise = 1, fall = 1 }", server, server("b"));
        sets.awaitUsable("a");
        for (int round = 0; round < 20; round++) {
            a.status = random.nextBoolean() ? 200 : 500;
            Thread.sleep(random.nextInt(150));
            order("a", random.nextBoolean() ? Admin.DRAINING : Admin.DISABLED);
            int from = sets.all.size() - 1;
            a.status = random.nextBoolean() ? 200 : 500;
            Thread.sleep(random.nextInt(150));
            for (ServerSet set : sets.all.subList(from, sets.all.size()))
                assertThat(set.usable()).as("seed " + seed + " round " + round).isEmpty();
            order("a", Admin.ENABLED);
        }
        a.status = 200;
        sets.awaitUsable("a");
    }

    @Test
    void givenABackendThatFails_whenPublished_thenTheOthersGoOn() {
        BackendConfig config = Samples.backend(backend, "");
        Health.Group failing =
                new Health.Group(
                        config,
                        Samples.PLAIN,
                        List.of(server("a")),
                        _ -> {
                            throw new IllegalStateException("planted");
                        });
        Health.Group good =
                new Health.Group(
                        Samples.backend("other", ""),
                        Samples.PLAIN,
                        List.of(Samples.server("other", "x", "127.0.0.1:1")),
                        sets::accept);
        join(health.watch(List.of(failing, good)));

        assertEquals(List.of("x"), sets.usable());
    }

    @Test
    void givenClosed_whenAsked_thenStopped() {
        watch("", server("a"));
        health.close();

        assertEquals(new Outcome.Stopped(), join(health.admin(backend, "a", Admin.DRAINING)));
        assertThrows(CompletionException.class, () -> join(health.watch(List.of())));
        assertThrows(CompletionException.class, () -> join(health.seen()));
        health.close(); // Twice does no harm.
    }

    @Test
    void givenChecksUnderWay_whenClosed_thenNoneGoesOn() throws Exception {
        Peer a = peer();
        Server server = server("a", a);
        watch(QUICK, server);
        sets.awaitUsable("a");
        health.close();

        int before = a.asked();
        Thread.sleep(300);
        assertEquals(before, a.asked());
        assertNotNull(server.checkText());
    }
}
