package bascule.admin;

import bascule.config.Cidr;
import bascule.observe.Metrics;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// The admin port: one thread, `admin`, with its own loop. The suppliers are asked on it, and must not block it.
public final class AdminServer implements AutoCloseable {
    /// @param connections open at a time; those beyond are closed at once
    /// @param patience for a whole request to arrive, and for its answer to be taken
    record Limits(int connections, Duration patience) {}

    private static final Limits LIMITS = new Limits(64, Duration.ofSeconds(10));
    private static final int REQUEST_LINE_BYTES = 2048;
    private static final int HEAD_BYTES = 8192;
    private static final int BODY_BYTES = 1024; // Nobody needs one.

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(
                    1, new DefaultThreadFactory("admin", true), NioIoHandler.newFactory());
    private final List<Channel> listening = new ArrayList<>();
    private final List<Cidr> allow;
    private final Pages pages;
    private final Limits limits;
    private int open; // The loop's own.

    /// @param allow peers that are answered; empty for all who reach the address
    /// @throws IOException if an address cannot be bound; none is then
    public static AdminServer start(
            List<InetSocketAddress> binds,
            List<Cidr> allow,
            Metrics metrics,
            Supplier<Status> status,
            BooleanSupplier ready)
            throws IOException {
        return start(binds, allow, new Pages(metrics, status, ready), LIMITS);
    }

    static AdminServer start(
            List<InetSocketAddress> binds, List<Cidr> allow, Pages pages, Limits limits)
            throws IOException {
        var server = new AdminServer(allow, pages, limits);
        try {
            for (InetSocketAddress bind : binds) server.bind(bind);
        } catch (IOException e) {
            server.close();
            throw e;
        }
        return server;
    }

    private AdminServer(List<Cidr> allow, Pages pages, Limits limits) {
        this.allow = List.copyOf(allow);
        this.pages = pages;
        this.limits = limits;
    }

    /// The addresses that are bound, in the order given, with real ports.
    public List<InetSocketAddress> addresses() {
        return listening.stream()
                .map(channel -> (InetSocketAddress) channel.localAddress())
                .toList();
    }

    /// Runs a task on the admin loop, at once and again and again; must not throw.
    public void every(Duration period, Runnable task) {
        var _ = loop.scheduleAtFixedRate(task, 0, period.toNanos(), TimeUnit.NANOSECONDS);
    }

    /// Closes every connection and frees the addresses before it returns.
    @Override
    public void close() {
        for (Channel channel : listening) channel.close().syncUninterruptibly();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private void bind(InetSocketAddress address) throws IOException {
        ChannelFuture bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel channel) {
                                        accept(channel);
                                    }
                                })
                        .bind(address)
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot bind " + text(address) + ": " + reason(bound), bound.cause());
        }
        listening.add(bound.channel());
    }

    private void accept(SocketChannel channel) {
        if (open >= limits.connections()) {
            channel.close();
            return;
        }
        open++;
        channel.closeFuture().addListener(_ -> open--);
        var config =
                new HttpDecoderConfig()
                        .setMaxInitialLineLength(REQUEST_LINE_BYTES)
                        .setMaxHeaderSize(HEAD_BYTES);
        channel.pipeline()
                .addLast(new HttpServerCodec(config))
                .addLast(new HttpObjectAggregator(BODY_BYTES, true))
                .addLast(new AdminConnection(pages, isAllowed(channel), limits.patience()));
    }

    private boolean isAllowed(SocketChannel channel) {
        if (allow.isEmpty()) return true;
        InetSocketAddress peer = channel.remoteAddress();
        return peer != null && allow.stream().anyMatch(range -> range.contains(peer.getAddress()));
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static String reason(ChannelFuture bound) {
        Throwable cause = bound.cause();
        return cause == null ? "cancelled" : String.valueOf(cause.getMessage());
    }
}
