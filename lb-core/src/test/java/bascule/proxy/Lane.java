package bascule.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.proxy.Transcript.Side;
import bascule.proxy.Transcript.Step;
import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Plays a [Transcript] against a listener with one server of its own, one run after the other, each leaving the daemon without
/// a connection.
///
/// Where bytes are cut in two, the daemon must have read the first half before the second is sent. That is not left to time: the
/// lane has another connection to the same loop, the *fence*. An answer on it shows that the loop has turned; two of them show
/// that whatever was readable before the first question has been read (one would not: epoll may name the fence first).
final class Lane implements AutoCloseable {
    private static final String FENCE_QUESTION = "GET / HTTP/1.1\r\nHost: fence\r\n\r\n";

    private final Origin origin;
    private final InetSocketAddress front;
    private final Wire fence;

    /// Where a run cuts what is sent.
    ///
    /// @param at bytes of that side before the cut
    record Cut(Side side, int at) {
        static final Cut NONE = new Cut(Side.CLIENT, -1);

        @Override
        public String toString() {
            return at < 0 ? "whole" : side + " cut behind byte " + at;
        }
    }

    /// @param fence a listener of the same loop that answers by itself
    Lane(Origin origin, InetSocketAddress front, InetSocketAddress fence) throws IOException {
        this.origin = origin;
        this.front = front;
        this.fence = Wire.connect(fence);
        fence();
    }

    /// What was received or not belongs to this many runs.
    void play(Transcript transcript, Cut cut) {
        var run = new Run(cut);
        int number = 0;
        try {
            for (Step step : transcript.steps()) {
                number++;
                run.take(step);
            }
            number++;
            run.checkEnd();
        } catch (AssertionError | IOException | RuntimeException failure) {
            throw new AssertionError(
                    "%s, %s, step %d: %s%n%s"
                            .formatted(
                                    transcript.name(),
                                    cut,
                                    number,
                                    failure.getMessage(),
                                    run.trace()),
                    failure);
        } finally {
            run.close();
        }
    }

    /// Returns when the daemon has read what was sent before.
    void fence() throws IOException {
        for (int turn = 0; turn < 2; turn++) {
            fence.send(FENCE_QUESTION);
            Answer answer = Answer.read(fence, false);
            if (answer.status() != 204) throw new AssertionError(answer.head());
        }
    }

    String frontText() {
        return "127.0.0.1:" + front.getPort();
    }

    @Override
    public void close() throws IOException {
        fence.close();
        origin.close();
    }

    private final class Run {
        private final Cut cut;
        private final Map<Side, Wire> current = new HashMap<>();
        private final List<Wire> open = new ArrayList<>();
        private final List<Wire> clients = new ArrayList<>();
        private final List<Wire> servers = new ArrayList<>();
        private final Map<Side, Integer> sent = new HashMap<>();
        private final StringBuilder trace = new StringBuilder();

        Run(Cut cut) {
            this.cut = cut;
        }

        String trace() {
            return trace.toString();
        }

        void take(Step step) throws IOException {
            switch (step) {
                case Step.Send(var side, var bytes) ->
                        send(side, bytes.replace("{front}", frontText()));
                case Step.Receive(var side, var bytes) ->
                        receive(side, bytes.replace("{front}", frontText()));
                case Step.Ends(var side) -> wire(side).sendEnd();
                case Step.Closes(var side) -> {
                    Wire wire = wire(side);
                    open.remove(wire);
                    wire.close();
                }
                case Step.Resets(var side) -> {
                    Wire wire = wire(side);
                    open.remove(wire);
                    wire.reset();
                }
                case Step.Sees(var side, var how) -> {
                    Wire wire = wire(side);
                    open.remove(wire);
                    Wire.End seen = wire.awaitEnd();
                    trace.append(side).append(" saw ").append(seen).append('\n');
                    boolean expected =
                            switch (how) {
                                case "end" -> seen == Wire.End.CLEAN;
                                case "reset" -> seen == Wire.End.RESET;
                                case "cut" -> true;
                                default -> throw new IllegalArgumentException(how);
                            };
                    if (!expected) throw new AssertionError("saw " + seen + ", not " + how);
                }
                case Step.New(var side) -> current.remove(side);
                case Step.Pause(long millis) -> pause(millis);
            }
        }

        private Wire wire(Side side) throws IOException {
            Wire known = current.get(side);
            if (known != null) return known;
            Wire made;
            if (side == Side.CLIENT) {
                made = Wire.connect(front);
                fence(); // It has been accepted; only from now on does a fence say that its bytes
                // were read.
            } else {
                made = origin.accept();
            }
            trace.append("-- ").append(side).append(" connection\n");
            current.put(side, made);
            open.add(made);
            (side == Side.CLIENT ? clients : servers).add(made);
            return made;
        }

        private void send(Side side, String text) throws IOException {
            Wire wire = wire(side);
            byte[] bytes = text.getBytes(ISO_8859_1);
            int before = sent.getOrDefault(side, 0);
            sent.put(side, before + bytes.length);
            int within = cut.side == side ? cut.at - before : -1;
            if (within > 0 && within < bytes.length) {
                wire.send(bytes, 0, within);
                fence();
                wire.send(bytes, within, bytes.length);
            } else {
                wire.send(bytes);
            }
        }

        private void receive(Side side, String expected) throws IOException {
            Wire wire = wire(side);
            byte[] bytes = new byte[expected.length()];
            int have = 0;
            try {
                while (have < bytes.length) {
                    int more = wire.receive(bytes, have, bytes.length);
                    if (more < 0) throw new AssertionError(side + " saw the end too early");
                    have += more;
                    for (int i = have - more; i < have; i++) {
                        if (!matches(expected.charAt(i), (char) (bytes[i] & 0xff)))
                            throw new AssertionError(
                                    side + " received another byte " + i + " than expected");
                    }
                }
            } catch (AssertionError | SocketException failure) {
                String rest = wire.poll();
                throw new AssertionError(
                        "%s%nexpected:%n%s%nreceived:%n%s"
                                .formatted(
                                        failure.getMessage(),
                                        expected,
                                        new String(bytes, 0, have, ISO_8859_1)
                                                + (rest == null ? "" : rest)),
                        failure);
            }
            trace.append("-- ").append(side).append(" received\n");
            trace.append(new String(bytes, ISO_8859_1), 0, Math.min(bytes.length, 2000));
            trace.append("\n");
        }

        private static boolean matches(char expected, char actual) {
            return switch (expected) {
                case Transcript.ANY_HEX -> Character.digit(actual, 16) >= 0;
                case Transcript.ANY_PRINTABLE -> actual >= ' ' && actual < 127;
                default -> expected == actual;
            };
        }

        void checkEnd() throws IOException {
            fence();
            for (Wire wire : open) {
                String more = wire.poll();
                if (more == null) throw new AssertionError("a connection has ended: " + who(wire));
                if (!more.isEmpty()) throw new AssertionError(who(wire) + " also got: " + more);
            }
            try (Wire surplus = origin.poll()) {
                if (surplus != null) {
                    throw new AssertionError(
                            "another connection to the server, with: " + surplus.poll());
                }
            }
        }

        private String who(Wire wire) {
            for (Side side : Side.values()) if (current.get(side) == wire) return side.toString();
            return "an earlier connection";
        }

        /// Clients go first, and by a RST: one that only ended would still be owed what its server does not answer.
        void close() {
            try {
                for (Wire client : clients) client.reset();
                fence();
                for (Wire server : servers) server.close();
                fence();
                for (Wire surplus; (surplus = origin.poll()) != null; ) surplus.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void pause(long millis) {
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
