package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static bascule.testing.BasculeProcess.command;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SignalsIT {
    @Test
    void givenHandlers_whenSignalled_thenEachIsHeardEveryTimeAndTermStillEndsTheProcess() {
        try (BasculeProcess probe = probe().start()) {
            probe.await("ready", () -> probe.out().contains("ready"));
            for (String signal : new String[] {"HUP", "USR1", "USR1", "HUP"}) {
                long before = heard(probe, signal);
                probe.signal(signal);
                probe.await(signal, () -> heard(probe, signal) == before + 1);
            }
            probe.await("stack", () -> probe.err().contains("planted"));
            probe.signal("TERM");

            Ended ended = probe.awaitEnd();
            assertThat(ended.exitCode()).isEqualTo(143);
            assertThat(ended.err()).contains("signal-failed signal=USR1");
        }
    }

    @Test
    void givenHangUpsIgnored_whenSignalled_thenTheyStayIgnored() {
        try (BasculeProcess probe = probe().by("trap '' HUP; exec \"$@\"").start()) {
            probe.await("ready", () -> probe.out().contains("ready"));
            probe.signal("HUP");
            probe.signal("USR1");
            probe.await("the other signal", () -> heard(probe, "USR1") == 1);

            assertThat(heard(probe, "HUP")).isZero();
        }
    }

    @Test
    void givenJvmThatKeepsSignals_whenInstalled_thenToldAndItGoesOn() {
        try (BasculeProcess probe = probe("-Xrs").start()) {
            probe.await("ready", () -> probe.out().contains("ready"));

            assertThat(probe.err()).contains("signal-not-handled signal=HUP").contains("SIGHUP");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"USR2", "TERM", "SEGV", "hup", ""})
    void givenSignalThatTheJvmNeeds_whenAskedFor_thenRefused(String name) {
        assertThatThrownBy(() -> Signals.on(name, () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected: HUP, USR1");
    }

    @Test
    void givenDaemonWithALogFile_whenMovedAwayAndSignalled_thenItWritesToANewOne()
            throws Exception {
        try (BasculeProcess daemon = bascule().serve(CONFIGURATION);
                HttpClient client = HttpClient.newHttpClient()) {
            Path log = daemon.folder().resolve("access.log");
            Path moved = daemon.folder().resolve("access.log.1");
            get(client, daemon, "/one");
            Files.move(log, moved);
            get(client, daemon, "/two");

            daemon.signal("USR1");
            daemon.await("a new file", () -> Files.exists(log));
            get(client, daemon, "/three");

            daemon.await("the line", () -> read(log).contains("/three"));
            assertThat(read(moved).lines())
                    .hasSize(2)
                    .allMatch(
                            line ->
                                    line.contains("\"GET /one HTTP/1.1\" 200 2 ")
                                            || line.contains("\"GET /two HTTP/1.1\" 200 2 "));
            assertThat(read(log).lines()).hasSize(1);
            assertThat(daemon.err()).contains(" INFO access-log-reopened file=");
        }
    }

    private static final String CONFIGURATION =
            """
            admin.http = "127.0.0.1:0"
            logging { access = combined, file = access.log }
            listeners.http {
              bind = "127.0.0.1:0", limits.connections = 100
              routes = [{ path = /, respond { status = 200, body = ok } }]
            }
            """;

    private static void get(HttpClient client, BasculeProcess daemon, String path)
            throws IOException, InterruptedException {
        var uri = URI.create("http://127.0.0.1:" + daemon.port("http") + path);
        assertThat(client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body())
                .isEqualTo("ok");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static BasculeProcess.Builder probe(String... options) {
        var command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString()));
        command.addAll(List.of(options));
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        SignalsProbe.class.getName()));
        return command(command.toArray(String[]::new));
    }

    private static long heard(BasculeProcess probe, String signal) {
        return probe.out().lines().filter(("heard " + signal)::equals).count();
    }
}
