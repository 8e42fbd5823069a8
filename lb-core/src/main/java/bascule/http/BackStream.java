package bascule.http;

import io.netty.buffer.ByteBuf;

/// The server's side of one exchange: what the exchange may do to it. Whoever is handed a buffer owns it. Confined to one loop.
public interface BackStream {
    /// Begins an exchange on an idle or connecting stream. Bytes of the request may be sent once it is connected.
    void begin(ResponseEvents events, Method method, boolean stripChunks, long nowNanos);

    /// Connects a stream that was begun before there was a connection; the exchange hears of the outcome, maybe before this returns.
    void connect(long nowNanos);

    /// Has it carried an exchange before this one?
    boolean reused();

    /// Can its server say that it did not look at a request, so that even one that may not be repeated can be sent again?
    boolean mayRefuse();

    /// Sends bytes of the request as they stand.
    ///
    /// @param last is this the end of the request?
    void send(ByteBuf out, boolean last, long nowNanos);

    /// The client waits for a 100 before it sends its body: until something comes of the server or of the body, the next step is the
    /// server's.
    void awaitContinue(long nowNanos);

    void flush();

    boolean writable();

    /// Lets the server send more of its response, or holds it back.
    void readResponse(boolean on, long nowNanos);

    /// The exchange is over; the connection goes back to its pool if it may serve again, and is closed otherwise.
    void release(long nowNanos);

    /// The exchange is over before its time; the connection is closed.
    void abort();

    /// From now on bytes are passed both ways as they come (after a 101).
    void tunnel();

    /// Sends FIN to the server: the client's half of a tunnel has ended.
    void endTunnelOutput();
}
