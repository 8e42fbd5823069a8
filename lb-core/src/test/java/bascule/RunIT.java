package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The daemon as a process: how it starts, how it is stopped, and what it says and returns then.
final class RunIT {
    @TempDir Path folder = Path.of("");

    private static String configuration(int port, int serverPort) {
        return """
                listeners.http { bind = "127.0.0.1:%d", backend = web, limits.connections = 100 }
                backends.web.servers = ["127.0.0.1:%d"]
                admin { http = "127.0.0.1:0", socket = admin.sock }
                """
                .formatted(port, serverPort);
    }

    /// A server whose answer waits to be released.
    private static final class SlowServer implements AutoCloseable {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch released = new CountDownLatch(1);
        private final HttpServer server;

        SlowServer() throws IOException {
            server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext(
                    "/",
                    exchange -> {
                        asked.countDown();
                        try {
                            released.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                        exchange.sendResponseHeaders(200, 4);
                        exchange.getResponseBody().write("late".getBytes(US_ASCII));
                        exchange.close();
                    });
            server.start();
        }

        int port() {
            return server.getAddress().getPort();
        }

        @Override
        public void close() {
            released.countDown();
            server.stop(0);
        }
    }

    private static CompletableFuture<HttpResponse<String>> get(HttpClient client, String uri) {
        return client.sendAsync(
                HttpRequest.newBuilder(URI.create(uri)).build(), BodyHandlers.ofString());
    }

    private static int status(HttpClient client, String uri) throws Exception {
        return get(client, uri).get(10, TimeUnit.SECONDS).statusCode();
    }

    private static boolean refuses(int port) {
        try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return false;
        } catch (ConnectException _) {
            return true;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130"})
    void givenExchangeUnderWay_whenStopped_thenItFinishesAndNewConnectionsAreRefused(
            String signal, int exitCode) throws Exception {
        try (var server = new SlowServer();
                BasculeProcess daemon = bascule().serve(configuration(0, server.port()));
                var client = HttpClient.newHttpClient()) {
            int port = daemon.port("http");
            String admin = "http://127.0.0.1:" + daemon.adminPort();
            assertThat(status(client, admin + "/ready")).isEqualTo(200);
            var answer = get(client, "http://127.0.0.1:" + port + "/");
            assertThat(server.asked.await(10, TimeUnit.SECONDS)).isTrue();

            daemon.signal(signal);
            daemon.await("new connections refused", () -> refuses(port));
            assertThat(status(client, admin + "/ready")).isEqualTo(503);
            assertThat(status(client, admin + "/live")).isEqualTo(200);
            assertThat(answer).isNotDone();
            server.released.countDown();

            assertThat(answer.get(10, TimeUnit.SECONDS).body()).isEqualTo("late");
            Ended ended = daemon.awaitEnd();
            assertThat(ended.exitCode()).isEqualTo(exitCode);
            assertThat(ended.err())
                    .containsSubsequence(" stopping ", " stopped "); // Told to the end.
            assertThat(ended.out()).contains("\"status\":200"); // So is the access log.
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130"})
    void givenItDrains_whenSignalledAgain_thenItEndsAtOnce(String signal, int exitCode)
            throws Exception {
        try (var server = new SlowServer();
                BasculeProcess daemon = bascule().serve(configuration(0, server.port()));
                var client = HttpClient.newHttpClient()) {
            int port = daemon.port("http");
            var answer = get(client, "http://127.0.0.1:" + port + "/");
            assertThat(server.asked.await(10, TimeUnit.SECONDS)).isTrue();
            daemon.signal(signal);
            daemon.signal(signal); // Twice in one breath is once.
            daemon.await("new connections refused", () -> refuses(port));
            Thread.sleep(1000);
            assertThat(ProcessHandle.of(daemon.pid())).isPresent();

            daemon.signal(signal);

            Ended ended =
                    daemon.awaitEnd(); // Long before the grace of 30 s is over, and patience with
            // it.
            assertThat(ended.exitCode()).isEqualTo(exitCode);
            assertThat(ended.err()).contains(" stopping ").doesNotContain(" stopped ");
            assertThatThrownBy(() -> answer.get(10, TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void givenNothingUnderWay_whenStopped_thenItEndsAtOnce() throws Exception {
        try (BasculeProcess daemon = bascule().serve(configuration(0, 1))) {
            long start = System.nanoTime();
            daemon.signal("TERM");
            assertThat(daemon.awaitEnd().exitCode()).isEqualTo(143);
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(5));
        }
    }

    @Test
    void givenAddressTaken_whenRun_thenItIsNamedAndExitIs1() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Path file =
                    Files.writeString(
                            folder.resolve("bascule.conf"), configuration(taken.getLocalPort(), 1));

            Ended run = bascule("run", "-c", file.toString()).end();

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err())
                    .contains("bascule: listeners.http.bind: ")
                    .contains("127.0.0.1:" + taken.getLocalPort())
                    .contains("in use")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void givenAnotherDaemonOnTheAddress_whenRun_thenExitIs1() throws Exception {
        try (BasculeProcess first = bascule().serve(configuration(0, 1))) {
            Path file =
                    Files.writeString(
                            folder.resolve("bascule.conf"), configuration(first.port("http"), 1));

            Ended run = bascule("run", "-c", file.toString()).end();

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).contains("127.0.0.1:" + first.port("http")).contains("in use");
        }
    }

    @Test
    void givenFewerDescriptorsThanNeeded_whenRun_thenBothNumbersAndExit78() throws Exception {
        Path file = Files.writeString(folder.resolve("bascule.conf"), configuration(0, 1));

        Ended run = bascule("run", "-c", file.toString()).by("ulimit -n 256; exec \"$@\"").end();

        assertThat(run.exitCode()).isEqualTo(78);
        assertThat(run.err())
                .startsWith("bascule: ")
                .containsPattern("\\b[3-9]\\d\\d\\b.*\\b256\\b");
    }

    @Test
    void givenBadFile_whenRun_thenTheSameLinesAsCheckAndExit78() throws Exception {
        Path file =
                Files.writeString(folder.resolve("bascule.conf"), "listeners.http.bnd = \":80\"\n");

        Ended run = bascule("run", "-c", file.toString()).end();

        assertThat(run.exitCode()).isEqualTo(78);
        assertThat(run).isEqualTo(bascule("check", "-c", file.toString()).end());
    }

    @Test
    void givenRun_whenItStarts_thenNoWordOfTheJvmAndNoCommandLineLibrary() throws Exception {
        Path classes = folder.resolve("classes");
        try (BasculeProcess daemon =
                bascule()
                        .environment("BASCULE_JAVA_OPTS", "-Xlog:class+load:file=" + classes)
                        .serve(configuration(0, 1))) {
            assertThat(daemon.out()).isEmpty();
            assertThat(daemon.err().lines())
                    .allMatch(line -> line.matches("\\S+Z INFO [a-z-]+ .*"));
            assertThat(Files.readString(classes))
                    .contains("bascule.Daemon")
                    .doesNotContain("picocli.");
        }
    }
}
