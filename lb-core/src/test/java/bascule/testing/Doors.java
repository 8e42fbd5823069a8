package bascule.testing;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.config.BackendProtocol;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.ListenerConfig;
import bascule.config.LoadResult;
import bascule.listen.Listeners;
import bascule.listen.OwnPorts;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.AccessLog;
import bascule.observe.Metrics;
import bascule.proxy.BackendRules;
import bascule.proxy.StickyKey;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import bascule.tls.TicketRing;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// Listeners and what stands behind them, without the rest of a daemon, for tests that look at these from the side. All servers are
/// usable once [#publish] is called, and plain.
public final class Doors implements AutoCloseable {
    public final OwnPorts ports = new OwnPorts();
    public final Backends backends = new Backends();
    public final Metrics metrics;
    public final Transport transport;
    public final Listeners listeners;
    private final AccessLog accessLog;
    private final List<Worker> workers = new ArrayList<>();
    private final Path file;

    /// @param folder where files that the text names are looked for
    public Doors(String text, Path folder) throws IOException {
        file = folder.resolve("test.conf");
        Configuration first = parse(text);
        transport = Transport.open(Transport.Kind.valueOf(first.transport().name()), first.loops());
        int loops = transport.loops().size();
        metrics = Metrics.create("test", loops);
        accessLog = new AccessLog(loops, metrics);
        var limits = first.listeners().getFirst().limits();
        for (Loop loop : transport.loops()) {
            workers.add(
                    new Worker(
                            transport,
                            loop,
                            metrics.loop(loop.index()),
                            accessLog.loop(loop.index()),
                            limits.headersBytes(),
                            limits.headerCount()));
            loop.start(_ -> {});
        }
        accessLog.use(accessLog.prepare(first.logging().access(), first.logging().file()));
        listeners = new Listeners(transport, workers, new TicketRing(Instant.now()), ports, null);
        use(first);
    }

    private Configuration parse(String text) {
        LoadResult read = ConfigurationLoader.parse(text, file, Map.of());
        if (read instanceof LoadResult.Loaded(Configuration configuration)) return configuration;
        throw new AssertionError(read);
    }

    /// Puts another configuration in force, with the same backends.
    public void reload(String text) throws IOException {
        use(parse(text));
    }

    private void use(Configuration next) throws IOException {
        var links = new HashMap<String, ServerLink>();
        next.backends()
                .forEach(each -> links.put(each.name(), ServerLink.plain(BackendProtocol.HTTP1)));
        List<Backend> all = backends.apply(next.backends(), links, _ -> List.of()).all();
        for (Worker worker : workers) {
            CompletableFuture.runAsync(
                            () ->
                                    all.forEach(
                                            each ->
                                                    worker.install(
                                                            each,
                                                            BackendRules.of(
                                                                    each,
                                                                    () -> StickyKey.load(null)))),
                            worker.loop().executor())
                    .join();
        }
        List<String> names = all.stream().map(Backend::name).toList();
        List<ListenerConfig> wanted = next.listeners();
        var prepared = listeners.prepare(wanted);
        listeners.apply(
                wanted, listener -> RouteTable.compile(listener, 0, names::indexOf), all, prepared);
        listeners.open(wanted, prepared);
    }

    /// All servers may be chosen.
    public void publish() {
        for (Backend each : backends.all()) each.publish(ServerSet.of(each.servers()));
    }

    public InetSocketAddress address(String listener) {
        return listeners.get(listener).addresses().getFirst();
    }

    @Override
    public void close() {
        listeners.drain();
        listeners.stop();
        for (Worker worker : workers)
            CompletableFuture.runAsync(worker::close, worker.loop().executor()).join();
        transport.close(5000);
        metrics.close();
        accessLog.close();
    }
}
