package bascule.observe;

/// One loop's share of what belongs to a backend as a whole. Written by that loop only.
public final class BackendMetrics {
    final ReasonCounters retries = new ReasonCounters();

    BackendMetrics() {}

    /// Lets series for these reasons stand at 0 from now on. From any thread.
    public void expectRetries(Iterable<String> reasons) {
        for (String reason : reasons) retries.expect(reason);
    }

    /// @param reason a constant, such as `connect`
    public void retried(String reason) {
        retries.increment(reason);
    }
}
