package bascule.http1;

import bascule.http.BackStream;
import bascule.http.Framing;
import bascule.http.Method;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelOutputShutdownException;
import io.netty.channel.socket.SocketChannel;
import java.net.SocketAddress;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// An HTTP/1.1 connection to a server (RFC 9112 §9): carries one exchange at a time, polices what comes back, and between two
/// exchanges waits in a pool. It never serves again once its server said close, sent more than it announced, or was left in
/// the middle of anything. Confined to its loop.
public final class Http1Back extends Connection implements BackStream {
    private static final int MOST_INTERIM =
            32; // Per exchange; a server that sends more of 1xx is broken.

    private enum Phase {
        CONNECTING,
        IDLE,
        /// A request was or is being sent; no final response yet.
        HEAD,
        BODY,
        /// The response is complete; the exchange has not let go yet.
        DONE,
        TUNNEL,
        /// The tunnel has ended on both sides; the server still has to take its last bytes.
        LINGER,
        CLOSED
    }

    /// Where a connection belongs between exchanges.
    public interface Home {
        /// Connects what has been begun.
        void connect(Http1Back connection, long nowNanos);

        /// Takes the connection for a later exchange.
        ///
        /// @return whether there was room; if not, the caller closes it
        boolean takeBack(Http1Back connection);

        /// The connection is gone.
        void gone(Http1Back connection);

        void failed(Throwable cause);

        /// No TLS came of a connection, or it did not last.
        void tlsFailed(Throwable cause);
    }

    private final Http1Codec codec;
    private final Home home;
    private final long responseNanos;
    private final long idleNanos;
    private Phase phase = Phase.CONNECTING;
    private @Nullable ResponseEvents exchange;
    private Method method = Method.OTHER;
    private @Nullable ByteBuf pending;
    private @Nullable ChunkedBody chunks;
    private Framing framing = Framing.NONE;
    private long remaining;
    private boolean stripChunks;
    private boolean requestSent;
    private boolean reusable;
    private boolean reused;
    private boolean held;
    private boolean brokenByPeer;
    private boolean outputEnded;
    private boolean gone;

    /// Reads since the last pause; did the last one fill its buffer, so that bytes may be left? Goes the connection back to its pool
    /// at the next pause?
    private int reads;

    private boolean mayHaveMore;
    private boolean returning;
    private boolean continueAwaited;
    private int interim;
    private long idleSinceNanos;

    /// Written but not taken at the last look, while the connection lingers.
    private long lingerBytes;

    /// @param responseNanos longest wait for the next bytes of a response
    /// @param idleNanos longest wait in the pool
    public Http1Back(Http1Codec codec, Home home, long responseNanos, long idleNanos) {
        super(codec.loop);
        this.codec = codec;
        this.home = home;
        this.responseNanos = responseNanos;
        this.idleNanos = idleNanos;
    }

    /// Connects; the exchange that was begun hears of the outcome, maybe before this returns.
    ///
    /// @param channel new and not registered yet; in its pipeline TLS, if it is to be used, and nothing else
    public void connect(SocketChannel channel, SocketAddress server, long deadlineNanos) {
        dial(channel, server, deadlineNanos)
                .addListener(
                        done -> {
                            Throwable cause = done.cause();
                            if (cause == null || phase != Phase.CONNECTING) return;
                            if (!isPeersDoing(cause)) home.failed(cause);
                            fail(Failure.CONNECT);
                        });
    }

    /// There is no socket to connect: the exchange that was begun hears of it before this returns.
    public void notConnected(Throwable cause) {
        home.failed(cause);
        fail(Failure.EXHAUSTED);
    }

    @Override
    protected void opened() {
        if (phase != Phase.CONNECTING) return;
        ResponseEvents events = exchange;
        if (events == null) {
            close();
            return;
        }
        phase = Phase.HEAD;
        long now = loop.nanoTime();
        loop.wheel().schedule(this, now + responseNanos);
        events.backConnected(now);
    }

    @Override
    protected void received(ByteBuf in) {
        reads++;
        mayHaveMore = secure() ? socketMayHoldMore() : !in.isWritable();
        switch (phase) {
            case HEAD -> {
                int before = pending == null ? 0 : pending.readableBytes();
                ByteBuf all = append(in);
                if (before == 0 || mayEndHead(all, before)) head(all, loop.nanoTime());
                else pending = all;
            }
            case BODY -> body(append(in), loop.nanoTime());
            case TUNNEL -> events().responseBody(in, false, loop.nanoTime());
            case CONNECTING, IDLE, DONE, LINGER, CLOSED -> {
                in.release(); // Nobody asked: whatever it is, it must not become the answer
                // to the next request.
                reusable = false;
                if (phase == Phase.IDLE) close();
            }
        }
    }

    private ByteBuf append(ByteBuf in) {
        ByteBuf before = pending;
        if (before == null) return in;
        if (before.writableBytes() >= in.readableBytes()) {
            pending = null;
            before.writeBytes(in);
            in.release();
            return before;
        }
        int bytes = before.readableBytes() + in.readableBytes();
        ByteBuf larger = ReceiveBuffers.allocate(loop.allocator(), Math.max(bytes * 2, 4096), in);
        pending = null;
        larger.writeBytes(before).writeBytes(in);
        before.release();
        in.release();
        return larger;
    }

    /// See [Http1Front]: a head that comes byte by byte is not parsed at every byte.
    private static boolean mayEndHead(ByteBuf all, int before) {
        return all.readableBytes() >= Http1Codec.RESPONSE_LIMITS.headBytes()
                || all.indexOf(all.readerIndex() + before, all.writerIndex(), (byte) '\n') >= 0;
    }

    private ResponseEvents events() {
        ResponseEvents events = exchange;
        if (events == null) throw new IllegalStateException("no exchange in " + phase);
        return events;
    }

    private void head(ByteBuf in, long now) {
        ResponseHead head = codec.responseHead;
        while (true) {
            int length = codec.responseParser.parse(in, Http1Codec.RESPONSE_LIMITS, method, head);
            if (length == ResponseParser.NEED_MORE) {
                pending = in;
                return;
            }
            if (length < 0) {
                in.release();
                fail(Failure.BROKEN_RESPONSE);
                return;
            }
            if (!head.interim()) {
                begin(head, in, now);
                return;
            }
            if (continueAwaited) {
                continueAwaited = false;
                awaitServer(now);
            }
            if (++interim > MOST_INTERIM) {
                in.release();
                fail(Failure.BROKEN_RESPONSE);
                return;
            }
            ByteBuf one = ReceiveBuffers.allocate(loop.allocator(), length, in);
            one.writeBytes(in, length);
            ResponseEvents events = events();
            try {
                events.interimResponse(head, one, now);
            } catch (OutOfMemoryError none) {
                in.release();
                throw none;
            }
            if (exchange != events) { // Ended by what it heard.
                in.release();
                return;
            }
            if (!in.isReadable()) {
                in.release();
                return;
            }
        }
    }

    private void begin(ResponseHead head, ByteBuf in, long now) {
        int bodyStart = in.readerIndex() + head.length;
        int available = in.writerIndex() - bodyStart;
        boolean last;
        framing = head.framing;
        reusable = head.keepAlive && framing != Framing.UNTIL_CLOSE;
        ByteBuf out = in;
        if (head.status == 101) {
            last = false;
        } else {
            switch (framing) {
                case NONE, LENGTH -> {
                    long length = framing == Framing.NONE ? 0 : head.contentLength;
                    last = available >= length;
                    remaining = length - Math.min(available, length);
                    if (available > length) { // More than announced: kept from every client.
                        reusable = false;
                        in.writerIndex(bodyStart + (int) length);
                    }
                }
                case UNTIL_CLOSE -> last = false;
                case CHUNKED -> {
                    ChunkedBody scanner = newChunks();
                    int start = in.readerIndex();
                    in.readerIndex(bodyStart);
                    if (stripChunks) {
                        out =
                                ReceiveBuffers.allocate(
                                        loop.allocator(), in.writerIndex() - start, in);
                        out.writeBytes(in, start, head.length);
                    }
                    int result = stripChunks ? strip(scanner, in, out) : scanner.scan(in);
                    int end = in.readerIndex();
                    if (isBroken(result)) {
                        in.release();
                        if (out != in) out.release();
                        fail(Failure.BROKEN_RESPONSE);
                        return;
                    }
                    last = result == ChunkedBody.END;
                    ByteBuf rest = rest(in, out, end, last);
                    if (stripChunks) {
                        in.release();
                    } else {
                        in.readerIndex(start);
                        in.writerIndex(end);
                    }
                    pending = rest;
                }
                default -> throw new IllegalStateException("framing " + framing);
            }
        }
        phase = last ? Phase.DONE : Phase.BODY;
        if (last) loop.wheel().suspend(this);
        else loop.wheel().schedule(this, now + responseNanos);
        events().response(head, out, last, now);
    }

    /// What of a chunked body cannot be understood yet; bytes behind its end are nobody's.
    ///
    /// @param out released if there is no memory left, and `in` with it
    private @Nullable ByteBuf rest(ByteBuf in, ByteBuf out, int end, boolean last) {
        int bytes = in.writerIndex() - end;
        if (bytes == 0) return null;
        if (last) {
            reusable = false;
            return null;
        }
        try {
            ByteBuf kept = ReceiveBuffers.allocate(loop.allocator(), Math.max(bytes, 256));
            return kept.writeBytes(in, end, bytes);
        } catch (OutOfMemoryError none) {
            in.release();
            if (out != in) out.release();
            throw none;
        }
    }

    private ChunkedBody newChunks() {
        ChunkedBody known = chunks;
        if (known == null) known = chunks = new ChunkedBody(Http1Codec.RESPONSE_LIMITS);
        known.reset();
        return known;
    }

    private static boolean isBroken(int result) {
        return result == ChunkedBody.MALFORMED || result == ChunkedBody.BAD_TRAILER;
    }

    /// Copies the payload behind the chunk framing to `out`.
    private static int strip(ChunkedBody scanner, ByteBuf in, ByteBuf out) {
        while (true) {
            int result = scanner.next(in);
            if (result != ChunkedBody.DATA) return result;
            out.writeBytes(in, scanner.dataLength());
        }
    }

    private void body(ByteBuf in, long now) {
        loop.wheel().schedule(this, now + responseNanos);
        switch (framing) {
            case UNTIL_CLOSE -> events().responseBody(in, false, now);
            case LENGTH -> {
                int bytes = in.readableBytes();
                if (bytes > remaining) {
                    reusable = false;
                    in.writerIndex(in.readerIndex() + (int) remaining);
                    bytes = (int) remaining;
                }
                remaining -= bytes;
                pass(in, remaining == 0, now);
            }
            case CHUNKED -> chunkedBody(in, now);
            case NONE -> throw new IllegalStateException("a body without framing");
        }
    }

    private void chunkedBody(ByteBuf in, long now) {
        ChunkedBody scanner = chunks;
        if (scanner == null) throw new IllegalStateException("no chunked body");
        int start = in.readerIndex();
        ByteBuf out =
                stripChunks
                        ? ReceiveBuffers.allocate(loop.allocator(), in.readableBytes(), in)
                        : in;
        int result = stripChunks ? strip(scanner, in, out) : scanner.scan(in);
        int end = in.readerIndex();
        if (isBroken(result)) {
            in.release();
            if (out != in) out.release();
            fail(Failure.TRUNCATED);
            return;
        }
        boolean last = result == ChunkedBody.END;
        if (end == start && !last) {
            pending = in;
            if (out != in) out.release();
            return;
        }
        pending = rest(in, out, end, last);
        if (out != in) {
            in.release();
        } else {
            in.readerIndex(start);
            in.writerIndex(end);
        }
        pass(out, last, now);
    }

    private void pass(ByteBuf out, boolean last, long now) {
        if (last) {
            phase = Phase.DONE;
            loop.wheel().suspend(this);
        }
        events().responseBody(out, last, now);
    }

    @Override
    protected void receivedAll() {
        int burst = reads;
        reads = 0;
        if (returning) {
            returning = false;
            // As many reads as are made at a time: there may still be more.
            boolean more = secure() ? socketMayHoldMore() : burst >= ReceiveBuffers.MOST_READS;
            if (more || !home.takeBack(this)) close();
        }
        if (exchange != null && (phase == Phase.BODY || phase == Phase.TUNNEL))
            exchange.responseBurstEnded();
    }

    @Override
    protected void inputEnded() {
        if (phase != Phase.TUNNEL) close();
        else if (!endedCleanly()) fail(Failure.TRUNCATED);
        else if (endsBothWays())
            events().responseBody(Unpooled.EMPTY_BUFFER, true, loop.nanoTime());
        else events().responseInputEnded();
    }

    @Override
    protected void writabilityChanged() {
        if (exchange == null) return;
        long now = loop.nanoTime();
        if (phase == Phase.HEAD) awaitServer(now);
        if (writable()) exchange.backWritable(now);
    }

    @Override
    protected void expired(long now) {
        switch (phase) {
            case CONNECTING -> fail(Failure.CONNECT_TIMEOUT);
            case IDLE -> close();
            case HEAD -> fail(Failure.RESPONSE_TIMEOUT);
            case BODY -> {
                if (!held) fail(Failure.TRUNCATED);
            }
            case LINGER -> {
                long waiting = pendingBytes();
                if (waiting == lingerBytes) {
                    reset();
                } else { // Slow, but it reads.
                    lingerBytes = waiting;
                    loop.wheel().schedule(this, now + responseNanos);
                }
            }
            case DONE, TUNNEL, CLOSED -> {}
        }
    }

    @Override
    protected void handshakeFailed(Throwable cause) {
        if (phase != Phase.CONNECTING) return;
        home.tlsFailed(cause);
        ResponseEvents events = exchange;
        exchange = null;
        phase = Phase.CLOSED;
        close(); // No reset: the alert is on its way, and tells the server's people why.
        leave();
        if (events != null) events.backFailed(Failure.TLS, loop.nanoTime());
    }

    @Override
    protected void failed(Throwable cause) {
        brokenByPeer = true;
        if (cause instanceof ChannelOutputShutdownException
                && (phase == Phase.HEAD || phase == Phase.BODY)) {
            // It takes no more of the request, but may well have answered: that is read before the
            // connection's end.
            outputEnded = true;
            if (phase == Phase.HEAD) awaitServer(loop.nanoTime());
            return;
        }
        // By TLS 1.3 a server refuses our certificate when the handshake is over for us.
        if (cause instanceof SSLException) home.tlsFailed(cause);
        if (isPeersDoing(cause)) {
            close();
        } else {
            home.failed(cause);
            fail(Failure.OURS);
        }
    }

    @Override
    protected void closed() {
        Phase before = phase;
        phase = Phase.CLOSED;
        ByteBuf rest = pending;
        pending = null;
        boolean headBegun = rest != null && before == Phase.HEAD;
        if (rest != null) rest.release();
        leave();
        ResponseEvents events = exchange;
        if (events == null) return;
        long now = loop.nanoTime();
        if (before == Phase.BODY
                && framing == Framing.UNTIL_CLOSE
                && !brokenByPeer
                && endedCleanly()) {
            events.responseBody(Unpooled.EMPTY_BUFFER, true, now);
            return;
        }
        switch (before) {
            case CONNECTING -> events.backFailed(Failure.CONNECT, now);
            case HEAD ->
                    events.backFailed(
                            headBegun ? Failure.BROKEN_RESPONSE : Failure.NO_RESPONSE, now);
            case BODY, TUNNEL -> events.backFailed(Failure.TRUNCATED, now);
            case DONE -> {} // Still sending an upload that the server did not wait for.
            case IDLE, LINGER, CLOSED ->
                    throw new IllegalStateException("an exchange in " + before);
        }
    }

    /// Reports the failure first, so that what follows from the close is heard by nobody.
    private void fail(Failure failure) {
        ResponseEvents events = exchange;
        exchange = null;
        phase = Phase.CLOSED;
        reset();
        leave();
        if (events != null) events.backFailed(failure, loop.nanoTime());
    }

    /// Says good-bye once: a connect that failed never becomes inactive, and so is not told that it closed.
    private void leave() {
        if (gone) return;
        gone = true;
        loop.wheel().remove(this);
        home.gone(this);
    }

    // ---- the exchange's side

    @Override
    public void begin(ResponseEvents events, Method requestMethod, boolean strip, long now) {
        if (exchange != null) throw new IllegalStateException("busy");
        exchange = events;
        method = requestMethod;
        stripChunks = strip;
        requestSent = false;
        reusable = false;
        interim = 0;
        continueAwaited = false;
        if (phase == Phase.IDLE) {
            phase = Phase.HEAD;
            reused = true;
            loop.wheel().schedule(this, now + responseNanos);
        }
    }

    @Override
    public void connect(long now) {
        home.connect(this, now);
    }

    @Override
    public boolean reused() {
        return reused;
    }

    @Override
    public boolean mayRefuse() {
        return false;
    }

    @Override
    public void send(ByteBuf out, boolean last, long now) {
        if (last) requestSent = true;
        continueAwaited = false;
        if (phase == Phase.CLOSED || outputEnded) {
            out.release();
            return;
        }
        write(out);
        if (phase == Phase.HEAD) awaitServer(now);
    }

    @Override
    public void awaitContinue(long now) {
        continueAwaited = true;
        if (phase == Phase.HEAD) awaitServer(now);
    }

    /// The server owes the next step once it has the whole request, or while it takes no more of it, or if it has to ask for it; else
    /// the client does.
    private void awaitServer(long now) {
        if (requestSent || continueAwaited || !writable())
            loop.wheel().schedule(this, now + responseNanos);
        else loop.wheel().suspend(this);
    }

    @Override
    public void readResponse(boolean on, long now) {
        held = !on;
        if (phase == Phase.CLOSED) return;
        if (on && phase == Phase.BODY) loop.wheel().schedule(this, now + responseNanos);
        setReading(on);
    }

    @Override
    public void release(long now) {
        exchange = null;
        if (phase == Phase.CLOSED) return;
        if (phase == Phase.TUNNEL) {
            phase = Phase.LINGER;
            lingerBytes = Long.MAX_VALUE;
            loop.wheel().schedule(this, now + responseNanos);
            flushAll().addListener(_ -> close());
            return;
        }
        if (phase == Phase.DONE
                && reusable
                && requestSent
                && !brokenByPeer
                && pendingBytes() == 0) {
            phase = Phase.IDLE;
            held = false;
            setReading(true);
            idleSinceNanos = now;
            loop.wheel().schedule(this, now + idleNanos);
            if ((mayHaveMore || secure()) && reads > 0) {
                returning = true; // What else is there must be seen before it is lent again.
                return;
            }
            if (!mayHaveMore && home.takeBack(this)) return;
        }
        close();
    }

    /// When its last exchange ended.
    public long idleSinceNanos() {
        return idleSinceNanos;
    }

    @Override
    public void abort() {
        exchange = null;
        if (phase == Phase.CLOSED) return;
        reset();
    }

    @Override
    public void tunnel() {
        phase = Phase.TUNNEL;
        context().channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        loop.wheel().suspend(this); // The front keeps the tunnel's time.
    }

    @Override
    public void endTunnelOutput() {
        if (phase != Phase.CLOSED) shutdownOutput();
    }
}
