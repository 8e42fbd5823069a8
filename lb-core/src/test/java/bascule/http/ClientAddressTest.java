package bascule.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientAddressTest {
    private static ClientAddress read(String text) {
        byte[] bytes = ("<" + text + ">").getBytes(ISO_8859_1); // Not the whole array.
        var address = new ClientAddress();
        return address.read(bytes, 1, bytes.length - 1) ? address : null;
    }

    @ParameterizedTest
    @CsvSource({
        "0.0.0.0, 0, ffff00000000",
        "192.0.2.1, 0, ffffc0000201",
        "255.255.255.255, 0, ffffffffffff",
        "::, 0, 0",
        "::1, 0, 1",
        "1::, 1000000000000, 0",
        "2001:db8::1, 20010db800000000, 1",
        "2001:DB8:0:0:1:2:3:4, 20010db800000000, 1000200030004",
        "1:2:3:4:5:6:7::, 1000200030004, 5000600070000",
        "::2:3:4:5:6:7:8, 200030004, 5000600070008",
        "::ffff:192.0.2.1, 0, ffffc0000201",
        "64:ff9b::192.0.2.33, 64ff9b00000000, c0000221",
        "1:2:3:4:5:6:1.2.3.4, 1000200030004, 5000601020304"
    })
    void givenAddress_whenRead_thenItsBits(String text, String high, String low) {
        ClientAddress address = read(text);

        assertEquals(Long.parseUnsignedLong(high, 16), address.high());
        assertEquals(Long.parseUnsignedLong(low, 16), address.low());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                ":",
                ":::",
                "1",
                "1.2.3",
                "1.2.3.",
                "1.2.3.4.",
                "1.2.3.4.5",
                "256.1.1.1",
                "01.2.3.4",
                "1.2.3.04",
                "1.2.3.-4",
                "1.2.3.4 ",
                " 1.2.3.4",
                "1..3.4",
                "0x1.2.3.4",
                "1.2.3.1111",
                "unknown",
                "_hidden",
                ":1",
                "1:",
                ":1::",
                "1:2",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "1:2:3:4:5:6:7:8::",
                "::1:2:3:4:5:6:7:8",
                "1::2::3",
                "12345::",
                "g::",
                "::1%eth0",
                "[::1]",
                "::1.2.3",
                "::1.2.3.4:5",
                "1:2:3:4:5:6:7:1.2.3.4",
                "::1.2.3.256",
                "1:::2"
            })
    void givenNoAddress_whenRead_thenItIsNone(String text) {
        assertEquals(null, read(text));
    }

    @Test
    void givenRandomText_whenRead_thenAsNettyReads() {
        var random = new Random(3);
        String alphabet = "0123456789abcdF::::....";
        int good = 0;
        for (int i = 0; i < 300_000; i++) {
            String text;
            if (i % 3 == 0) {
                var some = new StringBuilder();
                for (int n = random.nextInt(12); n >= 0; n--)
                    some.append(alphabet.charAt(random.nextInt(alphabet.length())));
                text = some.toString();
            } else {
                byte[] raw = new byte[i % 3 == 1 ? 4 : 16];
                for (int at = 0; at < raw.length; at++)
                    raw[at] = random.nextInt(3) == 0 ? (byte) random.nextInt() : 0;
                text = NetUtil.bytesToIpAddress(raw);
                if (random.nextInt(10) == 0) text = text.replaceFirst("0", "");
            }
            ClientAddress address = read(text);
            byte[] expected = reference(text);
            assertEquals(expected != null, address != null, text);
            if (address == null) continue;
            good++;
            var model = new ClientAddress();
            model.set(0, 0);
            if (expected.length == 4) model.set(0, 0xffffL << 32 | word(expected, 0, 4));
            else model.set(word(expected, 0, 8), word(expected, 8, 16));
            assertEquals(model.high(), address.high(), text);
            assertEquals(model.low(), address.low(), text);
        }
        assertThat(good).isGreaterThan(150_000);
    }

    /// Netty's reading, but for leading zeros, which it takes as decimal.
    private static byte[] reference(String text) {
        if (text.matches(".*(^|[.:])0[0-9]+\\..*|.*\\.0[0-9]+$")) return null;
        if (NetUtil.isValidIpV4Address(text))
            return NetUtil.createByteArrayFromIpAddressString(text);
        return NetUtil.isValidIpV6Address(text)
                ? NetUtil.getByName(text, false).getAddress()
                : null;
    }

    private static long word(byte[] bytes, int start, int end) {
        long word = 0;
        for (int i = start; i < end; i++) word = word << 8 | bytes[i] & 0xff;
        return word;
    }

    @Test
    void givenClients_whenCounted_thenIpv4ByAddressAndIpv6ByItsSubnet() {
        assertEquals(read("2001:db8::1").key(), read("2001:db8::ffff:1:2:3").key());
        assertNotEquals(read("2001:db8::1").key(), read("2001:db8:0:1::1").key());
        assertNotEquals(read("192.0.2.1").key(), read("192.0.2.2").key());
        assertEquals(read("192.0.2.1").key(), read("::ffff:192.0.2.1").key());
        assertNotEquals(read("0.0.0.0").key(), read("::1").key());
        assertEquals(0xff, read("192.0.2.1").key() >>> 56); // ff00::/8, which nobody can come from.
    }

    @Test
    void givenPeer_whenCopied_thenAsItIsWritten() throws Exception {
        for (String text : new String[] {"192.0.2.1", "2001:db8::7"}) {
            var peer =
                    new ClientInfo(new InetSocketAddress(InetAddress.getByName(text), 80), false);
            var address = new ClientAddress();

            peer.copyTo(address);

            assertEquals(read(text).high(), address.high());
            assertEquals(read(text).low(), address.low());
            assertEquals(text.startsWith("192"), address.isIpv4());
        }
    }

    @Test
    void givenAddressThatCannotBeRead_whenTried_thenTheOneBeforeStays() {
        ClientAddress address = read("2001:db8::1");

        assertFalse(address.read("1::2::3".getBytes(ISO_8859_1), 0, 7));

        assertEquals(read("2001:db8::1").high(), address.high());
        assertTrue(address.low() == 1);
    }
}
