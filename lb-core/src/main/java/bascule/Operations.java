package bascule;

import bascule.admin.Commands;
import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.cluster.Cluster;
import bascule.cluster.HandOver;
import bascule.config.EffectiveConfiguration;
import bascule.config.FloatingIpConfig;
import bascule.health.Health;
import bascule.observe.Metrics;
import bascule.server.Server;
import bascule.server.ServerStatus;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What the admin socket may ask of the daemon, handed on to those who can do it.
///
/// @param inForce the configuration, and since when
/// @param reloads reads the file anew and puts it in force
/// @param reopens opens the log's file anew
/// @param cluster null for none
record Operations(
        Supplier<InForce> inForce,
        Backends backends,
        Health health,
        Metrics metrics,
        Supplier<CompletableFuture<ReloadResult>> reloads,
        Supplier<CompletableFuture<Optional<Path>>> reopens,
        Supplier<@Nullable Cluster> cluster)
        implements Commands {
    @Override
    public String configuration() {
        return EffectiveConfiguration.render(inForce.get().configuration());
    }

    @Override
    public CompletableFuture<ReloadResult> reload() {
        return reloads.get();
    }

    @Override
    public CompletableFuture<ServerResult> server(String backend, String server) {
        Server found = find(backend, server);
        return CompletableFuture.completedFuture(
                found == null ? unknown(backend) : result(found, found.status(), null));
    }

    @Override
    public CompletableFuture<ServerResult> change(Verb verb, String backend, String server) {
        Server found = find(backend, server);
        if (found == null) return CompletableFuture.completedFuture(unknown(backend));
        ServerStatus.Admin wanted =
                switch (verb) {
                    case DRAIN -> ServerStatus.Admin.DRAINING;
                    case ENABLE -> ServerStatus.Admin.ENABLED;
                    case DISABLE -> ServerStatus.Admin.DISABLED;
                };
        return health.admin(backend, server, wanted)
                .thenApply(
                        outcome ->
                                switch (outcome) {
                                    case Health.Outcome.Done(var status, var notKept) ->
                                            result(found, status, notKept);
                                    case Health.Outcome.Unknown() -> unknown(backend);
                                    case Health.Outcome.Stopped() -> new Stopping();
                                });
    }

    @Override
    public CompletableFuture<LogsResult> reopenLogs() {
        return reopens.get()
                .handle(
                        (file, failure) ->
                                failure == null
                                        ? new Reopened(file.stream().map(Path::toString).toList())
                                        : new Failed(String.valueOf(failure.getMessage())));
    }

    @Override
    public CompletableFuture<HandOverResult> handOver(@Nullable String floatingIp) {
        Cluster nodes = cluster.get();
        if (nodes == null)
            return CompletableFuture.completedFuture(new Failed("this daemon has no cluster"));
        List<String> known =
                inForce.get().configuration().floatingIps().stream()
                        .map(FloatingIpConfig::name)
                        .toList();
        if (floatingIp != null && !known.contains(floatingIp))
            return CompletableFuture.completedFuture(new NoSuchFloatingIp(known));
        return nodes.handOver(floatingIp)
                .thenApply(all -> new HandedOver(all.stream().map(Operations::move).toList()));
    }

    private static Move move(HandOver of) {
        return new Move(
                of.floatingIp(),
                of.from(),
                of.to(),
                of.steps().stream().map(step -> new Step(step.name(), step.millis())).toList(),
                of.failure());
    }

    private @Nullable Server find(String backend, String server) {
        for (Backend each : backends.all()) {
            if (!each.name().equals(backend)) continue;
            for (Server one : each.servers()) if (one.name().equals(server)) return one;
        }
        return null;
    }

    private ServerResult unknown(String backend) {
        for (Backend each : backends.all()) {
            if (each.name().equals(backend))
                return new NoSuchServer(each.servers().stream().map(Server::name).toList());
        }
        return new NoSuchBackend(backends.all().stream().map(Backend::name).toList());
    }

    private ServerIs result(Server server, ServerStatus status, @Nullable String notKept) {
        return new ServerIs(
                word(status.admin()),
                status.state(),
                // A place may be taken by an exchange that is only on its way to its loop.
                Math.max(metrics.serverRunning(server.backend(), server.name()), server.taken()),
                notKept);
    }

    /// As `/status` has it.
    static String word(ServerStatus.Admin admin) {
        return switch (admin) {
            case ENABLED -> "enabled";
            case DRAINING -> "drained";
            case DISABLED -> "disabled";
        };
    }
}
