package bascule.cluster.ownership;

import bascule.cluster.ownership.Claim.Phase;

/// What is to be done, in this order, at once: whoever carries it out has to check before each that the event it follows from is
/// younger than [Timings#gap].
public sealed interface Action {
    /// Tell a node, by every way there is.
    record Send(int to, Beat beat) implements Action {}

    /// Tell a node, by the way its question came.
    record Answer(int to, Beat beat, int via) implements Action {}

    /// Put the address on this host, or, if it is there, renew its lease.
    record Take(int floatingIp, long epoch, long leaseNanos) implements Action {}

    /// Renew the lease of an address; it is not put back if it is not there.
    record Refresh(int floatingIp, long leaseNanos) implements Action {}

    /// Take the address off this host, whoever put it there.
    record Release(int floatingIp) implements Action {}

    /// Tell the LAN that the address is here: gratuitous ARP, unsolicited neighbour advertisement.
    record Announce(int floatingIp) implements Action {}

    /// Ask the LAN who has the address.
    record Probe(int floatingIp) implements Action {}

    /// Ask the witness address for a sign of life.
    record AskWitness() implements Action {}

    /// Have clients leave: what runs may end, nothing is kept open for more. [Event.Drained] follows.
    record Drain(int floatingIp) implements Action {}

    /// Keep connections open again.
    record Undrain(int floatingIp) implements Action {}

    /// For people and metrics: what this node is to an address has changed.
    ///
    /// @param owner who is believed to own it now, by index; -1 = nobody
    /// @param reason a stable word or two, as in `floating_ip_changes_total`
    /// @param detail the rest, for people; may be empty
    record Note(
            int floatingIp,
            Phase before,
            Phase after,
            long epoch,
            int owner,
            String reason,
            String detail)
            implements Action {}
}
