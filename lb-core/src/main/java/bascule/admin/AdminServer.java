package bascule.admin;

import bascule.config.Cidr;
import bascule.observe.Events;
import bascule.observe.Metrics;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The admin port and the admin socket: one thread, `admin`, with its own loop. The suppliers are asked on it, and must not block
/// it.
public final class AdminServer implements AutoCloseable {
    /// @param connections open at a time; those beyond are closed at once
    /// @param patience for a whole request to arrive, and for its answer to be taken
    record Limits(int connections, Duration patience) {}

    private static final Limits LIMITS = new Limits(64, Duration.ofSeconds(10));

    /// For a command to have its result.
    private static final Duration COMMAND_PATIENCE = Duration.ofMinutes(1);

    private static final int REQUEST_LINE_BYTES = 2048;
    private static final int HEAD_BYTES = 8192;
    private static final int BODY_BYTES = 1024; // Nobody needs one.

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(
                    1, new DefaultThreadFactory("admin", true), NioIoHandler.newFactory());
    private final List<Channel> listening = new ArrayList<>();
    private volatile List<Cidr> allow;
    private final Pages pages;
    private final Limits limits;

    /// Of clients. Its name is for messages only; what comes once it is closed is closed, too.
    private final ChannelGroup connections =
            new DefaultChannelGroup("admin", ImmediateEventExecutor.INSTANCE, true);

    private final Count onPort = new Count();
    private final Count onSocket = new Count();
    private @Nullable SocketFile socket;
    private @Nullable CommandRequests commands;

    /// Connections, counted by the loop. The socket has a count of its own: a flood of the port does not shut out who could end it.
    private static final class Count {
        int open;
    }

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
                .map(Channel::localAddress)
                .filter(InetSocketAddress.class::isInstance)
                .map(InetSocketAddress.class::cast)
                .toList();
    }

    /// From now on these peers are answered; empty for all who reach the address.
    public void allow(List<Cidr> peers) {
        allow = List.copyOf(peers);
    }

    /// Listens on a Unix socket, too, over which the daemon can be commanded. At most once.
    ///
    /// @throws IOException with the path and what is wrong with it; nothing has changed then
    public void openSocket(Path path, Commands commands) throws IOException {
        openSocket(path, commands, COMMAND_PATIENCE);
    }

    void openSocket(Path path, Commands commands, Duration commandPatience) throws IOException {
        SocketFile file = SocketFile.bind(path);
        socket = file;
        var requests = new CommandRequests(commands, commandPatience);
        this.commands = requests;
        ChannelFuture registered =
                new ServerBootstrap()
                        .group(loop)
                        .channelFactory(() -> new NioServerDomainSocketChannel(file.channel()))
                        .childHandler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        accept(channel, onSocket, requests, true);
                                    }
                                })
                        .register()
                        .syncUninterruptibly();
        listening.add(registered.channel());
    }

    /// Closes every connection, frees the addresses and takes the socket away before it returns.
    @Override
    public void close() {
        if (loop.isShuttingDown()) return;
        if (socket != null) {
            try {
                socket.remove();
            } catch (IOException e) {
                Events.warn("admin-socket-left", "cause", e);
            }
        }
        for (Channel channel : listening) channel.close().syncUninterruptibly();
        // Not left to the end of the loop, which may come before it has closed them.
        connections.close().awaitUninterruptibly();
        if (commands != null) commands.close();
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
                                        accept(channel, onPort, null, isAllowed(channel));
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

    private void accept(
            Channel channel, Count count, @Nullable CommandRequests commands, boolean allowed) {
        if (count.open >= limits.connections()) {
            channel.close();
            return;
        }
        count.open++;
        connections.add(channel);
        channel.closeFuture().addListener(_ -> count.open--);
        var config =
                new HttpDecoderConfig()
                        .setMaxInitialLineLength(REQUEST_LINE_BYTES)
                        .setMaxHeaderSize(HEAD_BYTES);
        channel.pipeline()
                .addLast(new HttpServerCodec(config))
                .addLast(new HttpObjectAggregator(BODY_BYTES, true))
                .addLast(new AdminConnection(pages, commands, allowed, limits.patience()));
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
