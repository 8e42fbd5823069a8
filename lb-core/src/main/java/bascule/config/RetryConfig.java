package bascule.config;

/// A `retry` block of a backend.
///
/// @param tries in all, the first one included; 1 = off
/// @param budgetPercent how many tries beyond the first there may be, of the requests of late
public record RetryConfig(int tries, int budgetPercent) {
    static RetryConfig read(Section at) {
        return new RetryConfig(
                at.get("tries", Kind.count(1, 10).or(Kind.OFF, 1), 2),
                at.get("budget", Kind.percent(0, 100), 20));
    }
}
