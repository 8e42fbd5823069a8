package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;

import java.time.Duration;

/// An `eject` block of a backend: when a server that fails requests is left out for a while.
///
/// @param errors how many failures
/// @param within in how long
/// @param duration how long it is left out; the key is `for`
/// @param atMostPercent of the backend's servers that may be left out at once, rounded down
public record EjectConfig(int errors, Duration within, Duration duration, int atMostPercent) {
    static EjectConfig read(Section at) {
        return new EjectConfig(
                at.count("errors", 5, 1, 1000),
                at.duration("within", ofSeconds(10), ofSeconds(1), ofHours(1)),
                at.duration("for", ofSeconds(30), ofSeconds(1), ofDays(1)),
                at.get("at-most", Kind.percent(0, 100), 50));
    }
}
