package bascule.observe;

/// A server's exchanges since the start, or since its name came into the configuration; over all loops and listeners.
///
/// @param exchanges that ended
/// @param errors those of them that were answered with 5xx or did not get a whole answer
public record ServerTotals(long exchanges, long errors) {
    static final ServerTotals ZERO = new ServerTotals(0, 0);

    ServerTotals plus(long moreExchanges, long moreErrors) {
        return new ServerTotals(exchanges + moreExchanges, errors + moreErrors);
    }
}
