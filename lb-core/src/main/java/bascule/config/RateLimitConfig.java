package bascule.config;

import java.time.Duration;

/// A `rate-limit` block of a listener: what one client address may ask for, as a token bucket.
///
/// @param requests 1 to 1000000
/// @param per in how long: a second, a minute or an hour
/// @param burst how many may come at once, after a rest
public record RateLimitConfig(long requests, Duration per, int burst) {
    private static final int MAX = 1_000_000;

    static RateLimitConfig read(Section at) {
        Kind.Rate rate =
                at.require("rate", Kind.rate(1, MAX), new Kind.Rate(1, Duration.ofSeconds(1)));
        int perSecond = (int) Math.max(1, rate.count() / rate.per().toSeconds());
        return new RateLimitConfig(rate.count(), rate.per(), at.count("burst", perSecond, 1, MAX));
    }

    /// As in the file: `600/m`.
    String rate() {
        return requests + Unit.rateOf(per);
    }
}
