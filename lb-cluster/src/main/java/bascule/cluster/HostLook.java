package bascule.cluster;

import bascule.cluster.net.HostAddresses;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/// Looks at the host's interfaces, addresses and gateways, on a thread and a socket of its own: a host may have a hundred thousand routes, and the
/// ownership loop has no time to read them.
final class HostLook implements AutoCloseable {
    /// Between two looks, so that a host on which addresses come and go all the time has something else to do.
    static final long PAUSE_MILLIS = 100;

    /// Nobody tells of routes; and to read them all may take seconds.
    private static final long GATEWAYS_NANOS = TimeUnit.SECONDS.toNanos(10);

    /// What there is.
    ///
    /// @param gateways of default routes, none or one of each family; up to 10 s old
    record Found(
            List<HostAddresses.Interface> interfaces,
            List<HostAddresses.Address> addresses,
            List<InetAddress> gateways) {}

    private final Consumer<Found> found;
    private final Consumer<IOException> failed;
    private final HostAddresses addresses;
    private final ScheduledExecutorService thread;
    private final AtomicBoolean due = new AtomicBoolean();

    // The thread's own.
    private List<InetAddress> gateways = List.of();
    private long gatewaysNanos;

    /// @param found told on the thread of this class
    /// @param failed the same
    HostLook(Consumer<Found> found, Consumer<IOException> failed) throws IOException {
        this.found = found;
        this.failed = failed;
        addresses = HostAddresses.open(HostAddresses.NOBODY);
        gatewaysNanos = System.nanoTime() - GATEWAYS_NANOS;
        var executor =
                new ScheduledThreadPoolExecutor(
                        1, Thread.ofPlatform().name("host-look").daemon().factory());
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread = executor;
    }

    /// Does not wait for what it finds; from any thread.
    ///
    /// @return false if the last look is too short a while ago: to be asked again
    boolean look() {
        if (thread.isShutdown() || !due.compareAndSet(false, true)) return false;
        thread.execute(this::lookNow);
        return true;
    }

    private void lookNow() {
        try {
            List<HostAddresses.Interface> interfaces = addresses.interfaces();
            List<HostAddresses.Address> present = addresses.list();
            if (System.nanoTime() - gatewaysNanos >= GATEWAYS_NANOS) {
                gateways = addresses.gateways();
                gatewaysNanos = System.nanoTime();
            }
            found.accept(new Found(interfaces, present, gateways));
        } catch (IOException failure) {
            if (!thread.isShutdown()) failed.accept(failure);
        }
        if (!thread.isShutdown())
            thread.schedule(() -> due.set(false), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        thread.shutdownNow();
        try {
            var _ = thread.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        addresses.close();
    }
}
