package bascule.health;

/// How a probe ended.
sealed interface ProbeResult {
    /// For operators, in a few words, as in `200 in 3 ms` or `connection refused`.
    String text();

    record Passed(String text) implements ProbeResult {}

    record Failed(String text) implements ProbeResult {}

    /// The server could not be asked, through no fault of its own: says nothing of it.
    record Skipped(String text) implements ProbeResult {}
}
