package bascule.cluster;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// The thread `ownership`: runs what is posted to it, one thing after the other, and a turn every tick. After it could not run for a
/// while, the turn comes first: whoever was away has to find that out before it believes anything that waits.
final class OwnershipLoop implements AutoCloseable {
    /// Things that wait, at most; what comes then is lost, as datagrams may be.
    private static final int MOST_WAITING = 8192;

    private static final long END_MILLIS = 5000;

    private final long tickNanos;
    private final LongConsumer turn;
    private final Consumer<Throwable> bug;
    private final BlockingQueue<Runnable> waiting = new LinkedBlockingQueue<>();
    private final AtomicLong lost = new AtomicLong();
    private final Thread thread;
    private volatile boolean ended;

    /// @param turn told the time, by `System.nanoTime()`
    /// @param bug told of what should never happen; the loop goes on
    OwnershipLoop(long tickNanos, LongConsumer turn, Consumer<Throwable> bug) {
        this.tickNanos = tickNanos;
        this.turn = turn;
        this.bug = bug;
        thread = Thread.ofPlatform().name("ownership").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /// From any thread; what cannot wait is lost.
    ///
    /// @return false if it is lost
    boolean post(Runnable work) {
        if (!ended && waiting.size() < MOST_WAITING && waiting.offer(work)) return true;
        lost.incrementAndGet();
        return false;
    }

    long lost() {
        return lost.get();
    }

    /// Something of which the latest counts, or all of it together, and which is never lost, however much waits: it waits at most once.
    final class Slot<T> {
        private final AtomicReference<@Nullable T> latest = new AtomicReference<>();
        private final BinaryOperator<T> together;
        private final Consumer<T> work;

        private Slot(BinaryOperator<T> together, Consumer<T> work) {
            this.together = together;
            this.work = work;
        }

        /// From any thread.
        void post(T next) {
            while (true) {
                T before = latest.get();
                T after = before == null ? next : together.apply(before, next);
                if (!latest.compareAndSet(before, after)) continue;
                if (before == null && !ended) waiting.add(this::take);
                return;
            }
        }

        private void take() {
            T now = latest.getAndSet(null);
            if (now != null) work.accept(now);
        }
    }

    /// @param together of what waits and what comes
    <T> Slot<T> slot(BinaryOperator<T> together, Consumer<T> work) {
        return new Slot<>(together, work);
    }

    private void run() {
        long next = System.nanoTime();
        while (!ended) {
            Runnable work = null;
            try {
                work = waiting.poll(next - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException _) {
                continue; // Whoever ends us says so by `ended`.
            }
            long now = System.nanoTime();
            if (now - next >= 0) {
                guarded(() -> turn.accept(now));
                next += tickNanos;
                if (now - next >= 0) next = now + tickNanos; // What was missed is not made up for.
            }
            if (work != null) guarded(work);
        }
    }

    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            bug.accept(e);
        }
    }

    @Override
    public void close() {
        ended = true;
        thread.interrupt();
        if (Thread.currentThread() == thread) return;
        try {
            thread.join(END_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
