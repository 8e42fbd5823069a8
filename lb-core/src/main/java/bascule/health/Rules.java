package bascule.health;

import bascule.config.BackendConfig;
import bascule.config.CheckConfig;
import bascule.config.EjectConfig;

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
        long slowStartNanos) {
    static Rules of(BackendConfig config) {
        CheckConfig check = config.check();
        EjectConfig eject = config.eject();
        return new Rules(
                check != null,
                check == null ? 1 : check.rise(),
                check == null ? 1 : check.fall(),
                eject == null ? 0 : eject.errors(),
                eject == null ? 0 : eject.within().toNanos(),
                eject == null ? 0 : eject.duration().toNanos(),
                eject == null ? 0 : eject.atMostPercent(),
                config.slowStart().toNanos());
    }
}
