package bascule.cluster.ownership;

import bascule.cluster.ownership.Claim.Phase;
import org.jspecify.annotations.Nullable;

/// Who owns one floating IP: the decision. Level-triggered: called at every event with all that is known, and always right to call
/// again. What counts as a vote, as gone, as best is worked out by [Elector] and stands in [Facts].
final class Ownership {
    private Ownership() {}

    /// What this node is to the floating IP.
    sealed interface State {
        default Phase phase() {
            return switch (this) {
                case Standby() -> Phase.STANDBY;
                case Probing _ -> Phase.PROBING;
                case Owning _ -> Phase.OWNING;
                case Draining _ -> Phase.DRAINING;
                case Leaving _ -> Phase.LEAVING;
            };
        }

        /// 0 = none of its own.
        default long epoch() {
            return switch (this) {
                case Standby() -> 0;
                case Probing(long epoch, _, _) -> epoch;
                case Owning(long epoch) -> epoch;
                case Draining(long epoch, _, _, _) -> epoch;
                case Leaving(long epoch, _, _, _) -> epoch;
            };
        }

        /// Who is to own it next; -1 = nobody is named.
        default int successor() {
            return switch (this) {
                case Standby(), Probing _, Owning _ -> -1;
                case Draining(_, int to, _, _) -> to;
                case Leaving(_, int to, _, _) -> to;
            };
        }
    }

    record Standby() implements State {}

    /// Wants to own it, and asks for votes.
    ///
    /// @param kept is the address still here, from before a restart or a hand-over that failed? Its lease is not renewed.
    record Probing(long epoch, long sinceNanos, boolean kept) implements State {}

    record Owning(long epoch) implements State {}

    /// The owner still, while clients leave.
    record Draining(long epoch, int to, long sinceNanos, String reason) implements State {}

    /// Not the owner any more, and waits with the address until another is. It cannot go back to [Owning] but by new votes.
    record Leaving(long epoch, int to, long sinceNanos, String reason) implements State {}

    /// What is known when a step is taken.
    ///
    /// @param late was the time since the last turn longer than [Timings#gap]?
    /// @param fit may this node own it, by what it can serve?
    /// @param here is the address on this host?
    /// @param undecided is it there from before a restart, and nobody's yet?
    /// @param known the highest epoch heard of
    /// @param rival another node that owns it or is leaving it, and is not gone; -1 = none
    /// @param rivalOwns does it own, with a claim that beats this node's?
    /// @param invited is the rival leaving to this node?
    /// @param best is no other node that is heard the better one?
    /// @param clear is every other node heard or gone, and enough of them there to vote?
    /// @param voted may this node own it from now on, with the epoch of its state?
    /// @param held may it go on to own it?
    /// @param successor the best of the other nodes that could own it; -1 = none
    /// @param follows could the one named in the state own it still?
    /// @param fitter who has been able to serve more than this node for long enough; -1 = nobody
    /// @param preempting who has a higher priority, and may have it back; -1 = nobody
    /// @param wanted has an operator asked for another owner?
    /// @param drained have the clients left?
    record Facts(
            long nowNanos,
            boolean late,
            boolean carrier,
            boolean fit,
            boolean stopping,
            boolean failed,
            boolean here,
            boolean undecided,
            long known,
            int rival,
            boolean rivalOwns,
            boolean invited,
            boolean best,
            boolean clear,
            boolean voted,
            boolean held,
            int successor,
            boolean follows,
            int fitter,
            int preempting,
            boolean wanted,
            boolean drained) {
        private boolean mayOwn() {
            return fit && !stopping && !failed;
        }

        /// Nobody else's, and nobody else's turn.
        private boolean isFree() {
            return rival < 0 ? best && clear : invited;
        }
    }

    /// What is done to the address when a state is entered.
    enum Effect {
        NONE,
        TAKE,
        RELEASE,
        /// Renew the lease for the last time, and shortly: from here on it only has to last for the hand-over.
        SHORTEN,
        DRAIN,
        UNDRAIN
    }

    /// @param reason as in [Action.Note#reason]; empty where nothing has changed
    /// @param fault is it a loss that holds this node down for a while?
    record Step(State next, Effect effect, String reason, boolean fault) {
        static Step to(State next, String reason) {
            return to(next, Effect.NONE, reason);
        }

        static Step to(State next, Effect effect, String reason) {
            return new Step(next, effect, reason, false);
        }

        static Step stay(State state) {
            return to(state, "");
        }

        static Step lost(String reason) {
            return new Step(new Standby(), Effect.RELEASE, reason, true);
        }
    }

    static Step step(State state, Facts facts, Timings times) {
        return switch (state) {
            case Standby() -> standby(facts);
            case Probing probing -> probing(probing, facts, times);
            case Owning(long epoch) -> {
                Step lost = lost(facts);
                yield lost != null ? lost : owning(epoch, facts);
            }
            case Draining draining -> {
                Step lost = lost(facts);
                yield lost != null ? lost : draining(draining, facts, times);
            }
            case Leaving leaving -> leaving(leaving, facts, times);
        };
    }

    private static Step standby(Facts facts) {
        if (facts.isFree() && facts.carrier && facts.mayOwn())
            return Step.to(new Probing(facts.known + 1, facts.nowNanos, facts.here), "");
        boolean keep = facts.undecided && facts.rival < 0;
        return Step.to(new Standby(), facts.here && !keep ? Effect.RELEASE : Effect.NONE, "");
    }

    private static Step probing(Probing now, Facts facts, Timings times) {
        if (facts.late) return new Step(new Standby(), letGo(now), "gap", false);
        if (!facts.carrier) return new Step(new Standby(), letGo(now), "carrier", false);
        // Who has the address from before may keep it, fit or not, if nobody else could have it.
        if (!facts.isFree() || !now.kept && !facts.mayOwn())
            return Step.to(new Standby(), facts.rival >= 0 ? letGo(now) : Effect.NONE, "yielded");
        if (facts.voted) return Step.to(new Owning(now.epoch), Effect.TAKE, "");
        boolean tooLong = facts.nowNanos - now.sinceNanos >= times.invite();
        return tooLong // Others may be able to get the votes.
                ? new Step(new Standby(), Effect.NONE, "unanswered", true)
                : Step.stay(now);
    }

    private static Effect letGo(Probing now) {
        return now.kept ? Effect.RELEASE : Effect.NONE;
    }

    /// What makes an owner let go at once, whoever may be next; null if nothing does.
    private static @Nullable Step lost(Facts facts) {
        if (facts.late) return Step.lost("gap"); // First of all: another may own it since.
        if (!facts.carrier) return Step.lost("carrier");
        if (facts.rivalOwns) return Step.lost("beaten");
        if (!facts.held) return Step.lost("isolated");
        if (facts.failed) return Step.lost("failed");
        return null;
    }

    private static Step owning(long epoch, Facts facts) {
        long now = facts.nowNanos;
        int next = facts.successor;
        if (next >= 0 && !facts.fit)
            return new Step(new Leaving(epoch, next, now, "unfit"), Effect.SHORTEN, "unfit", true);
        if (next >= 0 && facts.stopping) return drain(epoch, next, now, "stop");
        if (next >= 0 && facts.wanted) return drain(epoch, next, now, "handover");
        if (facts.fitter >= 0)
            return Step.to(
                    new Leaving(epoch, facts.fitter, now, "fitter"), Effect.SHORTEN, "fitter");
        if (facts.preempting >= 0) return drain(epoch, facts.preempting, now, "preempt");
        return Step.stay(new Owning(epoch));
    }

    private static Step drain(long epoch, int to, long now, String reason) {
        return Step.to(new Draining(epoch, to, now, reason), Effect.DRAIN, reason);
    }

    private static Step draining(Draining now, Facts facts, Timings times) {
        if (!facts.follows) return Step.to(new Owning(now.epoch), Effect.UNDRAIN, "kept");
        boolean over = facts.drained || facts.nowNanos - now.sinceNanos >= times.drain();
        if (!over && facts.fit) return Step.stay(now);
        State next = new Leaving(now.epoch, now.to, facts.nowNanos, now.reason);
        return Step.to(next, Effect.SHORTEN, now.reason);
    }

    private static Step leaving(Leaving now, Facts facts, Timings times) {
        if (facts.late) return Step.lost("gap");
        if (!facts.carrier) return Step.lost("carrier");
        if (facts.rivalOwns) return Step.to(new Standby(), Effect.RELEASE, now.reason);
        if (facts.follows && facts.nowNanos - now.sinceNanos < times.invite())
            return Step.stay(now);
        // Above the epoch that the other may be taking with: both are told apart then.
        return Step.to(
                new Probing(facts.known + 2, facts.nowNanos, facts.here), Effect.NONE, "kept");
    }
}
