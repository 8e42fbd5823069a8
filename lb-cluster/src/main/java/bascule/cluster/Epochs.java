package bascule.cluster;

import bascule.cluster.ownership.Rules;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The highest epoch known of each floating IP, kept over a restart: a line each, `NAME EPOCH`. What is lost costs nothing as long as another
/// node remembers; so nobody waits for the disk, and the file is written on a thread of its own.
final class Epochs implements AutoCloseable {
    static final String FILE = "floating-ips";

    private static final long CLOSE_SECONDS = 2;

    private final @Nullable Path file;
    private final Consumer<IOException> failed;
    private final Map<String, Long> known;

    /// What is learned when it has ended is told by others.
    private final ExecutorService writer =
            new ThreadPoolExecutor(
                    1,
                    1,
                    0,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(),
                    Thread.ofPlatform().name("cluster-state").daemon().factory(),
                    new ThreadPoolExecutor.DiscardPolicy());

    /// @param folder null = nothing is kept
    /// @param failed told on any thread, each time
    Epochs(@Nullable Path folder, Consumer<IOException> failed) {
        file = folder == null ? null : folder.resolve(FILE);
        this.failed = failed;
        known = new TreeMap<>(read());
    }

    private Map<String, Long> read() {
        if (file == null) return Map.of();
        try {
            return parse(new StateFile(file).read());
        } catch (IOException unreadable) {
            failed.accept(unreadable);
            return Map.of();
        }
    }

    /// Lines that are none are left out: an epoch that is not known is learned from the others.
    static Map<String, Long> parse(List<String> lines) {
        var epochs = new TreeMap<String, Long>();
        for (String line : lines) {
            int blank = line.lastIndexOf(' ');
            if (blank <= 0) continue;
            try {
                long epoch = Long.parseLong(line.substring(blank + 1));
                if (epoch > 0 && epoch <= Rules.EPOCH_MOST)
                    epochs.merge(line.substring(0, blank), epoch, Math::max);
            } catch (NumberFormatException _) {
                // No epoch.
            }
        }
        return epochs;
    }

    /// 0 if none is known.
    long of(String floatingIp) {
        return known.getOrDefault(floatingIp, 0L);
    }

    /// Remembers it if it is higher. On one thread only.
    void learn(String floatingIp, long epoch) {
        if (epoch <= of(floatingIp) || epoch > Rules.EPOCH_MOST) return;
        known.put(floatingIp, epoch);
        if (file == null) return;
        var lines = new ArrayList<String>();
        known.forEach((name, each) -> lines.add(name + " " + each));
        writer.execute(() -> write(file, lines));
    }

    private void write(Path to, List<String> lines) {
        try {
            new StateFile(to).write(lines, true);
        } catch (IOException failure) {
            failed.accept(failure);
        }
    }

    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) writer.shutdownNow();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
