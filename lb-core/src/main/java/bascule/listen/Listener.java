package bascule.listen;

import bascule.config.ListenerConfig;
import bascule.net.Transport;
import bascule.proxy.Exchanges;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/// An address that Bascule accepts connections on: for every bind one listening socket per loop (SO_REUSEPORT), so that a
/// connection is born on the loop it stays on. Opened, drained and closed by the daemon's thread.
public final class Listener {
    private static final int BACKLOG = 4096;

    private final ListenerConfig config;
    private final Transport transport;
    private final List<Doorway> doorways = new ArrayList<>();
    // Written by the daemon's thread, read by the admin port's.
    private final List<ServerChannel> sockets = new CopyOnWriteArrayList<>();
    private final List<InetSocketAddress> addresses = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();

    /// @param workers one per loop, in the loops' order
    public Listener(
            ListenerConfig config, Transport transport, List<Worker> workers, RouteTable routes) {
        this.config = config;
        this.transport = transport;
        for (Worker worker : workers) {
            doorways.add(
                    new Doorway(
                            config, connections, worker, new Exchanges(worker, config, routes)));
        }
    }

    public String name() {
        return config.name();
    }

    /// Open client connections, over all loops.
    public int connections() {
        return connections.get();
    }

    /// The addresses as bound: with the real port where 0 was asked for.
    public List<InetSocketAddress> addresses() {
        return List.copyOf(addresses);
    }

    /// Is every socket open?
    public boolean open() {
        return !sockets.isEmpty() && sockets.stream().allMatch(ServerChannel::isActive);
    }

    /// Binds every address on every loop.
    ///
    /// @throws IOException naming the address that could not be bound; nothing is left open then
    public void bind() throws IOException {
        try {
            for (InetSocketAddress bind : config.binds()) bind(Transport.bindable(bind));
        } catch (IOException failure) {
            close();
            throw failure;
        }
    }

    private void bind(InetSocketAddress wanted) throws IOException {
        boolean shared = transport.sharesPorts();
        // Sockets that share a port let anybody of the same user in, a second daemon too. One that
        // does not share finds it out.
        if (shared && wanted.getPort() != 0)
            open(wanted, doorways.getFirst(), false).close().awaitUninterruptibly();
        InetSocketAddress address = wanted;
        for (Doorway doorway : shared ? doorways : doorways.subList(0, 1)) {
            ServerChannel socket = open(address, doorway, shared);
            sockets.add(socket);
            address =
                    (InetSocketAddress)
                            socket.localAddress(); // Port 0: the other loops take the same one.
        }
        addresses.add(address);
    }

    private ServerChannel open(InetSocketAddress address, Doorway doorway, boolean shared)
            throws IOException {
        ServerChannel socket = transport.newServerChannel(address, shared);
        socket.config().setOption(ChannelOption.SO_BACKLOG, BACKLOG);
        socket.pipeline().addLast(doorway);
        ChannelFuture bound = doorway.loop().executor().register(socket).awaitUninterruptibly();
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

    /// Accepts no more; running exchanges go on, each the last on its connection.
    public void drain() {
        close();
        for (Doorway doorway : doorways) doorway.loop().executor().execute(doorway::drain);
    }

    /// Ends what is left after the grace time.
    public void stop() {
        List<CompletableFuture<Void>> stopped = new ArrayList<>(doorways.size());
        for (Doorway doorway : doorways) {
            stopped.add(CompletableFuture.runAsync(doorway::stop, doorway.loop().executor()));
        }
        stopped.forEach(CompletableFuture::join);
    }

    private void close() {
        for (ServerChannel socket : sockets) socket.close().awaitUninterruptibly();
        sockets.clear();
    }
}
