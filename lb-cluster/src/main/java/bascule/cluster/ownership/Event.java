package bascule.cluster.ownership;

import java.util.Set;

/// What happens to a node, as far as ownership is concerned. A node is an index in [Rules#nodes], a floating IP one in
/// [Rules#floatingIps].
public sealed interface Event {
    /// Time passes: handled every [Timings#tick], or later if the thread could not run.
    record Tick() implements Event {}

    /// A node told something, genuine and newer than all that it told before.
    ///
    /// @param provenNanos it was alive after this moment: when we sent what it confirms to have got; [#UNPROVEN] if it confirms nothing
    /// @param via by which way, to be given back in [Action.Answer]; opaque
    record Heard(int from, Beat beat, long provenNanos, int via) implements Event {}

    /// Nobody listens on the owner port of a node (ICMP port unreachable): a hint.
    record Unreachable(int node) implements Event {}

    /// Who is in the membership's view, this node included.
    record View(Set<Integer> nodes) implements Event {
        public View {
            nodes = Set.copyOf(nodes);
        }
    }

    /// A process with our key listens where that node is, and is no node of ours: its file or its version is another one.
    ///
    /// @param why in words; empty = it is so no longer
    record Stranger(int node, String why) implements Event {}

    /// How much of what a floating IP stands for this node can serve.
    ///
    /// @param fitness as in [Claim#fitness]
    /// @param reason why it may not own; empty if it may
    record Fit(int floatingIp, int fitness, String reason) implements Event {}

    /// The interface of a floating IP has a carrier and is up, or not.
    record Carrier(int floatingIp, boolean up) implements Event {}

    /// A floating IP is on this host, or not (any more), as the kernel says.
    record Present(int floatingIp, boolean present) implements Event {}

    /// Somebody on the LAN answered the question who has the address, or announced it unasked; not this host.
    ///
    /// @param hardware the other's hardware address, for the log
    record Foreign(int floatingIp, String hardware) implements Event {}

    /// The witness address answered.
    ///
    /// @param askedNanos what it answered was sent then
    record Witness(long askedNanos) implements Event {}

    /// The witness address is known, or there is none.
    ///
    /// @param canBeAsked has this host a way to ask it? Who cannot ask gets no answer; this is for the words only
    record WitnessKnown(boolean known, boolean canBeAsked) implements Event {}

    /// What ran through this node's listeners has ended, or will be waited for no longer.
    record Drained(int floatingIp) implements Event {}

    /// An operator wants another owner.
    record HandOver(int floatingIp) implements Event {}

    /// The daemon is about to end: every address goes to another node that is fit, if there is one.
    record Stop() implements Event {}

    /// An action on the address failed.
    record Failed(int floatingIp, String cause) implements Event {}

    /// Not a moment that could be meant: see [Heard#provenNanos].
    long UNPROVEN = Long.MIN_VALUE;
}
