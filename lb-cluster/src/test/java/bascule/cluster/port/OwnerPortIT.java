package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Event;
import bascule.cluster.testing.Skip;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two owner ports of one process, by real sockets on loopback.
final class OwnerPortIT {
    private static final long PATIENCE_SECONDS = 10;
    private static final Beat BEAT = new Beat(1, false, false, List.of());

    @TempDir Path folder;
    private final List<OwnerPort> open = new ArrayList<>();
    private ClusterKey key;

    private record Heard(int from, Beat beat, long provenNanos, int via) {}

    private static final class Ears implements OwnerPort.Listener {
        final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
        final AtomicInteger count = new AtomicInteger();
        final BlockingQueue<Integer> unreachable = new LinkedBlockingQueue<>();

        @Override
        public void heard(int from, Beat beat, long provenNanos, int via) {
            count.incrementAndGet();
            heard.add(new Heard(from, beat, provenNanos, via));
        }

        @Override
        public void unreachable(int node) {
            unreachable.add(node);
        }
    }

    @BeforeEach
    void key() throws Exception {
        ClusterKey.generate(folder.resolve("key"));
        key = ((ClusterKey.Read.Loaded) ClusterKey.read(folder.resolve("key"))).key();
    }

    @AfterEach
    void close() {
        for (OwnerPort each : open) each.close();
    }

    private static List<InetSocketAddress> freePorts(String address, int many) throws IOException {
        List<DatagramSocket> held = new ArrayList<>();
        List<InetSocketAddress> free = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            DatagramSocket socket = new DatagramSocket(0); // On all addresses, as the port will be.
            held.add(socket);
            free.add(new InetSocketAddress(InetAddress.getByName(address), socket.getLocalPort()));
        }
        for (DatagramSocket each : held) each.close();
        return free;
    }

    private OwnerPort open(List<InetSocketAddress> nodes, int self, Ears ears) throws IOException {
        OwnerPort port =
                OwnerPort.open(
                        new OwnerPort.Settings(
                                "one", List.of("a", "b"), nodes, self, List.of("public"), key),
                        ears);
        open.add(port);
        return port;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void givenTwoNodes_whenOneStartsLater_thenBeatsAreHeardProvenAndAnswered(String address)
            throws Exception {
        List<InetSocketAddress> nodes = freePorts(address, 2);
        var earsOfA = new Ears();
        var earsOfB = new Ears();
        OwnerPort a = open(nodes, 0, earsOfA);
        a.send(1, BEAT);
        OwnerPort b = open(nodes, 1, earsOfB);

        until(() -> a.send(1, BEAT), () -> !earsOfB.heard.isEmpty());
        Heard first = earsOfB.heard.take();
        b.answer(0, BEAT, first.via());
        Heard answer = earsOfA.heard.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);

        assertThat(first.from()).isZero();
        assertThat(answer.beat()).isEqualTo(BEAT);
        assertThat(answer.provenNanos()).isNotEqualTo(Event.UNPROVEN);
        assertThat(System.nanoTime() - answer.provenNanos()).isNotNegative();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void givenNobodyThere_whenSentTo_thenUnreachableIsToldEachTimeAndThePeerIsHeardOnceItIsThere(
            String address) throws Exception {
        List<InetSocketAddress> nodes = freePorts(address, 2);
        var ears = new Ears();
        OwnerPort a = open(nodes, 0, ears);

        assertThat(ears.unreachable.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
        ears.unreachable.clear();
        until(() -> a.send(1, BEAT), () -> ears.unreachable.size() > 2);
        var earsOfB = new Ears();
        OwnerPort b = open(nodes, 1, earsOfB);
        until(() -> b.send(0, BEAT), () -> !ears.heard.isEmpty());
        until(() -> a.send(1, BEAT), () -> !earsOfB.heard.isEmpty());
        b.close();
        ears.unreachable.clear();
        until(() -> a.send(1, BEAT), () -> !ears.unreachable.isEmpty());
    }

    @Test
    void givenPeerThatRestarts_whenItIsBack_thenHeardAgainBothWaysWithoutABeatOfTheOther()
            throws Exception {
        List<InetSocketAddress> nodes = freePorts("127.0.0.1", 2);
        var ears = new Ears();
        OwnerPort a = open(nodes, 0, ears);
        List<Long> micros = new ArrayList<>();
        for (int boot = 0; boot < 8; boot++) {
            long start = System.nanoTime();
            var earsOfB = new Ears();
            OwnerPort b = open(nodes, 1, earsOfB);
            until(() -> b.send(0, BEAT), () -> !ears.heard.isEmpty());
            micros.add((System.nanoTime() - start) / 1000);
            ears.heard.clear();
            until(() -> a.send(1, BEAT), () -> !earsOfB.heard.isEmpty());
            b.close();
        }
        System.out.println("owner port: open to heard, microseconds: " + micros);
        assertThat(a.dropped().forged()).isZero();
    }

    @Test
    void givenFlood_whenBeatsGoOn_thenTheyAreHeardAndAnswersStayWithinTheLimit() throws Exception {
        List<InetSocketAddress> nodes = freePorts("127.0.0.1", 2);
        var ears = new Ears();
        var earsOfB = new Ears();
        OwnerPort a = open(nodes, 0, ears);
        OwnerPort b = open(nodes, 1, earsOfB);
        until(() -> b.send(0, BEAT), () -> !ears.heard.isEmpty());
        byte[] genuine = b.seal(0, BEAT);
        ears.heard.clear();
        ears.count.set(0);

        var random = new Random(1);
        int sent = 0;
        int flooded = 0;
        int answers = 0;
        long start = System.nanoTime();
        try (var enemy = new DatagramSocket()) {
            enemy.setSoTimeout(200);
            for (; flooded < 50_000; flooded++) {
                byte[] garbage = new byte[40 + random.nextInt(1100)];
                random.nextBytes(garbage);
                int keep =
                        random.nextInt(4) * 9; // Nothing, type and sender, session, the whole head.
                System.arraycopy(genuine, 0, garbage, 0, Math.min(keep, 26));
                enemy.send(new DatagramPacket(garbage, garbage.length, nodes.get(0)));
                if (flooded % 500 == 0) {
                    b.send(0, BEAT);
                    sent++;
                }
            }
            long millis = (System.nanoTime() - start) / 1_000_000;
            try {
                var packet = new DatagramPacket(new byte[1500], 1500);
                for (; ; answers++) enemy.receive(packet);
            } catch (SocketTimeoutException _) {
                // All that came.
            }
            OwnerPort.Dropped dropped = a.dropped();
            System.out.println(
                    "flood: 50000 in "
                            + millis
                            + " ms, "
                            + dropped
                            + ", answers "
                            + answers
                            + ", beats sent "
                            + sent
                            + ", heard "
                            + ears.count);
            assertThat(answers).isBetween(1, (int) (11 + 10 * (millis + 400) / 1000));
            assertThat(dropped.forged() + dropped.unknown() + dropped.malformed())
                    .isGreaterThan(1000);
        }
        assertThat(flooded).isEqualTo(50_000);
        assertThat(sent).isEqualTo(100);
        assertThat(ears.count.get()).isEqualTo(100); // They wait in a queue of their own.
    }

    @Test
    void givenPortInUse_whenOpened_thenSaidWhereAndNothingIsLeftOpen() throws Exception {
        List<InetSocketAddress> nodes = freePorts("127.0.0.1", 2);
        open(nodes, 0, new Ears());

        assertThatThrownBy(() -> open(nodes, 0, new Ears()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(nodes.get(0).toString())
                .hasMessageContaining("expected");
        // Not by a socket that would share it, either.
        try (var thief = new DatagramSocket(null)) {
            thief.setReuseAddress(true);
            assertThatThrownBy(() -> thief.bind(nodes.get(0))).isInstanceOf(IOException.class);
        }
        open.getFirst().close();
        open(nodes, 0, new Ears());
    }

    @Test
    void givenAddressOfAnotherHost_whenOpened_thenSaidWhere() throws Exception {
        int port = freePorts("127.0.0.1", 1).getFirst().getPort();
        List<InetSocketAddress> nodes =
                List.of(
                        new InetSocketAddress("192.0.2.1", port),
                        new InetSocketAddress("127.0.0.1", port));

        assertThatThrownBy(() -> open(nodes, 0, new Ears()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("192.0.2.1")
                .hasMessageContaining("an address of this host");
        new DatagramSocket(port).close();
    }

    @Test
    void givenBeatToAnotherAddressOfTheNode_whenSent_thenHeardAndAnsweredThere() throws Exception {
        // On loopback addresses nodes share the port, and so hear at one address each only.
        List<InetSocketAddress> nodes = freePorts(outerAddress(), 2);
        var ears = new Ears();
        var earsOfB = new Ears();
        OwnerPort a = open(nodes, 0, ears);
        OwnerPort b = open(nodes, 1, earsOfB);
        var floating = new InetSocketAddress("127.0.0.77", nodes.get(0).getPort());

        until(() -> b.send(0, BEAT, floating), () -> !ears.heard.isEmpty());
        Heard heard = ears.heard.take();
        a.answer(1, BEAT, heard.via());

        assertThat(earsOfB.heard.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
    }

    private static String outerAddress() throws SocketException {
        for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces()))
            for (InetAddress address : Collections.list(each.getInetAddresses()))
                if (!address.isLoopbackAddress() && address instanceof Inet4Address)
                    return address.getHostAddress();
        throw Skip.forWantOf("an IPv4 address of this host that is not of loopback is missing");
    }

    private static void until(Runnable again, BooleanSupplier over) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000;
        while (!over.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as("waited in vain").isNegative();
            again.run();
            Thread.sleep(1);
        }
    }
}
