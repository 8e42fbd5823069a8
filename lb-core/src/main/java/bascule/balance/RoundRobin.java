package bascule.balance;

import bascule.server.Server;
import bascule.server.ServerSet;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Smooth weighted round robin. A cycle in which each server stands as often as its weight says, well spread, is computed
/// once per set; a pick is then one atomic add and one look-up. The add is shared by all loops, so each place of a cycle is
/// given out exactly once: over whole cycles the shares are exact, whichever loops do the picking.
///
/// What a server is still owed when the set changes is not forgotten: see [#update].
public final class RoundRobin implements Balancer {
    /// A debt that cannot be paid soon (a server was long away, or the set changed at each pick) is cut to this many picks,
    /// so that no server is flooded or starved for it later.
    private static final double MOST_OWED = 2;

    private static final Cycle NOBODY = new Cycle(new Server[0], new int[0], 0);

    private volatile Cycle cycle = NOBODY;

    /// What each server was owed, in picks, when the current cycle began; of those now unusable, when they left. Confined to
    /// the updater.
    private Map<Server, Double> owed = Map.of();

    /// Nobody to pick until the first update.
    public RoundRobin() {}

    public RoundRobin(ServerSet set) {
        update(set);
    }

    @Override
    public @Nullable Server pick(@Nullable Server avoid, int limit) {
        Cycle current = cycle;
        int length = current.order.length;
        if (length == 0) return null;
        // Who asks again after a failure takes nobody's turn: of two servers the one that is well
        // would be asked by those only who
        // failed at the other, and every newcomer would find that one first.
        long position = avoid == null ? current.position.getAndIncrement() : current.position.get();
        int turn = current.order[(int) (position % length)];
        Server chosen = current.servers[turn];
        return fits(chosen, avoid, limit) ? chosen : another(current.servers, turn, avoid, limit);
    }

    private static boolean fits(Server server, @Nullable Server avoid, int limit) {
        return server != avoid && (limit == Integer.MAX_VALUE || server.taken() < limit);
    }

    /// The next that fits, when the one whose turn it is does not.
    private static @Nullable Server another(
            Server[] servers, int turn, @Nullable Server avoid, int limit) {
        for (int step = 1; step < servers.length; step++) {
            Server next = servers[(turn + step) % servers.length];
            if (fits(next, avoid, limit)) return next;
        }
        return null;
    }

    /// Builds the cycle of the set and enters it where it fits best what the servers are still owed, in the sense of least
    /// squares. Starting each time at the first place would favour the servers that stand there: in a backend of a hundred
    /// servers of which some flap, the last ones could starve.
    ///
    /// Picks made from the old cycle while this runs are not in the account: any stretch of a smooth cycle is nearly fair.
    @Override
    public void update(ServerSet set) {
        Server[] servers = set.usable().toArray(Server[]::new);
        int[] order = SmoothOrder.of(set.weights());
        Map<Server, Double> debts = debts(cycle, owed);
        var kept = new HashMap<Server, Double>(set.all().size());
        for (Server server : set.all()) {
            kept.put(server, Math.clamp(debts.getOrDefault(server, 0.0), -MOST_OWED, MOST_OWED));
        }
        double[] debt = new double[servers.length];
        for (int i = 0; i < debt.length; i++) debt[i] = kept.getOrDefault(servers[i], 0.0);
        owed = kept;
        cycle = new Cycle(servers, order, SmoothOrder.bestStart(order, debt));
    }

    /// What each server is owed now: what it was owed at the start of the cycle, and its share of the picks since, less those
    /// it got.
    private static Map<Server, Double> debts(Cycle cycle, Map<Server, Double> owed) {
        var debts = new HashMap<Server, Double>(owed);
        int length = cycle.order.length;
        if (length == 0) return debts;
        // Whole cycles leave nothing owed.
        int picks = (int) ((cycle.position.get() - cycle.start) % length);
        int[] places = new int[cycle.servers.length];
        int[] got = new int[cycle.servers.length];
        for (int index : cycle.order) places[index]++;
        for (int at = 0; at < picks; at++) got[cycle.order[(cycle.start + at) % length]]++;
        for (int i = 0; i < cycle.servers.length; i++) {
            double share = (double) picks * places[i] / length;
            debts.merge(cycle.servers[i], share - got[i], Double::sum);
        }
        return debts;
    }

    /// The places of one set.
    private static final class Cycle {
        final Server[] servers;
        final int[] order;
        final int start;
        final AtomicLong position; // A billion picks per second fill it in 292 years.

        Cycle(Server[] servers, int[] order, int start) {
            this.servers = servers;
            this.order = order;
            this.start = start;
            position = new AtomicLong(start);
        }
    }
}
