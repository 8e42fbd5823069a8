package bascule.proxy;

import bascule.backend.Backend;
import bascule.backend.ConnectionPool;
import bascule.http1.HeadWriter;
import bascule.http1.Http1Codec;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.BackendMetrics;
import bascule.observe.LoopAccessLog;
import bascule.observe.LoopMetrics;
import bascule.server.Server;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;

/// What all exchanges of one loop share: codec, rewriters, pools, metrics, and the exchanges themselves, which are used again.
/// Confined to its loop.
public final class Worker {
    /// Most exchanges kept for later, of those that were under way at once.
    private static final int MOST_SPARE = 4096;

    /// Added to a head beside its own host and the client's: fixed names, addresses, IDs.
    private static final int ADDED_BYTES = 1024;

    final Loop loop;
    final Http1Codec codec;
    final LoopMetrics metrics;
    final LoopAccessLog accessLog;
    final RequestRewriter requests;
    final ResponseRewriter responses;
    final ErrorPage pages;
    private final List<Backend> backends;
    private final BackendMetrics[] backendMetrics;
    private final ConnectionPool[] pools;
    private int connections;
    private boolean memoryTight;
    private final ArrayDeque<Exchange> spare = new ArrayDeque<>();

    /// @param headBytes, headerCount the largest limits of any listener
    public Worker(
            Transport transport,
            Loop loop,
            List<Backend> backends,
            LoopMetrics metrics,
            LoopAccessLog accessLog,
            int headBytes,
            int headerCount) {
        this.loop = loop;
        this.backends = List.copyOf(backends);
        this.metrics = metrics;
        this.accessLog = accessLog;
        codec = new Http1Codec(loop, headBytes, headerCount);
        int longest = Math.max(headBytes, Http1Codec.RESPONSE_LIMITS.headBytes());
        // The old head, its host twice, and what is added.
        var writer = new HeadWriter(3 * longest + ADDED_BYTES);
        requests = new RequestRewriter(writer, loop.allocator(), new SecureRandom().nextLong());
        responses = new ResponseRewriter(writer, loop.allocator());
        pages = new ErrorPage(writer, loop.allocator(), 3 * headBytes);
        int servers = backends.stream().mapToInt(backend -> backend.servers().size()).sum();
        pools = new ConnectionPool[servers];
        backendMetrics = new BackendMetrics[backends.size()];
        for (int index = 0; index < backendMetrics.length; index++) {
            Backend backend = backends.get(index);
            backendMetrics[index] = metrics.backend(backend.name());
            backendMetrics[index].expectRetries(
                    Arrays.stream(Failure.values())
                            .filter(failure -> failure.resend() != Failure.Resend.NEVER)
                            .map(Failure::reason)
                            .toList());
            for (Server server : backend.servers()) {
                pools[server.index()] =
                        new ConnectionPool(
                                transport,
                                codec,
                                backend.config(),
                                server,
                                metrics.server(backend.name(), server.name()));
            }
        }
    }

    public Loop loop() {
        return loop;
    }

    public Http1Codec codec() {
        return codec;
    }

    public LoopMetrics metrics() {
        return metrics;
    }

    /// A client connection stands.
    public void opened() {
        metrics.connections(++connections);
    }

    /// A client connection is gone.
    public void closed() {
        metrics.connections(--connections);
    }

    /// Is there too little direct memory left for one more connection? Looked at once per tick.
    public boolean memoryTight() {
        return memoryTight;
    }

    /// At every tick of the loop.
    ///
    /// @param tight see [#memoryTight()]
    public void tick(long lagNanos, boolean tight) {
        metrics.lag(lagNanos);
        memoryTight = tight;
    }

    List<Backend> backends() {
        return backends;
    }

    BackendMetrics backendMetrics(int backend) {
        return backendMetrics[backend];
    }

    ConnectionPool pool(Server server) {
        return pools[server.index()];
    }

    int servers() {
        return pools.length;
    }

    Exchange lend() {
        Exchange exchange = spare.pollLast();
        return exchange == null ? new Exchange(this) : exchange;
    }

    void takeBack(Exchange exchange) {
        if (spare.size() < MOST_SPARE) spare.addLast(exchange);
    }

    /// Closes all idle connections to servers.
    public void close() {
        for (ConnectionPool pool : pools) pool.close();
    }
}
