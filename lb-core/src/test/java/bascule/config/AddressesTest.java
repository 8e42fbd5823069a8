package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressesTest {
    /// The examples of RFC 5952 §4, and some at the edges.
    @ParameterizedTest
    @CsvSource({
        "2001:0db8::0001, 2001:db8::1",
        "2001:db8:0:0:0:0:2:1, 2001:db8::2:1",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "2001:DB8::ABCD, 2001:db8::abcd",
        "0:0:0:0:0:0:0:0, ::",
        "1:0:0:0:0:0:0:0, 1::",
        "0:0:0:0:0:0:0:1, ::1",
        "10.0.0.1, 10.0.0.1",
    })
    void givenAddress_whenWritten_thenInItsShortForm(String text, String expected) {
        assertThat(Addresses.text(Addresses.literal(text))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomAddress_whenWritten_thenReadsAsItself(long seed) throws UnknownHostException {
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            byte[] bytes = new byte[16];
            for (int j = 0; j < 16; j += 2) {
                if (random.nextBoolean()) bytes[j + 1] = (byte) random.nextInt();
                if (random.nextInt(4) == 0) bytes[j] = (byte) random.nextInt();
            }
            InetAddress address = InetAddress.getByAddress(bytes);

            String text = Addresses.text(address);

            assertThat(Addresses.literal(text)).as("seed %d: %s", seed, text).isEqualTo(address);
        }
    }
}
