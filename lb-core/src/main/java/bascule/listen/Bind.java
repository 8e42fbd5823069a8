package bascule.listen;

import bascule.net.Loop;
import bascule.net.SegmentFilter;
import bascule.net.SegmentFilter.Silent;
import bascule.net.Transport;
import bascule.systemd.PassedSocket;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// One bound address: a listening socket for each loop (SO_REUSEPORT), so that a connection is born on the loop it stays on. There are more
/// where a process before had more loops: then a loop serves several. It belongs to no listener for good: after a reload the same sockets may let clients in at another's doors, and no client that waits
/// in the kernel's queue is lost. For the daemon's thread; [#open()] and [#address()] for any.
final class Bind {
    private static final int BACKLOG = 4096;

    final List<ServerChannel> sockets = new ArrayList<>();
    private final Transport transport;
    private InetSocketAddress address;
    private boolean filtered; // The silences' lock.

    /// Binds, and lets the kernel queue what comes; nothing is accepted before [#lead].
    ///
    /// @param wanted port 0 = any
    /// @param isOurs does this daemon listen there already, by another of these that [#overlap]s?
    /// @param adopted listening sockets of that address, of the process before; this one's from now on
    /// @throws IOException naming the address; nothing is left open then
    static Bind open(
            Transport transport,
            InetSocketAddress wanted,
            boolean isOurs,
            List<PassedSocket> adopted)
            throws IOException {
        var bind = new Bind(transport, Transport.bindable(wanted));
        try {
            for (PassedSocket each : adopted) bind.adopt(each);
            bind.open(isOurs || !adopted.isEmpty());
            return bind;
        } catch (IOException failure) {
            bind.close();
            throw failure;
        }
    }

    private Bind(Transport transport, InetSocketAddress address) {
        this.transport = transport;
        this.address = address;
    }

    private void adopt(PassedSocket passed) throws IOException {
        passed.queue(BACKLOG);
        ServerChannel socket = transport.adopt(passed.fd());
        socket.config().setAutoRead(false);
        Throwable cause =
                loop(sockets.size()).executor().register(socket).awaitUninterruptibly().cause();
        if (cause != null) throw new IOException("cannot use socket " + passed.name(), cause);
        sockets.add(socket);
        address = passed.address();
    }

    private Loop loop(int socket) {
        return transport.loops().get(socket % transport.loops().size());
    }

    private void open(boolean isOurs) throws IOException {
        boolean onAllLoops = transport.acceptsOnAllLoops();
        // Sockets that share a port let anybody of the same user in, a second daemon too. One that
        // does not share finds it out.
        if (onAllLoops && address.getPort() != 0 && !isOurs)
            open(0, false).close().awaitUninterruptibly();
        int wanted = onAllLoops ? transport.loops().size() : 1;
        while (sockets.size() < wanted) {
            ServerChannel socket = open(sockets.size(), onAllLoops || isOurs);
            transport.share(socket); // With what a reload binds beside it.
            sockets.add(socket);
            // Port 0: the other loops take the same one.
            address = (InetSocketAddress) socket.localAddress();
        }
    }

    private ServerChannel open(int index, boolean shared) throws IOException {
        ServerChannel socket = transport.newServerChannel(address, shared);
        socket.config().setOption(ChannelOption.SO_BACKLOG, BACKLOG);
        socket.config().setAutoRead(false);
        ChannelFuture bound = loop(index).executor().register(socket).awaitUninterruptibly();
        if (bound.isSuccess()) bound = socket.bind(address).awaitUninterruptibly();
        Throwable cause = bound.cause();
        if (cause == null) return socket;
        socket.close().awaitUninterruptibly();
        throw new IOException(
                "cannot bind " + NetUtil.toSocketAddressString(address) + ": " + reason(cause),
                cause);
    }

    /// Without Netty's account of the system call.
    private static String reason(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        return message.substring(message.lastIndexOf(": ") < 0 ? 0 : message.lastIndexOf(": ") + 2);
    }

    /// Can it be that the kernel takes one for the other?
    static boolean overlap(InetSocketAddress one, InetSocketAddress other) {
        return one.getPort() == other.getPort()
                && (one.getAddress().equals(other.getAddress())
                        || one.getAddress().isAnyLocalAddress()
                        || other.getAddress().isAnyLocalAddress());
    }

    /// With the real port.
    InetSocketAddress address() {
        return address;
    }

    boolean open() {
        return sockets.stream().allMatch(ServerChannel::isActive);
    }

    /// Who comes here goes through these doors from now on, one per loop.
    void lead(List<Doorway> doorways) {
        List<CompletableFuture<Void>> led = new ArrayList<>();
        for (int index = 0; index < sockets.size(); index++) {
            ServerChannel socket = sockets.get(index);
            Doorway doorway = doorways.get(index % doorways.size());
            led.add(
                    CompletableFuture.runAsync(
                            () -> {
                                if (socket.pipeline().get(Doorway.class) == doorway) return;
                                if (socket.pipeline().get(Doorway.class) != null)
                                    socket.pipeline().remove(Doorway.class);
                                socket.pipeline().addLast(doorway);
                                socket.config().setAutoRead(true);
                            },
                            doorway.loop().executor()));
        }
        led.forEach(CompletableFuture::join);
    }

    /// Could somebody come here by this address?
    boolean accepts(Silent silent) {
        InetAddress own = address.getAddress();
        return own.isAnyLocalAddress() || own.equals(silent.address());
    }

    /// Says nothing any more to those who ask for these addresses, and to no others. From one thread at a time.
    ///
    /// @return once it is so on all sockets; exceptionally where it cannot be
    CompletableFuture<Void> keepSilent(List<Silent> to) {
        if (to.isEmpty() && !filtered) return CompletableFuture.completedFuture(null);
        filtered = !to.isEmpty();
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (ServerChannel socket : sockets)
            done.add(CompletableFuture.runAsync(() -> keepSilent(socket, to), socket.eventLoop()));
        return CompletableFuture.allOf(done.toArray(CompletableFuture[]::new));
    }

    /// Answers nobody who asks for a connection from now on; who has begun to may come in. For the end: [#keepSilent] knows nothing of it.
    ///
    /// @return once it is so, or cannot be
    CompletableFuture<Void> letNoneBegin() {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (ServerChannel socket : sockets)
            done.add(
                    CompletableFuture.runAsync(
                            () -> SegmentFilter.NO_NEWCOMERS.attach(socket), socket.eventLoop()));
        return CompletableFuture.allOf(done.toArray(CompletableFuture[]::new))
                .exceptionally(_ -> null);
    }

    /// Does a client wait to be let in?
    boolean awaited() {
        for (ServerChannel socket : sockets) if (Transport.waiting(socket) > 0) return true;
        return false;
    }

    private static void keepSilent(ServerChannel socket, List<Silent> to) {
        if (!socket.isOpen()) return; // It was closed by a reload: nobody gets in there.
        if (to.isEmpty()) SegmentFilter.detach(socket);
        else if (!SegmentFilter.of(to).attach(socket))
            throw new UnsupportedOperationException("this transport has no filters");
    }

    /// Closes our copies: who comes waits in the queue of one that is kept elsewhere, if there is one.
    void close() {
        for (ServerChannel socket : sockets) socket.close().awaitUninterruptibly();
    }

    /// Nobody can come here any more, whoever has copies.
    void end() {
        for (ServerChannel socket : sockets) transport.end(socket);
    }
}
