package bascule.net;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

/// Loops without a transport, for tests that bring their own channels.
public final class Loops {
    private Loops() {}

    public static Loop of(EventLoop executor, ByteBufAllocator allocator) {
        return new Loop(0, executor, allocator);
    }
}
