package bascule.cluster.ownership;

import java.util.List;

/// What does not change while a configuration is in force. A node and a floating IP are known by their index in these lists, which are
/// sorted by name, so that an index means the same on every node with the same configuration.
///
/// @param self index of this node
public record Rules(List<Node> nodes, int self, List<FloatingIp> floatingIps, Timings timings) {
    /// Epochs above are nobody's: more changes of owner than there will ever be. One that was read from a bad disk, or said by a bad node, must leave
    /// room for those that follow.
    public static final long EPOCH_MOST = 1L << 39;

    /// @param priority 1 to 254, the higher the sooner chosen
    /// @param witness votes, and never owns
    public record Node(String name, int priority, boolean witness) {}

    /// @param preempt does a node with a higher priority get it back, by planned hand-over?
    public record FloatingIp(String name, boolean preempt) {}

    public Rules {
        nodes = List.copyOf(nodes);
        floatingIps = List.copyOf(floatingIps);
        if (self < 0 || self >= nodes.size()) throw new IllegalArgumentException("self " + self);
    }

    /// From how many nodes on, this one counted, there is a majority.
    public int majority() {
        return nodes.size() / 2 + 1;
    }

    /// Does a majority of the nodes decide? Two alone have none once one is gone: there the witness address decides.
    public boolean byMajority() {
        return nodes.size() > 2;
    }
}
