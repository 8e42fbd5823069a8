package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Errno;
import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// What one interface says to its LAN about addresses, and hears: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861), by
/// AF_PACKET (packet(7)). Sends on the thread that calls, and does not block; listens on a thread of its own.
///
/// An interface that was deleted and made anew has another index, and needs another one of these.
public final class Neighbours implements AutoCloseable {
    /// More than these cannot be watched: what each frame on the LAN is compared with.
    public static final int MOST_WATCHED = 256;

    /// Between two claims of one address that are told, and two answers: a neighbour that floods us keeps no one else busy.
    private static final long TOLD_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final int SOCKADDR_LL = 20;
    private static final int FRAME_BYTES = 2048;
    private static final int NO_INTERFACE = Integer.MAX_VALUE;

    /// Told on a thread of this class; must not block.
    public interface Listener {
        /// Another host answered for one of the addresses that are watched, or announced it. Told at most every 5 ms for each.
        ///
        /// @param hardware `02:00:00:00:00:01`
        void claimed(InetAddress address, String hardware);

        /// The witness answered a question of this host.
        void answered(InetAddress address);
    }

    /// An address and when it was last told of.
    private static final class Watched {
        final InetAddress address;
        final byte[] bytes;
        private long toldNanos = System.nanoTime() - TOLD_AGAIN_NANOS;

        Watched(InetAddress address) {
            this.address = address;
            bytes = address.getAddress();
        }

        boolean isNews() {
            long now = System.nanoTime();
            if (now - toldNanos < TOLD_AGAIN_NANOS) return false;
            toldNanos = now;
            return true;
        }
    }

    private final HostAddresses.Interface on;
    private final List<Watched> watched;
    private final Listener listener;
    private final KernelSocket out;
    private final MemorySegment frame;
    private final ByteBuffer frameView;
    private final MemorySegment to;
    private final MemorySegment name;
    private final MemorySegment nameLength;
    private final Reading reading;
    private volatile long own;
    private volatile @Nullable Watched witness;
    private boolean closed;

    /// @param watched addresses that [Listener#claimed] is told of
    /// @throws NetFault EPERM without CAP_NET_RAW
    /// @throws IOException if the interface is no Ethernet
    public static Neighbours open(
            HostAddresses.Interface on, List<InetAddress> watched, Listener listener)
            throws IOException {
        if (watched.size() > MOST_WATCHED) {
            throw new IllegalArgumentException(
                    watched.size() + " addresses (expected: at most " + MOST_WATCHED + ")");
        }
        if (on.hardware().size() != 6) {
            throw new IOException(
                    on.name()
                            + ": a hardware address of "
                            + on.hardware().size()
                            + " bytes (expected: 6, Ethernet)");
        }
        return new Neighbours(on, watched, listener);
    }

    private Neighbours(HostAddresses.Interface on, List<InetAddress> watched, Listener listener)
            throws IOException {
        this.on = on;
        this.watched = watched.stream().map(Watched::new).toList();
        this.listener = listener;
        out = packet(on);
        try {
            // Protocol 0: this one hears nothing.
            out.bind(link(out.allocate(SOCKADDR_LL), 0, on.index()));
            frame = out.allocate(Frame.LONGEST);
            frameView = frame.asByteBuffer();
            to = out.allocate(SOCKADDR_LL);
            name = out.allocate(SOCKADDR_LL);
            nameLength = out.allocate(4);
            readOwn();
            reading = listen();
        } catch (IOException | RuntimeException e) {
            out.close();
            throw e;
        }
    }

    private Reading listen() throws IOException {
        // Two, because one for all protocols would cost each packet that this host sends, too.
        List<KernelSocket> sockets = new ArrayList<>(2);
        try {
            List<Filter> filters = filters(null);
            for (int protocol : new int[] {Frame.ETH_P_ARP, Frame.ETH_P_IPV6}) {
                KernelSocket socket = packet(on);
                sockets.add(socket);
                // It hears nothing before it is bound: all in its queue has passed the filter.
                socket.filter(filters.get(sockets.size() - 1));
                socket.bind(link(socket.allocate(SOCKADDR_LL), protocol, on.index()));
            }
        } catch (IOException | RuntimeException e) {
            sockets.forEach(KernelSocket::close);
            throw e;
        }
        return Reading.start(
                "bascule-neighbours-" + on.name(),
                sockets,
                FRAME_BYTES,
                (_, bytes) -> heard(bytes.order(ByteOrder.BIG_ENDIAN)));
    }

    private static KernelSocket packet(HostAddresses.Interface on) throws NetFault {
        return new KernelSocket(
                "packet socket on " + on.name() + " (needs CAP_NET_RAW)",
                Sockets.AF_PACKET,
                Sockets.SOCK_RAW,
                0);
    }

    /// `struct sockaddr_ll`: u16 family, be16 protocol, i32 interface, u16 hardware type, u8 packet type, u8 length, 8 bytes of address.
    private static MemorySegment link(MemorySegment address, int protocol, int interfaceIndex) {
        address.set(JAVA_SHORT, 0, (short) Sockets.AF_PACKET);
        address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) protocol);
        address.set(JAVA_INT, 4, interfaceIndex);
        return address;
    }

    private List<Filter> filters(@Nullable InetAddress alsoOf) {
        List<InetAddress> all = new ArrayList<>(watched.size() + 1);
        for (Watched each : watched) all.add(each.address);
        if (alsoOf != null) all.add(alsoOf);
        return List.of(Filter.arp(all), Filter.advertisements(all));
    }

    /// On the reading thread.
    private void heard(ByteBuffer bytes) {
        Frame heard = Frame.read(bytes);
        if (heard == null || heard.source() == own || heard.hardware() == own) return;
        Watched asked = witness;
        if (asked != null && heard.answers(asked.bytes, own) && asked.isNews()) {
            listener.answered(asked.address);
        }
        for (Watched each : watched) {
            if (Arrays.equals(each.bytes, heard.address()) && each.isNews()) {
                listener.claimed(each.address, Frame.text(heard.hardware()));
            }
        }
    }

    /// Gratuitous ARP in both forms (request and reply); unsolicited neighbour advertisement with the override flag.
    public synchronized void announce(InetAddress address) throws IOException {
        ensureOpen();
        announce(address, on.index());
    }

    private void announce(InetAddress address, int interfaceIndex) throws IOException {
        if (address instanceof Inet4Address) {
            send(Frame.gratuitousRequest(frameView, own, address), Frame.ETH_P_ARP, interfaceIndex);
            send(Frame.gratuitousReply(frameView, own, address), Frame.ETH_P_ARP, interfaceIndex);
        } else {
            send(Frame.advertisement(frameView, own, address), Frame.ETH_P_IPV6, interfaceIndex);
        }
    }

    /// Asks who has an address that we do not have (RFC 5227 probe; neighbour solicitation from `::`). Who has it is told to [Listener#claimed].
    public synchronized void probe(InetAddress address) throws IOException {
        ensureOpen();
        question(null, address, on.index());
    }

    /// Asks a host that is on this LAN for its hardware address; an answer is told to [Listener#answered].
    ///
    /// @param source one of ours that stays here, of the same family: [Subnets#source]
    public synchronized void ask(InetAddress witness, InetAddress source) throws IOException {
        ensureOpen();
        if (witness.getAddress().length != source.getAddress().length) {
            throw new IllegalArgumentException(witness + " asked by " + source);
        }
        Watched known = this.witness;
        if (known == null || !known.address.equals(witness)) {
            reading.filter(filters(witness));
            this.witness = new Watched(witness);
        }
        question(source, witness, on.index());
    }

    private void question(@Nullable InetAddress source, InetAddress target, int interfaceIndex)
            throws IOException {
        if (target instanceof Inet4Address) {
            send(Frame.request(frameView, own, source, target), Frame.ETH_P_ARP, interfaceIndex);
        } else {
            send(
                    Frame.solicitation(frameView, own, source, target),
                    Frame.ETH_P_IPV6,
                    interfaceIndex);
        }
    }

    private void send(int bytes, int protocol, int interfaceIndex) throws NetFault {
        int sent = out.send(frame, bytes, Sockets.MSG_DONTWAIT, link(to, protocol, interfaceIndex));
        if (sent < 0) throw new NetFault("send on " + on.name(), -sent);
    }

    private void ensureOpen() throws IOException {
        if (closed) throw new IOException("closed");
        // A bond that fails over, or an operator, changes it: the old one leads all astray.
        readOwn();
    }

    /// The hardware address that the interface has now.
    private void readOwn() throws NetFault {
        int known = out.name(name, nameLength);
        if (known < 0) throw new NetFault(on.name(), -known);
        // The kernel forgets the interface when it goes.
        if (name.get(JAVA_BYTE, 11) != 6) throw new NetFault(on.name(), Errno.ENODEV);
        own =
                (name.get(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 12) & 0xffffL) << 32
                        | name.get(JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), 14)
                                & 0xffff_ffffL;
    }

    /// Does once what the first announcement would pay for otherwise: loads, links and compiles. Sends to an interface that does not exist.
    public synchronized void warmUp() throws IOException {
        for (int i = 0; i < 20; i++) {
            for (InetAddress address : HostAddresses.documentation()) {
                ensureOpen();
                refused(() -> announce(address, NO_INTERFACE));
                refused(() -> question(null, address, NO_INTERFACE));
                refused(() -> question(address, address, NO_INTERFACE));
            }
        }
    }

    private static void refused(HostAddresses.Call call) throws IOException {
        try {
            call.run();
        } catch (NetFault expected) {
            if (expected.errno() != Errno.ENXIO && expected.errno() != Errno.ENODEV) throw expected;
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) return;
            closed = true;
            out.close();
        }
        reading.close(); // Outside: its thread may be in a listener that waits for this lock.
    }
}
