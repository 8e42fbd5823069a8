package bascule.http2;

/// How much a peer has done that is allowed, costs us more than it, and serves nobody: a leaky bucket. Such frames come from honest
/// clients, too, now and then, so none of them is an error; a flood of them is.
final class Glitches {
    /// More than this at a time ends a connection.
    static final int MOST = 1000;

    /// Forgiven per second; and one for each stream that ended well.
    static final int FORGIVEN_PER_SECOND = 50;

    /// Streams that the peer takes back before they are answered have a bucket of their own: 500 at once, and 300 per second. Somebody who
    /// moves a map about takes back some sixty pictures, four times a second; an attacker, thousands.
    static final int RESETS_FORGIVEN_PER_SECOND = 600;

    // What each costs. Nobody needs a hundred malformed requests.
    static final int RESET_BY_PEER = 2;
    static final int RESET_BY_US = 10;
    static final int REFUSED = 5;
    static final int SETTINGS = 10;
    static final int PING = 1;
    static final int PRIORITY = 1;
    static final int UNKNOWN = 1;
    static final int EMPTY = 5;
    static final int CRUMBS = 1;

    private final long forgivenNanos;
    private int sum;
    private long sinceNanos;

    /// @param forgivenPerSecond of what has been added
    Glitches(int forgivenPerSecond) {
        forgivenNanos = 1_000_000_000 / forgivenPerSecond;
    }

    /// @return whether the peer may go on
    boolean add(int cost, long nowNanos) {
        long forgiven = (nowNanos - sinceNanos) / forgivenNanos;
        if (sum == 0 || forgiven >= sum) {
            sum = 0;
            sinceNanos = nowNanos;
        } else if (forgiven > 0) {
            sum -= (int) forgiven;
            sinceNanos += forgiven * forgivenNanos;
        }
        sum += cost;
        return sum <= MOST;
    }

    /// A stream ended as streams should.
    void forgive() {
        if (sum > 0) sum--;
    }
}
