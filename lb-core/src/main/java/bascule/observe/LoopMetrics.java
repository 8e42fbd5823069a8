package bascule.observe;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Everything that one loop counts. The look-ups are for set-up, by any thread: whoever counts keeps what they return in a
/// field. What they return is written by this loop only. An absent name is [Metrics#NONE].
///
/// To remove a name ends its series. Whoever still holds what was counted there may go on writing to it: nobody reads it. The
/// same name asked for later begins at 0.
public final class LoopMetrics {
    private static final int CONNECTIONS = 0;

    final Map<String, ListenerMetrics> listeners = new ConcurrentHashMap<>();
    final Map<String, BackendMetrics> backends = new ConcurrentHashMap<>();
    final Map<ServerName, ServerMetrics> servers = new ConcurrentHashMap<>();

    /// By server, then by listener.
    final Map<ServerName, Map<String, ExchangeMetrics>> exchanges = new ConcurrentHashMap<>();

    /// Of all listeners: their metric does not name them, and a counter must not fall when one is removed.
    final ReasonCounters acceptErrors = new ReasonCounters();

    final LogLinearHistogram lag = new LogLinearHistogram();
    private final Counters counters = new Counters(1);

    LoopMetrics() {}

    public ListenerMetrics listener(String listener) {
        return listeners.computeIfAbsent(listener, _ -> new ListenerMetrics(acceptErrors));
    }

    public BackendMetrics backend(String backend) {
        return backends.computeIfAbsent(backend, _ -> new BackendMetrics());
    }

    public ServerMetrics server(String backend, String server) {
        return servers.computeIfAbsent(new ServerName(backend, server), _ -> new ServerMetrics());
    }

    public ExchangeMetrics exchange(String listener, String backend, String server) {
        return exchanges
                .computeIfAbsent(new ServerName(backend, server), _ -> new ConcurrentHashMap<>())
                .computeIfAbsent(listener, _ -> new ExchangeMetrics());
    }

    void removeListener(String listener) {
        listeners.remove(listener);
        exchanges.values().forEach(byListener -> byListener.remove(listener));
    }

    void removeBackend(String backend) {
        backends.remove(backend);
        servers.keySet().removeIf(name -> name.backend().equals(backend));
        exchanges.keySet().removeIf(name -> name.backend().equals(backend));
    }

    void removeServer(ServerName server) {
        servers.remove(server);
        exchanges.remove(server);
    }

    /// Counts by how much a tick of the loop came late; ten in a second, shown as a histogram by loop.
    public void lag(long nanos) {
        lag.record(nanos);
    }

    /// @param open connections of clients that live on this loop
    public void connections(int open) {
        counters.set(CONNECTIONS, open);
    }

    long connections() {
        return counters.get(CONNECTIONS);
    }
}
