package bascule.proxy;

import bascule.backend.Backend;
import bascule.backend.Http1Pool;
import bascule.backend.Http2Pool;
import bascule.backend.ServerConnections;
import bascule.http1.HeadWriter;
import bascule.http1.Http1Codec;
import bascule.http2.Http2Codec;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.BackendMetrics;
import bascule.observe.ExchangeMetrics;
import bascule.observe.LoopAccessLog;
import bascule.observe.LoopMetrics;
import bascule.observe.ServerMetrics;
import bascule.server.Server;
import bascule.server.ServerLink;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What all exchanges of one loop share: codec, rewriters, pools, metrics, and the exchanges themselves, which are used again.
/// Confined to its loop.
public final class Worker {
    /// Most exchanges kept for later, of those that were under way at once.
    private static final int MOST_SPARE = 4096;

    /// Added to a head beside its own host and the client's: fixed names, addresses, IDs, a client certificate's subject.
    private static final int ADDED_BYTES = 3 * 1024;

    final Loop loop;
    final Http1Codec codec;
    final Http2Codec http2Codec;
    final LoopMetrics metrics;
    final LoopAccessLog accessLog;

    /// What the daemon's own checks are counted on.
    final ExchangeMetrics unseen = ExchangeMetrics.unseen();

    final RequestRewriter requests;
    final ResponseRewriter responses;
    final ErrorPage pages;
    private final Transport transport;
    private final HeadWriter writer;
    private final Map<Backend, LoopBackend> backends = new HashMap<>();
    private @Nullable ServerConnections[] pools = {}; // By Server.index().
    private int connections;
    private boolean memoryTight;
    private final ArrayDeque<Exchange> spare = new ArrayDeque<>();

    /// @param headBytes, headerCount the largest limits of any listener
    public Worker(
            Transport transport,
            Loop loop,
            LoopMetrics metrics,
            LoopAccessLog accessLog,
            int headBytes,
            int headerCount) {
        this.transport = transport;
        this.loop = loop;
        this.metrics = metrics;
        this.accessLog = accessLog;
        codec = new Http1Codec(loop, headBytes, headerCount);
        http2Codec = new Http2Codec(codec);
        writer = new HeadWriter(rewrittenBytes(headBytes));
        requests = new RequestRewriter(writer, loop.allocator(), new SecureRandom().nextLong());
        responses = new ResponseRewriter(writer, loop.allocator());
        pages = new ErrorPage(writer, loop.allocator());
    }

    /// Longest head that may come of one: the old head, its host twice, and what is added.
    private static int rewrittenBytes(int headBytes) {
        return 3 * Math.max(headBytes, Http1Codec.RESPONSE_LIMITS.headBytes()) + ADDED_BYTES;
    }

    /// From now on heads may be as large as this. On the loop, between two events of it.
    ///
    /// @param headBytes, headerCount the largest limits of any listener
    /// @param growthBytes see [bascule.route.RouteTable#growthBytes()]
    public void reserve(int headBytes, int headerCount, int growthBytes) {
        loop.assertInside();
        codec.reserve(headBytes, headerCount);
        writer.reserve(rewrittenBytes(headBytes) + growthBytes);
    }

    /// A backend is new, or its configuration or its servers are. On the loop, before any of these servers can be chosen.
    public void install(Backend backend, BackendRules rules) {
        backends.computeIfAbsent(backend, _ -> newBackend(backend, rules)).install(rules);
        for (Server server : backend.servers()) {
            ServerConnections known = pool(server);
            if (known != null && known.link() == backend.link()) {
                known.reconfigure(backend.config());
                continue;
            }
            open(backend, server);
            if (known != null) known.close(); // What runs on it ends there.
        }
    }

    private LoopBackend newBackend(Backend backend, BackendRules rules) {
        BackendMetrics counts = metrics.backend(backend.name());
        counts.expectRetries(
                Arrays.stream(Failure.values())
                        .filter(failure -> failure.resend() != Failure.Resend.NEVER)
                        .map(Failure::reason)
                        .toList());
        return new LoopBackend(backend, counts, rules);
    }

    private void open(Backend backend, Server server) {
        int index = server.index();
        if (index >= pools.length) pools = Arrays.copyOf(pools, Math.max(16, 2 * index));
        ServerMetrics counts = metrics.server(backend.name(), server.name());
        ServerLink link = backend.link();
        pools[index] =
                switch (link.protocol()) {
                    case HTTP1 ->
                            new Http1Pool(transport, codec, backend.config(), link, server, counts);
                    case H2 ->
                            new Http2Pool(
                                    transport,
                                    loop,
                                    http2Codec,
                                    backend.config(),
                                    link,
                                    server,
                                    counts);
                };
    }

    /// A server is gone for good: what runs on it may end, what is idle is closed. On the loop, when it can be chosen no more.
    public void retire(Server server) {
        loop.assertInside();
        ServerConnections gone = pool(server);
        if (gone == null) return;
        gone.close();
        pools[server.index()] = null;
    }

    /// A backend is gone for good, after its servers.
    public void remove(Backend backend) {
        loop.assertInside();
        backends.remove(backend);
    }

    public Loop loop() {
        return loop;
    }

    public Http1Codec codec() {
        return codec;
    }

    public Http2Codec http2Codec() {
        return http2Codec;
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

    /// @param backend an installed one
    LoopBackend backend(Backend backend) {
        return backends.computeIfAbsent(
                backend,
                _ -> {
                    throw new IllegalStateException("not installed: " + backend.name());
                });
    }

    /// @return null if the server is retired
    @Nullable ServerConnections pool(Server server) {
        int index = server.index();
        ServerConnections known = index < pools.length ? pools[index] : null;
        return known != null && known.server() == server ? known : null;
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
        for (ServerConnections pool : pools) if (pool != null) pool.close();
    }
}
