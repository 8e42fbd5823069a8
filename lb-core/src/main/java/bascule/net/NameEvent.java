package bascule.net;

import java.net.InetAddress;
import java.util.List;

/// What became of a watched name, for the log. At most [HostNames#EVENT_BURST] at once and one per [HostNames#EVENT_PERIOD] for
/// each name; what was left out in between is made up for by telling how things stand then.
public sealed interface NameEvent {
    String host();

    /// The name has other addresses than were told last; never none.
    record Changed(String host, List<InetAddress> addresses) implements NameEvent {}

    /// No look-up succeeds any more, or now for another cause.
    ///
    /// @param cause `nxdomain`, `no-address`, `timeout`, `servfail`, `refused`, `truncated` … ([NameLookup.Found.Trouble])
    /// @param kept  addresses that stay in use
    record NotResolved(String host, String cause, int kept) implements NameEvent {}

    /// Look-ups succeed again.
    record Resolved(String host) implements NameEvent {}

    /// There are more addresses than [HostNames#MOST_ADDRESSES]; those beyond are left out.
    record TooMany(String host, int addresses) implements NameEvent {}
}
