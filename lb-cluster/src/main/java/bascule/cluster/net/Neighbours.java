package bascule.cluster.net;

import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/// What one interface says to its LAN about addresses, and hears: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861), by
/// AF_PACKET (packet(7)). Sends on the thread that calls, and does not block; listens on a thread of its own.
@SuppressWarnings("DoNotCallSuggester")
public final class Neighbours implements AutoCloseable {
    /// Told on a thread of this class; must not block.
    public interface Listener {
        /// Another host answered for one of the addresses that are watched, or announced it.
        void claimed(InetAddress address, String hardware);

        /// The witness answered.
        void answered(InetAddress address);
    }

    private Neighbours() {}

    /// @param watched addresses that [Listener#claimed] is told of
    /// @throws NetFault EPERM without CAP_NET_RAW
    public static Neighbours open(
            HostAddresses.Interface on, List<InetAddress> watched, Listener listener)
            throws IOException {
        throw new IOException(on.toString() + watched + listener);
    }

    /// Gratuitous ARP in both forms (request and reply); unsolicited neighbour advertisement with the override flag.
    public void announce(InetAddress address) throws IOException {
        throw new IOException(address.toString());
    }

    /// Asks who has an address that we do not have (RFC 5227 probe; neighbour solicitation from `::`).
    public void probe(InetAddress address) throws IOException {
        throw new IOException(address.toString());
    }

    /// Asks a host that is on this LAN for its hardware address, in the name of one of ours.
    public void ask(InetAddress witness) throws IOException {
        throw new IOException(witness.toString());
    }

    @Override
    public void close() {}
}
