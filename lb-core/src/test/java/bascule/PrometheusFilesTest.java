package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.observe.Metrics;
import bascule.testing.BasculeProcess;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The rules for Prometheus and the dashboard for Grafana, as files. What their queries answer, [PrometheusIT] asks.
final class PrometheusFilesTest {
    private static final Path FOLDER = BasculeProcess.ROOT.resolve("packaging/prometheus");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final List<String> FILES = List.of("recording.yml", "alerts.yml", "scrape.yml");
    private static final List<String> TESTS = List.of("alerts.yml", "hours.yml", "recording.yml");

    /// What stands where a metric's name would, or behind it.
    private static final Set<String> WORDS = Set.of("and", "or", "unless", "bool", "vector", "e");

    @TempDir Path folder = Path.of("");

    private static Tool.Ended promtool(String... arguments) throws Exception {
        Peers.require("promtool");
        var command = new ArrayList<>(List.of("promtool"));
        command.addAll(List.of(arguments));
        return Tool.run(PATIENCE, "", command.toArray(String[]::new));
    }

    private void copyFiles() throws IOException {
        Files.createDirectories(folder.resolve("tests"));
        for (String each : FILES) Files.copy(FOLDER.resolve(each), folder.resolve(each));
        for (String each : TESTS)
            Files.copy(FOLDER.resolve("tests/" + each), folder.resolve("tests/" + each));
    }

    private Tool.Ended test(Path where, String... tests) throws Exception {
        var arguments = new ArrayList<>(List.of("test", "rules"));
        for (String each : tests) arguments.add(where.resolve("tests/" + each).toString());
        return promtool(arguments.toArray(String[]::new));
    }

    @Test
    void givenRules_whenPromtoolChecksThem_thenItHasNoObjection() throws Exception {
        for (String each : List.of("recording.yml", "alerts.yml")) {
            Tool.Ended checked =
                    promtool("check", "rules", "--lint-fatal", FOLDER.resolve(each).toString());
            assertThat(checked.exit()).as("%s", checked).isZero();
        }
        Tool.Ended config = promtool("check", "config", FOLDER.resolve("scrape.yml").toString());
        assertThat(config.exit()).as("%s", config).isZero();
        assertThat(config.all()).contains("2 rule files found");
    }

    @Test
    void givenRules_whenPromtoolTestsThem_thenEachFiresWhenItShould() throws Exception {
        Tool.Ended tested = test(FOLDER, TESTS.toArray(String[]::new));

        assertThat(tested.exit()).as("%s", tested).isZero();
    }

    @Test
    void givenPlantedFaults_whenPromtoolTestsTheRules_thenItObjects() throws Exception {
        copyFiles();
        Path alerts = folder.resolve("alerts.yml");
        String right = Files.readString(alerts);
        String wrong =
                right.replace(
                        "min by (cluster, name) (bascule_certificate",
                        "max by (cluster, name) (bascule_certificate");
        assertThat(wrong).isNotEqualTo(right);
        Files.writeString(alerts, wrong);

        Tool.Ended tested = test(folder, "hours.yml");

        assertThat(tested.exit()).isNotZero();
        assertThat(tested.all()).contains("BasculeCertificatesDiffer");
    }

    @Test
    void givenAlerts_whenRead_thenEachSaysWhatIsWrongAndWhatToDoAndHasACase() throws Exception {
        String text = Files.readString(FOLDER.resolve("alerts.yml"));
        String cases = "";
        for (String each : TESTS) cases += Files.readString(FOLDER.resolve("tests/" + each));
        String[] alerts = text.split("- alert: ", -1);
        assertThat(alerts.length).isGreaterThan(20);
        for (int i = 1; i < alerts.length; i++) {
            String name = alerts[i].lines().findFirst().orElseThrow();
            assertThat(alerts[i])
                    .as(name)
                    .containsPattern("severity: (warning|critical)\n")
                    .containsPattern("\n +summary: '[^\n]{20,}'\n")
                    .containsPattern("\n +description: '[^\n]{20,}'\n")
                    .containsPattern("\n +action: '[^\n]{20,}'\n");
            assertThat(cases).contains("alertname=\"" + name + "\", alertstate=\"firing\"");
        }
    }

    @Test
    void givenAllQueries_whenTheirMetricsAreLookedUp_thenThereIsEach() throws Exception {
        Set<String> known = known();
        int metrics = 0;
        for (Map.Entry<String, String> query : queries().entrySet()) {
            Set<String> asked = metrics(query.getValue());
            assertThat(asked).as("%s", query).isNotEmpty();
            assertThat(known).as("%s", query).containsAll(asked);
            metrics += asked.size();
        }
        assertThat(metrics).isGreaterThan(100);
    }

    @Test
    void givenPlantedName_whenLookedUp_thenItIsMissed() throws Exception {
        assertThat(
                        metrics(
                                "sum by (a, le) (rate(bascule_rejected_total{x=~\"a{\"}[5m])) / on (b) group_left () (bascule_refused_total > 1e3) or vector(0)"))
                .containsExactly("bascule_refused_total", "bascule_rejected_total");
        assertThat(known())
                .contains("bascule_rejected_total")
                .doesNotContain("bascule_refused_total");
    }

    @Test
    void givenDashboard_whenRead_thenItsPanelsAreWholeAndOverlapNowhere() throws Exception {
        Json dashboard = Dashboard.read();
        var ids = new TreeSet<Double>();
        var taken = new TreeSet<String>();
        for (Json panel : dashboard.get("panels").list()) {
            String title = panel.get("title").text();
            assertThat(ids.add(panel.get("id").number())).as(title).isTrue();
            assertThat(title).isNotEmpty();
            Json place = panel.get("gridPos");
            int left = (int) place.get("x").number();
            int top = (int) place.get("y").number();
            assertThat(left + place.get("w").number()).as(title).isLessThanOrEqualTo(24);
            for (int x = left; x < left + place.get("w").number(); x++)
                for (int y = top; y < top + place.get("h").number(); y++)
                    assertThat(taken.add(x + " " + y)).as(title).isTrue();
            boolean isRow = panel.get("type").text().equals("row");
            assertThat(panel.get("targets").list().isEmpty()).as(title).isEqualTo(isRow);
        }
        var variables = new ArrayList<String>();
        for (Json each : dashboard.get("templating").get("list").list())
            variables.add(each.get("name").text());
        assertThat(variables)
                .containsExactly("datasource", "cluster", "instance", "listener", "backend");
    }

    /// Of all files, by where they stand.
    private static Map<String, String> queries() throws IOException {
        var queries = new TreeMap<>(Dashboard.queries());
        for (Json each : Dashboard.read().get("annotations").get("list").list())
            queries.put(
                    "annotation " + each.get("name").text(),
                    each.get("expr").text().replace("$cluster", ".*"));
        for (Json each : Dashboard.read().get("templating").get("list").list()) {
            String query = each.get("definition").text();
            if (!query.isEmpty())
                queries.put(
                        "variable " + each.get("name").text(),
                        query.replaceAll("label_values\\((.*), \\w+\\)", "$1"));
        }
        for (String file : List.of("recording.yml", "alerts.yml")) {
            String name = "";
            int at = 0;
            for (String line : Files.readAllLines(FOLDER.resolve(file))) {
                at++;
                String word = line.strip();
                if (word.startsWith("- ")) name = word;
                if (word.startsWith("expr: "))
                    queries.put(file + ":" + at + " " + name, word.substring(6));
            }
        }
        return queries;
    }

    /// The golden list, what else a daemon shows, what is recorded, and what Prometheus itself has.
    private static Set<String> known() throws IOException {
        var known = new TreeSet<>(Set.of("up", "ALERTS"));
        try (InputStream golden =
                PrometheusFilesTest.class.getResourceAsStream("/observe/metrics.txt")) {
            String text = new String(golden.readAllBytes(), StandardCharsets.UTF_8);
            for (String line : text.split("\n", -1)) {
                if (line.startsWith(" ") || line.isEmpty()) continue;
                String name = line.replaceAll("\\w+ (\\w+)\\{.*", "$1");
                if (!line.startsWith("histogram ")) known.add(name);
                else for (String end : List.of("_bucket", "_sum", "_count")) known.add(name + end);
            }
        }
        System.gc(); // Some of the JVM's metrics appear after the first pause.
        try (Metrics metrics = Metrics.create("1", 1)) {
            metrics.scrape(null)
                    .lines()
                    .filter(line -> line.startsWith("jvm_") || line.startsWith("process_"))
                    .forEach(line -> known.add(line.split("[{ ]", 2)[0]));
            known.add("system_cpu_usage");
            assertThat(metrics.scrape(null)).contains("\nsystem_cpu_usage ");
        }
        // Told of by the collector's own thread, some time after a pause.
        known.addAll(List.of("jvm_gc_pause_seconds_sum", "jvm_gc_pause_seconds_max"));
        Matcher recorded =
                Pattern.compile("- record: (\\S+)")
                        .matcher(Files.readString(FOLDER.resolve("recording.yml")));
        while (recorded.find()) known.add(recorded.group(1));
        return known;
    }

    /// Names that stand where PromQL has those of metrics.
    private static Set<String> metrics(String query) {
        String bare =
                query.replaceAll("\"[^\"]*\"", "")
                        .replaceAll("\\{[^}]*}|\\[[^]]*]", " ")
                        .replaceAll(
                                "\\b(by|on|without|ignoring|group_left|group_right) *\\([^)]*\\)",
                                " ");
        var names = new TreeSet<String>();
        Matcher name =
                Pattern.compile("(?<![\\w:.])[a-zA-Z_:][\\w:]*(?![\\w:]| *\\()").matcher(bare);
        while (name.find()) if (!WORDS.contains(name.group())) names.add(name.group());
        return names;
    }
}
