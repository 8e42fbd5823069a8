package bascule.backend;

import bascule.config.BackendConfig;
import bascule.http1.Http1Back;
import bascule.http1.Http1Codec;
import bascule.net.ConnectionList;
import bascule.net.Transport;
import bascule.observe.ServerMetrics;
import bascule.server.Server;
import bascule.server.ServerLink;
import io.netty.channel.ChannelException;
import io.netty.channel.socket.SocketChannel;
import org.jspecify.annotations.Nullable;

/// The HTTP/1.1 connections of one loop to one server: those that are idle are used last first, so that a quiet time lets the rest
/// run into their idle limit. Confined to its loop.
public final class Http1Pool implements ServerConnections, Http1Back.Home {
    /// Most idle connections per loop and server; what comes back beyond is closed.
    public static final int MOST_IDLE = 512;

    /// How long a connection may have rested and still be trusted with a request that may not be sent twice.
    static final long FRESH_NANOS = 1_000_000_000;

    private final Http1Codec codec;
    private final ServerSockets sockets;
    private final ServerMetrics metrics;
    private long connectNanos;
    private long responseNanos;
    private long idleNanos;
    private final ConnectionList idle = new ConnectionList();
    private boolean closed;

    public Http1Pool(
            Transport transport,
            Http1Codec codec,
            BackendConfig config,
            ServerLink link,
            Server server,
            ServerMetrics metrics) {
        this.codec = codec;
        this.metrics = metrics;
        sockets = new ServerSockets(transport, codec.loop(), server, link);
        setTimeouts(config);
    }

    @Override
    public void reconfigure(BackendConfig config) {
        setTimeouts(config);
    }

    private void setTimeouts(BackendConfig config) {
        connectNanos = config.connectTimeout().toNanos();
        responseNanos = config.responseTimeout().toNanos();
        idleNanos = config.idleTimeout().toNanos();
    }

    @Override
    public Server server() {
        return sockets.server();
    }

    @Override
    public ServerMetrics metrics() {
        return metrics;
    }

    @Override
    public ServerLink link() {
        return sockets.link();
    }

    @Override
    public @Nullable Http1Back lend(boolean fresh, long nowNanos) {
        return fresh ? lendFresh(nowNanos) : lend();
    }

    /// An idle connection, or null. Never one that is closed: until its loop has told everybody, it is still in the list.
    @Nullable Http1Back lend() {
        while (idle.pop() instanceof Http1Back lent) {
            metrics.idle(-1);
            if (lent.open()) return lent;
        }
        return null;
    }

    /// Like [#lend()], but only a connection that rested for less than [#FRESH_NANOS]: its server is hardly about to close it, so a
    /// request that may not be sent twice can be sent on it.
    private @Nullable Http1Back lendFresh(long nowNanos) {
        Http1Back lent = lend();
        if (lent == null || nowNanos - lent.idleSinceNanos() < FRESH_NANOS) return lent;
        idle.push(lent); // All below it have rested longer.
        metrics.idle(1);
        return null;
    }

    @Override
    public Http1Back open() {
        metrics.connectionOpened();
        return new Http1Back(codec, this, responseNanos, idleNanos);
    }

    @Override
    public void connect(Http1Back back, long nowNanos) {
        SocketChannel channel;
        try {
            channel = sockets.open();
        } catch (ChannelException cause) {
            back.notConnected(cause);
            return;
        }
        back.connect(channel, sockets.server().address(), nowNanos + connectNanos);
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
        sockets.failed(cause);
    }

    @Override
    public void tlsFailed(Throwable cause) {
        sockets.tlsFailed(cause);
    }

    /// Closes what is idle, and whatever comes back from now on.
    @Override
    public void close() {
        codec.loop().assertInside();
        closed = true;
        idle.forEach(connection -> connection.close());
    }
}
