package bascule;

import bascule.admin.Commands;
import bascule.admin.Commands.ReloadResult;
import bascule.config.Configuration;
import bascule.config.LoadResult;
import bascule.config.Problem;
import bascule.listen.Listeners;
import bascule.observe.Events;
import bascule.observe.Metrics;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Reads the configuration anew, whenever somebody asks for it, has it put in force, and tells everybody what came of it.
///
/// @param source reads the configuration anew; null where there is no file
/// @param service is told, too; null = nobody who wants to know of it
record ConfigurationReload(
        @Nullable Supplier<LoadResult> source,
        Control control,
        Activation activation,
        Listeners listeners,
        Metrics metrics,
        @Nullable Service service,
        StatusSentence sentence) {
    /// Faults of one refused file or folder that stand in the log.
    static final int MOST_TOLD = 100;

    /// From any thread.
    CompletableFuture<ReloadResult> begin() {
        if (control.stopping()) return CompletableFuture.completedFuture(new Commands.Stopping());
        Supplier<LoadResult> file = source;
        if (file == null) {
            String cause = "this daemon was started without a file";
            return CompletableFuture.completedFuture(new Commands.Failed(cause));
        }
        try {
            return control.ask(() -> reloadedFrom(file));
        } catch (RejectedExecutionException _) {
            return CompletableFuture.completedFuture(new Commands.Stopping());
        }
    }

    private ReloadResult reloadedFrom(Supplier<LoadResult> file) {
        Service manager = service;
        if (manager == null) return reloaded(file.get());
        manager.reloading();
        try {
            return reloaded(file.get());
        } finally {
            manager.ready(sentence.text());
        }
    }

    private ReloadResult reloaded(LoadResult read) {
        if (control.stopping()) return new Commands.Stopping();
        ReloadResult result =
                switch (read) {
                    case LoadResult.Rejected(var problems) ->
                            new Commands.Refused(problems.stream().map(Problem::toString).toList());
                    case LoadResult.Loaded(Configuration next) -> reloaded(next);
                };
        switch (result) {
            case Commands.Reloaded(String hash, List<String> changes) -> {
                metrics.configReloaded("loaded");
                Events.changed("reloaded", "config", hash, "changes", changes.size());
            }
            case Commands.Refused(List<String> problems) -> {
                metrics.configReloaded("refused");
                activation.still("refused");
                problems.stream()
                        .limit(MOST_TOLD)
                        .forEach(problem -> Events.error("configuration-fault", "fault", problem));
                Events.worsened("reload-refused", "faults", problems.size());
            }
            case Commands.Failed(String cause) -> {
                metrics.configReloaded("failed");
                activation.still("failed");
                Events.worsened("reload-failed", "cause", cause);
            }
            case Commands.Stopping() -> {}
        }
        return result;
    }

    private ReloadResult reloaded(Configuration next) {
        Configuration before = activation.inForce().configuration();
        List<String> fixed = ConfigurationChanges.impossible(before, next);
        if (!fixed.isEmpty()) return new Commands.Refused(fixed);
        String lacking = DescriptorNeeds.lacking(next, listeners.socketsBeside(next.listeners()));
        if (lacking != null) return new Commands.Refused(List.of(lacking));
        List<String> changes = ConfigurationChanges.between(before, next);
        String failure = activation.apply(InForce.now(next, Instant.now()));
        return failure == null
                ? new Commands.Reloaded(next.hash(), changes)
                : new Commands.Failed(failure);
    }
}
