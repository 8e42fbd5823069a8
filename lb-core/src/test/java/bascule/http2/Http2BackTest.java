package bascule.http2;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.http.Method;
import bascule.net.Failure;
import io.netty.channel.socket.ChannelOutputShutdownException;
import io.netty.handler.codec.http2.Http2Error;
import org.junit.jupiter.api.Test;

/// An HTTP/2 connection to a server, step by step and without a socket.
final class Http2BackTest {
    private static final int MAX_CONCURRENT_STREAMS = 3;
    private static final int INITIAL_WINDOW_SIZE = 4;

    private static Frame head(int stream, boolean last, String... fields) {
        return Frame.headers(stream, Frame.block(fields), last);
    }

    private static Frame ok(int stream, boolean last) {
        return head(stream, last, ":status", "200");
    }

    @Test
    void givenRequestsBeforeSettings_whenTheyCome_thenAllGoOutThenAndNoneBefore() {
        try (var bed = new BackBed()) {
            BackBed.Call first = bed.get();
            BackBed.Call second = bed.get();
            assertThat(bed.heard()).isEmpty();
            bed.send(Frame.settings());
            assertThat(bed.heard()).containsExactly("HEADERS 1 last", "HEADERS 3 last");
            assertThat(first.stream.reused()).isFalse();
            bed.send(ok(3, true), ok(1, false), Frame.data(1, "abc", true));
            assertThat(first.content()).isEqualTo("abc|");
            assertThat(second.complete).isTrue();
            assertThat(bed.get().stream.reused()).isTrue();
        }
    }

    @Test
    void givenPartsOfOneBurst_whenPassedOn_thenInOnePiece() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call call = bed.get();
            bed.send(
                    head(1, false, ":status", "200", "content-length", "6"),
                    Frame.data(1, "abc", false),
                    Frame.data(1, "def", true));
            assertThat(call.complete).isTrue();
            assertThat(call.bursts).isZero();
        }
    }

    @Test
    void givenWriteThatFails_whenAnswersAreThere_thenTheyAreReadFirst() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call first = bed.get();
            BackBed.Call second = bed.post();
            bed.heard();
            bed.socket
                    .pipeline()
                    .fireExceptionCaught(new ChannelOutputShutdownException("planted"));
            assertThat(bed.back.hasRoom()).isFalse();
            bed.send(ok(1, true), Frame.goAway(1, Http2Error.NO_ERROR));
            assertThat(first.complete).isTrue();
            assertThat(second.failure).isEqualTo(Failure.GOING_AWAY);
        }
    }

    @Test
    void givenConnectionThatDies_whenStreamsAreOnIt_thenNoneCanBeginOnItMeanwhile() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call call = bed.get();
            bed.socket.close();
            assertThat(call.failure).isEqualTo(Failure.NO_RESPONSE);
            assertThat(bed.back.hasRoom()).isFalse();
            assertThat(bed.gone).isEqualTo(1);
        }
    }

    @Test
    void givenExchangeThatTriesAgainAtOnce_whenTheConnectionBreaks_thenItIsNotLentAgain() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call call = bed.get();
            boolean[] room = new boolean[1];
            call.onFailure = () -> room[0] = bed.back.hasRoom();
            bed.send(new Frame(Frame.DATA, 0, 0, new byte[1])); // DATA of no stream.
            assertThat(call.failure).isEqualTo(Failure.NO_RESPONSE);
            assertThat(room[0]).isFalse();
            assertThat(bed.broken).containsExactly("frames");
        }
    }

    @Test
    void givenHeldResponse_whenItsLastBytesComeAndTheConnectionGoes_thenAllOfItIsPassedOn() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call call = bed.get();
            bed.send(ok(1, false), Frame.data(1, "abc", false));
            call.hold(true);
            bed.send(Frame.data(1, "def", true));
            bed.socket.close();
            bed.socket.runPendingTasks();
            assertThat(call.content()).isEqualTo("abc");
            assertThat(call.over).isFalse();
            call.hold(false);
            bed.socket.runPendingTasks();
            assertThat(call.content()).isEqualTo("abcdef|");
            assertThat(call.complete).isTrue();
        }
    }

    @Test
    void givenHeldResponse_whenItIsGivenUp_thenItsBytesAreGivenBackToTheWindow() {
        try (var bed = BackBed.greeted()) {
            for (int round = 0; round < 300; round++) {
                BackBed.Call call = bed.get();
                int id = 2 * round + 1;
                bed.send(ok(id, false));
                call.hold(true);
                for (int i = 0; i < 8; i++) // All of its window: 37 MiB in the end.
                bed.send(Frame.data(id, new byte[16 * 1024], false));
                call.abort();
            }
            assertThat(bed.broken).isEmpty();
            assertThat(bed.gone).isZero();
            BackBed.Call last = bed.get();
            bed.send(ok(601, true));
            assertThat(last.complete).isTrue();
        }
    }

    @Test
    void givenNobodyWhoReads_whenTimePasses_thenTheRequestEndsButNotTheConnection() {
        try (var bed = BackBed.greeted(INITIAL_WINDOW_SIZE, 2)) {
            BackBed.Call call = bed.post();
            call.send("5\r\nhello\r\n0\r\n\r\n", true);
            assertThat(bed.heard()).containsExactly("HEADERS 1", "DATA 1 2");
            bed.until(BackBed.RESPONSE + 1);
            assertThat(call.over).isFalse(); // It has taken something, if not much.
            bed.until(2 * BackBed.RESPONSE + 2);
            assertThat(call.failure).isEqualTo(Failure.RESPONSE_TIMEOUT);
            assertThat(bed.heard()).containsExactly("RST_STREAM 1 CANCEL");
            assertThat(bed.gone).isZero();
        }
    }

    @Test
    void givenFewerStreamsThanRequests_whenSettingsCome_thenTheRestGoesElsewhere() {
        try (var bed = new BackBed()) {
            BackBed.Call first = bed.get();
            BackBed.Call second = bed.get();
            bed.send(Frame.settings(MAX_CONCURRENT_STREAMS, 1));
            assertThat(first.over).isFalse();
            assertThat(second.failure).isEqualTo(Failure.CONNECT);
            assertThat(bed.elsewhere).hasSize(1);
        }
    }

    @Test
    void givenChunksCutAnywhere_whenSent_thenTheSameData() {
        String body = "5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
        for (int cut = 0; cut <= body.length(); cut++) {
            try (var bed = BackBed.greeted()) {
                BackBed.Call call = bed.post();
                call.send(body.substring(0, cut), false);
                call.send(body.substring(cut), true);
                var data = new StringBuilder();
                int ends = 0;
                for (Frame frame : bed.frames()) {
                    if (frame.type() == Frame.DATA) data.append(frame.text());
                    if (frame.type() <= Frame.HEADERS && frame.has(Frame.END_STREAM)) ends++;
                }
                assertThat(data).as("cut at %d", cut).hasToString("helloabc");
                assertThat(ends).isEqualTo(1);
            }
        }
    }

    @Test
    void givenManyInterimResponses_whenOneTooMany_thenBroken() {
        try (var bed = BackBed.greeted()) {
            BackBed.Call call = bed.call(Method.GET, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
            for (int i = 0; i < 32; i++) bed.send(head(1, false, ":status", "103"));
            assertThat(call.interim).isEqualTo(32);
            assertThat(call.over).isFalse();
            bed.send(head(1, false, ":status", "103"));
            assertThat(call.failure).isEqualTo(Failure.BROKEN_RESPONSE);
        }
    }
}
