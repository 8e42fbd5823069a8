package bascule.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientInfoTest {
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0, 0, 0.0.0.0:0, 0.0.0.0",
        "192.0.2.1, 80, 192.0.2.1:80, 192.0.2.1",
        "255.255.255.255, 65535, 255.255.255.255:65535, 255.255.255.255",
        "10.9.99.100, 9999, 10.9.99.100:9999, 10.9.99.100",
        "::1, 80, [::1]:80, ::1",
        "2001:db8::1, 65535, [2001:db8::1]:65535, 2001:db8::1"
    })
    void givenAddress_whenWritten_thenAsInAHostField(
            String address, int port, String text, String bare) throws UnknownHostException {
        var client =
                new ClientInfo(new InetSocketAddress(InetAddress.getByName(address), port), false);

        assertEquals(text, new String(client.text(), US_ASCII));
        assertEquals(bare, text.substring(client.addressStart(), client.addressEnd()));
    }

    @Test
    void givenRandomIpv4_whenWritten_thenAsTheJdkWrites() throws UnknownHostException {
        var random = new Random(1);
        byte[] raw = new byte[4];
        for (int round = 0; round < 100_000; round++) {
            random.nextBytes(raw);
            var address =
                    new InetSocketAddress(InetAddress.getByAddress(raw), random.nextInt(65536));

            String text = new String(ClientInfo.authority(address), US_ASCII);

            assertEquals(address.getAddress().getHostAddress() + ":" + address.getPort(), text);
        }
    }

    @Test
    void givenMappedIpv4_whenWritten_thenAsIpv4() throws UnknownHostException {
        byte[] mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, (byte) 192, 0, 2, 7};
        InetAddress address = java.net.Inet6Address.getByAddress(null, mapped, -1);

        assertEquals(
                "192.0.2.7:80",
                new String(ClientInfo.authority(new InetSocketAddress(address, 80)), US_ASCII));
    }
}
