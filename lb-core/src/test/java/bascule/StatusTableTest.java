package bascule;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.cluster.ownership.Elector.Standing;
import java.io.IOException;
import java.io.InputStream;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class StatusTableTest {
    private static final int BOUNDLESS = Integer.MAX_VALUE;
    private static final String SERVER =
            """
            {"name": %s, "address": "10.0.0.1:80", "state": "%s", "weight": 1, "connections": 2, "backup": %b,
             "since": "2026-11-20T09:00:00Z", "check": %s, "running": 3, "exchanges": %d, "errors": %d,
             "p50Seconds": 0.0021, "p99Seconds": null}""";

    @Test
    void givenFullStatus_whenRendered_thenAsInTheGoldenFile() throws IOException {
        assertEquals(resource("/status-80.txt"), StatusTable.render(full(), null, 80, false));
    }

    @Test
    void givenColour_whenRendered_thenTheSameWordsAndMore() throws IOException {
        String plain = StatusTable.render(full(), null, 80, false);
        String coloured = StatusTable.render(full(), null, 80, true);

        assertThat(plain).doesNotContain("\033");
        assertNotEquals(plain, coloured);
        assertEquals(plain, coloured.replaceAll("\033\\[[\\d;]*m", ""));
    }

    @Test
    void givenEarlierStatus_whenRendered_thenRates() throws IOException {
        Json before = status(5, 60, server("a", "up", 1000, 3), server("b", "up", 500, 0));
        Json now =
                status(
                        15,
                        70,
                        server("a", "up", 1995, 18),
                        server("b", "up", 400, 0), // Counts anew.
                        server("c", "up", 7, 0));

        assertThat(StatusTable.render(now, before, BOUNDLESS, false))
                .containsPattern("web/a +up +\\S+ +3 +100 +1\\.5 +2\\.1ms +– ")
                .containsPattern("web/b +up +\\S+ +3 +– +0 ")
                .containsPattern("web/c +up +\\S+ +3 +– +– ")
                .contains("EXCH/S");
        assertThat(StatusTable.render(now, null, BOUNDLESS, false))
                .containsPattern("web/a +up +\\S+ +3 +1995 +18 ")
                .contains("EXCHANGES");
    }

    @ParameterizedTest
    @CsvSource({
        "up up, All is well.",
        "up down, '! web/b is down, 1h00m: refused'",
        "up ejected, '! web/b is ejected, 1h00m: refused'",
        "up draining, '- web/b is draining, 1h00m: refused'",
        "up disabled, '- web/b is disabled, 1h00m: refused'",
        "down draining, ! backend web has no server that is up",
    })
    void givenStates_whenRendered_thenTheWorstFirst(String states, String first)
            throws IOException {
        String[] each = states.split(" ", -1);
        Json status = status(0, 60, server("a", each[0], 1, 0), server("b", each[1], 1, 0));

        assertEquals(first, line(StatusTable.render(status, null, BOUNDLESS, false), 2));
    }

    @Test
    void givenOnlyBackupsUp_whenRendered_thenSaid() throws IOException {
        Json status =
                status(
                        0,
                        60,
                        server("a", "down", 1, 0),
                        SERVER.formatted("\"b\"", "up", true, null, 1, 0));

        assertThat(StatusTable.render(status, null, BOUNDLESS, false))
                .contains("! backend web lives on its backup servers\n")
                .containsPattern("web/b +up .* 1 backup\n");
    }

    @Test
    void givenListenerWhoseExchangesFail_whenRendered_thenSaid() throws IOException {
        Json before = Json.parse(listener(0, 1000, 0));
        Json now = Json.parse(listener(10, 2000, 10));
        Json fewer = Json.parse(listener(10, 2000, 9));

        assertThat(StatusTable.render(now, before, BOUNDLESS, false))
                .contains("! 1.0 of 100 exchanges per second end in errors\n");
        assertThat(StatusTable.render(fewer, before, BOUNDLESS, false)).contains("All is well.\n");
    }

    @Test
    void givenNodeThatMayNotOwn_whenRendered_thenAProblemUnlessItIsOnlyAWitness()
            throws IOException {
        String here =
                "{\"floatingIps\": [{\"name\": \"public\", \"owner\": \"edge1\", \"reason\": \"%s\"}]}";

        assertThat(StatusTable.render(Json.parse(here.formatted("no carrier")), null, 80, false))
                .contains("! this node may not own floating IP public: no carrier\n");
        assertThat(
                        StatusTable.render(
                                Json.parse(here.formatted(Standing.WITNESS)), null, 80, false))
                .contains("All is well.\n", "no: witness");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenAnyNames_whenRendered_thenNoLineIsWiderThanTheTerminal(long seed) throws IOException {
        var random = new SplittableRandom(seed);
        String[] servers = new String[40];
        String[] states = {"up", "down", "ejected", "draining", "disabled"};
        for (int i = 0; i < servers.length; i++)
            servers[i] =
                    SERVER.formatted(
                            quoted(random, 1 + random.nextInt(120)),
                            states[random.nextInt(states.length)],
                            random.nextBoolean(),
                            quoted(random, random.nextInt(80)),
                            random.nextInt(2_000_000_000),
                            random.nextInt(1000));
        Json status = status(0, 60, servers);
        for (int width = 80; width <= 200; width += 7) {
            int most = width;
            assertThat(StatusTable.render(status, null, width, false).lines())
                    .allMatch(
                            line -> line.codePointCount(0, line.length()) <= most, "seed " + seed);
        }
    }

    @Test
    void givenLongName_whenRendered_thenItsEndIsSeenAndNothingIsCutWithoutBound()
            throws IOException {
        String name = "a-server-in-a-rack-in-a-room-in-a-house-at-the-river:8080";
        Json status = status(0, 60, server(name, "up", 1, 0));

        assertThat(StatusTable.render(status, null, 80, false))
                .containsPattern("web/a-ser\\S*…\\S*:8080 ");
        assertThat(StatusTable.render(status, null, BOUNDLESS, false)).contains("web/" + name);
    }

    @Test
    void givenNamesThatCommandATerminal_whenRendered_thenTheyAreText() throws IOException {
        Json status =
                status(
                        0,
                        60,
                        SERVER.formatted(
                                "\"a\\u001b[2Jb\\u202ec\\u0007\"",
                                "up",
                                false,
                                "\"\\n\\u009b\"",
                                1,
                                0));

        assertThat(StatusTable.render(status, null, BOUNDLESS, false))
                .contains("web/a?[2Jb?c?")
                .contains("??")
                .doesNotContain("\033", "\007", "\u202e", "\u009b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"backends\": [{\"servers\": [{}]}], \"listeners\": [{}], \"changes\": [{}], \"certificates\": [{}], \"floatingIps\": [{}], \"cluster\": {\"nodes\": [{}, {}]}}",
                "{\"backends\": 7, \"listeners\": null, \"at\": \"yesterday\", \"uptimeSeconds\": \"long\"}"
            })
    void givenStatusOfAnotherVersion_whenRendered_thenWhatIsThere(String json) throws IOException {
        Json status = Json.parse(json);

        assertTrue(StatusTable.render(status, status, 80, true).endsWith("\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0s",
        "59.9, 59s",
        "60, 1m00s",
        "3599, 59m59s",
        "3600, 1h00m",
        "86399, 23h59m",
        "86400, 1d00h",
        "8553600, 99d00h",
        "8640000, 100d",
        "-3, 0s",
        "NaN, –",
    })
    void givenSeconds_whenToldAsAge_thenShort(double seconds, String text) {
        assertEquals(text, StatusTable.age(seconds));
    }

    @ParameterizedTest
    @CsvSource({
        "0.00042, 0.42ms",
        "0.0021, 2.1ms",
        "0.00996, 10ms",
        "0.25, 250ms",
        "0.9996, 1.0s",
        "9.94, 9.9s",
        "12.4, 12s",
        "NaN, –",
    })
    void givenSeconds_whenToldAsLatency_thenShort(double seconds, String text) {
        assertEquals(text, StatusTable.seconds(seconds));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.04, <0.1", "0.1, 0.1", "9.94, 9.9", "9.96, 10", "12345.6, 12346"})
    void givenRate_whenTold_thenShort(double rate, String text) {
        assertEquals(text, StatusTable.rate(rate));
    }

    @ParameterizedTest
    @CsvSource({
        "abcdef, 6, abcdef",
        "abcdef, 5, ab…ef",
        "abcdef, 4, ab…f",
        "abcdef, 2, a…",
        "abcdef, 1, …",
        "abcdef, 0, ''",
        "a😀b😀c, 4, a😀…c",
        "a😀, 2, a😀",
    })
    void givenText_whenCut_thenWithoutItsMiddle(String text, int most, String cut) {
        assertEquals(cut, TextTable.cut(text, most));
    }

    @Test
    void givenAsciiAlone_whenPrinted_thenSigns() {
        assertEquals("a~b - c", StatusTable.printable("a…b – c", US_ASCII));
        assertEquals("a…b – c", StatusTable.printable("a…b – c", UTF_8));
    }

    private static String line(String text, int index) {
        return text.lines().skip(index).findFirst().orElse("");
    }

    private static String quoted(SplittableRandom random, int length) {
        var text = new StringBuilder("\"");
        for (int i = 0; i < length; i++) text.append((char) ('a' + random.nextInt(26)));
        return text.append('"').toString();
    }

    private static String server(String name, String state, int exchanges, int errors) {
        return SERVER.formatted(
                '"' + name + '"',
                state,
                false,
                state.equals("up") ? "null" : "\"refused\"",
                exchanges,
                errors);
    }

    private static String listener(int second, int exchanges, int errors) {
        return """
               {"at": "2026-11-20T10:00:%02dZ",
                "listeners": [{"name": "http", "state": "open", "exchanges": %d, "errors": %d}]}"""
                .formatted(second, exchanges, errors);
    }

    private static Json status(int second, int uptime, String... servers) throws IOException {
        return Json.parse(
                """
                {"node": "n", "version": "1", "uptimeSeconds": %d, "at": "2026-11-20T10:00:%02dZ",
                 "backends": [{"name": "web", "balance": "round-robin", "queued": 0, "servers": [%s]}]}"""
                        .formatted(uptime, second, String.join(",", servers)));
    }

    private static Json full() throws IOException {
        return Json.parse(resource("/admin/status.json"));
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = StatusTableTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }
}
