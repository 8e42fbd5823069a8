package bascule;

import bascule.cluster.net.HostAddresses;
import java.net.InetAddress;

/// Leaves addresses on the loop-back, as a daemon that was killed leaves them on an interface. For a network namespace of its own.
final class LeftoverProbe {
    private static final int LOOPBACK_INDEX = 1; // The first interface of every namespace.
    private static final int LEASE_SECONDS = 600;

    private LeftoverProbe() {}

    public static void main(String[] addresses) throws Exception {
        try (HostAddresses host = HostAddresses.open(HostAddresses.NOBODY)) {
            for (String each : addresses)
                host.put(InetAddress.ofLiteral(each), LOOPBACK_INDEX, LEASE_SECONDS);
        }
    }
}
