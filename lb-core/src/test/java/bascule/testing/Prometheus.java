package bascule.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.awaitility.Awaitility;

/// A Prometheus with the rules and the scrape configuration that are shipped, on a free port of 127.0.0.1, that looks four times a second
/// instead of four times a minute.
public final class Prometheus implements AutoCloseable {
    /// How often it scrapes and evaluates.
    public static final Duration STEP = Duration.ofMillis(250);

    private final Process process;
    private final InetSocketAddress address;
    private final Path output;

    /// One series of an answer.
    public record Sample(Map<String, String> labels, double value) {}

    /// A rule as it was understood.
    ///
    /// @param labels that it adds
    /// @param annotations of an alert
    public record Rule(
            String name,
            String query,
            Map<String, String> labels,
            Map<String, String> annotations) {
        public boolean isAlert() {
            return !annotations.isEmpty();
        }
    }

    /// @param shipped the folder of the files
    /// @param folder its own, empty
    /// @param targets by what they are called in the scrape configuration, such as `edge1:9180`
    public Prometheus(Path shipped, Path folder, Map<String, InetSocketAddress> targets)
            throws IOException {
        for (String each : List.of("recording.yml", "alerts.yml"))
            Files.copy(shipped.resolve(each), folder.resolve(each));
        String scrape = Files.readString(shipped.resolve("scrape.yml"));
        String step = STEP.toMillis() + "ms";
        scrape = replaced(scrape, "scrape_interval: 15s", "scrape_interval: " + step);
        for (Map.Entry<String, InetSocketAddress> each : targets.entrySet())
            scrape = replaced(scrape, each.getKey(), "127.0.0.1:" + each.getValue().getPort());
        Path file = folder.resolve("prometheus.yml");
        Files.writeString(file, "global:\n  evaluation_interval: " + step + "\n" + scrape);
        try (var free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            address = (InetSocketAddress) free.getLocalSocketAddress();
        }
        output = folder.resolve("output");
        process =
                new ProcessBuilder(
                                "prometheus",
                                "--config.file=" + file,
                                "--storage.tsdb.path=" + folder.resolve("data"),
                                "--web.listen-address=127.0.0.1:" + address.getPort(),
                                "--log.level=warn")
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        Awaitility.await("Prometheus")
                .atMost(Duration.ofSeconds(60))
                .until(() -> !process.isAlive() || isReady());
        if (!process.isAlive()) throw new AssertionError(Files.readString(output));
    }

    private static String replaced(String text, String what, String by) {
        if (!text.contains(what)) throw new AssertionError(what + " is not in\n" + text);
        return text.replace(what, by);
    }

    private boolean isReady() {
        try {
            return Answer.get(address, "/-/ready").status() == 200;
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    private Json get(String path) throws IOException {
        Answer answer = Answer.get(address, path);
        Json read = Json.parse(answer.body(UTF_8));
        if (answer.status() != 200) throw new AssertionError(path + ": " + answer.body(UTF_8));
        return read.get("data");
    }

    /// What it answers now; fails if the expression is none.
    public List<Sample> query(String expression) throws IOException {
        Json data = get("/api/v1/query?query=" + URLEncoder.encode(expression, UTF_8));
        if (data.get("resultType").text().equals("scalar"))
            throw new AssertionError("a scalar: " + expression);
        return data.get("result").list().stream()
                .map(
                        each ->
                                new Sample(
                                        texts(each.get("metric")),
                                        number(each.get("value").list().getLast().text())))
                .toList();
    }

    /// Prometheus writes infinities its own way.
    private static double number(String text) {
        return Double.parseDouble(text.replace("Inf", "Infinity"));
    }

    public List<Rule> rules() throws IOException {
        return get("/api/v1/rules").get("groups").list().stream()
                .flatMap(group -> group.get("rules").list().stream())
                .map(
                        rule ->
                                new Rule(
                                        rule.get("name").text(),
                                        rule.get("query").text(),
                                        texts(rule.get("labels")),
                                        texts(rule.get("annotations"))))
                .toList();
    }

    /// What its rules said when they were last evaluated, of those that fire or are about to: the text of each annotation.
    public Map<String, Map<String, String>> alerts() throws IOException {
        var all = new TreeMap<String, Map<String, String>>();
        for (Json each : get("/api/v1/alerts").get("alerts").list())
            all.put(each.get("labels").get("alertname").text(), texts(each.get("annotations")));
        return all;
    }

    private static Map<String, String> texts(Json object) {
        var texts = new LinkedHashMap<String, String>();
        if (object.value() instanceof Map<?, ?> map)
            map.forEach((key, value) -> texts.put((String) key, ((Json) value).text()));
        return texts;
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
