package bascule.net;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The loops of the daemon and the kind of sockets that they drive: epoll, io_uring or NIO.
public final class Transport {
    /// What drives the sockets.
    public enum Kind {
        EPOLL,
        IO_URING,
        NIO
    }

    private final Kind kind;
    private final @Nullable String fallbackReason;
    private final MultiThreadIoEventLoopGroup group;
    private final List<Loop> loops;
    private final PooledByteBufAllocator allocator;

    private Transport(Kind kind, @Nullable String fallbackReason, int loopCount) {
        this.kind = kind;
        this.fallbackReason = fallbackReason;
        group =
                new MultiThreadIoEventLoopGroup(
                        loopCount,
                        new DefaultThreadFactory("loop", false) {
                            private int nextIndex;

                            @Override
                            public synchronized Thread newThread(Runnable work) {
                                Thread thread = super.newThread(work);
                                thread.setName("loop-" + nextIndex++);
                                return thread;
                            }
                        },
                        factory(kind));
        // Pooled, not Netty 4.2's adaptive default: 2.6 against 1.4 µs of user time per small
        // request (measured 2026-11-20).
        allocator =
                new PooledByteBufAllocator(
                        true,
                        0,
                        loopCount,
                        PAGE_BYTES,
                        CHUNK_ORDER,
                        SMALL_CACHE,
                        NORMAL_CACHE,
                        false);
        loops = new ArrayList<>(loopCount);
        for (int index = 0; index < loopCount; index++)
            loops.add(new Loop(index, group.next(), allocator));
    }

    // tcp_info of a socket that listens says there what waits to be accepted (tcp_get_info()).
    private static final int UNACKED = 24;
    private static final int TCP_INFO_BYTES = UNACKED + 4;
    private static final RawUnixChannelOption TCP_INFO =
            new RawUnixChannelOption("TCP_INFO", 6, 11, TCP_INFO_BYTES);

    private static final int PAGE_BYTES = 8192;
    private static final int CHUNK_ORDER = 9; // Chunks of 4 MiB.
    private static final int SMALL_CACHE = 256;
    private static final int NORMAL_CACHE = 64;

    // Of the most that the JVM may have (-XX:MaxDirectMemorySize). In between lies what is lost to
    // fragmentation.
    private static final double TIGHT_TAKEN = 0.9;
    private static final double TIGHT_IN_USE = 0.75;

    /// Starts the loops.
    ///
    /// @param wanted the configured kind; where the host lacks it, NIO serves and [#fallbackReason()] says why
    /// @param loops 0: one per core
    public static Transport open(Kind wanted, int loops) {
        int count = loops == 0 ? Runtime.getRuntime().availableProcessors() : loops;
        Throwable cause =
                switch (wanted) {
                    case EPOLL -> Epoll.unavailabilityCause();
                    case IO_URING -> IoUring.unavailabilityCause();
                    case NIO -> null;
                };
        return cause == null
                ? new Transport(wanted, null, count)
                : new Transport(
                        Kind.NIO, wanted + " is not available here: " + cause.getMessage(), count);
    }

    private static IoHandlerFactory factory(Kind kind) {
        return switch (kind) {
            case EPOLL -> RememberingEpoll.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory();
            case NIO -> NioIoHandler.newFactory();
        };
    }

    public Kind kind() {
        return kind;
    }

    /// Why the wanted kind is not in use, or null.
    public @Nullable String fallbackReason() {
        return fallbackReason;
    }

    public List<Loop> loops() {
        return loops;
    }

    /// Would one more connection take direct memory that those there may need? Memory that has been taken from the system is
    /// not given back at once, but is free for the next buffer: so it must be in use as well.
    public boolean memoryTight() {
        long most = PlatformDependent.maxDirectMemory();
        long taken = PlatformDependent.usedDirectMemory(); // -1 where Netty does not count it.
        if (taken < 0) taken = allocator.metric().usedDirectMemory();
        return taken > most * TIGHT_TAKEN && allocator.pinnedDirectMemory() > most * TIGHT_IN_USE;
    }

    /// A listening socket that several loops may open on one address, and that may be bound before the address is there.
    ///
    /// @param bind an IPv4 address gets an IPv4 socket; an IPv6 one serves both families where it is `[::]`
    /// @param shared may other sockets of this user listen on the same address, or one that overlaps (SO_REUSEPORT)?
    public ServerChannel newServerChannel(InetSocketAddress bind, boolean shared) {
        ServerChannel channel =
                switch (kind) {
                    case EPOLL -> new EpollServerSocketChannel(family(bind));
                    case IO_URING -> new IoUringServerSocketChannel();
                    case NIO -> new NioServerSocketChannel();
                };
        channel.config().setAllocator(allocator);
        channel.config().setOption(ChannelOption.SO_REUSEADDR, true);
        switch (kind) {
            case EPOLL -> {
                channel.config().setOption(EpollChannelOption.SO_REUSEPORT, shared);
                channel.config().setOption(EpollChannelOption.IP_FREEBIND, true);
            }
            case IO_URING -> {
                channel.config().setOption(IoUringChannelOption.SO_REUSEPORT, shared);
                channel.config().setOption(IoUringChannelOption.IP_FREEBIND, true);
            }
            case NIO -> reusePort(channel, shared);
        }
        return channel;
    }

    /// Lets other sockets of this user listen on what overlaps with the address of one that NIO has bound without: one that is closed to make room
    /// would hold the port until its loop next selects.
    public void share(ServerChannel bound) {
        if (kind == Kind.NIO) reusePort(bound, true);
    }

    private static void reusePort(ServerChannel channel, boolean shared) {
        channel.config().setOption(NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT), shared);
    }

    /// A listening socket that was open before this process; for epoll.
    ///
    /// @param descriptor the channel's from now on
    public ServerChannel adopt(int descriptor) {
        var channel = new EpollServerSocketChannel(descriptor);
        channel.config().setAllocator(allocator);
        return channel;
    }

    /// The connection of a client that was accepted from elsewhere; for epoll.
    ///
    /// @param descriptor the channel's from now on
    public SocketChannel adoptClient(int descriptor) {
        return new EpollSocketChannel(descriptor);
    }

    /// Closes a listening socket so that nobody can come any more, whoever has copies of it. Blocks; not from a loop.
    public void end(ServerChannel socket) {
        if (kind == Kind.EPOLL) {
            socket.deregister().awaitUninterruptibly(); // Else its loop hears of it, and complains.
            try {
                ((Socket) ((EpollServerSocketChannel) socket).fd()).shutdown();
            } catch (IOException closed) {
                // That is as good.
            }
        }
        socket.close().awaitUninterruptibly();
    }

    /// How many clients wait in the queue of a listening socket; 0 where that cannot be asked.
    public static int waiting(ServerChannel socket) {
        if (!(socket instanceof UnixChannel) || !socket.isOpen()) return 0;
        ByteBuffer info = socket.config().getOption(TCP_INFO);
        return info == null || info.remaining() < TCP_INFO_BYTES
                ? 0
                : info.order(ByteOrder.nativeOrder()).getInt(UNACKED);
    }

    /// Has every loop a listening socket of its own on one address? With NIO one loop accepts for all.
    public boolean acceptsOnAllLoops() {
        return kind != Kind.NIO;
    }

    /// A socket to a server, of the family of its address: an IPv4 address on an IPv6 socket takes the kernel a detour.
    public SocketChannel newChannel(InetSocketAddress server) {
        SocketChannel channel =
                switch (kind) {
                    case EPOLL -> new EpollSocketChannel(family(server));
                    case IO_URING -> new IoUringSocketChannel();
                    case NIO -> new NioSocketChannel();
                };
        channel.config().setAllocator(allocator);
        return channel;
    }

    /// What to bind for a configured address: `[::]` serves both families, and becomes `0.0.0.0` on a host without IPv6.
    public static InetSocketAddress bindable(InetSocketAddress address) {
        boolean anyIpv6 =
                address.getAddress() instanceof Inet6Address any && any.isAnyLocalAddress();
        return anyIpv6 && !Files.exists(Path.of("/proc/net/if_inet6"))
                ? new InetSocketAddress("0.0.0.0", address.getPort())
                : address;
    }

    private static SocketProtocolFamily family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet4Address
                ? SocketProtocolFamily.INET
                : SocketProtocolFamily.INET6;
    }

    /// Ends all loops; waits for them at most `millis`.
    public void close(long millis) {
        for (Loop loop : loops) loop.executor().execute(loop::stop);
        Future<?> ended = group.shutdownGracefully(0, millis, TimeUnit.MILLISECONDS);
        ended.awaitUninterruptibly(millis);
    }
}
