package bascule.listen;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.systemd.PassedSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class KeptSocketsTest {
    private static PassedSocket bound(InetAddress address, boolean isIpv6) {
        return new PassedSocket(3, "web.0.0", isIpv6, new InetSocketAddress(address, 80));
    }

    private static InetAddress link(int scope) throws UnknownHostException {
        byte[] bytes = InetAddress.ofLiteral("fe80::1").getAddress();
        return scope == 0
                ? InetAddress.getByAddress(bytes)
                : Inet6Address.getByAddress(null, bytes, scope);
    }

    @ParameterizedTest
    @CsvSource({"2,2,true", "2,3,false", "2,0,false", "0,2,false", "0,0,true"})
    void givenLinkLocalAddress_whenMatched_thenTheLinkMustBeTheSame(
            int bound, int wanted, boolean fits) throws Exception {
        assertThat(KeptSockets.isBoundTo(bound(link(bound), true), link(wanted))).isEqualTo(fits);
    }

    @Test
    void givenSocketOfTheOtherFamily_whenMatched_thenItIsAnother() {
        InetAddress four = InetAddress.ofLiteral("192.0.2.1");

        assertThat(KeptSockets.isBoundTo(bound(four, false), four)).isTrue();
        assertThat(KeptSockets.isBoundTo(bound(four, true), four)).isFalse();
    }
}
