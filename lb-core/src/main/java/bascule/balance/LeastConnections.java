package bascule.balance;

import bascule.server.Server;
import bascule.server.ServerSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The server with the fewest exchanges under way for its weight, over all loops; of equals the next in turn.
///
/// Every pick looks at every server: the counts are shared, so a heap of them would need a lock. Loops that pick at the same
/// moment may choose the same server: with L loops the counts of equal servers are never more than L apart.
public final class LeastConnections implements Balancer {
    private static final Choice NOBODY = new Choice(new Server[0], new int[0]);

    private final AtomicInteger turn = new AtomicInteger();
    private volatile Choice choice = NOBODY;

    private record Choice(Server[] servers, int[] weights) {}

    /// Nobody to pick until the first update.
    public LeastConnections() {}

    public LeastConnections(ServerSet set) {
        update(set);
    }

    @Override
    public @Nullable Server pick(@Nullable Server avoid, int limit) {
        Choice current = choice;
        Server[] servers = current.servers;
        int[] weights = current.weights;
        int length = servers.length;
        if (length == 0) return null;
        int at = (turn.getAndIncrement() & Integer.MAX_VALUE) % length;
        Server least = null;
        long leastTaken = 0;
        long leastWeight = 1;
        for (int looked = 0; looked < length; looked++) {
            Server server = servers[at];
            long taken = server.taken();
            // With the exchange to come counted in, an idle server of more weight goes before an
            // idle one of less.
            if (server != avoid
                    && taken < limit
                    && (least == null || (taken + 1) * leastWeight < leastTaken * weights[at])) {
                least = server;
                leastTaken = taken + 1;
                leastWeight = weights[at];
            }
            if (++at == length) at = 0;
        }
        return least;
    }

    @Override
    public void update(ServerSet set) {
        choice = new Choice(set.usable().toArray(Server[]::new), set.weights());
    }
}
