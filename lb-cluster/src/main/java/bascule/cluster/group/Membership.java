package bascule.cluster.group;

import bascule.cluster.key.ClusterKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;

/// The view of the nodes that are there, by JGroups over TLS.
@SuppressWarnings("DoNotCallSuggester")
public final class Membership implements AutoCloseable {
    /// @param name of the cluster
    /// @param nodes where each node's membership listens, this one's too, in the order of the rules
    /// @param names of the nodes, in the same order
    /// @param self which of these
    /// @param multicast are the others looked for by multicast, too?
    /// @param calm `detect = calm`
    public record Settings(
            String name,
            List<InetSocketAddress> nodes,
            List<String> names,
            int self,
            boolean multicast,
            boolean calm,
            ClusterKey key) {
        public Settings {
            nodes = List.copyOf(nodes);
            names = List.copyOf(names);
        }
    }

    public interface Listener {
        /// Who is there, by index, this node included; each time that changes.
        void view(Set<Integer> nodes);

        /// A message of another node: from [#send].
        void received(int from, byte[] message);

        /// Something is wrong that an operator should know of; told once until it is over.
        ///
        /// @param event a stable name
        /// @param keyValues keys and values in turn
        void fault(String event, Object... keyValues);
    }

    private Membership() {}

    /// Returns at once; views come when there are any.
    ///
    /// @throws IOException if the port cannot be opened, with value and place
    public static Membership start(Settings settings, Listener listener) throws IOException {
        throw new IOException(settings.toString() + listener);
    }

    /// To one member, reliably while it stays one; from any thread, does not block for long.
    public void send(int to, byte[] message) {
        throw new UnsupportedOperationException(String.valueOf(to + message.length));
    }

    /// To one member, at once or not at all: beside all that waits to be sent.
    public void sendNow(int to, byte[] message) {
        throw new UnsupportedOperationException(String.valueOf(to + message.length));
    }

    @Override
    public void close() {}
}
