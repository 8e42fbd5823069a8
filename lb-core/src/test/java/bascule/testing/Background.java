package bascule.testing;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// What a test does on another thread meanwhile; [#end] brings its failure to the test.
public final class Background {
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    /// Something that may fail.
    public interface Action {
        void run() throws Exception;
    }

    private Background() {}

    public static Background start(Action action) {
        var background = new Background();
        Thread.startVirtualThread(
                () -> {
                    try {
                        action.run();
                        background.done.complete(null);
                    } catch (Throwable failure) {
                        background.done.completeExceptionally(failure);
                    }
                });
        return background;
    }

    /// Waits for its end.
    public void end() throws InterruptedException {
        end(RunningDaemon.PATIENCE.multipliedBy(2));
    }

    /// The same for what takes long.
    public void end(Duration patience) throws InterruptedException {
        try {
            done.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException failed) {
            throw new AssertionError("in the background", failed.getCause());
        } catch (TimeoutException stuck) {
            throw new AssertionError("the background does not end", stuck);
        }
    }
}
