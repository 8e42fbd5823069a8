package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import bascule.config.Configuration;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What of a cluster a reload may change.
final class ConfigurationChangesTest {
    private static final String NODES = "a = 192.0.2.2, b = 192.0.2.3";
    private static final String HINT =
            ", or a restart, after bascule handover where this node owns an address)";

    @TempDir Path folder = Path.of("");
    private Pair pair = new Pair(folder);

    @BeforeEach
    void prepare() throws Exception {
        pair = Pair.in(folder);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
            cluster.name = other              | cluster.name: other: cannot change while the daemon runs (expected: bascule
            cluster.port = 7801               | cluster.port: 7801: cannot change while the daemon runs (expected: 7800
            cluster.detect = calm             | cluster.detect: calm: cannot change while the daemon runs (expected: fast
            cluster.discovery = multicast     | cluster.discovery: multicast: cannot change while the daemon runs (expected: static
            cluster.witness = 192.0.2.1       | cluster.witness: 192.0.2.1: cannot change while the daemon runs (expected: gateway
            cluster.nodes.c { address = 192.0.2.4, witness = on } | cluster.nodes.c: 192.0.2.4 as a witness: cannot change while the daemon runs (expected: off
            cluster.nodes.b.priority = 7      | cluster.nodes.b: 192.0.2.3 of priority 7: cannot change while the daemon runs (expected: 192.0.2.3 of priority 100
            floating-ips.y = 203.0.113.11/24  | floating-ips.y: 203.0.113.11/24: cannot change while the daemon runs (expected: off
            floating-ips.x.interface = eth1   | floating-ips.x: 203.0.113.10/24 on eth1: cannot change while the daemon runs (expected: 203.0.113.10/24
            floating-ips.x.preempt = on       | floating-ips.x: 203.0.113.10/24 with preempt: cannot change while the daemon runs (expected: 203.0.113.10/24
            """)
    void givenCluster_whenReloadChangesIt_thenRefusedWithWhatItTakes(String change, String line)
            throws Exception {
        Configuration before = load("").forNode("a");
        Configuration after = load(change).forNode("a");

        assertThat(ConfigurationChanges.impossible(before, before)).isEmpty();
        assertThat(ConfigurationChanges.impossible(before, after)).containsExactly(line + HINT);
    }

    private Configuration load(String change) throws Exception {
        return pair.load(
                "a = 192.0.2.2, b { address = 192.0.2.3 }",
                "floating-ips.x { address = 203.0.113.10/24 }\n" + change);
    }

    @Test
    void givenCluster_whenReloadTakesItOrBringsIt_thenRefused() throws Exception {
        Configuration with = pair.load(NODES, "").forNode("a");
        Configuration without = pair.load("");

        assertThat(ConfigurationChanges.impossible(with, without))
                .containsExactly(
                        "cluster: off: cannot change while the daemon runs (expected: on" + HINT);
        assertThat(ConfigurationChanges.impossible(without, with))
                .containsExactly(
                        "cluster: on: cannot change while the daemon runs (expected: off" + HINT);
    }

    @Test
    void givenNode_whenReloadLacksIt_thenOneLineSaysSo() throws Exception {
        String admin = "admin.http = \"node:9180\"";
        Configuration before = pair.load(NODES, admin).forNode("b");
        Configuration after = pair.load("a = 192.0.2.2", admin);

        assertThat(ConfigurationChanges.impossible(before, after))
                .containsExactly(
                        "cluster.nodes.b: off: cannot change while the daemon runs (expected: 192.0.2.3 of priority 100"
                                + HINT);
    }

    @Test
    void givenKey_whenItsFileChanges_thenRefused() throws Exception {
        Configuration before = pair.load(NODES, "").forNode("a");
        Files.delete(folder.resolve("cluster.key"));
        ClusterKey.generate(folder.resolve("cluster.key"));
        Configuration after = pair.load(NODES, "").forNode("a");

        assertThat(ConfigurationChanges.impossible(before, after))
                .singleElement()
                .asString()
                .startsWith("cluster.key-file: " + folder.resolve("cluster.key") + ", sha256 ");
    }

    @Test
    void givenFloatingIp_whenReloadAddsAListener_thenWhatItRequiresChanges() throws Exception {
        Configuration before = pair.load(NODES, Pair.FLOATING).forNode("a");
        Configuration after =
                pair.load(NODES, Pair.FLOATING + "listeners.more { bind = \":81\", backend = web }")
                        .forNode("a");

        assertThat(ConfigurationChanges.impossible(before, after)).isEmpty();
        assertThat(ConfigurationChanges.between(before, after))
                .containsExactly("floating-ips.public.require: changed", "listeners.more: added");
    }
}
