package bascule.http2;

import bascule.http.BackStream;
import bascule.http.Framing;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.ChunkedBody;
import bascule.net.Failure;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Error;
import org.jspecify.annotations.Nullable;

/// One request to an HTTP/2 server and its response, spoken as HTTP/1.1 towards the exchange: what goes is taken apart into fields and DATA;
/// what comes becomes a head, then a body with its length or in chunks. Used again.
public final class Http2BackStream extends Http2Stream implements BackStream {
    private static final int MOST_INTERIM = 32; // Per exchange; as over HTTP/1.1.

    /// A body that came with its head goes on in the same buffer if it is no longer than this.
    private static final int JOINED_BYTES = 4 * 1024;

    /// How long a connection that has rested may take to say that it still stands.
    private static final long LIVENESS_NANOS = 500_000_000;

    /// Connections that it may wait for in vain, beside its own.
    private static final int MOST_HOPS = 3;

    private enum Phase {
        /// For a connection.
        WAITING,
        /// No final response yet.
        HEAD,
        BODY,
        /// The response is complete; the exchange has not let go yet.
        DONE,
        TUNNEL,
        CLOSED
    }

    private enum Request {
        HEAD,
        LENGTH,
        CHUNKED,
        TUNNEL,
        /// All of it has been handed on.
        COMPLETE
    }

    private final Http2Codec codec;
    private final Runnable resumed = this::resumed;
    private Http2Back.@Nullable Home home;
    private @Nullable Http2Back on;
    private Phase phase = Phase.CLOSED;
    private @Nullable ResponseEvents exchange;
    private Method method = Method.OTHER;
    private boolean stripChunks;
    private boolean reused;
    private boolean asking; // Does it wait for a connection to say that it still stands?
    private boolean opened; // Is it a stream of its connection, or was it?
    private boolean known; // Does the connection know it?
    private int hops;
    private int uses;

    // The request.
    private Request request = Request.HEAD;
    private @Nullable Unchunker chunks;
    private boolean requestSent;
    private boolean continueAwaited;
    private byte @Nullable [] webSocketAccept; // Of RFC 8441; what the client expects.
    private long progressBytes;

    // The response.
    private @Nullable ByteBuf head; // Not passed on yet: what comes in the same burst goes with it.
    private int interim;
    private Framing framing = Framing.NONE;
    private long bodyLeft;
    private byte @Nullable [] trailers;
    private boolean held; // Does the exchange want no more of it?
    private @Nullable ByteBuf tail; // The last of it, kept beyond the end of the stream.
    private boolean tunnelEnded;

    Http2BackStream(Http2Codec codec) {
        this.codec = codec;
    }

    /// Makes it ready for another request.
    ///
    /// @param connection null = none yet
    void renew(Http2Back.Home of, @Nullable Http2Back connection) {
        home = of;
        on = connection;
        phase = connection == null ? Phase.WAITING : Phase.HEAD;
        exchange = null;
        reused = connection != null;
        opened = false;
        known = false;
        hops = 0;
        uses++;
        request = Request.HEAD;
        requestSent = false;
        continueAwaited = false;
        webSocketAccept = null;
        progressBytes = 0;
        interim = 0;
        framing = Framing.NONE;
        bodyLeft = 0;
        trailers = null;
        held = false;
        tunnelEnded = false;
    }

    private Http2Back.Home home() {
        Http2Back.Home of = home;
        if (of == null) throw new IllegalStateException("no stream yet");
        return of;
    }

    private long responseNanos() {
        return home().settings().responseNanos();
    }

    // ---- the way to a connection

    @Override
    public void begin(ResponseEvents events, Method requestMethod, boolean strip, long now) {
        if (exchange != null) throw new IllegalStateException("busy");
        exchange = events;
        method = requestMethod;
        stripChunks = strip;
    }

    @Override
    public void connect(long now) {
        home().connect(this, false, now);
    }

    /// @param rested is it a connection that may not stand any more?
    void awaits(Http2Back connection, boolean rested, long now) {
        on = connection;
        asking = rested;
        long nanos = rested ? LIVENESS_NANOS : home().settings().connectNanos();
        codec.loop.wheel().schedule(this, now + nanos);
    }

    /// Looks for another connection than the one that it waited for, but not for ever.
    void moveOn(long now) {
        on = null;
        if (++hops > MOST_HOPS) failed(Failure.CONNECT, now);
        else home().connect(this, true, now);
    }

    /// @param existed was it there before somebody asked?
    void connected(Http2Back connection, boolean existed, long now) {
        on = connection;
        phase = Phase.HEAD;
        reused = existed;
        codec.loop.wheel().suspend(this);
        ResponseEvents events = exchange;
        if (events != null) events.backConnected(now);
    }

    /// There is no connection.
    public void notConnected(Failure failure, long nowNanos) {
        on = null;
        failed(failure, nowNanos);
    }

    private void expiredWaiting(long now) {
        Http2Back asked = on;
        on = null;
        if (asked != null) asked.forget(this);
        if (!asking) {
            failed(Failure.CONNECT_TIMEOUT, now);
            return;
        }
        moveOn(now);
    }

    @Override
    public boolean reused() {
        return reused;
    }

    @Override
    public boolean mayRefuse() {
        return true;
    }

    // ---- the request

    @Override
    public void send(ByteBuf out, boolean last, long now) {
        requestSent |= last;
        continueAwaited = false;
        if (phase == Phase.WAITING || phase == Phase.CLOSED) {
            out.release();
            return;
        }
        if (request == Request.HEAD) head(out, last);
        else body(out, last);
        if (phase == Phase.HEAD) awaitServer(now);
    }

    private void head(ByteBuf out, boolean last) {
        RequestBlock text = codec.requestBlock;
        int length = text.read(out);
        Http2Back to = on;
        if (length < 0 || to == null) {
            out.release();
            home().failed(new IllegalStateException("no request crossed the seam"));
            failLater(Failure.OURS);
            return;
        }
        boolean webSocket = text.webSocket();
        if (!to.mayOpen() || webSocket && !to.peerTakesConnect()) {
            out.release();
            failLater(to.mayOpen() ? Failure.NO_WEBSOCKET : Failure.GOING_AWAY);
            return;
        }
        opened = true;
        known = true;
        to.begin(this);
        HpackWriter block = codec.block;
        block.clear();
        text.write(block, home().settings().secure());
        boolean bare = !webSocket && last && !text.hasBody();
        sendFields(block, bare);
        if (webSocket) {
            request = Request.TUNNEL;
            webSocketAccept = WebSocketKey.accept(text.key());
        } else if (bare) {
            request = Request.COMPLETE;
        } else if (text.chunked()) {
            request = Request.CHUNKED;
            Unchunker reader = chunks;
            if (reader == null) reader = chunks = new Unchunker();
            reader.begin();
        } else {
            request = Request.LENGTH;
        }
        out.skipBytes(length);
        body(out, last);
    }

    private void body(ByteBuf out, boolean last) {
        switch (request) {
            case LENGTH -> {
                queue(out);
                if (!last) return;
                request = Request.COMPLETE;
                queueEnd();
            }
            case CHUNKED -> {
                Unchunker reader = chunks;
                if (reader == null) throw new IllegalStateException("no chunked body");
                switch (reader.send(out, this, codec)) {
                    case ChunkedBody.NEED_MORE -> {}
                    case ChunkedBody.END -> request = Request.COMPLETE;
                    default -> {
                        home().failed(new IllegalStateException("no chunks crossed the seam"));
                        failLater(Failure.OURS);
                    }
                }
            }
            case TUNNEL -> queue(out);
            case HEAD, COMPLETE -> out.release();
        }
    }

    /// From within a call of the exchange, which does not expect its end.
    private void failLater(Failure failure) {
        phase = Phase.CLOSED;
        int use = uses;
        codec.loop
                .executor()
                .execute(
                        () -> {
                            if (use != uses || exchange == null) return;
                            giveUp(failure, codec.loop.nanoTime());
                        });
    }

    @Override
    public void awaitContinue(long now) {
        continueAwaited = true;
        if (phase == Phase.HEAD) awaitServer(now);
    }

    /// As over HTTP/1.1: the server owes the next step once it has the whole request, or while it takes no more of it, or if it has to
    /// ask for it; else the client does.
    private void awaitServer(long now) {
        if (requestSent || continueAwaited || !hasRoom())
            codec.loop.wheel().schedule(this, now + responseNanos());
        else codec.loop.wheel().suspend(this);
    }

    @Override
    public void flush() {
        if (!closed()) connection().later();
    }

    @Override
    public boolean writable() {
        return hasRoom();
    }

    @Override
    void roomAgain(long now) {
        if (phase == Phase.HEAD) awaitServer(now);
        if (exchange != null) exchange.backWritable(now);
    }

    @Override
    void awaitWindow() {}

    @Override
    void sentAll() {}

    // ---- the response

    @Override
    boolean expectsTrailers() {
        return phase != Phase.HEAD || head != null;
    }

    @Override
    void fields(DecodedFields fields, boolean last, long now) {
        if (exchange == null) return;
        if (expectsTrailers()) trailers(fields, last, now);
        else response(fields, last, now);
    }

    private void response(DecodedFields fields, boolean last, long now) {
        int status = ResponseText.status(fields);
        byte[] accept = webSocketAccept;
        boolean isInterim = status < 200;
        if (status == ResponseText.MALFORMED
                || status == 101
                || isInterim && (last || ++interim > MOST_INTERIM)) {
            malformed(fields.fault != null ? fields.fault : Rejection.PSEUDO_FIELD);
        } else if (isInterim) {
            interim(fields, status, now);
        } else {
            head =
                    accept != null && status < 300
                            ? codec.responseText.switching(fields, accept, codec.loop.allocator())
                            : codec.responseText.write(
                                    fields, status, method, last, codec.loop.allocator());
            if (last) ended(now);
            else connection().touch(this);
        }
    }

    private void interim(DecodedFields fields, int status, long now) {
        ResponseEvents events = exchange;
        ByteBuf in =
                codec.responseText.write(fields, status, method, false, codec.loop.allocator());
        if (events == null || codec.http1.parseResponse(in, method) != in.readableBytes()) {
            in.release();
            malformed(Rejection.FIELD);
            return;
        }
        if (continueAwaited) {
            continueAwaited = false;
            awaitServer(now);
        }
        events.interimResponse(codec.http1.responseHead(), in, now);
    }

    private void trailers(DecodedFields fields, boolean last, long now) {
        if (!last
                || fields.fault != null
                || fields.excess != null
                || phase == Phase.TUNNEL
                || webSocketAccept != null) {
            malformed(fields.fault != null ? fields.fault : Rejection.TRAILER);
            return;
        }
        if (fields.count() > 0) trailers = RequestText.trailers(fields);
        ended(now);
    }

    private void ended(long now) {
        peerEnded = true;
        inputEnded(now);
        if (localEnded) close();
    }

    /// Passes on what there is before the stream may be closed; what the exchange does not want yet is kept.
    @Override
    void inputEnded(long now) {
        if (held) tail = takeReceived();
        else deliver(now);
    }

    private @Nullable ByteBuf take() {
        ByteBuf last = tail;
        if (last == null) return takeReceived();
        tail = null;
        return last;
    }

    @Override
    void deliver(long now) {
        ResponseEvents events = exchange;
        if (events == null) drop();
        else if (!held) {
            switch (phase) {
                case HEAD -> {
                    if (head != null) begin(head, events, now);
                    else if (peerEnded || hasReceived()) malformed(Rejection.FRAMES);
                }
                case BODY -> body(events, now);
                case TUNNEL -> tunnelled(events, now);
                case WAITING, DONE, CLOSED -> drop();
            }
        }
    }

    private void begin(ByteBuf in, ResponseEvents events, long now) {
        head = null;
        int length = codec.http1.parseResponse(in, method);
        if (length <= 0) {
            in.release();
            malformed(Rejection.FRAMING);
            return;
        }
        ResponseHead response = codec.http1.responseHead();
        if (response.status == 101) {
            phase = Phase.BODY; // Until the exchange has agreed.
            codec.loop.wheel().schedule(this, now + responseNanos());
            events.response(response, in, false, now);
            return;
        }
        framing = response.framing;
        bodyLeft = framing == Framing.LENGTH ? response.contentLength : 0;
        ByteBuf came = take();
        int bytes = came == null ? 0 : came.readableBytes();
        if (bytes > 0) consumed(bytes);
        if (!account(bytes)) {
            in.release();
            if (came != null) came.release();
            malformed(Rejection.FRAMING);
            return;
        }
        boolean last = peerEnded;
        ByteBuf apart = framed(came, last);
        if (apart != null && apart.readableBytes() <= JOINED_BYTES) {
            in.writeBytes(apart);
            apart.release();
            apart = null;
        }
        pass(last && apart == null, now);
        events.response(response, in, last && apart == null, now);
        if (apart != null) {
            if (exchange != events) {
                apart.release();
                return;
            }
            pass(last, now);
            events.responseBody(apart, last, now);
        }
        if (!last && exchange == events) events.responseBurstEnded();
    }

    private void pass(boolean last, long now) {
        phase = last ? Phase.DONE : Phase.BODY;
        if (last) codec.loop.wheel().suspend(this);
        else codec.loop.wheel().schedule(this, now + responseNanos());
    }

    private void body(ResponseEvents events, long now) {
        ByteBuf came = take();
        int bytes = came == null ? 0 : came.readableBytes();
        boolean last = peerEnded;
        if (bytes == 0 && !last) {
            if (came != null) came.release();
            return;
        }
        if (bytes > 0) consumed(bytes);
        if (!account(bytes)) {
            if (came != null) came.release();
            malformed(Rejection.FRAMING);
            return;
        }
        ByteBuf out = framed(came, last);
        pass(last, now);
        events.responseBody(out == null ? Unpooled.EMPTY_BUFFER : out, last, now);
        if (!last && exchange == events) events.responseBurstEnded();
    }

    /// Counts so many more bytes of the body.
    ///
    /// @return whether they fit to what the head says
    private boolean account(int bytes) {
        if (framing == Framing.CHUNKED) return true;
        bodyLeft -= bytes;
        return bodyLeft >= 0 && (bodyLeft == 0 || !peerEnded);
    }

    private @Nullable ByteBuf framed(@Nullable ByteBuf came, boolean last) {
        if (framing != Framing.CHUNKED || stripChunks) return came;
        return Chunker.wrap(came, last, trailers, codec.loop.allocator());
    }

    private void tunnelled(ResponseEvents events, long now) {
        ByteBuf came = take();
        if (came != null) {
            consumed(came.readableBytes());
            events.responseBody(came, false, now);
            if (exchange == events) events.responseBurstEnded();
        }
        if (!peerEnded || tunnelEnded || exchange != events) return;
        tunnelEnded = true;
        events.responseInputEnded();
    }

    private void malformed(Rejection why) {
        if (!closed()) {
            connection().streamError(id(), Http2Error.PROTOCOL_ERROR, why);
            return;
        }
        home().broken(why.reason()); // Its last bytes had to wait; the server is through with it.
        failed(cut(), codec.loop.nanoTime());
    }

    /// Throws away what came.
    private void drop() {
        ByteBuf came = take();
        if (came == null) return;
        int bytes = came.readableBytes();
        came.release();
        consumed(bytes);
    }

    @Override
    public void readResponse(boolean on, long now) {
        held = !on;
        if (!on || phase == Phase.CLOSED) return;
        if (phase == Phase.BODY) codec.loop.wheel().schedule(this, now + responseNanos());
        resume();
    }

    /// Passes on what was held, but not from within a call of the exchange.
    private void resume() {
        if (!opened) return;
        if (tail != null || closed()) codec.loop.executor().execute(resumed);
        else if (peerEnded || hasReceived()) connection().touch(this);
    }

    private void resumed() {
        boolean rest = tail != null || peerEnded && phase != Phase.DONE;
        if (exchange != null && opened && rest) deliver(codec.loop.nanoTime());
    }

    // ---- the end, from the server's side

    @Override
    void peerReset(long code, long now) {
        if (isWhole()) return; // It only wants no more of the request (RFC 9113 §8.1).
        boolean untouched = isUntouched();
        reused = false; // No connection that was closed for its age: the server has decided this.
        if (untouched && code == Http2Error.REFUSED_STREAM.code())
            failed(Failure.REFUSED_STREAM, now);
        else failed(untouched ? Failure.NO_RESPONSE : cut(), now);
    }

    /// The server leaves, and has not looked at it.
    void leftBehind(long now) {
        if (!isWhole()) failed(isUntouched() ? Failure.GOING_AWAY : cut(), now);
    }

    @Override
    void broken(long now) {
        failed(cut(), now);
    }

    @Override
    void lost(Failure failure) {
        if (isWhole()) return;
        boolean untouched = isUntouched();
        failed(
                switch (failure) {
                    case OURS, STOPPING -> failure;
                    case CLIENT_STALLED -> untouched ? Failure.RESPONSE_TIMEOUT : cut();
                    default -> untouched ? Failure.NO_RESPONSE : cut();
                },
                codec.loop.nanoTime());
    }

    @Override
    void stalled(long now) {
        failed(phase == Phase.HEAD ? Failure.RESPONSE_TIMEOUT : cut(), now);
    }

    /// Is all of the response here, though perhaps not passed on?
    private boolean isWhole() {
        return peerEnded && (tail != null || held || phase == Phase.DONE);
    }

    /// Has the server shown no sign of having looked at the request?
    private boolean isUntouched() {
        return phase == Phase.HEAD && head == null && interim == 0;
    }

    private Failure cut() {
        return phase == Phase.HEAD ? Failure.BROKEN_RESPONSE : Failure.TRUNCATED;
    }

    private void failed(Failure failure, long now) {
        ResponseEvents events = exchange;
        over();
        if (events != null) events.backFailed(failure, now);
        reusable();
    }

    private void giveUp(Failure failure, long now) {
        if (!closed()) reset(Http2Error.CANCEL);
        failed(failure, now);
    }

    @Override
    protected void expired(long now) {
        switch (phase) {
            case WAITING -> expiredWaiting(now);
            case HEAD -> {
                long sent = opened ? sentBytes() : 0;
                if (sent != progressBytes) { // Slow, but it reads.
                    progressBytes = sent;
                    codec.loop.wheel().schedule(this, now + responseNanos());
                } else {
                    giveUp(Failure.RESPONSE_TIMEOUT, now);
                }
            }
            case BODY -> {
                if (!held) giveUp(Failure.TRUNCATED, now);
            }
            case DONE, TUNNEL, CLOSED -> {}
        }
    }

    @Override
    protected void failed(Throwable cause) {
        home().failed(cause);
        giveUp(Failure.OURS, codec.loop.nanoTime());
    }

    /// The connection knows it no more.
    void forgotten() {
        known = false;
        reusable();
    }

    /// Forgets the exchange, and all of the response.
    private void over() {
        exchange = null;
        phase = Phase.CLOSED;
        codec.loop.wheel().remove(this);
        ByteBuf begun = head;
        head = null;
        if (begun != null) begun.release();
        ByteBuf last = tail;
        tail = null;
        if (last != null) {
            consumed(last.readableBytes());
            last.release();
        }
        if (chunks != null) chunks.drop();
    }

    private void reusable() {
        if (known || exchange != null || home == null) return;
        home = null;
        on = null;
        codec.takeBack(this);
    }

    // ---- the end, from the exchange's side

    @Override
    public void release(long now) {
        boolean tunnel = phase == Phase.TUNNEL;
        end();
        if (closed() || !known) reusable();
        else if (tunnel) queueEnd();
        else if (!peerEnded || !localEnded) reset(Http2Error.CANCEL);
    }

    @Override
    public void abort() {
        end();
        if (closed() || !known) reusable();
        else reset(Http2Error.CANCEL);
    }

    private void end() {
        Http2Back asked = on;
        if (phase == Phase.WAITING && asked != null) asked.forget(this);
        over();
    }

    @Override
    public void tunnel() {
        phase = Phase.TUNNEL;
        held = false;
        codec.loop.wheel().suspend(this); // The front keeps the tunnel's time.
        resume();
    }

    @Override
    public void endTunnelOutput() {
        if (!closed()) queueEnd();
    }
}
