package bascule.net;

import io.netty.buffer.ByteBuf;

/// A connection that does nothing by itself.
final class Silent extends Connection {
    Silent(Loop loop) {
        super(loop);
    }

    @Override
    protected void opened() {}

    @Override
    protected void received(ByteBuf in) {}

    @Override
    protected void receivedAll() {}

    @Override
    protected void inputEnded() {}

    @Override
    protected void writabilityChanged() {}

    @Override
    protected void failed(Throwable cause) {}

    @Override
    protected void closed() {}

    @Override
    protected void expired(long nowNanos) {}
}
