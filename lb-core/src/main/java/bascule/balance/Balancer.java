package bascule.balance;

import bascule.server.Server;
import bascule.server.ServerSet;
import org.jspecify.annotations.Nullable;

/// Which server gets the next exchange: one per backend, shared by all event loops, for as long as its configuration lives.
public sealed interface Balancer permits RoundRobin {
    /// Any event loop; takes no lock and allocates nothing.
    ///
    /// @return a server of the latest set, or null if none is usable. While an update is under way it may be one of the set
    ///     before; a server that went down a moment ago is possible in any case, and the caller's failure handling covers both
    @Nullable Server pick();

    /// From now on these. One thread at a time: the health thread, after whoever built the balancer.
    void update(ServerSet set);
}
