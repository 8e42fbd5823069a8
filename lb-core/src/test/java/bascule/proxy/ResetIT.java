package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import bascule.testing.Content;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Servers that break off their connections at any point. What may not be repeated reaches them once at most, what may be is mostly
/// saved by a second try, and each client gets a whole response, or sees that there is none.
final class ResetIT {
    private static final int REQUESTS = Boolean.getBoolean("bascule.long") ? 100_000 : 10_000;
    private static final int CLIENTS = 32;
    private static final int SERVERS = 3;
    private static final int HELD_BYTES =
            64 << 10; // Most that is kept to be sent again, with its head.
    private static final long SEED = 64_000;

    /// Where a server breaks off.
    private enum Break {
        NOWHERE,
        AT_ACCEPT,
        AFTER_THE_HEAD,
        WITHIN_THE_BODY,
        BEFORE_THE_RESPONSE,
        WITHIN_THE_RESPONSE,
        IDLE;

        /// For a request; the first and the last are up to the connection.
        static Break draw(SplittableRandom random) {
            return switch (random.nextInt(24)) {
                case 0 -> AFTER_THE_HEAD;
                case 1 -> WITHIN_THE_BODY;
                case 2 -> BEFORE_THE_RESPONSE;
                case 3 -> WITHIN_THE_RESPONSE;
                case 4, 5 -> IDLE;
                default -> NOWHERE;
            };
        }
    }

    private enum Outcome {
        WHOLE,
        /// An answer of Bascule's own.
        REFUSED,
        CUT
    }

    private enum Framing {
        LENGTH,
        CHUNKED,
        UNTIL_CLOSE
    }

    /// A body and how it is framed, the same for the same seed.
    private record Body(Framing framing, byte[] content) {
        static Body of(long seed, Framing... framings) {
            var random = new SplittableRandom(seed);
            int kind = random.nextInt(20);
            int length =
                    kind == 0
                            ? random.nextInt(HELD_BYTES, 200_000)
                            : random.nextInt(kind < 4 ? HELD_BYTES : 2000);
            return new Body(framings[random.nextInt(framings.length)], Content.of(seed, length));
        }

        String field() {
            return switch (framing) {
                case LENGTH -> "Content-Length: " + content.length + "\r\n";
                case CHUNKED -> "Transfer-Encoding: chunked\r\n";
                case UNTIL_CLOSE -> "";
            };
        }

        /// As on the wire.
        byte[] framed() {
            if (framing != Framing.CHUNKED) return content;
            var out = new ByteArrayOutputStream();
            for (int at = 0, size = 700; at < content.length; at += size) {
                size = Math.min(size * 2, content.length - at);
                out.writeBytes((Integer.toHexString(size) + "\r\n").getBytes(US_ASCII));
                out.write(content, at, size);
                out.writeBytes(new byte[] {'\r', '\n'});
            }
            out.writeBytes("0\r\n\r\n".getBytes(US_ASCII));
            return out.toByteArray();
        }
    }

    private static Body requestBody(int id) {
        return Body.of(SEED + id, Framing.LENGTH, Framing.LENGTH, Framing.CHUNKED);
    }

    private static Body responseBody(int id) {
        return Body.of(
                ~(SEED + id), Framing.LENGTH, Framing.LENGTH, Framing.CHUNKED, Framing.UNTIL_CLOSE);
    }

    // ---- the servers

    /// What the servers have seen, all together.
    private static final class Seen {
        /// By ID: one entry for each time that a whole head has come, with as many bytes of the body as were taken.
        final Map<Integer, List<Taken>> heads = new ConcurrentHashMap<>();

        final Map<Break, AtomicInteger> breaks = new EnumMap<>(Break.class);
        final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

        Seen() {
            for (Break each : Break.values()) breaks.put(each, new AtomicInteger());
        }

        Taken head(String head) {
            int id = Integer.parseInt(head.split("[/ ]", 4)[2]);
            var taken = new Taken(id);
            heads.computeIfAbsent(id, _ -> Collections.synchronizedList(new ArrayList<>()))
                    .add(taken);
            return taken;
        }

        int most() {
            return heads.values().stream().mapToInt(List::size).max().orElse(0);
        }
    }

    private static final class Taken {
        final int id;
        volatile int bytes;

        Taken(int id) {
            this.id = id;
        }
    }

    /// One that breaks off as its seed says.
    private static final class Breaking implements AutoCloseable {
        private final Seen seen;
        private final SplittableRandom random;
        private final ServerSocketChannel listening = ServerSocketChannel.open();
        private final Set<Wire> open = ConcurrentHashMap.newKeySet();

        Breaking(long seed, Seen seen) throws IOException {
            this.seen = seen;
            random = new SplittableRandom(seed);
            listening.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 1024);
            Thread.startVirtualThread(this::accept);
        }

        String address() throws IOException {
            return "127.0.0.1:" + ((InetSocketAddress) listening.getLocalAddress()).getPort();
        }

        private void accept() {
            while (true) {
                try {
                    Wire wire = Wire.of(listening.accept());
                    open.add(wire);
                    if (!listening.isOpen()) wire.close();
                    SplittableRandom own = random.split();
                    Thread.startVirtualThread(() -> serve(wire, own));
                } catch (ClosedChannelException closed) {
                    return;
                } catch (IOException failure) {
                    seen.failures.add(failure);
                    return;
                }
            }
        }

        private void serve(Wire wire, SplittableRandom random) {
            try (wire) {
                if (random.nextInt(20) == 0) {
                    if (random.nextBoolean()) Thread.sleep(1);
                    breakOff(wire, Break.AT_ACCEPT, random);
                    return;
                }
                while (!wire.ended()) if (!answer(wire, random)) return;
            } catch (IOException gone) {
                // The daemon lets go, or stops.
            } catch (Throwable failure) {
                seen.failures.add(failure);
            } finally {
                open.remove(wire);
            }
        }

        /// @return may another request come on this connection?
        private boolean answer(Wire wire, SplittableRandom random) throws Exception {
            Break at = Break.draw(random);
            String head = wire.receiveHead();
            if (!head.matches("(?s)P\\w+ /\\d+ .*"))
                return false; // Not of this test: the port was another's.
            Taken taken = seen.head(head);
            if (at == Break.AFTER_THE_HEAD) return breakOff(wire, at, random);
            if (head.contains("Expect: ")) wire.send("HTTP/1.1 100 Continue\r\n\r\n");
            Body request = requestBody(taken.id);
            byte[] framed = request.framed();
            int take =
                    at == Break.WITHIN_THE_BODY ? random.nextInt(framed.length + 1) : framed.length;
            byte[] some = new byte[16 * 1024];
            for (int have = 0; have < take; taken.bytes = have) {
                int read = wire.receive(some, 0, Math.min(some.length, take - have));
                if (read < 0) return false; // The client has left.
                if (Arrays.mismatch(some, 0, read, framed, have, have + read) >= 0)
                    throw new AssertionError("request " + taken.id + " is not as it was sent");
                have += read;
            }
            if (at == Break.WITHIN_THE_BODY || at == Break.BEFORE_THE_RESPONSE)
                return breakOff(wire, at, random);
            Body response = responseBody(taken.id);
            var out = new ByteArrayOutputStream();
            out.writeBytes(
                    "HTTP/1.1 200 OK\r\nX-Id: %d\r\n%s\r\n"
                            .formatted(taken.id, response.field())
                            .getBytes(US_ASCII));
            out.writeBytes(response.framed());
            byte[] all = out.toByteArray();
            if (at == Break.WITHIN_THE_RESPONSE) {
                wire.send(all, 0, random.nextInt(all.length));
                if (random.nextBoolean()) Thread.sleep(1);
                // A FIN would be the end that this one waits for.
                if (response.framing == Framing.UNTIL_CLOSE) wire.reset();
                return breakOff(wire, at, random);
            }
            wire.send(all);
            if (response.framing == Framing.UNTIL_CLOSE) return false;
            if (at != Break.IDLE) {
                seen.breaks.get(Break.NOWHERE).incrementAndGet();
                return true;
            }
            int pause = random.nextInt(4);
            if (pause > 0) Thread.sleep(pause);
            return breakOff(wire, at, random);
        }

        /// Ends the connection, mostly by RST. A request that has come by then has been seen.
        private boolean breakOff(Wire wire, Break at, SplittableRandom random) throws IOException {
            seen.breaks.get(at).incrementAndGet();
            String last = at == Break.AT_ACCEPT || at == Break.IDLE ? wire.poll() : null;
            if (last != null && last.contains("\r\n\r\n")) seen.head(last);
            if (random.nextInt(4) > 0) wire.reset();
            return false;
        }

        @Override
        public void close() throws IOException {
            listening.close();
            for (Wire wire : open) wire.close();
        }
    }

    // ---- the clients

    private static Outcome ask(Wire wire, String method, int id) throws Exception {
        Body body = requestBody(id);
        byte[] framed = body.framed();
        boolean expect = id % 20 == 7;
        byte[] head =
                "%s /%d HTTP/1.1\r\nHost: a\r\n%s%s\r\n"
                        .formatted(
                                method, id, body.field(), expect ? "Expect: 100-continue\r\n" : "")
                        .getBytes(US_ASCII);
        if (expect) {
            wire.send(head);
            return receive(wire, id, framed);
        }
        byte[] all = Arrays.copyOf(head, head.length + framed.length);
        System.arraycopy(framed, 0, all, head.length, framed.length);
        if (all.length < 16 * 1024) {
            wire.send(all);
            return receive(wire, id, null);
        }
        var sending =
                Background.start(() -> trySend(wire, all)); // The answer may come before its end.
        Outcome outcome = receive(wire, id, null);
        if (outcome != Outcome.WHOLE) wire.reset();
        sending.end();
        return outcome;
    }

    private static void trySend(Wire wire, byte[] bytes) {
        try {
            wire.send(bytes);
        } catch (IOException cut) {
            // The answer tells.
        }
    }

    /// @param awaited to be sent at a 100, or null
    private static Outcome receive(Wire wire, int id, byte[] awaited) throws IOException {
        String head;
        try {
            head = wire.receiveHead();
            if (awaited != null && head.startsWith("HTTP/1.1 100 ")) {
                trySend(wire, awaited);
                head = wire.receiveHead();
            }
        } catch (EOFException | SocketException cut) {
            return Outcome.CUT;
        }
        var start = new Answer(head, new byte[0], "");
        if (start.status() != 200) {
            assertThat(start.status()).as(head).isIn(502, 503, 504);
            assertThat(start.field("date")).as("by which ours are known").isNotNull();
            Answer.read(head, wire, false);
            return Outcome.REFUSED;
        }
        assertThat(start.field("x-id")).isEqualTo("" + id);
        return receive(wire, responseBody(id));
    }

    /// Whatever comes of it, it must be of this response, and a part must not look like the whole.
    private static Outcome receive(Wire wire, Body response) throws IOException {
        byte[] expected = response.framed();
        byte[] some = new byte[16 * 1024];
        int have = 0;
        boolean untilClose = response.framing == Framing.UNTIL_CLOSE;
        try {
            while (untilClose || have < expected.length) {
                int read = wire.receive(some, 0, some.length);
                if (read < 0 && !untilClose) return Outcome.CUT;
                if (read < 0) {
                    assertThat(have).as("bytes until the close").isEqualTo(expected.length);
                    return Outcome.WHOLE;
                }
                if (have + read > expected.length
                        || Arrays.mismatch(some, 0, read, expected, have, have + read) >= 0)
                    throw new AssertionError("not of this response, after " + have + " bytes");
                have += read;
            }
            return Outcome.WHOLE;
        } catch (SocketException cut) {
            return Outcome.CUT;
        }
    }

    /// Sends all requests and tells what became of each.
    private static AtomicReferenceArray<Outcome> play(String method, Seen seen) throws Exception {
        var outcomes = new AtomicReferenceArray<Outcome>(REQUESTS);
        var sites = new ArrayList<Breaking>();
        var addresses = new ArrayList<String>();
        for (int server = 0; server < SERVERS; server++) {
            sites.add(new Breaking(SEED + server, seen));
            addresses.add(sites.getLast().address());
        }
        String refusing;
        try (var closed = new Origin()) {
            refusing = closed.address(); // So that something is sent elsewhere which never left.
        }
        try (RunningDaemon daemon =
                RunningDaemon.start(
                        """
                        loops = 2
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
                        backends.web {
                          servers = [
                            { address = "%s", weight = 5 }, { address = "%s", weight = 5 }
                            { address = "%s", weight = 5 }, "%s"
                          ]
                          retry { tries = 3, budget = 100%% }, timeouts.response = 20s
                        }
                        """
                                .formatted(
                                        addresses.get(0),
                                        addresses.get(1),
                                        addresses.get(2),
                                        refusing))) {
            var next = new AtomicInteger();
            var clients = new ArrayList<Background>();
            for (int client = 0; client < CLIENTS; client++)
                clients.add(Background.start(() -> play(daemon, method, next, outcomes)));
            for (Background client : clients) client.end(Duration.ofSeconds(60 + REQUESTS / 100));
            for (Breaking site : sites) site.close();
            assertThat(seen.failures).isEmpty();
            daemon.awaitNothingOpen();
            assertThat(daemon.metric("bascule_retries_total", "reason=\"connect\"")).isPositive();
        }
        return outcomes;
    }

    private static void play(
            RunningDaemon daemon,
            String method,
            AtomicInteger next,
            AtomicReferenceArray<Outcome> outcomes)
            throws Exception {
        int id = next.getAndIncrement();
        while (id < REQUESTS) {
            try (Wire wire = Wire.connect(daemon.address("web"))) {
                Outcome outcome;
                do {
                    try {
                        outcome = ask(wire, method, id);
                    } catch (AssertionError | IOException failure) {
                        throw new AssertionError(method + " " + id + " of seed " + SEED, failure);
                    }
                    assertThat(outcomes.getAndSet(id, outcome)).isNull();
                    boolean last =
                            outcome != Outcome.WHOLE
                                    || responseBody(id).framing == Framing.UNTIL_CLOSE;
                    id = next.getAndIncrement();
                    if (last) break;
                } while (id < REQUESTS);
            }
        }
    }

    private static long count(AtomicReferenceArray<Outcome> outcomes, Outcome outcome) {
        return IntStream.range(0, REQUESTS).filter(id -> outcomes.get(id) == outcome).count();
    }

    @Test
    void givenRandomResets_whenPosted_thenNothingIsSeenTwice() throws Exception {
        var seen = new Seen();

        AtomicReferenceArray<Outcome> outcomes = play("POST", seen);

        assertThat(count(outcomes, null)).as("of %d not sent", REQUESTS).isZero();
        assertThat(seen.most()).isEqualTo(1);
        assertThat(count(outcomes, Outcome.WHOLE)).isGreaterThan(REQUESTS / 2);
        assertThat(count(outcomes, Outcome.REFUSED)).isGreaterThan(REQUESTS / 100);
        assertThat(count(outcomes, Outcome.CUT)).isGreaterThan(REQUESTS / 100);
        assertThat(seen.breaks.values())
                .as("%s", seen.breaks)
                .allMatch(count -> count.get() > REQUESTS / 100);
    }

    /// The same count sees a second time, so it would have seen it of a POST.
    @Test
    void givenRandomResets_whenPut_thenMostOfThoseSentAgainSucceedAndNothingLargeIs()
            throws Exception {
        var seen = new Seen();

        AtomicReferenceArray<Outcome> outcomes = play("PUT", seen);

        assertThat(count(outcomes, null)).as("of %d not sent", REQUESTS).isZero();
        assertThat(seen.most()).isBetween(2, 3);
        var again =
                seen.heads.entrySet().stream().filter(put -> put.getValue().size() > 1).toList();
        assertThat(again).hasSizeGreaterThan(REQUESTS / 50);
        assertThat(
                        again.stream()
                                .filter(put -> outcomes.get(put.getKey()) == Outcome.WHOLE)
                                .count())
                .isGreaterThan(again.size() * 3 / 4);
        for (var put : again) {
            List<Taken> tries = put.getValue();
            for (Taken failed : tries.subList(0, tries.size() - 1))
                assertThat(failed.bytes)
                        .as("of PUT %d, which was sent again", put.getKey())
                        .isLessThan(HELD_BYTES);
        }
    }
}
