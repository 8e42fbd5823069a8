package bascule.balance;

import bascule.server.Server;
import bascule.server.ServerSet;
import org.jspecify.annotations.Nullable;

/// Which server gets the next exchange: one per backend, shared by all event loops, for as long as its configuration lives.
public sealed interface Balancer permits LeastConnections, RoundRobin {
    /// Any event loop; takes no lock and allocates nothing.
    ///
    /// @param avoid not this one, which has just failed, and no turn is taken for that; null for no such wish
    /// @param limit not one that has as many places taken, see [Server#taken()]; [Integer#MAX_VALUE] for no bound
    /// @return a server of the latest set, or null if none fits. While an update is under way it may be one of the set
    ///     before; a server that went down a moment ago is possible in any case, and the caller's failure handling covers both
    @Nullable Server pick(@Nullable Server avoid, int limit);

    /// Any server of the latest set, whatever it has to do.
    default @Nullable Server pick() {
        return pick(null, Integer.MAX_VALUE);
    }

    /// From now on these. One thread at a time: the health thread, after whoever built the balancer.
    void update(ServerSet set);
}
