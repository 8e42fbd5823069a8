package bascule;

import bascule.observe.Events;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// To wait for what others do, but not for ever.
final class BoundedWait {
    private BoundedWait() {}

    /// What has not come by then will come later.
    ///
    /// @throws IllegalStateException with the cause, if it has failed
    static void on(CompletableFuture<?> until, long millis) {
        try {
            until.get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException _) {
            Events.debug("not-waited-for", "millis", millis);
        } catch (ExecutionException failure) {
            throw new IllegalStateException(failure.getCause());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
