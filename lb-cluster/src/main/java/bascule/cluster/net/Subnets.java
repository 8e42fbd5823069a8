package bascule.cluster.net;

import bascule.cluster.net.HostAddresses.Address;
import bascule.cluster.net.HostAddresses.Interface;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Which interface an address belongs to. What carries our tag never counts: a floating IP says nothing about the LAN it sits on.
public final class Subnets {
    private Subnets() {}

    /// The interface that a floating IP without `interface` goes to, and that a witness is a neighbour on.
    ///
    /// @param addresses of [HostAddresses#list]
    /// @param interfaces of [HostAddresses#interfaces]
    /// @return the first, in the order of `interfaces`, with an address whose subnet holds this one; null if there is none (the witness is behind
    ///     a router; a floating IP is a fault)
    public static @Nullable Interface holding(
            InetAddress address, List<Address> addresses, List<Interface> interfaces) {
        for (Interface candidate : interfaces) {
            if (!candidate.loopback() && source(address, candidate.index(), addresses) != null) {
                return candidate;
            }
        }
        return null;
    }

    /// The address of ours to ask a neighbour from.
    ///
    /// @return the first on this interface whose subnet holds the neighbour; null if there is none
    public static @Nullable InetAddress source(
            InetAddress neighbour, int interfaceIndex, List<Address> addresses) {
        if (neighbour instanceof Inet6Address v6
                && v6.isLinkLocalAddress()
                && v6.getScopeId() != 0
                && v6.getScopeId() != interfaceIndex) {
            return null;
        }
        byte[] wanted = neighbour.getAddress();
        for (Address own : addresses) {
            if (own.interfaceIndex() == interfaceIndex
                    && !own.tagged()
                    && own.prefix() < wanted.length * 8
                    && holds(own.address().getAddress(), own.prefix(), wanted)) {
                return own.address();
            }
        }
        return null;
    }

    /// @param prefix in bits, at most those of `subnet`
    static boolean holds(byte[] subnet, int prefix, byte[] address) {
        if (subnet.length != address.length) return false;
        for (int bit = 0; bit < prefix; bit += 8) {
            int mask = prefix - bit >= 8 ? 0xff : 0xff << 8 - (prefix - bit);
            if (((subnet[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
        }
        return true;
    }
}
