package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.LoadResult;
import bascule.config.NodeConfig;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NodeIdentityTest {
    private static final String NODES = "edge1 = 192.0.2.2, edge2 = 192.0.2.3, edge3 = 192.0.2.4";

    private static final long PATIENCE_MILLIS = 60_000;

    @TempDir Path folder = Path.of("");
    private Pair pair = new Pair(folder);

    @BeforeEach
    void prepare() throws Exception {
        pair = Pair.in(folder);
    }

    private ClusterConfig cluster(String nodes) throws Exception {
        return Objects.requireNonNull(pair.load(nodes, "").cluster());
    }

    private static Set<InetAddress> addresses(String all) {
        return Arrays.stream(all.split(" "))
                .map(InetAddress::ofLiteral)
                .collect(Collectors.toSet());
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.3,           other,             edge2",
        "192.0.2.3 10.0.0.1,  edge1,             edge2",
        "10.0.0.1,            edge1,             edge1",
        "10.0.0.1,            EDGE3,             edge3",
        "10.0.0.1,            edge3.example.com, edge3",
    })
    void givenHost_whenOneNodeIsMeant_thenItIsFound(String local, String hostName, String node)
            throws Exception {
        assertEquals(node, NodeIdentity.find(cluster(NODES), addresses(local), hostName));
    }

    @Test
    void givenFullAndShortName_whenBothAreNodes_thenTheFullOneCounts() throws Exception {
        ClusterConfig both = cluster("edge1 = 192.0.2.2, \"edge1.example.com\" = 192.0.2.3");

        assertEquals(
                "edge1.example.com",
                NodeIdentity.find(both, addresses("10.0.0.1"), "edge1.example.com"));
    }

    @Test
    void givenScopedAddressOfInterface_whenCompared_thenTheScopeDoesNotMatter() throws Exception {
        ClusterConfig six = cluster("a = \"fd00::2\", b = \"fd00::3\"");

        assertEquals("b", NodeIdentity.find(six, addresses("fe80::1%1 fd00::3%1"), "x"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            192.0.2.3 192.0.2.4 | edge1 | cluster.nodes: the addresses of edge2 = 192.0.2.3, edge3 = 192.0.2.4 are all on this host (expected: of one node, or --node NAME)
            10.0.0.1            | web   | cluster.nodes: this host, web, is none of edge1 = 192.0.2.2, edge2 = 192.0.2.3, edge3 = 192.0.2.4 (expected: an address of one of them on an interface, or its name as host name, or --node NAME)
            """)
    void givenHost_whenNoneOrTwoAreMeant_thenRefused(String local, String hostName, String line)
            throws Exception {
        ClusterConfig cluster = cluster(NODES);

        StartFailure failure =
                catchThrowableOfType(
                        StartFailure.class,
                        () -> NodeIdentity.find(cluster, addresses(local), hostName));

        assertThat(failure).hasMessage(line);
        assertEquals(78, failure.exitCode());
    }

    @Test
    void givenNoAddressYet_whenAwaited_thenToldOnceAndFoundWhenItComes() throws Exception {
        var looks = new AtomicInteger();
        List<String> told = new ArrayList<>();

        String found =
                NodeIdentity.await(
                        cluster("edge1 = 192.0.2.2, edge2 = 192.0.2.3"),
                        () -> addresses(looks.incrementAndGet() < 3 ? "10.0.0.1" : "192.0.2.3"),
                        "web",
                        PATIENCE_MILLIS,
                        told::add);

        assertEquals("edge2", found);
        assertEquals(3, looks.get());
        assertEquals(
                List.of(
                        "waiting up to 60 s for an address of edge1 = 192.0.2.2, edge2 = 192.0.2.3 on this host, web"),
                told);
    }

    @Test
    void givenNoAddress_whenAwaitedInVain_thenItFailsSoThatTheManagerTriesAgain() throws Exception {
        ClusterConfig cluster = cluster("edge1 = 192.0.2.2");
        var looks = new AtomicInteger();

        StartFailure failure =
                catchThrowableOfType(
                        StartFailure.class,
                        () ->
                                NodeIdentity.await(
                                        cluster,
                                        () -> {
                                            looks.incrementAndGet();
                                            return addresses("10.0.0.1");
                                        },
                                        "web",
                                        1,
                                        _ -> {}));

        assertThat(failure)
                .hasMessageStartingWith(
                        "cluster.nodes: this host, web, is none of edge1 = 192.0.2.2 (expected: ");
        assertEquals(1, failure.exitCode());
        assertEquals(2, looks.get()); // Once more at the end of its patience.
    }

    @Test
    void givenHostThatIsCalledAsItsNode_whenAwaited_thenItsAddressIsWaitedFor() throws Exception {
        var looks = new AtomicInteger();

        String found =
                NodeIdentity.await(
                        cluster("edge1 = 192.0.2.2, edge2 = 192.0.2.3"),
                        () -> addresses(looks.incrementAndGet() < 3 ? "10.0.0.1" : "192.0.2.3"),
                        "edge2",
                        PATIENCE_MILLIS,
                        _ -> {});

        assertEquals("edge2", found);
        assertEquals(3, looks.get());
    }

    @Test
    void givenHostThatIsCalledAsANode_whenNoAddressComes_thenItIsThatNode() throws Exception {
        String found =
                NodeIdentity.await(
                        cluster("edge1 = 192.0.2.2, edge2 = 192.0.2.3"),
                        () -> addresses("10.0.0.1"),
                        "edge2.example.com",
                        1,
                        _ -> {});

        assertEquals("edge2", found);
    }

    @Test
    void givenAddressesOfTwo_whenAwaited_thenRefusedAtOnce() throws Exception {
        ClusterConfig cluster = cluster(NODES);
        List<String> told = new ArrayList<>();

        StartFailure failure =
                catchThrowableOfType(
                        StartFailure.class,
                        () ->
                                NodeIdentity.await(
                                        cluster,
                                        () -> addresses("192.0.2.2 192.0.2.3"),
                                        "web",
                                        PATIENCE_MILLIS,
                                        told::add));

        assertEquals(78, failure.exitCode());
        assertThat(told).isEmpty();
    }

    @Test
    void givenName_whenGiven_thenItWinsOverTheHost() throws Exception {
        Configuration whole = pair.load("a = 127.0.0.1, b = 127.0.0.2", "");

        assertEquals("a", name(NodeIdentity.part(whole, null)));
        assertEquals("b", name(NodeIdentity.part(whole, "b")));
    }

    @Test
    void givenNoCluster_whenStarted_thenItIsTheWhole() throws Exception {
        Configuration alone = pair.load("");

        assertSame(alone, NodeIdentity.part(alone, null));
        assertNull(alone.node());
    }

    @Test
    void givenReload_whenRead_thenItIsTheSameNodesPart() throws Exception {
        Configuration before = NodeIdentity.part(pair.load(NODES, ""), "edge2");
        Configuration after = pair.load(NODES, "admin.http = \"node:9180\"");
        Configuration without = pair.load("edge1 = 192.0.2.2", "");

        LoadResult part = NodeIdentity.part(new LoadResult.Loaded(after), before);

        assertThat(part)
                .isInstanceOfSatisfying(
                        LoadResult.Loaded.class,
                        loaded -> {
                            assertEquals("edge2", name(loaded.configuration()));
                            assertEquals(after.hash(), loaded.configuration().hash());
                        });
        var gone = new LoadResult.Loaded(without);
        assertSame(gone, NodeIdentity.part(gone, before));
        var refused = new LoadResult.Rejected(List.of());
        assertSame(refused, NodeIdentity.part(refused, before));
    }

    private static String name(Configuration configuration) {
        NodeConfig node = Objects.requireNonNull(configuration.node());
        return node.name();
    }
}
