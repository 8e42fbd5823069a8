package bascule.http2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.net.Failure;
import io.netty.handler.codec.http2.Http2Error;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Random servers and exchanges against a model of streams and windows: no byte is lost, added or sent without leave, a response is
/// whole only if its server ended it, and what may be sent again the server has not looked at.
final class Http2BackFuzz {
    private static final int RUNS = Boolean.getBoolean("bascule.long") ? 2000 : 60;
    private static final int STEPS = 400;

    /// What a test of this test makes the model believe.
    private enum Fault {
        NONE,
        BYTE_IS_MISSING,
        END_IS_EARLY,
        UPLOAD_IS_SHORTER,
        WINDOW_IS_SMALLER
    }

    /// One exchange, as its client knows it, and what the server did.
    private static final class Model {
        final BackBed.Call call;
        final StringBuilder upload = new StringBuilder();
        boolean uploadEnded;
        boolean held;

        int id; // 0 = the server knows nothing of it.
        final StringBuilder got = new StringBuilder();
        boolean gotEnd;
        boolean gotReset;
        long uploadWindow;

        boolean headSent;
        long declared = -1;
        final StringBuilder sent = new StringBuilder();
        String trailers = "";
        long window = Http2Back.STREAM_WINDOW;
        boolean ended;
        boolean reset;
        boolean refused;
        boolean broken;

        Model(BackBed.Call call) {
            this.call = call;
        }

        boolean serverMaySend() {
            return id != 0 && !ended && !reset && !broken && !gotReset;
        }
    }

    private static final class World implements AutoCloseable {
        final Random random;
        final Fault fault;
        final BackBed bed = BackBed.greeted(4, 1000);
        final List<Model> models = new ArrayList<>();
        final Map<Integer, Model> streams = new TreeMap<>();
        long connectionWindow = Http2Back.CONNECTION_WINDOW;
        long uploadWindow = 65_535;
        int lastSeen;
        int leftAt = -1;
        int unassigned; // Of those models, the first whose HEADERS have not come.

        World(long seed, Fault fault) {
            random = new Random(seed);
            this.fault = fault;
        }

        void step() {
            switch (random.nextInt(16)) {
                case 0, 1 -> ask();
                case 2, 3 -> upload();
                case 4, 5, 6 -> answer();
                case 7, 8, 9 -> download();
                case 10 -> end();
                case 11 -> misbehave();
                case 12 -> hold();
                case 13 -> windows();
                case 14 -> giveUp();
                default -> bed.until(random.nextDouble() * 0.001);
            }
            listen();
        }

        Model any() {
            return models.isEmpty() ? null : models.get(random.nextInt(models.size()));
        }

        void ask() {
            if (models.size() >= 60 || !bed.back.hasRoom()) return;
            boolean get = random.nextBoolean();
            Model model = new Model(get ? bed.get() : bed.post());
            model.uploadEnded = get;
            model.uploadWindow = 1000;
            models.add(model);
        }

        void upload() {
            Model model = any();
            if (model == null || model.uploadEnded || model.call.over) return;
            String text = "u".repeat(1 + random.nextInt(3000)) + models.indexOf(model);
            model.upload.append(text);
            boolean last = random.nextInt(4) == 0;
            model.uploadEnded = last;
            model.call.send(
                    Integer.toHexString(text.length())
                            + "\r\n"
                            + text
                            + "\r\n"
                            + (last ? "0\r\n\r\n" : ""),
                    last);
        }

        void answer() {
            Model model = any();
            if (model == null || !model.serverMaySend() || model.headSent) return;
            if (random.nextInt(4) == 0) {
                bed.send(Frame.headers(model.id, Frame.block(":status", "103"), false));
                return;
            }
            model.headSent = true;
            boolean last = random.nextInt(6) == 0;
            if (random.nextBoolean()) {
                model.declared = last ? 0 : random.nextInt(20_000);
                bed.send(
                        Frame.headers(
                                model.id,
                                Frame.block(
                                        ":status", "200", "content-length", "" + model.declared),
                                last));
            } else {
                bed.send(Frame.headers(model.id, Frame.block(":status", "200"), last));
            }
            model.ended = last;
        }

        void download() {
            Model model = any();
            if (model == null || !model.serverMaySend() || !model.headSent) return;
            long most = Math.min(Math.min(model.window, connectionWindow), 16_384);
            if (model.declared >= 0) most = Math.min(most, model.declared - model.sent.length());
            if (most <= 0) return;
            String text = "d".repeat((int) (1 + random.nextLong(most)));
            data(model, text, false);
        }

        void data(Model model, String text, boolean last) {
            model.sent.append(text);
            model.window -= text.length();
            connectionWindow -= text.length();
            bed.send(Frame.data(model.id, text, last));
            model.ended = last;
        }

        void end() {
            Model model = any();
            if (model == null || !model.serverMaySend() || !model.headSent) return;
            if (model.declared > model.sent.length()) {
                if (random.nextInt(3) > 0) return;
                model.broken = true; // Shorter than it had said.
                bed.send(Frame.data(model.id, "", true));
            } else if (model.declared < 0 && random.nextBoolean()) {
                model.trailers = "x-t: 1";
                model.ended = true;
                bed.send(Frame.headers(model.id, Frame.block("x-t", "1"), true));
            } else {
                data(model, "", true);
            }
        }

        void misbehave() {
            Model model = any();
            if (model == null || model.id == 0 || model.gotReset || model.reset) return;
            switch (random.nextInt(8)) {
                case 0 -> {
                    boolean untouched = !model.headSent && !model.broken;
                    model.reset = true;
                    model.refused = untouched;
                    bed.send(
                            Frame.reset(
                                    model.id,
                                    untouched
                                            ? Http2Error.REFUSED_STREAM
                                            : Http2Error.INTERNAL_ERROR));
                }
                case 1 -> {
                    model.reset = true;
                    Http2Error[] codes = {
                        Http2Error.NO_ERROR, Http2Error.CANCEL, Http2Error.INTERNAL_ERROR
                    };
                    bed.send(Frame.reset(model.id, codes[random.nextInt(codes.length)]));
                }
                case 2 -> {
                    if (!model.serverMaySend()) return;
                    model.broken = true;
                    bed.send(
                            Frame.headers(model.id, Frame.block("Upper", "case", ":x", "y"), true));
                }
                case 3 -> {
                    if (!model.serverMaySend() || model.declared < 0) return;
                    long more = model.declared - model.sent.length() + 1;
                    if (more > Math.min(model.window, Math.min(connectionWindow, 16_384))) return;
                    model.broken = true;
                    model.window -= more;
                    connectionWindow -= more;
                    bed.send(Frame.data(model.id, "x".repeat((int) more), random.nextBoolean()));
                }
                case 4 -> bed.send(Frame.ping(random.nextLong()));
                case 5 -> {
                    if (models.size() < 50 || leftAt >= 0) return;
                    leftAt = random.nextInt(2 * models.size());
                    bed.send(Frame.goAway(leftAt, Http2Error.NO_ERROR));
                }
                default -> bed.send(Frame.priority(model.id, 0));
            }
        }

        void hold() {
            Model model = any();
            if (model == null || model.call.over || model.call.status == 0) return;
            model.held = !model.held;
            model.call.hold(model.held);
        }

        void windows() {
            Model model = any();
            int more = 1 + random.nextInt(5000);
            uploadWindow += more;
            bed.send(Frame.windowUpdate(0, more));
            if (model == null || model.id == 0) return;
            model.uploadWindow += more;
            bed.send(Frame.windowUpdate(model.id, more));
        }

        void giveUp() {
            Model model = any();
            if (model == null || model.call.over || random.nextInt(3) > 0) return;
            model.call.abort();
        }

        /// What the server hears.
        void listen() {
            for (Frame frame : bed.frames()) {
                switch (frame.type()) {
                    case Frame.HEADERS -> {
                        if (frame.stream() > lastSeen) {
                            lastSeen = frame.stream();
                            Model model = models.get(unassigned++);
                            model.id = frame.stream();
                            streams.put(model.id, model);
                            model.gotEnd = frame.has(Frame.END_STREAM);
                        } else {
                            streams.get(frame.stream()).gotEnd = true;
                        }
                    }
                    case Frame.DATA -> {
                        Model model = streams.get(frame.stream());
                        assertTrue(!model.gotEnd && !model.gotReset, "DATA behind the end");
                        model.got.append(frame.text());
                        model.gotEnd = frame.has(Frame.END_STREAM);
                        model.uploadWindow -= frame.payload().length;
                        uploadWindow -= frame.payload().length;
                        int less = fault == Fault.WINDOW_IS_SMALLER ? 200 : 0;
                        assertTrue(model.uploadWindow >= less, "window of a stream");
                        assertTrue(uploadWindow >= 0, "window of the connection");
                    }
                    case Frame.RST_STREAM -> streams.get(frame.stream()).gotReset = true;
                    case Frame.WINDOW_UPDATE -> {
                        if (frame.stream() == 0) connectionWindow += frame.number(0);
                        else streams.get(frame.stream()).window += frame.number(0);
                    }
                    default -> {}
                }
            }
        }

        void check() {
            for (Model model : models) {
                BackBed.Call call = model.call;
                String upload = model.upload.toString();
                if (fault == Fault.UPLOAD_IS_SHORTER && upload.length() > 10)
                    upload = upload.substring(1);
                assertTrue(upload.startsWith(model.got.toString()), "what the server got");
                if (model.gotEnd) {
                    assertEquals(upload.length(), model.got.length(), "a clean end of the upload");
                    assertTrue(model.uploadEnded, "END_STREAM of a request that goes on");
                }
                String sent = model.sent.toString();
                if (fault == Fault.BYTE_IS_MISSING && sent.length() > 10) sent = sent.substring(1);
                String content = call.content();
                if (call.complete) {
                    boolean ended = model.ended && fault != Fault.END_IS_EARLY;
                    assertTrue(ended, "whole, but not ended");
                    String trailers = call.chunked ? "|" + model.trailers : "";
                    assertEquals(sent + trailers, content, "what the client got");
                } else {
                    assertTrue(sent.startsWith(content) || model.broken, "what came so far");
                }
                if (call.failure == Failure.REFUSED_STREAM) assertTrue(model.refused);
                if (call.failure == Failure.GOING_AWAY) {
                    assertTrue(leftAt >= 0 && model.id > leftAt, "not told to be left behind");
                    assertEquals(0, call.status);
                }
            }
        }

        /// Lets everything end that can.
        void settle() {
            for (Model model : models) {
                if (!model.held || model.call.over) continue;
                model.held = false;
                model.call.hold(false);
            }
            listen();
            for (Model model : models) {
                boolean answered = model.ended || model.broken || model.reset;
                if (model.id != 0 && answered) assertTrue(model.call.over, "not over");
            }
        }

        @Override
        public void close() {
            bed.close();
        }
    }

    private static void run(long seed, Fault fault) {
        try (var world = new World(seed, fault)) {
            for (int step = 0; step < STEPS; step++) {
                world.step();
                world.check();
            }
            world.settle();
            world.check();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 1000, 1_000_000})
    void givenAnyServer_whenExchangesDoAnything_thenWhatCrossesIsWhatWasSent(long first) {
        for (long seed = first; seed < first + RUNS; seed++) {
            try {
                run(seed, Fault.NONE);
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Fault.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void givenModelThatIsWrong_whenRun_thenItIsSeen(Fault fault) {
        int seen = 0;
        for (long seed = 1; seed < 20; seed++) {
            try {
                run(seed, fault);
            } catch (AssertionError expected) {
                seen++;
            }
        }
        assertTrue(seen > 0, "never seen: " + fault);
    }
}
