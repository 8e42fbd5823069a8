package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.admin.AdminServer;
import bascule.admin.FakeCommands;
import bascule.admin.Samples;
import bascule.observe.Metrics;
import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Peers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `bascule status` as a process: of a daemon that always says the same, on a terminal and off it.
@Timeout(60)
final class StatusCommandIT {
    /// A terminal of 80 columns; its output is the standard output, with CR LF.
    private static final String TERMINAL =
            "exec script -qec \"stty cols 80 rows 60; TERM=xterm exec $(printf '%q ' \"$@\")\" /dev/null";

    private static final String RED = "\033[1;31m";

    @TempDir Path folder = Path.of("");
    private Path socket = Path.of("");
    private final Metrics metrics = Metrics.create("test", 1);
    private AdminServer server;

    @BeforeEach
    void open() throws IOException {
        socket = folder.resolve("admin.sock");
        server = AdminServer.start(List.of(), List.of(), metrics, Samples::full, () -> true);
        server.openSocket(socket, new FakeCommands());
    }

    @AfterEach
    void close() {
        if (server != null) server.close();
        metrics.close();
    }

    private BasculeProcess.Builder command(String line) {
        var words = new ArrayList<>(List.of(line.split(" ")));
        words.addAll(List.of("--socket", socket.toString()));
        return bascule(words.toArray(String[]::new)).environment("LC_ALL", "C.UTF-8");
    }

    @Test
    void givenNoTerminal_whenAsked_thenTheTableWithNothingCut() throws IOException {
        Ended status = command("status").end();

        assertEquals(
                new Ended(0, StatusTable.render(full(), null, Integer.MAX_VALUE, false), ""),
                status);
    }

    @Test
    void givenTerminal_whenAsked_thenTheTableInItsWidthAndInColour() throws IOException {
        Peers.require("script");
        Ended status = command("status").by(TERMINAL).end();

        assertEquals(0, status.exitCode());
        assertEquals(
                StatusTable.render(full(), null, 80, true), status.out().replace("\r\n", "\n"));
    }

    @Test
    void givenTerminalAndNoColour_whenAsked_thenNone() throws IOException {
        Peers.require("script");
        Ended status = command("status").by(TERMINAL).environment("NO_COLOR", "1").end();

        assertEquals(
                StatusTable.render(full(), null, 80, false), status.out().replace("\r\n", "\n"));
    }

    @Test
    void givenTerminalOfAsciiAlone_whenAsked_thenNoMoreThanThat() {
        Ended status = command("status").environment("LC_ALL", "C").end();

        assertThat(status.out()).contains("  -      -  ").doesNotContain("–", "\u00ef\u00bf\u00bd");
    }

    @Test
    void givenWatch_whenInterrupted_thenPlainTextAgainAndAgainAnd130() {
        try (BasculeProcess watch = command("status --watch").start()) {
            watch.await("three looks", () -> watch.out().split("\nat 2026", -1).length == 4);
            watch.signal("INT");
            Ended ended = watch.awaitEnd();

            assertEquals(130, ended.exitCode());
            assertEquals("", ended.err());
            assertThat(ended.out()).contains("EXCH/S").doesNotContain("\033");
        }
    }

    @Test
    void givenWatchOnATerminal_whenTheDaemonGoesAndComesBack_thenItIsSaidInPlace()
            throws IOException {
        Peers.require("script");
        try (BasculeProcess watch = command("status --watch").by(TERMINAL).start()) {
            watch.await("a frame", () -> watch.out().contains("CHANGED"));
            server.close();
            server = null;
            watch.await("that it is gone", () -> watch.out().contains(RED + "! no answer since "));
            String before = watch.out();
            open();
            watch.await(
                    "a frame without it",
                    () -> {
                        String last = watch.out().substring(before.length());
                        int frame = last.lastIndexOf("\033[H");
                        return frame >= 0
                                && last.indexOf("\033[J", frame) > 0
                                && !last.substring(frame).contains("no answer");
                    });

            assertEquals(2, watch.out().split("\033\\[2J", -1).length); // Cleared once.
        }
    }

    @Test
    void givenWatchWhoseReaderLeaves_whenItGoesOn_thenItEnds() {
        Ended ended = command("status --watch").by("\"$@\" | head -1").end();

        assertThat(ended.err()).isEmpty();
    }

    @Test
    void givenJsonAndWatch_whenAsked_thenWrongUsage() {
        Ended ended = command("status --json --watch").end();

        assertEquals(2, ended.exitCode());
        assertThat(ended.err()).contains("--json").contains("mutually exclusive");
    }

    private static Json full() throws IOException {
        try (InputStream in = StatusCommandIT.class.getResourceAsStream("/admin/status.json")) {
            return Json.parse(new String(in.readAllBytes(), UTF_8));
        }
    }
}
