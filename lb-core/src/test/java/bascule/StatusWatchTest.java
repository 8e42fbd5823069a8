package bascule;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class StatusWatchTest {
    private static final Instant START = Instant.parse("2026-11-20T10:00:00Z");

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private @Nullable Terminal terminal = new Terminal(80, 24);
    private @Nullable String answer = status(0, 100, 1000);
    private final StatusWatch watch =
            new StatusWatch(
                    this::answer, new PrintStream(written, true, UTF_8), () -> terminal, false);

    @Test
    void givenTerminal_whenLookedTwice_thenDrawnInPlaceAndClearedOnce() {
        String first = look(0);
        answer = status(1, 101, 1250);
        String second = look(1);

        assertThat(first).startsWith("\033[2J\033[H").contains("edge1").endsWith("\033[J\033[?7h");
        assertThat(second).startsWith("\033[H").doesNotContain("\033[2J");
        assertThat(second.lines().filter(line -> !line.startsWith("\033")))
                .isNotEmpty()
                .allMatch(line -> line.endsWith("\033[K"));
        assertThat(second).containsPattern("web/a +up +\\S+ +0 +250 ");
    }

    @Test
    void givenLowTerminal_whenDrawn_thenAsManyLinesAsItHasAndWhatIsMissing() {
        terminal = new Terminal(80, 6);
        String text = look(0);

        assertEquals(5, text.chars().filter(c -> c == '\n').count());
        assertThat(text)
                .containsPattern("… \\d+ lines more than this window has\033\\[K\n\033\\[J");
        terminal = new Terminal(80, 200);
        assertThat(look(1)).doesNotContain("lines more").contains("CHANGED");
    }

    @Test
    void givenDaemonThatGoes_whenLooked_thenSinceWhenAndWhyAndWhatItWas() {
        look(0);
        answer = null;
        look(1);
        String text = look(13);

        assertThat(text)
                .contains("! no answer since 2026-11-20T10:00:01Z, 12s ago: planted?\033[K\n")
                .contains("As it was then:")
                .contains("web/a");
        answer = status(20, 1, 5);
        assertThat(look(20))
                .doesNotContain("no answer")
                .containsPattern("web/a +up +\\S+ +0 +– "); // Another daemon: no rate yet.
        answer = status(21, 2, 10);
        assertThat(look(21)).containsPattern("web/a +up +\\S+ +0 +5\\.0 ");
    }

    @Test
    void givenNoDaemonEver_whenLooked_thenSaidAndNothingElse() {
        answer = null;

        assertThat(look(0)).contains("! no answer since").doesNotContain("As it was");
    }

    @Test
    void givenNoTerminal_whenLooked_thenPlainTextOneBelowTheOther() {
        terminal = null;
        assertThat(look(0)).startsWith("\nat 2026-11-20T10:00:00Z\nedge1  ").doesNotContain("\033");
        answer = null;
        assertEquals("! no answer since 2026-11-20T10:00:01Z, 0s ago: planted?\n", look(1));
    }

    @Test
    void givenSteadyAnswers_whenLooked_thenRatesOverTheLastTenSeconds() {
        for (int i = 0; i <= 20; i++) {
            answer = status(i, 100 + i, 1000 + (i <= 10 ? 0 : (i - 10) * 30));
            look(i);
        }
        answer = status(21, 121, 1300);

        assertThat(look(21)).containsPattern("web/a +up +\\S+ +0 +27 "); // 270 in 10 s.
    }

    @Test
    void givenReaderThatIsGone_whenRun_thenItEnds() {
        var closed =
                new PrintStream(
                        new OutputStream() {
                            @Override
                            public void write(int b) throws IOException {
                                throw new IOException("planted");
                            }
                        },
                        true,
                        UTF_8);

        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> new StatusWatch(this::answer, closed, () -> null, false).run());
    }

    @Test
    void givenEnvironment_whenAskedForColour_thenNotIfItSaysNo() {
        assertTrue(Terminal.wantsColour(Map.of("TERM", "xterm")));
        assertFalse(Terminal.wantsColour(Map.of("TERM", "xterm", "NO_COLOR", "1")));
        assertTrue(Terminal.wantsColour(Map.of("TERM", "xterm", "NO_COLOR", "")));
        assertFalse(Terminal.wantsColour(Map.of("TERM", "dumb")));
        assertFalse(Terminal.wantsColour(Map.of()));
    }

    @Test
    void givenTerminalThatDoesNotKnowItsSize_whenAsked_thenTheUsualOne() {
        assertEquals(new Terminal(80, 24), Terminal.of(0, 0));
        assertEquals(new Terminal(132, 50), Terminal.of(132, 50));
    }

    private Json answer() throws IOException {
        if (answer == null) throw new IOException("planted\u0007");
        return Json.parse(answer);
    }

    /// What is written meanwhile.
    private String look(int second) {
        written.reset();
        watch.look(START.plusSeconds(second));
        return written.toString(UTF_8);
    }

    private static String status(int second, int uptime, int exchanges) {
        return """
               {"node": "edge1", "version": "1", "uptimeSeconds": %d, "at": "2026-11-20T10:00:%02dZ",
                "config": {"hash": "h", "loadedAt": "2026-11-20T09:00:00Z"},
                "listeners": [{"name": "http", "state": "open", "bind": [":80"]}],
                "backends": [{"name": "web", "servers": [
                   {"name": "a", "state": "up", "since": "2026-11-20T09:00:00Z", "running": 0, "exchanges": %d, "errors": 0}]}],
                "changes": [{"at": "2026-11-20T09:00:00Z", "event": "started", "text": ""}]}"""
                .formatted(uptime, second, exchanges);
    }
}
