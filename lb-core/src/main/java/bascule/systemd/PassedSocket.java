package bascule.systemd;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Errno;
import bascule.libc.Libc;
import bascule.libc.Sockets;
import bascule.systemd.ManagerEnvironment.Passed;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/// A TCP socket that was passed to this process, and listens. For one thread at a time.
///
/// @param isIpv6 its family; one of IPv4 may be bound to an address that one of IPv6 could be, too
/// @param address that it is bound to
public record PassedSocket(int fd, String name, boolean isIpv6, InetSocketAddress address) {
    private static final int ADDRESS_BYTES = 28; // struct sockaddr_in6, the larger one.

    /// Looks at what was passed, and makes it fit for a loop: closed in children, never blocking, without the filter that a process
    /// before may have left on it.
    ///
    /// @throws IOException saying what it is instead
    public static PassedSocket of(Passed passed) throws IOException {
        int fd = passed.fd();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment length = arena.allocate(JAVA_INT);
            if (Sys.fcntl(errno, fd, Sys.F_SETFD, Sys.FD_CLOEXEC) == -Errno.EBADF)
                throw new IOException("is not open");
            int listens = option(errno, fd, Sockets.SOL_SOCKET, Sys.SO_ACCEPTCONN, value, length);
            if (listens == -Errno.ENOTSOCK) throw new IOException("is no socket");
            MemorySegment bound = arena.allocate(ADDRESS_BYTES, 4);
            length.set(JAVA_INT, 0, ADDRESS_BYTES);
            int named = Sockets.getsockname(errno, fd, bound, length);
            int family = named < 0 ? named : bound.get(JAVA_SHORT, 0);
            boolean isTcp =
                    (family == Sockets.AF_INET || family == Sockets.AF_INET6)
                            && option(errno, fd, Sockets.SOL_SOCKET, Sys.SO_PROTOCOL, value, length)
                                    == Sys.IPPROTO_TCP;
            if (!isTcp) throw new IOException("is no TCP socket");
            if (listens != 1) throw new IOException("does not listen");
            if (option(errno, fd, Sockets.SOL_SOCKET, Sys.SO_REUSEPORT, value, length) != 1)
                throw new IOException("does not share its port (SO_REUSEPORT)");
            boolean isIpv6 = family == Sockets.AF_INET6;
            InetSocketAddress address = address(bound, isIpv6);
            if (isIpv6
                    && address.getAddress().isAnyLocalAddress()
                    && option(errno, fd, Sys.IPPROTO_IPV6, Sys.IPV6_V6ONLY, value, length) != 0)
                throw new IOException("serves IPv6 only (IPV6_V6ONLY)");
            int flags = Sys.fcntl(errno, fd, Sys.F_GETFL, 0);
            Sys.fcntl(errno, fd, Sys.F_SETFL, flags | Sys.O_NONBLOCK);
            // ENOENT where there is none.
            Sockets.setsockopt(errno, fd, Sockets.SOL_SOCKET, Sys.SO_DETACH_FILTER, value);
            return new PassedSocket(fd, passed.name(), isIpv6, address);
        }
    }

    /// @return the value of an int, or `-errno`
    private static int option(
            MemorySegment errno,
            int fd,
            int level,
            int name,
            MemorySegment value,
            MemorySegment length) {
        length.set(JAVA_INT, 0, Integer.BYTES);
        int result = Sys.getsockopt(errno, fd, level, name, value, length);
        return result < 0 ? result : value.get(JAVA_INT, 0);
    }

    private static InetSocketAddress address(MemorySegment bound, boolean isIpv6)
            throws IOException {
        int port = bound.get(JAVA_BYTE, 2) << 8 & 0xff00 | bound.get(JAVA_BYTE, 3) & 0xff;
        byte[] bytes = bound.asSlice(isIpv6 ? 8 : 4, isIpv6 ? 16 : 4).toArray(JAVA_BYTE);
        int scope = isIpv6 ? bound.get(JAVA_INT, 24) : 0;
        InetAddress address =
                scope == 0
                        ? InetAddress.getByAddress(bytes)
                        : Inet6Address.getByAddress(null, bytes, scope);
        return new InetSocketAddress(address, port);
    }

    /// Lets so many clients wait in its queue from now on, or as many as the host allows (`net.core.somaxconn`): it has what the process before asked for.
    public void queue(int clients) {
        try (Arena arena = Arena.ofConfined()) {
            Sys.listen(arena.allocate(Libc.CAPTURE), fd, clients);
        }
    }

    /// Has a filter look at what comes (SO_ATTACH_FILTER, socket(7)).
    ///
    /// @param instructions direct: `struct sock_filter`s
    /// @throws IOException if the kernel takes none
    public void filter(ByteBuffer instructions) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment program = arena.allocate(16, 8); // struct sock_fprog
            program.set(JAVA_SHORT, 0, (short) (instructions.remaining() / 8));
            program.set(ADDRESS, 8, MemorySegment.ofBuffer(instructions));
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            int set =
                    Sockets.setsockopt(
                            errno, fd, Sockets.SOL_SOCKET, Sys.SO_ATTACH_FILTER, program);
            if (set < 0) throw new IOException("filter on " + name + ": " + Libc.meaning(-set));
        } finally {
            Reference.reachabilityFence(instructions); // The kernel has its own copy now.
        }
    }

    /// The next client that waits in its queue.
    ///
    /// @return its descriptor; -1 if there is none
    public int accept() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            int flags = Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC;
            int client;
            do client = Sys.accept4(errno, fd, flags);
            while (client == -Errno.EINTR || client == -Errno.ECONNABORTED);
            return Math.max(-1, client);
        }
    }

    /// It listens no more, whoever else has copies of it; ours is closed.
    public void end() {
        try (Arena arena = Arena.ofConfined()) {
            Sys.shutdown(arena.allocate(Libc.CAPTURE), fd, Sys.SHUT_RDWR);
        }
        close(fd);
    }

    /// Closes a descriptor, whatever it is.
    public static void close(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            Sockets.close(arena.allocate(Libc.CAPTURE), fd);
        }
    }
}
