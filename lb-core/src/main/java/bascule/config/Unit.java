package bascule.config;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A unit of the file.
///
/// @param size in nanoseconds or in bytes
/// @param foreign what other programs write for it, lower case
record Unit(String name, long size, Set<String> foreign) {
    /// The largest first.
    static final List<Unit> OF_DURATION =
            List.of(
                    new Unit("d", Duration.ofDays(1).toNanos(), Set.of("day", "days")),
                    new Unit("h", Duration.ofHours(1).toNanos(), Set.of("hr", "hour", "hours")),
                    new Unit(
                            "m",
                            Duration.ofMinutes(1).toNanos(),
                            Set.of("min", "minute", "minutes")),
                    new Unit(
                            "s",
                            Duration.ofSeconds(1).toNanos(),
                            Set.of("sec", "second", "seconds")),
                    new Unit("ms", Duration.ofMillis(1).toNanos(), Set.of("msec", "milliseconds")));

    /// The largest first.
    static final List<Unit> OF_SIZE =
            List.of(
                    new Unit("GiB", 1L << 30, Set.of("g", "gb")),
                    new Unit("MiB", 1L << 20, Set.of("m", "mb")),
                    new Unit("KiB", 1L << 10, Set.of("k", "kb")),
                    new Unit("B", 1, Set.of("byte", "bytes")));

    static final List<Unit> OF_SHARE = List.of(new Unit("%", 1, Set.of("percent", "pct")));

    /// The size is that of the time in nanoseconds.
    static final List<Unit> OF_RATE =
            List.of(
                    new Unit(
                            "/h",
                            Duration.ofHours(1).toNanos(),
                            Set.of("/hour", "/hr", "r/h", "h")),
                    new Unit(
                            "/m",
                            Duration.ofMinutes(1).toNanos(),
                            Set.of("/min", "/minute", "r/m", "rpm", "m")),
                    new Unit(
                            "/s",
                            Duration.ofSeconds(1).toNanos(),
                            Set.of("/sec", "/second", "r/s", "rps", "s")));

    static @Nullable Unit named(String name, List<Unit> units) {
        for (Unit unit : units) {
            if (unit.name.equals(name)) return unit;
        }
        return null;
    }

    /// `, did you mean x?`, or nothing if nobody writes that.
    static String suggest(String name, List<Unit> units) {
        String lower = name.toLowerCase(Locale.ROOT);
        for (Unit unit : units) {
            boolean isMeant =
                    unit.foreign.contains(lower)
                            || unit.name.toLowerCase(Locale.ROOT).equals(lower);
            if (isMeant) return ", did you mean " + unit.name + "?";
        }
        return "";
    }

    /// The shortest text without a fraction: `90s`, `1h`, `0ms`.
    static String text(long amount, List<Unit> units) {
        for (Unit unit : units) {
            if (amount != 0 && amount % unit.size == 0) return amount / unit.size + unit.name;
        }
        return "0" + units.getLast().name;
    }

    /// `/s`, `/m` or `/h`.
    static String rateOf(Duration per) {
        for (Unit unit : OF_RATE) {
            if (unit.size == per.toNanos()) return unit.name;
        }
        throw new IllegalArgumentException("no rate has a unit of " + per);
    }

    static String text(Duration duration) {
        return text(duration.toNanos(), OF_DURATION);
    }
}
