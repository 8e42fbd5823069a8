package bascule.http1;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Front;
import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/// An HTTP/1.1 connection from a client (RFC 9112 §9): finds the requests in its bytes, hands each to a [RequestHandler] and
/// answers them one at a time, in order. Bytes that belong to a later request wait in one buffer, and reading stops while they
/// do. Confined to its loop.
public final class Http1Front extends Connection implements Front, FrontStream {
    /// How long a connection that we end stays half open, so that the client can read our last response (RFC 9112 §9.6).
    static final long LINGER_NANOS = 2_000_000_000;

    /// Most bytes thrown away in that time.
    static final long LINGER_BYTES = 1 << 20;

    /// A connection that has been silent for so long has no request on its way, most likely: it may be closed when the daemon stops.
    private static final long DRAIN_IDLE_NANOS = 1_000_000_000;

    private enum Phase {
        /// Waiting for a request, or in the middle of its head.
        HEAD,
        /// In the middle of a request's body.
        BODY,
        /// The request is complete, its response is not.
        RESPONSE,
        TUNNEL,
        /// Our last response is written; what still comes is thrown away.
        LINGER,
        CLOSED
    }

    private final Http1Codec codec;
    private final FrontSettings settings;
    private final RequestHandler handler;
    private final ClientSink sink;
    private @Nullable ClientInfo client;
    private Phase phase = Phase.HEAD;
    private @Nullable RequestEvents exchange;
    private @Nullable ByteBuf pending;
    private @Nullable ChunkedBody chunks;
    private boolean chunked;
    private boolean inputEnded;
    private boolean advancing;
    private boolean draining;
    private boolean bodyHeld;
    private boolean continueAwaited;
    private int burst;

    /// Bytes of the body still to come; of a lingering connection, bytes still thrown away.
    private long remaining;

    /// Written but not taken at the last look, to tell a slow client from one that takes nothing.
    private long stalledBytes;

    private long stalledSinceNanos;

    private long idleSinceNanos;
    private long tunnelIdleNanos;

    public Http1Front(
            Http1Codec codec, FrontSettings settings, RequestHandler handler, ClientSink sink) {
        super(codec.loop);
        this.codec = codec;
        this.settings = settings;
        this.handler = handler;
        this.sink = sink;
    }

    @Override
    public ClientInfo client() {
        ClientInfo known = client;
        if (known == null) throw new IllegalStateException("not open yet");
        return known;
    }

    @Override
    public byte[] localAuthority() {
        return ClientInfo.authority((InetSocketAddress) context().channel().localAddress());
    }

    @Override
    protected void opened() {
        if (context().channel().remoteAddress() instanceof InetSocketAddress peer) {
            client = sink.opened(this, peer);
            draining = sink.draining(this);
            idleSinceNanos = loop.nanoTime();
            loop.wheel().schedule(this, idleSinceNanos + settings.headerNanos());
        } else {
            phase = Phase.CLOSED; // Gone between the accept and now.
            close();
        }
    }

    @Override
    protected void received(ByteBuf in) {
        long now = loop.nanoTime();
        switch (phase) {
            case HEAD -> {
                int before = pending == null ? 0 : pending.readableBytes();
                append(in);
                burst = 0;
                if (before == 0 || mayEndHead(before)) advance(now);
            }
            case BODY -> {
                continueAwaited = false;
                body(append(in), now);
            }
            case RESPONSE -> {
                append(in);
                burst = 0;
                setReading(false); // One receive buffer ahead is enough; TCP holds back the rest.
            }
            case TUNNEL -> {
                loop.wheel().schedule(this, now + tunnelIdleNanos);
                events().requestBody(in, false, now);
            }
            case LINGER -> {
                remaining -= in.readableBytes();
                in.release();
                if (remaining < 0) close();
            }
            case CLOSED -> in.release();
        }
    }

    /// Puts `in` behind what waits; the result is [#pending].
    private ByteBuf append(ByteBuf in) {
        ByteBuf before = pending;
        if (before == null) return pending = in;
        if (before.writableBytes() < in.readableBytes()) {
            int bytes = before.readableBytes() + in.readableBytes();
            ByteBuf larger =
                    ReceiveBuffers.allocate(loop.allocator(), Math.max(bytes * 2, 4096), in);
            larger.writeBytes(before);
            before.release();
            before = larger;
        }
        before.writeBytes(in);
        in.release();
        return pending = before;
    }

    /// Does what came behind the first `before` bytes contain a line end, or reach a limit? To parse again without that would
    /// let a client that sends byte by byte cost the square of its head.
    private boolean mayEndHead(int before) {
        ByteBuf waiting = pending;
        if (waiting == null) return false;
        int length = waiting.readableBytes();
        int line = settings.head().requestLineBytes();
        return length >= settings.head().headBytes()
                || (before < line && length >= line)
                || waiting.indexOf(
                                waiting.readerIndex() + before, waiting.writerIndex(), (byte) '\n')
                        >= 0;
    }

    private RequestEvents events() {
        RequestEvents events = exchange;
        if (events == null) throw new IllegalStateException("no exchange in " + phase);
        return events;
    }

    private @Nullable ByteBuf takePending() {
        ByteBuf taken = pending;
        pending = null;
        return taken;
    }

    /// Begins as many requests as wait, as long as each is answered at once and the client takes the answers. Without recursion:
    /// an exchange that ends while it begins comes back to this loop.
    private void advance(long now) {
        if (advancing) return;
        advancing = true;
        try {
            while (phase == Phase.HEAD && pending != null && writable() && begin(now)) burst++;
        } catch (RuntimeException | OutOfMemoryError cause) {
            failed(cause); // Ours, though it may be the last server's bytes that brought us here.
        } finally {
            advancing = false;
        }
        if (phase != Phase.HEAD) return;
        if (!writable()) { // Its next request waits until it has taken enough of the last
            // responses.
            setReading(false);
            awaitClient(now);
        } else if (inputEnded) {
            finish();
        } else {
            setReading(true);
        }
    }

    /// @return whether a request was begun
    private boolean begin(long now) {
        ByteBuf in = takePending();
        if (in == null) return false;
        RequestHead head = codec.requestHead;
        int length = codec.requestParser.parse(in, settings.head(), head);
        if (length == RequestParser.NEED_MORE) {
            awaitHead(in, now);
            return false;
        }
        if (length < 0) {
            in.release();
            refuse(RequestParser.rejection(length), now);
            return false;
        }
        int bodyStart = in.readerIndex() + length;
        int available = in.writerIndex() - bodyStart;
        boolean complete;
        int end; // Of what belongs to this request.
        if (head.chunked) {
            ChunkedBody scanner = chunks();
            int headStart = in.readerIndex();
            in.readerIndex(bodyStart);
            int result = scanner.scan(in);
            end = in.readerIndex();
            in.readerIndex(headStart);
            Rejection fault = fault(result, scanner.payloadBytes());
            if (fault != null) {
                in.release();
                refuse(fault, now);
                return false;
            }
            complete = result == ChunkedBody.END;
        } else if (head.contentLength > settings.bodyBytes()) {
            in.release();
            refuse(Rejection.BODY_TOO_LARGE, now);
            return false;
        } else {
            complete = available >= head.contentLength;
            end = bodyStart + (int) Math.min(available, head.contentLength);
            remaining = head.contentLength - (end - bodyStart);
        }
        chunked = head.chunked;
        keepRest(in, end);
        boolean keepAlive = head.keepAlive && !draining;
        if (complete && pending != null && burst >= settings.pipelined()) {
            sink.rejected(Rejection.PIPELINED);
            keepAlive = false;
        }
        phase = complete ? Phase.RESPONSE : Phase.BODY;
        if (complete) {
            awaitResponse(now);
        } else {
            continueAwaited = head.expectContinue && available == 0;
            awaitBody(now);
            setReading(true); // Off since the head came while another request was under way.
        }
        handler.begin(this, head, in, complete, keepAlive, now);
        return true;
    }

    private ChunkedBody chunks() {
        ChunkedBody known = chunks;
        if (known == null) known = chunks = new ChunkedBody(settings.head());
        known.reset();
        return known;
    }

    private @Nullable Rejection fault(int result, long payloadBytes) {
        if (result == ChunkedBody.MALFORMED) return Rejection.CHUNK;
        if (result == ChunkedBody.BAD_TRAILER) return Rejection.TRAILER;
        return payloadBytes > settings.bodyBytes() ? Rejection.BODY_TOO_LARGE : null;
    }

    private void awaitHead(ByteBuf in, long now) {
        pending = in;
        if (idleSinceNanos != 0) {
            // The first byte of a head starts its time; before the first request the accept did so.
            loop.wheel().schedule(this, now + settings.headerNanos());
            idleSinceNanos = 0;
        }
    }

    /// Cuts what belongs to a later request, or is not to be understood yet, off `in` into a buffer of its own.
    private void keepRest(ByteBuf in, int end) {
        int rest = in.writerIndex() - end;
        if (rest == 0) return;
        ByteBuf kept = ReceiveBuffers.allocate(loop.allocator(), Math.max(rest, 256), in);
        kept.writeBytes(in, end, rest);
        in.writerIndex(end);
        pending = kept;
    }

    private void body(ByteBuf in, long now) {
        pending = null;
        boolean last;
        int end;
        if (chunked) {
            ChunkedBody scanner = chunks;
            if (scanner == null) throw new IllegalStateException("no chunked body");
            int start = in.readerIndex();
            int result = scanner.scan(in);
            end = in.readerIndex();
            in.readerIndex(start);
            Rejection fault = fault(result, scanner.payloadBytes());
            if (fault != null) {
                in.release();
                refuseBody(fault, now);
                return;
            }
            last = result == ChunkedBody.END;
        } else {
            int taken = (int) Math.min(in.readableBytes(), remaining);
            remaining -= taken;
            last = remaining == 0;
            end = in.readerIndex() + taken;
        }
        if (end == in.readerIndex()) { // An incomplete chunk line.
            pending = in;
            awaitBody(now);
            return;
        }
        keepRest(in, end);
        if (last) {
            phase = Phase.RESPONSE;
            awaitResponse(now);
        } else {
            awaitBody(now);
        }
        events().requestBody(in, last, now);
    }

    /// The next step is the client's, unless it waits for a 100 first.
    private void awaitBody(long now) {
        if (continueAwaited) loop.wheel().suspend(this);
        else loop.wheel().schedule(this, now + settings.bodyIdleNanos());
    }

    /// The request is complete: the next step is the server's, unless the client has yet to take what it got before.
    private void awaitResponse(long now) {
        if (writable()) loop.wheel().suspend(this);
        else awaitClient(now);
    }

    /// The next step is the client's: it has to take some of what waits for it and, between two requests, once it has taken all,
    /// to ask for more.
    private void awaitClient(long now) {
        stalledBytes = pendingBytes();
        stalledSinceNanos = now;
        lookAgain(now);
    }

    /// Nothing tells when a client has taken the last byte; between two requests that is looked for as often as it may idle.
    private void lookAgain(long now) {
        long at = stalledSinceNanos + settings.bodyIdleNanos();
        long idleEnd = now + settings.idleNanos();
        if (phase == Phase.HEAD && (stalledBytes == 0 || idleEnd - at < 0)) at = idleEnd;
        loop.wheel().schedule(this, at);
    }

    /// Has the client taken some of what waits for it since then? Then it has as much time again.
    private boolean takes(long now) {
        if (pendingBytes() < stalledBytes) awaitClient(now);
        else if (now - stalledSinceNanos < settings.bodyIdleNanos()) lookAgain(now);
        else return false;
        return true;
    }

    private void refuse(Rejection rejection, long now) {
        sink.rejected(rejection);
        phase = Phase.BODY; // Whatever comes now belongs to what was refused.
        handler.refuse(this, rejection, now);
    }

    private void refuseBody(Rejection rejection, long now) {
        sink.rejected(rejection);
        events().requestRefused(rejection, now);
    }

    @Override
    protected void receivedAll() {
        if (exchange != null && (phase == Phase.BODY || phase == Phase.TUNNEL))
            exchange.requestBurstEnded();
    }

    @Override
    protected void inputEnded() {
        inputEnded = true;
        switch (phase) {
            case HEAD -> {
                if (writable()) finish(); // Else requests may wait; see advance().
            }
            case LINGER -> {
                if (pendingBytes() == 0) close();
            }
            case BODY -> {
                if (exchange == null) close();
                else exchange.frontFailed(Failure.CLIENT_ABORT);
            }
            case RESPONSE, CLOSED -> {} // Half-closed: the client still wants its response.
            case TUNNEL -> events().requestInputEnded();
        }
    }

    @Override
    protected void writabilityChanged() {
        long now = loop.nanoTime();
        if (!writable()) {
            if (phase != Phase.TUNNEL) awaitClient(now);
            return;
        }
        if (phase == Phase.RESPONSE) loop.wheel().suspend(this);
        else if (phase == Phase.HEAD && pending == null) awaitClient(now);
        if (phase == Phase.HEAD) advance(now);
        if (exchange != null) exchange.frontWritable(now);
    }

    @Override
    protected void expired(long now) {
        switch (phase) {
            case HEAD -> {
                if (pending != null && writable()) refuse(Rejection.HEADER_TIME, now);
                else if (stalledBytes == 0) close(); // Nothing was asked: nothing to answer.
                else if (!takes(now)) reset();
            }
            case BODY -> {
                if (exchange == null) close();
                else if (!writable()) failUnlessItTakes(exchange, now);
                else if (!bodyHeld) refuseBody(Rejection.BODY_IDLE, now);
                // Else the server is slow, not the client.
            }
            case RESPONSE -> {
                if (exchange != null && pendingBytes() > 0) failUnlessItTakes(exchange, now);
            }
            case TUNNEL -> events().frontFailed(Failure.TUNNEL_IDLE);
            case LINGER -> {
                if (pendingBytes() == 0) close();
                else if (!takes(now)) reset(); // What was not taken must not seem to be complete.
            }
            case CLOSED -> {}
        }
    }

    private void failUnlessItTakes(RequestEvents events, long now) {
        if (!takes(now)) events.frontFailed(Failure.CLIENT_STALLED);
    }

    @Override
    protected void failed(Throwable cause) {
        if (cause instanceof OutOfMemoryError) sink.rejected(Rejection.MEMORY);
        else if (!isPeersDoing(cause)) sink.failed(cause);
        if (exchange != null && !isPeersDoing(cause)) exchange.frontFailed(Failure.OURS);
        reset(); // A response that ends with the connection must not seem to be complete.
    }

    @Override
    protected void closed() {
        phase = Phase.CLOSED;
        ByteBuf rest = takePending();
        if (rest != null) rest.release();
        RequestEvents events = exchange;
        exchange = null;
        if (events != null) events.frontFailed(Failure.CLIENT_ABORT);
        if (client != null) sink.closed(this);
    }

    // ---- the exchange's side

    @Override
    public void attach(RequestEvents events) {
        exchange = events;
    }

    @Override
    public void send(ByteBuf out) {
        if (phase == Phase.CLOSED) {
            out.release();
            return;
        }
        if (phase == Phase.TUNNEL) loop.wheel().schedule(this, loop.nanoTime() + tunnelIdleNanos);
        if (continueAwaited) {
            continueAwaited = false;
            if (phase == Phase.BODY) awaitBody(loop.nanoTime());
        }
        if (writable()) {
            write(out);
            return;
        }
        long before = pendingBytes();
        write(out);
        stalledBytes += pendingBytes() - before; // What came on top does not hide what was taken.
    }

    @Override
    public void readBody(boolean on) {
        bodyHeld = !on;
        if (phase == Phase.CLOSED) return;
        if (phase == Phase.BODY && on) awaitBody(loop.nanoTime());
        setReading(on);
    }

    @Override
    public void end(boolean keepAlive) {
        exchange = null;
        bodyHeld = false;
        if (phase == Phase.CLOSED) return;
        flush();
        if (!keepAlive || phase != Phase.RESPONSE || (inputEnded && pending == null)) {
            finish();
            return;
        }
        long now = loop.nanoTime();
        phase = Phase.HEAD;
        idleSinceNanos = now;
        awaitClient(now);
        advance(now);
    }

    /// Closes once all is written; half first, if the client may still be sending: a close then would be a RST, which destroys
    /// what it has not read yet.
    private void finish() {
        boolean quiet = (phase == Phase.RESPONSE && pending == null) || phase == Phase.TUNNEL;
        ByteBuf rest = takePending();
        if (rest != null) rest.release();
        phase = Phase.LINGER;
        remaining = LINGER_BYTES;
        if (quiet) cork();
        flush();
        if (phase != Phase.LINGER) return; // The flush found the client gone.
        if (pendingBytes() == 0) {
            written(quiet);
            return;
        }
        awaitClient(loop.nanoTime());
        flushAll().addListener(done -> written(quiet || !done.isSuccess()));
    }

    /// @param quiet need the client not be waited for?
    private void written(boolean quiet) {
        if (phase != Phase.LINGER) return;
        if (quiet || inputEnded) {
            close();
            return;
        }
        shutdownOutput();
        setReading(true);
        loop.wheel().schedule(this, loop.nanoTime() + LINGER_NANOS);
    }

    @Override
    public void abort() {
        exchange = null;
        if (phase != Phase.CLOSED) reset();
    }

    @Override
    public void tunnel(long idleNanos) {
        phase = Phase.TUNNEL;
        tunnelIdleNanos = idleNanos;
        long now = loop.nanoTime();
        loop.wheel().schedule(this, now + idleNanos);
        setReading(true);
        ByteBuf early = takePending();
        if (early != null) {
            RequestEvents events = events();
            events.requestBody(early, false, now);
            events.requestBurstEnded(); // No read of ours will end and say so.
        }
        if (inputEnded) events().requestInputEnded();
    }

    @Override
    public void endTunnelOutput() {
        if (phase != Phase.CLOSED) shutdownOutput();
    }

    // ---- the listener's side

    /// The next response is the last; a connection without a request is closed now if it has been so for a second and has taken its
    /// last response.
    @Override
    public void drain(long now) {
        draining = true;
        if (phase == Phase.HEAD
                && pending == null
                && pendingBytes() == 0
                && now - idleSinceNanos > DRAIN_IDLE_NANOS) close();
    }

    @Override
    public void undrain() {
        draining = false;
    }

    @Override
    public boolean draining() {
        return draining;
    }

    @Override
    public Doing doing() {
        return switch (phase) {
            case HEAD ->
                    pendingBytes() > 0
                            ? Doing.SERVES
                            : pending == null ? Doing.WAITS : Doing.BEGINS;
            case BODY, RESPONSE -> Doing.SERVES;
            case LINGER -> pendingBytes() > 0 ? Doing.SERVES : Doing.NEITHER;
            case TUNNEL, CLOSED -> Doing.NEITHER;
        };
    }

    @Override
    public void stop() {
        RequestEvents events = exchange;
        if (events != null) events.frontFailed(Failure.STOPPING);
        if (pendingBytes() == 0) close();
        else reset();
    }
}
