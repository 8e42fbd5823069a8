package bascule.http2;

import bascule.http.BackStream;
import bascule.http.Rejection;
import bascule.http1.Http1Codec;
import bascule.net.Failure;
import io.netty.channel.socket.ChannelOutputShutdownException;
import io.netty.channel.socket.SocketChannel;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import javax.net.ssl.SSLException;

/// An HTTP/2 connection to a server (RFC 9113): carries many exchanges at a time, each on a stream of its own. No request goes out
/// before the server's SETTINGS have come, since whoever sends none speaks something else. Confined to its loop.
public final class Http2Back extends Http2Connection {
    /// Most exchanges at a time; a server may want fewer.
    public static final int MOST_STREAMS = 100;

    /// What a server may send of one response before it was passed on.
    static final int STREAM_WINDOW = 128 * 1024;

    /// Each stream may have all of its window at once: else a few clients that take nothing would hold up all others.
    static final int CONNECTION_WINDOW = MOST_STREAMS * STREAM_WINDOW;

    /// How long a connection may have rested and still be trusted with a request that may not be sent twice.
    private static final long FRESH_NANOS = 1_000_000_000;

    /// Asks a connection that has rested for longer whether it still stands.
    private static final long LIVENESS_PING = 0x7374696c6c3fL;

    private enum State {
        /// Until the server's SETTINGS have come.
        CONNECTING,
        READY,
        GONE
    }

    /// Where a connection belongs.
    public interface Home {
        Http2BackSettings settings();

        /// Finds a connection for a stream that has been begun, or makes one.
        ///
        /// @param anew none that was there before
        void connect(Http2BackStream stream, boolean anew, long nowNanos);

        /// The server's SETTINGS have come.
        void ready(Http2Back connection);

        /// @param delta 1 when a connection comes to rest, -1 when it is used again or gone
        void idle(int delta);

        /// The connection is gone.
        void gone(Http2Back connection);

        void failed(Throwable cause);

        /// No TLS came of a connection, or it did not last.
        void tlsFailed(Throwable cause);

        /// The server broke a rule, or speaks no HTTP/2.
        void broken(String reason);
    }

    private final Home home;
    private final ArrayDeque<Http2BackStream> waiting = new ArrayDeque<>();
    private State state = State.CONNECTING;
    private Failure ending = Failure.CONNECT; // What it is to those who wait.
    private final long deadlineNanos; // For SETTINGS to come.
    private boolean left;
    private boolean resting;
    private boolean retiring;
    private boolean asked;
    private long answeredNanos;

    public Http2Back(Http2Codec codec, Home home, long nowNanos) {
        super(codec, bounds(home.settings()), true);
        this.home = home;
        deadlineNanos = nowNanos + home.settings().connectNanos();
    }

    private static Http2Bounds bounds(Http2BackSettings settings) {
        return new Http2Bounds(
                0,
                Http1Codec.RESPONSE_LIMITS.headBytes(),
                Http1Codec.RESPONSE_LIMITS.headerCount(),
                settings.responseNanos(),
                settings.responseNanos(),
                settings.idleNanos(),
                STREAM_WINDOW,
                CONNECTION_WINDOW);
    }

    /// A stream without a connection.
    public static BackStream unconnected(Http2Codec codec, Home home) {
        return codec.lendBack(home, null);
    }

    // ---- the beginning

    /// Connects; those who [#await] hear of the outcome.
    ///
    /// @param channel new and not registered yet; in its pipeline TLS, if it is to be used, and nothing else
    public void connect(SocketChannel channel, SocketAddress server) {
        dial(channel, server, deadlineNanos)
                .addListener(
                        done -> {
                            Throwable cause = done.cause();
                            if (cause == null || state != State.CONNECTING) return;
                            if (!isPeersDoing(cause)) home.failed(cause);
                            giveUp(Failure.CONNECT);
                        });
    }

    @Override
    protected void opened() {
        if (state != State.CONNECTING) return;
        ending = Failure.NO_HTTP2;
        String agreed = applicationProtocol();
        if (secure() && !"h2".equals(agreed)) {
            home.broken("agrees to " + (agreed == null ? "nothing" : agreed) + ", not to h2");
            sayGoodBye();
            giveUp(Failure.NO_HTTP2);
            return;
        }
        start(loop.nanoTime());
        loop.wheel().schedule(this, deadlineNanos);
    }

    @Override
    void settingsChanged(long now) {
        if (state != State.CONNECTING) return;
        state = State.READY;
        rest(true);
        loop.wheel().schedule(this, now + bounds.idleNanos());
        home.ready(this);
        serve(now);
    }

    // ---- its pool's side

    /// Can a stream be opened on it?
    public boolean hasRoom() {
        return !retiring && takes();
    }

    private boolean takes() {
        return state == State.READY && mayOpen() && streamCount() < MOST_STREAMS;
    }

    /// Most streams at a time, as far as is known.
    public int mostStreams() {
        return Math.min(MOST_STREAMS, peerStreams());
    }

    /// Will it hardly be closed while a request is on its way?
    public boolean isFresh(long nowNanos) {
        return streamCount() > 0
                || nowNanos - Math.max(idleSinceNanos(), answeredNanos) < FRESH_NANOS;
    }

    public boolean isConnecting() {
        return state == State.CONNECTING && !left;
    }

    /// A stream of this connection, if it [#hasRoom].
    public BackStream lend() {
        return codec.lendBack(home, this);
    }

    /// Streams that wait for it.
    public int waiting() {
        return waiting.size();
    }

    /// The stream begins when there is a connection; or, if there is one that has rested, when the server has said that it still stands.
    public void await(Http2BackStream stream, long nowNanos) {
        if (hasRoom() && isFresh(nowNanos)) {
            stream.connected(this, false, nowNanos);
            return;
        }
        waiting.add(stream);
        stream.awaits(this, state == State.READY, nowNanos);
        if (state != State.READY || asked) return;
        asked = true;
        writer().ping(LIVENESS_PING, false);
        later();
    }

    void forget(Http2BackStream stream) {
        waiting.remove(stream);
    }

    @Override
    boolean answered(long ping, long now) {
        if (!asked || ping != LIVENESS_PING) return false;
        asked = false;
        answeredNanos = now;
        serve(now);
        return true;
    }

    /// Lets those begin who wait. Where the server takes fewer than there are, the rest goes elsewhere; where it takes none at all, they
    /// wait on, for elsewhere is the same server.
    private void serve(long now) {
        boolean existed = answeredNanos != 0;
        while (takes()) {
            Http2BackStream next = waiting.poll();
            if (next == null) break;
            next.connected(this, existed, now);
        }
        if (streamCount() > 0) sendAway(now);
        if (retiring && waiting.isEmpty()) retire(now);
    }

    private void sendAway(long now) {
        for (Http2BackStream next; (next = waiting.poll()) != null; ) next.moveOn(now);
    }

    /// Ends it, at once or with the last stream that is on it.
    public void retire(long nowNanos) {
        retiring = true;
        if (state == State.CONNECTING && !waiting.isEmpty()) return;
        if (streamCount() > 0) {
            leave(nowNanos);
        } else {
            leaveNow(Failure.STOPPING);
            leave();
        }
    }

    /// Makes the stream one of this connection; its field block comes next.
    void begin(Http2BackStream stream) {
        rest(false);
        open(stream);
    }

    private void rest(boolean now) {
        if (resting == now) return;
        resting = now;
        home.idle(now ? 1 : -1);
    }

    // ---- what comes

    @Override
    void peerOpened(int id, DecodedFields fields, boolean last, long now) {
        throw new IllegalStateException("a server opens no stream");
    }

    /// Requests above the last stream have not been looked at (RFC 9113 §6.8).
    @Override
    void peerLeaves(int lastStream, long now) {
        for (Http2Stream stream : streams()) {
            if (stream.id() <= lastStream || stream.closed()) continue;
            stream.close();
            if (stream instanceof Http2BackStream ours) ours.leftBehind(now);
        }
        sendAway(now);
        later();
    }

    @Override
    void streamEnded() {
        if (state == State.READY && streamCount() == 0) rest(true);
    }

    @Override
    void rejected(Rejection rejection) {
        if (state == State.READY) home.broken(rejection.reason());
    }

    @Override
    void recycle(Http2Stream stream) {
        if (stream instanceof Http2BackStream ours) ours.forgotten();
    }

    @Override
    void bug(Throwable cause) {
        home.failed(cause);
    }

    // ---- the end

    @Override
    protected void inputEnded() {
        close(); // What is not here will not come, and requests would fall on deaf ears.
    }

    @Override
    protected void expired(long now) {
        if (state == State.CONNECTING) giveUp(Failure.CONNECT_TIMEOUT);
        else super.expired(now);
    }

    @Override
    protected void handshakeFailed(Throwable cause) {
        if (state != State.CONNECTING) return;
        home.tlsFailed(cause);
        ending = Failure.TLS;
        close(); // No reset: the alert is on its way, and tells the server's people why.
        leave();
    }

    @Override
    protected void failed(Throwable cause) {
        if (cause instanceof SSLException) home.tlsFailed(cause);
        if (cause instanceof ChannelOutputShutdownException && streamCount() > 0) {
            // It takes no more, but may well have answered, or tell what it has not looked at: that
            // is read before the connection's end.
            retire(loop.nanoTime());
            return;
        }
        super.failed(cause);
    }

    @Override
    void ends() {
        if (state == State.CONNECTING && ending == Failure.NO_HTTP2)
            home.broken("does not begin as HTTP/2 does");
        sayGoodBye();
    }

    @Override
    void gone() {
        leave();
    }

    private void giveUp(Failure failure) {
        ending = failure;
        reset();
        leave();
    }

    /// Says good-bye once: a connect that failed never becomes inactive, and so is not told that it closed.
    private void leave() {
        if (left) return;
        left = true;
        loop.wheel().remove(this);
        sayGoodBye();
        home.gone(this);
    }

    private void sayGoodBye() {
        State before = state;
        state = State.GONE;
        rest(false);
        long now = loop.nanoTime();
        for (Http2BackStream next; (next = waiting.poll()) != null; ) {
            if (before == State.READY) next.moveOn(now); // It was only looked at.
            else next.notConnected(ending, now);
        }
    }
}
