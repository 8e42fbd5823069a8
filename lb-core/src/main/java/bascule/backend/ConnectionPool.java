package bascule.backend;

import bascule.config.BackendConfig;
import bascule.http1.Http1Back;
import bascule.http1.Http1Codec;
import bascule.net.Backpressure;
import bascule.net.CauseText;
import bascule.net.ConnectionList;
import bascule.net.ReceiveBuffers;
import bascule.net.Transport;
import bascule.observe.LimitedEvent;
import bascule.observe.ServerMetrics;
import bascule.server.Server;
import io.netty.channel.ChannelException;
import io.netty.channel.socket.SocketChannel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// The idle connections of one loop to one server, used last first, so that a quiet time lets the rest run into their idle
/// limit. Confined to its loop.
public final class ConnectionPool implements Http1Back.Home {
    /// Most idle connections per loop and server; what comes back beyond is closed.
    public static final int MOST_IDLE = 512;

    /// How long a connection may have rested and still be trusted with a request that may not be sent twice.
    static final long FRESH_NANOS = 1_000_000_000;

    private final Transport transport;
    private final Http1Codec codec;
    private final Server server;
    private final ServerMetrics metrics;
    private long connectNanos;
    private long responseNanos;
    private long idleNanos;
    private final ConnectionList idle = new ConnectionList();
    private final LimitedEvent failed = new LimitedEvent(Duration.ofSeconds(10));
    private boolean closed;

    public ConnectionPool(
            Transport transport,
            Http1Codec codec,
            BackendConfig config,
            Server server,
            ServerMetrics metrics) {
        this.transport = transport;
        this.codec = codec;
        this.server = server;
        this.metrics = metrics;
        setTimeouts(config);
    }

    /// A reload says otherwise; counts for the connections opened from now on.
    public void reconfigure(BackendConfig config) {
        setTimeouts(config);
    }

    private void setTimeouts(BackendConfig config) {
        connectNanos = config.connectTimeout().toNanos();
        responseNanos = config.responseTimeout().toNanos();
        idleNanos = config.idleTimeout().toNanos();
    }

    public Server server() {
        return server;
    }

    public ServerMetrics metrics() {
        return metrics;
    }

    /// An idle connection, or null. Never one that is closed: until its loop has told everybody, it is still in the list.
    public @Nullable Http1Back lend() {
        while (idle.pop() instanceof Http1Back lent) {
            metrics.idle(-1);
            if (lent.open()) return lent;
        }
        return null;
    }

    /// Like [#lend()], but only a connection that rested for less than [#FRESH_NANOS]: its server is hardly about to close it, so a
    /// request that may not be sent twice can be sent on it.
    public @Nullable Http1Back lendFresh(long nowNanos) {
        Http1Back lent = lend();
        if (lent == null || nowNanos - lent.idleSinceNanos() < FRESH_NANOS) return lent;
        idle.push(lent); // All below it have rested longer.
        metrics.idle(1);
        return null;
    }

    /// A connection yet to be made: begin an exchange on it, then [#connect].
    public Http1Back open() {
        metrics.connectionOpened();
        return new Http1Back(codec, this, responseNanos, idleNanos);
    }

    /// Connects what [#open()] gave.
    public void connect(Http1Back back, long nowNanos) {
        SocketChannel channel;
        try {
            channel = transport.newChannel(server.address());
        } catch (ChannelException cause) { // Out of descriptors, mostly.
            back.notConnected(cause);
            return;
        }
        channel.config().setRecvByteBufAllocator(ReceiveBuffers.BACK);
        channel.config().setWriteBufferWaterMark(Backpressure.MARKS);
        channel.config().setConnectTimeoutMillis(0); // The loop's wheel keeps this time too.
        channel.config().setAutoClose(false); // A write that fails must not end the reading.
        back.connect(channel, server.address(), nowNanos + connectNanos);
    }

    @Override
    public boolean takeBack(Http1Back connection) {
        if (closed || idle.size() >= MOST_IDLE || !connection.open()) return false;
        idle.push(connection);
        metrics.idle(1);
        return true;
    }

    @Override
    public void gone(Http1Back connection) {
        if (idle.remove(connection)) metrics.idle(-1);
        metrics.connectionClosed();
    }

    @Override
    public void failed(Throwable cause) {
        if (cause instanceof ChannelException || cause instanceof OutOfMemoryError) {
            Object[] about = {"backend", server.backend(), "server", server.name(), "cause", cause};
            failed.warn("connection-failed", about);
        } else {
            failed.bug(
                    "connection-failed",
                    cause,
                    "backend",
                    server.backend(),
                    "server",
                    server.name());
        }
    }

    @Override
    public void handshakeFailed(Throwable cause) {
        failed.warn(
                "server-tls-failed",
                "backend",
                server.backend(),
                "server",
                server.name(),
                "reason",
                CauseText.of(cause));
    }

    /// Closes what is idle, and whatever comes back from now on.
    public void close() {
        codec.loop().assertInside();
        closed = true;
        idle.forEach(connection -> connection.close());
    }
}
