package bascule.cluster;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// One node of a cluster: its membership, its owner port, its ownership loop. All methods may be called from any thread.
@SuppressWarnings("DoNotCallSuggester")
public final class Cluster implements AutoCloseable {
    private Cluster() {}

    /// Opens the ports, and begins to look for the others. Owns nothing before [#fitness] was told.
    ///
    /// @throws IOException if a port cannot be opened, with value and place; nothing is left open
    public static Cluster start(ClusterSettings settings, ClusterHost host) throws IOException {
        throw new IOException(settings.toString() + host);
    }

    /// Has to be told of every floating IP at least every 150 ms: what is older counts as "may not own".
    public void fitness(List<Fitness> all) {
        throw new UnsupportedOperationException(all.toString());
    }

    /// See [ClusterHost#drain].
    public void drained(String floatingIp) {
        throw new UnsupportedOperationException(floatingIp);
    }

    /// Tells every other node that is there.
    public void tell(String topic, byte[] message) {
        throw new UnsupportedOperationException(topic + message.length);
    }

    /// @param floatingIp null = all that this node owns
    public CompletableFuture<List<HandOver>> handOver(@Nullable String floatingIp) {
        throw new UnsupportedOperationException(String.valueOf(floatingIp));
    }

    public ClusterStatus status() {
        throw new UnsupportedOperationException();
    }

    /// The configuration has changed in what is not the cluster's: its hash only.
    public void configuration(String hash) {
        throw new UnsupportedOperationException(hash);
    }

    /// Hands over all that this node owns to nodes that are fit. Complete when that is done, or cannot be.
    public CompletableFuture<@Nullable Void> leave() {
        throw new UnsupportedOperationException();
    }

    /// Lets go of what is still owned, unless no other node could take it, and ends everything.
    @Override
    public void close() {}
}
