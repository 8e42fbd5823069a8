package bascule;

import bascule.observe.Events;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// The thread `control`: what changes the daemon is done by it, one thing after the other, and nothing more once the daemon stops.
/// Knows when, not what. From any thread.
final class Control implements AutoCloseable {
    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("control").daemon().factory());

    private volatile boolean stopping;

    boolean stopping() {
        return stopping;
    }

    /// Asks for something that has a result; it has to see for itself whether the daemon stops meanwhile.
    ///
    /// @throws RejectedExecutionException once [#end] has begun
    <T> CompletableFuture<T> ask(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, thread);
    }

    /// As soon as what is under way has ended; not if the daemon stops before.
    ///
    /// @param failed event if it fails
    void run(String failed, Runnable work) {
        runAfter(0, failed, work);
    }

    /// @param failed as of [#run]
    void runAfter(long millis, String failed, Runnable work) {
        Runnable unlessStopping =
                () -> {
                    if (!stopping) work.run();
                };
        try {
            thread.schedule(guarded(failed, unlessStopping), millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException _) {
            Events.debug(failed, "cause", "stopping");
        }
    }

    /// The first time after a second.
    ///
    /// @param failed event if it fails; the next time comes all the same
    void everySecond(String failed, Runnable work) {
        thread.scheduleWithFixedDelay(guarded(failed, work), 1, 1, TimeUnit.SECONDS);
    }

    private static Runnable guarded(String failed, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException
                    | Error bug) { // Else nobody would hear of it, and a timer would end.
                Events.bug(failed, bug);
            }
        };
    }

    /// The daemon stops: what is under way goes on, and nothing new is begun.
    void refuse() {
        stopping = true;
    }

    /// Returns when what is under way has ended.
    ///
    /// @param mostMillis that it may take
    void end(long mostMillis) {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(mostMillis, TimeUnit.MILLISECONDS))
                Events.warn("control-stuck");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// Waits for nothing.
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
