package bascule.observe;

/// One loop's view of one server. Written by that loop only.
public final class ServerMetrics {
    private static final int CONNECTIONS = 0;
    private static final int IDLE = 1;
    private static final int RUNNING = 2;

    /// From the request's head to the end of the response.
    public final LogLinearHistogram exchange = new LogLinearHistogram();

    /// From the first packet to a connection that can be used; of new connections only.
    public final LogLinearHistogram connect = new LogLinearHistogram();

    /// From the request's first byte sent to the response's first byte read.
    public final LogLinearHistogram firstByte = new LogLinearHistogram();

    private final Counters counters = new Counters(3);

    ServerMetrics() {}

    public void connectionOpened() {
        counters.add(CONNECTIONS, 1);
    }

    public void connectionClosed() {
        counters.add(CONNECTIONS, -1);
    }

    /// @param delta 1 when a connection comes to rest in the pool, -1 when it is lent or closed
    public void idle(int delta) {
        counters.add(IDLE, delta);
    }

    /// An exchange turns to the server; [#ended] follows.
    public void began() {
        counters.add(RUNNING, 1);
    }

    public void ended() {
        counters.add(RUNNING, -1);
    }

    long running() {
        return counters.get(RUNNING);
    }

    long connections() {
        return counters.get(CONNECTIONS);
    }

    long idle() {
        return counters.get(IDLE);
    }
}
