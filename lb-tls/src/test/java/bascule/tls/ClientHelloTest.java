package bascule.tls;

import static bascule.tls.Hello.GROUPS;
import static bascule.tls.Hello.SERVER_NAME;
import static bascule.tls.Hello.SIGNATURES;
import static bascule.tls.Hello.VERSIONS;
import static bascule.tls.Hello.list16;
import static bascule.tls.Hello.list8;
import static bascule.tls.Hello.said;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientHelloTest {
    private static final String GOOD = "sni=www.example.com tls13=true P256 P384";

    private static Hello usual() {
        return Hello.usual("www.example.com");
    }

    /// What real clients sent: a line that says how, what is to be understood, and the bytes.
    static List<Path> recorded() throws IOException, URISyntaxException {
        Path folder =
                Path.of(
                        Objects.requireNonNull(ClientHelloTest.class.getResource("/hello"))
                                .toURI());
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    static byte[] bytes(List<String> lines) {
        return HexFormat.of().parseHex(String.join("", lines.subList(2, lines.size())));
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void givenRealClient_whenReadAtOnceOrCutAtEveryByte_thenIsUnderstood(Path file)
            throws IOException {
        List<String> lines = Files.readAllLines(file);
        byte[] bytes = bytes(lines);
        ClientHello hello = new ClientHello();

        assertEquals(lines.get(1), said(hello, bytes));
        for (int cut = 0; cut < bytes.length; cut++)
            assertEquals("need more", said(hello, Arrays.copyOf(bytes, cut)), "cut at " + cut);
        assertEquals(
                lines.get(1), said(hello, Hello.concat(bytes, new byte[] {20, 3, 3, 0, 1, 1})));
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void givenRealClient_whenItsMessageIsSplitOverRecordsAnywhere_thenIsUnderstoodAsWell(Path file)
            throws IOException {
        List<String> lines = Files.readAllLines(file);
        byte[] bytes = bytes(lines);
        byte[] message = Arrays.copyOfRange(bytes, 5, bytes.length);
        ClientHello hello = new ClientHello();

        for (int cut = 1; cut < message.length; cut++) {
            byte[] split = Hello.records(message, cut);
            assertEquals(lines.get(1), said(hello, split), "split at " + cut);
            assertEquals("need more", said(hello, Arrays.copyOf(split, cut + 5)));
            assertEquals("need more", said(hello, Arrays.copyOf(split, split.length - 1)));
        }
    }

    @Test
    void givenHelloOfOneBytePerRecord_whenFewEnough_thenIsRead_elseRefused() {
        Hello hello = usual();
        hello.sessionId = new byte[0];
        byte[] message = hello.message();
        int[] first = new int[ClientHello.RECORDS_LIMIT - 1];
        Arrays.setAll(first, i -> i + 1);
        assertEquals(GOOD, said(Hello.records(message, first)));

        int[] more = new int[ClientHello.RECORDS_LIMIT];
        Arrays.setAll(more, i -> i + 1);
        assertEquals("malformed", said(Hello.records(message, more)));
        assertEquals(
                "malformed",
                said(Arrays.copyOf(Hello.records(message, more), ClientHello.RECORDS_LIMIT * 6)));
    }

    @Test
    void givenUsualHello_whenRead_thenAllIsFound() {
        assertEquals(GOOD, said(usual().bytes()));
    }

    @Test
    void givenOneObject_whenItReadsAnother_thenNothingIsLeftOfTheFirst() {
        ClientHello hello = new ClientHello();
        said(hello, usual().bytes());
        Hello bare = new Hello();
        bare.noExtensions = true;

        assertEquals("sni=null tls13=false", said(hello, bare.bytes()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"WWW.Example.COM", "www.example.com.", "www.EXAMPLE.com."})
    void givenNameInAnySpelling_whenRead_thenIsTheSame(String name) {
        assertEquals(GOOD, said(Hello.usual(name).bytes()));
    }

    @Test
    void givenAddressAsName_whenRead_thenIsJustANameThatNobodyHas() {
        assertThat(said(Hello.usual("192.0.2.1").bytes())).startsWith("sni=192.0.2.1 ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".",
                "..",
                "a..b",
                ".a",
                "a b",
                "a/b",
                "a:443",
                "[::1]",
                "a\u0000",
                "a\r\n",
                "*.example.com",
                "é.example.com",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"
            })
    void givenNameThatIsNone_whenRead_thenIsRefused(String name) {
        assertEquals("malformed", said(Hello.usual(name).bytes()));
    }

    @Test
    void givenLongName_whenRead_thenTheLimitIsThatOfDns() {
        String label = "a".repeat(63) + ".";
        String longest = label.repeat(3) + "a".repeat(61);

        assertThat(said(Hello.usual(longest).bytes())).startsWith("sni=" + longest + " ");
        assertThat(said(Hello.usual(longest + ".").bytes())).startsWith("sni=" + longest + " ");
        assertEquals("malformed", said(Hello.usual(longest + "a").bytes()));
        assertEquals("malformed", said(Hello.usual("a.".repeat(200) + "a").bytes()));
    }

    // ECDSA or not.

    @Test
    void givenTls13_whenSignaturesAreRead_thenEachStandsForItsCurve() {
        assertEquals(
                "sni=null tls13=true P521",
                said(Hello.usual(null).with(SIGNATURES, list16(0x0804, 0x0603)).bytes()));
        assertEquals(
                "sni=null tls13=true",
                said(
                        Hello.usual(null)
                                .with(SIGNATURES, list16(0x0804, 0x0401, 0x0203, 0x0807))
                                .bytes()));
        assertEquals("sni=null tls13=true", said(Hello.usual(null).without(SIGNATURES).bytes()));
    }

    @Test
    void givenTls12_whenCurveIsAsked_thenGroupSignatureAndSuiteMustAllBeThere() {
        Hello hello = Hello.usual(null).without(VERSIONS);
        assertEquals("sni=null tls13=false P256 P384", said(hello.bytes()));

        hello.suites.remove(Integer.valueOf(0xc02b));
        assertEquals("sni=null tls13=false", said(hello.bytes()));
        for (int suite : new int[] {0xc02c, 0xcca9}) {
            hello.suites.add(suite);
            assertEquals("sni=null tls13=false P256 P384", said(hello.bytes()));
            hello.suites.removeLast();
        }
        hello.suites.add(0xc009); // CBC, which is not ours.
        assertEquals("sni=null tls13=false", said(hello.bytes()));

        hello = Hello.usual(null).without(VERSIONS).with(GROUPS, list16(29, 25));
        assertEquals("sni=null tls13=false P521", said(hello.bytes()));
        assertEquals("sni=null tls13=false", said(hello.without(GROUPS).bytes()));

        hello = Hello.usual(null).without(VERSIONS).with(SIGNATURES, list16(0x0804, 0x0203));
        assertEquals("sni=null tls13=false", said(hello.bytes()));
    }

    @Test
    void givenOlderVersionsOnly_whenRead_thenIsNoTls13() {
        assertThat(said(Hello.usual(null).with(VERSIONS, list8(0x0303, 0x0a0a)).bytes()))
                .startsWith("sni=null tls13=false");
    }

    // What is refused.

    @Test
    void givenOtherProtocols_whenRead_thenIsNoTls() {
        assertEquals("not TLS", said("GET / HTTP/1.1\r\n".getBytes(US_ASCII)));
        assertEquals("not TLS", said("PRI * HTTP/2.0".getBytes(US_ASCII)));
        assertEquals("not TLS", said(new byte[] {22, 2, 0}));
        assertEquals("not TLS", said(HexFormat.of().parseHex("802e0100020015000000"))); // SSL 2.
        assertEquals("not TLS", said(new byte[] {21, 3, 1, 0, 2, 2, 40}));
        assertEquals("need more", said(new byte[0]));
        assertEquals("need more", said(new byte[] {22}));
    }

    @Test
    void givenBrokenRecords_whenRead_thenAreRefusedAsSoonAsSeen() {
        byte[] message = usual().message();
        assertEquals("malformed", said(new byte[] {22, 3, 1, 0, 0})); // Empty (RFC 8446 §5.1).
        assertEquals("malformed", said(new byte[] {22, 3, 1, 0x40, 1})); // More than 2^14.
        assertEquals("malformed", said(new byte[] {22, 3, 1, 0, 5, 2})); // A ServerHello.
        assertEquals("malformed", said(Hello.records(Hello.concat(message, message))));
        assertEquals("malformed", said(Hello.records(Hello.concat(message, new byte[1]))));

        byte[] split = Hello.records(message, 50);
        split[55] = 21;
        assertEquals("malformed", said(split));
        split[55] = 22;
        split[56] = 4;
        assertEquals("malformed", said(split));
    }

    @Test
    void givenHelloAtTheLimit_whenRead_thenIsTaken_andOneByteMoreIsRefusedByItsLength() {
        Hello hello = usual();
        int room = ClientHello.LIMIT_BYTES - hello.message().length - 4;
        byte[] atLimit = hello.add(21, new byte[room]).message();
        assertEquals(ClientHello.LIMIT_BYTES, atLimit.length);
        assertEquals(GOOD, said(Hello.records(atLimit)));
        assertEquals(GOOD, said(Hello.records(atLimit, 1, 2, 3, 4, 9000)));

        byte[] over = usual().add(21, new byte[room + 1]).message();
        assertEquals("malformed", said(Hello.records(over, 9000)));
        assertEquals("malformed", said(Arrays.copyOf(Hello.records(over, 9000), 9)));
    }

    @Test
    void givenLengthsThatLie_whenRead_thenAreRefused() {
        Hello hello = usual();
        hello.compression = new byte[0];
        assertEquals("malformed", said(hello.with(SERVER_NAME, new byte[0]).bytes()));
        for (byte[] body :
                List.of(
                        new byte[] {0, 0},
                        new byte[] {0, 3, 0, 0, 0},
                        new byte[] {0, 4, 1, 0, 1, 'a'}, // Another kind of name.
                        new byte[] {0, 5, 0, 0, 1, 'a'},
                        new byte[] {0, 4, 0, 0, 2, 'a'},
                        new byte[] {0, 4, 0, 0, 1, 'a', 'b'},
                        new byte[] {0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'})) // Two names.
        assertEquals(
                    "malformed",
                    said(usual().with(SERVER_NAME, body).bytes()),
                    () -> HexFormat.of().formatHex(body));
        for (int type : new int[] {GROUPS, SIGNATURES})
            for (byte[] body :
                    List.of(
                            new byte[0],
                            new byte[] {0, 0},
                            new byte[] {0, 1, 4},
                            new byte[] {0, 4, 4, 3},
                            new byte[] {0, 2, 4, 3, 0}))
                assertEquals("malformed", said(usual().with(type, body).bytes()));
        for (byte[] body :
                List.of(
                        new byte[0],
                        new byte[] {1, 3},
                        new byte[] {4, 3, 4},
                        new byte[] {2, 3, 4, 0}))
            assertEquals("malformed", said(usual().with(VERSIONS, body).bytes()));
    }

    @ParameterizedTest
    @ValueSource(ints = {SERVER_NAME, GROUPS, SIGNATURES, VERSIONS})
    void givenExtensionTwice_whenRead_thenIsRefused(int type) {
        Hello hello = usual();
        hello.extensions.stream()
                .filter(one -> one.type() == type)
                .findAny()
                .ifPresent(hello.extensions::add);

        assertEquals("malformed", said(hello.bytes()));
    }

    @Test
    void givenAnyLengthFieldOneOff_whenRead_thenIsRefused() {
        byte[] message = usual().message();
        int sessionId = 4 + 2 + 32;
        int suites = sessionId + 33;
        int compression = suites + 2 + 6;
        int extensions = compression + 2;
        for (int at : new int[] {sessionId, suites + 1, extensions + 1})
            for (int by : new int[] {-1, 1}) {
                byte[] bad = message.clone();
                bad[at] += (byte) by;
                assertEquals("malformed", said(Hello.records(bad)), "at " + at + " by " + by);
            }
    }
}
