package bascule.systemd;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import bascule.libc.Libc;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The calls of libc that this package makes, beside those of [Sockets] and like them. Loaded only where a manager is.
final class Sys {
    static final int MSG_NOSIGNAL = 0x4000;

    static final int SO_REUSEPORT = 15;
    static final int SO_SNDTIMEO = 21;
    static final int SO_ATTACH_FILTER = 26;
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
    static final int O_CLOEXEC = 0x80000;
    static final int SHUT_RDWR = 2;

    private static final MethodHandle SENDMSG =
            Libc.function("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKOPT =
            Libc.function("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle ACCEPT4 =
            Libc.function("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN =
            Libc.function("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle LISTEN =
            Libc.function("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle PIPE2 = Libc.function("pipe2", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle FCNTL =
            Libc.variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);

    private Sys() {}

    /// sendmsg(2)
    ///
    /// @param message a `struct msghdr`
    static int sendmsg(MemorySegment errno, int fd, MemorySegment message, int flags) {
        try {
            return Libc.result(errno, (long) SENDMSG.invokeExact(errno, fd, message, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// getsockopt(2)
    ///
    /// @param length as of [Sockets#getsockname]
    static int getsockopt(
            MemorySegment errno,
            int fd,
            int level,
            int name,
            MemorySegment value,
            MemorySegment length) {
        try {
            return Libc.result(
                    errno, (int) GETSOCKOPT.invokeExact(errno, fd, level, name, value, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// accept(2); who it is that comes is not asked.
    static int accept4(MemorySegment errno, int fd, int flags) {
        try {
            MemorySegment nobody = MemorySegment.NULL;
            return Libc.result(errno, (int) ACCEPT4.invokeExact(errno, fd, nobody, nobody, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// shutdown(2)
    static int shutdown(MemorySegment errno, int fd, int how) {
        try {
            return Libc.result(errno, (int) SHUTDOWN.invokeExact(errno, fd, how));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// listen(2); of a socket that listens it changes the queue.
    static int listen(MemorySegment errno, int fd, int backlog) {
        try {
            return Libc.result(errno, (int) LISTEN.invokeExact(errno, fd, backlog));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// pipe(2)
    ///
    /// @param ends two ints: what is read, what is written
    static int pipe2(MemorySegment errno, MemorySegment ends, int flags) {
        try {
            return Libc.result(errno, (int) PIPE2.invokeExact(errno, ends, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// fcntl(2)
    static int fcntl(MemorySegment errno, int fd, int command, int argument) {
        try {
            return Libc.result(errno, (int) FCNTL.invokeExact(errno, fd, command, argument));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }
}
