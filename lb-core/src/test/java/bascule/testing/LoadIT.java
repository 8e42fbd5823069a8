package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Load.Failure;
import bascule.testing.Load.Fault;
import bascule.testing.Load.Result;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The load itself: it sees what is wrong, and nothing else.
final class LoadIT {
    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir Path folder = Path.of("");

    /// What a server may do wrong.
    private enum Sin {
        CLOSES(Fault.NO_RESPONSE),
        RESETS(Fault.NO_RESPONSE),
        STOPS_IN_HEAD(Fault.TRUNCATED),
        STOPS_IN_BODY(Fault.TRUNCATED),
        REFUSES(Fault.STATUS),
        ANSWERS_ANOTHER(Fault.WRONG),
        CHANGES_A_BYTE(Fault.WRONG),
        SAYS_MORE(Fault.WRONG),
        IS_ANONYMOUS(Fault.WRONG),
        IS_SILENT(Fault.SILENCE);

        private final Fault fault;

        Sin(Fault fault) {
            this.fault = fault;
        }
    }

    @ParameterizedTest
    @EnumSource(Sin.class)
    void givenServerThatSinsOnce_whenLoaded_thenThatIsSeenAndNothingElse(Sin sin) throws Exception {
        var requests = new AtomicInteger();
        try (var site =
                        new Site(
                                (request, wire) ->
                                        requests.incrementAndGet() == 500
                                                ? sin(sin, request, wire)
                                                : serve(request, wire));
                var load = Load.start(address(site), 8, 0, SHORT)) {
            load.awaitSent(2000);
            Result result = load.stop();

            assertThat(result.failures()).extracting(Failure::fault).containsExactly(sin.fault);
            assertThat(result.failed()).isEqualTo(1);
            assertThat(result.complete()).containsOnlyKeys("site");
            assertThat(result.complete().get("site")).isEqualTo(result.sent() - 1);
            assertThat(requests.get()).isEqualTo((int) result.sent()); // Nothing was sent twice.
        }
    }

    private static boolean serve(Answer request, Wire wire) throws IOException {
        wire.send(response(request));
        return true;
    }

    private static byte[] response(Answer request) {
        String number = request.field("X-Number");
        byte[] body =
                switch (request.head().split(" ", -1)[1]) {
                    case "/small" -> (number + number).getBytes(ISO_8859_1);
                    case "/large" -> Load.LARGE;
                    default -> ("POST" + number).getBytes(ISO_8859_1);
                };
        byte[] head =
                "HTTP/1.1 200 OK\r\nX-Server: site\r\nX-Number: %s\r\nContent-Length: %d\r\n\r\n"
                        .formatted(number, body.length)
                        .getBytes(ISO_8859_1);
        byte[] all = new byte[head.length + body.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        return all;
    }

    private static boolean sin(Sin sin, Answer request, Wire wire) throws IOException {
        byte[] right = response(request);
        String text = new String(right, ISO_8859_1);
        switch (sin) {
            case CLOSES -> {
                return false;
            }
            case RESETS -> {
                wire.reset();
                return false;
            }
            case STOPS_IN_HEAD -> {
                wire.send(right, 0, 20);
                return false;
            }
            case STOPS_IN_BODY -> {
                wire.send(right, 0, right.length - 1);
                return false;
            }
            case REFUSES -> wire.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
            case ANSWERS_ANOTHER ->
                    wire.send(text.replace("X-Number: ", "X-Number: 1").getBytes(ISO_8859_1));
            case CHANGES_A_BYTE -> {
                right[right.length - 1] ^= 1;
                wire.send(right);
            }
            case SAYS_MORE -> wire.send(text + "H");
            case IS_ANONYMOUS -> wire.send(text.replace("X-Server", "X-Serves"));
            case IS_SILENT -> {
                return wire.ended();
            }
        }
        return true;
    }

    @Test
    void givenServerThatClosesAsItSays_whenLoaded_thenNothingFails() throws Exception {
        var requests = new AtomicInteger();
        try (var site =
                        new Site(
                                (request, wire) -> {
                                    if (requests.incrementAndGet() % 10 != 0)
                                        return serve(request, wire);
                                    String said = new String(response(request), ISO_8859_1);
                                    wire.send(
                                            said.replaceFirst("\r\n", "\r\nConnection: close\r\n"));
                                    return false;
                                });
                var load = Load.start(address(site), 8)) {
            load.awaitSent(2000);
            Result result = load.stop();

            assertThat(result.failed()).as(result.describe(result.failures())).isZero();
            assertThat(site.connections()).isGreaterThan(100);
        }
    }

    @Test
    void givenRate_whenLoaded_thenNoMoreIsAskedAndNothingFails() throws Exception {
        try (var site = new Site(LoadIT::serve);
                var load = Load.start(address(site), 8, 200)) {
            long start = System.nanoTime();
            load.awaitSent(500);
            Result result = load.stop();
            double seconds = (System.nanoTime() - start) / 1e9;

            assertThat(result.failed()).as(result.describe(result.failures())).isZero();
            // What was not sent for a second is made up for, no more.
            assertThat(result.sent()).isLessThanOrEqualTo((long) (200 * (seconds + 1)) + 1);
        }
    }

    @Test
    void givenServerThatIsGone_whenLoaded_thenThatIsCountedApart() throws Exception {
        try (var site = new Site(LoadIT::serve);
                var load = Load.start(address(site), 2)) {
            load.awaitSent(100);
            site.stop();
            for (long sent = -1; sent != load.sent(); Thread.sleep(200)) sent = load.sent();
            Result result = load.stop();

            assertThat(result.failures())
                    .extracting(Failure::fault)
                    .contains(Fault.CONNECT)
                    .containsAnyOf(Fault.NO_RESPONSE, Fault.TRUNCATED);
        }
    }

    @Test
    void givenRealNginx_whenLoadedAndKilledAndBack_thenItAnswersAllButInBetween() throws Exception {
        Peers.require("nginx");
        try (var nginx = new Nginx("a", folder)) {
            InetSocketAddress address = address(nginx.address());
            try (var load = Load.start(address, 50)) {
                load.awaitSent(10_000);
                Result result = load.stop();

                assertThat(result.failed()).as(result.describe(result.failures())).isZero();
                assertThat(result.complete().get("a")).isEqualTo(result.sent());
            }
            try (var load = Load.start(address, 50)) {
                load.awaitSent(1000);
                nginx.kill();
                nginx.start();
                load.awaitComplete("a", 1000);
                Result result = load.stop();

                assertThat(result.failures())
                        .extracting(Failure::fault)
                        .containsAnyOf(Fault.NO_RESPONSE, Fault.TRUNCATED);
                long unsent =
                        result.failures().stream()
                                .filter(each -> each.fault() == Fault.CONNECT)
                                .count();
                assertThat(result.complete().get("a") + result.failed() - unsent)
                        .isEqualTo(result.sent());
            }
        }
    }

    @Test
    void givenJournal_whenItsServerIsKilledAndBack_thenItTellsWhatReachedIt() throws Exception {
        try (var origin = new JournalOrigin("j", folder)) {
            InetSocketAddress address = address(origin.address());
            Result result;
            try (var load = Load.start(address, 50)) {
                load.awaitSent(2000);
                origin.kill();
                origin.start();
                load.awaitComplete("j", 1000);
                result = load.stop();
            }

            List<Long> failed =
                    result.failures().stream()
                            .filter(each -> each.fault() != Fault.CONNECT)
                            .map(Failure::number)
                            .toList();
            // What runs on each connection, and maybe what comes next: a dying process's listening
            // socket is closed after its connections, and takes new ones until then.
            assertThat(failed).isNotEmpty().hasSizeLessThanOrEqualTo(2 * 50);
            assertThat(LongStream.range(0, result.sent()))
                    .allMatch(at -> origin.seen(at) == 1 || failed.contains(at));
            assertThat(origin.seen(result.sent())).isZero();
        }
    }

    private static InetSocketAddress address(Site site) throws IOException {
        return address(site.address());
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        return new InetSocketAddress(
                InetAddress.ofLiteral(text.substring(0, colon)),
                Integer.parseInt(text.substring(colon + 1)));
    }
}
