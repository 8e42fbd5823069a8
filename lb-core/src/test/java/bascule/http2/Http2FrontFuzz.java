package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.net.Failure;
import io.netty.handler.codec.http2.Http2Error;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Random clients and exchanges against a model of streams and windows: no byte is lost, added or sent without leave, and a stream
/// ends cleanly only if both sides had ended it.
final class Http2FrontFuzz {
    private static final int RUNS = Boolean.getBoolean("bascule.long") ? 2000 : 40;
    private static final int STEPS = 400;

    /// What a test of this test makes the model believe.
    private enum Fault {
        NONE,
        WINDOW_IS_SMALLER,
        BYTE_IS_MISSING,
        END_IS_EARLY,
        UPLOAD_IS_SHORTER
    }

    private enum Framing {
        LENGTH,
        CHUNKED,
        UNTIL_END
    }

    private static final List<Framing> FRAMINGS = List.of(Framing.values());

    /// One request, as its client knows it, and what its server did.
    private static final class Exchange {
        final int id;
        boolean clientEnded;
        boolean clientReset;
        final StringBuilder upload = new StringBuilder();
        long uploadWindow = Http2Front.STREAM_WINDOW;
        long declared = -1; // Content-Length.

        Client.Request request;
        Framing framing;
        int length;
        boolean serverEnded;
        boolean serverAborted;
        final StringBuilder download = new StringBuilder();
        long downloadWindow;

        final StringBuilder got = new StringBuilder();
        int gotHeads;
        boolean gotEnd;
        Http2Error gotReset;

        Exchange(int id, long window) {
            this.id = id;
            downloadWindow = window;
        }

        @Override
        public String toString() {
            return "stream " + id + " got " + got.length() + " of " + download.length();
        }
    }

    private static final class World implements AutoCloseable {
        final Random random;
        final Fault fault;
        final Client client = new Client();
        final List<Exchange> all = new ArrayList<>();
        final ByteArrayOutputStream wire = new ByteArrayOutputStream();
        final Map<String, Integer> seen = new TreeMap<>();
        int nextId = 1;
        long streamWindow = 65_535;
        long connectionWindow = 65_535;
        long uploadWindow = 65_535; // Of the connection, until we say more.
        final ArrayDeque<Long> windowsToCome = new ArrayDeque<>();
        int acknowledgements;
        int resets;
        int settings;

        World(long seed, Fault fault) {
            random = new Random(seed);
            this.fault = fault;
            wire.writeBytes(Frame.PREFACE);
            wire.writeBytes(Frame.settings().bytes());
            if (fault == Fault.WINDOW_IS_SMALLER) connectionWindow -= 10_000;
        }

        int below(int bound) {
            return random.nextInt(bound);
        }

        /// Small sizes are as likely as large ones.
        int size(int most) {
            return Math.min(most, below(1 << below(17)));
        }

        byte[] content(int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            return bytes;
        }

        void saw(String what) {
            seen.merge(what, 1, Integer::sum);
        }

        void send(Frame... frames) {
            wire.writeBytes(Frame.bytes(frames));
        }

        Exchange some() {
            return all.isEmpty() ? null : all.get(below(all.size()));
        }

        void step() {
            switch (below(20)) {
                case 0, 1 -> open();
                case 2, 3, 4 -> upload();
                case 5 -> resetByClient();
                case 6, 7 -> widen();
                case 8 -> settings();
                case 9, 10, 11, 12 -> feed(size(wire.size() + 1));
                case 13 -> client.socket.take(size(1 << 16));
                case 14 -> client.socket.take(Long.MAX_VALUE);
                case 15 -> hold();
                default -> serve();
            }
            settle();
        }

        /// Lets some bytes of the client's arrive.
        void feed(int bytes) {
            byte[] waiting = wire.toByteArray();
            int fed = Math.min(bytes, waiting.length);
            wire.reset();
            wire.write(waiting, fed, waiting.length - fed);
            client.send(Arrays.copyOf(waiting, fed));
        }

        void settle() {
            for (Frame frame : client.frames()) heard(frame);
            for (Client.Request request : client.server.requests) {
                int at = request.head.indexOf('/') + 1;
                int id =
                        Integer.parseInt(request.head.substring(at, request.head.indexOf(' ', at)));
                all.get((id - 1) / 2).request = request;
            }
        }

        Exchange of(Frame frame) {
            return all.get((frame.stream() - 1) / 2);
        }

        void heard(Frame frame) {
            switch (frame.type()) {
                case Frame.HEADERS -> {
                    Exchange exchange = of(frame);
                    client.fields(frame);
                    exchange.gotHeads++;
                    assertEquals(1, exchange.gotHeads);
                    if (frame.has(Frame.END_STREAM)) ended(exchange);
                }
                case Frame.DATA -> {
                    Exchange exchange = of(frame);
                    exchange.got.append(frame.text());
                    exchange.downloadWindow -= frame.payload().length;
                    connectionWindow -= frame.payload().length;
                    assertTrue(exchange.downloadWindow >= 0 || frame.payload().length == 0);
                    assertTrue(connectionWindow >= 0, "connection's window");
                    assertTrue(!exchange.gotEnd && exchange.gotReset == null, "after the end");
                    if (frame.has(Frame.END_STREAM)) ended(exchange);
                }
                case Frame.RST_STREAM -> {
                    Exchange exchange = of(frame);
                    assertEquals(null, exchange.gotReset);
                    exchange.gotReset = frame.error();
                    boolean early = frame.error() == Http2Error.NO_ERROR;
                    assertTrue(early ? exchange.gotEnd : exchange.serverAborted, frame.toString());
                    saw(frame.error().name());
                }
                case Frame.WINDOW_UPDATE -> {
                    if (frame.stream() == 0) uploadWindow += frame.number(0);
                    else of(frame).uploadWindow += frame.number(0);
                    assertTrue(uploadWindow <= Http2Front.CONNECTION_WINDOW);
                    if (frame.stream() != 0)
                        assertTrue(of(frame).uploadWindow <= Http2Front.STREAM_WINDOW);
                }
                case Frame.SETTINGS -> {
                    if (frame.has(Frame.ACK) && acknowledgements++ > 0) acknowledged();
                }
                default -> throw new AssertionError(frame);
            }
        }

        void ended(Exchange exchange) {
            exchange.gotEnd = true;
            boolean whole = exchange.serverEnded;
            if (fault == Fault.END_IS_EARLY) whole = false;
            assertTrue(whole, "an end that nobody has said");
            String sent = exchange.download.toString();
            if (fault == Fault.BYTE_IS_MISSING && sent.length() > 5)
                sent = sent.substring(0, 4) + sent.substring(5);
            assertEquals(sent, exchange.got.toString());
            saw("END_STREAM");
        }

        // ---- the client

        void open() {
            if (all.stream().filter(it -> !over(it)).count() >= 60) return;
            var exchange = new Exchange(nextId, streamWindow);
            nextId += 2;
            all.add(exchange);
            String path = "/" + exchange.id;
            switch (below(3)) {
                case 0 -> {
                    exchange.clientEnded = true;
                    send(Frame.headers(exchange.id, Frame.block(Client.get(path)), true));
                }
                case 1 ->
                        send(
                                Frame.headers(
                                        exchange.id,
                                        Frame.block(Client.request("POST", path)),
                                        false));
                default -> {
                    exchange.declared = size(100_000);
                    String length = "" + exchange.declared;
                    String[] fields = Client.request("POST", path, "content-length", length);
                    exchange.clientEnded = exchange.declared == 0;
                    send(Frame.headers(exchange.id, Frame.block(fields), exchange.declared == 0));
                }
            }
        }

        static boolean over(Exchange exchange) {
            return exchange.clientReset
                    || exchange.gotReset != null
                    || exchange.gotEnd && exchange.clientEnded;
        }

        void upload() {
            Exchange exchange = some();
            if (exchange == null || exchange.clientEnded || over(exchange)) return;
            int most = (int) Math.min(16_000, Math.min(exchange.uploadWindow, uploadWindow) - 256);
            if (exchange.declared >= 0)
                most = (int) Math.min(most, exchange.declared - exchange.upload.length());
            if (most < 0) return;
            byte[] bytes = content(size(most));
            exchange.upload.append(new String(bytes, ISO_8859_1));
            boolean last =
                    exchange.declared >= 0
                            ? exchange.upload.length() == exchange.declared
                            : below(6) == 0;
            if (bytes.length == 0 && !last) return;
            boolean trailers = last && below(3) == 0;
            int padding = below(4) == 0 ? below(200) : -1;
            Frame data;
            if (padding < 0) {
                data = Frame.data(exchange.id, bytes, last && !trailers);
            } else {
                byte[] padded = new byte[1 + bytes.length + padding];
                padded[0] = (byte) padding;
                System.arraycopy(bytes, 0, padded, 1, bytes.length);
                int end = last && !trailers ? Frame.END_STREAM : 0;
                data = new Frame(Frame.DATA, Frame.PADDED | end, exchange.id, padded);
            }
            exchange.uploadWindow -= data.payload().length;
            uploadWindow -= data.payload().length;
            send(data);
            if (trailers) send(Frame.headers(exchange.id, Frame.block("x-sum", "1"), true));
            exchange.clientEnded = last;
        }

        void resetByClient() {
            Exchange exchange = some();
            if (exchange == null || over(exchange) || ++resets > 50) return;
            exchange.clientReset = true;
            send(Frame.reset(exchange.id, Http2Error.CANCEL));
        }

        void widen() {
            int bytes = 1 + size(1 << 16);
            if (below(2) == 0) {
                connectionWindow += bytes;
                send(Frame.windowUpdate(0, bytes));
                return;
            }
            Exchange exchange = some();
            if (exchange == null || over(exchange)) return;
            exchange.downloadWindow += bytes;
            send(Frame.windowUpdate(exchange.id, bytes));
        }

        /// In force from its acknowledgement on: that comes before what was sent by the new window, and after what was not.
        void settings() {
            if (++settings > 20) return;
            long bytes = size(1 << 17);
            windowsToCome.add(bytes);
            send(Frame.settings(4, (int) bytes));
        }

        void acknowledged() {
            Long bytes = windowsToCome.poll();
            if (bytes == null) throw new AssertionError("acknowledged what was not sent");
            long more = bytes - streamWindow;
            streamWindow = bytes;
            for (Exchange exchange : all) exchange.downloadWindow += more;
        }

        // ---- the server

        void hold() {
            Exchange exchange = some();
            if (exchange == null || !runs(exchange)) return;
            exchange.request.front.readBody(below(2) == 0);
        }

        static boolean runs(Exchange exchange) {
            return exchange.request != null && !exchange.request.over;
        }

        void serve() {
            Exchange exchange = some();
            if (exchange == null || !runs(exchange)) return;
            Client.Request request = exchange.request;
            if (exchange.framing == null) {
                begin(exchange);
                return;
            }
            if (below(12) == 0) {
                abort(exchange);
                return;
            }
            int left = exchange.length - exchange.download.length();
            int bytes = Math.min(left, 1 + size(30_000));
            if (bytes > 0 && request.front.writable()) piece(exchange, bytes);
            else if (left == 0) end(exchange);
        }

        void begin(Exchange exchange) {
            exchange.framing = FRAMINGS.get(below(FRAMINGS.size()));
            exchange.length = size(200_000);
            String framing =
                    switch (exchange.framing) {
                        case LENGTH -> "Content-Length: " + exchange.length + "\r\n";
                        case CHUNKED -> "Transfer-Encoding: chunked\r\n";
                        case UNTIL_END -> "";
                    };
            // A response without a body ends with its head.
            if (exchange.framing == Framing.LENGTH && exchange.length == 0)
                exchange.serverEnded = true;
            exchange.request.send("HTTP/1.1 200 OK\r\n" + framing + "\r\n");
        }

        void piece(Exchange exchange, int bytes) {
            String text = new String(content(bytes), ISO_8859_1);
            exchange.download.append(text);
            // The last byte of a known length is its end.
            if (exchange.framing == Framing.LENGTH && exchange.download.length() == exchange.length)
                exchange.serverEnded = true;
            if (exchange.framing != Framing.CHUNKED) {
                exchange.request.send(text);
                return;
            }
            int cut = below(bytes + 1);
            String chunks = chunk(text.substring(0, cut)) + chunk(text.substring(cut));
            int split = below(chunks.length() + 1);
            exchange.request.send(chunks.substring(0, split));
            exchange.request.send(chunks.substring(split));
        }

        private static String chunk(String text) {
            if (text.isEmpty()) return "";
            return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
        }

        void end(Exchange exchange) {
            exchange.serverEnded = true;
            if (exchange.framing == Framing.CHUNKED) exchange.request.send("0\r\n\r\n");
            exchange.request.end();
        }

        void abort(Exchange exchange) {
            exchange.serverAborted = true;
            exchange.request.abort();
        }

        /// Lets everything end, and compares.
        void finish() {
            feed(Integer.MAX_VALUE);
            client.socket.take(Long.MAX_VALUE);
            settle();
            for (Exchange exchange : all) {
                if (over(exchange)) continue;
                exchange.downloadWindow += 1 << 28;
                send(Frame.windowUpdate(exchange.id, 1 << 28));
            }
            feed(Integer.MAX_VALUE);
            for (Exchange exchange : all) { // As much as the connection lets through.
                if (!runs(exchange)) continue;
                if (exchange.framing == null) begin(exchange);
                while (exchange.request.front.writable()
                        && exchange.download.length() < exchange.length)
                    piece(exchange, Math.min(9000, exchange.length - exchange.download.length()));
                settle();
            }
            connectionWindow += 1L << 28;
            send(Frame.windowUpdate(0, 1 << 28));
            feed(Integer.MAX_VALUE);
            settle();
            for (Exchange exchange : all) {
                if (!runs(exchange)) continue;
                exchange.request.front.readBody(true);
                settle();
                if (exchange.framing == null) begin(exchange);
                settle();
                while (exchange.download.length() < exchange.length) {
                    piece(exchange, Math.min(50_000, exchange.length - exchange.download.length()));
                    settle();
                }
                end(exchange);
                settle();
            }
            client.until(2); // Whoever still sends what nobody wants is told so.
            settle();
            for (Exchange exchange : all) check(exchange);
            for (Exchange exchange : all)
                if (!over(exchange)) send(Frame.reset(exchange.id, Http2Error.CANCEL));
            feed(Integer.MAX_VALUE);
            settle();
            assertEquals(0, ((Http2Front) client.front).streamCount());
            assertTrue(client.rejections.isEmpty(), client.rejections.toString());
            client.send(Frame.ping(1));
            assertEquals(List.of("PING ack"), client.heard());
        }

        void check(Exchange exchange) {
            Client.Request request = exchange.request;
            if (exchange.clientReset) {
                saw("reset by the client");
                assertTrue(exchange.download.toString().startsWith(exchange.got.toString()));
            } else if (exchange.serverAborted && !exchange.serverEnded) {
                assertEquals(Http2Error.INTERNAL_ERROR, exchange.gotReset);
                assertTrue(!exchange.gotEnd);
                assertTrue(exchange.download.toString().startsWith(exchange.got.toString()));
            } else if (!exchange.serverAborted) {
                assertTrue(exchange.gotEnd, exchange.toString());
            }
            if (request == null) return;
            if (request.failure != null) assertEquals(Failure.CLIENT_ABORT, request.failure);
            String body = request.body.toString();
            boolean chunked = request.head.contains("chunked");
            String sent = exchange.upload.toString();
            if (fault == Fault.UPLOAD_IS_SHORTER && !sent.isEmpty())
                sent = sent.substring(0, sent.length() - 1);
            String got = chunked ? payload(body) : body;
            if (request.complete) {
                saw("whole upload");
                assertEquals(sent, got);
            } else {
                assertTrue(sent.startsWith(got));
            }
        }

        /// Of whole chunks; the last one may be missing.
        private static String payload(String body) {
            var text = new StringBuilder();
            for (int at = 0; at < body.length(); ) {
                int end = body.indexOf("\r\n", at);
                int size = Integer.parseInt(body.substring(at, end), 16);
                if (size == 0) break;
                text.append(body, end + 2, end + 2 + size);
                at = end + 2 + size + 2;
            }
            return text.toString();
        }

        @Override
        public void close() {
            client.close();
        }
    }

    private static Map<String, Integer> run(long seed, Fault fault) {
        try (var world = new World(seed, fault)) {
            try {
                world.feed(Integer.MAX_VALUE);
                for (int i = 0; i < STEPS; i++) world.step();
                world.finish();
            } catch (Throwable failure) {
                world.client.abandon();
                throw failure;
            }
            return world.seen;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomClientsAndServers_whenAllIsOver_thenNothingIsLostOrAdded(long seed) {
        Map<String, Integer> seen = new TreeMap<>();
        for (int run = 0; run < RUNS; run++) {
            long of = seed * 1_000_000 + run;
            try {
                run(of, Fault.NONE).forEach((what, times) -> seen.merge(what, times, Integer::sum));
            } catch (Throwable failure) {
                throw new AssertionError("seed " + of, failure);
            }
        }
        for (String what :
                new String[] {
                    "END_STREAM",
                    "INTERNAL_ERROR",
                    "NO_ERROR",
                    "reset by the client",
                    "whole upload"
                })
            assertTrue(seen.getOrDefault(what, 0) > RUNS, () -> "too few of " + what + ": " + seen);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void givenFaultInTheModel_whenItIsCompared_thenIsSeen(Fault fault) {
        for (int seed = 0; seed < 100; seed++) {
            try {
                run(seed, fault);
            } catch (AssertionError seen) {
                return;
            }
        }
        throw new AssertionError(fault + " was not seen");
    }
}
