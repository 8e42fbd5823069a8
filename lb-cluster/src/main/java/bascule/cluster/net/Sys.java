package bascule.cluster.net;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// The calls of libc that this package makes. Each returns what the call returned, or `-errno`. The first argument of each is memory of [#CAPTURE] that no
/// other thread uses meanwhile: errno has to be read before the JVM makes calls of its own. Constants are those of Linux on amd64 and arm64.
final class Sys {
    static final int EPERM = 1;
    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int EADDRNOTAVAIL = 99;
    static final int ENETDOWN = 100;
    static final int ENOBUFS = 105;

    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int AF_PACKET = 17;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_RAW = 3;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOL_SOCKET = 1;
    static final int MSG_DONTWAIT = 0x40;
    static final short POLLIN = 1;

    static final StructLayout CAPTURE = Linker.Option.captureStateLayout();

    private static final VarHandle ERRNO = CAPTURE.varHandle(groupElement("errno"));

    private static final MethodHandle SOCKET =
            call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = call("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKNAME =
            call("getsockname", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SETSOCKOPT =
            call("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SENDTO =
            call("sendto", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECV =
            call("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle POLL = call("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle EVENTFD = call("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle WRITE =
            call("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle DUP3 = call("dup3", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = call("close", JAVA_INT, JAVA_INT);

    private Sys() {}

    @SuppressWarnings("restricted") // That is what this class is for.
    private static MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"));
    }

    static int socket(MemorySegment errno, int domain, int type, int protocol) {
        try {
            return result(errno, (int) SOCKET.invokeExact(errno, domain, type, protocol));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int bind(MemorySegment errno, int fd, MemorySegment address) {
        try {
            int length = (int) address.byteSize();
            return result(errno, (int) BIND.invokeExact(errno, fd, address, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// @param length an int: the bytes there are room for before, the bytes there were to write after
    static int getsockname(
            MemorySegment errno, int fd, MemorySegment address, MemorySegment length) {
        try {
            return result(errno, (int) GETSOCKNAME.invokeExact(errno, fd, address, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int setsockopt(MemorySegment errno, int fd, int level, int name, MemorySegment value) {
        try {
            int length = (int) value.byteSize();
            return result(
                    errno, (int) SETSOCKOPT.invokeExact(errno, fd, level, name, value, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// @param to [MemorySegment#NULL] = where the socket is connected to
    static int sendto(
            MemorySegment errno,
            int fd,
            MemorySegment from,
            long bytes,
            int flags,
            MemorySegment to) {
        try {
            int length = (int) to.byteSize();
            return result(
                    errno, (long) SENDTO.invokeExact(errno, fd, from, bytes, flags, to, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int recv(MemorySegment errno, int fd, MemorySegment into, int flags) {
        try {
            long room = into.byteSize();
            return result(errno, (long) RECV.invokeExact(errno, fd, into, room, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// @param polled `struct pollfd`s
    static int poll(MemorySegment errno, MemorySegment polled, int timeoutMillis) {
        try {
            long count = polled.byteSize() / 8;
            return result(errno, (int) POLL.invokeExact(errno, polled, count, timeoutMillis));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int eventfd(MemorySegment errno, int value, int flags) {
        try {
            return result(errno, (int) EVENTFD.invokeExact(errno, value, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int write(MemorySegment errno, int fd, MemorySegment from) {
        try {
            long bytes = from.byteSize();
            return result(errno, (long) WRITE.invokeExact(errno, fd, from, bytes));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int dup3(MemorySegment errno, int fd, int to, int flags) {
        try {
            return result(errno, (int) DUP3.invokeExact(errno, fd, to, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int close(MemorySegment errno, int fd) {
        try {
            return result(errno, (int) CLOSE.invokeExact(errno, fd));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static int result(MemorySegment errno, long returned) {
        return returned >= 0 ? (int) returned : -(int) ERRNO.get(errno, 0L);
    }
}
