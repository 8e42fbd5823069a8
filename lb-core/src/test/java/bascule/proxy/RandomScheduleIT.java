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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Clients and servers that draw what they do from the same seed: each knows what the other will send, to the last byte. What a seed
/// stands for is in [Plan]; a failure names the seed, and with `-Dbascule.seed=…` it is played alone.
final class RandomScheduleIT {
    private static final int EXCHANGES = Boolean.getBoolean("bascule.long") ? 200_000 : 5_000;
    private static final int CLIENTS = 16;
    private static final long FIRST_SEED = 20_261_120;

    @TempDir Path folder = Path.of("");

    enum Coding {
        NONE,
        LENGTH,
        CHUNKED,
        /// Of responses only: until the server closes.
        CLOSE
    }

    /// One exchange.
    ///
    /// @param http10 is the client one of HTTP/1.0?
    /// @param lastOfClient does the client say that this request is its last?
    /// @param lastOfServer does the server close after this response, and say so?
    /// @param waits does the client wait for a 100 before it sends its body?
    record Plan(
            long seed,
            Coding request,
            byte[] up,
            Coding response,
            byte[] down,
            boolean http10,
            boolean lastOfClient,
            boolean lastOfServer,
            boolean head,
            boolean interim,
            boolean waits) {
        static Plan of(long seed) {
            var random = new SplittableRandom(seed);
            boolean http10 = random.nextInt(12) == 0;
            boolean head = random.nextInt(15) == 0;
            Coding request =
                    head
                            ? Coding.NONE
                            : switch (random.nextInt(http10 ? 4 : 6)) {
                                case 0, 1 -> Coding.NONE;
                                case 2, 3 -> Coding.LENGTH;
                                default -> Coding.CHUNKED;
                            };
            Coding response =
                    switch (random.nextInt(16)) {
                        case 0 -> Coding.NONE;
                        case 1 -> Coding.CLOSE;
                        case 2, 3, 4, 5, 6, 7, 8, 9 -> Coding.LENGTH;
                        default -> Coding.CHUNKED;
                    };
            byte[] up = Content.of(seed, request == Coding.NONE ? 0 : length(random));
            byte[] down = Content.of(~seed, response == Coding.NONE ? 0 : length(random));
            return new Plan(
                    seed,
                    request,
                    up,
                    response,
                    down,
                    http10,
                    http10 || random.nextInt(10) == 0,
                    random.nextInt(20) == 0,
                    head,
                    random.nextInt(8) == 0,
                    !http10 && request != Coding.NONE && random.nextInt(8) == 0);
        }

        /// Mostly short, up to 300 KB.
        private static int length(SplittableRandom random) {
            return switch (random.nextInt(10)) {
                case 0 -> 0;
                case 1, 2, 3, 4, 5 -> random.nextInt(2_000);
                case 6, 7, 8 -> random.nextInt(40_000);
                default -> random.nextInt(300_000);
            };
        }

        boolean ends() {
            return lastOfClient
                    || !head && (response == Coding.CLOSE || http10 && response == Coding.CHUNKED);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void givenAnyPlans_whenPlayedByManyAtOnce_thenEachBodyArrivesAsItWasSent(String transport)
            throws Exception {
        Long only = Long.getLong("bascule.seed");
        if (only != null) play(transport, 1, only);
        else play(transport, transport.equals("epoll") ? EXCHANGES : EXCHANGES / 5, FIRST_SEED);
    }

    private void play(String transport, int exchanges, long firstSeed) throws Exception {
        Path log = folder.resolve("access.log");
        var played = new AtomicInteger();
        var bytes = new AtomicLong();
        try (Site site = new Site(RandomScheduleIT::serve);
                RunningDaemon daemon =
                        RunningDaemon.startWith(
                                """
                                admin.http = "127.0.0.1:0"
                                logging { access = json, file = "%s" }
                                shutdown.grace = off
                                loops = 2, transport = %s
                                listeners.web {
                                  bind = "127.0.0.1:0", backend = web
                                  limits.connections = 200
                                  forwarded { x-forwarded = append, forwarded = on, via = on, request-id = on }
                                }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(log, transport, site.address()))) {
            List<Background> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                long first = firstSeed + client;
                clients.add(
                        Background.start(
                                () -> {
                                    for (long seed = first; seed < firstSeed + exchanges; ) {
                                        try (Wire wire = Wire.connect(daemon.address("web"))) {
                                            seed =
                                                    connection(
                                                            wire,
                                                            seed,
                                                            firstSeed + exchanges,
                                                            played,
                                                            bytes);
                                        }
                                    }
                                }));
            }
            for (Background client : clients) client.end();
            site.check();
            assertThat(played).hasValue(exchanges);
            assertThat(site.requests()).isEqualTo(exchanges);
            if (exchanges > 1) {
                assertThat(bytes.get()).isGreaterThan(exchanges * 15_000L);
                assertThat(site.connections()).isLessThan(exchanges / 2); // Used again.
            }
            site.stop();
            daemon.awaitNothingOpen();
            assertThat(daemon.metric("bascule_exchanges_total", "backend=\"web\""))
                    .isEqualTo(exchanges);
            assertThat(daemon.metric("bascule_exchanges_total", "code=\"2xx\""))
                    .isEqualTo(exchanges);
        }
        try (var lines = Files.lines(log)) {
            assertThat(lines.filter(line -> line.contains("\"reason\":\"complete\"")).count())
                    .isEqualTo(exchanges);
        }
    }

    /// Plays exchanges on one connection until it ends.
    ///
    /// @return the next seed
    private static long connection(
            Wire wire, long firstSeed, long end, AtomicInteger played, AtomicLong bytes)
            throws Exception {
        for (long seed = firstSeed; seed < end; ) {
            Plan plan = Plan.of(seed);
            try {
                ask(wire, plan);
                seed += CLIENTS;
                played.incrementAndGet();
                bytes.addAndGet(plan.up.length + plan.down.length);
                if (plan.ends()) {
                    assertThat(wire.awaitEnd()).isEqualTo(Wire.End.CLEAN);
                    return seed;
                }
            } catch (IOException | AssertionError failure) {
                throw new AssertionError("seed " + plan.seed, failure);
            }
        }
        return end;
    }

    private static void ask(Wire wire, Plan plan) throws Exception {
        var random = new SplittableRandom(plan.seed + 1);
        String head =
                "%s /%d HTTP/1.%d\r\nHost: a\r\n%s%s%s\r\n"
                        .formatted(
                                plan.head ? "HEAD" : plan.request == Coding.NONE ? "GET" : "POST",
                                plan.seed,
                                plan.http10 ? 0 : 1,
                                framing(plan.request, plan.up),
                                plan.lastOfClient && !plan.http10 ? "Connection: close\r\n" : "",
                                plan.waits ? "Expect: 100-continue\r\n" : "");
        Background sending;
        if (plan.waits) {
            wire.send(head);
            String interim = wire.receiveHead();
            if (!interim.equals("HTTP/1.1 100 Continue\r\n\r\n")) throw new AssertionError(interim);
            sending =
                    Background.start(() -> send(wire, body(plan.request, plan.up, random), random));
        } else {
            var whole = new ByteArrayOutputStream();
            whole.writeBytes(head.getBytes(US_ASCII));
            whole.writeBytes(body(plan.request, plan.up, random));
            sending = Background.start(() -> send(wire, whole.toByteArray(), random));
        }
        Answer answer = Answer.read(wire, plan.head);
        if (plan.interim && !plan.http10) {
            if (answer.status() != 103) throw new AssertionError(answer.head());
            answer = Answer.read(wire, plan.head);
        }
        sending.end();
        if (answer.status() != (plan.response == Coding.NONE ? 204 : 200))
            throw new AssertionError(answer.head() + answer.body());
        byte[] expected = plan.head ? new byte[0] : plan.down;
        int wrong = Arrays.mismatch(answer.content(), expected);
        if (wrong >= 0)
            throw new AssertionError("response differs at " + wrong + "\n" + answer.head());
    }

    private static boolean serve(Answer request, Wire wire) throws IOException {
        String[] line = request.head().split("[ /\r]", 5);
        Plan plan = Plan.of(Long.parseLong(line[2]));
        var random = new SplittableRandom(plan.seed + 2);
        int wrong = Arrays.mismatch(request.content(), plan.up);
        if (wrong >= 0) {
            wire.send("HTTP/1.1 500 Request differs at " + wrong + "\r\nContent-Length: 0\r\n\r\n");
            return false;
        }
        var out = new ByteArrayOutputStream();
        if (plan.interim)
            out.writeBytes("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".getBytes(US_ASCII));
        out.writeBytes(
                "HTTP/1.1 %s\r\nX-Seed: %d\r\n%s%s\r\n"
                        .formatted(
                                plan.response == Coding.NONE ? "204 No Content" : "200 OK",
                                plan.seed,
                                framing(plan.response, plan.down),
                                plan.lastOfServer ? "Connection: close\r\n" : "")
                        .getBytes(US_ASCII));
        if (!plan.head) out.writeBytes(body(plan.response, plan.down, random));
        send(wire, out.toByteArray(), random);
        return !plan.lastOfServer && (plan.head || plan.response != Coding.CLOSE);
    }

    private static String framing(Coding coding, byte[] content) {
        return switch (coding) {
            case NONE, CLOSE -> "";
            case LENGTH -> "Content-Length: " + content.length + "\r\n";
            case CHUNKED -> "Transfer-Encoding: chunked\r\n";
        };
    }

    private static byte[] body(Coding coding, byte[] content, SplittableRandom random) {
        if (coding != Coding.CHUNKED) return content;
        var out = new ByteArrayOutputStream();
        for (int at = 0; at < content.length; ) {
            int size = Math.min(1 + random.nextInt(30_000), content.length - at);
            out.writeBytes((Integer.toHexString(size) + "\r\n").getBytes(US_ASCII));
            out.write(content, at, size);
            out.writeBytes(new byte[] {'\r', '\n'});
            at += size;
        }
        String trailer = random.nextInt(4) == 0 ? "X-Sum: 1\r\n" : "";
        out.writeBytes(("0\r\n" + trailer + "\r\n").getBytes(US_ASCII));
        return out.toByteArray();
    }

    /// In pieces of any size.
    private static void send(Wire wire, byte[] bytes, SplittableRandom random) throws IOException {
        for (int at = 0; at < bytes.length; ) {
            int piece = random.nextInt(3) == 0 ? random.nextInt(100) : random.nextInt(100_000);
            int end = Math.min(at + 1 + piece, bytes.length);
            wire.send(bytes, at, end);
            at = end;
        }
    }
}
