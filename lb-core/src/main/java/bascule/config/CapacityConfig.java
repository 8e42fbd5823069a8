package bascule.config;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;

/// A `capacity` block of a backend: how much one server takes at a time.
///
/// @param connections of one server, over all loops
/// @param queue requests that may wait for it; 0 = none
/// @param maxWait how long one may wait
public record CapacityConfig(int connections, int queue, Duration maxWait) {
    static CapacityConfig read(Section at) {
        return new CapacityConfig(
                at.require("connections", Kind.count(1, 100_000), 1),
                at.get("queue", Kind.count(0, 100_000).or(Kind.OFF, 0), 100),
                at.duration("wait", ofSeconds(5), ofMillis(1), ofMinutes(5)));
    }
}
