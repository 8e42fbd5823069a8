package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.cluster.key.ClusterKey;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What the file says of a cluster: what it means, and in which words it is refused.
final class ClusterConfigTest {
    private static final String TWO = "a = 10.0.0.2, b = 10.0.0.3";

    @TempDir Path folder = Path.of("");

    @BeforeEach
    void prepare() throws IOException {
        ClusterKey.generate(folder.resolve("cluster.key"));
        Files.writeString(folder.resolve("plain.sh"), "#!/bin/sh\n");
        Files.writeString(folder.resolve("move.sh"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(
                folder.resolve("move.sh"), PosixFilePermissions.fromString("rwx------"));
    }

    /// @param cluster the lines from the first on
    private LoadResult load(String cluster) throws IOException {
        String text =
                cluster + "\nlisteners { http { bind = \":80\", backend = web } }" + Configs.WEB;
        return ConfigurationLoader.load(
                Files.writeString(folder.resolve("bascule.conf"), text), Map.of());
    }

    private Configuration good(String cluster) throws IOException {
        return Configs.loaded(load(cluster));
    }

    private static String nodes(String nodes) {
        return "cluster { key-file = cluster.key, nodes { " + nodes + " } }\n";
    }

    private String faults(String cluster) throws IOException {
        return Configs.lines(Configs.problems(load(cluster))).replace(folder + "/", "").strip();
    }

    @Test
    void givenLeast_whenLoaded_thenTheRestIsDefault() throws IOException {
        Configuration all = good(nodes(TWO) + "floating-ips.public = 203.0.113.10/24");

        ClusterConfig cluster = Objects.requireNonNull(all.cluster());
        assertEquals("bascule", cluster.name());
        assertEquals(7800, cluster.port());
        assertEquals(Discovery.STATIC, cluster.discovery());
        assertEquals(Detection.FAST, cluster.detect());
        assertNull(cluster.witness());
        assertThat(cluster.nodes())
                .containsExactly(
                        new NodeConfig("a", ip("10.0.0.2"), 100, false),
                        new NodeConfig("b", ip("10.0.0.3"), 100, false));
        assertThat(all.floatingIps())
                .containsExactly(
                        new FloatingIpConfig(
                                "public",
                                ip("203.0.113.10"),
                                24,
                                null,
                                false,
                                List.of("http"),
                                null));
    }

    @Test
    void givenAll_whenLoaded_thenAsWritten() throws IOException {
        Configuration all =
                good(
                        """
                        cluster {
                          name = edge, key-file = cluster.key, port = 7900, discovery = multicast, detect = calm, witness = 10.0.0.1
                          nodes { b { address = 10.0.0.3, priority = 254 }, a { address = 10.0.0.2, priority = 1 }, w { address = 10.0.0.4, witness = on } }
                        }
                        floating-ips {
                          six = "2001:db8::10/64"
                          four { address = 10.0.0.9/32, interface = eth0.100, preempt = on, require = [] }
                          cloud { address = 198.51.100.7/32, command = move.sh, require = http }
                          gone = off
                        }
                        """);

        ClusterConfig cluster = Objects.requireNonNull(all.cluster());
        assertEquals(
                new ClusterConfig(
                        "edge",
                        cluster.keyFile(),
                        7900,
                        Discovery.MULTICAST,
                        Detection.CALM,
                        List.of(
                                new NodeConfig("a", ip("10.0.0.2"), 1, false),
                                new NodeConfig("b", ip("10.0.0.3"), 254, false),
                                new NodeConfig("w", ip("10.0.0.4"), 100, true)),
                        ip("10.0.0.1")),
                cluster);
        assertThat(all.floatingIps())
                .containsExactly(
                        new FloatingIpConfig(
                                "cloud",
                                ip("198.51.100.7"),
                                32,
                                null,
                                false,
                                List.of("http"),
                                folder.resolve("move.sh")),
                        new FloatingIpConfig(
                                "four", ip("10.0.0.9"), 32, "eth0.100", true, List.of(), null),
                        new FloatingIpConfig(
                                "six", ip("2001:db8::10"), 64, null, false, List.of("http"), null));
        String text = EffectiveConfiguration.render(all);
        assertEquals(all, Configs.parse(text));
        assertEquals(text, EffectiveConfiguration.render(Configs.parse(text)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            a = 10.0.0.2, b = 10.0.0.2           | cluster.nodes.b: 10.0.0.2: is taken by cluster.nodes.a on bascule.conf:1 (expected: each address once)
            a = 10.0.0.2, b = 10.0.0             | cluster.nodes.b: 10.0.0: is no IP address (expected: IP)
            a = edge1.example.com                | cluster.nodes.a: edge1.example.com: is no IP address (expected: IP)
            a = "::ffff:10.0.0.2"                | cluster.nodes.a: ::ffff:10.0.0.2: is an IPv4 address in IPv6 (expected: IP)
            a = 224.0.0.5                        | cluster.nodes.a: 224.0.0.5: is a multicast address (expected: IP)
            a = "ff02::1"                        | cluster.nodes.a: ff02::1: is a multicast address (expected: IP)
            a = "fe80::1"                        | cluster.nodes.a: fe80::1: is a link-local address, which is another on each link (expected: IP)
            a = 0.0.0.0                          | cluster.nodes.a: 0.0.0.0: is the address of no host (expected: IP)
            a = 0.1.2.3                          | cluster.nodes.a: 0.1.2.3: is the address of no host (expected: IP)
            a = "::"                             | cluster.nodes.a: ::: is the address of no host (expected: IP)
            a = 255.255.255.255                  | cluster.nodes.a: 255.255.255.255: is the broadcast address (expected: IP)
            a { priority = 7 }                   | cluster.nodes.a.address: is missing (expected: IP)
            a { address = 10.0.0.2, priority = 0 }   | cluster.nodes.a.priority: 0: is out of range (expected: 1 to 254)
            a { address = 10.0.0.2, priority = 255 } | cluster.nodes.a.priority: 255: is out of range (expected: 1 to 254)
            a = 10.0.0.2, w { address = 10.0.0.3, witness = on, priority = 9 } | cluster.nodes.w.priority: 9: means nothing for a witness, which never owns (expected: none)
            w { address = 10.0.0.3, witness = on } | cluster.nodes: {…}: are all witnesses, so none may own (expected: one that is no witness)
            off = 10.0.0.2                       | cluster.nodes.off: is no name (expected: up to 63 of letters, digits, . _ -, other than off and none)
            a = off                              | cluster.nodes: {…}: names no node (expected: 1 to 16)
            a = 10.0.0.2, b = "2001:db8::2"      | cluster.nodes: {…}: a = 10.0.0.2 has IPv4, and b = 2001:db8::2 has not (expected: nodes that reach each other)
            a = 127.0.0.1, b = 10.0.0.2          | cluster.nodes: {…}: a = 127.0.0.1 has a loop-back address, and b = 10.0.0.2 has not (expected: nodes that reach each other)
            """)
    void givenFaultyNodes_whenLoaded_thenPlaced(String nodes, String fault) throws IOException {
        assertThat(faults(nodes(nodes))).isEqualTo("bascule.conf:1: " + fault);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            "10.0.0.9"                | floating-ips.x: 10.0.0.9: has no length (expected: IP/LENGTH, such as 203.0.113.10/24)
            "edge/24"                 | floating-ips.x: edge/24: is no IP address (expected: IP/LENGTH, such as 203.0.113.10/24)
            "10.0.0.9/0"              | floating-ips.x: 10.0.0.9/0: has no length from 1 to 32 (expected: IP/LENGTH, such as 203.0.113.10/24)
            "10.0.0.9/33"             | floating-ips.x: 10.0.0.9/33: has no length from 1 to 32 (expected: IP/LENGTH, such as 203.0.113.10/24)
            "2001:db8::1/129"         | floating-ips.x: 2001:db8::1/129: has no length from 1 to 128 (expected: IP/LENGTH, such as 203.0.113.10/24)
            "10.0.0.2/24"             | floating-ips.x: 10.0.0.2/24: is taken by cluster.nodes.a on bascule.conf:1 (expected: each address once)
            "10.0.0.0/24"             | floating-ips.x: 10.0.0.0/24: is the address of the network itself (expected: IP/LENGTH, such as 203.0.113.10/24)
            "10.0.0.255/24"           | floating-ips.x: 10.0.0.255/24: is the broadcast address of its network (expected: IP/LENGTH, such as 203.0.113.10/24)
            "10.255.255.255/8"        | floating-ips.x: 10.255.255.255/8: is the broadcast address of its network (expected: IP/LENGTH, such as 203.0.113.10/24)
            "2001:db8::/64"           | floating-ips.x: 2001:db8::/64: is the address of the network itself (expected: IP/LENGTH, such as 203.0.113.10/24)
            "127.0.0.5/8"             | floating-ips.x: 127.0.0.5/8: is a loop-back address (expected: IP/LENGTH, such as 203.0.113.10/24)
            "::1/128"                 | floating-ips.x: ::1/128: is a loop-back address (expected: IP/LENGTH, such as 203.0.113.10/24)
            "::ffff:10.0.0.9/120"     | floating-ips.x: ::ffff:10.0.0.9/120: is an IPv4 address in IPv6 (expected: IP/LENGTH, such as 203.0.113.10/24)
            {}                        | floating-ips.x.address: is missing (expected: IP/LENGTH, such as 203.0.113.10/24)
            { address = 10.0.0.9/24, require = htpp }        | floating-ips.x.require: htpp: no such listener, did you mean http? (expected: names of listeners)
            { address = 10.0.0.9/24, require = [http, http] } | floating-ips.x.require[1]: http: is named twice (expected: each once)
            { address = 10.0.0.9/24, interface = "a/b" }     | floating-ips.x.interface: a/b: is no name of an interface (expected: the name of an interface)
            { address = 10.0.0.9/24, interface = abcdefghijklmnop } | floating-ips.x.interface: abcdefghijklmnop: is no name of an interface (expected: the name of an interface)
            { address = 10.0.0.9/24, command = gone.sh }     | floating-ips.x.command: gone.sh: is not there (expected: an executable file or off)
            { address = 10.0.0.9/24, command = plain.sh }    | floating-ips.x.command: plain.sh: cannot be executed (expected: an executable file or off)
            { address = 10.0.0.9/24, command = . }           | floating-ips.x.command: .: is no file (expected: an executable file or off)
            { address = 10.0.0.9/24, command = move.sh, interface = eth0 } | floating-ips.x.interface: eth0: is never used, for command takes the address (expected: one of them)
            """)
    void givenFaultyFloatingIp_whenLoaded_thenPlaced(String ip, String fault) throws IOException {
        assertThat(faults(nodes(TWO) + "floating-ips.x = " + ip))
                .isEqualTo("bascule.conf:2: " + fault);
    }

    @Test
    void givenNodesOfLoopback_whenLoaded_thenAPairOnOneHostIsTaken() throws IOException {
        good(nodes("a = 127.0.0.2, b = 127.0.0.3"));
    }

    @Test
    void givenNetworksOfTwo_whenLoaded_thenBothAreHosts() throws IOException {
        good(
                nodes(TWO)
                        + "floating-ips { a = 10.0.0.8/31, b = 10.0.0.9/31, c = \"2001:db8::/127\" }");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            floating-ips.x = 10.0.0.9/24      | floating-ips: {…}: have no nodes to be on (expected: cluster { nodes, key-file })
            cluster = off, floating-ips.x = 10.0.0.9/24 | floating-ips: {…}: have no nodes to be on (expected: cluster { nodes, key-file })
            admin.http = "node:9180"          | admin.http: node:9180: there is no cluster that gives this node an address (expected: IP:PORT or :PORT)
            cluster.key-file = cluster.key    | cluster.nodes: is missing (expected: nodes { NAME = IP, … })
            cluster = cluster.key             | cluster.nodes: is missing (expected: nodes { NAME = IP, … })
            cluster.nodes.a = 10.0.0.2        | cluster.key-file: is missing (expected: a file that bascule keygen wrote)
            cluster { key-file = gone.key, nodes.a = 10.0.0.2 } | cluster.key-file: gone.key: is not there (expected: a file that bascule keygen wrote)
            cluster { key-file = plain.sh, nodes.a = 10.0.0.2 } | cluster.key-file: plain.sh: has mode
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, witness = 10.0.0.2 } | cluster.witness: 10.0.0.2: is taken by cluster.nodes.a on bascule.conf:1 (expected: each address once)
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, witness = off }  | cluster.witness: off: is no IP address (expected: IP or gateway)
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, detect = fst }   | cluster.detect: fst: is unknown, did you mean fast? (expected: fast or calm)
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, discovery = dns } | cluster.discovery: dns: is unknown (expected: static or multicast)
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, port = 65535, discovery = multicast } | cluster.port: 65535: leaves none after it for multicast (expected: up to 65534)
            cluster { key-file = cluster.key, nodes.a = 10.0.0.2, port = 80 }      | listeners.http.bind: :80: is taken by cluster.port by default
            """)
    void givenFaultyWhole_whenLoaded_thenPlaced(String text, String fault) throws IOException {
        assertThat(faults(text)).contains("bascule.conf:").contains(": " + fault);
        assertThat(faults(text).lines()).hasSize(1);
    }

    @Test
    void givenFloatingIpTwice_whenLoaded_thenRefusedWhateverItsLength() throws IOException {
        assertThat(faults(nodes(TWO) + "floating-ips { x = 10.0.0.9/24, y = 10.0.0.9/25 }"))
                .isEqualTo(
                        "bascule.conf:2: floating-ips.y: 10.0.0.9/25: is taken by floating-ips.x on bascule.conf:2 (expected: each address once)");
    }

    @Test
    void givenTooMany_whenLoaded_thenRefused() throws IOException {
        String most = numbered(16, "n%d = 10.0.0.%d");
        assertEquals(16, Objects.requireNonNull(good(nodes(most)).cluster()).nodes().size());
        assertThat(faults(nodes(numbered(17, "n%d = 10.0.0.%d"))))
                .endsWith("cluster.nodes: {…}: has 17 nodes (expected: 1 to 16)");
        String ips = nodes(TWO) + "floating-ips { " + numbered(64, "x%d = 10.1.0.%d/16");
        assertEquals(64, good(ips + " }").floatingIps().size());
        assertThat(faults(ips + ", more = 10.2.0.1/16 }"))
                .endsWith("floating-ips: {…}: has 65 (expected: up to 64)");
    }

    private static String numbered(int count, String each) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> each.formatted(i, i))
                .collect(Collectors.joining(", "));
    }

    @Test
    void givenTwoNodesListenersAtOnePort_whenOneIsAddressed_thenRefused() throws IOException {
        assertThat(faults(nodes(TWO) + "admin.http = [\"node:9180\", \"10.0.0.3:9180\"]"))
                .isEqualTo(
                        "bascule.conf:2: admin.http[1]: 10.0.0.3:9180: is taken by admin.http[0] on bascule.conf:2 (expected: each address once)");
    }

    @Test
    void givenHostWord_whenSeenByNodes_thenEachItsOwnAddressAndOneHash() throws IOException {
        Configuration whole =
                good(
                        nodes(TWO + ", w { address = 10.0.0.4, witness = on }")
                                + "admin.http = \"node:9180\"\nlisteners.own { bind = [\"node:81\", \":82\"], backend = web }");

        Configuration b = whole.forNode("b");
        Configuration w = whole.forNode("w");

        assertThat(EffectiveConfiguration.render(whole)).contains("http = [\"node:9180\"]");
        assertThat(b.admin().http()).containsExactly(new InetSocketAddress("10.0.0.3", 9180));
        assertThat(b.listeners().getLast().binds())
                .containsExactly(
                        new InetSocketAddress("10.0.0.3", 81), new InetSocketAddress("::", 82));
        assertThat(w.admin().http()).containsExactly(new InetSocketAddress("10.0.0.4", 9180));
        assertThat(w.listeners()).isEmpty();
        assertThat(w.backends()).isEmpty();
        assertEquals("b", Objects.requireNonNull(b.node()).name());
        for (Configuration each : List.of(b, w, b.forNode("a"))) {
            assertEquals(whole.hash(), each.hash());
            assertEquals(EffectiveConfiguration.render(whole), EffectiveConfiguration.render(each));
        }
        assertThatThrownBy(() -> whole.forNode("c")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void givenOneNodesPart_whenCertificatesChange_thenItsHashIsStillThatOfAll() throws IOException {
        Path certs = Files.createDirectory(folder.resolve("certs"));
        TestAuthority.named("Test CA").issue("a.example.com").write(certs, "a");
        String tls =
                nodes(TWO) + "listeners.https { bind = \"node:443\", tls = certs/, backend = web }";
        Configuration before = good(tls);
        TestAuthority.named("Test CA").issue("b.example.com").write(certs, "b");
        Configuration after = good(tls);
        TlsConfig changed = Objects.requireNonNull(after.listeners().getLast().tls());

        Configuration part =
                before.forNode("a").withCertificates(changed.folder(), changed.certificates());

        assertNotEquals(before.hash(), part.hash());
        assertEquals(after.hash(), part.hash());
        assertThat(part.listeners().getLast().binds())
                .containsExactly(new InetSocketAddress("10.0.0.2", 443));
    }

    @Test
    void givenAnotherKey_whenLoaded_thenAnotherHashAndNoSecretIsShown() throws IOException {
        Configuration one = good(nodes(TWO));
        List<String> secrets = Files.readAllLines(folder.resolve("cluster.key"));
        Files.delete(folder.resolve("cluster.key"));
        ClusterKey.generate(folder.resolve("cluster.key"));

        Configuration other = good(nodes(TWO));

        assertNotEquals(one.hash(), other.hash());
        assertNotEquals(one.cluster(), other.cluster());
        assertEquals(other.cluster(), good(nodes(TWO)).cluster());
        String shown = EffectiveConfiguration.render(one) + one;
        assertThat(secrets.stream().filter(line -> !line.startsWith("-") && !line.startsWith("#")))
                .isNotEmpty()
                .noneMatch(shown::contains);
    }

    @Test
    void givenNodesInAnotherOrder_whenLoaded_thenTheSameHash() throws IOException {
        String turned = String.join(", ", Arrays.asList(TWO.split(", ", -1)).reversed());

        assertEquals(good(nodes(TWO)).hash(), good(nodes(turned)).hash());
    }

    private static InetAddress ip(String text) {
        return InetAddress.ofLiteral(text);
    }
}
