package bascule.backend;

import bascule.net.Backpressure;
import bascule.net.CauseText;
import bascule.net.Loop;
import bascule.net.ReceiveBuffers;
import bascule.net.Transport;
import bascule.observe.LimitedEvent;
import bascule.server.Server;
import bascule.server.ServerLink;
import io.netty.channel.ChannelException;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;

/// Opens sockets to one server, with TLS where its backend wants it, and tells what failed. Confined to its loop.
final class ServerSockets {
    private final Transport transport;
    private final Loop loop;
    private final Server server;
    private final ServerLink link;
    private final LimitedEvent failed = new LimitedEvent(Duration.ofSeconds(10));
    private final LimitedEvent refused = new LimitedEvent(Duration.ofSeconds(10));

    ServerSockets(Transport transport, Loop loop, Server server, ServerLink link) {
        this.transport = transport;
        this.loop = loop;
        this.server = server;
        this.link = link;
    }

    Server server() {
        return server;
    }

    ServerLink link() {
        return link;
    }

    /// A socket to be connected to the server; in its pipeline is TLS, or nothing.
    ///
    /// @throws ChannelException out of descriptors, mostly
    SocketChannel open() {
        SocketChannel channel = transport.newChannel(server.address());
        channel.config().setRecvByteBufAllocator(ReceiveBuffers.BACK);
        channel.config().setWriteBufferWaterMark(Backpressure.MARKS);
        channel.config().setConnectTimeoutMillis(0); // The loop's wheel keeps this time too.
        channel.config().setAutoClose(false); // A write that fails must not end the reading.
        SslHandler tls = link.newHandler(loop.allocator(), server);
        if (tls != null) channel.pipeline().addLast(tls);
        return channel;
    }

    void failed(Throwable cause) {
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

    /// The server broke a rule of HTTP/2, or speaks none.
    void broken(String reason) {
        refused.warn(
                "server-http2-failed",
                "backend",
                server.backend(),
                "server",
                server.name(),
                "reason",
                reason);
    }

    void tlsFailed(Throwable cause) {
        refused.warn(
                "server-tls-failed",
                "backend",
                server.backend(),
                "server",
                server.name(),
                "name",
                link.nameOf(server),
                "reason",
                CauseText.of(cause));
    }
}
