package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import bascule.cluster.net.HostAddresses.Address;
import bascule.cluster.net.HostAddresses.Interface;
import bascule.cluster.testing.Namespace;
import bascule.libc.Errno;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostAddressesIT {
    private static final String V4 = "10.9.0.50";
    private static final String V6 = "fd00:9::50";

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private Namespace namespace;
    private HostAddresses addresses;
    private int lan;

    @BeforeEach
    void open() throws Exception {
        namespace = Namespace.orSkip();
        namespace.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "far0");
        namespace.run("ip", "link", "set", "far0", "up");
        namespace.run("ip", "link", "set", "lan0", "up");
        namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "lan0");
        namespace.run("ip", "addr", "add", "fd00:9::1/64", "dev", "lan0", "nodad");
        addresses = namespace.inside(() -> HostAddresses.open(new Recorder()));
        lan = index("lan0");
    }

    @AfterEach
    void close() throws Exception {
        if (addresses != null) addresses.close();
        if (namespace != null) namespace.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenAddress_whenPutAndRemoved_thenOthersSeeItTaggedWithLease(String text)
            throws Exception {
        InetAddress address = InetAddress.getByName(text);

        addresses.put(address, lan, 10);

        String shown = namespace.run("ip", "addr", "show", "dev", "lan0", "to", text);
        assertThat(shown).contains("dynamic").doesNotContain("tentative");
        assertThat(listed(address))
                .satisfies(
                        a -> {
                            assertThat(a.tagged()).isTrue();
                            assertThat(a.prefix()).isEqualTo(address.getAddress().length * 8);
                            assertThat(a.interfaceIndex()).isEqualTo(lan);
                            assertThat(a.leaseSeconds()).isBetween(8L, 10L);
                        });
        expect("address " + text + " " + lan + " true true");
        addresses.put(address, lan, 30);
        assertThat(listed(address).leaseSeconds()).isBetween(28L, 30L);

        addresses.remove(address, lan);

        assertThat(namespace.run("ip", "-j", "addr")).doesNotContain(text);
        expect("address " + text + " " + lan + " false true");
        addresses.remove(address, lan);
        addresses.remove(address, 4242);
    }

    @Test
    void givenAddress_whenRenewed_thenNotToldAgain() throws Exception {
        InetAddress address = InetAddress.getByName(V4);
        addresses.put(address, lan, 10);
        expect("address " + V4 + " " + lan + " true true");

        for (int i = 0; i < 5; i++) addresses.renew(address, lan, 10);
        namespace.run("ip", "addr", "add", "10.9.0.60/24", "dev", "lan0");
        assertThat(expect("address 10.9.0.60 " + lan + " true false")).doesNotContain(V4);

        addresses.remove(address, lan);
        addresses.put(address, lan, 10);
        expect("address " + V4 + " " + lan + " false true");
        expect("address " + V4 + " " + lan + " true true");
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenAddress_whenHostConnectsToItsLan_thenNotFromThatAddress(String text)
            throws Exception {
        InetAddress address = InetAddress.getByName(text);
        addresses.put(address, lan, 10);
        addresses.renew(address, lan, 10);
        String nearest =
                text.replace(
                        "50",
                        "51"); // Longer a common prefix with ours than any other address has (RFC
        // 6724 §5, rule 8).

        String route = namespace.run("ip", "route", "get", nearest);

        assertThat(route).contains("src " + (text.equals(V4) ? "10.9.0.1" : "fd00:9::1") + " ");
    }

    @Test
    void givenIpv6Disabled_whenPut_thenTheFaultSaysSo() throws Exception {
        namespace.run("sysctl", "-qw", "net.ipv6.conf.lan0.disable_ipv6=1");

        assertThatExceptionOfType(NetFault.class)
                .isThrownBy(() -> addresses.put(InetAddress.getByName(V6), lan, 10))
                .withMessageContaining("is IPv6 disabled there?");
    }

    @Test
    void givenManyOpenedAndClosed_whenCounted_thenNoDescriptorIsLeft() throws Exception {
        int before = descriptors();
        for (int i = 0; i < 50; i++)
            namespace.inside(() -> HostAddresses.open(new Recorder())).close();

        assertThat(descriptors()).isEqualTo(before);
    }

    static int descriptors() {
        return new File("/proc/self/fd").list().length;
    }

    @Test
    void givenAddressesOfOthers_whenListed_thenUntaggedAndForEver() throws Exception {
        assertThat(listed(InetAddress.getByName("10.9.0.1")))
                .isEqualTo(new Address(InetAddress.getByName("10.9.0.1"), 24, lan, false, -1));
        assertThat(listed(InetAddress.getByName("fd00:9::1")).tagged()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenLease_whenRenewed_thenKept_whenNot_thenTakenByTheKernel(String text)
            throws Exception {
        InetAddress address = InetAddress.getByName(text);
        addresses.put(address, lan, 1);

        for (int i = 0; i < 15; i++) { // Of 3 s.
            Thread.sleep(200);
            addresses.renew(address, lan, 1);
        }
        assertThat(listed(address).tagged()).isTrue();
        long renewed = System.nanoTime();

        heard.clear();
        expect("address " + text + " " + lan + " false true");
        assertThat(System.nanoTime() - renewed).isLessThan(2_500_000_000L);
        assertThat(listed(address)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenAddressGone_whenRenewed_thenRefusedAndNotPutBack(String text) throws Exception {
        InetAddress address = InetAddress.getByName(text);
        addresses.put(address, lan, 10);
        addresses.renew(address, lan, 10);
        addresses.remove(address, lan);

        assertThatExceptionOfType(NetFault.class)
                .isThrownBy(() -> addresses.renew(address, lan, 10))
                .satisfies(f -> assertThat(f.errno()).isEqualTo(Errno.EADDRNOTAVAIL))
                .withMessageContaining(address.getHostAddress());

        assertThat(listed(address)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenAddress_whenDeletedByAnother_thenHeard(String text) throws Exception {
        InetAddress address = InetAddress.getByName(text);
        addresses.put(address, lan, 10);

        namespace.run(
                "ip", "addr", "del", text + (text.equals(V4) ? "/32" : "/128"), "dev", "lan0");
        expect("address " + text + " " + lan + " false true");

        addresses.put(address, lan, 10);
        namespace.run("ip", "addr", "flush", "dev", "lan0");
        expect("address " + text + " " + lan + " false true");
    }

    @Test
    void givenLink_whenDownOrWithoutCarrierOrGone_thenHeard() throws Exception {
        namespace.run("ip", "link", "set", "lan0", "down");
        expect("link " + lan + " lan0 false");
        namespace.run("ip", "link", "set", "lan0", "up");
        expect("link " + lan + " lan0 true");
        namespace.run("ip", "link", "set", "far0", "down"); // The cable is out at the other end.
        expect("link " + lan + " lan0 false");
        namespace.run("ip", "link", "set", "far0", "up");
        expect("link " + lan + " lan0 true");
        namespace.run("ip", "link", "delete", "lan0");
        expect("link " + lan + " lan0 false");
        assertThat(addresses.interfaces()).noneMatch(i -> i.name().equals("lan0"));
        assertThatExceptionOfType(NetFault.class)
                .isThrownBy(() -> addresses.put(InetAddress.getByName(V4), lan, 1))
                .satisfies(f -> assertThat(f.errno()).isEqualTo(Errno.ENODEV));
    }

    @Test
    void givenBridgePort_whenItLeavesTheBridge_thenNotTakenForADeadLink() throws Exception {
        namespace.run("ip", "link", "add", "br0", "type", "bridge");
        namespace.run("ip", "link", "set", "lan0", "master", "br0");
        expect("link " + lan + " lan0 true");
        Thread.sleep(200);
        heard.clear();

        namespace.run("ip", "link", "set", "lan0", "nomaster");

        expect("link " + lan + " lan0 true");
        Thread.sleep(200);
        assertThat(heard).doesNotContain("link " + lan + " lan0 false");
    }

    @Test
    void givenRoutes_whenGatewaysAsked_thenThoseOfTheLowestMetric() throws Exception {
        assertThat(addresses.gateways()).isEmpty();
        namespace.run("ip", "route", "add", "default", "via", "10.9.0.7", "metric", "200");
        namespace.run("ip", "route", "add", "default", "via", "10.9.0.8", "metric", "100");
        namespace.run("ip", "route", "add", "default", "via", "10.9.0.6", "table", "77");
        namespace.run("ip", "route", "add", "10.77.0.0/16", "via", "10.9.0.5");
        namespace.run("ip", "-6", "route", "add", "default", "via", "fe80::7", "dev", "lan0");

        List<InetAddress> gateways = addresses.gateways();

        assertThat(gateways)
                .extracting(InetAddress::getHostAddress)
                .containsExactly("10.9.0.8", "fe80:0:0:0:0:0:0:7%" + lan);
        namespace.run("ip", "route", "flush", "default");
        namespace.run("ip", "route", "flush", "default", "metric", "100");
        namespace.run("ip", "route", "flush", "default", "metric", "200");
        namespace.run(
                "ip",
                "route",
                "add",
                "default",
                "nexthop",
                "via",
                "10.9.0.9",
                "nexthop",
                "via",
                "10.9.0.10");
        assertThat(addresses.gateways().getFirst().getHostAddress()).isEqualTo("10.9.0.9");
    }

    @Test
    void givenHost_whenInterfaceSought_thenTheOneWhoseSubnetHoldsTheAddress() throws Exception {
        addresses.put(InetAddress.getByName(V4), lan, 10);
        List<Address> list = addresses.list();
        List<Interface> interfaces = addresses.interfaces();

        assertThat(Subnets.holding(InetAddress.getByName("10.9.0.77"), list, interfaces).name())
                .isEqualTo("lan0");
        assertThat(Subnets.holding(InetAddress.getByName(V6), list, interfaces).name())
                .isEqualTo("lan0");
        assertThat(Subnets.holding(InetAddress.getByName("127.0.0.9"), list, interfaces)).isNull();
        assertThat(Subnets.holding(InetAddress.getByName("10.8.0.1"), list, interfaces)).isNull();
        assertThat(interfaces)
                .filteredOn(i -> i.name().equals("lan0"))
                .singleElement()
                .satisfies(
                        i -> {
                            assertThat(i.hardware()).hasSize(6);
                            assertThat(i.up()).isTrue();
                            assertThat(i.loopback()).isFalse();
                        });
    }

    @Test
    void givenManyAddresses_whenListed_thenAllPartsOfTheDumpAreRead() throws Exception {
        for (int i = 0; i < 600; i++) addresses.put(inet(i), lan, 60);

        assertThat(addresses.list()).filteredOn(Address::tagged).hasSize(600);
    }

    @Test
    void givenListenerThatIsSlow_whenTheKernelDropsMessages_thenToldLost() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        HostAddresses.Listener slow =
                new Recorder() {
                    @Override
                    public void address(
                            InetAddress address,
                            int interfaceIndex,
                            boolean present,
                            boolean tagged) {
                        try {
                            go.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }

                    @Override
                    public void lost() {
                        lost.countDown();
                    }
                };
        try (HostAddresses small = namespace.inside(() -> HostAddresses.open(slow, 4096));
                AutoCloseable _ = go::countDown) { // Else its end waits for ever if this fails.
            for (int i = 0; i < 100; i++) small.put(inet(i), lan, 60);
            assertThat(lost.getCount()).isEqualTo(1);
            go.countDown();
            assertThat(lost.await(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void givenWarmUp_whenDone_thenNothingHasChanged() throws Exception {
        List<String> before =
                List.of(namespace.run("ip", "-j", "addr"), namespace.run("ip", "-j", "route"));

        addresses.warmUp();

        assertThat(List.of(namespace.run("ip", "-j", "addr"), namespace.run("ip", "-j", "route")))
                .isEqualTo(before);
    }

    @Test
    void givenClosed_whenUsedOrClosedAgain_thenSaysSoAndTheThreadHasEnded() throws Exception {
        addresses.close();
        addresses.close();

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(addresses::list)
                .withMessageContaining("closed");
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(t -> t.getName().equals("bascule-addresses"));
    }

    private int index(String name) throws IOException {
        return addresses.interfaces().stream()
                .filter(i -> i.name().equals(name))
                .findFirst()
                .orElseThrow()
                .index();
    }

    private Address listed(InetAddress address) throws IOException {
        return addresses.list().stream()
                .filter(a -> a.address().equals(address))
                .findFirst()
                .orElse(null);
    }

    private static InetAddress inet(int i) throws IOException {
        return InetAddress.getByAddress(
                new byte[] {10, 9, (byte) (1 + i / 250), (byte) (1 + i % 250)});
    }

    /// @return what else was heard before
    private String expect(String event) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        StringBuilder others = new StringBuilder();
        while (true) {
            String next = heard.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (next == null) throw new AssertionError("expected " + event + ", heard:" + others);
            if (next.equals(event)) return others.toString();
            others.append('\n').append(next);
        }
    }

    private class Recorder implements HostAddresses.Listener {
        @Override
        public void address(
                InetAddress address, int interfaceIndex, boolean present, boolean tagged) {
            String text = address.getHostAddress().replace("fd00:9:0:0:0:0:0:50", V6);
            heard.add("address " + text + " " + interfaceIndex + " " + present + " " + tagged);
        }

        @Override
        public void link(int interfaceIndex, String name, boolean up) {
            heard.add("link " + interfaceIndex + " " + name + " " + up);
        }

        @Override
        public void lost() {
            heard.add("lost");
        }
    }
}
