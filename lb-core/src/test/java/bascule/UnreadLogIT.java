package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A daemon whose standard error is a pipe, while whoever reads it stands still.
@Timeout(120)
final class UnreadLogIT {
    private static final String CONFIGURATION =
            """
            admin.http = "127.0.0.1:0"
            loops = 1
            logging.access = off
            shutdown.grace = off
            listeners {
              web { bind = "127.0.0.1:0", routes = [{ respond = 200 }], limits.connections = 100 }
              full { bind = "127.0.0.1:0", routes = [{ respond = 200 }], limits.connections = 1 }
            }
            """;

    /// A refused file with so many faults is more than a pipe holds, and less than the daemon keeps; twice it is more.
    private static final int FAULTS = 90;

    private static final int FAULT_CHARS = 7000;

    private final BasculeProcess daemon =
            bascule()
                    .by("exec \"$@\" 2> >(echo $BASHPID >reader; exec cat >&2)")
                    .serve(CONFIGURATION);

    @BeforeEach
    void standStill() throws IOException {
        var faults = new StringBuilder("\n");
        for (int i = 0; i < FAULTS; i++)
            faults.append("x".repeat(FAULT_CHARS)).append(i).append(" = 1\n");
        Path file = daemon.folder().resolve(BasculeProcess.FILE);
        Files.writeString(file, faults, StandardOpenOption.APPEND);
        reader("STOP");
    }

    @AfterEach
    void close() {
        reader("KILL");
        daemon.close();
    }

    private void reader(String signal) {
        Path pid = daemon.folder().resolve("reader");
        BasculeProcess.command("bash", "-c", "kill -" + signal + " $(cat " + pid + ")").end();
    }

    private void fill(int refusals) {
        daemon.signal("HUP");
        awaitMetric("config_reloads_total{result=\"refused\"}", refusals);
    }

    private void awaitMetric(String name, double value) {
        daemon.await(name + " " + value, () -> metric(name) == value);
    }

    private double metric(String name) {
        return Answer.get(address(daemon.adminPort()), "/metrics")
                .body(US_ASCII)
                .lines()
                .filter(line -> line.startsWith("bascule_" + name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Test
    void givenLogThatNobodyReads_whenALoopTellsAnEvent_thenItGoesOnAndTheLossIsToldLater()
            throws IOException {
        InetAddress host = InetAddress.getLoopbackAddress();
        fill(1);
        try (var _ = new Socket(host, daemon.port("full"));
                var _ = new Socket(host, daemon.port("full"))) { // One more than it may have.
            awaitMetric("rejected_total{listener=\"full\",reason=\"connections\"}", 1);
        } // It was counted, and is then told, on the loop.

        assertEquals(200, Answer.get(address(daemon.port("web")), "/").status());

        fill(2);
        daemon.await("a loss", () -> metric("events_dropped_total") > 0);
        reader("CONT");
        daemon.await("word of it", () -> daemon.err().contains(" WARN events-dropped events="));
        assertThat(daemon.err()).contains(" WARN connections-refused listener=full");
    }

    @Test
    void givenLogThatNobodyReads_whenStopped_thenItEnds() {
        fill(1);
        daemon.signal("TERM");

        assertEquals(143, daemon.awaitEnd().exitCode());
    }
}
