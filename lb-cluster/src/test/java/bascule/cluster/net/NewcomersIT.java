package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.testing.Namespace;
import bascule.libc.Errno;
import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Three hosts on a bridge: `old`, which is ours, `next`, which owns the addresses, and a client who believes that they are at `old`.
class NewcomersIT {
    private static final String V4 = "10.9.0.50";
    private static final String V6 = "fd00:9::50";
    private static final String OLD = "02:00:00:00:00:01";
    private static final String NEXT = "02:00:00:00:00:02";
    private static final String CLIENT = "02:00:00:00:00:03";
    private static final int PORT = 8080;
    private static final int PATIENCE_MILLIS = 10_000;

    private final List<AutoCloseable> open = new ArrayList<>();
    private Namespace bridge;
    private Namespace old;
    private Namespace next;
    private Namespace client;

    @BeforeEach
    void open() throws Exception {
        bridge = Namespace.orSkip();
        open.add(bridge);
        bridge.run("ip", "link", "add", "br0", "type", "bridge");
        bridge.run("ip", "link", "set", "br0", "up");
        old = host("1", OLD);
        next = host("2", NEXT);
        client = host("3", CLIENT);
        for (String address : List.of(V4, V6)) {
            next.run("ip", "addr", "add", address, "dev", "lan0", "nodad");
            // In IPv6 the next owner asks for the client from this address, and the answer goes by
            // what is learnt from the question.
            client.run(
                    "ip",
                    "neigh",
                    "replace",
                    address,
                    "lladdr",
                    OLD,
                    "dev",
                    "lan0",
                    "nud",
                    address.equals(V4) ? "permanent" : "stale");
        }
    }

    private Namespace host(String number, String hardware) throws Exception {
        Namespace host = Namespace.orSkip();
        open.add(host);
        Namespace.join(host, "lan0", bridge, "p" + number);
        bridge.run("ip", "link", "set", "p" + number, "master", "br0");
        host.run("ip", "link", "set", "lan0", "address", hardware);
        host.run("ip", "addr", "add", "10.9.0." + number + "/24", "dev", "lan0");
        host.run("ip", "addr", "add", "fd00:9::" + number + "/64", "dev", "lan0", "nodad");
        return host;
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private static HostAddresses.Interface lan(Namespace host) throws Exception {
        int index = Integer.parseInt(host.run("cat", "/sys/class/net/lan0/ifindex").strip());
        return new HostAddresses.Interface(
                index,
                "lan0",
                true,
                false,
                List.of((byte) 2, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 1));
    }

    private Newcomers newcomers(String address) throws Exception {
        Newcomers newcomers = old.inside(() -> Newcomers.open(lan(old), FrameTest.inet(address)));
        open.add(newcomers);
        return newcomers;
    }

    /// Sends back what comes, on one connection after the other.
    private void serve(Namespace host, int port) throws Exception {
        ServerSocket listening = host.inside(() -> new ServerSocket(port));
        open.add(listening);
        Thread.ofVirtual()
                .start(
                        () -> {
                            while (!listening.isClosed()) {
                                try (Socket one = listening.accept()) {
                                    one.getInputStream().transferTo(one.getOutputStream());
                                } catch (IOException _) {
                                    // It was closed.
                                }
                            }
                        });
    }

    private CompletableFuture<Socket> connect(String address, int port) throws Exception {
        Socket socket = client.inside(NewcomersIT::bound);
        open.add(socket);
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        socket.connect(
                                new InetSocketAddress(FrameTest.inet(address), port),
                                PATIENCE_MILLIS);
                        socket.setSoTimeout(PATIENCE_MILLIS);
                        return socket;
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
    }

    /// The kernel makes it now, and here: else where its first call happens to run.
    private static Socket bound() throws IOException {
        var socket = new Socket();
        socket.bind(null);
        return socket;
    }

    private static void assertEchoes(Socket socket) throws IOException {
        byte[] much = new byte[200_000]; // More than a segment: several come as one frame.
        for (int i = 0; i < much.length; i++) much[i] = (byte) (i * 31);
        CompletableFuture<Void> sent =
                CompletableFuture.runAsync(
                        () -> {
                            try {
                                socket.getOutputStream().write(much);
                            } catch (IOException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        assertThat(socket.getInputStream().readNBytes(much.length)).isEqualTo(much);
        sent.join();
    }

    private static void await(String what, BooleanSupplier until) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as(what).isNegative();
            Thread.sleep(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenClientWhoAsks_whenTheNextOwnerIsHeard_thenItIsServedThere(String address)
            throws Exception {
        serve(next, PORT);
        Newcomers newcomers = newcomers(address);
        CompletableFuture<Socket> connected = connect(address, PORT);
        await("held", () -> newcomers.counts().held() == 1);

        assertThat(newcomers.announced(NEXT)).isFalse(); // Some other host, as long as it is ours.
        assertThat(newcomers.counts().held()).isEqualTo(1);
        newcomers.leave();
        assertThat(newcomers.announced("ff:ff:ff:ff:ff:ff")).isFalse();
        assertThat(connected).isNotDone();
        assertThat(newcomers.announced(NEXT)).isTrue();
        assertThat(newcomers.announced(NEXT)).isFalse(); // It says so in two forms.

        assertEchoes(connected.get());
        assertThat(newcomers.counts().held()).isZero();
        assertThat(newcomers.counts().relayed()).isPositive();
        assertThat(newcomers.counts().dropped()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenClientsWhomThisHostHasAnswered_whenTheNextOwnerIsHeard_thenTheyAreNotSentOn(
            String address) throws Exception {
        old.run("ip", "addr", "add", address, "dev", "lan0", "nodad");
        serve(old, PORT);
        Newcomers newcomers = newcomers(address);
        Socket answered = connect(address, PORT).get();
        assertThat(connect(address, PORT + 1).handle((_, refused) -> refused).get()).isNotNull();

        newcomers.leave();
        assertThat(newcomers.announced(NEXT)).isTrue();
        assertThat(newcomers.counts()).isEqualTo(new Newcomers.Counts(0, 0, 0));
        newcomers.stop();
        assertEchoes(answered);
    }

    @Test
    void givenMoreThanItHolds_whenTheyAsk_thenTheFirstAreHeldAndTheRestCounted() throws Exception {
        Newcomers newcomers = newcomers(V4);
        int sent = Newcomers.MOST_HELD + 500;
        try (KernelSocket from = raw(client)) {
            for (int i = 0; i < sent; i++) {
                send(from, syn(CLIENT, V4, i));
                send(from, syn(CLIENT, V4, i)); // Asks again: is kept once.
                if (i % 100 == 0) Thread.sleep(1);
            }
            await(
                    "all",
                    () ->
                            newcomers.counts().held() == Newcomers.MOST_HELD
                                    && newcomers.counts().dropped() >= 1);
            newcomers.leave();
            newcomers.announced(NEXT);
            assertThat(newcomers.counts().held()).isZero();
            assertThat(newcomers.counts().relayed()).isEqualTo(Newcomers.MOST_HELD);
        }
    }

    @Test
    void givenNextOwner_whenItsOwnFramesComeBack_thenTheyAreNotSentToIt() throws Exception {
        Newcomers newcomers = newcomers(V4);
        newcomers.leave();
        newcomers.announced(NEXT);
        try (KernelSocket from = raw(next)) {
            for (int i = 0; i < 10; i++) send(from, syn(NEXT, V4, i));
        }
        try (KernelSocket from = raw(client)) {
            send(from, syn(CLIENT, V4, 10));
        }
        await("the client's", () -> newcomers.counts().relayed() > 0);
        assertThat(newcomers.counts().relayed()).isEqualTo(1);
    }

    @Test
    void givenFlood_whenRelayed_thenBounded() throws Exception {
        Newcomers newcomers = newcomers(V4);
        newcomers.leave();
        newcomers.announced(NEXT);
        try (KernelSocket from = raw(client)) {
            for (int i = 0; i < 3 * Newcomers.MOST_RELAYED; i++) {
                send(from, syn(CLIENT, V4, i));
                if (i % 100 == 0) Thread.sleep(1);
            }
        }
        await("some", () -> newcomers.counts().dropped() > 0);
        assertThat(newcomers.counts().relayed()).isLessThanOrEqualTo(Newcomers.MOST_RELAYED);
    }

    @Test
    void givenStopped_whenTheyAsk_thenNothingIsSentAndNoThreadIsLeft() throws Exception {
        Newcomers newcomers = newcomers(V4);
        try (KernelSocket from = raw(client)) {
            send(from, syn(CLIENT, V4, 1));
            await("held", () -> newcomers.counts().held() == 1);
            newcomers.leave();
            newcomers.stop();
            assertThat(newcomers.announced(NEXT)).isFalse();
        }
        newcomers.close();
        newcomers.close();
        assertThat(newcomers.counts().relayed()).isZero();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(t -> t.getName().startsWith("bascule-newcomers"));
    }

    private KernelSocket raw(Namespace host) throws Exception {
        KernelSocket socket =
                host.inside(() -> new KernelSocket("test", Sockets.AF_PACKET, Sockets.SOCK_RAW, 0));
        MemorySegment to = socket.allocate(20);
        KernelSocket.view(to).putShort(0, (short) Sockets.AF_PACKET).putInt(4, lan(host).index());
        socket.bind(to);
        return socket;
    }

    private void send(KernelSocket socket, byte[] frame) {
        MemorySegment bytes = MemorySegment.ofArray(frame);
        MemorySegment room = socket.allocate(frame.length);
        room.copyFrom(bytes);
        int sent;
        do sent = socket.send(room, frame.length, 0, MemorySegment.NULL);
        while (sent == -Errno.ENOBUFS);
        assertThat(sent).isEqualTo(frame.length);
    }

    /// To the old owner's hardware address.
    static byte[] syn(String source, String address, int client) {
        ByteBuffer frame = ByteBuffer.allocate(54).order(ByteOrder.BIG_ENDIAN);
        long to = Frame.hardware(OLD);
        long from = Frame.hardware(source);
        frame.putShort((short) (to >>> 32)).putInt((int) to);
        frame.putShort((short) (from >>> 32)).putInt((int) from).putShort((short) 0x0800);
        frame.put((byte) 0x45).put((byte) 0).putShort((short) 40).putInt(0);
        frame.put((byte) 64).put((byte) 6).putShort((short) 0);
        frame.put(new byte[] {10, 9, 1, (byte) (client >>> 15)});
        frame.put(FrameTest.inet(address).getAddress());
        frame.putShort((short) (1024 + (client & 0x7fff))).putShort((short) PORT);
        frame.putInt(1).putInt(0).put((byte) 0x50).put((byte) 0x02).putShort((short) 1000);
        int sum = 0;
        for (int at = 14; at < 34; at += 2) sum += frame.getShort(at) & 0xffff;
        while (sum >>> 16 != 0) sum = (sum & 0xffff) + (sum >>> 16);
        return frame.putShort(24, (short) ~sum).array(); // A bridge may look at it.
    }
}
