package bascule;

import bascule.testing.Answer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What the nodes themselves show, and percentiles worked out from it without Prometheus.
final class Scraped {
    private static final Pattern LINE = Pattern.compile("([a-z_]+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");

    private record Line(String name, Map<String, String> labels, double value) {}

    private final List<Line> lines = new ArrayList<>();

    /// @param nodes by what Prometheus calls them
    static Scraped of(Map<String, InetSocketAddress> nodes) throws IOException {
        var scraped = new Scraped();
        nodes.forEach((instance, address) -> scraped.add(instance, address));
        return scraped;
    }

    private void add(String instance, InetSocketAddress address) {
        String text = Answer.get(address, "/metrics").body(StandardCharsets.US_ASCII);
        for (String each : text.split("\n", -1)) {
            Matcher line = LINE.matcher(each);
            if (!line.matches()) continue;
            var labels = new TreeMap<String, String>();
            labels.put("instance", instance);
            Matcher label = LABEL.matcher(String.valueOf(line.group(2)));
            while (label.find()) labels.put(label.group(1), label.group(2));
            double value = Double.parseDouble(line.group(3).replace("Inf", "Infinity"));
            lines.add(new Line(line.group(1), labels, value));
        }
    }

    /// Adds up what has the same values for some labels, as [Expected] writes them.
    Map<String, Double> sums(String name, String... alike) {
        var sums = new TreeMap<String, Double>();
        for (Line line : lines)
            if (line.name.equals(name)) sums.merge(key(line, alike), line.value, Double::sum);
        return sums;
    }

    private static String key(Line line, String... alike) {
        return List.of(alike).stream()
                .map(label -> label + "=" + line.labels.get(label))
                .collect(Collectors.joining(","));
    }

    /// Percentiles by linear interpolation within a bucket, of those histograms that hold something.
    Map<String, Double> quantiles(double quantile, String histogram, String... alike) {
        var buckets = new TreeMap<String, TreeMap<Double, Double>>();
        for (Line line : lines)
            if (line.name.equals(histogram + "_bucket"))
                buckets.computeIfAbsent(key(line, alike), _ -> new TreeMap<>())
                        .merge(
                                Double.parseDouble(
                                        line.labels.get("le").replace("Inf", "Infinity")),
                                line.value,
                                Double::sum);
        var quantiles = new TreeMap<String, Double>();
        buckets.forEach(
                (key, counts) -> {
                    if (counts.lastEntry().getValue() > 0)
                        quantiles.put(key, quantile(quantile, counts));
                });
        return quantiles;
    }

    private static double quantile(double quantile, NavigableMap<Double, Double> cumulative) {
        double rank = quantile * cumulative.lastEntry().getValue();
        double start = 0;
        double below = 0;
        for (Map.Entry<Double, Double> bucket : cumulative.entrySet()) {
            double end = bucket.getKey();
            if (bucket.getValue() >= rank)
                return Double.isInfinite(end)
                        ? start
                        : start + (end - start) * (rank - below) / (bucket.getValue() - below);
            start = end;
            below = bucket.getValue();
        }
        throw new AssertionError(cumulative.toString());
    }
}
