package bascule.health;

import bascule.server.ServerStatus;
import bascule.server.ServerStatus.Admin;

/// All that decides whether a server is given work. No clock, thread or I/O here: [Health] feeds events and publishes what
/// follows.
///
/// @param cold will it need a slow start when it becomes usable? Not at the start of the daemon, where all begin together
record ServerState(
        Admin admin, Verdict verdict, Ejection ejection, SlowStart slowStart, boolean cold) {
    /// A server that is watched from now on.
    ///
    /// @param cold was it added by a reload?
    static ServerState born(Admin admin, boolean cold, Rules rules, Company company, long now) {
        Verdict verdict = rules.checked() ? Verdict.UNSEEN : Verdict.TRUSTED;
        return new ServerState(admin, verdict, Ejection.Trusted.NO_FAILURES, SlowStart.DONE, cold)
                .settled(false, rules, company, now);
    }

    ServerState step(ServerEvent event, Rules rules, Company company, long now) {
        ServerState next =
                switch (event) {
                    // The last result of a check may come after the order to stop it.
                    case ServerEvent.Checked(boolean passed) ->
                            checks(rules)
                                    ? with(verdict.after(passed, rules.rise(), rules.fall()))
                                    : this;
                    // What runs out while a server is drained says nothing new.
                    case ServerEvent.Failed(int count) ->
                            usable()
                                    ? with(
                                            ejection.after(
                                                    count, rules, company.mayEject(rules), now))
                                    : this;
                    case ServerEvent.Ordered(Admin wanted) -> ordered(wanted, rules);
                    case ServerEvent.Ticked() ->
                            with(ejection.at(now)).with(slowStart.at(now, rules.slowStartNanos()));
                    case ServerEvent.Reloaded(boolean otherCheck) ->
                            reloaded(otherCheck, rules, company);
                };
        return next.settled(usable(), rules, company, now);
    }

    private ServerState ordered(Admin wanted, Rules rules) {
        Verdict known = verdict;
        // Nobody looked at it meanwhile.
        if (admin == Admin.DISABLED && wanted != Admin.DISABLED)
            known = rules.checked() ? Verdict.UNSEEN : Verdict.TRUSTED;
        // Whoever enables an ejected server wants it back.
        Ejection left = wanted == Admin.ENABLED ? Ejection.Trusted.NO_FAILURES : ejection;
        return new ServerState(wanted, known, left, slowStart, cold);
    }

    private ServerState reloaded(boolean otherCheck, Rules rules, Company company) {
        Verdict kept = otherCheck ? verdict.anew() : verdict;
        boolean stays =
                switch (ejection) {
                    case Ejection.Trusted _ -> rules.ejectErrors() > 0;
                    case Ejection.Ejected _ -> rules.ejectErrors() > 0 && company.hasRoom(rules);
                };
        return with(rules.checked() ? kept : Verdict.TRUSTED)
                .with(stays ? ejection : Ejection.Trusted.NO_FAILURES);
    }

    /// What follows whatever happened: failures are kept of a usable server only, and one that becomes usable begins slowly if it
    /// is cold and others can do the work meanwhile.
    private ServerState settled(boolean wasUsable, Rules rules, Company company, long now) {
        if (!usable()) {
            Ejection kept =
                    switch (ejection) {
                        case Ejection.Trusted _ -> Ejection.Trusted.NO_FAILURES;
                        case Ejection.Ejected ejected -> ejected;
                    };
            boolean unseen = admin == Admin.ENABLED && !verdict.seen();
            return new ServerState(
                    admin, verdict, kept, SlowStart.DONE, cold || wasUsable || !unseen);
        }
        if (wasUsable) return this;
        boolean slowly = cold && company.othersShare() && rules.slowStartNanos() > 0;
        return new ServerState(
                admin, verdict, ejection, slowly ? SlowStart.begin(now) : SlowStart.DONE, false);
    }

    private ServerState with(Verdict verdict) {
        return new ServerState(admin, verdict, ejection, slowStart, cold);
    }

    private ServerState with(Ejection ejection) {
        return new ServerState(admin, verdict, ejection, slowStart, cold);
    }

    private ServerState with(SlowStart slowStart) {
        return new ServerState(admin, verdict, ejection, slowStart, cold);
    }

    /// Is it to be checked?
    boolean checks(Rules rules) {
        return rules.checked() && admin != Admin.DISABLED;
    }

    boolean ejected() {
        return ejection instanceof Ejection.Ejected;
    }

    boolean usable() {
        return admin == Admin.ENABLED && verdict.up() && !ejected();
    }

    /// Does time alone change it?
    boolean isTimed() {
        return ejected() || slowStart.tenths() < SlowStart.ALL;
    }

    ServerStatus status(Rules rules) {
        return new ServerStatus(admin, health(rules));
    }

    private ServerStatus.Health health(Rules rules) {
        if (!verdict.up()) return ServerStatus.Health.DOWN;
        if (ejected()) return ServerStatus.Health.EJECTED;
        return rules.checked() ? ServerStatus.Health.UP : ServerStatus.Health.UNKNOWN;
    }
}
