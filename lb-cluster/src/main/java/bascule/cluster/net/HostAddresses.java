package bascule.cluster.net;

import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/// The addresses of this host by rtnetlink(7). What this class puts there carries our tag (`IFA_PROTO`), a prefix of full length and a
/// lifetime after which the kernel takes it away. Calls block until the kernel has answered; one thread at a time.
@SuppressWarnings("DoNotCallSuggester")
public final class HostAddresses implements AutoCloseable {
    /// Our `IFA_PROTO` (if_addr.h): no one else's in the kernel's list.
    public static final int TAG = 0xba;

    /// Told on a thread of this class; must not block.
    public interface Listener {
        /// An address came, went or changed; whoever did it.
        void address(InetAddress address, int interfaceIndex, boolean present, boolean tagged);

        /// An interface came, went, lost its carrier or got it back.
        ///
        /// @param up is it up, with a carrier (IFF_UP and IFF_LOWER_UP)?
        void link(int interfaceIndex, String name, boolean up);

        /// Messages of the kernel were lost (ENOBUFS): all may be different, ask [HostAddresses#list].
        void lost();
    }

    /// Hears nothing.
    public static final Listener NOBODY =
            new Listener() {
                @Override
                public void address(
                        InetAddress address, int interfaceIndex, boolean present, boolean tagged) {}

                @Override
                public void link(int interfaceIndex, String name, boolean up) {}

                @Override
                public void lost() {}
            };

    /// @param prefix its length
    /// @param tagged did we put it there?
    /// @param leaseSeconds what is left; -1 = for ever
    public record Address(
            InetAddress address,
            int prefix,
            int interfaceIndex,
            boolean tagged,
            long leaseSeconds) {}

    /// @param hardware of its address; empty where it has none
    public record Interface(
            int index, String name, boolean up, boolean loopback, List<Byte> hardware) {
        public Interface {
            hardware = List.copyOf(hardware);
        }
    }

    private HostAddresses() {}

    /// Needs no capability: only what changes something does.
    public static HostAddresses open(Listener listener) throws IOException {
        throw new IOException(listener.toString());
    }

    /// Puts an address on an interface, or renews its lease if it is there.
    ///
    /// @throws NetFault EPERM without CAP_NET_ADMIN
    public void put(InetAddress address, int interfaceIndex, int leaseSeconds) throws IOException {
        throw new IOException(address.toString() + interfaceIndex + leaseSeconds);
    }

    /// Renews the lease; fails with ENOENT or EADDRNOTAVAIL where the address is not there any more: it is not put back.
    public void renew(InetAddress address, int interfaceIndex, int leaseSeconds)
            throws IOException {
        throw new IOException(address.toString() + interfaceIndex + leaseSeconds);
    }

    /// Takes it away; no fault if it is not there.
    public void remove(InetAddress address, int interfaceIndex) throws IOException {
        throw new IOException(address.toString() + interfaceIndex);
    }

    public List<Address> list() throws IOException {
        throw new IOException();
    }

    public List<Interface> interfaces() throws IOException {
        throw new IOException();
    }

    /// The next hop of the default route with the lowest metric.
    ///
    /// @return none, or one of each family
    public List<InetAddress> gateways() throws IOException {
        throw new IOException();
    }

    @Override
    public void close() {}
}
