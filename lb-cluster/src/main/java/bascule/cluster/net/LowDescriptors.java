package bascule.cluster.net;

import bascule.libc.Libc;
import bascule.libc.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/// Descriptors with low numbers, held for packet sockets. When a process is killed, the kernel closes what it has open from the highest number
/// down, and each packet socket takes it 10 to 20 ms (packet_release() waits for a grace period of RCU). Whatever has a lower number stays open for
/// so long: a listener goes on accepting for a process that is dead, and nobody hears that it is. So packet sockets get the lowest numbers, whenever
/// they are opened: those that were reserved here before the listeners were.
public final class LowDescriptors {
    /// Two for each of the interfaces of any real host, and the same while a hand-over runs.
    private static final int COUNT = 24;

    private static final int EFD_CLOEXEC = Sockets.SOCK_CLOEXEC;

    private static final Deque<Integer> FREE = new ArrayDeque<>();
    private static final Set<Integer> LENT = new HashSet<>();
    private static int placeholder = -1;

    private LowDescriptors() {}

    /// Takes the numbers; to be called before anything is opened that should be closed soon. Once for a process: a second call does nothing.
    ///
    /// @throws NetFault if there are not so many
    public static synchronized void reserve() throws NetFault {
        if (placeholder >= 0) return;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            for (int i = 0; i <= COUNT; i++) {
                int fd = Sys.eventfd(errno, 0, EFD_CLOEXEC);
                if (fd < 0) throw new NetFault("descriptors for packet sockets", -fd);
                if (placeholder < 0) placeholder = fd;
                else FREE.add(fd);
            }
        }
    }

    /// Moves a socket to one of the numbers, if there is one.
    ///
    /// @return where it is now; the number that came in is closed if that is another
    static synchronized int lower(MemorySegment errno, int fd) {
        Integer low = FREE.pollFirst();
        if (low == null) return fd;
        if (Sys.dup3(errno, fd, low, Sockets.SOCK_CLOEXEC) < 0) {
            FREE.addFirst(low);
            return fd;
        }
        Sockets.close(errno, fd);
        LENT.add(low);
        return low;
    }

    /// Closes a socket, and keeps its number if it is one of these.
    static synchronized void close(MemorySegment errno, int fd) {
        if (LENT.remove(fd) && Sys.dup3(errno, placeholder, fd, Sockets.SOCK_CLOEXEC) >= 0)
            FREE.addFirst(fd);
        else Sockets.close(errno, fd);
    }
}
