package bascule.health;

/// What the configuration of a backend says to the state of its servers.
///
/// @param checked is there a check?
/// @param rise passes in a row that bring a server up; 1 or more
/// @param fall failures in a row that bring it down; 1 or more
/// @param ejectErrors failed exchanges that eject a server; 0: nothing does
/// @param withinNanos within this time
/// @param ejectNanos for this time
/// @param atMostPercent of the servers of the backend, rounded down
/// @param slowStartNanos 0: none
record Rules(
        boolean checked,
        int rise,
        int fall,
        int ejectErrors,
        long withinNanos,
        long ejectNanos,
        int atMostPercent,
        long slowStartNanos) {}
