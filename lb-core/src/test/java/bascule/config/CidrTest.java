package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CidrTest {
    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.255.255, true",
        "10.0.0.0/8, 11.0.0.0, false",
        "10.1.2.3, 10.1.2.3, true",
        "10.1.2.3, 10.1.2.2, false",
        "0.0.0.0/0, 255.255.255.255, true",
        "0.0.0.0/0, ::1, false",
        "::/0, 2001:db8::1, true",
        "::/0, 10.0.0.1, false",
        "::/0, ::10.0.0.1, true",
        "2001:db8::/33, 2001:db8:7fff::, true",
        "2001:db8::/33, 2001:db8:8000::, false",
        "2001:db8::/64, 2001:db8::ffff:ffff:ffff:ffff, true",
        "2001:db8::/65, 2001:db8::8000:0:0:0, false",
        "::1/128, ::1, true",
    })
    void givenRange_whenAsked_thenContains(String range, String address, boolean contains) {
        assertThat(Cidr.parse(range).contains(InetAddress.ofLiteral(address))).isEqualTo(contains);
    }

    @Test
    void givenMappedAddress_whenAsked_thenItIsItsIpv4Address() {
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = (byte) 0xff;
        mapped[12] = 10;

        assertThat(Cidr.parse("10.0.0.0/8").contains(mapped)).isTrue();
        assertThat(Cidr.parse("::/0").contains(mapped)).isFalse();
        assertThat(Cidr.parse("::/0").contains(new byte[5])).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomRange_whenWrittenAndAsked_thenSameAsArithmetic(long seed)
            throws UnknownHostException {
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            byte[] first = new byte[random.nextBoolean() ? 4 : 16];
            if (random.nextInt(4) > 0) random.nextBytes(first); // Else zeroes, to write as "::".
            if (first.length == 16 && random.nextBoolean()) first[random.nextInt(16)] = 0;
            int bits = first.length * 8;
            int length = random.nextInt(bits + 1);
            BigInteger value = new BigInteger(1, first).shiftRight(bits - length);
            byte[] network = bytes(value.shiftLeft(bits - length), first.length);
            String text = InetAddress.getByAddress(network).getHostAddress() + "/" + length;
            byte[] other = network.clone();
            int flipped = random.nextInt(bits);
            other[flipped / 8] ^= (byte) (0x80 >> flipped % 8);

            Cidr range = Cidr.parse(text);

            String replay = "seed " + seed + ", " + text;
            assertThat(Cidr.parse(range.toString())).as(replay).isEqualTo(range);
            assertThat(range.contains(network)).as(replay).isTrue();
            assertThat(range.contains(other)).as(replay).isEqualTo(flipped >= length);
        }
    }

    @Test
    void givenBitsBehindThePrefix_whenMade_thenRefused() {
        assertThat(Cidr.parse("10.0.0.1/31")).isNull();
        assertThat(Cidr.parse("::ffff:10.0.0.0/8")).isNull();
        assertThatThrownBy(() -> new Cidr(1, 0, 32)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Cidr(0, 0, 129)).isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] bytes(BigInteger value, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[length - 1 - i] = value.shiftRight(8 * i).byteValue();
        return bytes;
    }
}
