package bascule.observe;

/// One loop's share of one listener. Written by that loop only.
public final class ListenerMetrics {
    private static final int OPEN = 0;

    private final Counters counters = new Counters(1);
    final ReasonCounters rejected = new ReasonCounters();
    final HandshakeCounters handshakes = new HandshakeCounters();
    private final ReasonCounters acceptErrors;
    private volatile int limit;

    /// @param acceptErrors the loop's, of all its listeners
    ListenerMetrics(ReasonCounters acceptErrors) {
        this.acceptErrors = acceptErrors;
    }

    /// Lets series for these reasons stand at 0 from now on: a rate over a counter that first appears at 1 misses that one.
    /// From any thread.
    public void expectRejections(Iterable<String> reasons) {
        for (String reason : reasons) rejected.expect(reason);
    }

    /// Like [#expectRejections].
    public void expectAcceptErrors(Iterable<String> reasons) {
        for (String reason : reasons) acceptErrors.expect(reason);
    }

    /// From now on all series of handshakes stand there.
    public void expectHandshakes() {
        handshakes.expect();
    }

    /// @param version as engines call it: `TLSv1.3`
    public void handshakeSucceeded(String version, boolean resumed) {
        handshakes.succeeded(version, resumed);
    }

    /// @param result any but [HandshakeResult#OK]
    public void handshakeFailed(HandshakeResult result) {
        handshakes.failed(result);
    }

    /// @param connections that the listener may have open, over all loops
    public void limit(int connections) {
        limit = connections;
    }

    int limit() {
        return limit;
    }

    public void opened() {
        counters.add(OPEN, 1);
    }

    public void closed() {
        counters.add(OPEN, -1);
    }

    /// @param reason a constant, such as `header-time`
    public void rejected(String reason) {
        rejected.increment(reason);
    }

    /// @param reason a constant, such as `descriptors`
    public void acceptError(String reason) {
        acceptErrors.increment(reason);
    }

    long open() {
        return counters.get(OPEN);
    }
}
