package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/// What a run says: a table to read, and the same as lines of JSON.
final class Report {
    /// Share of the proxy's CPU that others may take before the table says so.
    private static final double DISTURBED = 0.25;

    private final Path file;
    private final String run = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();

    private Report(Path file) {
        this.file = file;
    }

    /// Opens it with a line on the machine, the programs and the options.
    static Report open(String verb, Options options, Bed bed)
            throws IOException, InterruptedException {
        Path parent = options.json().toAbsolutePath().getParent();
        if (parent != null) Files.createDirectories(parent);
        Report report = new Report(options.json());
        Json line =
                report.line("run")
                        .put("verb", verb)
                        .put("cpu", machine())
                        .put("cpus", onlineCpus())
                        .put("kernel", System.getProperty("os.version", ""))
                        .put("congestion", congestionControl())
                        .put("rounds", options.rounds())
                        .put("seconds", options.seconds())
                        .put("warmupSeconds", options.warmupSeconds())
                        .put("log", options.log())
                        .put("checks", options.checks())
                        .put("capacity", options.capacity())
                        .put("transport", options.transport())
                        .put("haproxy", firstLine(bed, List.of("haproxy", "-v")))
                        .put("nginx", firstLine(bed, List.of("nginx", "-v")))
                        .put("wrk", firstLine(bed, List.of("wrk", "-v")))
                        .put("h2load", firstLine(bed, List.of("h2load", "--version")))
                        .put(
                                "commit",
                                firstLine(bed, List.of("git", "describe", "--always", "--dirty")));
        report.add(line);
        return report;
    }

    Json line(String kind) {
        return new Json().put("kind", kind).put("run", run);
    }

    void add(Json line) throws IOException {
        line.appendTo(file);
    }

    static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }

    void saySkipped(Proxy proxy, Unavailable why) throws IOException {
        say("%s skipped: %s", proxy, why.why());
        add(line("skipped").put("proxy", proxy.toString()).put("why", why.why()));
    }

    void sayFailed(Proxy proxy, Unavailable why) throws IOException {
        say("%-10s FAILED: %s", proxy, why.why());
        add(line("failed").put("proxy", proxy.toString()).put("why", why.why()));
    }

    void addSample(Workload load, Proxy proxy, int round, Sample sample) throws IOException {
        Json line =
                line("slice")
                        .put("workload", load.name())
                        .put("proxy", proxy.toString())
                        .put("round", round);
        switch (sample.slice()) {
            case Slice.Measured(long requests, double seconds, double p50, double p99) ->
                    line.put("requests", requests)
                            .put("seconds", seconds)
                            .put("requestsPerSecond", requests / seconds)
                            .put("p50Micros", p50)
                            .put("p99Micros", p99)
                            .put("cpuMicros", sample.cpuMicros())
                            .put("originCpuMicros", sample.originMicros())
                            .put("residentBytes", sample.residentBytes())
                            .put("ownShare", sample.own())
                            .put("proxyCpuBusy", sample.proxyBusy())
                            .put("loadCpuBusy", sample.loadBusy())
                            .put("stolen", sample.stolen())
                            .put("loggedPerRequest", sample.logged());
            case Slice.Dropped(String why) -> {
                say("  round %d, %s: dropped: %s", round, proxy, why);
                line.put("dropped", why);
            }
            case Slice.Failed(String why) -> {
                say("  round %d, %s: FAILED: %s", round, proxy, why);
                line.put("failed", why);
            }
        }
        add(line);
    }

    /// The table of one workload. Ratios are medians of pairs, with the middle half of them in brackets.
    void addRows(Workload load, List<Row> rows, Options options) throws IOException {
        say("");
        say(
                "%s: %s: %d at a time, %d rounds of %d s, access log %s",
                load.name(),
                load.what(),
                load.connections(),
                options.rounds(),
                options.seconds(),
                options.log() ? "on" : "off");
        say(
                "%-10s %9s %9s  %-25s %8s %8s %8s %7s %12s %6s %6s",
                "proxy",
                "CPU us",
                "least",
                "ratio to haproxy",
                "req/s",
                "p50 ms",
                "p99 ms",
                "RSS MB",
                "own/cpu0/1 %",
                "log %",
                "slices");
        Row base = new Row(Proxy.HAPROXY);
        for (Row row : rows) if (row.proxy() == Proxy.HAPROXY) base = row;
        for (Row row : rows) addRow(load, row, base, options.rounds());
        if (rows.stream().anyMatch(row -> row.disturbance() > DISTURBED)) {
            say("Others took much of CPU 0 meanwhile: trust these ratios less.");
        }
    }

    private void addRow(Workload load, Row row, Row base, int rounds) throws IOException {
        List<Double> cpu = row.all(Sample::cpuMicros);
        List<Double> ratios = row.ratiosTo(base);
        double ratio = Stats.median(ratios);
        double rate = Stats.median(row.allSeen(m -> m.requests() / m.seconds()));
        double p50 = Stats.median(row.allSeen(Slice.Measured::p50Micros));
        double p99 = Stats.median(row.allSeen(Slice.Measured::p99Micros));
        double resident = Stats.median(row.all(Sample::residentBytes));
        double own = Stats.median(row.all(Sample::own));
        double proxyBusy = Stats.median(row.all(Sample::proxyBusy));
        double loadBusy = Stats.median(row.all(Sample::loadBusy));
        double logged = Stats.median(row.all(Sample::logged));
        boolean failed = row.failed(rounds);
        String ratioText =
                ratios.isEmpty()
                        ? "-"
                        : "%.2f (%.2f..%.2f, %d pairs)"
                                .formatted(
                                        ratio,
                                        Stats.quantile(ratios, 0.25),
                                        Stats.quantile(ratios, 0.75),
                                        ratios.size());
        if (row.measured() == 0) say("%-10s FAILED: %s", row.proxy(), cause(row));
        else
            say(
                    "%-10s %9.2f %9.2f  %-25s %8.0f %8s %8s %7.1f %4.0f/%3.0f/%3.0f %6.0f"
                            + " %4d/%d%s",
                    row.proxy(),
                    Stats.median(cpu),
                    Stats.least(cpu),
                    ratioText,
                    rate,
                    millis(p50),
                    millis(p99),
                    resident / 1e6,
                    own * 100,
                    proxyBusy * 100,
                    loadBusy * 100,
                    logged * 100,
                    row.measured(),
                    rounds,
                    failed ? "  FAILED: " + cause(row) : "");
        if (row.proxy() == Proxy.BASCULE
                && !failed
                && !Double.isNaN(ratio)
                && !Double.isNaN(load.bar())) {
            say(
                    "           bar %.2f: %s; aim %.2f: %s",
                    load.bar(), verdict(ratio, load.bar()), load.aim(), verdict(ratio, load.aim()));
        }
        add(
                line("row")
                        .put("workload", load.name())
                        .put("proxy", row.proxy().toString())
                        .put("failed", failed)
                        .put("cause", failed ? cause(row) : "")
                        .put("rounds", rounds)
                        .put("slices", row.measured())
                        .put("dropped", row.dropped())
                        .put("cpuMicros", Stats.median(cpu))
                        .put("cpuMicrosLeast", Stats.least(cpu))
                        .put("ratio", ratio)
                        .put("ratioQuartile1", Stats.quantile(ratios, 0.25))
                        .put("ratioQuartile3", Stats.quantile(ratios, 0.75))
                        .put("pairs", ratios.size())
                        .put("requestsPerSecond", rate)
                        .put("p50Micros", p50)
                        .put("p99Micros", p99)
                        .put("residentBytes", resident)
                        .put("ownShare", own)
                        .put("proxyCpuBusy", proxyBusy)
                        .put("loadCpuBusy", loadBusy)
                        .put("originCpuMicros", Stats.median(row.all(Sample::originMicros)))
                        .put("loggedPerRequest", logged));
    }

    private static String millis(double micros) {
        return Double.isNaN(micros) ? "-" : String.format(Locale.ROOT, "%.2f", micros / 1e3);
    }

    private static String cause(Row row) {
        if (!row.faults().isEmpty()) return row.faults().getFirst();
        return "only " + row.measured() + " slices measured";
    }

    private static String verdict(double ratio, double limit) {
        return ratio <= limit ? "met" : "missed";
    }

    private static String firstLine(Bed bed, List<String> command)
            throws IOException, InterruptedException {
        try {
            List<String> lines = bed.run("version", command, 10).lines();
            return lines.isEmpty() ? "" : lines.getFirst();
        } catch (Unavailable e) {
            return "none";
        }
    }

    private static String machine() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
            if (line.startsWith("model name")) return line.substring(line.indexOf(':') + 1).strip();
        }
        return "unknown";
    }

    /// Of the machine: this program itself is pinned to one.
    private static long onlineCpus() throws IOException {
        return Files.readAllLines(Path.of("/proc/stat")).stream()
                .filter(line -> line.matches("cpu\\d.*"))
                .count();
    }

    private static String congestionControl() throws IOException {
        return Files.readString(Path.of("/proc/sys/net/ipv4/tcp_congestion_control")).strip();
    }
}
