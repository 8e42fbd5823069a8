package bascule.health;

import bascule.server.ServerStatus.Admin;

/// What changes the state of a server.
sealed interface ServerEvent {
    /// A check ended.
    record Checked(boolean passed) implements ServerEvent {}

    /// Exchanges failed through the server's fault.
    ///
    /// @param count 1 or more
    record Failed(int count) implements ServerEvent {}

    /// An operator wants it so.
    record Ordered(Admin wanted) implements ServerEvent {}

    /// Time has passed.
    record Ticked() implements ServerEvent {}

    /// A reload; the rules may be others.
    ///
    /// @param otherCheck is the check another one than before?
    record Reloaded(boolean otherCheck) implements ServerEvent {}
}
