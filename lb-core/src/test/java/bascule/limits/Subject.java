package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;

/// A daemon between the test's clients and a server whose every byte the test decides, with an access log that can be read.
final class Subject implements AutoCloseable {
    static final String GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    final Origin origin;
    final RunningDaemon daemon;
    private final Path log;

    private Subject(Origin origin, RunningDaemon daemon, Path log) {
        this.origin = origin;
        this.daemon = daemon;
        this.log = log;
    }

    /// What a test wants to be other than usual, each as text of the configuration.
    static final class Builder {
        private final Path folder;
        private String listener = "";
        private String backend = "";
        private String top = "";
        private String server;
        private String grace = "off";

        private Builder(Path folder) {
            this.folder = folder;
        }

        /// Keys of the listener, beside where it binds and to what it forwards.
        Builder listener(String keys) {
            listener = keys;
            return this;
        }

        /// Keys of the backend, beside its server.
        Builder backend(String keys) {
            backend = keys;
            return this;
        }

        /// Keys of the top level.
        Builder top(String keys) {
            top = keys;
            return this;
        }

        /// The server's address, where it is not the test's own.
        Builder server(String address) {
            server = address;
            return this;
        }

        Builder grace(String duration) {
            grace = duration;
            return this;
        }

        Subject start() throws IOException {
            var origin = new Origin();
            Path log = folder.resolve("access.log");
            var daemon =
                    RunningDaemon.startWith(
                            """
                            admin.http = "127.0.0.1:0"
                            logging { access = json, file = "%s" }
                            shutdown.grace = %s
                            listeners.http { bind = "127.0.0.1:0", backend = web, %s }
                            backends.web { servers = ["%s"], %s }
                            %s
                            """
                                    .formatted(
                                            log,
                                            grace,
                                            listener,
                                            server == null ? origin.address() : server,
                                            backend,
                                            top));
            return new Subject(origin, daemon, log);
        }
    }

    /// @param folder for the access log
    static Builder in(Path folder) {
        return new Builder(folder);
    }

    Wire connect() throws IOException {
        return Wire.connect(daemon.address("http"));
    }

    /// Connects and sends.
    Wire connect(String request) throws IOException {
        Wire client = connect();
        client.send(request);
        return client;
    }

    /// A whole exchange, so that a connection of the daemon to its server is there to be used again.
    Wire exchange(Wire client) throws IOException {
        client.send(GET);
        Wire server = origin.accept();
        server.receiveHead();
        server.send(OK);
        assertThat(Answer.read(client, false).status()).isEqualTo(200);
        return server;
    }

    double rejected(String reason) {
        return daemon.metric("bascule_rejected_total", "reason=\"" + reason + "\"");
    }

    /// All that were ever refused, for whatever reason.
    double rejected() {
        return daemon.metric("bascule_rejected_total");
    }

    void awaitRejected(String reason, double count) {
        daemon.awaitMetric(count, "bascule_rejected_total", "reason=\"" + reason + "\"");
        assertThat(rejected()).as("refused for other reasons").isEqualTo(count);
    }

    /// The access log, which is written a moment after its exchange has ended.
    List<String> awaitLog(int lines) {
        Awaitility.await("access log")
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> log().size() >= lines);
        assertThat(log()).hasSize(lines);
        return log();
    }

    List<String> log() {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The last of so many lines of the access log tells this.
    void awaitLogged(int lines, int status, String reason) {
        assertThat(awaitLog(lines).getLast())
                .contains("\"status\":" + status + ",", "\"reason\":\"" + reason + "\"");
    }

    @Override
    public void close() throws IOException {
        daemon.close();
        origin.close();
    }
}
