package bascule.cluster.ownership;

import java.util.List;

/// All that one node knows of the others and of each floating IP, and what follows from it. Deterministic: the same events at the same
/// times give the same actions.
@SuppressWarnings("DoNotCallSuggester")
public final class Elector {
    private final Rules rules;

    /// @param epochs the highest epoch known of each floating IP, from before a restart; 0 = none
    /// @param leftover is the address still on this host, from before a restart?
    public Elector(
            Rules rules, long configuration, long[] epochs, boolean[] leftover, long nowNanos) {
        this.rules = rules;
    }

    /// What this node is to a floating IP, and what it knows of it.
    ///
    /// @param owner who is believed to own it, by index; -1 = nobody that is known
    /// @param epoch the highest known
    /// @param eligible may this node own it?
    /// @param reason why not, for people; empty if it may
    /// @param otherFit could another node take it now: fit, and heard?
    public record Standing(
            Claim.Phase phase,
            int owner,
            long epoch,
            boolean eligible,
            String reason,
            boolean otherFit) {}

    /// What this node knows of another.
    ///
    /// @param heard lately, by any way
    /// @param inView of the membership
    public record Peer(boolean heard, boolean inView, boolean stopping) {}

    public Standing standing(int floatingIp) {
        throw new UnsupportedOperationException(String.valueOf(floatingIp));
    }

    public Peer peer(int node) {
        throw new UnsupportedOperationException(String.valueOf(node));
    }

    /// Another configuration is in force, with the same rules: the first 8 bytes of its hash.
    public void configuration(long hash) {
        throw new UnsupportedOperationException(String.valueOf(hash));
    }

    public List<Action> on(Event event, long nowNanos) {
        throw new UnsupportedOperationException(rules + " " + event + " " + nowNanos);
    }
}
