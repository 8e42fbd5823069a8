package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Errno;
import bascule.libc.Libc;
import bascule.libc.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// A thread that reads sockets until it is closed. It owns them: they are closed when it ends.
final class Reading implements AutoCloseable {
    /// Told on that thread, or on one that calls [Reading#drain].
    interface Receiver {
        /// @param bytes what one recv(2) gave, valid during the call; the order of its bytes is the receiver's to set
        /// @param socket that it came from: its place in the list
        void received(int socket, ByteBuffer bytes);

        /// The kernel has dropped messages for want of space (ENOBUFS).
        default void lost() {}
    }

    private static final int EFD_CLOEXEC = 0x80000;

    private final List<KernelSocket> sockets;
    private final Receiver receiver;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.CAPTURE);
    private final MemorySegment polled;
    private final MemorySegment room;
    private final ByteBuffer view;
    private final int wake;
    private final Thread thread;

    /// Held by who receives and tells: messages are told in their order, by one thread at a time.
    private final Object reading = new Object();

    private boolean ended;
    private volatile boolean closed;

    /// @param bytes the longest message
    static Reading start(String name, List<KernelSocket> sockets, int bytes, Receiver receiver)
            throws NetFault {
        Reading reading;
        try {
            reading = new Reading(name, sockets, bytes, receiver);
        } catch (NetFault e) {
            sockets.forEach(KernelSocket::close);
            throw e;
        }
        try {
            reading.thread.start();
        } catch (OutOfMemoryError noMoreThreads) {
            reading.end();
            throw noMoreThreads;
        }
        return reading;
    }

    private Reading(String name, List<KernelSocket> sockets, int bytes, Receiver receiver)
            throws NetFault {
        this.sockets = List.copyOf(sockets);
        this.receiver = receiver;
        room = arena.allocate(bytes, 8);
        view = room.asByteBuffer();
        wake = Sys.eventfd(errno, 0, EFD_CLOEXEC);
        if (wake < 0) {
            arena.close();
            throw new NetFault("eventfd", -wake);
        }
        // struct pollfd: int fd, short events, short revents
        polled = arena.allocate(8L * (sockets.size() + 1), 8);
        for (int i = 0; i <= sockets.size(); i++) {
            polled.set(JAVA_INT, 8L * i, i < sockets.size() ? sockets.get(i).fd() : wake);
            polled.set(JAVA_SHORT, 8L * i + 4, Sockets.POLLIN);
        }
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
    }

    private void run() {
        try {
            while (!closed) {
                int ready = Sockets.poll(errno, polled, -1);
                if (ready < 0 && ready != -Errno.EINTR) pause();
                for (int i = 0; ready > 0 && i < sockets.size(); i++) {
                    if (polled.get(JAVA_SHORT, 8L * i + 6) != 0) read(i);
                }
            }
        } finally {
            end();
        }
    }

    private void read(int socket) {
        int received;
        synchronized (reading) {
            received = sockets.get(socket).receive(room, Sockets.MSG_DONTWAIT);
            try {
                if (received > 0) receiver.received(socket, view.clear().limit(received));
                else if (received == -Errno.ENOBUFS) receiver.lost();
            } catch (RuntimeException bug) {
                // One message less is better than a thread that hears nothing any more.
                thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
            }
        }
        // ENETDOWN is said once when the interface goes down, and the socket lives on; others are
        // unknown here, and must not spin.
        if (received < 0 && received != -Errno.EAGAIN && received != -Errno.ENOBUFS) pause();
    }

    /// Has the receiver told of what waits by now, on the thread that calls; nothing if the sockets are closed.
    ///
    /// @param most messages of each socket, at most
    synchronized void drain(int most) {
        if (ended) return;
        synchronized (reading) {
            for (KernelSocket socket : sockets) {
                int place = sockets.indexOf(socket);
                for (int i = 0; i < most; i++) {
                    int received = socket.receive(room, Sockets.MSG_DONTWAIT);
                    if (received <= 0) break;
                    receiver.received(place, view.clear().limit(received));
                }
            }
        }
    }

    private static void pause() {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }

    /// Puts another filter on all sockets; nothing if they are closed.
    ///
    /// @param programs one for each socket
    synchronized void filter(List<Filter> programs) throws NetFault {
        for (int i = 0; i < sockets.size() && !ended; i++) sockets.get(i).filter(programs.get(i));
    }

    private synchronized void end() {
        ended = true;
        sockets.forEach(KernelSocket::close);
        Sockets.close(errno, wake);
        arena.close();
    }

    /// Returns when the thread has ended, unless it is that thread which calls.
    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            if (!ended) {
                try (Arena own = Arena.ofConfined()) {
                    Sys.write(own.allocate(Libc.CAPTURE), wake, own.allocateFrom(JAVA_LONG, 1));
                }
            }
        }
        if (Thread.currentThread() == thread) return;
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // It ends after one message at the most.
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
