package bascule.admin;

import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A daemon for those who command it: the backend `web` with the servers `a` and `10.0.1.12:80`, and `api` with `www.example/10.0.2.1:80`.
/// What each command answers may be set; what was asked is remembered.
public final class FakeCommands implements Commands {
    private static final Map<String, List<String>> BACKENDS =
            Map.of("web", List.of("a", "10.0.1.12:80"), "api", List.of("www.example/10.0.2.1:80"));

    public final Queue<String> asked = new ConcurrentLinkedQueue<>();
    public final Map<String, Verb> wishes = new ConcurrentHashMap<>();
    public volatile String configuration = "listeners {}\n";
    public volatile CompletableFuture<ReloadResult> reload =
            CompletableFuture.completedFuture(new Reloaded("0123abcd", List.of()));
    public volatile CompletableFuture<LogsResult> logs =
            CompletableFuture.completedFuture(new Reopened(List.of()));
    public volatile CompletableFuture<HandOverResult> handOver =
            CompletableFuture.completedFuture(new HandedOver(List.of()));
    public volatile long exchanges;
    public volatile String notKept;
    public volatile String health = "up";

    @Override
    public String configuration() {
        asked.add("configuration");
        return configuration;
    }

    @Override
    public CompletableFuture<ReloadResult> reload() {
        asked.add("reload");
        return reload;
    }

    @Override
    public CompletableFuture<ServerResult> server(String backend, String server) {
        asked.add("server " + backend + " " + server);
        return CompletableFuture.completedFuture(now(backend, server));
    }

    @Override
    public CompletableFuture<ServerResult> change(Verb verb, String backend, String server) {
        asked.add(verb + " " + backend + " " + server);
        wishes.put(backend + " " + server, verb);
        return CompletableFuture.completedFuture(now(backend, server));
    }

    @Override
    public CompletableFuture<LogsResult> reopenLogs() {
        asked.add("reopenLogs");
        return logs;
    }

    @Override
    public CompletableFuture<HandOverResult> handOver(String floatingIp) {
        asked.add("handOver " + floatingIp);
        return handOver;
    }

    private ServerResult now(String backend, String server) {
        List<String> servers = BACKENDS.get(backend);
        if (servers == null) return new NoSuchBackend(List.of("api", "web"));
        if (!servers.contains(server)) return new NoSuchServer(servers);
        return switch (wishes.getOrDefault(backend + " " + server, Verb.ENABLE)) {
            case ENABLE -> new ServerIs("enabled", health, exchanges, notKept);
            case DRAIN -> new ServerIs("drained", "draining", exchanges, notKept);
            case DISABLE -> new ServerIs("disabled", "disabled", exchanges, notKept);
        };
    }
}
