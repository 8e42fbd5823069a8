package bascule.cluster.group;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.jgroups.Version;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A member, and who is not one: others who have the key, but are of another kind.
final class DoorIT {
    @TempDir Path folder;
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private ClusterKey key;
    private List<InetSocketAddress> nodes;

    @BeforeEach
    void key() throws IOException {
        ClusterKey.generate(folder.resolve("key"));
        key = Member.key(folder.resolve("key"));
        nodes = Member.freePorts("127.0.0.1", 2);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private Member start(Membership.Settings settings) throws IOException {
        Member member = new Member(settings);
        open.add(member);
        return member;
    }

    private Preamble preamble(short jgroups) {
        return new Preamble(Preamble.VERSION, jgroups, "one", "node1");
    }

    private SSLSocket tls(Socket plain, boolean server) throws IOException {
        var tls = (SSLSocket) key.tls().getSocketFactory().createSocket(plain, "x", 1, true);
        tls.setUseClientMode(!server);
        tls.setSSLParameters(ClusterKey.tlsParameters());
        tls.setSoTimeout(10_000);
        tls.startHandshake();
        return tls;
    }

    @Test
    void givenOtherMinorOfJGroups_whenConnected_thenNamedWithBothVersions() throws Exception {
        Member a = start(Member.settings(key, nodes, 0, false));
        short minorBefore = Version.encode(Version.major, Version.minor - 1, 0);

        try (SSLSocket tls = tls(new Socket("127.0.0.1", nodes.get(0).getPort()), false)) {
            tls.getOutputStream().write(preamble(minorBefore).bytes());
            Preamble theirs = Preamble.read(tls.getInputStream());
            assertThat(theirs.jgroups()).isEqualTo(Version.version);
            assertThat(tls.getInputStream().read()).isEqualTo(-1);
        }

        Member.Told told = a.awaitTold(t -> t.event().equals("cluster-version-differs"));
        assertThat(told.about().getLast().toString())
                .contains(Version.print(minorBefore))
                .contains(Version.print(Version.version));
    }

    @Test
    void givenOtherVersionOfOurs_whenConnected_thenNamed() throws Exception {
        Member a = start(Member.settings(key, nodes, 0, false));

        try (SSLSocket tls = tls(new Socket("127.0.0.1", nodes.get(0).getPort()), false)) {
            Preamble twoAhead = new Preamble(Preamble.VERSION + 2, Version.version, "one", "node1");
            tls.getOutputStream().write(twoAhead.bytes());
            Preamble.read(tls.getInputStream());
            assertThat(tls.getInputStream().read()).isEqualTo(-1);
        }

        assertThat(a.awaitTold(_ -> true).event()).isEqualTo("cluster-version-differs");
    }

    @Test
    void givenProbesOfThePort_whenTheyHangUp_thenTheKeyIsNotBlamed() throws Exception {
        Member a = start(Member.settings(key, nodes, 0, false));
        long end = System.nanoTime() + 2_000_000_000L;
        while (System.nanoTime() < end) {
            try (Socket probe = new Socket("127.0.0.1", nodes.get(0).getPort())) {
                probe.getOutputStream().write("GET /".getBytes(US_ASCII));
            }
            new Socket("127.0.0.1", nodes.get(0).getPort()).close();
            Thread.sleep(50);
        }
        assertThat(a.told).isEmpty();
    }

    /// It shakes hands, says the right things, and then nothing.
    private AtomicInteger mute() throws IOException {
        AtomicInteger connections = new AtomicInteger();
        ServerSocket listening = new ServerSocket();
        listening.bind(nodes.get(1));
        open.add(listening);
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            while (!listening.isClosed()) {
                                try {
                                    SSLSocket tls = tls(listening.accept(), true);
                                    open.add(tls);
                                    tls.getOutputStream().write(preamble(Version.version).bytes());
                                    Preamble.read(tls.getInputStream());
                                    List<String> names = List.of("node0", "node1");
                                    tls.getOutputStream().write(Preamble.names(names));
                                    Preamble.readNames(tls.getInputStream());
                                    connections.incrementAndGet();
                                } catch (IOException e) {
                                    System.out.println("mute node: " + e);
                                }
                            }
                        });
        return connections;
    }

    @Test
    void givenNodeThatAnswersAndNeverJoins_whenFiveSecondsPass_thenTold() throws Exception {
        mute();
        Member a = start(Member.settings(key, nodes, 0, false));

        Member.Told told = a.awaitTold(_ -> true);

        assertThat(told.event()).isEqualTo("cluster-no-view");
        assertThat(told.about()).startsWith("node", "node1");
        assertThat(a.now).isEqualTo(Set.of(0));
    }

    @Test
    @Tag("long")
    void givenNodeThatAnswersAndNeverJoins_whenTenSecondsPass_thenAnewWithThePortOpen()
            throws Exception {
        AtomicInteger connections = mute();
        Member a = start(Member.settings(key, nodes, 0, false));
        a.awaitTold(t -> t.event().equals("cluster-no-view"));
        int before = connections.get();
        long end = System.nanoTime() + 15_000_000_000L;
        while (connections.get() == before && System.nanoTime() < end) {
            new Socket("127.0.0.1", nodes.get(0).getPort()).close(); // Open all the time.
            Thread.sleep(50);
        }
        assertThat(connections.get()).isGreaterThan(before);
    }

    /// Each node has a wrong port for the other: only multicast can tell the right one.
    @Test
    void givenMulticastOnly_whenStarted_thenOneView() throws Exception {
        List<InetSocketAddress> ports = Member.freePorts("127.0.0.1", 5);
        NetworkInterface loopback = NetworkInterface.getByInetAddress(ports.get(0).getAddress());
        var group =
                new InetSocketAddress(
                        InetAddress.getByName("239.255.78.1"), ports.get(0).getPort() + 1);
        List<String> names = List.of("absent", "node1", "node2");
        List<InetSocketAddress> forFirst = List.of(ports.get(0), ports.get(1), ports.get(3));
        List<InetSocketAddress> forSecond = List.of(ports.get(0), ports.get(4), ports.get(2));
        try (var listener = new MulticastSocket(group)) {
            listener.joinGroup(group, loopback);
            listener.setSoTimeout(10_000);
            Member first =
                    start(new Membership.Settings("one", forFirst, names, 1, true, false, key));
            listener.receive(new DatagramPacket(new byte[2000], 2000));
            Member second =
                    start(new Membership.Settings("one", forSecond, names, 2, true, false, key));
            first.awaitView(1, 2);
            second.awaitView(1, 2);
        }
    }

    /// The head of a ClientHello of 16 KiB, of which a byte comes now and then.
    private static final byte[] LONG_HELLO = {22, 3, 1, 64, 0, 1, 0, 63, (byte) 0xfc, 3, 3};

    /// @return false if it is closed
    private static boolean drip(Socket to) throws IOException {
        to.setSoTimeout(1);
        try {
            to.getOutputStream().write(7);
            return to.getInputStream().read() >= 0;
        } catch (SocketTimeoutException _) {
            return true;
        } catch (SocketException _) {
            return false;
        }
    }

    @Test
    void givenConnectionsThatDrip_whenASecondHasPassed_thenTheirPlacesAreFree() throws Exception {
        start(Member.settings(key, nodes, 0, false));
        var drips = new ArrayList<Socket>();
        for (int i = 0; i < 8; i++) {
            Socket each = new Socket("127.0.0.1", nodes.get(0).getPort());
            open.add(each);
            drips.add(each);
            each.getOutputStream().write(LONG_HELLO);
        }
        long end = System.nanoTime() + 10_000_000_000L;
        while (!drips.isEmpty() && System.nanoTime() < end) {
            for (Socket each : List.copyOf(drips)) if (!drip(each)) drips.remove(each);
            Thread.sleep(100);
        }

        assertThat(drips).isEmpty();
        Member second = start(Member.settings(key, nodes, 1, false));
        second.awaitView(0, 1);
    }

    @Test
    void givenNodeThatDripsItsAnswer_whenConnectedTo_thenGivenUp() throws Exception {
        try (ServerSocket listening = new ServerSocket()) {
            listening.bind(nodes.get(1));
            listening.setSoTimeout(10_000);
            Member a = start(Member.settings(key, nodes, 0, false));
            try (Socket accepted = listening.accept()) {
                accepted.getOutputStream().write(new byte[] {22, 3, 3, 63, (byte) 0xff});
                while (accepted.getInputStream().available() > 0) accepted.getInputStream().read();
                long end = System.nanoTime() + 10_000_000_000L;
                while (isOpen(accepted) && System.nanoTime() < end) Thread.sleep(100);
                assertThat(isOpen(accepted)).isFalse();
            }
            assertThat(a.now).doesNotContain(1);
        }
    }

    private static boolean isOpen(Socket socket) throws IOException {
        socket.setSoTimeout(1);
        try {
            socket.getOutputStream().write(2);
            for (int each = 0; each >= 0; ) each = socket.getInputStream().read();
            return false;
        } catch (SocketTimeoutException _) {
            return true;
        } catch (SocketException _) {
            return false;
        }
    }

    @Test
    void givenOneNodeThatTakesAllItsPlaces_whenAnotherComes_thenItIsLetIn() throws Exception {
        nodes = new ArrayList<>();
        for (int i = 1; i <= 3; i++) nodes.addAll(Member.freePorts("127.0.0." + i, 1));
        start(Member.settings(key, nodes, 0, false));
        for (int i = 0; i < 12; i++) {
            var each = new Socket();
            open.add(each);
            each.bind(new InetSocketAddress("127.0.0.2", 0));
            each.connect(nodes.get(0));
            each.getOutputStream().write(LONG_HELLO);
        }
        Thread.sleep(100);

        try (var plain = new Socket()) {
            plain.bind(new InetSocketAddress("127.0.0.3", 0));
            plain.connect(nodes.get(0));
            assertThat(tls(plain, false).getSession().isValid()).isTrue();
        }
    }
}
