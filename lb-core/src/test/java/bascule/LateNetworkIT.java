package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.cluster.key.ClusterKey;
import bascule.testing.BasculeProcess;
import bascule.testing.FakeSystemd;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A node of a cluster that systemd starts on a host whose addresses are yet to come, as at boot.
@Timeout(120)
final class LateNetworkIT {
    private static final String CALLED = "CALLED";

    /// A network and a host name of its own, [#CALLED]; the node's address comes when there is a file `up`.
    private static final List<String> LATE =
            List.of(
                    "unshare",
                    "--net",
                    "--uts",
                    "bash",
                    "-c",
                    """
                    hostname "$CALLED"
                    ip link set lo up
                    { for ((i = 0; i < 1000 && $(test -e up; echo $?); i++)); do sleep 0.05; done
                      ip address add 198.51.100.3/32 dev lo; } &
                    exec "$@"
                    """,
                    "bash");

    @TempDir Path folder = Path.of("");
    private Path file;

    @BeforeEach
    void write() throws Exception {
        ClusterKey.generate(folder.resolve("cluster.key"));
        file =
                Files.writeString(
                        folder.resolve("bascule.conf"),
                        """
                        cluster { nodes { edge1 = 198.51.100.2, edge2 = 198.51.100.3 }, key-file = cluster.key, witness = 127.0.0.1 }
                        admin { http = "127.0.0.1:0", socket = off }
                        state = .
                        logging.access = off
                        shutdown.grace = off
                        listeners.http { bind = "127.0.0.1:0", limits.connections = 100, routes = [{ respond = 200 }] }
                        """);
    }

    private static void awaitWaiting(FakeSystemd manager) {
        Awaitility.await()
                .atMost(BasculeProcess.PATIENCE)
                .until(() -> manager.status().startsWith("waiting "));
        assertThat(manager.status())
                .startsWith(
                        "waiting up to 30 s for an address of edge1 = 198.51.100.2, edge2 = 198.51.100.3 on this host, ");
        assertThat(manager.count("READY=1")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"web", "edge2"})
    void givenHostWithoutItsAddress_whenItComes_thenTheNodeServes(String hostName)
            throws Exception {
        Peers.require("unshare", "ip", "hostname");
        if (Tool.run("unshare", "--net", "--uts", "true").exit() != 0) {
            String missing = "needs root to make a network namespace";
            if ("true".equals(System.getenv("CI"))) throw new AssertionError(missing);
            Assumptions.abort(missing);
        }
        try (var manager = FakeSystemd.in(folder);
                var unit =
                        manager.start(
                                LATE,
                                folder,
                                Map.of(CALLED, hostName),
                                "run",
                                "-c",
                                file.toString())) {
            awaitWaiting(manager);
            assertThat(unit.alive()).isTrue();
            Files.createFile(folder.resolve("up"));

            manager.await("READY=1", 1);
            Awaitility.await() // It tells the manager first.
                    .atMost(BasculeProcess.PATIENCE)
                    .untilAsserted(
                            () -> assertThat(unit.err()).contains(" started ", " node=edge2"));
            assertEquals(143, unit.stop());
        }
    }

    @Test
    void givenNodeThatWaits_whenItIsStopped_thenItEnds() throws Exception {
        try (var manager = FakeSystemd.in(folder);
                var unit = manager.start(folder, Map.of(), "run", "-c", file.toString())) {
            awaitWaiting(manager);

            assertEquals(143, unit.stop());
        }
    }
}
