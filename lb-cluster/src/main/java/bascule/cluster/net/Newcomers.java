package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Clients who come to an address of this host while it changes hands: what asks for a connection (a SYN of TCP) is kept as it came, and sent on to the
/// new owner as soon as it is known, in its order; and so is what still comes here after that, from neighbours that have not noticed. It reads
/// along (AF_PACKET, packet(7)): whoever holds the address has to keep silent to newcomers meanwhile. A SYN that this host has answered all the
/// same is not sent on: the client would get a second answer, which ends its connection.
///
/// Frames travel with the kernel's notes on them (PACKET_VNET_HDR), for a checksum that is not worked out yet, or several segments in one.
/// Listens on a thread of its own.
public final class Newcomers implements AutoCloseable {
    /// SYNs that are kept, and their bytes; who comes then has to ask again, as clients do after a second.
    public static final int MOST_HELD = 8192;

    public static final int MOST_HELD_BYTES = 1 << 20;

    /// Frames sent on in any second, and in all: this is for a moment, and no router.
    public static final int MOST_RELAYED_PER_SECOND = 10_000;

    public static final int MOST_RELAYED = 20_000;

    private static final int SOL_PACKET = 263;
    private static final int PACKET_VNET_HDR = 15;
    private static final int SO_RCVBUFFORCE = 33;

    /// With all that the kernel adds, some thousand SYNs.
    private static final int RECEIVE_BUFFER_BYTES = 1 << 21;

    private static final int SOCKADDR_LL = 20;
    private static final int NOTES = 10; // struct virtio_net_hdr
    private static final int ETHERNET = 14;
    private static final int LONGEST = NOTES + ETHERNET + (1 << 16);
    private static final int LONGEST_SYN = 2048;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int ACK = 0x10;
    private static final long NOBODY = 0;
    private static final long GROUP = 1L << 40;
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    /// What has become of them.
    ///
    /// @param held SYNs that wait
    /// @param relayed frames sent on
    /// @param dropped frames that were too many, too long, or not taken by the interface
    public record Counts(int held, int relayed, int dropped) {}

    private final InetAddress address;
    private final byte[] bytes;
    private final KernelSocket socket;
    private final MemorySegment out;
    private final ByteBuffer outView;
    private final MemorySegment to;
    private final Reading reading;

    /// By client and ports.
    private final Map<ByteBuffer, byte[]> held = new LinkedHashMap<>();

    private int heldBytes;
    private boolean leaving;
    private long owner = NOBODY;
    private int relayed;
    private int dropped;
    private long secondNanos;
    private int inSecond;
    private boolean closed;

    /// Keeps SYNs from now on.
    ///
    /// @throws NetFault EPERM without CAP_NET_RAW
    public static Newcomers open(HostAddresses.Interface on, InetAddress address)
            throws IOException {
        return new Newcomers(on, address);
    }

    private Newcomers(HostAddresses.Interface on, InetAddress address) throws IOException {
        this.address = address;
        bytes = address.getAddress();
        secondNanos = System.nanoTime();
        socket =
                new KernelSocket(
                        "packet socket on " + on.name() + " (needs CAP_NET_RAW)",
                        Sockets.AF_PACKET,
                        Sockets.SOCK_RAW,
                        0);
        try {
            out = socket.allocate(LONGEST);
            outView = out.asByteBuffer();
            to = socket.allocate(SOCKADDR_LL);
            to.set(JAVA_SHORT, 0, (short) Sockets.AF_PACKET);
            to.set(JAVA_INT, 4, on.index());
            socket.option(SOL_PACKET, PACKET_VNET_HDR, 1);
            receiveBuffer();
            // It hears nothing before it is bound: all in its queue has passed the filter.
            socket.filter(Filter.handshakes(address));
            socket.bind(protocol(Frame.ETH_P_ALL));
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
        reading =
                Reading.start(
                        "bascule-newcomers-" + on.name(),
                        List.of(socket),
                        LONGEST,
                        (_, frame) -> received(frame.order(ByteOrder.BIG_ENDIAN)));
    }

    private void receiveBuffer() throws NetFault {
        try {
            socket.option(Sockets.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
        } catch (NetFault withoutNetAdmin) {
            socket.receiveBuffer(RECEIVE_BUFFER_BYTES);
        }
    }

    private MemorySegment protocol(int protocol) {
        to.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) protocol);
        return to;
    }

    /// From now on, whoever announces the address is its new owner.
    public synchronized void leave() {
        leaving = true;
    }

    /// Somebody has announced the address: sends on all that waits, and what comes from now on. Nothing before [#leave]. May be called again, with
    /// another one.
    ///
    /// @param hardware as [Neighbours.Listener#claimed] tells it
    /// @return whether that is news
    public boolean announced(String hardware) throws IOException {
        long now = Frame.hardware(hardware);
        boolean first;
        synchronized (this) {
            if (closed || !leaving || now == owner || now == NOBODY || (now & GROUP) != 0)
                return false;
            first = owner == NOBODY;
        }
        if (first) {
            reading.filter(List.of(Filter.segments(address)));
            // What waits may be an answer of this host to one of those that are held.
            reading.drain(2 * MOST_HELD);
        }
        synchronized (this) {
            if (closed) return false;
            owner = now;
            for (byte[] each : held.values()) relay(ByteBuffer.wrap(each));
            held.clear();
            heldBytes = 0;
        }
        return true;
    }

    public synchronized Counts counts() {
        return new Counts(held.size(), relayed, dropped);
    }

    /// @param frame with the kernel's notes before it
    private synchronized void received(ByteBuffer frame) {
        if (closed || frame.limit() == LONGEST) return;
        int segment = segment(frame);
        if (segment < 0) return;
        boolean in = is(frame, bytes.length == 4 ? 16 : 24, bytes);
        if (owner != NOBODY) {
            if (in) relay(frame);
            return;
        }
        if (segment + 14 > frame.limit()) return; // A later fragment, or half a one.
        int flags = frame.get(segment + 13);
        if (!in) {
            if ((flags & RST) != 0 || (flags & (SYN | ACK)) == (SYN | ACK))
                forget(key(frame, bytes.length == 4 ? 16 : 24, segment + 2, segment));
        } else if ((flags & (SYN | ACK)) == SYN) {
            hold(key(frame, bytes.length == 4 ? 12 : 8, segment, segment + 2), frame);
        }
    }

    /// @return where TCP begins, or the limit for a later fragment; -1 = no packet of the family
    private int segment(ByteBuffer frame) {
        int ip = NOTES + ETHERNET;
        if (frame.limit() < ip + (bytes.length == 4 ? 20 : 40)) return -1;
        if (bytes.length != 4) return ip + 40;
        boolean later = (frame.getShort(ip + 6) & 0x1fff) != 0;
        return later ? frame.limit() : ip + 4 * (frame.get(ip) & 0xf);
    }

    /// @param at from the beginning of the IP header
    private static boolean is(ByteBuffer frame, int at, byte[] address) {
        int from = NOTES + ETHERNET + at;
        return frame.slice(from, address.length).equals(ByteBuffer.wrap(address));
    }

    private ByteBuffer key(ByteBuffer frame, int client, int clientPort, int ownPort) {
        return ByteBuffer.allocate(bytes.length + 4)
                .put(0, frame, NOTES + ETHERNET + client, bytes.length)
                .putShort(bytes.length, frame.getShort(clientPort))
                .putShort(bytes.length + 2, frame.getShort(ownPort));
    }

    private void hold(ByteBuffer key, ByteBuffer frame) {
        int length = frame.limit();
        if (held.containsKey(key)) return; // Asked again.
        if (length > LONGEST_SYN
                || held.size() >= MOST_HELD
                || heldBytes + length > MOST_HELD_BYTES) {
            dropped++;
            return;
        }
        byte[] copy = new byte[length];
        frame.get(0, copy);
        held.put(key, copy);
        heldBytes += length;
    }

    private void forget(ByteBuffer key) {
        byte[] answered = held.remove(key);
        if (answered != null) heldBytes -= answered.length;
    }

    private void relay(ByteBuffer frame) {
        if (hardware(frame, NOTES + 6) == owner) return; // It would come back.
        long now = System.nanoTime();
        if (now - secondNanos >= SECOND_NANOS) {
            secondNanos = now;
            inSecond = 0;
        }
        if (++inSecond > MOST_RELAYED_PER_SECOND || relayed >= MOST_RELAYED) {
            dropped++;
            return;
        }
        int length = frame.limit();
        outView.clear().put(0, frame, 0, length);
        outView.putShort(NOTES, (short) (owner >>> 32)).putInt(NOTES + 2, (int) owner);
        outView.put(NOTES + 6, frame, NOTES, 6); // It came to the interface's own.
        int type = frame.getShort(NOTES + 12) & 0xffff;
        if (socket.send(out, length, Sockets.MSG_DONTWAIT, protocol(type)) < 0) dropped++;
        else relayed++;
    }

    private static long hardware(ByteBuffer frame, int at) {
        return (frame.getShort(at) & 0xffffL) << 32 | frame.getInt(at + 2) & 0xffff_ffffL;
    }

    /// Sends on nothing more. What waits is lost: its clients ask again.
    public synchronized void stop() {
        closed = true;
        held.clear();
    }

    @Override
    public void close() {
        stop();
        reading.close(); // Without the lock: its thread may wait for it.
    }
}
