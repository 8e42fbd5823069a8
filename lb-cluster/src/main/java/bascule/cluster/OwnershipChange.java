package bascule.cluster;

import bascule.cluster.ownership.Claim.Phase;
import org.jspecify.annotations.Nullable;

/// What has changed about a floating IP, as one node sees it.
///
/// @param timeline the same text on every node for all that belongs to one change of owner: `NAME-EPOCH`
/// @param before what this node was to it
/// @param after what it is now
/// @param owner who owns it now; null = nobody that is known
/// @param reason as in `floating_ip_changes_total`
/// @param detail for people; may be empty
public record OwnershipChange(
        String floatingIp,
        String timeline,
        Phase before,
        Phase after,
        long epoch,
        @Nullable String owner,
        String reason,
        String detail) {}
