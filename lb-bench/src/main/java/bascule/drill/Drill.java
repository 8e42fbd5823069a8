package bascule.drill;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/// One fault, and what the client may notice of it at most.
///
/// @param name    on the command line
/// @param what    is done
/// @param setup   of the pair
/// @param trials  of Bascule; 0 = as many as the command line says
/// @param rivals  trials of keepalived; 0 = as many as the command line says, -1 = none
/// @param body    one trial
/// @param limits  for Bascule
/// @param special what [Outcome#special] is; empty if nothing
record Drill(
        String name,
        String what,
        Setup setup,
        int trials,
        int rivals,
        Body body,
        List<Limit> limits,
        String special) {
    /// One trial on one bench.
    interface Body {
        Trial run(Bench bench) throws IOException, InterruptedException, Unavailable;
    }

    /// @param text  as a person would say it
    /// @param holds of all trials
    record Limit(String text, Predicate<List<Outcome>> holds) {}

    Drill {
        limits = List.copyOf(limits);
    }

    static Limit typicalOutage(double millis) {
        return new Limit(
                "p50 ≤ " + whole(millis) + " ms",
                all -> Stats.median(Stats.of(all, Outcome::outage)) <= millis);
    }

    static Limit worstOutage(double millis) {
        return new Limit(
                "worst ≤ " + whole(millis) + " ms",
                all -> Stats.most(Stats.of(all, Outcome::outage)) <= millis);
    }

    static Limit noneFailed() {
        return new Limit(
                "0 failed",
                all -> all.stream().allMatch(each -> each.failed() + each.healing() == 0));
    }

    static Limit noneFailedOnHealing() {
        return new Limit(
                "0 failed on return", all -> all.stream().allMatch(each -> each.healing() == 0));
    }

    static Limit noMoveOnHealing() {
        return new Limit(
                "no retake", all -> all.stream().allMatch(each -> each.healingMoves() == 0));
    }

    static Limit noMove() {
        return new Limit("no move", all -> all.stream().allMatch(each -> each.moves() == 0));
    }

    static Limit neverTwo() {
        return new Limit(
                "never two live owners",
                all -> all.stream().allMatch(each -> each.bothLive() == 0));
    }

    static Limit leftover(double millis) {
        return new Limit(
                "leftover ≤ " + whole(millis) + " ms",
                all -> Stats.most(Stats.of(all, Outcome::leftover)) <= millis);
    }

    static Limit worstSpecial(double millis) {
        return new Limit(
                "≤ " + whole(millis) + " ms",
                all -> Stats.most(Stats.of(all, Outcome::special)) <= millis);
    }

    private static String whole(double value) {
        return String.format(Locale.ROOT, "%.0f", value);
    }
}
