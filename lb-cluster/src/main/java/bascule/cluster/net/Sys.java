package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import bascule.libc.Libc;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The calls of libc that this package makes, beside those of [Sockets] and like them.
final class Sys {

    private static final MethodHandle BIND =
            Libc.function("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SENDTO =
            Libc.function(
                    "sendto", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECV =
            Libc.function("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle EVENTFD =
            Libc.function("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle WRITE =
            Libc.function("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle DUP3 =
            Libc.function("dup3", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);

    private Sys() {}

    /// bind(2)
    static int bind(MemorySegment errno, int fd, MemorySegment address) {
        try {
            int length = (int) address.byteSize();
            return Libc.result(errno, (int) BIND.invokeExact(errno, fd, address, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// sendto(2)
    ///
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
            return Libc.result(
                    errno, (long) SENDTO.invokeExact(errno, fd, from, bytes, flags, to, length));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// recv(2)
    static int recv(MemorySegment errno, int fd, MemorySegment into, int flags) {
        try {
            long room = into.byteSize();
            return Libc.result(errno, (long) RECV.invokeExact(errno, fd, into, room, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// eventfd(2)
    static int eventfd(MemorySegment errno, int value, int flags) {
        try {
            return Libc.result(errno, (int) EVENTFD.invokeExact(errno, value, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// write(2)
    static int write(MemorySegment errno, int fd, MemorySegment from) {
        try {
            long bytes = from.byteSize();
            return Libc.result(errno, (long) WRITE.invokeExact(errno, fd, from, bytes));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// dup3(2)
    static int dup3(MemorySegment errno, int fd, int to, int flags) {
        try {
            return Libc.result(errno, (int) DUP3.invokeExact(errno, fd, to, flags));
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }
}
