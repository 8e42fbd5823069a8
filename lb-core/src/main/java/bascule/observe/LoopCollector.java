package bascule.observe;

import static bascule.observe.MetricNames.ACCEPT_ERRORS;
import static bascule.observe.MetricNames.ACCESS_LOG_DROPPED;
import static bascule.observe.MetricNames.BUILD_INFO;
import static bascule.observe.MetricNames.CERTIFICATE_EXPIRY;
import static bascule.observe.MetricNames.CERTIFICATE_RELOADS;
import static bascule.observe.MetricNames.CLUSTER_CONFIG_DIFFERS;
import static bascule.observe.MetricNames.CLUSTER_NODES;
import static bascule.observe.MetricNames.CONFIG_INFO;
import static bascule.observe.MetricNames.CONFIG_RELOADS;
import static bascule.observe.MetricNames.CONNECTIONS_LIMIT;
import static bascule.observe.MetricNames.CONNECTIONS_OPEN;
import static bascule.observe.MetricNames.CONNECT_DURATION;
import static bascule.observe.MetricNames.EVENTS_DROPPED;
import static bascule.observe.MetricNames.EVENT_LOOP_LAG;
import static bascule.observe.MetricNames.EXCHANGES;
import static bascule.observe.MetricNames.EXCHANGE_DURATION;
import static bascule.observe.MetricNames.FIRST_BYTE_DURATION;
import static bascule.observe.MetricNames.FLOATING_IP_CHANGES;
import static bascule.observe.MetricNames.FLOATING_IP_OWNED;
import static bascule.observe.MetricNames.LOOP_CONNECTIONS;
import static bascule.observe.MetricNames.OWNER_PORT_DROPPED;
import static bascule.observe.MetricNames.RECEIVED_BYTES;
import static bascule.observe.MetricNames.REJECTED;
import static bascule.observe.MetricNames.RETRIES;
import static bascule.observe.MetricNames.SENT_BYTES;
import static bascule.observe.MetricNames.SERVER_CONNECTIONS;
import static bascule.observe.MetricNames.SERVER_POOL_IDLE;
import static bascule.observe.MetricNames.SERVER_STATE;
import static bascule.observe.MetricNames.SERVER_UP;
import static bascule.observe.MetricNames.TLS_HANDSHAKES;

import bascule.observe.MetricNames.Metric;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Adds up what the loops have counted, at each scrape, on the scraping thread.
final class LoopCollector implements MultiCollector {
    private static final double[] BOUNDS = boundsWithInfinity();

    private final Metrics metrics;

    LoopCollector(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public MetricSnapshots collect() {
        var families = new Families();
        families.add(BUILD_INFO, 1, metrics.version);
        families.add(CONFIG_INFO, 1, metrics.configHash);
        families.add(ACCESS_LOG_DROPPED, metrics.accessLogDropped.getAsLong());
        families.add(EVENTS_DROPPED, Events.dropped());
        metrics.reloads.forEach(
                (result, count) -> families.add(CONFIG_RELOADS, count.get(), result));
        metrics.certificateReloads.forEach(
                (result, count) -> families.add(CERTIFICATE_RELOADS, count.get(), result));
        metrics.certificates
                .get()
                .forEach(
                        (name, end) ->
                                families.add(CERTIFICATE_EXPIRY, end.getEpochSecond(), name));
        for (ServerSample server : metrics.serverStates.get()) servers(server, families);
        ClusterSample cluster = metrics.cluster.get();
        if (cluster != null) cluster(cluster, families);
        for (int i = 0; i < metrics.loops().size(); i++) {
            loop(metrics.loops().get(i), Integer.toString(i), families);
        }
        return families.snapshots();
    }

    private static void cluster(ClusterSample cluster, Families families) {
        families.add(CLUSTER_NODES, cluster.nodes());
        families.add(CLUSTER_CONFIG_DIFFERS, cluster.differing());
        cluster.owned()
                .forEach((name, owned) -> families.add(FLOATING_IP_OWNED, owned ? 1 : 0, name));
        cluster.changes()
                .forEach(
                        (name, reasons) ->
                                reasons.forEach(
                                        (reason, count) ->
                                                families.add(
                                                        FLOATING_IP_CHANGES, count, name, reason)));
        cluster.dropped()
                .forEach((reason, count) -> families.add(OWNER_PORT_DROPPED, count, reason));
    }

    private static void servers(ServerSample server, Families families) {
        families.add(SERVER_UP, server.up() ? 1 : 0, server.backend(), server.server());
        for (String state : Metrics.SERVER_STATES) {
            long is = state.equals(server.state()) ? 1 : 0;
            families.add(SERVER_STATE, is, server.backend(), server.server(), state);
        }
    }

    private static void loop(LoopMetrics loop, String index, Families families) {
        families.add(LOOP_CONNECTIONS, loop.connections(), index);
        families.add(EVENT_LOOP_LAG, loop.lag, index);
        loop.listeners.forEach(
                (listener, counts) -> {
                    families.add(CONNECTIONS_OPEN, counts.open(), listener);
                    families.set(CONNECTIONS_LIMIT, counts.limit(), listener);
                    counts.rejected.forEach(
                            (reason, count) -> families.add(REJECTED, count, listener, reason));
                    counts.handshakes.forEach(
                            (result, resumed, version, count) ->
                                    families.add(
                                            TLS_HANDSHAKES,
                                            count,
                                            listener,
                                            result,
                                            resumed,
                                            version));
                });
        loop.acceptErrors.forEach((reason, count) -> families.add(ACCEPT_ERRORS, count, reason));
        loop.backends.forEach(
                (backend, counts) ->
                        counts.retries.forEach(
                                (reason, count) -> families.add(RETRIES, count, backend, reason)));
        loop.servers.forEach(
                (key, counts) -> {
                    families.add(EXCHANGE_DURATION, counts.exchange, key.backend(), key.server());
                    families.add(CONNECT_DURATION, counts.connect, key.backend(), key.server());
                    families.add(
                            FIRST_BYTE_DURATION, counts.firstByte, key.backend(), key.server());
                    families.add(
                            SERVER_CONNECTIONS, counts.connections(), key.backend(), key.server());
                    families.add(SERVER_POOL_IDLE, counts.idle(), key.backend(), key.server());
                });
        loop.exchanges.forEach(
                (server, byListener) ->
                        byListener.forEach(
                                (listener, counts) ->
                                        exchanges(listener, server, counts, families)));
    }

    private static void exchanges(
            String listener, ServerName server, ExchangeMetrics counts, Families families) {
        String[] labels = {listener, server.backend(), server.server()};
        families.add(RECEIVED_BYTES, counts.received(), labels);
        families.add(SENT_BYTES, counts.sent(), labels);
        for (int code = 0; code < ExchangeMetrics.CODES.length; code++) {
            families.add(
                    EXCHANGES,
                    counts.exchanges(code),
                    listener,
                    server.backend(),
                    server.server(),
                    ExchangeMetrics.CODES[code]);
        }
    }

    private static double[] boundsWithInfinity() {
        double[] finite = LogLinearHistogram.boundsSeconds();
        double[] all = Arrays.copyOf(finite, finite.length + 1);
        all[finite.length] = Double.POSITIVE_INFINITY;
        return all;
    }

    /// Sums, per metric and its label values.
    private static final class Families {
        private final Map<Metric, Map<List<String>, long[]>> values = new LinkedHashMap<>();

        void add(Metric metric, long value, String... labels) {
            cells(metric, 1, labels)[0] += value;
        }

        /// Of what all loops know alike, and what does not add up.
        void set(Metric metric, long value, String... labels) {
            cells(metric, 1, labels)[0] = value;
        }

        void add(Metric metric, LogLinearHistogram histogram, String... labels) {
            long[] cells = cells(metric, LogLinearHistogram.BUCKETS + 1, labels);
            histogram.addBucketsTo(cells);
            cells[LogLinearHistogram.BUCKETS] += histogram.sumNanos();
        }

        private long[] cells(Metric metric, int length, String... labels) {
            return values.computeIfAbsent(metric, _ -> new LinkedHashMap<>())
                    .computeIfAbsent(List.of(labels), _ -> new long[length]);
        }

        MetricSnapshots snapshots() {
            var snapshots = new ArrayList<MetricSnapshot>();
            values.forEach((metric, points) -> snapshots.add(snapshot(metric, points)));
            return new MetricSnapshots(snapshots);
        }

        private static MetricSnapshot snapshot(Metric metric, Map<List<String>, long[]> points) {
            return switch (metric.kind()) {
                case COUNTER -> {
                    var family =
                            CounterSnapshot.builder()
                                    .name(withoutEnd(metric, "_total"))
                                    .help(metric.help());
                    points.forEach(
                            (labels, cells) ->
                                    family.dataPoint(
                                            CounterDataPointSnapshot.builder()
                                                    .labels(Labels.of(metric.labels(), labels))
                                                    .value((double) cells[0])
                                                    .build()));
                    yield family.build();
                }
                case GAUGE -> {
                    var family = GaugeSnapshot.builder().name(metric.name()).help(metric.help());
                    points.forEach(
                            (labels, cells) ->
                                    family.dataPoint(
                                            GaugeDataPointSnapshot.builder()
                                                    .labels(Labels.of(metric.labels(), labels))
                                                    .value((double) cells[0])
                                                    .build()));
                    yield family.build();
                }
                case HISTOGRAM -> {
                    var family =
                            HistogramSnapshot.builder().name(metric.name()).help(metric.help());
                    points.forEach(
                            (labels, cells) ->
                                    family.dataPoint(
                                            HistogramDataPointSnapshot.builder()
                                                    .labels(Labels.of(metric.labels(), labels))
                                                    .classicHistogramBuckets(buckets(cells))
                                                    .sum(cells[LogLinearHistogram.BUCKETS] / 1e9)
                                                    .build()));
                    yield family.build();
                }
                case INFO -> {
                    var family =
                            InfoSnapshot.builder()
                                    .name(withoutEnd(metric, "_info"))
                                    .help(metric.help());
                    points.forEach(
                            (labels, _) ->
                                    family.dataPoint(
                                            InfoDataPointSnapshot.builder()
                                                    .labels(Labels.of(metric.labels(), labels))
                                                    .build()));
                    yield family.build();
                }
            };
        }

        private static ClassicHistogramBuckets buckets(long[] cells) {
            return ClassicHistogramBuckets.of(
                    BOUNDS, Arrays.copyOf(cells, LogLinearHistogram.BUCKETS));
        }

        /// The library appends these itself.
        private static String withoutEnd(Metric metric, String end) {
            if (!metric.name().endsWith(end)) throw new AssertionError(metric.name());
            return metric.name().substring(0, metric.name().length() - end.length());
        }
    }
}
