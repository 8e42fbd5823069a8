package bascule.cluster.group;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.key.ClusterKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Memberships on loopback, some in processes of their own. Times are printed, and not asserted: the machine may be busy.
final class MembershipIT {
    @TempDir Path folder;
    private final List<AutoCloseable> open = new ArrayList<>();
    private Path file;
    private ClusterKey key;

    @BeforeEach
    void key() throws IOException {
        file = folder.resolve("key");
        ClusterKey.generate(file);
        key = Member.key(file);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private Member start(List<InetSocketAddress> nodes, int self) throws IOException {
        return start(Member.settings(key, nodes, self, false));
    }

    private Member start(Membership.Settings settings) throws IOException {
        Member member = new Member(settings);
        open.add(member);
        return member;
    }

    private Process fork(List<InetSocketAddress> nodes, int self) throws IOException {
        Process process = Member.fork(file, self, nodes);
        open.add(process::destroyForcibly);
        return process;
    }

    private static double millis(long nanos) {
        return Math.round(nanos / 1e5) / 10.0;
    }

    private static String summary(List<Long> nanos) {
        List<Long> sorted = new ArrayList<>(nanos);
        Collections.sort(sorted);
        return nanos.stream().map(MembershipIT::millis).toList()
                + " ms, median "
                + millis(sorted.get(sorted.size() / 2))
                + ", worst "
                + millis(sorted.getLast());
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void givenTwoNodes_whenSecondStartsAndLeaves_thenBothAreToldAndMessagesArrive(String address)
            throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts(address, 2);
        Member a = start(nodes, 0);
        a.awaitView(0);
        long started = System.nanoTime();
        Member b = start(nodes, 1);
        long joined = b.awaitView(0, 1);
        a.awaitView(0, 1);
        System.out.println("membership " + address + ": join " + millis(joined - started) + " ms");

        byte[] large = new byte[Membership.MESSAGE_BYTES_MOST];
        new Random(1).nextBytes(large);
        a.membership.send(1, new byte[] {1});
        a.membership.send(1, large);
        b.membership.sendNow(0, new byte[] {2});

        assertThat(b.received.poll(10, TimeUnit.SECONDS).message()).containsExactly(1);
        assertThat(b.received.poll(10, TimeUnit.SECONDS).message()).isEqualTo(large);
        Member.Received now = a.received.poll(10, TimeUnit.SECONDS);
        assertThat(now.message()).containsExactly(2);
        assertThat(now.from()).isEqualTo(1);
        assertThatThrownBy(() -> a.membership.send(1, new byte[(64 << 10) + 1]))
                .hasMessageContaining("64 KiB at most");
        assertThatThrownBy(() -> a.membership.sendNow(1, new byte[(64 << 10) + 1]))
                .hasMessageContaining("64 KiB at most");
        long leaving = System.nanoTime();
        b.close();
        System.out.println(
                "membership " + address + ": leave " + millis(a.awaitView(0) - leaving) + " ms");
        assertThat(a.told).isEmpty();
    }

    @Test
    void givenManyMessages_whenSent_thenAllArriveInOrder() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Member a = start(nodes, 0);
        Member b = start(nodes, 1);
        a.awaitView(0, 1);
        b.awaitView(0, 1);

        for (int i = 0; i < 200; i++) a.membership.send(1, new byte[] {(byte) i});

        for (int i = 0; i < 200; i++)
            assertThat(b.received.poll(10, TimeUnit.SECONDS).message()).containsExactly((byte) i);
    }

    @Test
    void givenMember_whenKilled_thenTheOtherIsTold() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        for (int survivor = 0; survivor < 2; survivor++) {
            // The one that stays is the first of the view, and then the second.
            List<Long> nanos = new ArrayList<>();
            for (int round = 0; round < 5; round++) {
                Member stays = survivor == 0 ? start(nodes, 0) : null;
                if (stays != null) stays.awaitView(0);
                Process dies = fork(nodes, 1);
                Member.awaitLine(dies, stays == null ? "[1]" : "[0, 1]");
                if (stays == null) stays = start(nodes, 0);
                stays.awaitView(0, 1);
                Thread.sleep(300);
                long killed = System.nanoTime();
                dies.destroyForcibly();
                nanos.add(stays.awaitView(0) - killed);
                stays.close();
            }
            System.out.println(
                    "membership: kill -9 of the "
                            + (survivor == 0 ? "second" : "first")
                            + " member seen after "
                            + summary(nanos));
        }
    }

    @Test
    void givenMember_whenStopped_thenTheOtherIsToldAndTheyMeetAgain() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        List<Long> nanos = new ArrayList<>();
        List<Long> again = new ArrayList<>();
        Member stays = start(nodes, 0);
        stays.awaitView(0);
        Process stops = fork(nodes, 1);
        Member.awaitLine(stops, "[0, 1]");
        stays.awaitView(0, 1);
        for (int round = 0; round < 5; round++) {
            Thread.sleep(500);
            long stopped = System.nanoTime();
            signal(stops, "STOP");
            nanos.add(stays.awaitView(0) - stopped);
            long resumed = System.nanoTime();
            signal(stops, "CONT");
            again.add(stays.awaitView(0, 1) - resumed);
        }
        System.out.println("membership: SIGSTOP seen after " + summary(nanos));
        System.out.println("membership: one view again after SIGCONT " + summary(again));
    }

    private static void signal(Process process, String name) throws Exception {
        assertThat(
                        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                                .start()
                                .waitFor())
                .isZero();
    }

    @Test
    void givenWrongKey_whenStarted_thenNoCommonViewAndBothAreToldUntilItIsRight() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Path other = folder.resolve("other");
        ClusterKey.generate(other);
        Member a = start(nodes, 0);
        Member b = start(Member.settings(Member.key(other), nodes, 1, false));

        Member.Told toldA = a.awaitTold(t -> t.event().equals("cluster-key-refused"));
        Member.Told toldB = b.awaitTold(t -> t.event().equals("cluster-key-refused"));
        assertThat(toldA.worse()).isTrue();
        assertThat(toldA.about()).startsWith("node", "node1");
        assertThat(toldB.about()).startsWith("node", "node0");
        Thread.sleep(2000);
        assertThat(a.told).isEmpty(); // Once.
        assertThat(a.now).isEqualTo(Set.of(0));
        assertThat(b.now).isEqualTo(Set.of(1));
        b.close();
        Member right = start(nodes, 1);
        right.awaitView(0, 1);
        assertThat(a.awaitTold(t -> !t.worse()).event()).isEqualTo("cluster-key-refused");
    }

    @Test
    void givenOtherClusterName_whenStarted_thenNamed() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Member a = start(nodes, 0);
        Membership.Settings s = Member.settings(key, nodes, 1, false);
        start(new Membership.Settings("two", nodes, s.names(), 1, false, false, key));

        Member.Told told = a.awaitTold(t -> t.event().equals("cluster-name-differs"));

        assertThat(told.about().getLast().toString()).contains("two").contains("one");
        assertThat(a.now).isEqualTo(Set.of(0));
    }

    @Test
    void givenOtherNodeNames_whenStarted_thenNamed() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Member a = start(nodes, 0);
        Member b =
                start(
                        new Membership.Settings(
                                "one", nodes, List.of("node0", "stranger"), 1, false, false, key));

        Member.Told told = a.awaitTold(t -> t.event().equals("cluster-node-differs"));

        assertThat(told.about().getLast().toString()).contains("stranger");
        assertThat(a.strangers.poll(10, TimeUnit.SECONDS))
                .startsWith("1: it calls itself stranger");
        assertThat(b.strangers.poll(10, TimeUnit.SECONDS))
                .startsWith("0: its file names [node0, node1], and not stranger");
        b.close();
        assertThat(a.strangers.poll(20, TimeUnit.SECONDS)).isEqualTo("1: ");
    }

    @Test
    void givenPortInUse_whenStarted_thenSaidWhere() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        start(nodes, 0);

        assertThatThrownBy(() -> start(nodes, 0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(nodes.get(0).toString())
                .hasMessageContaining("expected");
    }

    @Test
    void givenSilentAndTalkingStrangers_whenConnected_thenTheNodesStillMeet() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Member a = start(nodes, 0);
        a.awaitView(0);
        List<Socket> strangers = new ArrayList<>();
        for (int i = 0; i < 5; i++) strangers.add(new Socket("127.0.0.1", nodes.get(0).getPort()));
        for (Socket each : strangers.subList(0, 2))
            each.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
        try (var elsewhere = new Socket()) {
            elsewhere.bind(new InetSocketAddress("127.0.0.99", 0));
            elsewhere.connect(nodes.get(0));
            elsewhere.setSoTimeout(5000);
            assertThat(elsewhere.getInputStream().read())
                    .isEqualTo(-1); // Not the address of a node.
        }

        Member b = start(nodes, 1);

        b.awaitView(0, 1);
        for (Socket each : strangers) each.close();
    }

    @Test
    void givenTwentyColdStarts_whenSkewed_thenOneView() throws Exception {
        var random = new Random(4);
        List<Long> nanos = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
            Member a = start(nodes, 0);
            Thread.sleep(random.nextInt(round % 2 == 0 ? 20 : 600));
            long second = System.nanoTime();
            Member b = start(nodes, 1);
            long one = a.awaitView(0, 1);
            nanos.add(Math.max(one, b.awaitView(0, 1)) - second);
            Thread closing = Thread.ofPlatform().start(a::close);
            b.close();
            closing.join();
        }
        System.out.println("membership: one view after the second start " + summary(nanos));
    }

    @Test
    void givenThreeNodes_whenOneRestarts_thenAllMeetAgain() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 3);
        Member a = start(nodes, 0);
        Member b = start(nodes, 1);
        Member c = start(nodes, 2);
        for (Member each : List.of(a, b, c)) each.awaitView(0, 1, 2);
        b.close();
        a.awaitView(0, 2);
        c.awaitView(0, 2);
        Member again = start(nodes, 1);
        for (Member each : List.of(a, c, again)) each.awaitView(0, 1, 2);
        a.membership.send(1, new byte[] {7});
        assertThat(again.received.poll(10, TimeUnit.SECONDS).from()).isZero();
    }

    @Test
    void givenMulticast_whenStarted_thenOneView() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        List<Member> both = new ArrayList<>();
        for (int self = 0; self < 2; self++) {
            Membership.Settings s = Member.settings(key, nodes, self, false);
            both.add(
                    start(
                            new Membership.Settings(
                                    "one", nodes, s.names(), self, true, false, key)));
        }
        for (Member each : both) each.awaitView(0, 1);
    }

    @Test
    void givenMembership_whenClosed_thenNoThreadIsLeft() throws Exception {
        List<InetSocketAddress> nodes = Member.freePorts("127.0.0.1", 2);
        Member a = start(nodes, 0);
        Member b = start(nodes, 1);
        a.awaitView(0, 1);
        b.awaitView(0, 1);
        a.close();
        b.close();

        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        List<String> left = threads();
        while (!left.isEmpty() && System.nanoTime() < end) {
            Thread.sleep(50);
            left = threads();
        }
        assertThat(left).isEmpty();
        assertThat(Files.exists(file)).isTrue();
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(
                        n ->
                                n.startsWith("membership")
                                        || n.contains("Connection.Receiver")
                                        || n.contains("TcpServer"))
                .toList();
    }
}
