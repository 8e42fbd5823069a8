package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.cluster.key.ClusterKey;
import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Commands that work on this host without a daemon, as processes; what would change the host, in a network namespace of its own.
@Timeout(120)
final class HostVerbsIT {
    /// A namespace that is gone with its last process; the loop-back is up in it.
    private static final String INSIDE =
            "exec unshare --net bash -c 'ip link set lo up; %s' bash \"$@\"";

    @TempDir Path folder = Path.of("");

    private static void requireNamespaces(String... programs) throws Exception {
        Peers.require("unshare", "ip");
        Peers.require(programs);
        if (Tool.run("unshare", "--net", "true").exit() == 0) return;
        String missing = "needs root to make a network namespace";
        if ("true".equals(System.getenv("CI"))) throw new AssertionError(missing);
        Assumptions.abort(missing);
    }

    @Test
    void givenNoFile_whenKeyIsMade_thenItIsReadableByItsOwnerAlone() throws Exception {
        Path file = folder.resolve("cluster.key");

        Ended made = bascule("keygen", file.toString()).end();

        assertEquals(
                new Ended(
                        0,
                        file
                                + ": a new cluster key, mode 0600 (expected on every node, the same)\n",
                        ""),
                made);
        assertEquals(
                PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(file));
        assertThat(ClusterKey.read(file)).isInstanceOf(ClusterKey.Read.Loaded.class);
    }

    @Test
    void givenFolderThatHandsItsGroupOn_whenKeyIsMade_thenTheGroupMayReadIt() throws Exception {
        Files.setAttribute(folder, "unix:mode", 02750);
        Path file = folder.resolve("cluster.key");

        Ended made = bascule("keygen", file.toString()).end();

        assertEquals(0, made.exitCode(), made.err());
        assertThat(made.out()).contains("mode 0640");
        assertEquals(
                PosixFilePermissions.fromString("rw-r-----"), Files.getPosixFilePermissions(file));
        assertThat(ClusterKey.read(file)).isInstanceOf(ClusterKey.Read.Loaded.class);
    }

    @Test
    void givenFile_whenKeyIsMade_thenRefusedAndTheFileIsAsItWas() throws Exception {
        Path file = Files.writeString(folder.resolve("cluster.key"), "mine");

        Ended refused = bascule("keygen", file.toString()).end();

        assertEquals(1, refused.exitCode());
        assertThat(refused.err()).startsWith("bascule: " + file + ": is there already (expected: ");
        assertEquals("mine", Files.readString(file));
    }

    @Test
    void givenNoFolder_whenKeyIsMade_thenOneLine() {
        Path file = folder.resolve("none/cluster.key");

        assertEquals(
                new Ended(1, "", "bascule: " + file + ": there is no such folder\n"),
                bascule("keygen", file.toString()).end());
    }

    private Path pair() throws IOException {
        return Pair.in(folder)
                .file(
                        """
                        cluster {
                          key-file = cluster.key, discovery = multicast
                          nodes { a = 198.51.100.2, b = 198.51.100.3, w { address = 198.51.100.4, witness = on } }
                        }
                        floating-ips { x = 203.0.113.10/24, y = "2001:db8::10/64" }
                        listeners.own { bind = ["node:8080", "203.0.113.10:81", "[2001:db8::10]:82", "0.0.0.0:83", ":0"], backend = web }
                        admin.http = ["127.0.0.1:9180", "node:9180"]
                        """);
    }

    @Test
    void givenPair_whenRulesArePrinted_thenNftTakesThemTwice() throws Exception {
        requireNamespaces("nft");
        Path file = pair();
        for (String node : new String[] {"a", "w"}) {
            Ended rules = bascule("firewall", "-c", file.toString(), "--node", node).end();
            assertEquals("", rules.err());
            Path written = Files.writeString(folder.resolve("rules"), rules.out());

            Tool.Ended loaded =
                    Tool.run(
                            "unshare",
                            "--net",
                            "bash",
                            "-c",
                            "nft -c -f $0 && nft -f $0 && nft -f $0 && nft list ruleset",
                            written.toString());

            assertEquals(0, loaded.exit(), loaded::toString);
            assertThat(loaded.text())
                    .containsOnlyOnce("table inet bascule")
                    .contains("tcp dport 7800 drop");
        }
    }

    /// A stranger and a node, each with an address on the other end of a cable.
    @Test
    void givenRulesInForce_whenStrangersAndNodesKnock_thenOnlyNodesReachTheClustersPort()
            throws Exception {
        requireNamespaces("nft", "curl");
        Path file = pair();
        Ended rules = bascule("firewall", "-c", file.toString(), "--node", "a").end();
        Path written = Files.writeString(folder.resolve("rules"), rules.out());
        String script =
                """
                set -e
                ip link set lo up
                ip link add here type veth peer name there
                unshare --net sleep 60 & other=$!
                for i in $(seq 100); do
                  [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && break; sleep 0.05
                done
                ip link set there netns $other
                ip addr add 198.51.100.2/24 dev here; ip link set here up
                far() { nsenter --net=/proc/$other/ns/net "$@"; }
                far ip addr add 198.51.100.3/24 dev there; far ip addr add 198.51.100.9/24 dev there; far ip link set there up
                nft -f %s
                knock() { far curl -s -m 1 --interface $1 telnet://198.51.100.2:$2 </dev/null >/dev/null && c=0 || c=$?; echo "$1 $2 $c"; }
                knock 198.51.100.3 7800
                knock 198.51.100.9 7800
                knock 198.51.100.9 83
                kill $other
                """
                        .formatted(written);

        Tool.Ended knocked = Tool.run("unshare", "--net", "bash", "-c", script);

        // curl(1): 7 = refused at once, since nobody listens; 28 = no answer at all.
        assertEquals(0, knocked.exit(), knocked::toString);
        assertEquals(
                "198.51.100.3 7800 7\n198.51.100.9 7800 28\n198.51.100.9 83 7\n", knocked.text());
    }

    @Test
    void givenHostThatIsNoNode_whenRulesAreAsked_thenRefused() throws Exception {
        Ended refused = bascule("firewall", "-c", pair().toString()).end();

        assertEquals(78, refused.exitCode());
        assertThat(refused.err()).startsWith("bascule: cluster.nodes: this host, ");
    }

    private BasculeProcess.Builder release(String before, Path socket) {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String classes = System.getProperty("java.class.path");
        String leave =
                java
                        + " --enable-native-access=ALL-UNNAMED -cp "
                        + classes
                        + " bascule.LeftoverProbe 203.0.113.10 2001:db8::10 && ip addr add 203.0.113.11/32 dev lo && ";
        return bascule(
                        "floating-ip",
                        "release",
                        "-c",
                        folder.resolve("none.conf").toString(),
                        "--socket",
                        socket.toString())
                .by(
                        INSIDE.formatted(
                                leave
                                        + before
                                        + " \"$@\"; code=$?; ip -o addr show dev lo; exit $code"));
    }

    @Test
    void givenLeftovers_whenReleased_thenOursAreGoneAndOthersStay() throws Exception {
        requireNamespaces();

        Ended released = release("", folder.resolve("none.sock")).end();

        assertEquals(0, released.exitCode(), released::err);
        assertThat(released.out())
                .contains("203.0.113.10 on lo: released\n", "2001:db8::10 on lo: released\n")
                .contains("inet 203.0.113.11/32")
                .doesNotContain("inet 203.0.113.10", "inet6 2001:db8::10");
    }

    @Test
    void givenDaemon_whenReleaseIsAsked_thenRefused() throws Exception {
        requireNamespaces();
        Path socket = folder.resolve("admin.sock");
        try (ServerSocketChannel daemon = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            daemon.bind(UnixDomainSocketAddress.of(socket));

            Ended refused = release("", socket).end();

            assertEquals(1, refused.exitCode());
            assertThat(refused.err())
                    .contains("bascule: a daemon runs at " + socket + " and would put them back");
            assertThat(refused.out()).contains("inet 203.0.113.10/32");
        }
    }

    @Test
    void givenNoCapability_whenReleaseIsAsked_thenItSaysWhichIsMissing() throws Exception {
        requireNamespaces("setpriv");

        Ended refused =
                release(
                                "setpriv --inh-caps=-net_admin --bounding-set=-net_admin",
                                folder.resolve("none.sock"))
                        .end();

        assertEquals(1, refused.exitCode());
        assertThat(refused.err()).contains("CAP_NET_ADMIN is missing (expected: to be root)");
        assertThat(refused.out()).contains("inet 203.0.113.10/32");
    }

    @Test
    void givenNothingOfOurs_whenReleased_thenItSaysSoAndZero() throws Exception {
        requireNamespaces();

        Ended nothing = bascule("floating-ip", "release").by(INSIDE.formatted("exec \"$@\"")).end();

        assertEquals(
                new Ended(0, "nothing to release: no address on this host is Bascule's\n", ""),
                nothing);
    }
}
