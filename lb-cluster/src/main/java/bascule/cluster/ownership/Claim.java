package bascule.cluster.ownership;

/// What a node says of one floating IP, in each beat: a state, never a command, so that a lost beat costs time and nothing else.
///
/// @param phase what the node is to it
/// @param epoch owning, draining, leaving: that of its ownership; probing: the one it wants; standby: the highest it knows of
/// @param owner who it believes owns it, by index; -1 = nobody it knows of
/// @param successor leaving: who is invited, by index; else -1
/// @param fitness how much of what the address stands for the node can serve, the more the better; -1 = it may not own
/// @param heldDown would rather not take, after a fault
/// @param promisedTo who has the node's vote, by index; -1 = nobody
/// @param promisedEpoch the epoch that it voted for
public record Claim(
        Phase phase,
        long epoch,
        int owner,
        int successor,
        int fitness,
        boolean heldDown,
        int promisedTo,
        long promisedEpoch) {
    /// In the order of their numbers on the wire.
    public enum Phase {
        STANDBY,
        PROBING,
        OWNING,
        DRAINING,
        LEAVING;

        /// Is the node the owner then?
        public boolean owns() {
            return this == OWNING || this == DRAINING;
        }
    }
}
