package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.http.BackStream;
import bascule.http.Method;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.Http1Codec;
import bascule.net.Backpressure;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;

/// A server without a socket, behind an [Http2Back] whose exchanges do what the test says. Time passes when the test says so.
final class BackBed implements AutoCloseable, Http2Back.Home {
    static final long SECOND = 1_000_000_000;
    static final int CONNECT = 2;
    static final int RESPONSE = 30;
    static final int IDLE = 60;

    final Client.Socket socket = new Client.Socket();
    final Loop loop = Loops.of(socket.eventLoop(), UnpooledByteBufAllocator.DEFAULT);
    final Http2Codec codec = new Http2Codec(new Http1Codec(loop, 64 * 1024, 100));
    final List<Call> calls = new ArrayList<>();
    final List<String> broken = new ArrayList<>();
    final List<Throwable> bugs = new ArrayList<>();
    final List<Http2BackStream> elsewhere = new ArrayList<>();
    int idle;
    int gone;
    final Http2Back back;
    private final ByteBuf outbound = Unpooled.buffer();
    private final long originNanos = loop.nanoTime();

    BackBed() {
        socket.config().setWriteBufferWaterMark(Backpressure.MARKS);
        back = new Http2Back(codec, this, originNanos);
        socket.pipeline().addLast(back);
        back.channelActive(socket.pipeline().context(back));
    }

    /// One whose server has said hello, and has been greeted.
    static BackBed greeted(int... settings) {
        var bed = new BackBed();
        bed.preface();
        bed.send(Frame.settings(settings), Frame.settingsAck());
        bed.frames();
        return bed;
    }

    void preface() {
        frames();
        if (outbound.readableBytes() >= Frame.PREFACE.length)
            throw new AssertionError("frames before the preface");
    }

    // ---- the wire

    void send(Frame... frames) {
        send(Frame.bytes(frames));
    }

    void send(byte[] bytes) {
        if (socket.isOpen())
            socket.writeInbound(UnpooledByteBufAllocator.DEFAULT.directBuffer().writeBytes(bytes));
    }

    /// What came since the last call, settled.
    List<Frame> frames() {
        socket.runPendingTasks();
        for (ByteBuf some; (some = socket.readOutbound()) != null; some.release())
            outbound.writeBytes(some);
        if (outbound.readableBytes() >= Frame.PREFACE.length
                && outbound.getByte(outbound.readerIndex()) == 'P')
            outbound.skipBytes(Frame.PREFACE.length);
        var found = new ArrayList<Frame>();
        for (Frame frame; (frame = Frame.read(outbound)) != null; ) found.add(frame);
        return found;
    }

    /// The same without what every server gets to see: settings, acknowledgements and windows.
    List<String> heard() {
        return frames().stream()
                .filter(frame -> frame.type() != Frame.SETTINGS)
                .filter(frame -> frame.type() != Frame.WINDOW_UPDATE)
                .map(Frame::toString)
                .toList();
    }

    /// Lets time pass up to so many seconds after the start.
    void until(double seconds) {
        loop.wheel().advance(originNanos + (long) (seconds * SECOND));
        socket.runPendingTasks();
    }

    /// Nothing is left: no connection at rest, no stream that two could get.
    @Override
    public void close() {
        socket.takes = Long.MAX_VALUE;
        socket.flush();
        socket.close();
        socket.runPendingTasks();
        socket.releaseOutbound();
        outbound.release();
        for (Call call : calls) if (!call.over) call.abort();
        socket.runPendingTasks();
        if (!bugs.isEmpty()) throw new AssertionError("bugs", bugs.getFirst());
        if (idle != 0) throw new AssertionError(idle + " idle");
        if (gone != 1) throw new AssertionError("gone " + gone + " times");
        var seen = new ArrayList<Http2BackStream>();
        for (int i = 0; i < calls.size() + 1; i++) {
            Http2BackStream stream = codec.lendBack(this, null);
            for (Http2BackStream other : seen)
                if (other == stream) throw new AssertionError("one stream for two");
            seen.add(stream);
        }
    }

    // ---- where the connection belongs

    @Override
    public Http2BackSettings settings() {
        return new Http2BackSettings(false, CONNECT * SECOND, RESPONSE * SECOND, IDLE * SECOND);
    }

    @Override
    public void connect(Http2BackStream stream, boolean anew, long nowNanos) {
        if (!anew && gone == 0) {
            back.await(stream, nowNanos);
        } else {
            elsewhere.add(stream);
            stream.notConnected(Failure.CONNECT, nowNanos);
        }
    }

    @Override
    public void ready(Http2Back connection) {}

    @Override
    public void idle(int delta) {
        idle += delta;
    }

    @Override
    public void gone(Http2Back connection) {
        gone++;
    }

    @Override
    public void failed(Throwable cause) {
        bugs.add(cause);
    }

    @Override
    public void tlsFailed(Throwable cause) {
        bugs.add(cause);
    }

    @Override
    public void broken(String reason) {
        broken.add(reason);
    }

    // ---- exchanges

    /// Begins one with a GET.
    Call get() {
        return call(Method.GET, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    }

    /// Begins one with a POST in chunks, whose body is yet to come.
    Call post() {
        return call(
                Method.POST,
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                false);
    }

    Call call(Method method, String request, boolean last) {
        long now = loop.nanoTime();
        boolean stands = back.hasRoom();
        BackStream stream = stands ? back.lend() : Http2Back.unconnected(codec, this);
        var call = new Call(stream, request, last);
        calls.add(call);
        stream.begin(call, method, false, now);
        if (stands) call.begin(now);
        else stream.connect(now);
        return call;
    }

    /// One exchange; lets go of its stream when the response is complete.
    final class Call implements ResponseEvents {
        final BackStream stream;
        private final String request;
        private final boolean last;
        final StringBuilder body = new StringBuilder(); // As it came.
        int status;
        int interim;
        boolean chunked;
        boolean complete;
        boolean over;
        Failure failure;
        Runnable onFailure = () -> {};
        int bursts;
        int rooms;

        Call(BackStream stream, String request, boolean last) {
            this.stream = stream;
            this.request = request;
            this.last = last;
        }

        private void begin(long now) {
            send(request, last, now);
        }

        void send(String text, boolean end) {
            send(text, end, loop.nanoTime());
        }

        private void send(String text, boolean end, long now) {
            byte[] bytes = text.getBytes(ISO_8859_1);
            stream.send(
                    ReceiveBuffers.allocate(loop.allocator(), bytes.length).writeBytes(bytes),
                    end,
                    now);
            stream.flush();
        }

        void hold(boolean on) {
            stream.readResponse(!on, loop.nanoTime());
        }

        void abort() {
            over = true;
            stream.abort();
        }

        private void check() {
            if (over) throw new AssertionError("it is over");
        }

        private void end(boolean whole) {
            if (!whole) return;
            over = true;
            complete = true;
            stream.release(loop.nanoTime());
        }

        @Override
        public void backConnected(long now) {
            check();
            begin(now);
        }

        @Override
        public void interimResponse(ResponseHead head, ByteBuf in, long now) {
            check();
            interim++;
            in.release();
        }

        @Override
        public void response(ResponseHead head, ByteBuf in, boolean whole, long now) {
            check();
            if (status != 0) throw new AssertionError("a second response");
            status = head.status;
            chunked = head.framing == bascule.http.Framing.CHUNKED;
            body.append(in.skipBytes(head.length).toString(ISO_8859_1));
            in.release();
            end(whole);
        }

        @Override
        public void responseBody(ByteBuf in, boolean whole, long now) {
            check();
            body.append(in.toString(ISO_8859_1));
            in.release();
            end(whole);
        }

        @Override
        public void responseBurstEnded() {
            bursts++;
        }

        @Override
        public void responseInputEnded() {
            check();
        }

        @Override
        public void backWritable(long now) {
            check();
            rooms++;
        }

        @Override
        public void backFailed(Failure why, long now) {
            check();
            over = true;
            failure = why;
            onFailure.run();
        }

        /// The body without its chunks; trailers stand behind a `|`.
        String content() {
            if (!chunked) return body.toString();
            var content = new StringBuilder();
            for (int at = 0; ; ) {
                int lineEnd = body.indexOf("\r\n", at);
                if (lineEnd < 0) return content.toString(); // As far as it has come.
                int size = Integer.parseInt(body.substring(at, lineEnd), 16);
                if (size == 0)
                    return content + "|" + body.substring(lineEnd + 2).replace("\r\n", "");
                content.append(body, lineEnd + 2, lineEnd + 2 + size);
                at = lineEnd + 2 + size + 2;
            }
        }
    }
}
