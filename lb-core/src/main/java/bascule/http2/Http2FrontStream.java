package bascule.http2;

import bascule.http.ClientInfo;
import bascule.http.FieldName;
import bascule.http.FrontStream;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;
import bascule.http1.ChunkedBody;
import bascule.http1.Http1Codec;
import bascule.http1.ResponseParser;
import bascule.net.Failure;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Error;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One request of an HTTP/2 client and its response, spoken as HTTP/1.1 towards the exchange: what comes becomes a head, then a body
/// with its length or in chunks; what goes is taken apart into fields and DATA again. Used again.
final class Http2FrontStream extends Http2Stream implements FrontStream {
    /// A body that came with its head goes on in the same buffer if it is no longer than this.
    private static final int JOINED_BYTES = 4 * 1024;

    private enum Body {
        NONE,
        LENGTH,
        CHUNKED,
        TUNNEL
    }

    private enum Answer {
        /// No final head yet.
        HEAD,
        LENGTH,
        CHUNKED,
        UNTIL_END,
        TUNNEL,
        /// All of it has been handed on.
        COMPLETE
    }

    /// From our END_STREAM to the reset, for a client that goes on with its request.
    static final long GRACE_NANOS = 1_000_000_000;

    private final Http2Codec codec;
    private @Nullable Http2Front front;
    private @Nullable RequestEvents exchange;

    // The request.
    private @Nullable ByteBuf head; // Not begun yet: what comes in the same burst goes with it.
    private Body body = Body.NONE;
    private long bodyLeft;
    private long bodyBytes;
    private byte @Nullable [] trailers;
    private boolean held; // Does the exchange want no more of it?
    private boolean requestDone; // Has the exchange got all of it?
    private boolean continueAwaited;
    private byte @Nullable [] webSocketAccept; // Of RFC 8441; what the server has to say.

    // The response.
    private Method method = Method.OTHER;
    private Answer answer = Answer.HEAD;
    private long answerLeft;
    private @Nullable Unchunker chunks;

    // Time.
    private boolean armed;
    private long bodySinceNanos;
    private long stalledSinceNanos;
    private long stalledBytes;
    private long tunnelIdleNanos;
    private long tunnelSinceNanos;

    Http2FrontStream(Http2Codec codec) {
        this.codec = codec;
    }

    /// Makes it ready for another request.
    private void renew(Http2Front of, boolean last) {
        front = of;
        exchange = null;
        head = null;
        body = Body.NONE;
        bodyLeft = 0;
        bodyBytes = 0;
        trailers = null;
        held = false;
        requestDone = false;
        continueAwaited = false;
        webSocketAccept = null;
        method = Method.OTHER;
        answer = Answer.HEAD;
        answerLeft = 0;
        armed = false;
        stalledSinceNanos = 0;
        tunnelIdleNanos = 0;
        peerEnded = last;
    }

    private Http2Front front() {
        Http2Front known = front;
        if (known == null) throw new IllegalStateException("no stream yet");
        return known;
    }

    boolean tunnels() {
        return body == Body.TUNNEL;
    }

    /// Does an exchange hold on to it?
    boolean attached() {
        return exchange != null;
    }

    // ---- the request

    /// Begins with a head that is well-formed so far.
    void request(Http2Front of, DecodedFields fields, boolean last, long now) {
        renew(of, last);
        byte[] key = null;
        if (fields.protocol != null) {
            key = WebSocketKey.draw();
            webSocketAccept = WebSocketKey.accept(key);
        }
        head = codec.requestText.write(fields, last || key != null, key, codec.loop.allocator());
        if (last || key != null) begin(now);
        else of.touch(this);
    }

    /// Answers a head that is too much for us.
    void refuse(Http2Front of, Rejection rejection, boolean last, long now) {
        renew(of, last);
        requestDone = true; // Whatever still comes belongs to what was refused.
        of.refuse(this, rejection, now);
    }

    private void begin(long now) {
        ByteBuf in = head;
        if (in == null) return;
        head = null;
        Http2Front of = front();
        int length = codec.http1.parseRequest(in, of.settings().head());
        if (length <= 0) {
            in.release();
            Rejection rejection =
                    length == 0 ? Rejection.HEADERS_TOO_LARGE : Http1Codec.rejection(length);
            drop();
            requestDone = true;
            if (of.answers(rejection)) of.refuse(this, rejection, now);
            else of.malformed(id(), rejection);
            return;
        }
        RequestHead request = codec.http1.requestHead();
        request.http2 = true;
        method = request.method;
        if (request.contentLength > of.settings().bodyBytes()) {
            in.release();
            drop();
            requestDone = true;
            of.refuse(this, Rejection.BODY_TOO_LARGE, now);
            return;
        }
        if (webSocketAccept != null) {
            requestDone = true;
            of.begin(this, request, in, true, now);
            return;
        }
        body = request.chunked ? Body.CHUNKED : request.contentLength > 0 ? Body.LENGTH : Body.NONE;
        bodyLeft = Math.max(request.contentLength, 0);
        ByteBuf came = takeReceived();
        int bytes = came == null ? 0 : came.readableBytes();
        if (!account(bytes)) {
            in.release();
            if (came != null) came.release();
            consumed(bytes);
            of.malformed(id(), Rejection.FRAMING);
            return;
        }
        boolean complete = peerEnded || body == Body.LENGTH && bodyLeft == 0;
        if (bodyBytes > of.settings().bodyBytes()) {
            in.release();
            if (came != null) came.release();
            consumed(bytes);
            requestDone = true;
            of.refuse(this, Rejection.BODY_TOO_LARGE, now);
            return;
        }
        ByteBuf apart = join(in, came, complete);
        boolean inOne = apart == null && complete;
        requestDone = inOne;
        if (!complete) {
            continueAwaited = request.expectContinue && bytes == 0;
            bodySinceNanos = now;
            arm(now, of.settings().bodyIdleNanos());
        }
        of.begin(this, request, in, inOne, now);
        consumed(bytes);
        RequestEvents events = exchange;
        if (apart == null) return;
        if (closed() || events == null) {
            apart.release();
            return;
        }
        requestDone = complete;
        events.requestBody(apart, complete, now);
        if (!complete && exchange == events) events.requestBurstEnded();
    }

    /// Puts the beginning of the body behind the head if it is short.
    ///
    /// @param in its owner's, but released if there is no memory
    /// @param came owned by the callee
    /// @return it if it is not
    private @Nullable ByteBuf join(ByteBuf in, @Nullable ByteBuf came, boolean last) {
        ByteBuf framed = null;
        try {
            framed = framed(came, last);
            if (framed == null || framed.readableBytes() > JOINED_BYTES) return framed;
            in.writeBytes(framed);
            framed.release();
            return null;
        } catch (OutOfMemoryError none) {
            in.release();
            if (framed != null) framed.release();
            throw none;
        }
    }

    /// Counts so many more bytes of the body.
    ///
    /// @return whether they fit to what Content-Length says
    private boolean account(int bytes) {
        bodyBytes += bytes;
        if (body == Body.CHUNKED || body == Body.TUNNEL) return true;
        bodyLeft -= bytes;
        return bodyLeft >= 0 && (bodyLeft == 0 || !peerEnded);
    }

    /// Gives what came the framing that the head has announced.
    ///
    /// @param came owned by the callee
    /// @param last is it the end?
    /// @return null if there is nothing to say
    private @Nullable ByteBuf framed(@Nullable ByteBuf came, boolean last) {
        if (body != Body.CHUNKED) return came;
        return Chunker.wrap(came, last, trailers, codec.loop.allocator());
    }

    @Override
    void fields(DecodedFields fields, boolean last, long now) {
        Rejection fault = fields.fault != null ? fields.fault : fields.excess;
        if (fault == null && !last) fault = Rejection.TRAILER;
        if (fault == null && body == Body.TUNNEL) fault = Rejection.TRAILER;
        if (fault != null) {
            front().malformed(id(), fault);
            return;
        }
        if (fields.count() > 0) trailers = RequestText.trailers(fields);
        peerEnded = true;
        inputEnded(now);
        if (localEnded && passedOn()) close();
    }

    @Override
    boolean expectsTrailers() {
        return true;
    }

    @Override
    void inputEnded(long now) {
        connection().touch(this);
    }

    @Override
    void deliver(long now) {
        if (head != null) begin(now);
        else if (exchange == null) drop();
        else if (held) return; // It waits for room,
        else if (body == Body.TUNNEL) deliverTunnel(exchange, now);
        else if (webSocketAccept == null) deliver(exchange, now); // or for the server's 101.
    }

    private void deliver(RequestEvents events, long now) {
        ByteBuf came = takeReceived();
        int bytes = came == null ? 0 : came.readableBytes();
        if (!account(bytes)) {
            if (came != null) came.release();
            consumed(bytes);
            front().malformed(id(), Rejection.FRAMING);
            return;
        }
        boolean last = peerEnded || body == Body.LENGTH && bodyLeft == 0;
        if (requestDone || bytes == 0 && !last) {
            if (came != null) came.release();
            return;
        }
        if (bodyBytes > front().settings().bodyBytes()) {
            if (came != null) came.release();
            consumed(bytes);
            refuseBody(events, Rejection.BODY_TOO_LARGE, now);
            return;
        }
        continueAwaited = false;
        bodySinceNanos = now;
        requestDone = last;
        ByteBuf out = framed(came, last);
        events.requestBody(out == null ? Unpooled.EMPTY_BUFFER : out, last, now);
        consumed(bytes);
        if (!last && exchange == events) events.requestBurstEnded();
    }

    private void deliverTunnel(RequestEvents events, long now) {
        ByteBuf came = takeReceived();
        if (came != null) {
            int bytes = came.readableBytes();
            tunnelSinceNanos = now;
            events.requestBody(came, false, now);
            consumed(bytes);
            if (exchange == events) events.requestBurstEnded();
        }
        if (!peerEnded || requestDone || held || exchange != events) return;
        requestDone = true;
        events.requestInputEnded();
        if (localEnded) close();
    }

    /// What a client says last in a tunnel is meant to arrive, even if the server has said before that it is through.
    @Override
    boolean passedOn() {
        return body != Body.TUNNEL || requestDone || exchange == null;
    }

    private void refuseBody(RequestEvents events, Rejection rejection, long now) {
        front().rejected(rejection);
        requestDone = true;
        events.requestRefused(rejection, now);
    }

    /// Throws away what came.
    private void drop() {
        ByteBuf came = takeReceived();
        if (came == null) return;
        int bytes = came.readableBytes();
        came.release();
        if (localEnded) connection().consumed(bytes); // The stream itself gets no more room.
        else consumed(bytes);
    }

    // ---- the end, from the client's side

    @Override
    void peerReset(long code, long now) {
        failed(Failure.CLIENT_ABORT);
    }

    @Override
    void broken(long now) {
        failed(Failure.CLIENT_BROKEN);
    }

    @Override
    void lost(Failure failure) {
        failed(failure);
    }

    private void failed(Failure failure) {
        RequestEvents events = exchange;
        exchange = null;
        releaseRest();
        if (events != null) events.frontFailed(failure);
    }

    private void releaseRest() {
        ByteBuf begun = head;
        head = null;
        if (begun != null) begun.release();
        if (chunks != null) chunks.drop();
    }

    @Override
    void roomAgain(long now) {
        if (exchange != null) exchange.frontWritable(now);
    }

    /// With the exchange over, nobody wants the rest of the request (RFC 9113 §8.1). The client is given a moment to see that by itself:
    /// many, as curl 7.88, drop a response that a reset comes along with.
    @Override
    void sentAll() {
        if (exchange != null) return;
        Http2Connection of = connection();
        boolean crowded = of.streamCount() * 2 > of.bounds.streams();
        if (crowded || body == Body.TUNNEL) reset(Http2Error.NO_ERROR);
        else codec.loop.wheel().schedule(this, codec.loop.nanoTime() + GRACE_NANOS);
    }

    // ---- time

    private void arm(long now, long nanos) {
        if (armed || closed()) return;
        armed = true;
        codec.loop.wheel().schedule(this, now + nanos);
    }

    @Override
    void awaitWindow() {
        if (stalledSinceNanos != 0 || body == Body.TUNNEL) return;
        long now = codec.loop.nanoTime();
        stalledSinceNanos = now;
        stalledBytes = sentBytes();
        arm(now, connection().bounds.stallNanos());
    }

    @Override
    void stalled(long now) {
        RequestEvents events = exchange;
        if (events != null) events.frontFailed(Failure.CLIENT_STALLED);
    }

    @Override
    protected void expired(long now) {
        armed = false;
        if (closed()) return;
        if (localEnded && exchange == null) {
            reset(Http2Error.NO_ERROR);
            return;
        }
        if (body == Body.TUNNEL) {
            long due = tunnelSinceNanos + tunnelIdleNanos;
            if (due - now > 0) arm(now, due - now);
            else if (exchange != null) exchange.frontFailed(Failure.TUNNEL_IDLE);
            return;
        }
        long next = Long.MAX_VALUE;
        if (stalledSinceNanos != 0) {
            long stallNanos = connection().bounds.stallNanos();
            if (!waits()) {
                stalledSinceNanos = 0;
            } else if (sentBytes() != stalledBytes) {
                stalledBytes = sentBytes();
                stalledSinceNanos = now;
                next = stallNanos;
            } else if (now - stalledSinceNanos >= stallNanos) {
                stalled(now);
                reset(Http2Error.CANCEL);
                return;
            } else {
                next = stalledSinceNanos + stallNanos - now;
            }
        }
        RequestEvents events = exchange;
        if (events != null && !requestDone) {
            long idleNanos = front().settings().bodyIdleNanos();
            if (held
                    || continueAwaited
                    || waits()) { // The next step is not the client's, or is another one.
                next = Math.min(next, idleNanos);
            } else if (now - bodySinceNanos >= idleNanos) {
                refuseBody(events, Rejection.BODY_IDLE, now);
                return;
            } else {
                next = Math.min(next, bodySinceNanos + idleNanos - now);
            }
        }
        if (next != Long.MAX_VALUE) arm(now, next);
    }

    @Override
    protected void failed(Throwable cause) {
        front().bug(cause);
        failed(Failure.OURS);
        reset(Http2Error.INTERNAL_ERROR);
    }

    // ---- the exchange's side

    @Override
    public ClientInfo client() {
        return front().client();
    }

    @Override
    public byte[] localAuthority() {
        return front().localAuthority();
    }

    @Override
    public void attach(RequestEvents events) {
        exchange = events;
    }

    @Override
    public void send(ByteBuf out) {
        if (closed()) {
            out.release();
            return;
        }
        if (continueAwaited) {
            continueAwaited = false;
            bodySinceNanos = codec.loop.nanoTime();
        }
        switch (answer) {
            case HEAD -> head(out);
            case LENGTH -> length(out);
            case CHUNKED -> chunks(out);
            case UNTIL_END -> queue(out);
            case TUNNEL -> {
                tunnelSinceNanos = codec.loop.nanoTime();
                queue(out);
            }
            case COMPLETE -> out.release();
        }
    }

    private void head(ByteBuf out) {
        ResponseHead response = codec.responseHead();
        int length = codec.responseParser.parse(out, Http2Codec.SEAM, method, response);
        if (length <= 0) {
            response = codec.largestResponseHead();
            length = codec.responseParser.parse(out, Http2Codec.SEAM, method, response);
        }
        if (length == ResponseParser.NEED_MORE || length == ResponseParser.MALFORMED) {
            out.release();
            front().bug(new IllegalStateException("no response crossed the seam"));
            reset(Http2Error.INTERNAL_ERROR);
            return;
        }
        boolean interim = response.interim();
        HpackWriter block = codec.block;
        block.clear();
        if (response.status == 101) {
            if (!switched(response, block)) {
                out.release();
                RequestEvents events = exchange;
                if (events != null) events.frontFailed(Failure.BROKEN_RESPONSE);
                return;
            }
            answer = Answer.TUNNEL;
        } else {
            block.status(response.status);
            put(response.fields, block);
            if (!interim) answer = answer(response);
        }
        boolean last = answer == Answer.COMPLETE;
        try {
            sendFields(block, last);
        } catch (OutOfMemoryError none) {
            out.release();
            throw none;
        }
        out.skipBytes(length);
        if (out.isReadable() && !last) send(out);
        else out.release();
    }

    private Answer answer(ResponseHead response) {
        return switch (response.framing) {
            case NONE -> Answer.COMPLETE;
            case LENGTH -> {
                answerLeft = response.contentLength;
                yield Answer.LENGTH;
            }
            case CHUNKED -> {
                Unchunker known = chunks;
                if (known == null) known = chunks = new Unchunker();
                known.begin();
                yield Answer.CHUNKED;
            }
            case UNTIL_CLOSE -> Answer.UNTIL_END;
        };
    }

    static void put(HeaderBlock fields, HpackWriter block) {
        byte[] bytes = fields.bytes();
        int count = fields.count();
        for (int line = 0; line < count; line++) {
            switch (fields.name(line)) {
                case FieldName.CONNECTION,
                        FieldName.KEEP_ALIVE,
                        FieldName.PROXY_CONNECTION,
                        FieldName.TRANSFER_ENCODING,
                        FieldName.UPGRADE,
                        FieldName.HTTP2_SETTINGS,
                        FieldName.TE -> {
                    continue; // RFC 9113 §8.2.2
                }
                default -> {
                    if (fields.nominated(line)) continue;
                }
            }
            block.field(
                    bytes,
                    fields.lineStart(line),
                    fields.nameEnd(line),
                    fields.valueStart(line),
                    fields.valueEnd(line));
        }
    }

    /// A 101 becomes the 200 that opens the tunnel (RFC 8441 §5), if the server has understood.
    private boolean switched(ResponseHead response, HpackWriter block) {
        byte[] expected = webSocketAccept;
        if (expected == null) return false;
        HeaderBlock fields = response.fields;
        boolean accepted = false;
        for (int line = 0; line < fields.count(); line++) {
            if (!WebSocketKey.isAccept(
                    fields.bytes(), fields.lineStart(line), fields.nameEnd(line))) continue;
            accepted =
                    Arrays.equals(
                            fields.bytes(),
                            fields.valueStart(line),
                            fields.valueEnd(line),
                            expected,
                            0,
                            expected.length);
            fields.nominate(line); // The client has not asked.
        }
        block.status(200);
        put(fields, block);
        return accepted;
    }

    private void length(ByteBuf out) {
        int bytes = out.readableBytes();
        if (bytes > answerLeft) {
            out.writerIndex(out.readerIndex() + (int) answerLeft);
            bytes = (int) answerLeft;
        }
        answerLeft -= bytes;
        queue(out);
        if (answerLeft == 0) complete();
    }

    private void complete() {
        answer = Answer.COMPLETE;
        queueEnd();
    }

    private void chunks(ByteBuf more) {
        Unchunker reader = chunks;
        if (reader == null) throw new IllegalStateException("no chunked body");
        switch (reader.send(more, this, codec)) {
            case ChunkedBody.NEED_MORE -> {}
            case ChunkedBody.END -> answer = Answer.COMPLETE;
            default -> {
                front().bug(new IllegalStateException("no chunks crossed the seam"));
                reset(Http2Error.INTERNAL_ERROR);
            }
        }
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
    public void readBody(boolean on) {
        held = !on;
        if (!on || closed()) return;
        bodySinceNanos = codec.loop.nanoTime();
        if (hasReceived() || peerEnded && !requestDone) connection().touch(this);
    }

    @Override
    public void end(boolean keepAlive) {
        exchange = null;
        if (closed()) return;
        switch (answer) {
            case UNTIL_END, TUNNEL -> complete();
            case COMPLETE -> {}
            case HEAD, LENGTH, CHUNKED -> {
                releaseRest();
                reset(Http2Error.INTERNAL_ERROR);
                return;
            }
        }
        drop();
        if (!localEnded) connection().later();
        else if (peerEnded) close();
        else sentAll();
    }

    @Override
    public void abort() {
        exchange = null;
        releaseRest();
        reset(answer == Answer.TUNNEL ? Http2Error.CANCEL : Http2Error.INTERNAL_ERROR);
    }

    @Override
    public void tunnel(long idleNanos) {
        body = Body.TUNNEL;
        requestDone = false;
        tunnelIdleNanos = idleNanos;
        tunnelSinceNanos = codec.loop.nanoTime();
        if (closed()) return;
        armed = true;
        codec.loop.wheel().schedule(this, tunnelSinceNanos + idleNanos);
        held = false;
        if (hasReceived() || peerEnded) connection().touch(this);
    }

    @Override
    public void endTunnelOutput() {
        if (!closed()) complete();
    }
}
