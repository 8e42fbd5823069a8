package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What does not start a daemon: each command's words and exit code.
final class CheckIT {
    private static final String VALID =
            """
            listeners.http { bind = "127.0.0.1:8080", backend = web }
            backends.web.servers = ["127.0.0.1:9001", "127.0.0.1:9002"]
            """;

    private static final String PAIR =
            VALID
                    + """
                    cluster { key-file = cluster.key, nodes { edge1 = 198.51.100.2, edge2 = 198.51.100.3 } }
                    """;

    @TempDir Path folder = Path.of("");

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("bascule.conf"), text);
    }

    @Test
    void givenValidFile_whenChecked_thenValidAndZero() throws Exception {
        Ended check = bascule("check", "-c", file(VALID).toString()).end();

        assertThat(check).isEqualTo(new Ended(0, "valid\n", ""));
    }

    @Test
    void givenFaults_whenChecked_thenEachIsALineWithItsPlaceAndExitIs78() throws Exception {
        Path file =
                file(
                        """
                        listeners.http { bind = "127.0.0.1:8080", backend = wbe }
                        backends.web {
                            servers = ["127.0.0.1:9001"]
                            balanse = round-robin
                            timeouts.connect = 2
                        }
                        """);

        Ended check = bascule("check", "-c", file.toString()).end();

        assertThat(check.exitCode()).isEqualTo(78);
        assertThat(check.out()).isEmpty();
        assertThat(check.err().lines())
                .satisfiesExactly(
                        line -> assertThat(line).startsWith(file + ":1: listeners.http.backend: "),
                        line ->
                                assertThat(line)
                                        .startsWith(file + ":4: backends.web.balanse: ")
                                        .contains("balance"),
                        line ->
                                assertThat(line)
                                        .startsWith(file + ":5: backends.web.timeouts.connect: ")
                                        .contains("expected: "));
    }

    @Test
    void givenSyntaxError_whenChecked_thenItIsReportedAlone() throws Exception {
        Path file = file("backends.web.servers = [\nlisteners {\nunknown = 1\n");

        Ended check = bascule("check", "-c", file.toString()).end();

        assertThat(check.exitCode()).isEqualTo(78);
        assertThat(check.err()).startsWith(file + ":").hasLineCount(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"check", "show-config", "run"})
    void givenNoSuchFile_whenCalled_thenItSaysSoAndExits78(String command) {
        Path file = folder.resolve("missing.conf");

        Ended ended = bascule(command, "-c", file.toString()).end();

        assertThat(ended).isEqualTo(new Ended(78, "", file + ": cannot be read: no such file\n"));
    }

    @Test
    void givenNoFileNamed_whenChecked_thenTheStandardPlaceIsMeant() {
        Ended check = bascule("check").end();

        assertThat(check.exitCode()).isIn(0, 78); // Whatever this machine has there.
        if (check.exitCode() == 78)
            assertThat(check.err()).startsWith("/etc/bascule/bascule.conf:");
    }

    /// On a host with a user and a group `bascule`, and with the file INSTALLED, if there is one, in its place. Outside nothing of `/etc` changes.
    private static final String WITH_DAEMON_USER =
            """
            exec unshare --mount bash -c '
            mkdir -p over && mount -t tmpfs over over && mkdir over/up over/work || exit 9
            mount -t overlay -o lowerdir=/etc,upperdir=over/up,workdir=over/work over /etc || exit 9
            sed -i /^bascule:/d /etc/passwd /etc/group
            echo bascule:x:64321:64321::/:/usr/sbin/nologin >>/etc/passwd
            echo bascule:x:64321: >>/etc/group
            if [ -e "INSTALLED" ]; then
                rm -rf /etc/bascule && mkdir /etc/bascule && cp -p "INSTALLED" /etc/bascule/bascule.conf && cd /etc/bascule || exit 9
            fi
            exec "$@"' bash "$@"
            """;

    private static final int DAEMON_USER = 64321;

    private Ended checkAsRootWithDaemonUser(Path file) throws Exception {
        Peers.require("unshare", "mount");
        if (Tool.run("unshare", "--mount", "true").exit() != 0) {
            String missing = "needs root to make a mount namespace";
            if ("true".equals(System.getenv("CI"))) throw new AssertionError(missing);
            Assumptions.abort(missing);
        }
        return bascule("check", "-c", file.toString())
                .by(WITH_DAEMON_USER.replace("INSTALLED", folder + "/installed"))
                .end();
    }

    @Test
    void givenKeyThatOnlyRootMayRead_whenRootChecks_thenWarnedForTheDaemonsUser() throws Exception {
        Path key = folder.resolve("cluster.key");
        ClusterKey.generate(key);
        Path file = file(PAIR);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));

        Ended check = checkAsRootWithDaemonUser(file);

        String place = file + ":3: cluster.key-file: ";
        assertThat(check.err())
                .startsWith("warning: for user bascule, who runs the daemon: " + place)
                .contains("cluster.key: cannot be read: ")
                .hasLineCount(1);
        assertThat(check.out()).isEqualTo("valid\n");
        assertThat(check.exitCode()).isZero();

        Files.setAttribute(key, "unix:gid", DAEMON_USER);
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
        assertThat(checkAsRootWithDaemonUser(file)).isEqualTo(new Ended(0, "valid\n", ""));
    }

    @Test
    void givenInstalledFileThatOnlyRootMayRead_whenRootChecksItByAnotherName_thenWarned()
            throws Exception {
        Path installed = Files.writeString(folder.resolve("installed"), VALID);
        Files.setPosixFilePermissions(installed, PosixFilePermissions.fromString("rw-------"));

        Ended check = checkAsRootWithDaemonUser(Path.of("bascule.conf"));

        assertThat(check.err())
                .startsWith("warning: for user bascule, who runs the daemon: ")
                .contains("cannot be read");
        assertThat(check.out()).isEqualTo("valid\n");
    }

    @Test
    void givenDraftInAFolderOfRoot_whenRootChecks_thenNoWarning() throws Exception {
        ClusterKey.generate(folder.resolve("cluster.key"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));

        assertThat(checkAsRootWithDaemonUser(file(PAIR))).isEqualTo(new Ended(0, "valid\n", ""));
    }

    @Test
    void givenNodeOfNoCluster_whenRun_thenItIsRefused() throws Exception {
        Path file = file(VALID);

        Ended run = bascule("run", "-c", file.toString(), "--node", "edge1").end();

        assertThat(run.exitCode()).isEqualTo(78);
        assertThat(run.err())
                .isEqualTo(
                        "bascule: "
                                + file
                                + ": --node edge1: no such node (expected: a cluster in the configuration)\n");
    }

    @Test
    void givenClusterOfOtherHosts_whenChecked_thenItIsValidAndRunIsRefused() throws Exception {
        ClusterKey.generate(folder.resolve("cluster.key"));
        Path file = file(PAIR);

        assertThat(bascule("check", "-c", file.toString()).end().out()).isEqualTo("valid\n");
        Ended run = bascule("run", "-c", file.toString()).end();

        assertThat(run.exitCode()).isEqualTo(78);
        assertThat(run.err())
                .startsWith("bascule: " + file + ": cluster.nodes: this host, ")
                .contains(", is none of edge1 = 198.51.100.2, edge2 = 198.51.100.3 (expected: ");
        Ended named = bascule("run", "-c", file.toString(), "--node", "egde1").end();
        assertThat(named.exitCode()).isEqualTo(78);
        assertThat(named.err())
                .endsWith(
                        "--node egde1: no such node, did you mean edge1? (expected: edge1 or edge2)\n");
    }

    @Test
    void givenFile_whenShown_thenDefaultsAreFilledInAndTheResultMeansTheSame() throws Exception {
        Ended shown = bascule("show-config", "-c", file(VALID).toString()).end();
        assertThat(shown.exitCode()).isZero();
        assertThat(shown.err()).isEmpty();
        assertThat(shown.out())
                .contains("connections = 20000", "balance = round-robin")
                .endsWith("\n");

        Ended again = bascule("show-config", "-c", file(shown.out()).toString()).end();

        assertThat(again).isEqualTo(shown);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "run --help",
                "check --help",
                "demo -h",
                "show-config --help",
                "status --help",
                "drain --help",
                "enable --help",
                "disable --help",
                "reload --help",
                "version --help"
            })
    void givenHelp_whenAsked_thenUsageOnStandardOutput(String line) {
        Ended help = bascule(line.split(" ")).end();

        assertThat(help.exitCode()).isZero();
        assertThat(help.out()).contains("Usage: bascule").contains("--help");
        assertThat(help.err()).isEmpty();
    }

    @Test
    void givenVersion_whenAsked_thenTheBuildsVersion() {
        Ended version = bascule("version").end();

        assertThat(version.exitCode()).isZero();
        assertThat(version.out()).matches("bascule \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\n");
    }

    @Test
    void givenUnknownCommand_whenCalled_thenNearOneAndUsageAndExit2() {
        Ended ended = bascule("chek").end();

        assertThat(ended.exitCode()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err())
                .startsWith("bascule: no such command: 'chek'\n")
                .contains("Did you mean: bascule check?", "Usage: bascule");
    }

    @ParameterizedTest
    @ValueSource(strings = {"drain", "disable"})
    void givenHelp_whenAWaitIsToldOf_thenItSaysThatOnlyThisNodeIsWaitedFor(String verb) {
        Ended ended = bascule(verb, "--help").end();

        assertThat(ended.exitCode()).isZero();
        assertThat(ended.out().replaceAll("\\s+", " "))
                .contains(
                        "nothing that came by this node runs on it, with 1",
                        "other nodes are not asked");
    }

    @Test
    void givenFileWithoutItsOption_whenCalled_thenItIsNamed() {
        Ended ended = bascule("check", "bascule.conf").end();

        assertThat(ended.exitCode()).isEqualTo(2);
        assertThat(ended.err())
                .startsWith("bascule: unexpected argument: 'bascule.conf'\n")
                .contains("Usage: bascule check ", "-c");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "handover a b",
                "keygen",
                "floating-ip",
                "floating-ip take",
                "run -x",
                "run -c",
                "run one two",
                "check --node edge1",
                "version now",
                "demo --port 65536",
                "demo --port -1",
                "demo --admin-port http",
            })
    void givenWrongUsage_whenCalled_thenReasonAndUsageAndExit2(String line) {
        Ended ended = bascule(line.isEmpty() ? new String[0] : line.split(" ")).end();

        assertThat(ended.exitCode()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).startsWith("bascule: ").contains("Usage: bascule");
    }
}
