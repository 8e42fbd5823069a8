package bascule.backend;

import bascule.config.BackendConfig;
import bascule.http.BackStream;
import bascule.observe.ServerMetrics;
import bascule.server.Server;
import bascule.server.ServerLink;
import org.jspecify.annotations.Nullable;

/// The connections of one loop to one server, over one [ServerLink], whatever HTTP they speak. Confined to its loop.
public sealed interface ServerConnections permits Http1Pool, Http2Pool {
    Server server();

    ServerMetrics metrics();

    /// What all connections are made over; another one takes other connections.
    ServerLink link();

    /// A reload says otherwise; counts for the connections opened from now on.
    void reconfigure(BackendConfig config);

    /// A stream that a request can go out on at once, or null.
    ///
    /// @param fresh may the request not be sent twice? Then only one whose server is hardly about to close it
    @Nullable BackStream lend(boolean fresh, long nowNanos);

    /// A stream yet to be connected: begin an exchange on it, then [BackStream#connect].
    BackStream open();

    /// Closes what is idle, and the rest as it becomes so.
    void close();
}
