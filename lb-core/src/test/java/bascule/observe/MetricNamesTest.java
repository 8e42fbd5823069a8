package bascule.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Guards the names that dashboards and alert rules rely on, as they stand in a scrape.
final class MetricNamesTest {
    private static final Pattern SAMPLE = Pattern.compile("(bascule_\\w+)(?:\\{(.*)})? [-+.\\w]+");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final Metrics metrics = Metrics.create("1.2.3", 1);

    @BeforeEach
    void countEverythingOnce() {
        metrics.config("0123abcd");
        metrics.configReloaded("loaded");
        metrics.serverState(() -> List.of(new ServerSample("web", "a", true, "up")));
        LoopMetrics loop = metrics.loop(0);
        loop.exchange("http", "web", "a").completed(200);
        loop.server("web", "a").exchange.record(5_000_000);
        loop.listener("http").rejected("field");
        loop.listener("http").acceptError("descriptors");
        loop.listener("http").expectHandshakes();
        metrics.certificates(() -> Map.of("www.example.com", Instant.EPOCH));
        loop.backend("web").retried("connect");
        metrics.cluster(
                () ->
                        new ClusterSample(
                                2,
                                0,
                                Map.of("public", true),
                                Map.of("public", Map.of("start", 1L)),
                                Map.of("forged", 0L)));
    }

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void givenScrape_whenDescribed_thenAsInTheGoldenFile() throws IOException {
        assertEquals(golden(), describe(metrics.scrape(null)));
    }

    @Test
    void givenPlantedRename_whenDescribed_thenNotAsInTheGoldenFile() throws IOException {
        String renamed =
                metrics.scrape(null).replace("bascule_rejected_total", "bascule_refused_total");

        assertThat(describe(renamed)).isNotEqualTo(golden()).contains("bascule_refused_total");
    }

    @Test
    void givenPlantedLabel_whenDescribed_thenNotAsInTheGoldenFile() throws IOException {
        String relabelled = metrics.scrape(null).replace("{loop=", "{thread=");

        assertThat(describe(relabelled)).isNotEqualTo(golden());
    }

    @Test
    void givenScrape_whenPromtoolChecksIt_thenItHasNoObjection() throws Exception {
        System.gc(); // Some of the JVM's metrics appear after the first pause.
        Promtool.Result result = Promtool.checkMetrics(metrics.scrape(null));

        assertEquals("", result.output());
        assertEquals(0, result.exit());
    }

    @Test
    void givenPlantedName_whenPromtoolChecksIt_thenItObjects() throws Exception {
        Promtool.Result result =
                Promtool.checkMetrics(
                        metrics.scrape(null)
                                .replace("bascule_connections_open", "bascule_connections_count"));

        assertThat(result.output()).contains("bascule_connections_count");
    }

    private static String golden() throws IOException {
        try (InputStream in = MetricNamesTest.class.getResourceAsStream("/observe/metrics.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /// One paragraph per metric: type, name, labels in the order of the alphabet; bounds of buckets; the values of labels that have
    /// few; help.
    private static String describe(String scrape) {
        var help = new TreeMap<String, String>();
        var type = new TreeMap<String, String>();
        var labels = new TreeMap<String, TreeSet<String>>();
        var bounds = new TreeMap<String, List<String>>();
        var values = new TreeMap<String, List<String>>();
        for (String line : scrape.split("\n")) {
            String[] word = line.split(" ", 4);
            Matcher sample = SAMPLE.matcher(line);
            if (line.startsWith("# HELP bascule_")) {
                help.put(word[2], word[3]);
            } else if (line.startsWith("# TYPE bascule_")) {
                type.put(word[2], word[3]);
            } else if (sample.matches()) {
                String name = family(sample.group(1), type);
                TreeSet<String> names = labels.computeIfAbsent(name, _ -> new TreeSet<>());
                Matcher label = LABEL.matcher(String.valueOf(sample.group(2)));
                while (label.find()) {
                    switch (label.group(1)) {
                        case "le" ->
                                bounds.computeIfAbsent(name, _ -> new ArrayList<>())
                                        .add(label.group(2));
                        case "code", "state" -> {
                            names.add(label.group(1));
                            values.computeIfAbsent(name, _ -> new ArrayList<>())
                                    .add(label.group(2));
                        }
                        default -> names.add(label.group(1));
                    }
                }
            }
        }
        var text = new StringBuilder();
        for (Map.Entry<String, TreeSet<String>> metric : labels.entrySet()) {
            String name = metric.getKey();
            text.append(type.get(name)).append(' ').append(name);
            text.append(metric.getValue().toString().replace('[', '{').replace(']', '}'))
                    .append('\n');
            if (bounds.containsKey(name)) {
                text.append("    le ").append(String.join(" ", bounds.get(name))).append('\n');
            }
            if (values.containsKey(name)) {
                text.append("    is ").append(String.join(" ", values.get(name))).append('\n');
            }
            text.append("    ").append(help.get(name)).append('\n');
        }
        return text.toString();
    }

    private static String family(String sample, Map<String, String> types) {
        String stem = sample.replaceFirst("_(bucket|count|sum)$", "");
        return "histogram".equals(types.get(stem)) ? stem : sample;
    }

    /// Prometheus's own checker. Where it is missing the test is skipped with a line; where CI is set it fails.
    private static final class Promtool {
        record Result(int exit, String output) {}

        static Result checkMetrics(String scrape) throws Exception {
            Process process;
            try {
                process =
                        new ProcessBuilder("promtool", "check", "metrics")
                                .redirectErrorStream(true)
                                .start();
            } catch (IOException e) {
                if ("true".equals(System.getenv("CI"))) throw e;
                return abort("skipped: promtool is missing (Debian package prometheus)");
            }
            try (var in = process.outputWriter(StandardCharsets.UTF_8)) {
                in.write(scrape);
            }
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output);
        }
    }
}
