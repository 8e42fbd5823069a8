package bascule.backend;

import bascule.config.BackendConfig;
import bascule.http.BackStream;
import bascule.http2.Http2Back;
import bascule.http2.Http2BackSettings;
import bascule.http2.Http2BackStream;
import bascule.http2.Http2Codec;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.ServerMetrics;
import bascule.server.Server;
import bascule.server.ServerLink;
import io.netty.channel.ChannelException;
import io.netty.channel.socket.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The HTTP/2 connections of one loop to one server. The one that was made first is filled first, so that in a quiet time the rest run
/// into their idle limit. Confined to its loop.
public final class Http2Pool implements ServerConnections, Http2Back.Home {
    private final Http2Codec codec;
    private final Loop loop;
    private final ServerSockets sockets;
    private final ServerMetrics metrics;
    private final List<Http2Back> connections = new ArrayList<>();
    private Http2BackSettings settings;

    /// How many streams a connection yet to be made will take, by what others took.
    private int expectedStreams = Http2Back.MOST_STREAMS;

    private boolean closed;

    public Http2Pool(
            Transport transport,
            Loop loop,
            Http2Codec codec,
            BackendConfig config,
            ServerLink link,
            Server server,
            ServerMetrics metrics) {
        this.codec = codec;
        this.loop = loop;
        this.metrics = metrics;
        sockets = new ServerSockets(transport, loop, server, link);
        settings = Http2BackSettings.of(config);
    }

    @Override
    public void reconfigure(BackendConfig config) {
        settings = Http2BackSettings.of(config);
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
    public Http2BackSettings settings() {
        return settings;
    }

    @Override
    public @Nullable BackStream lend(boolean fresh, long nowNanos) {
        for (int i = 0; i < connections.size(); i++) {
            Http2Back each = connections.get(i);
            if (each.hasRoom() && (!fresh || each.isFresh(nowNanos))) return each.lend();
        }
        return null;
    }

    @Override
    public BackStream open() {
        return Http2Back.unconnected(codec, this);
    }

    @Override
    public void connect(Http2BackStream stream, boolean anew, long nowNanos) {
        Http2Back found = find(anew);
        if (found == null) dial(stream, nowNanos);
        else found.await(stream, nowNanos);
    }

    private @Nullable Http2Back find(boolean anew) {
        for (Http2Back each : connections) {
            boolean fits =
                    each.isConnecting()
                            ? each.waiting() < expectedStreams
                            : !anew && each.hasRoom() && each.waiting() < each.mostStreams();
            if (fits) return each;
        }
        return null;
    }

    private void dial(Http2BackStream stream, long now) {
        SocketChannel channel;
        try {
            channel = sockets.open();
        } catch (ChannelException cause) {
            sockets.failed(cause);
            stream.notConnected(Failure.EXHAUSTED, now);
            return;
        }
        Http2Back made = new Http2Back(codec, this, now);
        metrics.connectionOpened();
        connections.add(made);
        made.await(stream, now);
        if (closed) made.retire(now); // With what it was made for.
        made.connect(channel, sockets.server().address());
    }

    @Override
    public void ready(Http2Back connection) {
        expectedStreams = Math.max(1, connection.mostStreams());
    }

    @Override
    public void idle(int delta) {
        metrics.idle(delta);
    }

    @Override
    public void gone(Http2Back connection) {
        connections.remove(connection);
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

    @Override
    public void broken(String reason) {
        sockets.broken(reason);
    }

    @Override
    public void close() {
        loop.assertInside();
        closed = true;
        long now = loop.nanoTime();
        for (Http2Back each : List.copyOf(connections)) each.retire(now);
    }
}
