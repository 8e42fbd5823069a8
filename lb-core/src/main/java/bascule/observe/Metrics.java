package bascule.observe;

import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmInfoMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// All that the daemon counts; one per daemon. Each loop writes to its own [LoopMetrics]; a scrape adds them up on the thread
/// that asks, and disturbs no loop. The JVM's and the process's own metrics keep Micrometer's names.
public final class Metrics implements AutoCloseable {
    /// The value of a label that has none.
    public static final String NONE = "none";

    /// The values of the label `state`.
    public static final List<String> SERVER_STATES =
            List.of("up", "down", "draining", "disabled", "ejected");

    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String OPEN_METRICS =
            "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Micrometer's names that `promtool check metrics` objects to. What they tell is told by others too.
    private static final Set<String> DENIED = Set.of("process.cpu.time", "system.cpu.count");

    final String version;
    private final List<LoopMetrics> loops;
    final Map<String, AtomicLong> reloads = new ConcurrentHashMap<>();
    final Map<String, AtomicLong> certificateReloads = new ConcurrentHashMap<>();
    volatile Supplier<List<ServerSample>> serverStates = List::of;
    volatile Supplier<Map<String, Instant>> certificates = Map::of;
    volatile Supplier<@Nullable ClusterSample> cluster = () -> null;
    volatile LongSupplier accessLogDropped = () -> 0;
    volatile String configHash = NONE;

    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics gc = new JvmGcMetrics();

    private Metrics(String version, int loops) {
        this.version = version;
        for (String result : List.of("loaded", "refused", "failed"))
            reloads.put(result, new AtomicLong());
        for (String result : List.of("loaded", "refused"))
            certificateReloads.put(result, new AtomicLong());
        this.loops = IntStream.range(0, loops).mapToObj(_ -> new LoopMetrics()).toList();
    }

    public static Metrics create(String version, int loops) {
        var metrics = new Metrics(version, loops);
        var registry = metrics.registry;
        registry.config().meterFilter(MeterFilter.deny(id -> DENIED.contains(id.getName())));
        new JvmInfoMetrics().bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        metrics.gc.bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        registry.getPrometheusRegistry().register(new LoopCollector(metrics));
        return metrics;
    }

    public LoopMetrics loop(int index) {
        return loops.get(index);
    }

    List<LoopMetrics> loops() {
        return loops;
    }

    /// Exchanges under way at a server, over all loops.
    public long serverRunning(String backend, String server) {
        long sum = 0;
        for (LoopMetrics loop : loops) {
            ServerMetrics known = loop.servers.get(new ServerName(backend, server));
            if (known != null) sum += known.running();
        }
        return sum;
    }

    /// Connections to a server, in use or idle, over all loops. From any thread.
    public long serverConnections(String backend, String server) {
        var name = new ServerName(backend, server);
        long sum = 0;
        for (LoopMetrics loop : loops) {
            ServerMetrics counted = loop.servers.get(name); // To ask must not make a series.
            if (counted != null) sum += counted.connections();
        }
        return sum;
    }

    /// From any thread.
    public ServerTotals serverTotals(String backend, String server) {
        var name = new ServerName(backend, server);
        ServerTotals sum = ServerTotals.ZERO;
        for (LoopMetrics loop : loops) {
            for (var counted : loop.exchanges.getOrDefault(name, Map.of()).values())
                sum = sum.plus(counted.exchanges(), counted.errors());
        }
        return sum;
    }

    /// The same for all that came through a listener, also what no server was asked for. From any thread.
    public ServerTotals listenerTotals(String listener) {
        ServerTotals sum = ServerTotals.ZERO;
        for (LoopMetrics loop : loops) {
            for (var byListener : loop.exchanges.values()) {
                ExchangeMetrics counted = byListener.get(listener);
                if (counted != null) sum = sum.plus(counted.exchanges(), counted.errors());
            }
        }
        return sum;
    }

    /// Exchanges that turned to a backend so far, over all loops. From any thread.
    public long exchangesBegun(String backend) {
        long sum = 0;
        for (LoopMetrics loop : loops) {
            BackendMetrics counted = loop.backends.get(backend);
            if (counted != null) sum += counted.exchangesBegun();
        }
        return sum;
    }

    /// Ends the series of a name that is no longer in the configuration. From any thread, while loops still count: see
    /// [LoopMetrics].
    public void removeListener(String listener) {
        for (LoopMetrics loop : loops) loop.removeListener(listener);
    }

    /// Like [#removeListener]; with all of its servers.
    public void removeBackend(String backend) {
        for (LoopMetrics loop : loops) loop.removeBackend(backend);
    }

    /// Like [#removeListener].
    public void removeServer(String backend, String server) {
        var name = new ServerName(backend, server);
        for (LoopMetrics loop : loops) loop.removeServer(name);
    }

    /// @param source asked once per scrape, on the scraping thread; must not block
    public void serverState(Supplier<List<ServerSample>> source) {
        serverStates = source;
    }

    /// @param hash of the configuration now in force
    public void config(String hash) {
        configHash = hash;
    }

    /// @param result a constant, such as `loaded` or `refused`
    public void configReloaded(String result) {
        reloads.computeIfAbsent(result, _ -> new AtomicLong()).incrementAndGet();
    }

    /// @param source when the certificate for a name ends; asked once per scrape, on the scraping thread; must not block
    public void certificates(Supplier<Map<String, Instant>> source) {
        certificates = source;
    }

    /// @param source what there is to tell of a cluster; asked once per scrape, on the scraping thread; must not block
    public void cluster(Supplier<@Nullable ClusterSample> source) {
        cluster = source;
    }

    /// @param result `loaded` or `refused`
    public void certificatesReloaded(String result) {
        certificateReloads.computeIfAbsent(result, _ -> new AtomicLong()).incrementAndGet();
    }

    /// @param dropped lines lost so far
    void accessLogDropped(LongSupplier dropped) {
        accessLogDropped = dropped;
    }

    /// The format for a request's Accept field: OpenMetrics where it is preferred, else Prometheus text.
    public static String contentType(@Nullable String accept) {
        if (accept == null) return TEXT;
        double openMetrics = 0;
        double text = 0;
        for (String range : accept.toLowerCase(Locale.ROOT).split(",", -1)) {
            String[] parts = range.split(";", -1);
            switch (parts[0].strip()) {
                case "application/openmetrics-text" ->
                        openMetrics = Math.max(openMetrics, quality(parts));
                case "text/plain", "text/*", "*/*" -> text = Math.max(text, quality(parts));
                default -> {}
            }
        }
        return openMetrics > 0 && openMetrics >= text ? OPEN_METRICS : TEXT;
    }

    private static double quality(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip();
            if (!parameter.startsWith("q=")) continue;
            try {
                return Double.parseDouble(parameter.substring(2));
            } catch (NumberFormatException _) {
                return 0;
            }
        }
        return 1;
    }

    /// @param contentType as returned by [#contentType]
    public void scrape(OutputStream out, String contentType) throws IOException {
        var plain = new PlainBounds(out);
        registry.scrape(plain, contentType);
        plain.finish();
    }

    public String scrape(@Nullable String accept) {
        var out = new ByteArrayOutputStream();
        try {
            scrape(out, contentType(accept));
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        gc.close();
        registry.close();
    }
}
