package bascule.http2;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Front;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http1.FrontSettings;
import bascule.http1.Http1Front;
import bascule.net.Connection;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/// A plain connection whose client may know that we speak HTTP/2 (RFC 9113 §3.3): waits until its first bytes are, or cannot become,
/// the preface, and leaves its place to a front that speaks what the client does.
public final class Preface extends Connection implements Front {
    /// As of HTTP/1.1.
    private static final long DRAIN_IDLE_NANOS = 1_000_000_000;

    private final Http2Codec codec;
    private final FrontSettings settings;
    private final RequestHandler handler;
    private final ClientSink sink;
    private @Nullable ClientInfo client;
    private @Nullable ByteBuf pending;
    private int seen;
    private long sinceNanos;
    private boolean replaced;

    public Preface(
            Http2Codec codec, FrontSettings settings, RequestHandler handler, ClientSink sink) {
        super(codec.loop);
        this.codec = codec;
        this.settings = settings;
        this.handler = handler;
        this.sink = sink;
    }

    @Override
    protected void opened() {
        if (context().channel().remoteAddress() instanceof InetSocketAddress peer) {
            client = sink.opened(this, peer);
            sinceNanos = loop.nanoTime();
            loop.wheel().schedule(this, sinceNanos + settings.headerNanos());
        } else {
            close(); // Gone between the accept and now.
        }
    }

    @Override
    protected void received(ByteBuf in) {
        int same = Frames.matching(in, seen);
        seen += same;
        boolean http2 = seen == Frames.prefaceLength();
        boolean undecided = !http2 && same == in.readableBytes();
        ByteBuf all = in;
        ByteBuf before = pending;
        if (before != null) {
            try {
                all = before.writeBytes(in);
            } finally {
                in.release();
            }
            pending = null;
        }
        if (undecided) pending = all;
        else
            replace(
                    http2
                            ? new Http2Front(codec, settings, handler, sink)
                            : new Http1Front(codec.http1, settings, handler, sink),
                    all);
    }

    private void replace(Connection by, ByteBuf in) {
        replaced = true;
        loop.wheel().remove(this);
        if (client != null) sink.closed(this);
        ChannelPipeline pipeline = context().pipeline();
        pipeline.replace(this, null, by);
        ChannelHandlerContext its = pipeline.context(by);
        try {
            by.channelActive(its);
        } catch (OutOfMemoryError none) {
            in.release();
            throw none;
        }
        by.channelRead(its, in);
    }

    @Override
    protected void receivedAll() {}

    @Override
    protected void inputEnded() {
        close(); // Half a preface is no request.
    }

    @Override
    protected void writabilityChanged() {}

    @Override
    protected void expired(long now) {
        if (seen > 0) sink.rejected(Rejection.HEADER_TIME);
        close();
    }

    @Override
    protected void failed(Throwable cause) {
        if (cause instanceof OutOfMemoryError) sink.rejected(Rejection.MEMORY);
        else if (!isPeersDoing(cause)) sink.failed(cause);
        reset();
    }

    @Override
    protected void closed() {
        ByteBuf rest = pending;
        pending = null;
        if (rest != null) rest.release();
        if (client != null && !replaced) sink.closed(this);
    }

    @Override
    public ClientInfo client() {
        ClientInfo known = client;
        if (known == null) throw new IllegalStateException("not open yet");
        return known;
    }

    /// Nothing was asked yet, but may be on its way.
    @Override
    public void drain(long now) {
        if (now - sinceNanos > DRAIN_IDLE_NANOS) close();
    }

    @Override
    public void undrain() {}

    @Override
    public Doing doing() {
        return seen == 0 ? Doing.WAITS : Doing.BEGINS;
    }

    @Override
    public void stop() {
        close();
    }
}
