package bascule.cluster.ownership;

import bascule.cluster.ownership.Ownership.Standby;
import bascule.cluster.ownership.Ownership.State;

/// What this node is to one floating IP, and keeps in mind of it.
final class Seat {
    private static final long NEVER = Other.NEVER;

    final int floatingIp;

    State state = new Standby();

    /// The highest epoch heard of.
    long known;

    /// This node's vote.
    int promisedTo = -1;

    long promisedEpoch;

    /// When it began to ask for the votes that it has, or wants.
    long soughtNanos;

    /// Who owns it, as far as is known; -1 = nobody.
    int owner = -1;

    long ownerEpoch;

    /// The same, but nobody: -1 = none ever.
    int lastOwner = -1;

    // ---- what was told of this host

    int fitness = -1;
    String unfit = "not checked yet";
    boolean carrier = true;
    boolean here;

    /// It is here from before a restart, or a hand-over came to nothing: it may stay until it is clear whose it is.
    boolean undecided;

    boolean wanted;
    boolean drained;
    boolean drainTold;

    long failedNanos = NEVER;
    String failure = "";

    /// Another host has announced it, or a beat has claimed it: to be answered on the LAN.
    boolean contested;

    /// Since when this node could own it.
    long ableNanos = NEVER;

    // ---- hold-down

    long downNanos = NEVER;
    long downForNanos;
    String downFor = "";

    // ---- what an owner does by the clock

    long takenNanos = NEVER;
    long leaseNanos;
    long releasedNanos = NEVER;
    long refreshedNanos = NEVER;
    long announcedNanos = NEVER;
    long probedNanos = NEVER;
    int announcements;

    Seat(int floatingIp, long known, boolean leftover) {
        this.floatingIp = floatingIp;
        this.known = known;
        here = leftover;
        undecided = leftover;
    }

    void learn(long epoch) {
        known = Math.max(known, epoch);
    }

    boolean isHeldDown(long now) {
        return Other.isWithin(downNanos, downForNanos, now);
    }

    /// Lost by a fault: longer each time, unless the last is long ago.
    void holdDown(String reason, Timings times, long now) {
        boolean again = Other.isWithin(downNanos, downForNanos + times.holdDownMost(), now);
        downForNanos = again ? Math.min(2 * downForNanos, times.holdDownMost()) : times.holdDown();
        downNanos = now;
        downFor = reason;
    }
}
