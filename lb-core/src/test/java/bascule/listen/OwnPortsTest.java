package bascule.listen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OwnPortsTest {
    private final OwnPorts ports = new OwnPorts();

    private static Channel accepted(String from, int port, String at) {
        return new EmbeddedChannel() {
            @Override
            public SocketAddress remoteAddress() {
                return new InetSocketAddress(from, port);
            }

            @Override
            public SocketAddress localAddress() {
                return new InetSocketAddress(at, 80);
            }
        };
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1,         127.0.0.1,    true",
        "::1,               ::1,          true",
        "::ffff:127.0.0.1,  127.0.0.1,    true",
        "203.0.113.10,      203.0.113.10, true",
        "2001:db8::1,       2001:db8::1,  true",
        "203.0.113.11,      203.0.113.10, false",
        "203.0.113.10,      127.0.0.1,    false",
        "2001:db8::2,       2001:db8::1,  false",
        "10.0.0.3,          10.0.0.2,     false",
    })
    void givenPortOfOurs_whenClientComesByIt_thenOnlyOneOfThisHostIsUs(
            String from, String at, boolean own) {
        ports.add(40_000);

        assertEquals(own, ports.isOwn(accepted(from, 40_000, at)));
        assertFalse(ports.isOwn(accepted(from, 40_001, at)));
        assertFalse(ports.isOwn(accepted(from, 40_064, at)));
    }

    @Test
    void givenPortThatWasOurs_whenClientComesByIt_thenItIsAClient() {
        for (int port : new int[] {1, 63, 64, 65_535}) {
            ports.add(port);
            assertTrue(ports.isOwn(accepted("127.0.0.1", port, "127.0.0.1")), "port " + port);
            ports.remove(port);
            assertFalse(ports.isOwn(accepted("127.0.0.1", port, "127.0.0.1")), "port " + port);
        }
    }
}
