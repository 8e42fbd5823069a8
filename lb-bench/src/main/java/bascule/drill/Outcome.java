package bascule.drill;

import bascule.harness.Recording;
import java.util.Map;

/// What one trial came to. Times in milliseconds, [Double#NaN] where there is none.
///
/// @param sent       requests, to the end
/// @param failed     of those that began before the fault was over
/// @param outage     see [Recording.Summary]
/// @param healing    requests that failed after the fault was over
/// @param bothLive   for so long two hosts lived as owners of one address
/// @param leftover   for so long an address stayed on a host that was dead, hung or cut off; infinite: it did not go while one looked
/// @param moves      how often an address came to a host
/// @param healingMoves the same after the fault was over
/// @param special    what the drill measures beside these
/// @param fault      what was wrong, beside the figures; empty if nothing
/// @param causes     of the failed requests
/// @param lag        how late the client itself was at worst
/// @param folder     where the logs were kept; empty if nowhere
record Outcome(
        int sent,
        int failed,
        double outage,
        int healing,
        double bothLive,
        double leftover,
        int moves,
        int healingMoves,
        double special,
        String fault,
        Map<Recording.Result, Integer> causes,
        double lag,
        String folder) {

    /// A trial that came to nothing.
    static Outcome failed(String why) {
        return new Outcome(
                0, 0, Double.NaN, 0, 0, Double.NaN, 0, 0, Double.NaN, why, Map.of(), 0, "");
    }

    Outcome withFolder(String kept) {
        return new Outcome(
                sent,
                failed,
                outage,
                healing,
                bothLive,
                leftover,
                moves,
                healingMoves,
                special,
                fault,
                causes,
                lag,
                kept);
    }
}
