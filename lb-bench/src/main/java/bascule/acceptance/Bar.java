package bascule.acceptance;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What a client may notice at most, and how much it has to have asked for that to mean anything.
///
/// @param atLeast   requests that have to be sent
/// @param failed    of these at most; -1: as many as there are
/// @param refused   of these at most; -1: as many as there are
/// @param outageMillis without service for so long, see [View#of]; infinite: no bar
/// @param inFlight  only what was under way when the daemon ended may have failed, and only by a broken connection
/// @param allFail   a fault was planted: not one may have gone through
record Bar(
        int atLeast,
        int failed,
        int refused,
        double outageMillis,
        boolean inFlight,
        boolean allFail) {
    private static final int ANY = -1;

    /// No request may fail.
    static Bar none(int atLeast) {
        return new Bar(atLeast, 0, 0, Double.POSITIVE_INFINITY, false, false);
    }

    /// Only what was under way may fail.
    static Bar inFlight(int atLeast) {
        return new Bar(atLeast, ANY, 0, Double.POSITIVE_INFINITY, true, false);
    }

    /// No longer than that.
    static Bar outage(int atLeast, double millis) {
        return new Bar(atLeast, ANY, ANY, millis, false, false);
    }

    /// Only counted.
    static Bar counted(int atLeast) {
        return new Bar(atLeast, ANY, ANY, Double.POSITIVE_INFINITY, false, false);
    }

    /// Every one has to fail, or the counting is blind.
    static Bar planted(int atLeast) {
        return new Bar(atLeast, ANY, ANY, Double.POSITIVE_INFINITY, false, true);
    }

    /// Has whoever asks to be served in the end? Not who is only counted.
    boolean wantsService() {
        return failed >= 0 || refused >= 0 || inFlight || !Double.isInfinite(outageMillis);
    }

    /// As a person would say it.
    String text() {
        List<String> parts = new ArrayList<>();
        if (failed >= 0) parts.add(failed + " failed");
        else if (refused >= 0) parts.add(refused + " refused");
        if (inFlight) parts.add("only what was in flight broken");
        if (!Double.isInfinite(outageMillis))
            parts.add("out for ≤ " + String.format(Locale.ROOT, "%.0f", outageMillis) + " ms");
        if (allFail) parts.add("all failed");
        if (parts.isEmpty()) parts.add("counted");
        parts.add("≥ " + atLeast + " sent");
        return String.join(", ", parts);
    }

    /// What of a view breaks it; empty if nothing.
    List<String> broken(View view) {
        List<String> all = new ArrayList<>();
        int sent = view.summary().sent();
        int lost = view.summary().failed();
        int turnedAway = view.refused();
        if (sent < atLeast) all.add("only " + sent + " sent");
        if (failed >= 0 && lost > failed) all.add(lost + " failed");
        if (refused >= 0 && turnedAway > refused) all.add(turnedAway + " refused");
        if (view.summary().outage() > outageMillis)
            all.add(String.format(Locale.ROOT, "out for %.0f ms", view.summary().outage()));
        if (inFlight && view.beside() > 0)
            all.add(view.beside() + " failed that were not in flight");
        if (allFail && lost < sent) all.add((sent - lost) + " went through");
        return all;
    }
}
