package bascule.health;

/// When an order was given, in a time that all nodes of a cluster share: of two orders for the same server the one with the higher stamp
/// holds, on every node, in whatever order they arrive.
///
/// @param counter higher than that of every order its giver knew of; and never behind the giver's wall clock in milliseconds, so that where
///     two nodes were apart, what was said later holds, as far as their clocks agree
/// @param node who gave it; decides between equal counters
public record Stamp(long counter, String node) implements Comparable<Stamp> {
    /// Of an order that was given without a cluster: any other is later.
    public static final Stamp NONE = new Stamp(0, "");

    /// The highest counter, in files and between nodes: some 285,000 years of milliseconds, and a number that any JSON reader knows exactly. A
    /// higher one would leave nobody room for a later order.
    public static final long MOST_COUNTER = 1L << 53;

    /// Can it be of an order that was given in a cluster?
    public boolean isGood() {
        return counter > 0 && counter <= MOST_COUNTER && !node.isEmpty();
    }

    @Override
    public int compareTo(Stamp other) {
        int byCounter = Long.compare(counter, other.counter);
        return byCounter == 0 ? node.compareTo(other.node) : byCounter;
    }
}
