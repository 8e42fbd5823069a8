package bascule.listen;

import bascule.backend.Backend;
import bascule.config.Cidr;
import bascule.config.ListenerConfig;
import bascule.http.ClientInfo;
import bascule.http.Rejection;
import bascule.http1.FrontSettings;
import bascule.http1.Http1Front;
import bascule.net.Backpressure;
import bascule.net.ConnectionList;
import bascule.net.Loop;
import bascule.net.ReceiveBuffers;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.observe.ListenerMetrics;
import bascule.proxy.Exchanges;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import bascule.server.Server;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.unix.Errors;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// The door of one listener on one loop: takes connections off its listening sockets, turns away what is over a limit, and puts
/// the protocol behind the rest. Confined to its loop but for the count of connections, which all doors of a listener share.
@Sharable // By the listening sockets of several binds, all on this loop.
final class Doorway extends ChannelInboundHandlerAdapter implements Http1Front.ClientSink {
    static final long ACCEPT_PAUSE_MILLIS = 100;

    private static final Duration TELL_EVERY = Duration.ofSeconds(10);

    private ListenerConfig config;
    private FrontSettings settings;
    private final AtomicInteger connections;
    private final Worker worker;
    private final Exchanges exchanges;
    private final ListenerMetrics metrics;
    private final ChannelFutureListener countDown;
    private final ConnectionList fronts = new ConnectionList();
    private final LimitedEvent refused = new LimitedEvent(TELL_EVERY);
    private final LimitedEvent acceptFailed = new LimitedEvent(TELL_EVERY);

    Doorway(ListenerConfig config, AtomicInteger connections, Worker worker, Exchanges exchanges) {
        this.config = config;
        settings = FrontSettings.of(config);
        this.connections = connections;
        this.worker = worker;
        this.exchanges = exchanges;
        countDown = closed -> connections.decrementAndGet();
        metrics = worker.metrics().listener(config.name());
        metrics.expectRejections(Arrays.stream(Rejection.values()).map(Rejection::reason).toList());
        metrics.expectAcceptErrors(List.of("emfile", "enfile", "memory", "other"));
    }

    /// A reload: connections that are accepted from now on live by this, and so do the requests of all.
    void install(ListenerConfig config, RouteTable routes, List<Backend> backends) {
        this.config = config;
        settings = FrontSettings.of(config);
        exchanges.install(config, routes, backends);
    }

    void forget(Server server) {
        exchanges.forget(server);
    }

    // ---- the acceptor

    Loop loop() {
        return worker.loop();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Channel channel = (Channel) message;
        if (worker.memoryTight()) {
            refuse(channel, Rejection.MEMORY);
            return;
        }
        if (connections.incrementAndGet() > config.limits().connections()) {
            connections.decrementAndGet();
            refuse(channel, Rejection.CONNECTIONS);
            return;
        }
        channel.config().setAllocator(loop().allocator());
        channel.config().setRecvByteBufAllocator(ReceiveBuffers.FRONT);
        channel.config().setWriteBufferWaterMark(Backpressure.MARKS);
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        channel.pipeline().addLast(new Http1Front(worker.codec(), settings, exchanges, this));
        channel.closeFuture().addListener(countDown);
        loop().executor().register(channel);
    }

    private void refuse(Channel channel, Rejection rejection) {
        metrics.rejected(rejection.reason());
        channel.unsafe().closeForcibly();
        refused.warn(
                "connections-refused", "listener", config.name(), "reason", rejection.reason());
    }

    /// An accept failed: out of descriptors, mostly. Trying again at once would spin.
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        metrics.acceptError(reason(cause));
        acceptFailed.warn("accept-failed", "listener", config.name(), "cause", cause);
        Channel socket = context.channel();
        socket.config().setAutoRead(false);
        loop().executor()
                .schedule(
                        () -> socket.config().setAutoRead(true),
                        ACCEPT_PAUSE_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    private static String reason(Throwable cause) {
        if (!(cause instanceof Errors.NativeIoException failure)) {
            // NIO has the words alone.
            return "Too many open files".equals(cause.getMessage()) ? "emfile" : "other";
        }
        return switch (-failure.expectedErr()) {
            case 24 -> "emfile"; // errno(3): too many open files in this process,
            case 23 -> "enfile"; // on this host;
            case 12, 105 -> "memory"; // ENOMEM, ENOBUFS.
            default -> "other";
        };
    }

    @Override
    public ClientInfo opened(Http1Front front, InetSocketAddress peer) {
        metrics.opened();
        worker.opened();
        fronts.push(front);
        return new ClientInfo(peer, trusts(peer.getAddress()));
    }

    private boolean trusts(InetAddress peer) {
        List<Cidr> trust = config.trust();
        if (trust.isEmpty()) return false;
        InetAddress address = ClientInfo.unmapped(peer);
        for (Cidr cidr : trust) if (cidr.contains(address)) return true;
        return false;
    }

    @Override
    public void closed(Http1Front front) {
        metrics.closed();
        worker.closed();
        fronts.remove(front);
    }

    @Override
    public void rejected(Rejection rejection) {
        metrics.rejected(rejection.reason());
    }

    @Override
    public void failed(Throwable cause) {
        Events.bug("client-connection-failed", cause, "listener", config.name());
    }

    /// On the loop: every response from now on is the last of its connection, and connections without a request end.
    void drain() {
        exchanges.drain();
        long now = loop().nanoTime();
        fronts.forEach(front -> ((Http1Front) front).drain(now));
    }

    /// On the loop: ends what is left.
    void stop() {
        fronts.forEach(
                front -> {
                    try {
                        ((Http1Front) front).stop();
                    } catch (RuntimeException failure) { // The others have to end all the same.
                        failed(failure);
                    }
                });
    }
}
