package bascule.cluster.ownership;

import java.util.List;

/// What a node tells another, every tick and whenever it changes.
///
/// @param configuration the first 8 bytes of the hash of the configuration in force
/// @param ask does the sender want an answer at once, by the way this came?
/// @param stopping is the node about to end?
/// @param claims one for each floating IP, in the order of [Rules]; empty where the sender's indices mean something else
public record Beat(long configuration, boolean ask, boolean stopping, List<Claim> claims) {
    public Beat {
        claims = List.copyOf(claims);
    }
}
