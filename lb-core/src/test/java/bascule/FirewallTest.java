package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FirewallTest {
    @TempDir Path folder = Path.of("");
    private Pair pair = new Pair(folder);

    @BeforeEach
    void prepare() throws Exception {
        pair = Pair.in(folder);
    }

    private static List<String> rules(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.startsWith("#"))
                .filter(line -> line.endsWith(" accept") || line.endsWith(" drop"))
                .toList();
    }

    @Test
    void givenPair_whenAsked_thenThePortIsForTheOtherAndListenersAreOpen() throws Exception {
        var all = pair.load("a = 10.0.0.2, b = 10.0.0.3", "floating-ips.x = 203.0.113.10/25");

        assertThat(rules(Firewall.rules(all.forNode("a"))))
                .containsExactly(
                        "iif lo accept",
                        "ip saddr { 10.0.0.3 } tcp dport 7800 accept",
                        "ip saddr { 10.0.0.3 } udp dport 7800 accept",
                        "ip saddr 203.0.113.0/25 udp dport 7800 accept",
                        "tcp dport 7800 drop",
                        "udp dport 7800 drop",
                        "tcp dport 80 accept");
    }

    @Test
    void givenMulticast_whenAsked_thenItsPortIsForTheOthersToo() throws Exception {
        var all = pair.load("a = 10.0.0.2, b = 10.0.0.3", "cluster.discovery = multicast");

        assertThat(rules(Firewall.rules(all.forNode("a"))))
                .contains("ip saddr { 10.0.0.3 } udp dport 7801 accept", "udp dport 7801 drop");
    }

    @Test
    void givenWitness_whenAsked_thenItHasNoListeners() throws Exception {
        var all =
                pair.load(
                        "a = \"fd00::2\", b = \"fd00::3\", w { address = \"fd00::4\", witness = on }",
                        "");

        assertThat(rules(Firewall.rules(all.forNode("w"))))
                .containsExactly(
                        "iif lo accept",
                        "ip6 saddr { fd00::2, fd00::3 } tcp dport 7800 accept",
                        "ip6 saddr { fd00::2, fd00::3 } udp dport 7800 accept",
                        "tcp dport 7800 drop",
                        "udp dport 7800 drop");
    }

    @Test
    void givenAddresses_whenAsked_thenEachAsItIsBound() throws Exception {
        var all =
                pair.load(
                        "a = 10.0.0.2",
                        """
                        listeners.own { bind = ["node:81", "[2001:db8::1]:82", "0.0.0.0:83", ":0"], backend = web }
                        admin.http = ["127.0.0.1:9180", "node:9181"]
                        """);

        List<String> rules = rules(Firewall.rules(all.forNode("a")));

        assertEquals(
                List.of(
                        "tcp dport 80 accept",
                        "ip daddr 10.0.0.2 tcp dport 81 accept",
                        "ip6 daddr 2001:db8::1 tcp dport 82 accept",
                        "meta nfproto ipv4 tcp dport 83 accept",
                        "ip daddr 10.0.0.2 tcp dport 9181 accept"),
                rules.subList(3, rules.size()));
    }

    @Test
    void givenNoCluster_whenAsked_thenNothingIsClosed() throws Exception {
        assertThat(rules(Firewall.rules(pair.load(""))))
                .containsExactly("iif lo accept", "tcp dport 80 accept");
    }

    @Test
    void givenAddressByCommand_whenAsked_thenItsLanOpensNothing() throws Exception {
        var all =
                pair.load(
                        "a = 10.0.0.2, b = 10.0.0.3",
                        "floating-ips.x { address = 203.0.113.10/25, command = /bin/true }");

        assertThat(Stream.of(Firewall.rules(all.forNode("a"))))
                .noneMatch(text -> text.contains("203.0.113"));
    }
}
