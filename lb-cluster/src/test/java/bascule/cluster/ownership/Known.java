package bascule.cluster.ownership;

import bascule.cluster.ownership.Ownership.Facts;
import java.util.function.Consumer;

/// Facts to be changed one by one; at first those of a node that may own, at peace.
final class Known {
    long now;
    boolean late;
    boolean carrier = true;
    boolean fit = true;
    boolean stopping;
    boolean failed;
    boolean here;
    boolean undecided;
    long known = 7;
    int rival = -1;
    boolean rivalOwns;
    boolean invited;
    boolean best = true;
    boolean clear = true;
    boolean voted = true;
    boolean held = true;
    int successor = -1;
    boolean follows;
    int fitter = -1;
    int preempting = -1;
    boolean wanted;
    boolean drained;

    static Facts but(Consumer<Known> change) {
        var known = new Known();
        change.accept(known);
        return known.facts();
    }

    static Facts but(Facts facts, Consumer<Known> change) {
        var known = new Known();
        known.now = facts.nowNanos();
        known.late = facts.late();
        known.carrier = facts.carrier();
        known.fit = facts.fit();
        known.stopping = facts.stopping();
        known.failed = facts.failed();
        known.here = facts.here();
        known.undecided = facts.undecided();
        known.known = facts.known();
        known.rival = facts.rival();
        known.rivalOwns = facts.rivalOwns();
        known.invited = facts.invited();
        known.best = facts.best();
        known.clear = facts.clear();
        known.voted = facts.voted();
        known.held = facts.held();
        known.successor = facts.successor();
        known.follows = facts.follows();
        known.fitter = facts.fitter();
        known.preempting = facts.preempting();
        known.wanted = facts.wanted();
        known.drained = facts.drained();
        change.accept(known);
        return known.facts();
    }

    private Facts facts() {
        return new Facts(
                now,
                late,
                carrier,
                fit,
                stopping,
                failed,
                here,
                undecided,
                known,
                rival,
                rivalOwns,
                invited,
                best,
                clear,
                voted,
                held,
                successor,
                follows,
                fitter,
                preempting,
                wanted,
                drained);
    }
}
