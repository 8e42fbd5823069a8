package bascule.harness;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/// System calls that Java has no words for. Signals, namespaces and priorities are of threads and processes by number;
/// descriptors are plain integers that the caller closes.
@SuppressWarnings("restricted") // Native access: the launcher enables it.
public final class Native {
    public static final int SIGKILL = 9;
    public static final int SIGTERM = 15;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;

    public static final int AF_NETLINK = 16;
    public static final int AF_PACKET = 17;
    public static final int SOCK_RAW = 3;

    /// ENOBUFS of errno(3): a netlink socket has lost messages.
    public static final int ENOBUFS = 105;

    private static final int O_RDONLY = 0;
    private static final int CLONE_NEWNET = 0x40000000;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVBUF = 8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int SHUT_RDWR = 2;
    private static final short POLLIN = 1;
    private static final int SCHED_RR = 2;
    private static final long SYS_PIDFD_OPEN = 434;
    private static final long SYS_PIDFD_GETFD = 438;
    private static final int PTRACE_DETACH = 17;
    private static final int PTRACE_SEIZE = 0x4206;
    private static final int PTRACE_INTERRUPT = 0x4207;
    private static final int WNOHANG = 1;
    private static final int WAIT_ALL = 0x40000000; // __WALL

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle OPEN = variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SETNS = function("setns", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = function("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle KILL = function("kill", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SCHEDULER =
            function("sched_setscheduler", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle SOCKET =
            function("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND =
            function("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle OPTION =
            function("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECEIVE =
            function("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SEND =
            function("send", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SHUTDOWN = function("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle POLL =
            function("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SYSCALL =
            variadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PTRACE =
            variadic("ptrace", 1, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WAIT =
            function("waitpid", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);

    /// Has one thread stop, as a debugger does (ptrace(2)), until it is closed.
    public static final class Frozen implements AutoCloseable {
        private final List<Long> tasks;
        private final Thread tracer; // Only who has stopped a thread may let it go on.
        private final CountDownLatch stopped = new CountDownLatch(1);
        private final CountDownLatch over = new CountDownLatch(1);
        private volatile String fault = "";

        private Frozen(List<Long> tasks) {
            this.tasks = tasks;
            tracer = Thread.ofPlatform().name("tracer").daemon().unstarted(this::hold);
        }

        private void hold() {
            List<Long> held = new ArrayList<>();
            try {
                for (long task : tasks) {
                    ptrace(PTRACE_SEIZE, task);
                    held.add(task);
                    ptrace(PTRACE_INTERRUPT, task);
                    waitFor(task);
                }
                stopped.countDown();
                over.await();
            } catch (IOException | InterruptedException e) {
                fault = String.valueOf(e.getMessage());
            } finally {
                stopped.countDown();
                for (long task : held) {
                    try {
                        ptrace(PTRACE_DETACH, task);
                    } catch (IOException _) {
                        // It is dead: so be it.
                    }
                }
            }
        }

        @Override
        public void close() {
            over.countDown();
            try {
                tracer.join(1_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Native() {}

    private static MethodHandle function(
            String name, ValueLayout result, ValueLayout... arguments) {
        return handle(
                name,
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"));
    }

    private static MethodHandle variadic(
            String name, int fixed, ValueLayout result, ValueLayout... arguments) {
        FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
        Linker.Option errno = Linker.Option.captureCallState("errno");
        return fixed == arguments.length
                ? handle(name, descriptor, errno)
                : handle(name, descriptor, errno, Linker.Option.firstVariadicArg(fixed));
    }

    private static MethodHandle handle(
            String name, FunctionDescriptor descriptor, Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, options);
    }

    /// Has the calling thread, and the sockets that it opens from now on, live in a network namespace (setns(2)).
    public static void enter(String namespaceFile) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(namespaceFile), O_RDONLY);
            check("open " + namespaceFile, fd, state);
            try {
                check("setns", (int) SETNS.invokeExact(state, fd, CLONE_NEWNET), state);
            } finally {
                close(fd);
            }
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    /// @return was there such a process?
    public static boolean kill(long pid, int signal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            return (int) KILL.invokeExact(state, (int) pid, signal) == 0;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /// Has the calling thread run before all that is not in a hurry (SCHED_RR); without the right to it nothing changes.
    public static void hurry() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            MemorySegment priority = arena.allocateFrom(JAVA_INT, 1);
            var _ = (int) SCHEDULER.invokeExact(state, 0, SCHED_RR, priority);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /// A socket in the namespace of the calling thread, bound.
    ///
    /// @param address a sockaddr, as bytes
    public static int socket(int family, int type, int protocol, byte[] address)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            int fd = (int) SOCKET.invokeExact(state, family, type | SOCK_CLOEXEC, protocol);
            check("socket", fd, state);
            MemorySegment size = arena.allocateFrom(JAVA_INT, 4 << 20);
            var _ = (int) OPTION.invokeExact(state, fd, SOL_SOCKET, SO_RCVBUF, size, 4);
            MemorySegment at = arena.allocateFrom(JAVA_BYTE, address);
            check("bind", (int) BIND.invokeExact(state, fd, at, address.length), state);
            return fd;
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    /// @return bytes received; 0 if there are none; or a negative errno
    public static int receive(int fd, MemorySegment into) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            long size = (long) RECEIVE.invokeExact(state, fd, into, into.byteSize(), MSG_DONTWAIT);
            if (size >= 0) return (int) size;
            int errno = (int) ERRNO.get(state, 0L);
            return errno == 11 || errno == 4 ? 0 : -errno; // EAGAIN, EINTR
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    public static void send(int fd, byte[] message) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            MemorySegment from = arena.allocateFrom(JAVA_BYTE, message);
            check(
                    "send",
                    (long) SEND.invokeExact(state, fd, from, (long) message.length, 0),
                    state);
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    /// Waits until one of them has something to be read, or the time has passed.
    public static void await(int[] fds, int limitMillis) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            MemorySegment list = arena.allocate(8L * fds.length, 4); // struct pollfd
            for (int i = 0; i < fds.length; i++) {
                list.set(JAVA_INT, 8L * i, fds[i]);
                list.set(ValueLayout.JAVA_SHORT, 8L * i + 4, POLLIN);
            }
            var _ = (int) POLL.invokeExact(state, list, (long) fds.length, limitMillis);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    public static void close(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            var _ = (int) CLOSE.invokeExact(arena.allocate(CAPTURED), fd);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /// Takes a copy of another process' descriptor (pidfd_getfd(2)) and shuts the socket down: one that listened does so
    /// no more, and its process is not told.
    public static void shutDown(long pid, int descriptor) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            long process = (long) SYSCALL.invokeExact(state, SYS_PIDFD_OPEN, pid, 0L, 0L);
            check("pidfd_open " + pid, process, state);
            try {
                long copy =
                        (long)
                                SYSCALL.invokeExact(
                                        state, SYS_PIDFD_GETFD, process, (long) descriptor, 0L);
                check("pidfd_getfd " + descriptor, copy, state);
                try {
                    check(
                            "shutdown",
                            (int) SHUTDOWN.invokeExact(state, (int) copy, SHUT_RDWR),
                            state);
                } finally {
                    close((int) copy);
                }
            } finally {
                close((int) process);
            }
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    /// @param tasks threads of another process, by number; not the first of a child of ours, for that is what the JDK waits for
    public static Frozen freeze(List<Long> tasks) throws IOException, InterruptedException {
        Frozen frozen = new Frozen(tasks);
        frozen.tracer.start();
        frozen.stopped.await();
        if (!frozen.fault.isEmpty()) throw new IOException(frozen.fault);
        return frozen;
    }

    private static void ptrace(int request, long task) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            check(
                    "ptrace " + request + " of " + task,
                    (long) PTRACE.invokeExact(state, request, task, 0L, 0L),
                    state);
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    private static void waitFor(long task) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(CAPTURED);
            MemorySegment status = arena.allocate(JAVA_INT);
            for (int turn = 0; turn < 1_000; turn++) {
                int who = (int) WAIT.invokeExact(state, (int) task, status, WAIT_ALL | WNOHANG);
                check("waitpid " + task, who, state);
                if (who > 0) return;
                Thread.sleep(1);
            }
            throw new IOException("thread " + task + " does not stop");
        } catch (Throwable e) {
            throw fault(e);
        }
    }

    private static void check(String what, long result, MemorySegment state) throws IOException {
        if (result >= 0) return;
        throw new IOException(what + ": errno " + (int) ERRNO.get(state, 0L));
    }

    private static IOException fault(Throwable of) {
        return of instanceof IOException known ? known : new IOException(of);
    }
}
