package bascule.cluster.net;

import static bascule.cluster.net.FrameTest.inet;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.net.HostAddresses.Address;
import bascule.cluster.net.HostAddresses.Interface;
import java.net.Inet6Address;
import java.util.List;
import org.junit.jupiter.api.Test;

class SubnetsTest {
    private static final Interface LO = new Interface(1, "lo", true, true, List.of());
    private static final Interface LAN = new Interface(2, "lan0", true, false, List.of());
    private static final Interface WAN = new Interface(3, "wan0", true, false, List.of());
    private static final List<Interface> INTERFACES = List.of(LO, LAN, WAN);
    private static final List<Address> ADDRESSES =
            List.of(
                    new Address(inet("127.0.0.1"), 8, 1, false, -1),
                    new Address(inet("203.0.113.99"), 32, 2, true, 2),
                    new Address(inet("198.51.100.7"), 32, 2, false, -1),
                    new Address(inet("10.0.0.2"), 20, 2, false, -1),
                    new Address(inet("2001:db8:0:1::2"), 64, 2, false, -1),
                    new Address(inet("203.0.113.2"), 25, 3, false, -1),
                    new Address(inet("203.0.113.3"), 25, 3, false, -1));

    @Test
    void givenAddress_whenInterfaceSought_thenThatOfItsSubnet() {
        assertThat(holding("10.0.15.255")).isSameAs(LAN);
        assertThat(holding("2001:db8:0:1:ffff::1")).isSameAs(LAN);
        assertThat(holding("203.0.113.99")).isSameAs(WAN);
        assertThat(Subnets.source(inet("203.0.113.99"), 3, ADDRESSES))
                .isEqualTo(inet("203.0.113.2"));
    }

    @Test
    void givenAddress_whenNoSubnetHoldsIt_thenNone() {
        assertThat(holding("10.0.16.0")).isNull();
        assertThat(holding("203.0.113.128")).isNull();
        assertThat(holding("198.51.100.7")).isNull();
        assertThat(holding("2001:db8:0:2::1")).isNull();
        assertThat(holding("127.0.0.5")).isNull();
        assertThat(Subnets.source(inet("203.0.113.99"), 2, ADDRESSES)).isNull();
    }

    @Test
    void givenLinkLocalNeighbour_whenInterfaceSought_thenTheOneItCarries() throws Exception {
        List<Address> addresses =
                List.of(
                        new Address(
                                Inet6Address.getByAddress(null, inet("fe80::2").getAddress(), 2),
                                64,
                                2,
                                false,
                                -1),
                        new Address(
                                Inet6Address.getByAddress(null, inet("fe80::3").getAddress(), 3),
                                64,
                                3,
                                false,
                                -1));

        assertThat(
                        Subnets.holding(
                                Inet6Address.getByAddress(null, inet("fe80::9").getAddress(), 3),
                                addresses,
                                INTERFACES))
                .isSameAs(WAN);
    }

    private static Interface holding(String address) {
        return Subnets.holding(inet(address), ADDRESSES, INTERFACES);
    }
}
