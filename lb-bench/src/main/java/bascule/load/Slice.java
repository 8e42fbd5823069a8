package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What one client saw in one stretch of load.
sealed interface Slice {
    /// All answers were 2xx, no socket failed, and enough was sent.
    ///
    /// @param p50Micros NaN, as the next one, where the client does not tell
    record Measured(long requests, double seconds, double p50Micros, double p99Micros)
            implements Slice {}

    /// The client gave no result: nothing is known, so it counts neither for nor against anyone.
    record Dropped(String why) implements Slice {}

    /// An answer was wrong, a socket failed, or too little was sent: the row is worth nothing.
    record Failed(String why) implements Slice {}

    Pattern REQUESTS = Pattern.compile("(\\d+) requests in ([0-9.]+)(us|ms|s|m|h),");
    // Behind a unit of one letter stands a blank.
    Pattern PERCENTILE =
            Pattern.compile("^ +(50|99)% +([0-9.]+)(us|ms|s|m|h) *$", Pattern.MULTILINE);
    Pattern SOCKET_ERRORS = Pattern.compile("Socket errors: .*");
    Pattern STATUS_ERRORS = Pattern.compile("Non-2xx or 3xx responses: \\d+");
    Pattern H2_REQUESTS =
            Pattern.compile(
                    "requests: \\d+ total, \\d+ started, (\\d+) done, (\\d+) succeeded,"
                            + " (\\d+) failed, (\\d+) errored, (\\d+) timeout");
    Pattern H2_TIME = Pattern.compile("finished in ([0-9.]+)(us|ms|s|m|h),");
    Pattern VALUE = Pattern.compile("(\\w+)=([0-9.]+)");

    /// Runs the workload's client against a port for some seconds.
    static Slice take(Bed bed, Workload load, int port, int seconds)
            throws IOException, InterruptedException, Unavailable {
        List<String> command = load.client().command(bed, load, port, seconds);
        Child client = bed.start(Bed.LOAD_CPU, load.client().tool, command);
        boolean done = client.process().waitFor(seconds + 15L, TimeUnit.SECONDS);
        bed.end(client);
        if (!done) return new Dropped("client did not end");
        String output = Files.readString(client.output());
        Files.delete(client.output());
        Slice slice = load.client().read(output);
        if (!(slice instanceof Measured(long requests, double took, _, _))) return slice;
        long least = (long) (load.leastPerSecond() * took);
        if (requests >= least) return slice;
        return new Failed("only %d requests (expected: at least %d)".formatted(requests, least));
    }

    static Slice ofWrk(String output) {
        Matcher requests = REQUESTS.matcher(output);
        if (!requests.find() || requests.group(1).equals("0")) return dropped(output);
        Matcher failed = SOCKET_ERRORS.matcher(output);
        if (failed.find()) return new Failed(failed.group());
        Matcher refused = STATUS_ERRORS.matcher(output);
        if (refused.find()) return new Failed(refused.group());
        double p50 = Double.NaN;
        double p99 = Double.NaN;
        for (Matcher at = PERCENTILE.matcher(output); at.find(); ) {
            double micros = micros(at.group(2), at.group(3));
            if (at.group(1).equals("50")) p50 = micros;
            else p99 = micros;
        }
        if (Double.isNaN(p50) || Double.isNaN(p99)) return dropped(output);
        double seconds = micros(requests.group(2), requests.group(3)) / 1e6;
        return new Measured(Long.parseLong(requests.group(1)), seconds, p50, p99);
    }

    /// When the time is over, h2load leaves alone what is under way: that counts as nothing.
    static Slice ofH2load(String output) {
        Matcher requests = H2_REQUESTS.matcher(output);
        Matcher time = H2_TIME.matcher(output);
        if (!requests.find() || !time.find() || requests.group(1).equals("0"))
            return dropped(output);
        long done = Long.parseLong(requests.group(1));
        boolean fine =
                requests.group(2).equals(requests.group(1))
                        && requests.group(3).equals("0")
                        && requests.group(4).equals("0")
                        && requests.group(5).equals("0");
        if (!fine) return new Failed(requests.group());
        if (!output.contains("status codes: " + done + " 2xx,"))
            return new Failed("not all of %d answers are 2xx".formatted(done));
        if (!output.contains("Application protocol: h2\n")) return new Failed("not HTTP/2");
        double seconds = micros(time.group(1), time.group(2)) / 1e6;
        return new Measured(done, seconds, Double.NaN, Double.NaN);
    }

    static Slice ofNative(String output, Workload.Client client) {
        long requests = 0;
        long resumed = 0;
        double seconds = Double.NaN;
        double p50 = Double.NaN;
        double p99 = Double.NaN;
        List<String> errors = new ArrayList<>();
        for (Matcher at = VALUE.matcher(output); at.find(); ) {
            double value = Double.parseDouble(at.group(2));
            switch (at.group(1)) {
                case "requests" -> requests = (long) value;
                case "resumed" -> resumed = (long) value;
                case "seconds" -> seconds = value;
                case "p50_us" -> p50 = value;
                case "p99_us" -> p99 = value;
                case "other_status", "connect_errors", "read_errors", "timeouts" -> {
                    if (value > 0) errors.add(at.group());
                }
                default -> {}
            }
        }
        if (!errors.isEmpty()) return new Failed(String.join(" ", errors));
        if (Double.isNaN(seconds) || requests == 0) return dropped(output);
        long expected = client == Workload.Client.RESUMPTION ? requests : 0;
        if (resumed != expected) {
            return new Failed("%d sessions resumed (expected: %d)".formatted(resumed, expected));
        }
        return new Measured(requests, seconds, p50, p99);
    }

    private static Slice dropped(String output) {
        String words = output.strip().replaceAll("\\s+", " ");
        return new Dropped("no result from the client: " + (words.isEmpty() ? "no output" : words));
    }

    private static double micros(String value, String unit) {
        double factor =
                switch (unit) {
                    case "us" -> 1;
                    case "ms" -> 1e3;
                    case "s" -> 1e6;
                    case "m" -> 60e6;
                    default -> 3_600e6;
                };
        return Double.parseDouble(value) * factor;
    }
}
