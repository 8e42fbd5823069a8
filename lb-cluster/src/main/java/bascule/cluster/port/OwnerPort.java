package bascule.cluster.port;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.ownership.Beat;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/// One UDP port on all addresses, and for each other node a connected socket beside it, which hears of ICMP port unreachable.
@SuppressWarnings("DoNotCallSuggester")
public final class OwnerPort implements AutoCloseable {
    /// Told on the port's threads; must not block.
    public interface Listener {
        /// A beat that is genuine, not a replay, and newer than any heard of this node before.
        ///
        /// @param provenNanos the node was alive after this moment of [System#nanoTime]: when we sent the challenge that it echoes;
        ///     [bascule.cluster.ownership.Event#UNPROVEN] if it echoes none of the latest
        /// @param via for [OwnerPort#answer]
        void heard(int from, Beat beat, long provenNanos, int via);

        /// Nobody listens there.
        void unreachable(int node);
    }

    /// What was dropped, since the start.
    ///
    /// @param forged no key of ours opens it
    /// @param replayed seen before, or older than the window
    /// @param unknown of a session that is not (any more) known
    /// @param malformed too short, of another version, or not for this node
    public record Dropped(long forged, long replayed, long unknown, long malformed) {}

    private OwnerPort() {}

    /// @param nodes the owner port of each node, this one's too, in the order of the rules
    /// @param self which of these
    /// @throws IOException if the port cannot be opened, with value and place
    public static OwnerPort open(
            ClusterKey key, List<InetSocketAddress> nodes, int self, Listener listener)
            throws IOException {
        throw new IOException(key.fingerprint() + nodes + self + listener);
    }

    /// Seals a beat and sends it to a node's own address. What cannot be sent now is lost: the next beat says the same.
    public void send(int to, Beat beat) {
        throw new UnsupportedOperationException(beat.toString() + to);
    }

    /// The same, to another address that the node may have: a floating IP.
    public void send(int to, Beat beat, InetSocketAddress where) {
        throw new UnsupportedOperationException(beat.toString() + to + where);
    }

    /// The same, by the way that a beat came.
    public void answer(int to, Beat beat, int via) {
        throw new UnsupportedOperationException(beat.toString() + to + via);
    }

    /// Seals a beat for another transport, which calls [#received] at the other end.
    public byte[] seal(int to, Beat beat) {
        throw new UnsupportedOperationException(beat.toString() + to);
    }

    /// What [#seal] made, or should have; from any thread.
    public void received(byte[] datagram) {
        throw new UnsupportedOperationException(String.valueOf(datagram.length));
    }

    public Dropped dropped() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
