package bascule.health;

/// A server's backend, without the server itself, at the moment of an event.
///
/// @param size servers of the backend, this one included
/// @param ejected others that are ejected
/// @param othersUsable may any other be given new work?
/// @param othersShare may any other that would share the work with this one: both backups, or both not?
record Company(int size, int ejected, boolean othersUsable, boolean othersShare) {
    /// May this one be ejected too? An only server never is, nor is the last that is left: a server that fails at times serves
    /// better than none.
    boolean mayEject(Rules rules) {
        return othersUsable && hasRoom(rules);
    }

    /// Would the ejected be within `eject.at-most` with this one among them?
    boolean hasRoom(Rules rules) {
        return (ejected + 1) * 100L <= (long) size * rules.atMostPercent();
    }
}
