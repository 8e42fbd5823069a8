package bascule.http;

import bascule.net.Connection;
import java.net.InetSocketAddress;

/// What a client's connection tells its listener, whatever version of HTTP it speaks: it stands, it is gone, what it was refused.
public interface ClientSink {
    /// @param front a [Front], too
    ClientInfo opened(Connection front, InetSocketAddress peer);

    void closed(Connection front);

    /// Has a connection that was [#opened] just now come when clients are to leave? Fronts that were there before have been told so.
    default boolean draining(Connection front) {
        return false;
    }

    void rejected(Rejection rejection);

    void failed(Throwable cause);
}
