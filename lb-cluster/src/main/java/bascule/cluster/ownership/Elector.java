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

    public List<Action> on(Event event, long nowNanos) {
        throw new UnsupportedOperationException(rules + " " + event + " " + nowNanos);
    }
}
