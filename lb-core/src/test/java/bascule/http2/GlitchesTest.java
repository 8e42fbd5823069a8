package bascule.http2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.Rejection;
import io.netty.handler.codec.http2.Http2Error;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Frames that are allowed one by one, and too many of them. What it means for other clients is asked of a daemon, in `FloodsIT`.
final class GlitchesTest {
    private static final long SECOND = Client.SECOND;
    private static final byte[] NONE = {};

    @Test
    void givenBucket_whenTimePasses_thenItForgives() {
        var glitches = new Glitches(Glitches.FORGIVEN_PER_SECOND);
        assertTrue(glitches.add(Glitches.MOST, 0));
        assertFalse(glitches.add(1, SECOND / Glitches.FORGIVEN_PER_SECOND - 1));
        assertTrue(glitches.add(0, SECOND));
        assertTrue(glitches.add(Glitches.FORGIVEN_PER_SECOND - 1, SECOND));
        assertFalse(glitches.add(1, SECOND));
        assertTrue(glitches.add(Glitches.MOST, 1000 * SECOND));
    }

    @Test
    void givenBucket_whenStreamsEndWell_thenItForgives() {
        var glitches = new Glitches(Glitches.FORGIVEN_PER_SECOND);
        assertTrue(glitches.add(Glitches.MOST, 0));
        glitches.forgive();
        assertTrue(glitches.add(1, 0));
        assertFalse(glitches.add(1, 0));
    }

    /// @return how many streams are taken back until it is too much, of a minute's
    private static int resets(int atOnce, int perSecond) {
        var resets = new Glitches(Glitches.RESETS_FORGIVEN_PER_SECOND);
        int count = 0;
        for (int turn = 0; turn < 60 * perSecond; turn++)
            for (int i = 0; i < atOnce; i++, count++)
                if (!resets.add(Glitches.RESET_BY_PEER, turn * SECOND / perSecond)) return count;
        return count;
    }

    @Test
    void givenStreamsThatAreTakenBack_whenABrowserDoesSo_thenItMayAndAnAttackerMayNot() {
        assertEquals(60 * 4 * 60, resets(60, 4));
        assertEquals(100 * 60, resets(100, 1));
        assertThat(resets(1, 1000)).isLessThan(1000);
        assertThat(resets(100, 50)).isLessThan(1000);
    }

    /// As Go's client does: it updates both windows for each 4 KiB that was read, which may be when all has come.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenClientThatReads4KiBAtATime_whenItLoadsMuch_thenItIsServed(boolean late) {
        try (var client = Client.greeted(4, 8 << 20)) {
            client.send(Frame.windowUpdate(0, 1 << 30));
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            int unread = 0;
            for (int i = 0; i < 1024; i++) { // 16 MiB in two windows
                request.send(new byte[16 * 1024]);
                client.frames();
                unread += 4;
                if (late && unread < 2000) continue;
                for (; unread > 0; unread--)
                    client.send(Frame.windowUpdate(0, 4096), Frame.windowUpdate(1, 4096));
            }
            request.end();
            assertThat(client.heard()).endsWith("DATA 1 0 last");
            assertThat(client.rejections).isEmpty();
        }
    }

    /// As gRPC does: it measures the way by a PING for what has come.
    @Test
    void givenStreamOfSmallMessages_whenTheClientPingsForEach_thenItIsServed() {
        try (var client = Client.greeted(4, 8 << 20)) {
            client.send(get(1));
            Client.Request request = client.server.last();
            request.send("HTTP/1.1 200 OK\r\n\r\n");
            for (int i = 0; i < 5000; i++) {
                request.send("message");
                client.frames();
                client.send(Frame.ping(i));
            }
            request.end();
            assertThat(client.heard()).contains("DATA 1 0 last");
            assertThat(client.rejections).isEmpty();
        }
    }

    private static Frame get(int stream) {
        return Frame.headers(stream, Frame.block(Client.get("/")), true);
    }

    private static Frame post(int stream) {
        return Frame.headers(stream, Frame.block(Client.request("POST", "/")), false);
    }

    private static Arguments flood(String name, IntFunction<List<Frame>> frames) {
        return Arguments.of(name, frames);
    }

    /// What is sent for the n-th time.
    static List<Arguments> floods() {
        return List.of(
                flood(
                        "rapid reset",
                        n -> List.of(get(2 * n + 1), Frame.reset(2 * n + 1, Http2Error.CANCEL))),
                flood(
                        "made you reset: no increment",
                        n -> List.of(get(2 * n + 1), Frame.windowUpdate(2 * n + 1, 0))),
                flood(
                        "made you reset: window too large",
                        n ->
                                List.of(
                                        get(2 * n + 1),
                                        Frame.windowUpdate(2 * n + 1, Integer.MAX_VALUE))),
                flood(
                        "made you reset: DATA after the end",
                        n -> List.of(get(2 * n + 1), Frame.data(2 * n + 1, "x", false))),
                flood(
                        "made you reset: HEADERS after the end",
                        n ->
                                List.of(
                                        get(2 * n + 1),
                                        Frame.headers(2 * n + 1, Frame.block("x", "y"), true))),
                flood(
                        "made you reset: depends on itself",
                        n -> List.of(get(2 * n + 1), Frame.priority(2 * n + 1, 2 * n + 1))),
                flood(
                        "made you reset: PRIORITY of another size",
                        n ->
                                List.of(
                                        get(2 * n + 1),
                                        new Frame(Frame.PRIORITY, 0, 2 * n + 1, new byte[4]))),
                flood(
                        "malformed",
                        n ->
                                List.of(
                                        Frame.headers(
                                                2 * n + 1, Frame.block(":method", "GET"), true))),
                flood(
                        "empty DATA",
                        n -> n == 0 ? List.of(post(1)) : List.of(Frame.data(1, "", false))),
                flood(
                        "empty DATA with padding",
                        n ->
                                n == 0
                                        ? List.of(post(1))
                                        : List.of(
                                                new Frame(
                                                        Frame.DATA,
                                                        Frame.PADDED,
                                                        1,
                                                        new byte[] {0}))),
                flood(
                        "empty HEADERS",
                        n ->
                                List.of(
                                        new Frame(Frame.HEADERS, 0, 2 * n + 1, NONE),
                                        new Frame(
                                                Frame.CONTINUATION,
                                                Frame.END_HEADERS,
                                                2 * n + 1,
                                                Frame.block(Client.get("/"))),
                                        Frame.data(2 * n + 1, "", true))),
                flood(
                        "CONTINUATION",
                        n ->
                                List.of(
                                        n == 0
                                                ? new Frame(Frame.HEADERS, 0, 1, NONE)
                                                : new Frame(
                                                        Frame.CONTINUATION,
                                                        0,
                                                        1,
                                                        Frame.block("a", "b")))),
                flood(
                        "empty CONTINUATION",
                        n ->
                                List.of(
                                        n == 0
                                                ? new Frame(Frame.HEADERS, 0, 1, NONE)
                                                : new Frame(Frame.CONTINUATION, 0, 1, NONE))),
                flood("SETTINGS", n -> List.of(Frame.settings(4, n))),
                flood("SETTINGS acknowledged", n -> List.of(Frame.settingsAck())),
                flood("PING", n -> List.of(Frame.ping(n))),
                flood("PING answered", n -> List.of(Frame.pong(n))),
                flood("PRIORITY", n -> List.of(Frame.priority(2 * n + 1, 0))),
                flood("unknown", n -> List.of(new Frame(0x42, 0, 0, new byte[10]))),
                flood(
                        "GOAWAY",
                        n -> List.of(n == 0 ? get(1) : Frame.goAway(0, Http2Error.NO_ERROR))),
                flood("WINDOW_UPDATE", n -> List.of(Frame.windowUpdate(0, 1))),
                flood(
                        "WINDOW_UPDATE of what is over",
                        n -> n == 0 ? List.of(get(1)) : List.of(Frame.windowUpdate(1, 1))),
                flood(
                        "RST_STREAM of what is over",
                        n -> List.of(n == 0 ? get(1) : Frame.reset(1, Http2Error.CANCEL))),
                flood("too many streams", n -> List.of(post(2 * n + 1))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("floods")
    void givenFlood_whenItGoesOn_thenTheConnectionIsEnded(
            String name, IntFunction<List<Frame>> frames) {
        try (var client = Client.greeted()) {
            int sent = 0;
            int heard = 0;
            for (int n = 0; sent < 5000 && heard == 0; n++) {
                List<Frame> some = frames.apply(n);
                client.send(some.toArray(Frame[]::new));
                sent += some.size();
                heard =
                        (int)
                                client.frames().stream()
                                        .filter(frame -> frame.type() == Frame.GOAWAY)
                                        .filter(
                                                frame ->
                                                        frame.error()
                                                                == Http2Error.ENHANCE_YOUR_CALM)
                                        .count();
            }
            assertEquals(1, heard, name);
            assertThat(sent).isBetween(30, 3000);
            boolean block = name.contains("CONTINUATION");
            if (!block) assertThat(client.rejections).endsWith(Rejection.GLITCHES);
            assertThat(client.server.requests).allMatch(request -> request.over);
        }
    }

    /// What honest clients do, however much of it: as many requests as they like, each with a few such frames.
    @Test
    void givenBusyClient_whenItUsesAllThatIsAllowed_thenItIsServed() {
        try (var client = Client.greeted()) {
            client.server.answers = true;
            client.send(Frame.windowUpdate(0, 1 << 20));
            for (int stream = 1; stream < 20_000; stream += 2) {
                var frames = new ArrayList<Frame>();
                frames.add(get(stream));
                frames.add(Frame.windowUpdate(stream, 1000));
                frames.add(Frame.windowUpdate(0, 1000));
                if (stream % 16 == 1) frames.add(Frame.ping(stream));
                if (stream % 64 == 1) frames.add(Frame.priority(stream, 0));
                if (stream % 1024 == 1) frames.add(Frame.settings(4, 65_535));
                client.send(frames.toArray(Frame[]::new));
                assertThat(client.heard()).contains("DATA " + stream + " 2 last");
            }
            assertThat(client.rejections).isEmpty();
        }
    }

    /// Leaving a page takes back all that it has asked for.
    @Test
    void givenBrowser_whenItTakesBackAllItsRequestsAFewTimes_thenItIsStillServed() {
        try (var client = Client.greeted()) {
            int stream = 1;
            for (int page = 0; page < 4; page++) {
                int first = stream;
                for (int i = 0; i < 100; i++, stream += 2) client.send(get(stream));
                for (int at = first; at < stream; at += 2)
                    client.send(Frame.reset(at, Http2Error.CANCEL));
            }
            client.send(get(stream));
            client.server.last().answer();
            assertThat(client.heard()).contains("DATA " + stream + " 2 last");
        }
    }

    /// One byte for each update of a window: slow, and allowed, but not for long.
    @Test
    void givenClientThatOpensItsWindowByteByByte_whenMuchWaits_thenItIsEnded() {
        try (var client = Client.greeted(4, 0)) {
            client.send(get(1));
            client.server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            client.server.last().send(new byte[100_000]);
            int frames = 0;
            while (frames < 100_000 && client.socket.isOpen()) {
                client.send(Frame.windowUpdate(1, 1));
                frames++;
                if (client.rejections.contains(Rejection.GLITCHES)) break;
            }
            assertThat(frames).isLessThan(3000);
        }
    }
}
