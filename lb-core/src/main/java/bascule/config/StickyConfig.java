package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofSeconds;

import java.time.Duration;

/// A `sticky` block of a backend: a client stays with the server that it came to first.
///
/// @param cookie the name of the cookie; the key is `name`
/// @param lifetime [Duration#ZERO] = as long as the browser is open
public record StickyConfig(String cookie, Duration lifetime, OnDrain onDrain) {
    /// RFC 6265 §4.1.1: a token. What looks like a switch is rather a slip than a name.
    private static final Kind<String> NAME =
            Kind.text(
                    "the name of a cookie, up to 64 characters, other than on and off",
                    "is no name of a cookie",
                    Kind.matches("(?!(on|off|true|false)$)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}"));

    private static final Kind<Duration> LIFETIME =
            Kind.duration(ofSeconds(1), ofDays(365)).or(Kind.OFF, Duration.ZERO);

    static StickyConfig read(Section at) {
        return new StickyConfig(
                at.require("name", NAME, "?"),
                at.get("lifetime", LIFETIME, Duration.ZERO),
                at.get("on-drain", Kind.choice(OnDrain.class), OnDrain.FINISH));
    }
}
