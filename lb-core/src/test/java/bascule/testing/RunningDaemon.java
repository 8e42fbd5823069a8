package bascule.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.Daemon;
import bascule.StartFailure;
import bascule.admin.Commands;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/// The daemon of one test, in this process, so that its buffers are watched. What a configuration leaves out is chosen for tests: no
/// access log, an admin port of its own, no grace.
public final class RunningDaemon implements AutoCloseable {
    /// Longest wait for whatever is expected to happen.
    public static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final String DEFAULTS =
            """
            admin.http = "127.0.0.1:0"
            logging.access = off
            shutdown.grace = off
            """;

    private final Complaints complaints = new Complaints();
    private final AtomicReference<String> file;
    private final Daemon daemon;

    private RunningDaemon(AtomicReference<String> file, Daemon daemon) {
        this.file = file;
        this.daemon = daemon;
    }

    /// @param text of the configuration, without the keys that tests have defaults for
    public static RunningDaemon start(String text) {
        return startWith(DEFAULTS + text);
    }

    /// No admin socket, unless one is named: daemons of one host would want the same.
    ///
    /// @param whole configuration
    public static RunningDaemon startWith(String whole) {
        var file = new AtomicReference<String>(withoutSocket(whole));
        try {
            return switch (read(file)) {
                case LoadResult.Loaded(var configuration) ->
                        new RunningDaemon(file, Daemon.start(configuration, () -> read(file)));
                case LoadResult.Rejected(var problems) ->
                        throw new AssertionError(problems + " in\n" + file);
            };
        } catch (StartFailure failure) {
            throw new AssertionError(failure);
        }
    }

    private static String withoutSocket(String whole) {
        return whole.contains("socket") ? whole : "admin.socket = off\n" + whole;
    }

    private static LoadResult read(AtomicReference<String> file) {
        return ConfigurationLoader.parse(file.get(), Path.of("test.conf"), Map.of());
    }

    /// Changes the configuration and waits until the change is in force.
    ///
    /// @param text as of [#start]
    /// @return what has changed
    public List<String> reload(String text) {
        return reloadWith(DEFAULTS + text);
    }

    /// The same with a configuration as of [#startWith].
    public List<String> reloadWith(String whole) {
        file.set(withoutSocket(whole));
        Commands.ReloadResult result = daemon.reload().join();
        if (!(result instanceof Commands.Reloaded(_, List<String> changes)))
            throw new AssertionError(result + " of\n" + file);
        return changes;
    }

    /// Where a listener is bound.
    public InetSocketAddress address(String listener) {
        return daemon.addresses(listener).getFirst();
    }

    /// Where the admin port is bound.
    public InetSocketAddress adminAddress() {
        return daemon.adminAddresses().getFirst();
    }

    /// See [Daemon#reopenLogs].
    public void reopenLogs() {
        var _ = daemon.reopenLogs();
    }

    /// The sum of all samples of a metric that have all these labels, each written as in `backend="web"`.
    public double metric(String name, String... labels) {
        String scrape = Answer.get(adminAddress(), "/metrics").body(US_ASCII);
        double[] values =
                scrape.lines()
                        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                        .filter(line -> Arrays.stream(labels).allMatch(line::contains))
                        .mapToDouble(
                                line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                        .toArray();
        if (values.length == 0)
            throw new AssertionError(
                    "no metric " + name + Arrays.toString(labels) + " in\n" + scrape);
        return Arrays.stream(values).sum();
    }

    /// Waits until a metric has a value; what is counted on a loop may be counted a moment after its effect was seen.
    public void awaitMetric(double value, String name, String... labels) {
        Awaitility.await(name + Arrays.toString(labels))
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> metric(name, labels), seen -> seen == value);
    }

    /// The sum of all numbers of that name in `/status`, such as `running` of servers and `queued` of backends.
    public long status(String name) {
        String status = Answer.get(adminAddress(), "/status").body(US_ASCII);
        return Pattern.compile('"' + name + "\"\\s*:\\s*(\\d+)")
                .matcher(status)
                .results()
                .mapToLong(found -> Long.parseLong(found.group(1)))
                .sum();
    }

    /// Waits until [#status] says so.
    public void awaitStatus(long value, String name) {
        Awaitility.await(name)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> status(name), seen -> seen == value);
    }

    /// Waits until no connection is left, of clients or to servers; idle ones are none.
    public void awaitNothingOpen() {
        awaitMetric(0, "bascule_connections_open");
        awaitMetric(0, "bascule_server_connections");
        awaitMetric(0, "bascule_server_pool_idle");
        awaitMetric(0, "bascule_loop_connections");
    }

    /// Stops it; what it logged as a bug of its own is a failure.
    @Override
    public void close() {
        daemon.stop();
        complaints.close();
        complaints.check();
    }
}
