package bascule.net;

import io.netty.channel.WriteBufferWaterMark;

/// How much may wait to be written to a peer before reading from the other one stops.
public final class Backpressure {
    /// 128 KiB and 64 KiB per connection and direction. One read of 64 KiB may come on top.
    public static final WriteBufferWaterMark MARKS =
            new WriteBufferWaterMark(64 * 1024, 128 * 1024);

    private Backpressure() {}
}
