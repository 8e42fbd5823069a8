package bascule.cluster.ownership;

import java.util.ArrayList;
import java.util.List;

/// All times of ownership, in nanoseconds. The inequalities that keep two live owners apart are in [#broken]; `DESIGN.md` derives them.
///
/// @param tick between two turns of the ownership loop; in each, every other node is sent a beat
/// @param gap a loop that finds so long a time since its last turn lets go of all it owns, first of all
/// @param hold how long a vote, or a sign that the other is dead, lets an owner stay: counted from when it sent what was answered
/// @param silence a node not heard of for so long, on any path, is taken for hung or gone, and what was promised to it is void
/// @param burst of so many nanoseconds' beats in a row at least one gets through, unless the path is cut: an assumption, and needed
///     only where two nodes have a witness address in place of a third node
/// @param lease how long the kernel keeps an address that is not refreshed, while another node could take it
/// @param soloLease the same while none could
/// @param refresh between two refreshments of the lease
/// @param invite how long a hand-over waits for the new owner
/// @param drain how long a planned hand-over waits for running exchanges
/// @param stable how long another node has to be the fitter one before it gets the address
/// @param preemptAfter how long a node with a higher priority has to be fit before it gets the address back
/// @param holdDown after losing an address by a fault: so long a node takes only what no other can; doubled each time, up to
///     `holdDownMost`, and forgotten after so long without a fault
public record Timings(
        long tick,
        long gap,
        long hold,
        long silence,
        long burst,
        long lease,
        long soloLease,
        long refresh,
        long invite,
        long drain,
        long stable,
        long preemptAfter,
        long holdDown,
        long holdDownMost) {
    private static final long MS = 1_000_000;

    /// `detect = fast`.
    public static final Timings FAST = of(25, 200, 200, 250);

    /// `detect = calm`.
    public static final Timings CALM = of(50, 400, 400, 500);

    private static Timings of(long tick, long gap, long hold, long silence) {
        return new Timings(
                tick * MS,
                gap * MS,
                hold * MS,
                silence * MS,
                4 * tick * MS,
                2000 * MS,
                10_000 * MS,
                250 * MS,
                1000 * MS,
                5000 * MS,
                2 * tick * MS,
                30_000 * MS,
                1000 * MS,
                60_000 * MS);
    }

    /// The inequalities that do not hold; none if two live owners are kept apart.
    public List<String> broken() {
        var broken = new ArrayList<String>();
        check(broken, tick > 0, "0 < tick");
        check(broken, hold < silence - tick, "hold < silence - tick");
        check(broken, gap <= silence - tick, "gap <= silence - tick");
        check(broken, 3 * tick <= burst, "3 tick <= burst");
        check(broken, 2 * burst <= silence, "2 burst <= silence");
        check(broken, 4 * refresh <= lease, "4 refresh <= lease");
        check(broken, lease <= soloLease, "lease <= soloLease");
        check(broken, invite + silence <= lease, "invite + silence <= lease");
        check(broken, holdDown <= holdDownMost, "holdDown <= holdDownMost");
        return List.copyOf(broken);
    }

    private static void check(List<String> broken, boolean holds, String inequality) {
        if (!holds) broken.add(inequality);
    }

    /// Of two nodes, one that was away (paused, just started, cut off from the witness) takes nothing for so long after it is back.
    long returning() {
        return 2 * silence;
    }

    /// Of two nodes, one whose companion is away is confirmed by the witness for so long: less than that one takes to be an owner after it is back, and
    /// before that to be heard.
    long alone() {
        return returning() - burst - 2 * tick;
    }

    int burstBeats() {
        return (int) (burst / tick);
    }
}
