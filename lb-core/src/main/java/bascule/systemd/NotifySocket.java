package bascule.systemd;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.libc.Errno;
import bascule.libc.Libc;
import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// What is said to the manager: datagrams of `KEY=VALUE` lines (sd_notify(3)), to a socket in the file system, or to an abstract one. From any
/// thread, one after the other. A manager whose queue is full takes nothing: then [#offer] and all that is built on it return at once, and [#send] waits
/// for [#PATIENCE_MILLIS], no longer.
public final class NotifySocket implements AutoCloseable {
    static final int PATIENCE_MILLIS = 1000;

    /// `sun_path` of unix(7), less the NUL at its end.
    private static final int LONGEST_PATH = 107;

    private static final int NO_DESCRIPTOR = -1;

    // struct msghdr and struct cmsghdr of LP64 (recvmsg(2), cmsg(3)).
    private static final int MESSAGE_BYTES = 56;
    private static final int CONTROL_BYTES = 24; // CMSG_SPACE(sizeof(int))
    private static final int CONTROL_LENGTH = 20; // CMSG_LEN(sizeof(int))

    private final Arena arena;
    private final MemorySegment errno;
    private final MemorySegment address;
    private final int fd;
    private boolean closed;

    /// @param address of `NOTIFY_SOCKET`: an absolute path, or `@` and an abstract name
    /// @throws IOException with value and reason
    public static NotifySocket open(String address) throws IOException {
        byte[] path = address.getBytes(UTF_8);
        boolean isAbstract = address.startsWith("@");
        if (path.length < 2 || !(isAbstract || address.startsWith("/")))
            throw new IOException(
                    "NOTIFY_SOCKET=" + address + " (expected: an absolute path, or @NAME)");
        if (path.length > LONGEST_PATH)
            throw new IOException(
                    "NOTIFY_SOCKET has %d bytes (expected: at most %d)"
                            .formatted(path.length, LONGEST_PATH));
        if (isAbstract) path[0] = 0;
        return new NotifySocket(path, isAbstract);
    }

    private NotifySocket(byte[] path, boolean isAbstract) throws IOException {
        arena = Arena.ofShared();
        errno = arena.allocate(Libc.CAPTURE);
        // An abstract name is as long as it is; a path ends with its NUL.
        address = arena.allocate(2L + path.length + (isAbstract ? 0 : 1), 2);
        address.set(JAVA_SHORT, 0, (short) Sockets.AF_UNIX);
        MemorySegment.copy(path, 0, address, JAVA_BYTE, 2, path.length);
        fd = Sockets.socket(errno, Sockets.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            arena.close();
            throw new IOException("no socket for NOTIFY_SOCKET: " + Libc.meaning(-fd));
        }
        MemorySegment patience = arena.allocate(16, 8); // struct timeval
        patience.set(JAVA_LONG, 0, PATIENCE_MILLIS / 1000);
        patience.set(JAVA_LONG, 8, PATIENCE_MILLIS % 1000 * 1000L);
        Sockets.setsockopt(errno, fd, Sockets.SOL_SOCKET, Sys.SO_SNDTIMEO, patience);
    }

    /// @param lines `KEY=VALUE`
    /// @throws IOException if it was not taken; nothing is sent again
    public void send(String... lines) throws IOException {
        if (!sendIfTaken(lines))
            throw new IOException(
                    "the manager took nothing for %d ms: %s".formatted(PATIENCE_MILLIS, lines[0]));
    }

    /// Waits for the manager as [#send] does: the kernel wakes us as soon as there is room, so what waits is in the queue before the manager has worked it off.
    ///
    /// @return was it taken?
    public boolean sendIfTaken(String... lines) throws IOException {
        return sent(NO_DESCRIPTOR, 0, lines);
    }

    /// The same without waiting.
    ///
    /// @return was it taken? If not, the manager is busy
    public boolean offer(String... lines) throws IOException {
        return sent(NO_DESCRIPTOR, Sockets.MSG_DONTWAIT, lines);
    }

    /// @param passed a descriptor, of which the manager gets a copy
    private synchronized boolean sent(int passed, int flags, String... lines) throws IOException {
        if (closed) return true;
        byte[] text = String.join("\n", lines).getBytes(UTF_8);
        try (Arena call = Arena.ofConfined()) {
            MemorySegment bytes = call.allocate(Math.max(1, text.length));
            MemorySegment.copy(text, 0, bytes, JAVA_BYTE, 0, text.length);
            MemorySegment vector = call.allocate(16, 8); // struct iovec
            vector.set(ADDRESS, 0, bytes);
            vector.set(JAVA_LONG, 8, text.length);
            MemorySegment message = call.allocate(MESSAGE_BYTES, 8);
            message.set(ADDRESS, 0, address);
            message.set(JAVA_INT, 8, (int) address.byteSize());
            message.set(ADDRESS, 16, vector);
            message.set(JAVA_LONG, 24, 1);
            if (passed != NO_DESCRIPTOR) {
                MemorySegment control = call.allocate(CONTROL_BYTES, 8);
                control.set(JAVA_LONG, 0, CONTROL_LENGTH);
                control.set(JAVA_INT, 8, Sockets.SOL_SOCKET);
                control.set(JAVA_INT, 12, Sys.SCM_RIGHTS);
                control.set(JAVA_INT, 16, passed);
                message.set(ADDRESS, 32, control);
                message.set(JAVA_LONG, 40, CONTROL_BYTES);
            }
            int sent;
            do sent = Sys.sendmsg(errno, fd, message, Sys.MSG_NOSIGNAL | flags);
            while (sent == -Errno.EINTR);
            if (sent == -Errno.EAGAIN) return false;
            if (sent < 0) throw new IOException(lines[0] + ": " + Libc.meaning(-sent));
            return true;
        }
    }

    /// Has the manager keep a copy of a descriptor until the service is stopped; the next start of this program gets it.
    ///
    /// @param name up to 255 bytes of ASCII, no `:`. One that is kept already stays under the name it has
    /// @return as of [#offer]
    public boolean keep(String name, int descriptor) throws IOException {
        // FDPOLL: the manager would be woken by each connection that comes, to see nothing.
        return sent(descriptor, Sockets.MSG_DONTWAIT, "FDSTORE=1", "FDNAME=" + name, "FDPOLL=0");
    }

    /// Has the manager close its copies of all descriptors of that name.
    ///
    /// @return as of [#offer]
    public boolean forget(String name) throws IOException {
        return offer("FDSTOREREMOVE=1", "FDNAME=" + name);
    }

    /// Has the manager keep one end of a pipe, of no other use than to see by the other end whether it did.
    ///
    /// @param name as of [#keep]; whoever has seen enough [#forget]s it
    /// @return null as of [#offer]
    public @Nullable FarEnd probe(String name) throws IOException {
        return farEnd("FDSTORE=1", "FDNAME=" + name, "FDPOLL=0");
    }

    /// Asks the manager to let us know when it has done all that was said before: then it closes the far end (sd_notify_barrier(3)), systemd before 246, too,
    /// as it closes all that it does not understand.
    ///
    /// @return null as of [#offer]
    public @Nullable FarEnd barrier() throws IOException {
        return farEnd("BARRIER=1");
    }

    private @Nullable FarEnd farEnd(String... lines) throws IOException {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment own = call.allocate(Libc.CAPTURE);
            MemorySegment ends = call.allocate(JAVA_INT, 2);
            int made = Sys.pipe2(own, ends, Sys.O_CLOEXEC);
            if (made < 0) throw new IOException("pipe: " + Libc.meaning(-made));
            var far = new FarEnd(ends.getAtIndex(JAVA_INT, 0));
            boolean taken = false;
            try {
                taken = sent(ends.getAtIndex(JAVA_INT, 1), Sockets.MSG_DONTWAIT, lines);
            } finally {
                Sockets.close(own, ends.getAtIndex(JAVA_INT, 1));
                if (!taken) far.close();
            }
            return taken ? far : null;
        }
    }

    /// A pipe whose other end the manager alone has. For one thread.
    public static final class FarEnd implements AutoCloseable {
        private final int fd;

        private FarEnd(int fd) {
            this.fd = fd;
        }

        /// Has the manager closed it?
        ///
        /// @param millis to wait for that, at most
        public boolean isClosed(int millis) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment polled = call.allocate(8, 4); // struct pollfd
                polled.set(JAVA_INT, 0, fd);
                Sockets.poll(call.allocate(Libc.CAPTURE), polled, millis);
                return (polled.get(JAVA_SHORT, 6) & Sockets.POLLHUP) != 0;
            }
        }

        @Override
        public void close() {
            PassedSocket.close(fd);
        }
    }

    /// What is said after this is not heard.
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        Sockets.close(errno, fd);
        arena.close();
    }
}
