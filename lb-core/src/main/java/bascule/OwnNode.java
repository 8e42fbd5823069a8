package bascule;

import bascule.cluster.Cluster;
import bascule.cluster.ClusterStatus;
import bascule.config.Configuration;
import bascule.node.Node;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.tls.TicketRing;
import java.io.IOException;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The daemon's own node of its cluster: none where it is alone, or has not joined yet. From any thread.
final class OwnNode implements AutoCloseable {
    private final TicketRing tickets;
    private volatile @Nullable Node node; // Null = alone, or not there yet.

    /// @param tickets the cluster's once it is joined; before, and alone, they are kept fresh here
    OwnNode(TicketRing tickets) {
        this.tickets = tickets;
    }

    /// At most once; does nothing where the configuration has no cluster.
    ///
    /// @throws StartFailure with nothing left open
    void join(Configuration configuration, Node.Parts parts, Metrics metrics) throws StartFailure {
        if (configuration.cluster() == null) return;
        var settings = NodeSettings.of(configuration, StateFolder.of(configuration));
        Node joined;
        try {
            joined = Node.start(settings, configuration, Version.current(), parts);
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, "cluster: " + failure.getMessage(), failure);
        }
        node = joined;
        metrics.cluster(joined::sample);
        Events.info("cluster-joined", "node", joined, "cluster", settings.name());
    }

    @Nullable Cluster cluster() {
        Node joined = node;
        return joined == null ? null : joined.cluster();
    }

    @Nullable ClusterStatus status() {
        Node joined = node;
        return joined == null ? null : joined.status();
    }

    /// Of the ownership loop.
    @Nullable LongSupplier turns() {
        Node joined = node;
        return joined == null ? null : joined::turned;
    }

    /// A configuration came into force.
    void configuration(Configuration next) {
        Node joined = node;
        if (joined != null) joined.configuration(next);
    }

    void everySecond(Instant now) {
        Node joined = node;
        if (joined == null) tickets.rotate(now);
        else joined.everySecond(now);
    }

    /// Hands over what this node owns. Blocks until that is over.
    void leave() {
        Node joined = node;
        if (joined != null) joined.leave();
    }

    /// Any number of times.
    @Override
    public void close() {
        Node joined = node;
        if (joined != null) joined.close();
    }
}
