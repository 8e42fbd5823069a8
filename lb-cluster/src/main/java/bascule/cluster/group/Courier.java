package bascule.cluster.group;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Sends to one node, on a thread of its own: a connection that is made, or a node that does not read, holds up nobody else. Bounded: 256
/// messages wait, and one that is to go at once, the latest.
final class Courier implements AutoCloseable {
    static final int WAITING_MOST = 256;

    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private byte @Nullable [] urgent;
    private boolean closed;
    private final Thread thread;

    /// @param send with whether it is urgent; may block
    Courier(String node, BiConsumer<byte[], Boolean> send) {
        thread =
                Thread.ofPlatform()
                        .name("membership-to-" + node)
                        .daemon()
                        .unstarted(() -> run(send));
        thread.start();
    }

    /// @return false if it is dropped: too many wait
    synchronized boolean post(byte[] message) {
        if (closed || waiting.size() >= WAITING_MOST) return false;
        waiting.add(message);
        notifyAll();
        return true;
    }

    synchronized void postNow(byte[] message) {
        urgent = message;
        notifyAll();
    }

    /// What waits for a node that has left must not reach it when it is back.
    synchronized void forget() {
        waiting.clear();
        urgent = null;
    }

    private void run(BiConsumer<byte[], Boolean> send) {
        while (true) {
            byte[] next;
            boolean now;
            synchronized (this) {
                while (!closed && urgent == null && waiting.isEmpty()) {
                    try {
                        wait();
                    } catch (InterruptedException _) {
                        return;
                    }
                }
                if (closed) return;
                now = urgent != null;
                next = urgent != null ? urgent : waiting.remove();
                if (now) urgent = null;
            }
            try {
                send.accept(next, now);
            } catch (RuntimeException bug) { // The next one may get there.
                thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
            }
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
        thread.interrupt();
    }
}
