package bascule.cluster;

import java.util.Map;

/// The daemon that a cluster works for. Called on the cluster's threads; must not block.
public interface ClusterHost {
    /// Clients that came by this address are to leave: what runs may end, nothing is kept open for more. [Cluster#drained] tells when the
    /// last is gone; who does not leave in time is not waited for.
    void drain(String floatingIp);

    /// The address stays after all.
    void undrain(String floatingIp);

    /// This node is something else to an address than before, or knows of another owner.
    void changed(OwnershipChange change);

    /// A message of another node, by [Cluster#tell] or [#greeting].
    void received(String topic, String node, byte[] message);

    /// What a node has to know that has just come: messages by topic, kept on every node. Asked on each node for each newcomer.
    Map<String, byte[]> greeting();

    /// Who is in view has changed.
    void viewChanged(ClusterStatus status);

    /// Something is wrong, or is well again, that an operator should know of.
    ///
    /// @param event a stable name
    /// @param keyValues keys and values in turn
    void told(boolean worse, String event, Object... keyValues);
}
