package bascule.config;

import static java.time.Duration.ofDays;

import java.time.Duration;
import java.util.List;

/// What a listener with TLS tells browsers of its hosts: that they are asked over TLS alone (RFC 6797).
///
/// @param maxAge how long browsers keep to it; [Duration#ZERO] = they forget it
public record HstsConfig(Duration maxAge, boolean includeSubdomains, boolean preload) {
    /// The field that says so, on every response.
    public HeaderEdits edits() {
        String value =
                "max-age="
                        + maxAge.toSeconds()
                        + (includeSubdomains ? "; includeSubDomains" : "")
                        + (preload ? "; preload" : "");
        var field = new HeaderEdit("Strict-Transport-Security", value);
        return new HeaderEdits(List.of(field), List.of(), List.of());
    }

    static HstsConfig read(Section at) {
        return new HstsConfig(
                at.duration("max-age", ofDays(365), Duration.ZERO, ofDays(3650)),
                at.get("include-subdomains", Kind.SWITCH, false),
                at.get("preload", Kind.SWITCH, false));
    }
}
