package bascule.cluster.net;

import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/// Run by [CapabilitiesIT] in a JVM that may do nothing: prints what each class says of that.
final class WithoutCapabilities {
    private WithoutCapabilities() {}

    private interface Call {
        void run() throws IOException;
    }

    public static void main(String... arguments) throws IOException {
        System.out.println("missing " + Capabilities.missing());
        InetAddress address = InetAddress.getByName("192.0.2.1");
        try (HostAddresses addresses = HostAddresses.open(HostAddresses.NOBODY)) {
            System.out.println(
                    "listed "
                            + addresses.list().isEmpty()
                            + " of "
                            + addresses.interfaces().size());
            addresses.warmUp();
            tell(() -> addresses.put(address, 1, 1));
            tell(() -> addresses.renew(address, 1, 1));
            tell(() -> addresses.remove(address, 1));
            HostAddresses.Interface lo = addresses.interfaces().getFirst();
            int descriptors = HostAddressesIT.descriptors();
            tell(() -> Neighbours.open(lo, List.of(), null).close());
            tell(() -> Echo.open(address, () -> {}).close());
            System.out.println("left open " + (HostAddressesIT.descriptors() - descriptors));
        }
    }

    private static void tell(Call call) {
        try {
            call.run();
            System.out.println("done");
        } catch (IOException e) {
            System.out.println(e.getMessage());
        }
    }
}
