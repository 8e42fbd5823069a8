package bascule.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EventsTest {
    @Test
    void givenPlainValues_whenWritten_thenBare() {
        assertEquals(
                "listener-open name=http bind=[::]:80 connections=0",
                Events.line("listener-open", "name", "http", "bind", "[::]:80", "connections", 0));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            textBlock =
                    """
                    two words | x="two words"
                    `` | x=""
                    a=b | x="a=b"
                    say "no" | x="say \\"no\\""
                    c:\\d | x="c:\\\\d"
                    """)
    void givenOtherValues_whenWritten_thenQuoted(String value, String expected) {
        assertEquals("event " + expected, Events.line("event", "x", value));
    }

    @Test
    void givenLineEndsAndControls_whenWritten_thenStillOneLine() {
        assertEquals(
                "event x=\"a\\nb\\r\\t\\u0000\\u0085\"",
                Events.line("event", "x", "a\nb\r\t\0\u0085"));
    }

    @Test
    void givenException_whenWritten_thenClassAndMessage() {
        assertEquals(
                "event cause=\"java.io.IOException: gone\"",
                Events.line("event", "cause", new IOException("gone")));
    }

    @ParameterizedTest
    @CsvSource({
        "SEVERE,  <3>, ERROR",
        "WARNING, <4>, WARN",
        "INFO,    <6>, INFO",
        "FINE,    <7>, DEBUG",
        "FINEST,  <7>, DEBUG",
    })
    void givenLevel_whenFormatted_thenAPriorityForTheJournalAndTimeAndLevelElsewhere(
            String level, String priority, String name) {
        LogRecord message = message(Level.parse(level), "bascule", "listener-open name=http");

        assertEquals(priority + "listener-open name=http\n", new EventFormat(true).format(message));
        assertEquals(
                "2026-11-20T08:17:49.123Z " + name + " listener-open name=http\n",
                new EventFormat(false).format(message));
    }

    @Test
    void givenMessageOfALibrary_whenFormatted_thenNamedAndOnOneLine() {
        LogRecord message = message(Level.WARNING, "io.netty.X", "peer said a\nb<0>c");

        assertEquals("<4>io.netty.X: peer said a b<0>c\n", new EventFormat(true).format(message));
    }

    @Test
    void givenStack_whenFormattedForTheJournal_thenEachLineHasItsPriority() {
        LogRecord message = message(Level.SEVERE, "bascule", "bug");
        message.setThrown(new IllegalStateException("why"));

        String[] lines = new EventFormat(true).format(message).split("\n", -1);

        assertThat(lines[1]).isEqualTo("<3>java.lang.IllegalStateException: why");
        assertThat(lines).hasSizeGreaterThan(3);
        for (int i = 0; i < lines.length - 1; i++) assertThat(lines[i]).startsWith("<3>");
    }

    private static void fail() {
        throw new IllegalStateException("bug");
    }

    @Test
    void givenLevels_whenStarted_thenLibrariesAreHeardLess() throws Exception {
        Logger root = Logger.getLogger("");
        Handler[] handlers = root.getHandlers();
        Level level = root.getLevel();
        var out = new ByteArrayOutputStream();
        try {
            Events.start(bascule.config.Level.INFO, Channels.newChannel(out), new WholeLines());
            Events.debug("hidden");
            Events.info("told", "n", 1);
            Logger.getLogger("io.netty.test").info("hidden too");
            Logger.getLogger("io.netty.test").warning("heard");
            Events.level(bascule.config.Level.DEBUG);
            Events.debug("told-now");
            Logger.getLogger("io.netty.test").info("heard now");
            Events.level(bascule.config.Level.ERROR);
            Events.warn("hidden");
            Events.bug("told-always", new IllegalStateException("why"), "n", 2);
            Thread.ofPlatform().name("buggy").start(EventsTest::fail).join();
            Events.complain("in its place");
            Events.flush();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(null);
            for (Handler handler : root.getHandlers()) root.removeHandler(handler);
            for (Handler handler : handlers) root.addHandler(handler);
            root.setLevel(level);
            Logger.getLogger("bascule").setLevel(null);
        }

        String text = out.toString(StandardCharsets.UTF_8);
        assertThat(text)
                .contains(" INFO told n=1\n")
                .contains(" WARN io.netty.test: heard\n")
                .contains(" DEBUG told-now\n")
                .contains(" INFO io.netty.test: heard now\n")
                .contains(" ERROR told-always n=2\njava.lang.IllegalStateException: why\n\tat ")
                .contains(
                        " ERROR uncaught thread=buggy\njava.lang.IllegalStateException: bug\n\tat ")
                .endsWith("\nin its place\n")
                .doesNotContain("hidden");
    }

    @Test
    void givenJournalVariable_whenItIsNotOurStandardError_thenNoJournal() {
        assertFalse(Events.isJournal(null));
        assertFalse(Events.isJournal("0:0"));
        assertFalse(Events.isJournal("nonsense"));
    }

    @Test
    void givenJournal_whenComplainedTo_thenEachLineIsAnError() {
        assertEquals("<3>a.conf:1: x\n<3>more", Events.complaint("a.conf:1: x\nmore", true));
        assertEquals("a.conf:1: x", Events.complaint("a.conf:1: x", false));
    }

    @Test
    void givenRepeatedEvent_whenWithinThePeriod_thenToldOnceAndTheNextSaysHowManyWereNot() {
        long[] now = {Long.MAX_VALUE - 5}; // The clock wraps within the test.
        var limited = new LimitedEvent(Duration.ofNanos(10), () -> now[0]);

        assertTrue(limited.warn("test-event"));
        now[0] += 9;
        assertFalse(limited.warn("test-event"));
        assertFalse(limited.warn("test-event"));
        now[0] += 1;
        assertTrue(limited.warn("test-event"));
        assertFalse(limited.warn("test-event"));
    }

    private static LogRecord message(Level level, String logger, String text) {
        var message = new LogRecord(level, text);
        message.setLoggerName(logger);
        message.setInstant(Instant.parse("2026-11-20T08:17:49.123Z"));
        return message;
    }
}
