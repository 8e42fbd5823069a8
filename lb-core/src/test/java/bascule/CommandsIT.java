package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.admin.AdminServer;
import bascule.admin.Commands;
import bascule.admin.Commands.Failed;
import bascule.admin.Commands.HandedOver;
import bascule.admin.Commands.Move;
import bascule.admin.Commands.NoSuchFloatingIp;
import bascule.admin.Commands.Refused;
import bascule.admin.Commands.Reloaded;
import bascule.admin.Commands.Step;
import bascule.admin.Commands.Stopping;
import bascule.admin.FakeCommands;
import bascule.admin.Samples;
import bascule.observe.Metrics;
import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Commands that talk to a daemon, as processes: what they print and return. The daemon is one that does as the test says.
@Timeout(60)
final class CommandsIT {
    @TempDir Path folder = Path.of("");
    private Path socket = Path.of("");
    private final FakeCommands daemon = new FakeCommands();
    private final Metrics metrics = Metrics.create("test", 1);
    private AdminServer server;

    @BeforeEach
    void open() throws IOException {
        socket = folder.resolve("admin.sock");
        server = AdminServer.start(List.of(), List.of(), metrics, Samples::full, () -> true);
        server.openSocket(socket, daemon);
    }

    @AfterEach
    void close() {
        server.close();
        metrics.close();
    }

    private BasculeProcess.Builder command(String line) {
        var words = new ArrayList<>(List.of(line.split(" ")));
        words.addAll(List.of("--socket", socket.toString()));
        return bascule(words.toArray(String[]::new));
    }

    private Ended run(String line) {
        return command(line).end();
    }

    @Test
    void givenReload_whenDone_thenWhatChangedAndZero() {
        daemon.reload =
                CompletableFuture.completedFuture(
                        new Reloaded("feed", List.of("backends.web: b added", "backends.c: gone")));

        assertThat(run("reload"))
                .isEqualTo(new Ended(0, "backends.web: b added\nbackends.c: gone\n", ""));
    }

    @Test
    void givenReloadOfTheSame_whenDone_thenItSaysSo() {
        assertThat(run("reload")).isEqualTo(new Ended(0, "nothing changed\n", ""));
    }

    @Test
    void givenReload_whenRefused_thenTheLinesOfCheckAnd78() {
        String lines = "/etc/b.conf:3: backends.w\u00e9b: wrong\n/etc/b.conf:4: x: wrong\n";
        daemon.reload = CompletableFuture.completedFuture(new Refused(List.of(lines.split("\n"))));

        assertThat(run("reload")).isEqualTo(new Ended(78, "", lines));
    }

    @Test
    void givenReload_whenItCannotBe_thenTheCauseAndOne() {
        daemon.reload =
                CompletableFuture.completedFuture(new Failed("listeners.http.bind: in use"));
        assertThat(run("reload"))
                .isEqualTo(new Ended(1, "", "bascule: listeners.http.bind: in use\n"));

        daemon.reload = CompletableFuture.completedFuture(new Stopping());
        assertThat(run("reload")).isEqualTo(new Ended(1, "", "bascule: the daemon is stopping\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "drain web/a, 3, 'web/a: draining, 3 exchanges running', DRAIN web a",
        "disable web/10.0.1.12:80, 1, 'web/10.0.1.12:80: disabled, 1 exchange running', DISABLE web 10.0.1.12:80",
        "enable api/www.example/10.0.2.1:80, 0, 'api/www.example/10.0.2.1:80: up, no exchange running', ENABLE api www.example/10.0.2.1:80",
    })
    void givenServer_whenChanged_thenHowItIsNowAndZero(
            String line, long exchanges, String said, String asked) {
        daemon.exchanges = exchanges;

        assertThat(run(line)).isEqualTo(new Ended(0, said + "\n", ""));
        assertThat(daemon.asked).containsExactly(asked);
    }

    @Test
    void givenChangeThatIsNotKept_whenDone_thenAWarning() {
        daemon.notKept = "/var/lib/bascule: read-only";

        Ended ended = run("drain web/a");

        assertThat(ended.exitCode()).isZero();
        assertThat(ended.out()).startsWith("web/a: draining");
        assertThat(ended.err())
                .isEqualTo(
                        "bascule: web/a: would not outlive a restart of the daemon: /var/lib/bascule: read-only\n");
    }

    @ParameterizedTest
    @CsvSource({
        "drain wbe/a, 'no backend wbe, did you mean web? (expected: web, api)'",
        "drain web/10.0.1.13:80, 'backend web has no server 10.0.1.13:80 (expected: 10.0.1.12:80, a)'",
    })
    void givenUnknownServer_whenChanged_thenThoseNearAndOne(String line, String error) {
        assertThat(run(line)).isEqualTo(new Ended(1, "", "bascule: " + error + "\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"drain", "disable"})
    void givenExchangesRun_whenWaitedFor_thenZeroOnceTheyHaveEnded(String verb) {
        daemon.exchanges = 2;
        try (BasculeProcess process = command(verb + " web/a --wait").start()) {
            process.await("that it looks again", () -> daemon.asked.size() >= 4);
            assertThat(process.out()).isEmpty();
            daemon.exchanges = 0;

            Ended ended = process.awaitEnd();
            assertThat(ended.exitCode()).isZero();
            assertThat(ended.out()).contains("no exchange running");
        }
    }

    @Test
    void givenExchangesRun_whenWaitedForTooLong_thenHowManyAndOne() {
        daemon.exchanges = 2;

        assertThat(run("drain web/a --wait --timeout 1s"))
                .isEqualTo(
                        new Ended(
                                1,
                                "",
                                "bascule: web/a: draining, 2 exchanges running after 1s (expected: none)\n"));
    }

    @Test
    void givenNothingRuns_whenWaitedFor_thenZeroAtOnce() {
        assertThat(run("drain web/a --wait --timeout 0s"))
                .isEqualTo(new Ended(0, "web/a: draining, no exchange running\n", ""));
    }

    @Test
    void givenServerEnabledAgain_whenWaitedFor_thenItSaysSoAndOne() {
        daemon.exchanges = 2;
        try (BasculeProcess process = command("drain web/a --wait").start()) {
            process.await("that it looks again", () -> daemon.asked.size() >= 2);
            daemon.wishes.put("web a", Commands.Verb.ENABLE);

            assertThat(process.awaitEnd())
                    .isEqualTo(
                            new Ended(
                                    1,
                                    "",
                                    "bascule: web/a: is enabled by another command, 2 exchanges running\n"));
        }
    }

    @Test
    void givenServerDown_whenEnabledAndWaitedFor_thenZeroOnceItIsUp() {
        daemon.health = "down";
        assertThat(run("enable web/a --wait --timeout 1s").err())
                .isEqualTo("bascule: web/a: down, no exchange running after 1s (expected: up)\n");
        try (BasculeProcess process = command("enable web/a --wait").start()) {
            int before = daemon.asked.size();
            process.await("that it looks again", () -> daemon.asked.size() >= before + 3);
            daemon.health = "up";

            assertThat(process.awaitEnd())
                    .isEqualTo(new Ended(0, "web/a: up, no exchange running\n", ""));
        }
    }

    @Test
    void givenDaemonThatEnds_whenWaitedFor_thenItSaysSoAndOne() {
        daemon.exchanges = 2;
        try (BasculeProcess process = command("drain web/a --wait").start()) {
            process.await("that it looks again", () -> daemon.asked.size() >= 2);
            server.close();

            Ended ended = process.awaitEnd();
            assertThat(ended.exitCode()).isEqualTo(1);
            assertThat(ended.err()).startsWith("bascule: cannot talk to " + socket + ": ");
        }
    }

    @Test
    void givenHandOver_whenDone_thenEachStepAndWhoOwnsItNow() {
        List<Step> steps =
                List.of(
                        new Step("drained", 12.34),
                        new Step("taken", 1.2),
                        new Step("released", 0.4));
        daemon.handOver =
                CompletableFuture.completedFuture(
                        new HandedOver(List.of(new Move("public", "edge1", "edge2", steps, null))));

        assertThat(run("handover public"))
                .isEqualTo(
                        new Ended(
                                0,
                                """
                                public: drained      12.3 ms
                                public: taken         1.2 ms
                                public: released      0.4 ms
                                public: from edge1 to edge2 in 13.9 ms
                                """,
                                ""));
        assertThat(daemon.asked).containsExactly("handOver public");
    }

    @Test
    void givenHandOver_whenTheOwnerIsTheSame_thenWhyAndOne() {
        daemon.handOver =
                CompletableFuture.completedFuture(
                        new HandedOver(
                                List.of(
                                        new Move("a", "edge1", "edge2", List.of(), null),
                                        new Move("b", "edge1", "edge1", List.of(), "nobody is fit"),
                                        new Move("c", null, null, List.of(), "nobody owns it"))));

        assertThat(run("handover"))
                .isEqualTo(
                        new Ended(
                                1,
                                "a: from edge1 to edge2 in 0.0 ms\n",
                                "bascule: b: edge1 still owns it: nobody is fit\nbascule: c: has no owner: nobody owns it\n"));
        assertThat(daemon.asked).containsExactly("handOver null");
    }

    @Test
    void givenNothingToHandOver_whenAsked_thenItSaysSoAndZero() {
        assertThat(run("handover"))
                .isEqualTo(
                        new Ended(0, "nothing to hand over: this node owns no floating IP\n", ""));
    }

    @Test
    void givenHandOverThatCannotBe_whenAsked_thenTheCauseAndOne() {
        daemon.handOver =
                CompletableFuture.completedFuture(
                        new NoSuchFloatingIp(List.of("public", "second")));
        assertThat(run("handover secnod"))
                .isEqualTo(
                        new Ended(
                                1,
                                "",
                                "bascule: no floating IP secnod, did you mean second? (expected: second, public)\n"));
        daemon.handOver =
                CompletableFuture.completedFuture(new Failed("this daemon has no cluster"));
        assertThat(run("handover"))
                .isEqualTo(new Ended(1, "", "bascule: this daemon has no cluster\n"));
    }

    @Test
    void givenDaemon_whenItsConfigurationIsShown_thenThat() {
        daemon.configuration = "# caf\u00e9\nlisteners {}\n";

        assertThat(run("show-config")).isEqualTo(new Ended(0, daemon.configuration, ""));
    }

    @Test
    void givenDaemon_whenAskedForItsStatus_thenTheJsonOfThePort() {
        Ended status = run("status --json");

        assertThat(status.exitCode()).isZero();
        assertThat(status.out()).startsWith("{\n  \"node\": \"edge1\",").endsWith("}\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "reload",
                "status",
                "status --json",
                "drain web/a",
                "enable web/a --wait",
                "disable web/a",
                "show-config"
            })
    void givenNoDaemon_whenAsked_thenOneLineAndOne(String line) {
        server.close();

        assertThat(run(line))
                .isEqualTo(
                        new Ended(
                                1,
                                "",
                                "bascule: cannot talk to "
                                        + socket
                                        + ": no daemon listens there (expected: a running bascule; --socket PATH for another)\n"));
    }

    /// As a user who is neither the daemon's nor of its group: only root can try that.
    @ParameterizedTest
    @ValueSource(strings = {"rwxr-xr-x", "rwx------"})
    void givenStranger_whenItAsks_thenPermissionDeniedAndOne(String folderMode) throws Exception {
        String stranger = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
        String launcher = BasculeProcess.ROOT.resolve("bascule").toString();
        Ended isPossible =
                BasculeProcess.command("bash", "-c", stranger + "test -r " + launcher).end();
        Assumptions.assumeTrue(isPossible.exitCode() == 0, "not root, or a closed checkout");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(folderMode));

        Ended ended = command("status --json").by("exec " + stranger + "\"$@\"").end();

        assertThat(ended)
                .isEqualTo(
                        new Ended(
                                1,
                                "",
                                "bascule: cannot talk to "
                                        + socket
                                        + ": permission denied (expected: to be root, or of the socket's user or group)\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "drain",
                "drain web",
                "drain web/",
                "drain /a",
                "drain web/a web/b",
                "drain web/a --timeout 5m",
                "drain web/a --wait --timeout 5",
                "drain web/a --wait --timeout 1001h",
                "drain web/a --wait --timeout -1s",
                "reload now",
                "show-config -c a.conf",
            })
    void givenWrongUsage_whenCalled_thenReasonAndUsageAndExit2(String line) {
        Ended ended = run(line);

        assertThat(ended.exitCode()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).startsWith("bascule: ").contains("Usage: bascule");
        assertThat(daemon.asked).isEmpty();
    }
}
