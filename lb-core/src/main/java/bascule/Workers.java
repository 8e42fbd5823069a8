package bascule;

import bascule.config.Configuration;
import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.AccessLog;
import bascule.observe.Metrics;
import bascule.proxy.Worker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/// The workers of all loops: what is said to one of them is said to each, by a message to its loop.
final class Workers {
    private final Transport transport;
    private final List<Worker> all;

    /// @param configuration its limits are what they have room for
    Workers(
            Transport transport,
            Metrics metrics,
            AccessLog accessLog,
            Configuration configuration) {
        this.transport = transport;
        var made = new ArrayList<Worker>();
        for (Loop loop : transport.loops()) {
            made.add(
                    new Worker(
                            transport,
                            loop,
                            metrics.loop(loop.index()),
                            accessLog.loop(loop.index()),
                            largest(configuration, LimitsConfig::headersBytes),
                            largest(configuration, LimitsConfig::headerCount)));
        }
        all = List.copyOf(made);
    }

    /// In the order of the loops.
    List<Worker> all() {
        return all;
    }

    /// The loops begin to tick.
    void start() {
        for (Worker worker : all)
            worker.loop().start(lag -> worker.tick(lag, transport.memoryTight()));
    }

    /// Makes room for what the listeners of a configuration let in.
    ///
    /// @param growthBytes what is added to a head at most
    void reserve(Configuration next, int growthBytes) {
        int headBytes = largest(next, LimitsConfig::headersBytes);
        int headerCount = largest(next, LimitsConfig::headerCount);
        each(worker -> worker.reserve(headBytes, headerCount, growthBytes));
    }

    private static int largest(Configuration configuration, ToIntFunction<LimitsConfig> limit) {
        return configuration.listeners().stream()
                .map(ListenerConfig::limits)
                .mapToInt(limit)
                .max()
                .orElse(1);
    }

    /// Returns when each loop has done it.
    void each(Consumer<Worker> action) {
        begun(action).join();
    }

    /// @return done when each loop has done it
    CompletableFuture<Void> begun(Consumer<Worker> action) {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (Worker worker : all) {
            done.add(
                    CompletableFuture.runAsync(
                            () -> action.accept(worker), worker.loop().executor()));
        }
        return CompletableFuture.allOf(done.toArray(CompletableFuture[]::new));
    }
}
