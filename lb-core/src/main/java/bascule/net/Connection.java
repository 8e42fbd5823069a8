package bascule.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.unix.Errors;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// One socket and the deadline that belongs to it. The last handler of its pipeline; before it there is nothing, or TLS, which it
/// need not know of, except for how a connection ends. Every buffer handed to [#write] is owned by Netty from then on. Confined to
/// its loop.
public abstract class Connection extends Deadline implements ChannelInboundHandler {
    /// How long the kernel may take to take a close_notify, where it says so later.
    private static final long LEAVE_MILLIS = 1000;

    protected final Loop loop;
    private @Nullable ChannelHandlerContext context;
    private @Nullable SslHandler tls; // Null = plain.
    private boolean inputOver;
    private boolean closeNotified;
    private boolean unflushed;
    private boolean reading = true;
    @Nullable ConnectionList list;
    @Nullable Connection listPrevious;
    @Nullable Connection listNext;

    protected Connection(Loop loop) {
        this.loop = loop;
    }

    /// The connection stands: accepted, or the connect succeeded, and over TLS the handshake.
    protected abstract void opened();

    /// Bytes came.
    ///
    /// @param in owned by the callee
    protected abstract void received(ByteBuf in);

    /// No more bytes for now; what was written in answer to them should go out.
    protected abstract void receivedAll();

    /// The peer will send no more (FIN, or close_notify); the other direction may still be open, but see [#endsBothWays()].
    protected abstract void inputEnded();

    /// The outgoing buffer passed its high or fell below its low water mark; see [#writable()].
    protected abstract void writabilityChanged();

    /// No TLS came of it; [#closed()] follows. Over plain connections it is never called.
    protected void handshakeFailed(Throwable cause) {
        failed(cause);
    }

    /// Something failed, below or in one of these methods; [#closed()] follows.
    @Override
    protected abstract void failed(Throwable cause);

    /// The socket is gone.
    protected abstract void closed();

    protected final ChannelHandlerContext context() {
        ChannelHandlerContext context = this.context;
        if (context == null) throw new IllegalStateException("not in a pipeline");
        return context;
    }

    /// Is it a TLS connection?
    protected final boolean secure() {
        return tls != null;
    }

    /// What was agreed on by ALPN (RFC 7301), as `h2`; null without TLS, or if nothing was.
    protected final @Nullable String applicationProtocol() {
        SslHandler tls = this.tls;
        return tls == null ? null : tls.applicationProtocol();
    }

    /// Was the end of the input the peer's word? Over TLS only close_notify is: a FIN, anybody on the way can send (RFC 8446 §6.1).
    protected final boolean endedCleanly() {
        return tls == null || closeNotified;
    }

    /// Can no more be sent once the peer has said that it will not either? So it is with TLS: up to 1.2 by its rules (RFC 5246
    /// §7.2.1), later by those of BoringSSL's engine in Netty.
    protected final boolean endsBothWays() {
        return tls != null;
    }

    /// May the socket hold bytes that have not come here? By the last read: it filled its buffer. Over TLS, bytes of that read may be
    /// on their way besides, until [#receivedAll()].
    protected final boolean socketMayHoldMore() {
        var last = context().channel().unsafe().recvBufAllocHandle();
        return last.lastBytesRead() > 0 && last.lastBytesRead() == last.attemptedBytesRead();
    }

    /// Connects to a server.
    ///
    /// @param channel new and not registered yet; in its pipeline TLS, if it is to be used, and nothing else
    /// @param deadlineNanos when this connection's [#expired] is called, unless the deadline is moved before
    /// @return done when TCP stands, or does not; [#opened()] waits for TLS, too
    protected final ChannelFuture dial(
            SocketChannel channel, SocketAddress server, long deadlineNanos) {
        loop.assertInside();
        channel.pipeline().addLast(this);
        loop.executor().register(channel);
        loop.wheel().schedule(this, deadlineNanos);
        return channel.connect(server);
    }

    /// Our end of it: where the peer connected to, or where we did from.
    public final SocketAddress localAddress() {
        return context().channel().localAddress();
    }

    protected final void write(ByteBuf out) {
        ChannelHandlerContext context = context();
        unflushed = true;
        context.write(fitted(out), context.voidPromise());
    }

    /// What has to wait, waits in a buffer of its size: else a peer that takes nothing would hold a whole receive buffer for every
    /// few bytes that came for it, and the water marks, which count bytes, would not see it.
    private ByteBuf fitted(ByteBuf out) {
        int bytes = out.readableBytes();
        if (out.capacity() - bytes <= bytes || pendingBytes() == 0) return out;
        try {
            ByteBuf fitting = loop.allocator().directBuffer(bytes).writeBytes(out);
            out.release();
            return fitting;
        } catch (OutOfMemoryError none) {
            return out; // Which is there, at least.
        }
    }

    public final void flush() {
        if (!unflushed) return;
        unflushed = false;
        context().flush();
    }

    public final boolean writable() {
        return context().channel().isWritable();
    }

    public final boolean open() {
        return context != null && context.channel().isActive();
    }

    /// Bytes written and not yet taken by the kernel.
    protected final long pendingBytes() {
        var buffer = context().channel().unsafe().outboundBuffer();
        if (buffer == null) return 0;
        return buffer.totalPendingWriteBytes()
                - buffer.currentProgress(); // Of a buffer taken in part.
    }

    /// Backpressure: stops or goes on reading from the socket.
    protected final void setReading(boolean on) {
        if (reading == on) return;
        reading = on;
        context().channel().config().setAutoRead(on);
    }

    protected final boolean reading() {
        return reading;
    }

    /// Ends in order; over TLS with close_notify, if the kernel takes it at once: nobody waits for a peer that takes nothing.
    public final void close() {
        ChannelHandlerContext context = this.context;
        if (context == null) return;
        context.close();
        Channel channel = context.channel();
        if (tls == null || !channel.isOpen() || !channel.isRegistered()) return;
        if (channel instanceof IoUringSocketChannel) { // There, a write is never done at once.
            loop.executor()
                    .schedule(() -> closePastTls(channel), LEAVE_MILLIS, TimeUnit.MILLISECONDS);
        } else {
            closePastTls(channel);
        }
    }

    private static void closePastTls(Channel channel) {
        if (channel.isOpen()) channel.unsafe().close(channel.newPromise());
    }

    /// Closes with a RST, and without close_notify, so that the peer cannot take what it got for the whole.
    public final void reset() {
        ChannelHandlerContext context = this.context;
        if (context == null) return;
        Channel channel = context.channel();
        if (channel.isOpen()) channel.config().setOption(ChannelOption.SO_LINGER, 0);
        if (tls == null || !channel.isRegistered()) context.close();
        else closePastTls(channel); // TLS would take its leave.
    }

    /// Holds the last, not full segment of what is flushed next back until the close that follows, so that bytes and FIN leave in
    /// one (TCP_CORK, tcp(7)). Where the transport has no such option, they leave in two.
    protected final void cork() {
        if (context().channel() instanceof EpollSocketChannel channel && channel.isActive())
            channel.config().setTcpCork(true);
    }

    /// Sends FIN after what was written, over TLS behind close_notify. Netty's own would drop what the kernel has not taken yet.
    protected final void shutdownOutput() {
        SslHandler tls = this.tls;
        ChannelFuture all = flushAll();
        (tls == null ? all : tls.closeOutbound())
                .addListener(
                        written -> {
                            if (written.isSuccess()
                                    && context().channel() instanceof DuplexChannel channel)
                                channel.shutdownOutput();
                        });
    }

    /// Writes what waits; the future is done when the kernel has taken it all.
    protected final ChannelFuture flushAll() {
        unflushed = false;
        return context().writeAndFlush(io.netty.buffer.Unpooled.EMPTY_BUFFER);
    }

    /// Is `cause` the peer's doing (reset, broken pipe), and nothing to be logged as ours?
    protected static boolean isPeersDoing(Throwable cause) {
        return cause instanceof Errors.NativeIoException || cause instanceof java.io.IOException;
    }

    @Override
    public final void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        tls = context.pipeline().get(SslHandler.class);
    }

    @Override
    public final void handlerRemoved(ChannelHandlerContext context) {}

    @Override
    public final void channelRegistered(ChannelHandlerContext context) {}

    @Override
    public final void channelUnregistered(ChannelHandlerContext context) {}

    @Override
    public final void channelActive(ChannelHandlerContext context) {
        if (tls == null || tls.handshakeFuture().isSuccess()) opened();
    }

    @Override
    public final void channelRead(ChannelHandlerContext context, Object message) {
        received((ByteBuf) message);
    }

    @Override
    public final void channelReadComplete(ChannelHandlerContext context) {
        receivedAll();
    }

    @Override
    public final void channelWritabilityChanged(ChannelHandlerContext context) {
        writabilityChanged();
    }

    @Override
    public final void userEventTriggered(ChannelHandlerContext context, Object event) {
        switch (event) {
            case ChannelInputShutdownEvent _ -> endInput();
            case SslCloseCompletionEvent notified when notified.isSuccess() -> {
                closeNotified = true;
                endInput();
            }
            case SslHandshakeCompletionEvent handshake -> {
                if (handshake.isSuccess()) opened();
                else handshakeFailed(handshake.cause());
            }
            default -> {}
        }
    }

    /// A close_notify is mostly followed by a FIN.
    private void endInput() {
        if (inputOver) return;
        inputOver = true;
        inputEnded();
    }

    @Override
    @SuppressWarnings(
            "deprecation") // Deprecated on ChannelHandler, from which ChannelInboundHandler
    // inherits it.
    public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        boolean wrapped = cause instanceof DecoderException;
        failed(wrapped && cause.getCause() instanceof SSLException broken ? broken : cause);
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        loop.wheel().remove(this);
        closed();
    }
}
