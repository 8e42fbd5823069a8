package bascule.observe;

/// One loop's exchanges of one listener with one server of one backend. Written by that loop only.
public final class ExchangeMetrics {
    /// The values of the label `code`, in the order of the cells.
    static final String[] CODES = {"1xx", "2xx", "3xx", "4xx", "5xx", "aborted"};

    private static final int SERVER_ERRORS = 4;
    private static final int ABORTED = 5;
    private static final int RECEIVED = 6;
    private static final int SENT = 7;

    private final Counters counters = new Counters(8);

    ExchangeMetrics() {}

    /// For exchanges that nobody is told of.
    public static ExchangeMetrics unseen() {
        return new ExchangeMetrics();
    }

    /// An exchange that ended with an answer.
    ///
    /// @param status 100 to 599; 101 for an exchange that became a tunnel
    public void completed(int status) {
        assert status >= 100 && status <= 599 : status;
        counters.add(Math.clamp(status / 100 - 1, 0, ABORTED - 1), 1);
    }

    /// An exchange whose end the client did not see: it left, or the answer broke off.
    public void aborted() {
        counters.add(ABORTED, 1);
    }

    /// Bytes read from the client, heads included.
    public void received(long bytes) {
        counters.add(RECEIVED, bytes);
    }

    /// Bytes written to the client, heads included.
    public void sent(long bytes) {
        counters.add(SENT, bytes);
    }

    /// @param code an index into [#CODES]
    long exchanges(int code) {
        return counters.get(code);
    }

    /// Of all codes.
    long exchanges() {
        long sum = 0;
        for (int code = 0; code < CODES.length; code++) sum += exchanges(code);
        return sum;
    }

    /// Answered with 5xx, or aborted.
    long errors() {
        return exchanges(SERVER_ERRORS) + exchanges(ABORTED);
    }

    long received() {
        return counters.get(RECEIVED);
    }

    long sent() {
        return counters.get(SENT);
    }
}
