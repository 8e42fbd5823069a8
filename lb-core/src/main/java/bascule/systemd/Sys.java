package bascule.systemd;

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
import java.util.ArrayList;
import java.util.List;

/// The calls of libc that this package makes. Each returns what the call returned, or `-errno`. The first argument of each is memory of [#CAPTURE] that no
/// other thread uses meanwhile. Constants are those of Linux on amd64 and arm64. Loaded only where a manager is.
final class Sys {
    static final int EBADF = 9;
    static final int EAGAIN = 11;
    static final int EINTR = 4;
    static final int ENOTSOCK = 88;
    static final int ECONNABORTED = 103;

    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int MSG_NOSIGNAL = 0x4000;

    static final int SOL_SOCKET = 1;
    static final int SO_REUSEPORT = 15;
    static final int SO_SNDTIMEO = 21;
    static final int SO_DETACH_FILTER = 27;
    static final int SO_ACCEPTCONN = 30;
    static final int SO_PROTOCOL = 38;
    static final int SCM_RIGHTS = 1;
    static final int IPPROTO_TCP = 6;
    static final int IPPROTO_IPV6 = 41;
    static final int IPV6_V6ONLY = 26;

    static final int F_SETFD = 2;
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int FD_CLOEXEC = 1;
    static final int O_NONBLOCK = 0x800;
    static final int SHUT_RDWR = 2;

    static final StructLayout CAPTURE = Linker.Option.captureStateLayout();

    private static final VarHandle ERRNO = CAPTURE.varHandle(groupElement("errno"));

    private static final MethodHandle SOCKET = call("socket", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SENDMSG = calledLong("sendmsg", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKNAME = call("getsockname", JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle GETSOCKOPT =
            call("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SETSOCKOPT =
            call("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle ACCEPT4 =
            call("accept4", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = call("shutdown", JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = call("close", JAVA_INT);
    private static final MethodHandle FCNTL =
            linked(
                    "fcntl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                    Linker.Option.firstVariadicArg(2));

    private Sys() {}

    private static MethodHandle call(String name, MemoryLayout... arguments) {
        return linked(name, FunctionDescriptor.of(JAVA_INT, arguments));
    }

    private static MethodHandle calledLong(String name, MemoryLayout... arguments) {
        return linked(name, FunctionDescriptor.of(JAVA_LONG, arguments));
    }

    @SuppressWarnings("restricted") // That is what this class is for.
    private static MethodHandle linked(
            String name, FunctionDescriptor shape, Linker.Option... more) {
        Linker linker = Linker.nativeLinker();
        List<Linker.Option> options = new ArrayList<>(List.of(more));
        options.add(Linker.Option.captureCallState("errno"));
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name),
                shape,
                options.toArray(Linker.Option[]::new));
    }

    static int socket(MemorySegment errno, int domain, int type) {
        try {
            return result(errno, (int) SOCKET.invokeExact(errno, domain, type, 0));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// @param message a `struct msghdr`
    static int sendmsg(MemorySegment errno, int fd, MemorySegment message, int flags) {
        try {
            return result(errno, (long) SENDMSG.invokeExact(errno, fd, message, flags));
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

    /// @param length as of [#getsockname]
    static int getsockopt(
            MemorySegment errno,
            int fd,
            int level,
            int name,
            MemorySegment value,
            MemorySegment length) {
        try {
            return result(
                    errno, (int) GETSOCKOPT.invokeExact(errno, fd, level, name, value, length));
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

    /// Who it is that comes is not asked.
    static int accept4(MemorySegment errno, int fd, int flags) {
        try {
            MemorySegment nobody = MemorySegment.NULL;
            return result(errno, (int) ACCEPT4.invokeExact(errno, fd, nobody, nobody, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int shutdown(MemorySegment errno, int fd, int how) {
        try {
            return result(errno, (int) SHUTDOWN.invokeExact(errno, fd, how));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static int fcntl(MemorySegment errno, int fd, int command, int argument) {
        try {
            return result(errno, (int) FCNTL.invokeExact(errno, fd, command, argument));
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
