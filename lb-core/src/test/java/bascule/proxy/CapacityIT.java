package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.Content;
import bascule.testing.HoldingSite;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Servers that take only so many requests at a time, counted by the servers, and the line of those who wait.
final class CapacityIT {
    private static final int REQUESTS = Boolean.getBoolean("bascule.long") ? 200_000 : 20_000;
    private static final int CLIENTS = 500;
    private static final int SERVERS = 3;
    private static final int CAPACITY = 10;
    private static final int HOLD_MILLIS = 2;
    private static final long SEED = 10;

    private final List<AutoCloseable> open = new ArrayList<>();
    private RunningDaemon daemon;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
        if (daemon == null) return;
        daemon.awaitNothingOpen();
        daemon.close();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.add(resource);
        return resource;
    }

    private static String configuration(int loops, List<String> servers, String keys) {
        return """
               loops = %d
               listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
               backends.web { servers = ["%s"], %s }
               """
                .formatted(loops, String.join("\", \"", servers), keys);
    }

    private Wire connect() throws IOException {
        return Wire.connect(daemon.address("web"));
    }

    /// A client that is reset in the end, so that nothing is left of it.
    private Wire client() throws IOException {
        Wire wire = connect();
        open.add(wire::reset);
        return wire;
    }

    private static void ask(Wire client, String path) throws IOException {
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    }

    // ---- many at once

    /// Three servers that hold each request for a moment and count those that they have.
    private final class Counting {
        private final List<Site> sites = new ArrayList<>();
        private final AtomicIntegerArray present = new AtomicIntegerArray(SERVERS);
        private final AtomicIntegerArray most = new AtomicIntegerArray(SERVERS);

        Counting() throws IOException {
            for (int server = 0; server < SERVERS; server++) {
                int number = server;
                sites.add(opened(new Site((request, wire) -> hold(number, request, wire))));
            }
        }

        private boolean hold(int server, Answer request, Wire wire) throws IOException {
            most.accumulateAndGet(server, present.incrementAndGet(server), Math::max);
            sleep(HOLD_MILLIS);
            String path = request.head().split(" ", 3)[1];
            present.decrementAndGet(
                    server); // Once it is answered the next one may be here before us.
            wire.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                            .formatted(path.length(), path));
            return true;
        }

        List<String> addresses() throws IOException {
            var addresses = new ArrayList<String>();
            for (Site site : sites) addresses.add(site.address());
            return addresses;
        }

        int requests() {
            return sites.stream().mapToInt(Site::requests).sum();
        }

        List<Integer> most() {
            return List.of(most.get(0), most.get(1), most.get(2));
        }
    }

    private static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// What became of the requests of all clients, each of which asks again as soon as it is answered.
    private final class Crowd {
        final AtomicInteger sent = new AtomicInteger();
        final AtomicInteger served = new AtomicInteger();
        final AtomicInteger refused = new AtomicInteger();

        Crowd(int requests) throws Exception {
            List<Background> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++)
                clients.add(Background.start(() -> play(requests)));
            // At 100 a second it would still end.
            for (Background client : clients) client.end(Duration.ofSeconds(60 + requests / 100));
        }

        private void play(int requests) throws IOException {
            try (Wire wire = connect()) {
                for (int number; (number = sent.getAndIncrement()) < requests; ) {
                    ask(wire, "/" + number);
                    Answer answer = Answer.read(wire, false);
                    if (answer.status() == 503) {
                        assertThat(answer.field("retry-after")).isEqualTo("1");
                        refused.incrementAndGet();
                    } else {
                        assertThat(answer.status()).isEqualTo(200);
                        assertThat(answer.body()).isEqualTo("/" + number);
                        served.incrementAndGet();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, round-robin", "2, least-connections", "4, round-robin"})
    void givenTenPlacesAtEachServer_when500ClientsAsk_thenNeverAnEleventhAndAllAreServed(
            int loops, String balance) throws Exception {
        var servers = new Counting();
        daemon =
                RunningDaemon.start(
                        configuration(
                                loops,
                                servers.addresses(),
                                "balance = %s, capacity { connections = 10, queue = 200, wait = 30s }"
                                        .formatted(balance)));

        var crowd = new Crowd(REQUESTS);

        assertThat(servers.most()).containsOnly(CAPACITY);
        assertThat(crowd.served).hasValue(REQUESTS);
        assertThat(crowd.refused).hasValue(0);
        assertThat(servers.requests()).isEqualTo(REQUESTS);
        daemon.awaitMetric(REQUESTS, "bascule_exchanges_total", "code=\"2xx\"");
    }

    @Test
    void givenAShortLine_when500ClientsAsk_thenTheRestIsToldToComeBack() throws Exception {
        var servers = new Counting();
        daemon =
                RunningDaemon.start(
                        configuration(
                                2,
                                servers.addresses(),
                                "capacity { connections = 10, queue = 20, wait = 30s }"));

        var crowd = new Crowd(REQUESTS);

        assertThat(servers.most()).containsOnly(CAPACITY);
        // As many as there were places and room in line are served, even if none of them were ever
        // free again.
        assertThat(crowd.served).hasValueGreaterThanOrEqualTo(SERVERS * (CAPACITY + 20));
        assertThat(crowd.refused).hasPositiveValue();
        assertThat(crowd.served.get() + crowd.refused.get()).isEqualTo(REQUESTS);
        assertThat(servers.requests()).isEqualTo(crowd.served.get());
        daemon.awaitMetric(crowd.served.get(), "bascule_exchanges_total", "code=\"2xx\"");
        daemon.awaitMetric(crowd.refused.get(), "bascule_exchanges_total", "code=\"5xx\"");
    }

    @Test
    void givenNoCapacity_when500ClientsAsk_thenTheServersSeeAnEleventh() throws Exception {
        var servers = new Counting();
        daemon = RunningDaemon.start(configuration(2, servers.addresses(), "capacity = off"));

        var crowd = new Crowd(CLIENTS * 4);

        assertThat(servers.most()).allMatch(most -> most > CAPACITY);
        assertThat(crowd.served).hasValue(CLIENTS * 4);
    }

    // ---- the line, step by step

    private HoldingSite one(String capacity) throws IOException {
        var site = opened(new HoldingSite());
        daemon =
                RunningDaemon.start(
                        configuration(1, List.of(site.address()), "capacity { " + capacity + " }"));
        return site;
    }

    private void awaitQueued(int count) {
        long start = System.nanoTime();
        while (daemon.status("queued") != count) {
            if (System.nanoTime() - start > RunningDaemon.PATIENCE.toNanos())
                throw new AssertionError(daemon.status("queued") + " wait, not " + count);
        }
    }

    private static void awaitArrivals(List<HoldingSite> sites, int count) {
        Awaitility.await(count + " arrivals")
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> arrived(sites) == count);
    }

    private static int arrived(List<HoldingSite> sites) {
        return sites.stream().mapToInt(site -> site.arrivals().size()).sum();
    }

    /// Answers one of those that wait at the servers.
    private static void answerOne(List<HoldingSite> sites) {
        for (HoldingSite site : sites) {
            for (HoldingSite.Held held : site.held().values()) {
                held.answer();
                return;
            }
        }
        throw new AssertionError("nobody to answer");
    }

    /// Requests are named at random, so that their order is that of their coming and no other.
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 3", "4, 3"})
    void givenALine_whenPlacesBecomeFree_thenInTheOrderOfComing(int loops, int servers)
            throws Exception {
        var sites = new ArrayList<HoldingSite>();
        var addresses = new ArrayList<String>();
        for (int server = 0; server < servers; server++) {
            sites.add(opened(new HoldingSite()));
            addresses.add(sites.getLast().address());
        }
        daemon =
                RunningDaemon.start(
                        configuration(
                                loops,
                                addresses,
                                "capacity { connections = 2, queue = 100 , wait = 1m }"));
        int places = 2 * servers;
        for (int place = 0; place < places; place++) ask(client(), "/first-" + place);
        awaitArrivals(sites, places);
        var names = new ArrayList<Integer>();
        for (int name = 0; name < 70; name++) names.add(name);
        Collections.shuffle(names, new Random(SEED));
        var inLine = new ArrayList<String>();
        for (int at = 0; at < names.size(); at++) {
            Wire client = client();
            ask(client, "/" + names.get(at));
            awaitQueued(inLine.size() + 1);
            if (at % 7 == 3) client.reset(); // Gone, and nobody moves up the line but those behind.
            else inLine.add("/" + names.get(at));
            awaitQueued(inLine.size());
        }

        var served = new ArrayList<String>();
        for (String each : inLine) {
            answerOne(sites);
            awaitArrivals(sites, places + served.size() + 1);
            for (HoldingSite site : sites) if (site.held().containsKey(each)) served.add(each);
            assertThat(served).endsWith(each);
        }

        assertThat(served).isEqualTo(inLine).hasSize(60);
        assertThat(sites).allMatch(site -> site.mostPresent() == 2);
    }

    /// A deadline is kept to the next tick of 100 ms; the rest of the second is the machine's.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void givenServersThatHoldForEver_whenTheWaitIsOver_thenEachWaiterGets503InTime(int loops)
            throws Exception {
        int waitMillis = 300;
        int waiters = 60;
        var sites = new ArrayList<HoldingSite>();
        var addresses = new ArrayList<String>();
        for (int server = 0; server < SERVERS; server++) {
            sites.add(opened(new HoldingSite()));
            addresses.add(sites.getLast().address());
        }
        daemon =
                RunningDaemon.start(
                        configuration(
                                loops,
                                addresses,
                                "capacity { connections = 10, queue = 20, wait = %dms }"
                                        .formatted(waitMillis)));
        for (int holder = 0; holder < SERVERS * CAPACITY; holder++) ask(client(), "/" + holder);
        awaitArrivals(sites, SERVERS * CAPACITY);
        List<Wire> clients = new ArrayList<>();
        for (int waiter = 0; waiter < waiters; waiter++) clients.add(client());

        var early = new AtomicInteger();
        var late = new AtomicInteger();
        var refused = new AtomicInteger();
        var waiting = new ArrayList<Background>();
        for (Wire client : clients) {
            waiting.add(
                    Background.start(
                            () -> {
                                long start = System.nanoTime();
                                ask(client, "/waits");
                                Answer answer = Answer.read(client, false);
                                long millis = (System.nanoTime() - start) / 1_000_000;
                                assertThat(answer.status()).isEqualTo(503);
                                assertThat(answer.field("retry-after")).isEqualTo("1");
                                refused.incrementAndGet();
                                if (millis < waitMillis) early.incrementAndGet();
                                if (millis > waitMillis + 1000) late.incrementAndGet();
                            }));
        }
        for (Background each : waiting) each.end();

        assertThat(refused).hasValue(waiters);
        assertThat(early).hasValue(0);
        assertThat(late).hasValue(0);
        assertThat(arrived(sites)).isEqualTo(SERVERS * CAPACITY);
        awaitQueued(0);
        daemon.awaitMetric(waiters, "bascule_exchanges_total", "code=\"5xx\"");
    }

    @Test
    void givenAFullLine_whenOneMoreAsks_thenItNeedNotWaitForIts503() throws Exception {
        one("connections = 1, queue = 1, wait = 5m");
        ask(client(), "/holds");
        ask(client(), "/waits");
        awaitQueued(1);

        Wire third = client();
        ask(third, "/third");

        Answer answer = Answer.read(third, false);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.field("retry-after")).isEqualTo("1");
    }

    /// How a client leaves.
    enum Leaving {
        RESET("GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n", true),
        RESET_WITHIN_ITS_BODY(
                "POST /leaves HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", true),
        END_WITHIN_ITS_BODY(
                "POST /leaves HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", false);

        final String request;
        final boolean reset;

        Leaving(String request, boolean reset) {
            this.request = request;
            this.reset = reset;
        }
    }

    @ParameterizedTest
    @EnumSource
    void givenAFullLine_whenAClientLeaves_thenAnotherHasItsPlace(Leaving how) throws Exception {
        HoldingSite site = one("connections = 1, queue = 1, wait = 5m");
        Wire holds = client();
        ask(holds, "/holds");
        awaitArrivals(List.of(site), 1);
        Wire leaves = client();
        leaves.send(how.request);
        awaitQueued(1);
        Wire third = client();
        ask(third, "/third");
        assertThat(Answer.read(third, false).status()).isEqualTo(503);

        if (how.reset) leaves.reset();
        else leaves.sendEnd();
        awaitQueued(0);
        ask(third, "/third");
        awaitQueued(1);
        site.held().get("/holds").answer();

        assertThat(Answer.read(holds, false).body()).isEqualTo("/holds");
        awaitArrivals(List.of(site), 2);
        site.held().get("/third").answer();
        assertThat(Answer.read(third, false).body()).isEqualTo("/third");
        assertThat(site.arrivals()).containsExactly("/holds", "/third");
        assertThat(site.mostPresent()).isEqualTo(1);
    }

    /// It may have ended only its own direction, and then still wants its response.
    @Test
    void givenAWaiterThatHasSentAll_whenItSendsFin_thenItKeepsItsPlace() throws Exception {
        HoldingSite site = one("connections = 1, queue = 1, wait = 5m");
        ask(client(), "/holds");
        awaitArrivals(List.of(site), 1);
        Wire waits = client();
        ask(waits, "/waits");
        awaitQueued(1);

        waits.sendEnd();
        site.held().get("/holds").answer();

        awaitArrivals(List.of(site), 2);
        site.held().get("/waits").answer();
        assertThat(Answer.read(waits, false).body()).isEqualTo("/waits");
    }

    /// A request with a body: what of it is sent before it is in line, while it is, and when its turn has come.
    enum Body {
        SMALL(1000, false, false),
        LARGER_THAN_A_READ(200_000, false, false),
        CHUNKED(1000, true, false),
        CHUNKED_LARGER_THAN_A_READ(200_000, true, false),
        EXPECT_CONTINUE(1000, false, true),
        EXPECT_CONTINUE_LARGE(200_000, false, true),
        EXPECT_CONTINUE_CHUNKED(1000, true, true);

        final int length;
        final boolean chunked;
        final boolean expect;

        Body(int length, boolean chunked, boolean expect) {
            this.length = length;
            this.chunked = chunked;
            this.expect = expect;
        }

        String head(String path) {
            return "POST %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n"
                    .formatted(
                            path,
                            chunked
                                    ? "Transfer-Encoding: chunked\r\n"
                                    : "Content-Length: " + length + "\r\n",
                            expect ? "Expect: 100-continue\r\n" : "");
        }

        byte[] framed(byte[] content) {
            if (!chunked) return content;
            var out = new ByteArrayOutputStream();
            for (int at = 0, size = 1; at < content.length; at += size, size = size * 2 + 1) {
                size = Math.min(size, content.length - at);
                out.writeBytes((Integer.toHexString(size) + "\r\n").getBytes(US_ASCII));
                out.write(content, at, size);
                out.writeBytes(new byte[] {'\r', '\n'});
            }
            out.writeBytes("0\r\n\r\n".getBytes(US_ASCII));
            return out.toByteArray();
        }
    }

    @ParameterizedTest
    @EnumSource
    void givenAWaiterWithABody_whenItsTurnComes_thenTheBodyArrivesWhole(Body body)
            throws Exception {
        HoldingSite site = one("connections = 1, queue = 1, wait = 5m");
        Wire holds = client();
        Wire waits = client();
        int rounds = 20;
        for (int round = 0; round < rounds; round++) {
            var random = new SplittableRandom(SEED + round);
            byte[] content = Content.of(SEED + round, body.length);
            byte[] framed = body.framed(content);
            int before = body.expect ? 0 : random.nextInt(framed.length);
            int meanwhile = body.expect ? 0 : random.nextInt(before, framed.length + 1);
            ask(holds, "/holds-" + round);
            awaitArrivals(List.of(site), 2 * round + 1);

            var head = new ByteArrayOutputStream();
            head.writeBytes(body.head("/waits-" + round).getBytes(US_ASCII));
            head.write(framed, 0, before);
            waits.send(head.toByteArray());
            awaitQueued(1);
            waits.send(framed, before, meanwhile);
            if (round % 2 == 0) daemon.status("queued"); // Time for the loop to read some of it.
            site.held().get("/holds-" + round).answer();
            if (body.expect) assertThat(waits.receiveHead()).startsWith("HTTP/1.1 100 ");
            waits.send(framed, meanwhile, framed.length);

            assertThat(Answer.read(holds, false).body()).isEqualTo("/holds-" + round);
            awaitArrivals(List.of(site), 2 * round + 2);
            HoldingSite.Held arrived = site.held().get("/waits-" + round);
            assertThat(arrived.request().content())
                    .as("seed %d, cut at %d and %d", SEED + round, before, meanwhile)
                    .isEqualTo(content);
            arrived.answer();
            assertThat(Answer.read(waits, false).body()).isEqualTo("/waits-" + round);
        }
        assertThat(site.arrivals()).hasSize(2 * rounds);
        assertThat(site.mostPresent()).isEqualTo(1);
    }

    @Test
    void givenALine_whenAReloadRaisesOrLiftsTheBound_thenThoseWhoWaitAreLetIn() throws Exception {
        HoldingSite site = one("connections = 1, queue = 100, wait = 5m");
        var clients = new ArrayList<Wire>();
        for (int client = 0; client < 6; client++) {
            clients.add(client());
            ask(clients.getLast(), "/" + client);
            awaitQueued(client);
        }

        reload(site, "capacity { connections = 3, queue = 100, wait = 5m }");
        awaitArrivals(List.of(site), 3);
        awaitQueued(3);
        assertThat(site.arrivals()).containsExactly("/0", "/1", "/2");

        reload(site, "capacity = off");
        awaitArrivals(List.of(site), 6);
        awaitQueued(0);

        reload(site, "capacity { connections = 2, queue = 100, wait = 5m }");
        clients.add(client());
        ask(clients.getLast(), "/6");
        awaitQueued(1);
        for (int client = 0; client < 4; client++) answerOne(List.of(site));
        daemon.awaitStatus(2, "running");
        awaitQueued(1);
        answerOne(List.of(site));
        awaitArrivals(List.of(site), 7);
        while (!site.held().isEmpty()) answerOne(List.of(site));
        for (int client = 0; client < 7; client++)
            assertThat(Answer.read(clients.get(client), false).body()).isEqualTo("/" + client);
    }

    private void reload(HoldingSite site, String capacity) throws IOException {
        assertThat(daemon.reload(configuration(1, List.of(site.address()), capacity)))
                .containsExactly("backends.web: changed");
    }
}
