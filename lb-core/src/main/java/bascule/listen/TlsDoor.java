package bascule.listen;

import bascule.http.ClientInfo;
import bascule.http.Front;
import bascule.http.Rejection;
import bascule.net.Connection;
import bascule.net.Loop;
import bascule.net.ReceiveBuffers;
import bascule.observe.HandshakeResult;
import bascule.tls.ClientHello;
import bascule.tls.ServerTls;
import bascule.tls.TlsChoice;
import bascule.tls.TlsSession;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/// A client's connection until TLS stands: reads what the client says first, so that the right certificate is at hand, and then gives
/// its place to the protocol that was agreed on. Has `tls.handshake-time` from the accept on. Confined to its loop.
final class TlsDoor extends Connection implements Front {
    private final Doorway doorway;
    private @Nullable ClientInfo client;
    private @Nullable ByteBuf first; // Bytes of a ClientHello that is not complete.
    private @Nullable TlsChoice choice;
    private @Nullable String sni;
    private boolean over;

    TlsDoor(Loop loop, Doorway doorway) {
        super(loop);
        this.doorway = doorway;
    }

    @Override
    public ClientInfo client() {
        ClientInfo known = client;
        if (known == null) throw new IllegalStateException("not open yet");
        return known;
    }

    /// At the accept, and once more when TLS stands.
    @Override
    protected void opened() {
        if (choice == null) accepted();
        else secured(choice);
    }

    private void accepted() {
        if (context().channel().remoteAddress() instanceof InetSocketAddress peer) {
            client = doorway.opened(this, peer);
            loop.wheel().schedule(this, loop.nanoTime() + doorway.handshakeNanos());
        } else {
            over = true;
            close(); // Gone between the accept and now.
        }
    }

    @Override
    protected void received(ByteBuf in) {
        if (over) {
            in.release();
            return;
        }
        ByteBuf all = append(in);
        ClientHello hello = doorway.hello();
        switch (hello.read(all)) {
            case ClientHello.NEED_MORE -> first = all;
            case ClientHello.READ -> greet(hello, all);
            default -> {
                all.release();
                end(HandshakeResult.MALFORMED, Rejection.TLS);
            }
        }
    }

    private ByteBuf append(ByteBuf in) {
        ByteBuf before = first;
        first = null;
        if (before == null) return in;
        if (before.maxFastWritableBytes() < in.readableBytes()) {
            ByteBuf larger;
            try {
                larger = ReceiveBuffers.allocate(loop.allocator(), ClientHello.MOST_BYTES, in);
            } catch (OutOfMemoryError none) {
                before.release();
                throw none;
            }
            larger.writeBytes(before);
            before.release();
            before = larger;
        }
        try {
            // What is more than the longest ClientHello is malformed, wherever it ends.
            return before.writeBytes(in, Math.min(in.readableBytes(), before.writableBytes()));
        } finally {
            in.release();
        }
    }

    /// @param all owned by the callee
    private void greet(ClientHello hello, ByteBuf all) {
        ServerTls tls = doorway.tls();
        TlsChoice chosen = tls == null ? null : tls.choose(hello);
        if (tls == null || chosen == null) {
            all.release();
            if (tls != null)
                write(loop.allocator().directBuffer().writeBytes(ServerTls.unrecognizedName()));
            flush();
            end(HandshakeResult.UNKNOWN_NAME, Rejection.SNI);
            return;
        }
        choice = chosen;
        sni = hello.sni();
        ChannelPipeline pipeline = context().pipeline();
        pipeline.addFirst(chosen.newHandler(loop.allocator()));
        pipeline.fireChannelRead(all);
        pipeline.fireChannelReadComplete();
    }

    private void secured(TlsChoice chosen) {
        if (over) return;
        over = true;
        ChannelPipeline pipeline = context().pipeline();
        TlsSession session = TlsSession.of(pipeline.get(SslHandler.class), chosen, sni);
        loop.wheel().remove(this);
        doorway.closed(this);
        doorway.secured(session, pipeline, this);
    }

    @Override
    protected void handshakeFailed(Throwable cause) {
        end(HandshakeResult.FAILED, Rejection.TLS);
    }

    /// No TLS comes about.
    private void end(HandshakeResult result, Rejection rejection) {
        if (over) return;
        over = true;
        doorway.handshakeFailed(result, rejection);
        close();
    }

    @Override
    protected void receivedAll() {}

    @Override
    protected void inputEnded() {
        end(HandshakeResult.ABORTED, Rejection.TLS);
    }

    @Override
    protected void writabilityChanged() {}

    @Override
    protected void expired(long nowNanos) {
        end(HandshakeResult.TIMEOUT, Rejection.HANDSHAKE_TIME);
    }

    @Override
    protected void failed(Throwable cause) {
        if (!isPeersDoing(cause)) doorway.failed(cause);
        end(HandshakeResult.FAILED, Rejection.TLS);
        reset();
    }

    @Override
    protected void closed() {
        ByteBuf rest = first;
        first = null;
        if (rest != null) rest.release();
        end(HandshakeResult.ABORTED, Rejection.TLS);
        if (client != null) doorway.closed(this);
    }

    @Override
    public void drain(long nowNanos) {} // It has asked for something, and will be told.

    @Override
    public void undrain() {}

    @Override
    public Doing doing() {
        return first == null && choice == null ? Doing.WAITS : Doing.BEGINS;
    }

    @Override
    public void stop() {
        over = true;
        reset();
    }
}
