package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.Map;

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

    private static final String NONE = "?"; // No name of a cookie.

    /// @param cookies the name of each cookie so far, and its backend: clients send it to all backends of a site, so that each would
    ///     take the other's for its own
    static StickyConfig read(Section at, String backend, Map<String, String> cookies) {
        String cookie = at.require("name", NAME, NONE);
        String first = cookie.equals(NONE) ? null : cookies.putIfAbsent(cookie, backend);
        if (first != null)
            at.refuse("name", "is the cookie of backend " + first, "another name for each backend");
        return new StickyConfig(
                cookie,
                at.get("lifetime", LIFETIME, Duration.ZERO),
                at.get("on-drain", Kind.choice(OnDrain.class), OnDrain.FINISH));
    }
}
