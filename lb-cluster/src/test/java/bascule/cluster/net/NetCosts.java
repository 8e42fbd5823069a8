package bascule.cluster.net;

import bascule.cluster.testing.Namespace;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;

/// What a change of an address and an announcement cost; a program, run by hand as root. Prints the first call and p50/p99 of 5,000 after it, in µs.
final class NetCosts {
    private static final int CALLS = 5_000;

    private NetCosts() {}

    private interface Call {
        void run() throws Exception;
    }

    public static void main(String... arguments) throws Exception {
        boolean warm = !Arrays.asList(arguments).contains("--cold");
        try (Namespace here = Namespace.orSkip();
                Namespace there = Namespace.orSkip()) {
            Namespace.join(here, "lan0", there, "lan1");
            try (HostAddresses addresses =
                    here.inside(() -> HostAddresses.open(HostAddresses.NOBODY))) {
                HostAddresses.Interface lan =
                        addresses.interfaces().stream()
                                .filter(i -> i.name().equals("lan0"))
                                .findFirst()
                                .orElseThrow();
                List<InetAddress> both =
                        List.of(
                                InetAddress.getByName("10.9.0.50"),
                                InetAddress.getByName("fd00:9::50"));
                try (Neighbours neighbours =
                        here.inside(
                                () ->
                                        Neighbours.open(
                                                lan,
                                                both,
                                                new Neighbours.Listener() {
                                                    @Override
                                                    public void claimed(
                                                            InetAddress address, String hardware) {}

                                                    @Override
                                                    public void answered(InetAddress address) {}
                                                }))) {
                    long start = System.nanoTime();
                    if (warm) {
                        addresses.warmUp();
                        neighbours.warmUp();
                    }
                    System.out.printf("warm-up %d µs%n", (System.nanoTime() - start) / 1000);
                    for (InetAddress each : both) measure(each, addresses, neighbours, lan.index());
                }
            }
        }
    }

    private static void measure(
            InetAddress address, HostAddresses addresses, Neighbours neighbours, int lan)
            throws Exception {
        long[][] nanos = new long[4][CALLS];
        for (int i = 0; i < CALLS; i++) {
            nanos[0][i] = time(() -> addresses.put(address, lan, 10));
            nanos[1][i] = time(() -> addresses.renew(address, lan, 10));
            nanos[2][i] = time(() -> neighbours.announce(address));
            nanos[3][i] = time(() -> addresses.remove(address, lan));
        }
        String[] names = {"put", "renew", "announce", "remove"};
        for (int call = 0; call < 4; call++) {
            long first = nanos[call][0];
            Arrays.sort(nanos[call]);
            System.out.printf(
                    "%-8s %-20s first %6d  p50 %5d  p99 %5d%n",
                    names[call],
                    address.getHostAddress(),
                    first / 1000,
                    nanos[call][CALLS / 2] / 1000,
                    nanos[call][CALLS * 99 / 100] / 1000);
        }
    }

    private static long time(Call call) throws Exception {
        long start = System.nanoTime();
        call.run();
        return System.nanoTime() - start;
    }
}
