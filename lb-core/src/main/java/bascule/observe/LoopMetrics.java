package bascule.observe;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Everything that one loop counts. The look-ups are for set-up, by any thread: whoever counts keeps what they return in a
/// field. What they return is written by this loop only. An absent name is [Metrics#NONE].
public final class LoopMetrics {
    record ServerKey(String backend, String server) {}

    record ExchangeKey(String listener, String backend, String server) {}

    private static final int CONNECTIONS = 0;

    final Map<String, ListenerMetrics> listeners = new ConcurrentHashMap<>();
    final Map<String, BackendMetrics> backends = new ConcurrentHashMap<>();
    final Map<ServerKey, ServerMetrics> servers = new ConcurrentHashMap<>();
    final Map<ExchangeKey, ExchangeMetrics> exchanges = new ConcurrentHashMap<>();
    final LogLinearHistogram lag = new LogLinearHistogram();
    private final Counters counters = new Counters(1);

    LoopMetrics() {}

    public ListenerMetrics listener(String listener) {
        return listeners.computeIfAbsent(listener, _ -> new ListenerMetrics());
    }

    public BackendMetrics backend(String backend) {
        return backends.computeIfAbsent(backend, _ -> new BackendMetrics());
    }

    public ServerMetrics server(String backend, String server) {
        return servers.computeIfAbsent(new ServerKey(backend, server), _ -> new ServerMetrics());
    }

    public ExchangeMetrics exchange(String listener, String backend, String server) {
        return exchanges.computeIfAbsent(
                new ExchangeKey(listener, backend, server), _ -> new ExchangeMetrics());
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
