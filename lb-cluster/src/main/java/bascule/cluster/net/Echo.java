package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.List;

/// ICMP echo to a witness that is not on a LAN of ours (RFC 792, RFC 4443), by a ping socket (icmp(7), `net.ipv4.ping_group_range`) or, where that is not
/// allowed, a raw one.
public final class Echo implements AutoCloseable {
    /// Of a request: type, code, checksum, identifier, sequence (RFC 792), then our token and our own sequence, 8 bytes each.
    static final int LENGTH = 24;

    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int SOL_RAW = 255;
    private static final int FILTER = 1; // ICMP_FILTER and ICMPV6_FILTER
    private static final int LONGEST = 2048;

    private final KernelSocket socket;
    private final MemorySegment to;
    private final MemorySegment request;
    private final ByteBuffer requestView;
    private final boolean v6;
    private final boolean raw;
    private final long token = new SecureRandom().nextLong();
    private final Runnable answered;
    private final Reading reading;
    private volatile long asked;
    private long lastAnswered;
    private boolean closed;

    /// @param answered told on a thread of this class, at most once for each question
    /// @throws NetFault if neither kind of socket is allowed
    public static Echo open(InetAddress witness, Runnable answered) throws IOException {
        boolean v6 = witness instanceof Inet6Address;
        int family = v6 ? Sockets.AF_INET6 : Sockets.AF_INET;
        int protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
        try {
            return new Echo(
                    new KernelSocket("ping socket", family, Sockets.SOCK_DGRAM, protocol),
                    false,
                    witness,
                    answered);
        } catch (NetFault notAllowed) {
            // By default no one is in net.ipv4.ping_group_range, root included.
        }
        KernelSocket raw =
                new KernelSocket(
                        "raw ICMP socket (needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range)",
                        family,
                        Sockets.SOCK_RAW,
                        protocol);
        try (Arena own = Arena.ofConfined()) {
            if (v6) { // A bit for each type, set = refused (RFC 3542 §3.2).
                MemorySegment refused = own.allocate(32, 4).fill((byte) 0xff);
                refused.set(JAVA_INT, 4 * (129 / 32), ~(1 << 129 % 32));
                raw.option(IPPROTO_ICMPV6, FILTER, refused);
            } else {
                raw.option(SOL_RAW, FILTER, ~1); // All but type 0 (raw(7)).
            }
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
        return new Echo(raw, true, witness, answered);
    }

    private Echo(KernelSocket socket, boolean raw, InetAddress witness, Runnable answered)
            throws IOException {
        this.socket = socket;
        this.raw = raw;
        this.answered = answered;
        v6 = witness instanceof Inet6Address;
        to = address(socket, witness);
        request = socket.allocate(LENGTH);
        requestView = request.asByteBuffer();
        reading =
                Reading.start(
                        "bascule-echo",
                        List.of(socket),
                        LONGEST,
                        (_, bytes) -> heard(bytes.order(ByteOrder.BIG_ENDIAN)));
    }

    /// `struct sockaddr_in`: u16 family, be16 port, 4 bytes of address, 8 unused; `struct sockaddr_in6`: u16 family, be16 port, be32 flow, 16 bytes of address,
    /// u32 interface.
    private static MemorySegment address(KernelSocket socket, InetAddress witness) {
        byte[] bytes = witness.getAddress();
        MemorySegment address = socket.allocate(bytes.length == 4 ? 16 : 28);
        address.set(
                JAVA_SHORT, 0, (short) (bytes.length == 4 ? Sockets.AF_INET : Sockets.AF_INET6));
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, bytes.length == 4 ? 4 : 8, bytes.length);
        if (witness instanceof Inet6Address scoped) address.set(JAVA_INT, 24, scoped.getScopeId());
        return address;
    }

    /// What cannot be sent (no route, a firewall) is not answered; that is all there is to know.
    public synchronized void ask() throws IOException {
        if (closed) throw new IOException("closed");
        long sequence = asked + 1;
        write(requestView, v6, token, sequence);
        asked = sequence; // First: the answer may be faster than this thread.
        socket.send(request, LENGTH, Sockets.MSG_DONTWAIT, to);
    }

    /// On the reading thread.
    private void heard(ByteBuffer bytes) {
        long sequence = read(bytes, v6, raw && !v6, token);
        if (sequence <= lastAnswered || sequence > asked) return;
        lastAnswered = sequence;
        answered.run();
    }

    /// @param into of [#LENGTH] bytes
    static void write(ByteBuffer into, boolean v6, long token, long sequence) {
        into.clear();
        into.put((byte) (v6 ? 128 : 8)).put((byte) 0).putShort((short) 0);
        into.putShort((short) token).putShort((short) sequence).putLong(token).putLong(sequence);
        if (v6) return; // The kernel does it, which knows both addresses.
        int sum = 0;
        for (int at = 0; at < LENGTH; at += 2) sum += into.getShort(at) & 0xffff;
        while (sum >>> 16 != 0) sum = (sum & 0xffff) + (sum >>> 16);
        into.putShort(2, (short) ~sum);
    }

    /// @param hasHeader is there an IPv4 header before it?
    /// @return the sequence of the question that is answered; 0 if this is something else
    static long read(ByteBuffer bytes, boolean v6, boolean hasHeader, long token) {
        int at = 0;
        if (hasHeader) {
            if (bytes.limit() < 20) return 0;
            at = (bytes.get(0) & 0xf) * 4;
        }
        if (bytes.limit() - at < LENGTH) return 0;
        if (bytes.get(at) != (byte) (v6 ? 129 : 0) || bytes.get(at + 1) != 0) return 0;
        return bytes.getLong(at + 8) == token ? Math.max(0, bytes.getLong(at + 16)) : 0;
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) return;
            closed = true;
        }
        reading.close();
    }
}
