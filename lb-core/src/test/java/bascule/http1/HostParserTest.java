package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostParserTest {
    @ParameterizedTest
    @CsvSource({
        "a, a, 80",
        "a:81, a, 81",
        "a:65535, a, 65535",
        "a:00080, a, 80",
        "[::], [::], 80",
        "[::1]:8080, [::1], 8080",
        "a.b-c_d.example., a.b-c_d.example., 80",
        "1.2.3.4:1, 1.2.3.4, 1",
        "[1:2:3:4:5:6:7:8], [1:2:3:4:5:6:7:8], 80",
        "[1::8], [1::8], 80",
        "[::ffff:255.1.0.9], [::ffff:255.1.0.9], 80",
        "[1:2:3:4:5:6:7::], [1:2:3:4:5:6:7::], 80",
        "[::2:3:4:5:6:7:8], [::2:3:4:5:6:7:8], 80",
        "[1:2:3:4:5:6:1.2.3.4], [1:2:3:4:5:6:1.2.3.4], 80"
    })
    void givenAuthority_whenRead_thenHostAndPortAreFound(String authority, String host, int port) {
        byte[] bytes = authority.getBytes(ISO_8859_1);
        int end = HostParser.hostEnd(bytes, 0, bytes.length);

        assertEquals(host, authority.substring(0, end));
        assertEquals(port, HostParser.port(bytes, end, bytes.length, 80));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "a..b",
                ".a",
                "a:",
                "a:0",
                "a:65536",
                "a:100000",
                "a:-1",
                "a:8 0",
                "a b",
                "a@b",
                "a,b",
                "a/b",
                "a%41",
                "a\u00e9",
                "a\0",
                ":80",
                "[",
                "]",
                "[]",
                "[::1",
                "::1",
                "[::1]:",
                "[::1]x",
                "[:::]",
                "[:1:2:3:4:5:6:7]",
                "[1:2:3:4:5:6:7]",
                "[1:2:3:4:5:6:7:8:9]",
                "[1:2:3:4:5:6:7:8::]",
                "[1::2::3]",
                "[1:]",
                "[12345::]",
                "[g::]",
                "[::1.2.3]",
                "[::1.2.3.256]",
                "[::1.2.3.04]",
                "[::1.2.3.4.5]",
                "[1.2.3.4]",
                "[::1.2.3.4:5]",
                "[fe80::1%eth0]",
                "[1:2:3:4:5:6:7:1.2.3.4]",
                "[v1.a]",
                "[::.1.2.3]"
            })
    void givenSomethingElse_whenRead_thenIsMalformed(String authority) {
        byte[] bytes = authority.getBytes(ISO_8859_1);

        assertEquals(HostParser.MALFORMED, HostParser.hostEnd(bytes, 0, bytes.length));
    }

    @Test
    void givenHostOf255Bytes_whenRead_thenIsTheLongest() {
        assertEquals(255, HostParser.hostEnd("a".repeat(255).getBytes(ISO_8859_1), 0, 255));
        assertEquals(
                HostParser.MALFORMED,
                HostParser.hostEnd("a".repeat(256).getBytes(ISO_8859_1), 0, 256));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyAuthority_whenRead_thenIsGoodIfTheGrammarSaysSo(long seed) {
        WireGenerator hosts = new WireGenerator(seed);
        int good = 0;
        for (int i = 0; i < 50_000; i++) {
            String host = hosts.host();
            byte[] bytes = host.getBytes(ISO_8859_1);
            boolean expected = Reference.isAuthorityText(host);
            assertEquals(
                    expected,
                    HostParser.hostEnd(bytes, 0, bytes.length) >= 0,
                    "seed " + seed + ": " + Wire.show(host));
            if (expected) good++;
        }
        assertTrue(good > 1_000, "too few good hosts: " + good);
    }
}
