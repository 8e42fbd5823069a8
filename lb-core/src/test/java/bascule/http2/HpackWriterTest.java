package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is written here, as a decoder that is not ours reads it.
final class HpackWriterTest {
    private final HpackWriter writer = new HpackWriter();
    private final DefaultHttp2HeadersDecoder decoder =
            new DefaultHttp2HeadersDecoder(false, 1 << 20);

    private static final String[] NAMES = {
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "accept-ranges",
        "accept",
        "access-control-allow-origin",
        "age",
        "allow",
        "authorization",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "etag",
        "expect",
        "expires",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "last-modified",
        "link",
        "location",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "range",
        "referer",
        "refresh",
        "retry-after",
        "server",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "www-authenticate"
    };

    private void field(String name, String value) {
        byte[] bytes = ("..." + name + ": " + value + "...").getBytes(ISO_8859_1);
        int valueStart = 3 + name.length() + 2;
        writer.field(bytes, 3, 3 + name.length(), valueStart, valueStart + value.length());
    }

    private byte[] block() {
        byte[] block = new byte[writer.end() - HpackWriter.ROOM];
        System.arraycopy(writer.bytes(), HpackWriter.ROOM, block, 0, block.length);
        return block;
    }

    private List<String> decoded() throws Http2Exception {
        ByteBuf in = Unpooled.wrappedBuffer(block());
        var fields = new ArrayList<String>();
        decoder.decodeHeaders(1, in)
                .forEach(field -> fields.add(field.getKey() + ": " + field.getValue()));
        assertEquals(0, in.readableBytes());
        return fields;
    }

    @Test
    void givenEveryStatus_whenWritten_thenIsRead() throws Http2Exception {
        for (int status = 100; status < 600; status++) {
            writer.clear();
            writer.status(status);
            assertEquals(List.of(":status: " + status), decoded());
        }
        writer.clear();
        writer.status(200);
        assertEquals(1, block().length);
    }

    @Test
    void givenNameOfTheStaticTable_whenWritten_thenByItsIndex() throws Http2Exception {
        for (int i = 0; i < NAMES.length; i++) {
            String name = NAMES[i];
            for (String written : List.of(name, name.toUpperCase(Locale.ROOT), capitalised(name))) {
                writer.clear();
                field(written, "v");
                byte[] block = block();
                assertEquals(4, block.length, name);
                boolean secret =
                        List.of("authorization", "cookie", "proxy-authorization", "set-cookie")
                                .contains(name);
                assertEquals(secret ? 0x1f : 0x0f, block[0], name);
                assertEquals(15 + i - 15, block[1], name);
                assertEquals(List.of(name + ": v"), decoded());
            }
        }
    }

    private static String capitalised(String name) {
        var text = new StringBuilder(name);
        for (int i = 0; i < name.length(); i++)
            if (i == 0 || name.charAt(i - 1) == '-')
                text.setCharAt(i, Character.toUpperCase(name.charAt(i)));
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 16_512, 200_000})
    void givenLengthOfAnySize_whenWritten_thenIsRead(int length) throws Http2Exception {
        writer.clear();
        field("x-value", "v".repeat(length));
        if (length > 0) field("n".repeat(length), "v");
        field("via", "v".repeat(length));
        List<String> expected = new ArrayList<>(List.of("x-value: " + "v".repeat(length)));
        if (length > 0) expected.add("n".repeat(length) + ": v");
        expected.add("via: " + "v".repeat(length));
        assertEquals(expected, decoded());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomFields_whenWritten_thenAreRead(long seed) throws Http2Exception {
        var random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            writer.clear();
            var expected = new ArrayList<String>();
            for (int i = random.nextInt(20); i >= 0; i--) {
                String name =
                        random.nextBoolean() ? NAMES[random.nextInt(NAMES.length)] : name(random);
                var value = new StringBuilder();
                for (int n = random.nextInt(random.nextInt(300) + 1); n > 0; n--)
                    value.append((char) (0x20 + random.nextInt(0xe0)));
                field(random.nextBoolean() ? name : capitalised(name), value.toString());
                expected.add(name + ": " + value);
            }
            assertEquals(expected, decoded(), "seed " + seed + ", round " + round);
        }
    }

    private static String name(Random random) {
        String letters = "abcdefghijklmnopqrstuvwxyz0123456789-_!#$%&'*+.^`|~";
        var name = new StringBuilder();
        for (int n = random.nextInt(40); n >= 0; n--)
            name.append(letters.charAt(random.nextInt(letters.length())));
        return name.toString();
    }

    @Test
    void givenPseudoFields_whenWrittenByIndex_thenAreRead() throws Http2Exception {
        byte[] bytes = "example.org/path".getBytes(ISO_8859_1);
        writer.clear();
        writer.indexed(HpackWriter.METHOD_GET);
        writer.indexed(HpackWriter.SCHEME_HTTPS);
        writer.named(HpackWriter.PATH, bytes, 11, 16);
        writer.named(HpackWriter.AUTHORITY, bytes, 0, 11);
        assertThat(decoded())
                .containsExactly(
                        ":method: GET",
                        ":scheme: https",
                        ":path: /path",
                        ":authority: example.org");
    }

    /// A peer that allows no table wants to hear that there is none (RFC 7541 §4.2); one that is not told must not be satisfied.
    @Test
    void givenPeerThatAllowsNoTable_whenTheFirstBlockSaysThatThereIsNone_thenItReads()
            throws Http2Exception {
        decoder.maxHeaderTableSize(0);
        writer.clear();
        field("via", "v");
        assertThrows(Http2Exception.class, this::decoded);

        byte[] block = block();
        ByteBuf in = Unpooled.buffer().writeByte(HpackWriter.NO_TABLE).writeBytes(block);
        assertEquals("v", decoder.decodeHeaders(1, in).get("via").toString());
        decoder.maxHeaderTableSize(4096);
        decoder.maxHeaderTableSize(100);
        assertEquals(List.of("via: v"), decoded());
    }
}
