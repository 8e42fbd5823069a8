package bascule.libc;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Calls on sockets. Each returns what the call returned, or `-errno`; the first argument of each is memory of [Libc#CAPTURE]. Constants are those of Linux on
/// amd64 and arm64.
public final class Sockets {
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int AF_PACKET = 17;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int SOL_SOCKET = 1;
    public static final int MSG_DONTWAIT = 0x40;
    public static final short POLLIN = 1;
    public static final short POLLHUP = 0x10;

    private static final MethodHandle SOCKET =
            Libc.function("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle GETSOCKNAME =
            Libc.function("getsockname", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SETSOCKOPT =
            Libc.function("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle POLL =
            Libc.function("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CLOSE = Libc.function("close", JAVA_INT, JAVA_INT);

    private Sockets() {}

    /// socket(2)
    public static int socket(MemorySegment errno, int domain, int type, int protocol) {
        try {
            return Libc.result(errno, (int) SOCKET.invokeExact(errno, domain, type, protocol));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// getsockname(2)
    ///
    /// @param length an int: the bytes there are room for before, the bytes there were to write after
    public static int getsockname(
            MemorySegment errno, int fd, MemorySegment address, MemorySegment length) {
        try {
            return Libc.result(errno, (int) GETSOCKNAME.invokeExact(errno, fd, address, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// setsockopt(2)
    public static int setsockopt(
            MemorySegment errno, int fd, int level, int name, MemorySegment value) {
        try {
            int length = (int) value.byteSize();
            return Libc.result(
                    errno, (int) SETSOCKOPT.invokeExact(errno, fd, level, name, value, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// poll(2)
    ///
    /// @param polled `struct pollfd`s
    public static int poll(MemorySegment errno, MemorySegment polled, int timeoutMillis) {
        try {
            long count = polled.byteSize() / 8;
            return Libc.result(errno, (int) POLL.invokeExact(errno, polled, count, timeoutMillis));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// close(2), of any descriptor.
    public static int close(MemorySegment errno, int fd) {
        try {
            return Libc.result(errno, (int) CLOSE.invokeExact(errno, fd));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }
}
