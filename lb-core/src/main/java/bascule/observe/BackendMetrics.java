package bascule.observe;

/// One loop's share of what belongs to a backend as a whole. Written by that loop only.
public final class BackendMetrics {
    private static final int BEGUN = 0;

    final ReasonCounters retries = new ReasonCounters();
    private final Counters counters = new Counters(1);

    BackendMetrics() {}

    /// Lets series for these reasons stand at 0 from now on. From any thread.
    public void expectRetries(Iterable<String> reasons) {
        for (String reason : reasons) retries.expect(reason);
    }

    /// @param reason a constant, such as `connect`
    public void retried(String reason) {
        retries.increment(reason);
    }

    /// An exchange turns to this backend; once per exchange, however often it is tried. What a budget of retries is a share of.
    public void begun() {
        counters.add(BEGUN, 1);
    }

    /// For any thread: how often [#begun()] was called.
    public long exchangesBegun() {
        return counters.get(BEGUN);
    }
}
