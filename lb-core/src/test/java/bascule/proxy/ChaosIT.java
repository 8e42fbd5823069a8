package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.Content;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// Clients and servers that break off, send too much, too little or nonsense, at any moment. Whatever they do, a client gets the
/// response to its own request, an error of ours, or sees that something is missing; and in the end nothing is left.
final class ChaosIT {
    private static final int EXCHANGES = Boolean.getBoolean("bascule.long") ? 100_000 : 4_000;
    private static final int CLIENTS = 16;
    private static final long FIRST_SEED = 77_000_000;

    enum Server {
        /// Comes more often than the others.
        GOOD,
        SENDS_TOO_MUCH,
        CLOSES_AFTERWARDS,
        RESETS_WITHIN,
        CLOSES_WITHIN,
        TALKS_NONSENSE,
        CLOSES_AT_ONCE,
        ANSWERS_EARLY_AND_RESETS,
        ANSWERS_EARLY_AND_READS,
        SENDS_A_BAD_CHUNK
    }

    enum Client {
        GOOD,
        RESETS_AFTER_ITS_HEAD,
        RESETS_WITHIN_ITS_BODY,
        ENDS_WITHIN_ITS_BODY,
        ENDS_AFTER_ITS_REQUEST,
        RESETS_WITHIN_THE_RESPONSE
    }

    enum Outcome {
        RIGHT,
        OUR_ERROR,
        CUT,
        /// The client did not wait for it.
        UNKNOWN
    }

    /// One exchange.
    record Plan(
            long seed,
            Server server,
            Client client,
            boolean post,
            boolean chunkedUp,
            byte[] up,
            boolean chunkedDown,
            byte[] down,
            double cut) {
        static Plan of(long seed) {
            var random = new SplittableRandom(seed);
            Server[] servers = Server.values();
            Client[] clients = Client.values();
            boolean post = random.nextInt(3) == 0;
            return new Plan(
                    seed,
                    random.nextInt(3) > 0 ? Server.GOOD : servers[random.nextInt(servers.length)],
                    random.nextInt(4) > 0 ? Client.GOOD : clients[random.nextInt(clients.length)],
                    post,
                    random.nextBoolean(),
                    post ? Content.of(seed, length(random)) : new byte[0],
                    random.nextBoolean(),
                    Content.of(~seed, length(random)),
                    random.nextDouble());
        }

        private static int length(SplittableRandom random) {
            int most = random.nextInt(8) == 0 ? 250_000 : 5_000;
            return random.nextInt(10) == 0
                    ? 28_118
                    : random.nextInt(most); // The one fills a buffer.
        }

        byte[] request() {
            String framing =
                    !post
                            ? ""
                            : chunkedUp
                                    ? "Transfer-Encoding: chunked\r\n"
                                    : "Content-Length: " + up.length + "\r\n";
            return message(
                    (post ? "POST /" : "GET /") + seed + " HTTP/1.1\r\nHost: a\r\n" + framing,
                    post && chunkedUp,
                    up);
        }

        byte[] response() {
            String framing =
                    chunkedDown
                            ? "Transfer-Encoding: chunked\r\n"
                            : "Content-Length: " + down.length + "\r\n";
            return message(
                    "HTTP/1.1 200 OK\r\nX-Seed: " + seed + "\r\n" + framing, chunkedDown, down);
        }

        private static byte[] message(String fields, boolean chunked, byte[] content) {
            var out = new ByteArrayOutputStream();
            out.writeBytes((fields + "\r\n").getBytes(US_ASCII));
            if (chunked && content.length > 0)
                out.writeBytes((Integer.toHexString(content.length) + "\r\n").getBytes(US_ASCII));
            out.writeBytes(content);
            if (chunked && content.length > 0) out.writeBytes(new byte[] {'\r', '\n'});
            if (chunked) out.writeBytes("0\r\n\r\n".getBytes(US_ASCII));
            return out.toByteArray();
        }

        /// May this exchange, undisturbed by any other, end otherwise than with the response?
        boolean isBad() {
            return server != Server.GOOD && server != Server.CLOSES_AFTERWARDS
                    || client != Client.GOOD && client != Client.ENDS_AFTER_ITS_REQUEST;
        }
    }

    @Test
    void givenAnyMisbehaviour_whenMixed_thenNobodyGetsWhatIsNotHisAndNothingIsLeft()
            throws Exception {
        Map<Outcome, AtomicInteger> outcomes = new EnumMap<>(Outcome.class);
        for (Outcome outcome : Outcome.values()) outcomes.put(outcome, new AtomicInteger());
        try (Site site = Site.ofHeads(ChaosIT::serve);
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                loops = 2
                                listeners.web {
                                  bind = "127.0.0.1:0", backend = web
                                  limits { connections = 500, body-idle = 3s }, timeouts.idle = 3s
                                }
                                backends.web { servers = ["%s"], timeouts { response = 3s, idle = 3s } }
                                """
                                        .formatted(site.address()))) {
            List<Background> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                long first = FIRST_SEED + client;
                clients.add(Background.start(() -> play(daemon, first, outcomes)));
            }
            for (Background client : clients) client.end();

            assertThat(outcomes.values().stream().mapToInt(AtomicInteger::get).sum())
                    .isEqualTo(EXCHANGES);
            for (Outcome outcome : Outcome.values())
                assertThat(outcomes.get(outcome))
                        .as("%s in %s", outcome, outcomes)
                        .hasValueGreaterThan(EXCHANGES / 100);
            site.stop();
            daemon.awaitNothingOpen();
        }
    }

    private static void play(
            RunningDaemon daemon, long firstSeed, Map<Outcome, AtomicInteger> outcomes)
            throws Exception {
        long end = FIRST_SEED + EXCHANGES;
        for (long seed = firstSeed; seed < end; ) {
            try (Wire wire = Wire.connect(daemon.address("web"))) {
                for (boolean goesOn = true; goesOn && seed < end; seed += CLIENTS) {
                    Plan plan = Plan.of(seed);
                    try {
                        Outcome outcome = ask(wire, plan);
                        outcomes.get(outcome).incrementAndGet();
                        goesOn =
                                outcome == Outcome.RIGHT
                                        && !plan.isBad()
                                        && plan.client == Client.GOOD;
                    } catch (AssertionError | RuntimeException failure) {
                        throw new AssertionError(
                                "seed " + seed + ", " + plan.server + ", " + plan.client, failure);
                    }
                }
            }
        }
    }

    private static Outcome ask(Wire wire, Plan plan) throws Exception {
        byte[] request = plan.request();
        int headEnd = request.length - (plan.post ? bodyLength(request) : 0);
        int within = headEnd + (int) ((request.length - headEnd) * plan.cut);
        return switch (plan.client) {
            case RESETS_AFTER_ITS_HEAD, RESETS_WITHIN_ITS_BODY -> {
                int end = plan.client == Client.RESETS_AFTER_ITS_HEAD ? headEnd : within;
                trySend(wire, request, end);
                wire.reset();
                yield Outcome.UNKNOWN;
            }
            case ENDS_WITHIN_ITS_BODY -> {
                trySend(wire, request, within);
                wire.sendEnd();
                yield receive(wire, plan);
            }
            case GOOD, ENDS_AFTER_ITS_REQUEST, RESETS_WITHIN_THE_RESPONSE -> {
                var sending =
                        Background.start(
                                () -> {
                                    if (trySend(wire, request, request.length)
                                            && plan.client == Client.ENDS_AFTER_ITS_REQUEST)
                                        wire.sendEnd();
                                });
                if (plan.client == Client.RESETS_WITHIN_THE_RESPONSE) {
                    byte[] some = new byte[1 + (int) (plan.down.length * plan.cut)];
                    try {
                        wire.receive(some, 0, some.length);
                    } catch (SocketException cut) {
                        // Then this is no news to it.
                    }
                    wire.reset();
                    sending.end();
                    yield Outcome.UNKNOWN;
                }
                Outcome outcome = receive(wire, plan);
                if (outcome != Outcome.RIGHT) wire.reset(); // It may be sending still.
                sending.end();
                yield outcome;
            }
        };
    }

    private static int bodyLength(byte[] request) {
        for (int at = 3; at < request.length; at++) {
            if (request[at] == '\n' && request[at - 2] == '\n') return request.length - at - 1;
        }
        throw new AssertionError("no head");
    }

    private static boolean trySend(Wire wire, byte[] bytes, int end) {
        try {
            wire.send(bytes, 0, end);
            return true;
        } catch (IOException cut) {
            return false;
        }
    }

    private static Outcome receive(Wire wire, Plan plan) throws IOException {
        Answer answer;
        try {
            answer = Answer.read(wire, false);
        } catch (EOFException | SocketException cut) {
            if (!plan.isBad()) throw new AssertionError("cut", cut);
            return Outcome.CUT;
        }
        if (answer.status() != 200) {
            assertThat(answer.head()).contains("\r\nDate: "); // By this our own are known.
            assertThat(answer.status()).isIn(400, 408, 502, 504);
            // A POST may have met a kept connection that another one's server has closed.
            if (!plan.isBad() && !(plan.post && answer.status() == 502))
                throw new AssertionError(answer.head() + plan.seed);
            return Outcome.OUR_ERROR;
        }
        assertThat(answer.field("x-seed")).isEqualTo(Long.toString(plan.seed));
        if (!Arrays.equals(answer.content(), plan.down)) throw new AssertionError("not the same");
        return Outcome.RIGHT;
    }

    private static boolean serve(String head, Wire wire) throws IOException {
        Plan plan = Plan.of(Long.parseLong(head.split("[/ ]", 4)[2]));
        byte[] response = plan.response();
        int within = (int) (response.length * plan.cut);
        switch (plan.server) {
            case ANSWERS_EARLY_AND_RESETS -> {
                wire.send(response);
                wire.reset();
                return false;
            }
            case ANSWERS_EARLY_AND_READS -> {
                wire.send(response);
                Answer.read(head, wire, false);
                return true;
            }
            default -> {
                Answer request = Answer.read(head, wire, false);
                if (!Arrays.equals(request.content(), plan.up))
                    throw new AssertionError("request of seed " + plan.seed);
            }
        }
        switch (plan.server) {
            case GOOD -> wire.send(response);
            case CLOSES_AFTERWARDS -> {
                wire.send(response);
                return false;
            }
            case SENDS_TOO_MUCH -> {
                var more = new ByteArrayOutputStream();
                more.writeBytes(response);
                more.writeBytes(
                        "HTTP/1.1 200 OK\r\nX-Seed: 666\r\nContent-Length: 4\r\n\r\nevil"
                                .getBytes(US_ASCII));
                wire.send(more.toByteArray());
            }
            case RESETS_WITHIN -> {
                wire.send(response, 0, within);
                wire.reset();
                return false;
            }
            case CLOSES_WITHIN -> {
                wire.send(response, 0, within);
                return false;
            }
            case TALKS_NONSENSE -> wire.send("HELO " + "x".repeat(within % 1000) + "\r\n\r\n");
            case CLOSES_AT_ONCE -> {
                return false;
            }
            case SENDS_A_BAD_CHUNK -> {
                wire.send(
                        "HTTP/1.1 200 OK\r\nX-Seed: %d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                                .formatted(plan.seed));
                wire.send("fffffffffffffffff\r\n");
            }
            default -> throw new AssertionError(plan.server);
        }
        return true;
    }
}
