package bascule.acceptance;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a JVM's log (`-Xlog:gc,safepoint`) says of how long it stood still.
///
/// @param collections of garbage that stopped it
/// @param longestMillis of these
/// @param stops all, for whatever reason
/// @param longestStopMillis of these, from the call to stop until all go on: on a busy machine that holds waiting for a CPU, too
record Pauses(int collections, double longestMillis, int stops, double longestStopMillis) {
    private static final Pattern COLLECTION =
            Pattern.compile("\\[gc *] GC\\(\\d+\\) Pause .* ([0-9.]+)ms$");
    private static final Pattern STOP =
            Pattern.compile("\\[safepoint *] Safepoint .* Total: *(\\d+) ns");

    static Pauses of(List<String> lines) {
        int collections = 0;
        int stops = 0;
        double longest = 0;
        double longestStop = 0;
        for (String line : lines) {
            Matcher collection = COLLECTION.matcher(line);
            if (collection.find()) {
                collections++;
                longest = Math.max(longest, Double.parseDouble(collection.group(1)));
            }
            Matcher stop = STOP.matcher(line);
            if (stop.find()) {
                stops++;
                longestStop = Math.max(longestStop, Long.parseLong(stop.group(1)) / 1e6);
            }
        }
        return new Pauses(collections, longest, stops, longestStop);
    }
}
