package bascule.peers;

import bascule.Json;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// testssl.sh (https://testssl.sh), which asks nobody but the server: no name is looked up, no certificate status fetched.
final class TestSsl {
    /// A whole scan waits for its own time-outs, for the most part.
    private static final Duration PATIENCE = Duration.ofMinutes(8);

    /// Of testssl.sh's words the ones that are no fault. WARN is a check that it could not make.
    private static final Set<String> FINE = Set.of("OK", "INFO", "LOW");

    private TestSsl() {}

    /// @param id what was looked at
    /// @param severity `OK`, `INFO`, `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`, `WARN` or `FATAL`
    record Finding(String id, String severity, String what) {
        boolean isFine() {
            // Its own openssl has no GOST ciphers. Nor have we, and another check asks for all
            // ciphers byte by byte.
            return FINE.contains(severity) || id.equals("engine_problem");
        }
    }

    /// @param folder for its files
    /// @param checks options that choose them; none: all
    static List<Finding> run(Path folder, int port, Path ca, String... checks)
            throws IOException, InterruptedException {
        Peers.require("testssl", "openssl");
        Path report = Files.createTempDirectory(folder, "testssl").resolve("report.json");
        var command = new ArrayList<>(List.of("env", "TERM=dumb", "testssl", "--quiet"));
        command.addAll(List.of("--warnings", "off", "--color", "0", "--nodns", "none"));
        command.addAll(List.of("--ip", "127.0.0.1", "--add-ca", ca.toString()));
        command.addAll(List.of("--jsonfile", report.toString()));
        command.addAll(Arrays.asList(checks));
        command.add(Edge.NAME + ":" + port);
        Tool.Ended ended = Tool.run(PATIENCE, "", command.toArray(String[]::new));
        if (!Files.exists(report)) throw new AssertionError("no report: " + ended);
        return Json.parse(Files.readString(report)).list().stream()
                .map(
                        each ->
                                new Finding(
                                        each.get("id").text(),
                                        each.get("severity").text(),
                                        each.get("finding").text()))
                .toList();
    }
}
