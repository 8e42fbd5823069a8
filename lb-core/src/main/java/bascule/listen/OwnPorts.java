package bascule.listen;

import bascule.http.ClientInfo;
import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLongArray;

/// By what a door knows a client that is this daemon itself, come to see whether it would be served: by the port at the client's end,
/// told here before it connects, and by an address that nobody has who does not live on this host. The kernel takes neither 127.0.0.0/8 and
/// ::1 nor an address of its own from outside, and gives a port that is held to nobody else. One bit per port; for any thread.
public final class OwnPorts {
    private final AtomicLongArray bits = new AtomicLongArray((1 << 16) / Long.SIZE);

    /// The daemon holds this port, and is about to come by it.
    public void add(int port) {
        bits.getAndAccumulate(port / Long.SIZE, 1L << port, (all, one) -> all | one);
    }

    public void remove(int port) {
        bits.getAndAccumulate(port / Long.SIZE, 1L << port, (all, one) -> all & ~one);
    }

    boolean isOwn(Channel accepted) {
        return accepted.remoteAddress() instanceof InetSocketAddress peer
                && (bits.get(peer.getPort() / Long.SIZE) & 1L << peer.getPort()) != 0
                && accepted.localAddress() instanceof InetSocketAddress here
                && isHere(peer.getAddress(), here.getAddress());
    }

    /// @param here what the client connected to
    private static boolean isHere(InetAddress peer, InetAddress here) {
        return peer.equals(here) || ClientInfo.unmapped(peer).isLoopbackAddress();
    }
}
