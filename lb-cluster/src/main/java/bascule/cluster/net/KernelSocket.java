package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import bascule.libc.Errno;
import bascule.libc.Libc;
import bascule.libc.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// One socket of the kernel and the memory that its calls need. One thread may send while another one receives; apart from that, one at a time.
final class KernelSocket implements AutoCloseable {
    private static final int SO_RCVBUF = 8;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_ATTACH_FILTER = 26;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.CAPTURE);
    private final MemorySegment sendErrno = arena.allocate(Libc.CAPTURE);
    private final String what;
    private final int fd;

    /// @param what it is for, in messages
    KernelSocket(String what, int domain, int type, int protocol) throws NetFault {
        this.what = what;
        int opened = Sockets.socket(errno, domain, type | Sockets.SOCK_CLOEXEC, protocol);
        if (opened < 0) {
            arena.close();
            throw new NetFault(what, -opened);
        }
        fd = domain == Sockets.AF_PACKET ? LowDescriptors.lower(errno, opened) : opened;
    }

    int fd() {
        return fd;
    }

    /// Memory that lives as long as the socket.
    MemorySegment allocate(int bytes) {
        return arena.allocate(bytes, 8);
    }

    /// The same memory as a buffer in the byte order of the host.
    static ByteBuffer view(MemorySegment memory) {
        return memory.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    void bind(MemorySegment address) throws NetFault {
        check(Sys.bind(errno, fd, address));
    }

    void option(int level, int name, MemorySegment value) throws NetFault {
        check(Sockets.setsockopt(errno, fd, level, name, value));
    }

    void option(int level, int name, int value) throws NetFault {
        try (Arena own = Arena.ofConfined()) {
            option(level, name, own.allocateFrom(JAVA_INT, value));
        }
    }

    /// socket(7); the kernel doubles it, and bounds it by `net.core.rmem_max`.
    void receiveBuffer(int bytes) throws NetFault {
        option(Sockets.SOL_SOCKET, SO_RCVBUF, bytes);
    }

    /// A [#receive] that has waited so long returns `-EAGAIN`.
    void receiveTimeout(int seconds) throws NetFault {
        MemorySegment timeval = allocate(16);
        timeval.set(JAVA_LONG, 0, seconds);
        option(Sockets.SOL_SOCKET, SO_RCVTIMEO, timeval);
    }

    /// Attaches a classic BPF program, or puts another one in its place in one step. Any thread may, while the socket is open.
    void filter(Filter program) throws NetFault {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment ownErrno = own.allocate(Libc.CAPTURE);
            check(
                    Sockets.setsockopt(
                            ownErrno,
                            fd,
                            Sockets.SOL_SOCKET,
                            SO_ATTACH_FILTER,
                            program.allocate(own)));
        }
    }

    /// The address that the socket is bound to.
    ///
    /// @param room an int, for the kernel
    /// @return 0 or `-errno`
    int name(MemorySegment into, MemorySegment room) {
        room.set(JAVA_INT, 0, (int) into.byteSize());
        return Sockets.getsockname(errno, fd, into, room);
    }

    /// @return bytes sent, or `-errno`
    int send(MemorySegment from, int bytes, int flags, MemorySegment to) {
        int sent;
        do sent = Sys.sendto(sendErrno, fd, from, bytes, flags, to);
        while (sent == -Errno.EINTR);
        return sent;
    }

    /// @return bytes received, or `-errno`
    int receive(MemorySegment into, int flags) {
        int received;
        do received = Sys.recv(errno, fd, into, flags);
        while (received == -Errno.EINTR);
        return received;
    }

    @Override
    public void close() {
        LowDescriptors.close(errno, fd);
        arena.close();
    }

    private void check(int result) throws NetFault {
        if (result < 0) throw new NetFault(what, -result);
    }
}
