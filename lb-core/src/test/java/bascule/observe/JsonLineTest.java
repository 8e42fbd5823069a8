package bascule.observe;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.tls.ClientPolicy;
import bascule.tls.TlsSession;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonLineTest {
    private static final long WALL = 1_795_162_669_123L;
    private static final byte[] CLIENT = "192.0.2.1:1234".getBytes(US_ASCII);

    private final AccessLine line = new JsonLine();
    private byte[] tls = AccessLine.tlsPart(null);
    private final LoopAccessLog log = Lines.ring();
    private final Lines lines = new Lines(log);

    @Test
    void givenExchange_whenEnded_thenTheLineIsAsDocumented() {
        begin("http", "GET", "/a/b?c=d", "www.example.org:8080", 11);
        requestId("5f3a");
        line.end(
                log,
                200,
                "complete",
                "web",
                "10.0.1.11:80",
                321,
                4_096,
                123,
                0,
                1_234_567,
                12_000,
                2_000_000_999L,
                1,
                false);

        assertEquals(
                "{\"time\":\"2026-11-20T08:17:49.123Z\",\"listener\":\"http\",\"client\":\"192.0.2.1:1234\","
                        + "\"method\":\"GET\",\"host\":\"www.example.org:8080\",\"target\":\"/a/b?c=d\",\"protocol\":\"HTTP/1.1\","
                        + "\"tls\":null,\"cipher\":null,\"sni\":null,\"resumed\":null,"
                        + "\"request_id\":\"5f3a\",\"status\":200,\"received\":321,\"sent\":4096,"
                        + "\"backend\":\"web\",\"server\":\"10.0.1.11:80\","
                        + "\"queue_ms\":0.000,\"connect_ms\":1.234,\"first_byte_ms\":0.012,\"total_ms\":2000.000,"
                        + "\"retries\":1,\"reused\":false,\"upgraded\":false,\"reason\":\"complete\"}\n",
                raw());
    }

    @Test
    void givenReusedConnectionAndTunnel_whenEnded_thenSaidSo() throws IOException {
        begin("http", "GET", "/chat", "", 10);
        line.end(log, 101, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, true);

        Map<String, Object> json = json(raw());
        assertEquals("HTTP/1.0", json.get("protocol"));
        assertEquals(null, json.get("host"));
        assertEquals(null, json.get("request_id"));
        assertEquals(null, json.get("connect_ms"));
        assertEquals(true, json.get("reused"));
        assertEquals(true, json.get("upgraded"));
    }

    @ParameterizedTest
    @CsvSource({"10,HTTP/1.0", "11,HTTP/1.1", "20,HTTP/2.0"})
    void givenVersion_whenEnded_thenItIsNamed(int version, String protocol) throws IOException {
        begin("http", "GET", "/", "h", version);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);

        assertEquals(protocol, json(raw()).get("protocol"));
    }

    @Test
    void givenHeadThatCouldNotBeRead_whenEnded_thenAllKeysStandThere() throws IOException {
        begin("http", "GET", "/", "h", 11);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);
        var keys = json(raw()).keySet();

        line.beginRejected(AccessLine.listenerPart("http"), CLIENT, tls, WALL);
        line.end(log, 0, "field", null, null, 17, 0, 0, -1, -1, -1, 5, 0, false);

        Map<String, Object> json = json(raw());
        assertThat(json.keySet()).containsExactlyElementsOf(keys);
        for (String key :
                new String[] {"method", "host", "target", "protocol", "status", "backend"})
            assertEquals(null, json.get(key), key);
        assertEquals(false, json.get("reused"));
        assertEquals("field", json.get("reason"));
    }

    @Test
    void givenEveryByte_whenEscaped_thenAParserReadsItBackAndTheLineIsPlainAscii()
            throws IOException {
        for (int b = 0; b < 256; b++) {
            for (String around : new String[] {"", "1234567", "/abcdefghijklmnopqrstuvwxyz"}) {
                String target = around + (char) b + around;
                begin("http", "GET", target, "h", 11);
                line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);

                String raw = raw();
                assertEquals(target, json(raw).get("target"), "byte " + b);
                assertTrue(raw.strip().chars().allMatch(c -> c >= ' ' && c <= '~'), raw);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomText_whenEscaped_thenAParserReadsItBackOrTheCutIsMarked(long seed)
            throws IOException {
        var random = new Random(seed);
        for (int i = 0; i < 3_000; i++) {
            String[] text = new String[6];
            for (int t = 0; t < text.length; t++) text[t] = Lines.randomText(random);
            begin(text[0], text[1], text[2], text[3], 11);
            if (random.nextBoolean()) requestId(text[4]);
            line.end(
                    log,
                    599,
                    "timeout-response",
                    text[4],
                    text[5],
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    0,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Integer.MAX_VALUE,
                    false);

            String raw = raw();
            assertTrue(raw.length() <= AccessLine.LIMIT, () -> seed + ": " + raw.length());
            assertEquals(raw.length() - 1, raw.indexOf('\n'));
            Map<String, Object> json = json(raw);
            assertUncutOrMarked(text[0], json.get("listener"));
            assertUncutOrMarked(text[1], json.get("method"));
            assertUncutOrMarked(text[2], json.get("target"));
            assertUncutOrMarked(text[3].isEmpty() ? null : text[3], json.get("host"));
            assertUncutOrMarked(text[4], json.get("backend"));
            assertUncutOrMarked(text[5], json.get("server"));
        }
    }

    private static void assertUncutOrMarked(String given, Object logged) {
        if (given == null || !(logged instanceof String text) || !text.endsWith("\u2026")) {
            assertEquals(given, logged);
        } else {
            assertTrue(given.startsWith(text.substring(0, text.length() - 1)));
            assertTrue(text.length() <= given.length(), "a mark without a cut");
        }
    }

    @ParameterizedTest
    @CsvSource({"5120, false", "5121, true"})
    void givenLongTarget_whenOverItsShare_thenCutWithAMark(int length, boolean cut)
            throws IOException {
        begin("http", "GET", "/".repeat(length), "h", 11);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);

        String target = (String) json(raw()).get("target");
        assertEquals(cut, target.endsWith("\u2026"));
        assertEquals("/".repeat(5120), target.replace("\u2026", ""));
    }

    @Test
    void givenNamesOutsideAscii_whenWritten_thenEscaped() throws IOException {
        begin("caf\u00e9", "GET", "/", "h", 11);
        line.end(log, 200, "complete", "\u4e16\u754c", "\"\\\n", 0, 0, 0, -1, -1, 5, 5, 0, false);

        Map<String, Object> json = json(raw());
        assertEquals("caf\u00e9", json.get("listener"));
        assertEquals("\u4e16\u754c", json.get("backend"));
        assertEquals("\"\\\n", json.get("server"));
    }

    @Test
    void givenFullRing_whenEnded_thenTheLineIsDroppedAndTheNextOneIsClean() throws IOException {
        while (log.offer(new byte[1 << 10], 1 << 10)) {}
        begin("http", "GET", "/lost", "h", 11);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);
        lines.skip();
        begin("http", "GET", "/kept", "h", 11);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);

        assertEquals("/kept", json(raw()).get("target"));
        assertEquals(2, log.dropped());
    }

    @Test
    void givenTls_whenEnded_thenTheLineSaysWhatWasAgreedOn() throws IOException {
        tls =
                AccessLine.tlsPart(
                        new TlsSession(
                                "TLSv1.3",
                                "TLS_AES_128_GCM_SHA256",
                                "www.example.com",
                                true,
                                ClientPolicy.NOTHING,
                                null,
                                null));
        begin("http", "GET", "/a", "h", 20);
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);

        Map<String, Object> json = json(raw());
        assertEquals("TLSv1.3", json.get("tls"));
        assertEquals("TLS_AES_128_GCM_SHA256", json.get("cipher"));
        assertEquals("www.example.com", json.get("sni"));
        assertEquals(true, json.get("resumed"));
        assertEquals("HTTP/2.0", json.get("protocol"));
    }

    private void begin(String listener, String method, String target, String host, int version) {
        byte[] head = (method + " " + target + " " + host).getBytes(ISO_8859_1);
        int targetStart = method.length() + 1;
        int hostStart = targetStart + target.length() + 1;
        line.begin(
                AccessLine.listenerPart(listener),
                CLIENT,
                tls,
                WALL,
                head,
                0,
                method.length(),
                targetStart,
                targetStart + target.length(),
                hostStart,
                hostStart + host.length(),
                version);
        Arrays.fill(head, (byte) '!'); // The head is gone before the end.
    }

    private void requestId(String id) {
        byte[] bytes = ("id=" + id).getBytes(ISO_8859_1);
        line.requestId(bytes, 3, bytes.length);
    }

    private String raw() {
        return lines.raw();
    }

    private static Map<String, Object> json(String text) throws IOException {
        var json = new LinkedHashMap<String, Object>();
        try (JsonParser parser = new JsonFactory().createParser(text)) {
            assertEquals(JsonToken.START_OBJECT, parser.nextToken());
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String key = parser.currentName();
                assertFalse(json.containsKey(key), key);
                json.put(
                        key,
                        switch (parser.nextToken()) {
                            case VALUE_NULL -> null;
                            case VALUE_TRUE -> true;
                            case VALUE_FALSE -> false;
                            case VALUE_STRING -> parser.getText();
                            case VALUE_NUMBER_INT -> parser.getLongValue();
                            case VALUE_NUMBER_FLOAT -> parser.getDecimalValue();
                            default -> throw new AssertionError(text);
                        });
            }
            assertEquals(null, parser.nextToken());
        }
        return json;
    }
}
