package bascule.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/// One end of a connection without a kernel: what is written is counted and released.
final class MemoryChannel extends EmbeddedChannel {
    MemoryChannel(ChannelHandler handler) {
        super(handler);
    }

    @Override
    protected SocketAddress localAddress0() {
        return new InetSocketAddress("192.0.2.1", 80);
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return new InetSocketAddress("192.0.2.7", 4711);
    }

    /// As the transport does: bytes, then the end of the burst.
    void receive(ByteBuf bytes) {
        pipeline().fireChannelRead(bytes);
        pipeline().fireChannelReadComplete();
    }

    /// @return bytes written since the last call
    int written() {
        int bytes = 0;
        while (readOutbound() instanceof ByteBuf out) {
            bytes += out.readableBytes();
            out.release();
        }
        return bytes;
    }
}
