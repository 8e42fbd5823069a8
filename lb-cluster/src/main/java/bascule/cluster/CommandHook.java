package bascule.cluster;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Tells a cloud who has a floating IP: runs `FILE take|release NAME ADDRESS EPOCH` on a thread of its own, one at a time for each
/// address, until it ends with 0 or is no longer wanted. A failure is tried again after 1, 2, 4 … 60 s: providers lock out who asks
/// too often.
final class CommandHook implements AutoCloseable {
    static final long FIRST_BACKOFF_MILLIS = 1000;
    static final long MOST_BACKOFF_MILLIS = 60_000;

    private final String name;
    private final InetAddress address;
    private final ClusterSettings.Command command;
    private final Consumer<String> failed;
    private final ScheduledExecutorService thread;

    /// What the cloud is to be told. Written by the ownership loop.
    private volatile Wish wish = new Wish(false, 0);

    private record Wish(boolean take, long epoch) {}

    // The thread's own.
    private @Nullable Wish done;
    private long backoffMillis;
    private volatile @Nullable Process running;

    /// @param failed told why it failed, each time; on the hook's thread
    CommandHook(
            String name,
            InetAddress address,
            ClusterSettings.Command command,
            Consumer<String> failed) {
        this.name = name;
        this.address = address;
        this.command = command;
        this.failed = failed;
        var executor =
                new ScheduledThreadPoolExecutor(
                        1, Thread.ofPlatform().name("floating-ip-command").daemon().factory());
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread = executor;
    }

    /// Does not wait for it.
    void take(long epoch) {
        want(new Wish(true, epoch));
    }

    void release(long epoch) {
        if (wish.take()) want(new Wish(false, epoch));
    }

    private void want(Wish next) {
        if (next.equals(wish)) return;
        wish = next;
        if (!thread.isShutdown()) thread.execute(this::run);
    }

    private void run() {
        Wish now = wish;
        if (now.equals(done) || isGivenUp(now)) return;
        String failure = call(now);
        if (!now.equals(wish)) return; // Overtaken: what is wanted now has its turn.
        if (isGivenUp(now)) return; // No failure of the command.
        if (failure == null) {
            done = now;
            backoffMillis = 0;
            return;
        }
        failed.accept(failure);
        backoffMillis =
                backoffMillis == 0
                        ? FIRST_BACKOFF_MILLIS
                        : Math.min(2 * backoffMillis, MOST_BACKOFF_MILLIS);
        if (!thread.isShutdown()) thread.schedule(this::run, backoffMillis, TimeUnit.MILLISECONDS);
    }

    private boolean isGivenUp(Wish now) {
        return now.take() && thread.isShutdown();
    }

    /// @return what went wrong, or null
    private @Nullable String call(Wish now) {
        String verb = now.take() ? "take" : "release";
        String[] line = {
            command.file().toString(),
            verb,
            name,
            address.getHostAddress(),
            Long.toString(now.epoch())
        };
        Process process = null;
        try {
            process =
                    new ProcessBuilder(line)
                            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            running = process;
            // While it started: close could not see it yet.
            if (isGivenUp(now)) return verb + ": given up";
            if (!process.waitFor(command.timeout().toMillis(), TimeUnit.MILLISECONDS))
                return verb + ": no end after " + command.timeout().toMillis() + " ms";
            return process.exitValue() == 0 ? null : verb + ": ended with " + process.exitValue();
        } catch (IOException failure) {
            return verb + ": " + failure.getMessage();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return verb + ": interrupted";
        } finally {
            running = null;
            if (process != null) end(process);
        }
    }

    private static void end(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /// Lets a release that is under way, or wanted, come to its end within the time limit; a take is given up.
    @Override
    public void close() {
        thread.shutdown();
        Process process = running;
        if (process != null && wish.take()) end(process);
        try {
            if (!thread.awaitTermination(command.timeout().toMillis(), TimeUnit.MILLISECONDS))
                thread.shutdownNow();
        } catch (InterruptedException interrupted) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
