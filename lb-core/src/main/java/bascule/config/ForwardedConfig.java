package bascule.config;

/// A `forwarded` block of a listener: what a server learns of the way a request came.
///
/// @param xForwarded the `X-Forwarded-*` fields
/// @param forwarded whether `Forwarded` (RFC 7239) is sent
/// @param via whether `Via` (RFC 9110 §7.6.3) is sent
/// @param requestId whether `X-Request-ID` is sent
public record ForwardedConfig(
        XForwarded xForwarded, boolean forwarded, boolean via, boolean requestId) {
    static ForwardedConfig read(Section at) {
        Kind<XForwarded> kind = Kind.choice(XForwarded.class);
        return new ForwardedConfig(
                at.get("x-forwarded", kind, XForwarded.REPLACE),
                at.get("forwarded", Kind.SWITCH, false),
                at.get("via", Kind.SWITCH, true),
                at.get("request-id", Kind.SWITCH, true));
    }
}
