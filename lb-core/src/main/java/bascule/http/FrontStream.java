package bascule.http;

import io.netty.buffer.ByteBuf;

/// The client's side of one exchange: what the exchange may do to it. HTTP/1.1 has one per connection, HTTP/2 one per stream.
/// Whoever is handed a buffer owns it. Confined to one loop.
public interface FrontStream {
    /// The connection behind the stream.
    ClientInfo client();

    /// Our own end as host and port: the Host of a request that named none. Allocates.
    byte[] localAuthority();

    /// Is the connection behind the stream to end with this exchange, whatever client and server want?
    default boolean draining() {
        return false;
    }

    /// Names who hears of the rest of the request; until [#end] or [#abort].
    void attach(RequestEvents events);

    /// Sends bytes of the response as they stand: a head, body, or both.
    void send(ByteBuf out);

    /// Lets what was sent go out now.
    void flush();

    /// Is there room for more? If not, [RequestEvents#frontWritable()] will tell.
    boolean writable();

    /// Lets the client send more of the body, or holds it back.
    void readBody(boolean on);

    /// The exchange is over and all of its response has been sent.
    ///
    /// @param keepAlive may the client send another request on this connection? If not it is closed, once all has been
    ///     written, in a way that does not destroy what the client has not read yet
    void end(boolean keepAlive);

    /// The exchange is over and its response is cut short: the client must see that.
    void abort();

    /// From now on bytes are passed both ways as they come (after a 101).
    void tunnel(long idleNanos);

    /// Sends FIN to the client: the server's half of a tunnel has ended.
    void endTunnelOutput();
}
