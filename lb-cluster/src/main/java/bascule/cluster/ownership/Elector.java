package bascule.cluster.ownership;

import bascule.cluster.ownership.Claim.Phase;
import bascule.cluster.ownership.Ownership.Facts;
import bascule.cluster.ownership.Ownership.Leaving;
import bascule.cluster.ownership.Ownership.Owning;
import bascule.cluster.ownership.Ownership.Probing;
import bascule.cluster.ownership.Ownership.Standby;
import bascule.cluster.ownership.Ownership.State;
import bascule.cluster.ownership.Ownership.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// All that one node knows of the others and of each floating IP, and what follows from it. Deterministic: the same events at the same
/// times give the same actions. Here stands what a vote is worth, and what goes out by the clock; the decision is [Ownership]'s.
///
/// A node's vote for a floating IP is a lease: given to one node, told in every beat, worth [Timings#hold] from the moment at which the
/// owner sent what the voter has answered, and not given to another before the voter has not heard of the owner for the longer
/// [Timings#silence]. Nobody owns without a majority of votes; of two nodes, the witness address stands in for one that is gone.
public final class Elector {
    private static final long MS = 1_000_000;

    /// After the take, then the last step again and again.
    private static final long[] ANNOUNCE_MILLIS = {
        0, 20, 50, 100, 200, 400, 700, 1000, 1500, 2000, 2500, 3000, 5000, 10_000
    };

    private static final long ANNOUNCE_AGAIN_NANOS = 60_000 * MS;

    /// Between two announcements that answer others'.
    private static final long CONTEST_NANOS = 100 * MS;

    /// After an action on the address failed, this node does not try again for so long.
    private static final long FAILED_NANOS = 1000 * MS;

    /// Between two ticks the others are told of so many changes at most: what one tells makes others tell.
    private static final int TELLINGS = 8;

    /// Standby, probing, owning: no more steps than that follow from one event.
    private static final int STEPS = 4;

    private final Rules rules;
    private final Timings times;
    private final int self;
    private final @Nullable Other[] others; // null: this node
    private final Seat[] seats;
    private final Pace pace = new Pace();
    private final long startedNanos;
    private long configuration;
    private long turnNanos;
    private boolean stopping;

    private boolean witnessKnown = true; // Until it is told that there is none.
    private boolean witnessCanBeAsked = true;
    private long witnessAskedNanos = Other.NEVER;

    /// What the witness answered last was sent then; or this node could not ask until then.
    private long witnessNanos;

    private long witnessSinceNanos = Other.NEVER;
    private long witnessAnsweredNanos = Other.NEVER;

    private List<Action> actions = new ArrayList<>();
    private List<Claim> told = List.of();
    private int tellings;

    private final Decision decision;

    /// [Ownership#step]; a test may plant a fault in it.
    interface Decision {
        Step step(State state, Facts facts, Timings times);
    }

    /// @param configuration the first 8 bytes of the hash of the configuration in force
    /// @param epochs the highest epoch known of each floating IP, from before a restart; 0 = none
    /// @param leftover is the address still on this host, from before a restart?
    public Elector(
            Rules rules, long configuration, long[] epochs, boolean[] leftover, long nowNanos) {
        this(rules, configuration, epochs, leftover, nowNanos, Ownership::step);
    }

    Elector(
            Rules rules,
            long configuration,
            long[] epochs,
            boolean[] leftover,
            long nowNanos,
            Decision decision) {
        this.decision = decision;
        this.rules = rules;
        this.configuration = configuration;
        times = rules.timings();
        self = rules.self();
        startedNanos = nowNanos;
        turnNanos = nowNanos;
        witnessNanos = nowNanos;
        int floatingIps = rules.floatingIps().size();
        others = new Other[rules.nodes().size()];
        for (int node = 0; node < others.length; node++)
            if (node != self)
                others[node] = new Other(times, !rules.byMajority(), floatingIps, nowNanos);
        seats = new Seat[floatingIps];
        for (int i = 0; i < seats.length; i++) seats[i] = new Seat(i, epochs[i], leftover[i]);
    }

    /// Another configuration is in force, with the same rules: the first 8 bytes of its hash.
    public void configuration(long hash) {
        configuration = hash;
    }

    /// @param nowNanos when the event is handled, never earlier than at the call before
    public List<Action> on(Event event, long nowNanos) {
        actions = new ArrayList<>();
        long pause = nowNanos - turnNanos;
        turnNanos = nowNanos;
        boolean late = pause > times.gap();
        if (pause > 2 * times.tick()) resume(late, nowNanos);
        boolean[] ask = heed(event, nowNanos);
        for (Seat seat : seats) {
            decide(seat, late, nowNanos);
            attend(seat, event instanceof Event.Tick, nowNanos);
        }
        checkWitness(nowNanos);
        tell(event, ask, nowNanos);
        return actions;
    }

    // ---- what is heard

    private void resume(boolean late, long now) {
        for (Other other : others) {
            if (other == null) continue;
            other.resumed(now);
            if (late) other.startAnew(now);
        }
        if (!late) return;
        witnessNanos = now;
        witnessSinceNanos = Other.NEVER;
        for (Seat seat : seats) seat.ableNanos = Other.NEVER;
    }

    /// @return who is to be asked at once
    private boolean[] heed(Event event, long now) {
        var ask = new boolean[others.length];
        switch (event) {
            case Event.Tick() -> {}
            case Event.Heard(int from, Beat beat, long proven, _) -> heard(from, beat, proven, now);
            case Event.Unreachable(int node) -> ask[node] = other(node).refused(now);
            case Event.View(var nodes) -> {
                for (int node = 0; node < others.length; node++)
                    ask[node] = node != self && other(node).view(nodes.contains(node));
            }
            case Event.Stranger(int node, String why) -> other(node).stranger(why);
            case Event.Fit(int i, int fitness, String reason) -> {
                seats[i].fitness = fitness;
                seats[i].unfit = reason;
            }
            case Event.Carrier(int i, boolean up) -> seats[i].carrier = up;
            case Event.Present(int i, boolean present) -> {
                seats[i].here = present;
                seats[i].undecided &= present;
            }
            case Event.Foreign(int i, _) -> {
                seats[i].contested = true;
                // Another host has it, too: a way there is worth more than what is left over.
                if (seats[i].state instanceof Standby) seats[i].undecided = false;
            }
            case Event.Witness(long asked) -> witnessed(asked);
            case Event.WitnessKnown(boolean known, boolean canBeAsked) -> {
                witnessKnown = known;
                witnessCanBeAsked = canBeAsked;
            }
            case Event.Drained(int i) -> seats[i].drained = true;
            case Event.HandOver(int i) -> seats[i].wanted = true;
            case Event.Stop() -> stopping = true;
            case Event.Failed(int i, String cause) -> {
                seats[i].failedNanos = now;
                seats[i].failure = cause;
            }
        }
        return ask;
    }

    private void heard(int from, Beat beat, long proven, long now) {
        boolean sameRules = beat.claims().size() == seats.length;
        other(from).heard(beat, sameRules, self, proven, now);
        if (!sameRules) return;
        for (Seat seat : seats) {
            Claim claim = beat.claims().get(seat.floatingIp);
            seat.learn(Math.max(claim.epoch(), claim.promisedEpoch()));
            if (claim.phase() == Phase.STANDBY) takeBackVote(seat, from);
            else vote(seat, from, claim.epoch(), now);
            if (claim.phase().owns() && seat.state.phase().owns()) seat.contested = true;
        }
    }

    private void witnessed(long asked) {
        if (asked - witnessNanos < 0) return;
        witnessNanos = asked;
        witnessAnsweredNanos = asked;
        if (witnessSinceNanos == Other.NEVER) witnessSinceNanos = asked;
    }

    /// This node was not cut off at some moment: so the other has heard one of the beats before it, and takes nothing within `silence` of
    /// that.
    private long heardOfUntil(long moment) {
        long sent = pace.before(moment, times.burstBeats());
        return sent == Other.NEVER ? sent : sent + times.silence() - times.tick();
    }

    // ---- votes

    /// Gives this node's vote to one that wants to own, or owns, if it is free.
    private void vote(Seat seat, int node, long epoch, long now) {
        boolean mine = seat.promisedTo == node;
        if (!mine && !isVoteFree(seat, node, now)) return;
        seat.promisedTo = node;
        seat.promisedEpoch = epoch;
        seat.learn(epoch);
    }

    private boolean isVoteFree(Seat seat, int node, long now) {
        // What it promised before a restart it does not know: by now that is void.
        if (now - startedNanos < times.silence()) return false;
        if (node != self && ownerBeside(seat, node, now)) return false;
        int holder = seat.promisedTo;
        if (holder < 0) return true;
        if (holder == self)
            return seat.state instanceof Standby
                    || seat.state instanceof Leaving(_, int to, _, _) && to == node;
        if (other(holder).isForfeit(now)) return true;
        Claim claim = other(holder).claim(seat.floatingIp);
        return claim != null && claim.phase() == Phase.LEAVING && claim.successor() == node;
    }

    /// Is another node heard that owns it?
    private boolean ownerBeside(Seat seat, int node, long now) {
        for (int i = 0; i < others.length; i++) {
            if (i == self || i == node || other(i).isGone(now)) continue;
            Claim claim = other(i).claim(seat.floatingIp);
            if (claim != null && claim.phase().owns()) return true;
        }
        return false;
    }

    private static void takeBackVote(Seat seat, int node) {
        if (seat.promisedTo == node) seat.promisedTo = -1;
    }

    /// Has this node all it needs to own it from now on, or to go on to own it?
    private boolean isGranted(Seat seat, long epoch, boolean take, long now) {
        if (seat.promisedTo != self || seat.promisedEpoch != epoch) return false;
        // An epoch may be one that another boot of this node had, if that one's are lost: so a vote
        // for it, told late by who was away, is not worth anything.
        long fresh = Math.min(times.hold(), now - seat.soughtNanos + 1);
        int votes = 1;
        for (Other other : others)
            if (other != null && other.hasVotedFor(seat.floatingIp, epoch, fresh, now)) votes++;
        if (votes >= rules.majority()) return true;
        return !rules.byMajority() && (take ? mayTakeAlone(seat, now) : mayStayAlone(seat, now));
    }

    /// Of two nodes: the other does not vote. Is it gone, and is it not this one that is cut off?
    private boolean mayTakeAlone(Seat seat, long now) {
        Other other = other(1 - self);
        if (other.isDeadNow(now)) return true;
        // It lets go once it has heard that this node could own it, and does not hear it.
        if (seat.ableNanos == Other.NEVER || !other.isSilent(now)) return false;
        if (now - Other.later(seat.ableNanos, other.quietNanos()) < times.silence()) return false;
        if (!witnessKnown) return true;
        return isWitnessed(now)
                && witnessSinceNanos != Other.NEVER
                && now - witnessSinceNanos >= times.returning();
    }

    /// Of two nodes: the other does not vote. Could it take the address meanwhile?
    private boolean mayStayAlone(Seat seat, long now) {
        Other other = other(1 - self);
        if (other.isDeadNow(now)) return true;
        boolean rival = other.isForeign() || isAble(1 - self, seat);
        if (rival && other.isDeafTo(pace, now)) return false;
        return isWitnessed(now);
    }

    private boolean isWitnessed(long now) {
        // Where there is none to ask, it is taken to answer at once.
        long moment = witnessKnown ? witnessAnsweredNanos : now;
        if (moment == Other.NEVER) return false;
        if (other(1 - self).isAway(now)) return now - moment < times.alone();
        long until = heardOfUntil(moment);
        return until != Other.NEVER && now - until < 0;
    }

    // ---- who could own it

    /// By what it said last.
    private boolean isAble(int node, Seat seat) {
        Claim claim = other(node).claim(seat.floatingIp);
        return claim != null
                && claim.fitness() >= 0
                && !other(node).isStopping()
                && !rules.nodes().get(node).witness();
    }

    private boolean isCandidate(int node, Seat seat, long now) {
        return node != self && other(node).isHeard(now) && isAble(node, seat);
    }

    private boolean isBetter(int one, int other, Seat seat, long now) {
        return Ranking.isBetter(
                rules,
                seat.floatingIp,
                one,
                claimOf(one, seat, now),
                other,
                claimOf(other, seat, now),
                configurationOf(one) == configurationOf(other));
    }

    private Claim claimOf(int node, Seat seat, long now) {
        return node == self
                ? claim(seat, now)
                : Objects.requireNonNull(other(node).claim(seat.floatingIp));
    }

    /// Can it serve more? With another configuration only: can it serve, while this node cannot?
    private boolean isFitter(int node, Seat seat) {
        Claim claim = Objects.requireNonNull(other(node).claim(seat.floatingIp));
        int mine = fitness(seat);
        if (claim.heldDown()) return false;
        return isSameConfiguration(node)
                ? claim.fitness() > mine
                : mine <= 0 && claim.fitness() > 0;
    }

    private boolean isSameConfiguration(int node) {
        return configurationOf(node) == configuration;
    }

    private long configurationOf(int node) {
        return node == self
                ? configuration
                : Objects.requireNonNull(other(node).beat()).configuration();
    }

    /// Who does not see the witness may own still, but anybody who sees it is fitter.
    private int fitness(Seat seat) {
        return isWitnessLost() ? Math.min(seat.fitness, 0) : seat.fitness;
    }

    private boolean isWitnessLost() {
        return witnessKnown && turnNanos - witnessNanos >= 2 * times.refresh() + times.hold();
    }

    private String witnessFault() {
        return witnessCanBeAsked ? "the witness does not answer" : "the witness cannot be asked";
    }

    // ---- the decision

    private void decide(Seat seat, boolean late, long now) {
        boolean able =
                seat.carrier
                        && seat.fitness >= 0
                        && !stopping
                        && !rules.nodes().get(self).witness();
        if (!able) seat.ableNanos = Other.NEVER;
        else if (seat.ableNanos == Other.NEVER) seat.ableNanos = now;
        for (int node = 0; node < others.length; node++) {
            if (node == self) continue;
            boolean fit = isCandidate(node, seat, now);
            other(node).compare(seat.floatingIp, fit, fit && isFitter(node, seat), now);
        }
        boolean noted = false;
        for (int i = 0; i < STEPS; i++) {
            State before = seat.state;
            if (before instanceof Probing(long epoch, _, _)) vote(seat, self, epoch, now);
            Facts facts = facts(seat, late && i == 0, now);
            Step step = decision.step(before, facts, times);
            boolean changes = !step.next().equals(before);
            perform(seat, step, now);
            if (!changes) break;
            noted = true;
            enter(seat, step, facts.rival(), now);
        }
        seat.wanted = false;
        learnOwner(seat, noted, now);
    }

    private void enter(Seat seat, Step step, int rival, long now) {
        State before = seat.state;
        State after = step.next();
        seat.state = after;
        seat.learn(after.epoch());
        if (after instanceof Standby) takeBackVote(seat, self);
        if (after instanceof Probing) {
            seat.soughtNanos = now;
            probe(seat, now);
        }
        if (before instanceof Leaving && after instanceof Probing) seat.undecided = seat.here;
        if (before instanceof Probing && after instanceof Owning && seat.drainTold) undrain(seat);
        if (step.fault()) seat.holdDown(step.reason(), times, now);
        String reason = step.reason().isEmpty() ? occasion(seat) : step.reason();
        note(seat, before.phase(), after.phase().owns() ? self : rival, reason, detail(seat, step));
    }

    private String detail(Seat seat, Step step) {
        return switch (step.reason()) {
            case "failed" -> seat.failure;
            case "unfit" -> seat.unfit;
            case "fitter" -> isWitnessLost() ? witnessFault() : "";
            case "kept" -> "the other node could not take it";
            default -> "";
        };
    }

    /// Why it may be taken.
    private String occasion(Seat seat) {
        int last = seat.lastOwner;
        if (last < 0) return "start";
        if (last == self) return "returned";
        if (other(last).isDead()) return "dead";
        return other(last).isGone(turnNanos) ? "silent" : "released";
    }

    private void note(Seat seat, Phase before, int owner, String reason, String detail) {
        Phase after = seat.state.phase();
        actions.add(
                new Action.Note(
                        seat.floatingIp, before, after, epoch(seat), owner, reason, detail));
    }

    /// The epoch of whoever owns it, or the highest heard of.
    private static long epoch(Seat seat) {
        return seat.state instanceof Standby ? seat.known : seat.state.epoch();
    }

    /// Keeps in mind who owns it, and says so if this node has nothing to do with it.
    private void learnOwner(Seat seat, boolean noted, long now) {
        int owner = seat.state.phase().owns() ? self : rival(seat, now);
        Claim claim = owner < 0 || owner == self ? null : other(owner).claim(seat.floatingIp);
        if (claim != null && !claim.phase().owns()) return; // It is on its way.
        long epoch = claim == null ? epoch(seat) : claim.epoch();
        boolean same = owner == seat.owner && (owner < 0 || epoch == seat.ownerEpoch);
        seat.owner = owner;
        seat.ownerEpoch = epoch;
        String reason = owner >= 0 ? "told" : occasion(seat);
        if (owner >= 0) seat.lastOwner = owner;
        if (!same && !noted && seat.state instanceof Standby)
            actions.add(
                    new Action.Note(
                            seat.floatingIp,
                            Phase.STANDBY,
                            Phase.STANDBY,
                            epoch,
                            owner,
                            reason,
                            ""));
    }

    private Facts facts(Seat seat, boolean late, long now) {
        int rival = rival(seat, now);
        Claim theirs = rival < 0 ? null : other(rival).claim(seat.floatingIp);
        State state = seat.state;
        return new Facts(
                now,
                late,
                seat.carrier,
                fitness(seat) >= 0 && !rules.nodes().get(self).witness(),
                stopping,
                Other.isWithin(seat.failedNanos, FAILED_NANOS, now),
                seat.here,
                seat.undecided,
                seat.known,
                rival,
                theirs != null && theirs.phase().owns() && beats(rival, theirs, seat, now),
                theirs != null && theirs.phase() == Phase.LEAVING && theirs.successor() == self,
                best(seat, true, now) == self,
                isClear(seat, now),
                state instanceof Probing(long epoch, _, _) && isGranted(seat, epoch, true, now),
                isGranted(seat, state.epoch(), false, now),
                best(seat, false, now),
                state.successor() >= 0 && isCandidate(state.successor(), seat, now),
                fitter(seat, now),
                preempting(seat, now),
                seat.wanted,
                seat.drained);
    }

    /// Another node that owns it or leaves it, by what it said last; who owns before who leaves, then the later epoch. A node with other
    /// rules cannot be understood: it may own everything.
    private int rival(Seat seat, long now) {
        int found = -1;
        Claim most = null;
        for (int node = 0; node < others.length; node++) {
            if (node == self || rules.nodes().get(node).witness() || other(node).isGone(now))
                continue;
            Claim claim = other(node).claim(seat.floatingIp);
            if (claim == null) {
                if (other(node).isForeign() && found < 0) found = node;
                continue;
            }
            if (!claim.phase().owns() && claim.phase() != Phase.LEAVING) continue;
            boolean more =
                    most == null
                            || (claim.phase().owns() == most.phase().owns()
                                    ? claim.epoch() > most.epoch()
                                    : claim.phase().owns());
            if (!more) continue;
            found = node;
            most = claim;
        }
        return found;
    }

    private boolean beats(int rival, Claim theirs, Seat seat, long now) {
        long mine = seat.state.epoch();
        return theirs.epoch() > mine || theirs.epoch() == mine && isBetter(rival, self, seat, now);
    }

    /// The best candidate; -1 = none.
    private int best(Seat seat, boolean withSelf, long now) {
        int best = withSelf ? self : -1;
        for (int node = 0; node < others.length; node++) {
            if (!isCandidate(node, seat, now)) continue;
            if (best < 0 || isBetter(node, best, seat, now)) best = node;
        }
        return best;
    }

    /// Does this node know of each other where it stands, and are enough of them there?
    private boolean isClear(Seat seat, long now) {
        int heard = 1;
        for (Other other : others) {
            if (other == null) continue;
            if (other.isHeard(now)) heard++;
            else if (!other.isGone(now)) return false;
        }
        return heard >= rules.majority() || !rules.byMajority() && mayTakeAlone(seat, now);
    }

    private int fitter(Seat seat, long now) {
        for (int node = 0; node < others.length; node++)
            if (isCandidate(node, seat, now)
                    && other(node).isFitterFor(seat.floatingIp, times.stable(), now)) return node;
        return -1;
    }

    private int preempting(Seat seat, long now) {
        if (!rules.floatingIps().get(seat.floatingIp).preempt()) return -1;
        for (int node = 0; node < others.length; node++) {
            if (!isCandidate(node, seat, now) || !isSameConfiguration(node)) continue;
            if (rules.nodes().get(node).priority() <= rules.nodes().get(self).priority()) continue;
            if (!other(node).isFitFor(seat.floatingIp, times.preemptAfter(), now)) continue;
            if (isBetter(node, self, seat, now) && !claimOf(node, seat, now).heldDown())
                return node;
        }
        return -1;
    }

    // ---- what is done

    private void perform(Seat seat, Step step, long now) {
        int i = seat.floatingIp;
        switch (step.effect()) {
            case NONE -> {}
            case TAKE -> take(seat, step.next().epoch(), now);
            case RELEASE -> {
                boolean again = step.next().equals(seat.state);
                if (again && Other.isWithin(seat.releasedNanos, times.refresh(), now)) return;
                seat.releasedNanos = now;
                seat.undecided = false;
                actions.add(new Action.Release(i));
            }
            case SHORTEN -> actions.add(new Action.Refresh(i, times.lease()));
            case DRAIN -> {
                seat.drained = false;
                seat.drainTold = true;
                actions.add(new Action.Drain(i));
            }
            case UNDRAIN -> undrain(seat);
        }
    }

    private void undrain(Seat seat) {
        seat.drainTold = false;
        actions.add(new Action.Undrain(seat.floatingIp));
    }

    private void take(Seat seat, long epoch, long now) {
        seat.leaseNanos = lease(seat, now);
        seat.here = true; // Until the kernel says otherwise.
        seat.undecided = false;
        seat.takenNanos = now;
        seat.refreshedNanos = now;
        seat.announcements = 0;
        actions.add(new Action.Take(seat.floatingIp, epoch, seat.leaseNanos));
        announceOnTime(seat, now);
    }

    private long lease(Seat seat, long now) {
        return couldAnother(seat, now) ? times.lease() : times.soloLease();
    }

    private boolean couldAnother(Seat seat, long now) {
        for (int node = 0; node < others.length; node++)
            if (isCandidate(node, seat, now)
                    || node != self && other(node).isForeign() && other(node).isHeard(now))
                return true;
        return false;
    }

    /// What an owner does by the clock.
    private void attend(Seat seat, boolean tick, long now) {
        if (!seat.state.phase().owns()) {
            seat.contested = false;
            if (tick && seat.undecided && !Other.isWithin(seat.probedNanos, times.refresh(), now))
                probe(seat, now);
            return;
        }
        if (!seat.here && now - seat.takenNanos >= times.tick())
            take(seat, seat.state.epoch(), now);
        if (seat.contested && now - seat.announcedNanos >= CONTEST_NANOS) announce(seat, now);
        if (!tick) return;
        long lease = lease(seat, now);
        if (lease < seat.leaseNanos || now - seat.refreshedNanos >= times.refresh()) {
            seat.leaseNanos = lease;
            seat.refreshedNanos = now;
            actions.add(new Action.Refresh(seat.floatingIp, lease));
        }
        announceOnTime(seat, now);
    }

    private void announceOnTime(Seat seat, long now) {
        int done = seat.announcements;
        boolean due =
                done < ANNOUNCE_MILLIS.length
                        ? now - seat.takenNanos >= ANNOUNCE_MILLIS[done] * MS
                        : now - seat.announcedNanos >= ANNOUNCE_AGAIN_NANOS;
        if (!due) return;
        seat.announcements = Math.min(done + 1, ANNOUNCE_MILLIS.length);
        announce(seat, now);
    }

    private void probe(Seat seat, long now) {
        seat.probedNanos = now;
        actions.add(new Action.Probe(seat.floatingIp));
    }

    private void announce(Seat seat, long now) {
        seat.contested = false;
        seat.announcedNanos = now;
        actions.add(new Action.Announce(seat.floatingIp));
    }

    // ---- what is told

    private void tell(Event event, boolean[] ask, long now) {
        List<Claim> claims = new ArrayList<>(seats.length);
        boolean probing = false;
        for (Seat seat : seats) {
            claims.add(claim(seat, now));
            probing |= seat.state instanceof Probing;
        }
        if (event instanceof Event.Heard(int from, Beat beat, _, int via) && beat.ask())
            actions.add(new Action.Answer(from, beat(false, claims), via));
        boolean tick = event instanceof Event.Tick;
        if (tick) tellings = 0;
        // What is left over is told at the next tick.
        boolean changed = tellings < TELLINGS && !claims.equals(told);
        if (changed) tellings++;
        if (tick || changed) told = claims;
        for (int node = 0; node < others.length; node++) {
            if (node == self || !tick && !changed && !ask[node]) continue;
            boolean asks = ask[node] || probing || other(node).isDoubtful(now);
            other(node).sent(asks && tick);
            actions.add(new Action.Send(node, beat(asks, claims)));
        }
        if (!tick) return;
        pace.sent(now);
        askWitness(now);
    }

    private Beat beat(boolean ask, List<Claim> claims) {
        return new Beat(configuration, ask, stopping, claims);
    }

    private Claim claim(Seat seat, long now) {
        // What has been taken in this turn may fail yet: that is told in the next.
        boolean fresh = seat.state instanceof Owning && seat.takenNanos == now;
        return new Claim(
                fresh ? Phase.PROBING : seat.state.phase(),
                epoch(seat),
                fresh ? -1 : seat.owner,
                seat.state.successor(),
                fitness(seat),
                seat.isHeldDown(now),
                seat.promisedTo,
                seat.promisedEpoch);
    }

    /// All the time while the other node does not vote, else now and then.
    private void askWitness(long now) {
        if (!witnessKnown) return;
        boolean answered =
                witnessAskedNanos == Other.NEVER || witnessAskedNanos - witnessNanos <= 0;
        if (answered
                && !isWitnessNeeded(now)
                && Other.isWithin(witnessAskedNanos, times.refresh(), now)) return;
        witnessAskedNanos = now;
        actions.add(new Action.AskWitness());
    }

    private boolean isWitnessNeeded(long now) {
        if (rules.byMajority() || others.length == 1) return false;
        Other other = other(1 - self);
        if (!Other.isWithin(other.provenNanos(), 3 * times.tick(), now)) return true;
        for (Seat seat : seats)
            if (seat.state.phase().owns()
                    && !other.hasVotedFor(
                            seat.floatingIp, seat.state.epoch(), 3 * times.tick(), now))
                return true;
        return false;
    }

    /// A run of answers ends when neither the witness nor the other node was heard for long.
    private void checkWitness(long now) {
        if (rules.byMajority() || others.length == 1) return;
        long proven = other(1 - self).provenNanos();
        boolean near = Other.isWithin(proven, 3 * times.tick() + times.hold(), now);
        if (!near && now - witnessNanos >= times.hold()) witnessSinceNanos = Other.NEVER;
    }

    private Other other(int node) {
        return Objects.requireNonNull(others[node]);
    }

    // ---- what is known

    /// What this node is to a floating IP, and what it knows of it.
    ///
    /// @param owner who is believed to own it, by index; -1 = nobody that is known
    /// @param epoch the highest known
    /// @param eligible may this node own it?
    /// @param reason why not, for people; empty if it may
    /// @param otherFit could another node take it now: fit, and heard?
    public record Standing(
            Phase phase, int owner, long epoch, boolean eligible, String reason, boolean otherFit) {
        /// [#reason] on a node that votes and never owns: nothing is wrong with that.
        public static final String WITNESS = "witness";
    }

    /// What this node knows of another.
    ///
    /// @param heard lately, by any way
    /// @param inView of the membership
    /// @param gone dead, or silent for too long
    public record Peer(boolean heard, boolean inView, boolean gone, boolean stopping) {}

    Phase phase(int floatingIp) {
        return seats[floatingIp].state.phase();
    }

    public Standing standing(int floatingIp) {
        Seat seat = seats[floatingIp];
        String reason = reason(seat, turnNanos);
        return new Standing(
                seat.state.phase(),
                seat.owner,
                seat.known,
                reason.isEmpty(),
                reason,
                couldAnother(seat, turnNanos));
    }

    private String reason(Seat seat, long now) {
        if (rules.nodes().get(self).witness()) return Standing.WITNESS;
        if (stopping) return "stopping";
        // First what the host lacks: it has no carrier for that, too.
        if (seat.fitness < 0) return seat.unfit;
        if (!seat.carrier) return "no carrier";
        if (Other.isWithin(seat.failedNanos, FAILED_NANOS, now)) return seat.failure;
        if (isWitnessLost()) return witnessFault();
        int rival = seat.state.phase().owns() ? -1 : rival(seat, now);
        if (rival >= 0 && other(rival).isForeign())
            return rules.nodes().get(rival).name() + ": " + other(rival).strangeness();
        if (!seat.isHeldDown(now)) return "";
        return switch (seat.downFor) {
            case "gap" -> "too long a pause";
            case "isolated" -> "was cut off";
            case "unanswered" -> "not enough nodes answer";
            default -> "held down: " + seat.downFor;
        };
    }

    /// @param node any but this one
    public Peer peer(int node) {
        Other other = other(node);
        return new Peer(
                other.isHeard(turnNanos),
                other.isInView(),
                other.isGone(turnNanos),
                other.isStopping());
    }
}
