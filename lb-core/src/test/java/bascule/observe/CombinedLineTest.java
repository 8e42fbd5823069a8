package bascule.observe;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CombinedLineTest {
    private static final long WALL = 1_795_162_669_123L;
    private static final String CLIENT = "192.0.2.1:1234";

    /// As programs read it that know of no escapes: a quote ends a text, a blank a word.
    private static final String COMBINED =
            "(?<client>\\S+) (?<ident>\\S+) (?<user>\\S+) \\[(?<time>[^\\]]+)] \"(?<request>[^\"]*)\""
                    + " (?<status>\\d{3}) (?<bytes>\\d+) \"(?<referer>[^\"]*)\" \"(?<agent>[^\"]*)\"";

    private static final Pattern LINE =
            Pattern.compile(
                    COMBINED
                            + text("host")
                            + text("request_id")
                            + text("listener")
                            + text("backend")
                            + text("server")
                            + time("queue_ms")
                            + time("connect_ms")
                            + time("first_byte_ms")
                            + time("total_ms")
                            + " retries=(?<retries>\\d+) reused=(?<reused>true|false)"
                            + " upgraded=(?<upgraded>true|false) reason=(?<reason>[a-z-]+)\n");

    private final AccessLine line = new CombinedLine();
    private final LoopAccessLog log = Lines.ring();
    private final Lines lines = new Lines(log);

    private static String text(String key) {
        return " " + key + "=(-|\"(?<" + key.replace("_", "") + ">[^\"]*)\")";
    }

    private static String time(String key) {
        return " " + key + "=(?<" + key.replace("_", "") + ">-|\\d+\\.\\d{3})";
    }

    @Test
    void givenExchange_whenEnded_thenTheLineIsAsDocumented() {
        begin(
                "http",
                CLIENT,
                "GET",
                "/a/b?c=d",
                "www.example.org:8080",
                "https://example.org/",
                "curl/8.14.1");
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
                "192.0.2.1 - - [20/Nov/2026:08:17:49 +0000] \"GET /a/b?c=d HTTP/1.1\" 200 3973"
                        + " \"https://example.org/\" \"curl/8.14.1\""
                        + " host=\"www.example.org:8080\" request_id=\"5f3a\" listener=\"http\""
                        + " backend=\"web\" server=\"10.0.1.11:80\""
                        + " queue_ms=0.000 connect_ms=1.234 first_byte_ms=0.012 total_ms=2000.000"
                        + " retries=1 reused=false upgraded=false reason=complete\n",
                lines.raw());
    }

    @Test
    void givenNothingButWhatMustBe_whenEnded_thenDashes() {
        begin("http", CLIENT, "GET", "/", "", "", "");
        line.end(log, 404, "complete", null, null, 10, 150, 140, -1, -1, -1, 5_000, 0, false);

        assertEquals(
                "192.0.2.1 - - [20/Nov/2026:08:17:49 +0000] \"GET / HTTP/1.1\" 404 10 \"-\" \"-\""
                        + " host=- request_id=- listener=\"http\" backend=- server=-"
                        + " queue_ms=- connect_ms=- first_byte_ms=- total_ms=0.005"
                        + " retries=0 reused=false upgraded=false reason=complete\n",
                lines.raw());
    }

    @Test
    void givenHeadThatCouldNotBeRead_whenEnded_thenSameForm() {
        line.beginRejected(
                AccessLine.listenerPart("http"),
                CLIENT.getBytes(US_ASCII),
                AccessLine.tlsPart(null),
                WALL);
        line.end(log, 400, "field", null, null, 17, 100, 90, -1, -1, -1, 5, 0, false);

        assertEquals(
                "192.0.2.1 - - [20/Nov/2026:08:17:49 +0000] \"-\" 400 10 \"-\" \"-\""
                        + " host=- request_id=- listener=\"http\" backend=- server=-"
                        + " queue_ms=- connect_ms=- first_byte_ms=- total_ms=0.000"
                        + " retries=0 reused=false upgraded=false reason=field\n",
                lines.raw());
    }

    @Test
    void givenNoAnswer_whenEnded_thenTheStatusThatNginxWrites() {
        begin("http", CLIENT, "GET", "/", "h", "", "");
        line.end(log, 0, "client-gone", "web", "a", 10, 0, 0, -1, -1, -1, 5, 0, false);

        MatchResult parsed = parsed();
        assertEquals("499", parsed.group("status"));
        assertEquals("0", parsed.group("bytes"));
        assertEquals("true", parsed.group("reused"));
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.1:1, 192.0.2.1",
        "255.255.255.255:65535, 255.255.255.255",
        "[2001:db8::1]:443, 2001:db8::1",
        "[::]:65535, ::",
    })
    void givenClient_whenBegun_thenItsAddressAlone(String client, String address) {
        begin("http", client, "GET", "/", "h", "", "");
        end();

        assertEquals(address, parsed().group("client"));
    }

    @Test
    void givenEveryByte_whenEscaped_thenNoFieldOrLineIsForged() {
        for (int b = 0; b < 256; b++) {
            for (String around : new String[] {"", "1234567", "/abcdefghijklmnopqrstuvwxyz"}) {
                String text = around + (char) b + around;
                begin("http", CLIENT, text, text, text, text, text);
                requestId(text);
                end();

                String raw = lines.raw();
                assertTrue(raw.strip().chars().allMatch(c -> c >= ' ' && c <= '~'), raw);
                MatchResult parsed = parsed(raw);
                String[] request = parsed.group("request").split(" ", -1);
                assertEquals(3, request.length, raw);
                assertEquals(text, unescape(request[0]), "byte " + b);
                assertEquals(text, unescape(request[1]), "byte " + b);
                assertEquals("HTTP/1.1", request[2]);
                for (String group : new String[] {"referer", "agent", "host", "requestid"})
                    assertEquals(text, unescape(parsed.group(group)), group + " byte " + b);
            }
        }
    }

    @Test
    void givenForger_whenHeTriesAllHeKnows_thenHisWordsStayInHisField() {
        String forged =
                "\" 200 1 \"-\" \"-\" reason=complete\n203.0.113.9 - - [20/Nov/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1";
        begin("http", CLIENT, "GET", forged, forged, forged, forged + "\\");
        requestId(forged);
        line.end(log, 403, "denied", null, null, 1, 1, 1, -1, -1, -1, 5, 0, false);

        MatchResult parsed = parsed();
        assertEquals("192.0.2.1", parsed.group("client"));
        assertEquals("403", parsed.group("status"));
        assertEquals("denied", parsed.group("reason"));
        assertEquals(forged, unescape(parsed.group("referer")));
        assertEquals(forged + "\\", unescape(parsed.group("agent")));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomText_whenEscaped_thenItReadsBackOrTheCutIsMarked(long seed) {
        var random = new Random(seed);
        for (int i = 0; i < 3_000; i++) {
            String[] text = new String[9];
            for (int t = 0; t < text.length; t++) text[t] = Lines.randomText(random);
            boolean hasId = random.nextBoolean();
            begin(text[0], CLIENT, text[1], text[2], text[3], text[4], text[5]);
            if (hasId) requestId(text[6]);
            line.end(
                    log,
                    599,
                    "timeout-response",
                    text[7],
                    text[8],
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    0,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Long.MAX_VALUE,
                    Integer.MAX_VALUE,
                    true);

            String raw = lines.raw();
            assertTrue(raw.length() <= AccessLine.LIMIT, () -> seed + ": " + raw.length());
            MatchResult parsed = parsed(raw);
            String[] request = parsed.group("request").split(" ", -1);
            assertEquals(3, request.length, () -> seed + ": " + raw);
            assertUncutOrMarked(text[0], parsed.group("listener"));
            assertUncutOrMarked(text[1], request[0]);
            assertUncutOrMarked(text[2], request[1]);
            assertUncutOrMarked(text[3].isEmpty() ? null : text[3], parsed.group("host"));
            assertUncutOrMarked(text[4].isEmpty() ? "-" : text[4], parsed.group("referer"));
            assertUncutOrMarked(text[5].isEmpty() ? "-" : text[5], parsed.group("agent"));
            assertUncutOrMarked(hasId ? text[6] : null, parsed.group("requestid"));
            assertUncutOrMarked(text[7], parsed.group("backend"));
            assertUncutOrMarked(text[8], parsed.group("server"));
            assertEquals("9223372036854775807", parsed.group("bytes"));
        }
    }

    private static void assertUncutOrMarked(String given, String logged) {
        if (given == null || !logged.endsWith("\\u2026")) {
            assertEquals(given, logged == null ? null : unescape(logged));
        } else {
            String kept = unescape(logged.substring(0, logged.length() - 6));
            assertTrue(given.startsWith(kept));
            assertTrue(kept.length() < given.length(), "a mark without a cut");
        }
    }

    @ParameterizedTest
    @CsvSource({"3584, false", "3585, true"})
    void givenLongTarget_whenOverItsShare_thenCutWithAMark(int length, boolean cut) {
        begin("http", CLIENT, "GET", "/".repeat(length), "h", "", "");
        end();

        String target = parsed().group("request").split(" ", -1)[1];
        assertEquals(cut, target.endsWith("\\u2026"));
        assertEquals("/".repeat(3584), target.replace("\\u2026", ""));
    }

    @Test
    void givenNamesOutsideAscii_whenWritten_thenEscaped() {
        begin("caf\u00e9", CLIENT, "GET", "/", "h", "", "");
        line.end(
                log, 200, "complete", "\u4e16\u754c", "\"a b\\\n", 0, 0, 0, -1, -1, 5, 5, 0, false);

        assertThat(lines.raw())
                .contains(
                        " listener=\"caf\\xE9\" backend=\"\\u4E16\\u754C\" server=\"\\x22a b\\x5C\\x0A\" ");
    }

    @Test
    void givenFullRing_whenEnded_thenTheLineIsDroppedAndTheNextOneIsClean() {
        while (log.offer(new byte[1 << 10], 1 << 10)) {}
        begin("http", CLIENT, "GET", "/lost", "h", "", "");
        end();
        lines.skip();
        begin("http", CLIENT, "GET", "/kept", "h", "", "");
        end();

        assertEquals("GET /kept HTTP/1.1", parsed().group("request"));
        assertEquals(2, log.dropped());
    }

    @Test
    void givenPlantedQuote_whenParsed_thenThePatternObjects() {
        begin("http", CLIENT, "GET", "/", "h", "", "curl");
        end();

        assertFalse(LINE.matcher(lines.raw().replace("curl", "cu\"rl")).matches());
    }

    private void begin(
            String listener,
            String client,
            String method,
            String target,
            String host,
            String referer,
            String agent) {
        byte[] head = (method + " " + target + " " + host + referer + agent).getBytes(ISO_8859_1);
        int targetStart = method.length() + 1;
        int hostStart = targetStart + target.length() + 1;
        int refererStart = hostStart + host.length();
        int agentStart = refererStart + referer.length();
        line.begin(
                AccessLine.listenerPart(listener),
                client.getBytes(US_ASCII),
                AccessLine.tlsPart(null),
                WALL,
                head,
                0,
                method.length(),
                targetStart,
                targetStart + target.length(),
                hostStart,
                refererStart,
                11);
        assertTrue(line.wantsFields());
        line.fields(
                head, refererStart, agentStart, agentStart, head.length, hostStart, refererStart);
        Arrays.fill(head, (byte) '!'); // The head is gone before the end.
    }

    private void requestId(String id) {
        byte[] bytes = ("id=" + id).getBytes(ISO_8859_1);
        line.requestId(bytes, 3, bytes.length);
    }

    private void end() {
        line.end(log, 200, "complete", "web", "a", 0, 0, 0, -1, -1, 5, 5, 0, false);
    }

    private MatchResult parsed() {
        return parsed(lines.raw());
    }

    private static MatchResult parsed(String raw) {
        Matcher parsed = LINE.matcher(raw);
        assertTrue(parsed.matches(), raw);
        return parsed.toMatchResult();
    }

    private static String unescape(String text) {
        return Pattern.compile("\\\\x([0-9A-F]{2})")
                .matcher(text)
                .replaceAll(
                        byte_ ->
                                Matcher.quoteReplacement(
                                        "" + (char) Integer.parseInt(byte_.group(1), 16)));
    }
}
