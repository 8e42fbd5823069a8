package bascule.http2;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Front;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.http1.FrontSettings;
import bascule.net.Failure;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/// An HTTP/2 connection from a client: each of its streams is a [bascule.http.FrontStream]. Confined to its loop.
public final class Http2Front extends Http2Connection implements Front {
    /// What a client may send on one request, and on all together, before it was passed on.
    static final int STREAM_WINDOW = 256 * 1024;

    static final int CONNECTION_WINDOW = 1024 * 1024;

    private final FrontSettings settings;
    private final RequestHandler handler;
    private final ClientSink sink;
    private @Nullable ClientInfo client;

    public Http2Front(
            Http2Codec codec, FrontSettings settings, RequestHandler handler, ClientSink sink) {
        super(codec, bounds(settings), false);
        this.settings = settings;
        this.handler = handler;
        this.sink = sink;
    }

    private static Http2Bounds bounds(FrontSettings settings) {
        return new Http2Bounds(
                settings.streams(),
                settings.head().headBytes(),
                settings.head().headerCount(),
                settings.headerNanos(),
                settings.bodyIdleNanos(),
                settings.idleNanos(),
                STREAM_WINDOW,
                CONNECTION_WINDOW);
    }

    FrontSettings settings() {
        return settings;
    }

    byte[] localAuthority() {
        return ClientInfo.authority((InetSocketAddress) context().channel().localAddress());
    }

    @Override
    protected void opened() {
        if (context().channel().remoteAddress() instanceof InetSocketAddress peer) {
            client = sink.opened(this, peer);
            long now = loop.nanoTime();
            start(now);
            if (sink.draining(this)) leave(now); // It came when the others had been told.
        } else {
            close(); // Gone between the accept and now.
        }
    }

    // ---- what comes

    @Override
    void peerOpened(int id, DecodedFields fields, boolean last, long now) {
        Rejection fault = codec.requestText.check(fields);
        if (fault == null) {
            Http2FrontStream stream = codec.lend();
            begin(stream, id);
            stream.request(this, fields, last, now);
        } else if (answers(fault)) {
            Http2FrontStream stream = codec.lend();
            begin(stream, id);
            stream.refuse(this, fault, last, now);
        } else {
            malformed(id, fault);
        }
    }

    /// Is a request that is refused so answered? What is malformed is not: it may not even be a request (RFC 9113 §8.1.1).
    boolean answers(Rejection rejection) {
        return switch (rejection) {
            case PROTOCOL,
                    METHOD,
                    BODY_TOO_LARGE,
                    REQUEST_LINE_TOO_LONG,
                    HEADERS_TOO_LARGE,
                    TOO_MANY_HEADERS ->
                    true;
            default -> false;
        };
    }

    void malformed(int id, Rejection fault) {
        streamError(id, Http2Error.PROTOCOL_ERROR, fault);
    }

    void refuse(Http2FrontStream stream, Rejection rejection, long now) {
        sink.rejected(rejection);
        handler.refuse(stream, rejection, now);
    }

    void begin(Http2FrontStream stream, RequestHead head, ByteBuf in, boolean complete, long now) {
        handler.begin(stream, head, in, complete, true, now);
    }

    @Override
    void peerLeaves(int lastStream, long now) {
        later(); // It may have no stream left.
    }

    @Override
    void settingsChanged(long now) {}

    @Override
    boolean answered(long ping, long now) {
        return false; // We ask nothing.
    }

    @Override
    void streamEnded() {}

    @Override
    void rejected(Rejection rejection) {
        sink.rejected(rejection);
    }

    @Override
    void ends() {}

    @Override
    void gone() {
        if (client != null) sink.closed(this);
    }

    @Override
    void recycle(Http2Stream stream) {
        // One that has sent all may still be held by an exchange that has yet to hear of its end.
        if (stream instanceof Http2FrontStream ours && !ours.attached()) codec.takeBack(ours);
    }

    @Override
    void bug(Throwable cause) {
        if (cause instanceof OutOfMemoryError) sink.rejected(Rejection.MEMORY);
        else sink.failed(cause);
    }

    // ---- the listener's side

    @Override
    public ClientInfo client() {
        ClientInfo known = client;
        if (known == null) throw new IllegalStateException("not open yet");
        return known;
    }

    /// The client is told, and may finish what it has begun. Requests that were on the way are answered as well.
    @Override
    public void drain(long now) {
        leave(now);
    }

    /// GOAWAY cannot be taken back.
    @Override
    public void undrain() {}

    @Override
    public Doing doing() {
        if (isOver()) return pendingBytes() > 0 ? Doing.SERVES : Doing.NEITHER;
        Http2Stream[] all = streams();
        for (Http2Stream each : all)
            if (each instanceof Http2FrontStream stream && !stream.tunnels()) return Doing.SERVES;
        return all.length == 0 ? Doing.WAITS : Doing.NEITHER;
    }

    @Override
    public void stop() {
        leaveNow(Failure.STOPPING);
    }
}
