package bascule.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Content;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// curl before us, nginx behind us.
final class PeersIT {
    private static final byte[] LARGE = Content.of(1, 3_000_000);

    @TempDir Path folder = Path.of("");
    private Nginx nginx;
    private RunningDaemon daemon;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        Peers.require("curl", "nginx");
        nginx =
                new Nginx(
                        "nginx",
                        folder,
                        """
                        listen ADDRESS;
                        keepalive_requests 7;
                        root FOLDER/www;
                        types { text/plain txt; }
                        default_type application/octet-stream;
                        gzip on;
                        gzip_types text/plain;
                        gzip_proxied any; # Via tells it that we are a proxy, for which it does not compress by default.
                        location /head { return 200 "$request_method $request_uri $http_host $http_via $http_x_forwarded_for $http_connection $http_upgrade\\n"; }
                        location /limited/ { client_max_body_size 1k; return 405; }
                        location /dav/ { dav_methods PUT; client_max_body_size 100m; create_full_put_path on; }
                        """);
        Path www = folder.resolve("nginx/www");
        Files.createDirectories(www.resolve("dav"));
        Files.write(www.resolve("large"), LARGE);
        Files.writeString(www.resolve("small.txt"), "small\n".repeat(200));
        daemon =
                RunningDaemon.start(
                        """
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                        backends.web.servers = ["%s"]
                        """
                                .formatted(nginx.address()));
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (daemon == null) return;
        nginx.close();
        try {
            daemon.awaitNothingOpen();
        } finally {
            daemon.close();
        }
    }

    private record Ended(int exit, byte[] out, String err) {
        String text() {
            return new String(out, UTF_8);
        }
    }

    private String url(String path) {
        return "http://127.0.0.1:" + daemon.address("web").getPort() + path;
    }

    private Ended curl(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "60"));
        command.addAll(List.of(arguments));
        Path out = Files.createTempFile(folder, "curl", ".out");
        Path err = Files.createTempFile(folder, "curl", ".err");
        Process curl =
                new ProcessBuilder(command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        if (!curl.waitFor(70, TimeUnit.SECONDS)) curl.destroyForcibly().waitFor();
        return new Ended(curl.exitValue(), Files.readAllBytes(out), Files.readString(err));
    }

    @Test
    void givenNginx_whenAskedByCurl_thenItSeesTheRequestAsItShould() throws Exception {
        Ended ended = curl("-H", "Host: a.example", "--http2", url("/head/x?y=%20z"));

        assertThat(ended.text())
                .isEqualTo("GET /head/x?y=%20z a.example 1.1 bascule 127.0.0.1  \n");
    }

    @Test
    void givenFile_whenFetchedInEveryWay_thenItIsTheSame() throws Exception {
        for (String[] way :
                new String[][] {
                    {"--http1.1"}, {"--http1.0"}, {"--http2"}, {"-H", "Connection: close"}
                }) {
            var arguments = new ArrayList<>(List.of(way));
            arguments.add(url("/large"));
            Ended ended = curl(arguments.toArray(String[]::new));
            assertThat(ended.exit).as(ended.err).isZero();
            assertThat(ended.out).isEqualTo(LARGE);
        }
    }

    @Test
    void givenMoreRequestsThanNginxKeepsAConnectionFor_whenFetched_thenAllAreAnswered()
            throws Exception {
        Ended ended =
                curl(
                        "-w",
                        "%{http_code} %{num_connects}\n",
                        "-o",
                        "/dev/null",
                        url("/small.txt?[1-100]"));

        assertThat(ended.exit).as(ended.err).isZero();
        assertThat(ended.text().lines().filter("200 0"::equals))
                .hasSize(99); // One connection of curl's.
        assertThat(daemon.metric("bascule_connect_duration_seconds_count")).isBetween(14.0, 17.0);
    }

    @Test
    void givenCompressedResponse_whenFetched_thenItsChunksArrive() throws Exception {
        for (String version : List.of("--http1.1", "--http1.0")) {
            Ended ended = curl(version, "--compressed", "-i", url("/small.txt"));
            assertThat(ended.exit).as(ended.err).isZero();
            assertThat(ended.text()).endsWith("\n\r\n" + "small\n".repeat(200));
            if (version.equals("--http1.1"))
                assertThat(ended.text()).containsIgnoringCase("transfer-encoding: chunked");
            else assertThat(ended.text()).doesNotContainIgnoringCase("transfer-encoding");
        }
    }

    @Test
    void givenRanges_HeadAndConditions_whenAsked_thenTheyPass() throws Exception {
        assertThat(curl("-r", "1000-1999", url("/large")).out)
                .isEqualTo(Arrays.copyOfRange(LARGE, 1000, 2000));
        assertThat(curl("-I", url("/large")).text()).contains("Content-Length: 3000000");
        assertThat(
                        curl(
                                        "-w",
                                        "%{http_code}",
                                        "-z",
                                        folder.resolve("nginx/www/large").toString(),
                                        url("/large"))
                                .text())
                .isEqualTo("304");
    }

    @Test
    void givenUpload_whenSentInEveryWay_thenNginxHasAllOfIt() throws Exception {
        Path file = folder.resolve("upload");
        Files.write(file, LARGE);
        String source = file.toString();
        int number = 0;
        for (String[] way :
                new String[][] {
                    {"-T", source}, // Asks for a 100 first.
                    {"-T", source, "-H", "Expect:"},
                    {"-T", source, "-H", "Transfer-Encoding: chunked"},
                    {"-T", source, "--http1.0"},
                    {"-T", source, "--limit-rate", "6M"}
                }) {
            var arguments = new ArrayList<>(List.of(way));
            arguments.addAll(List.of("-w", "%{http_code}", url("/dav/" + ++number)));
            Ended ended = curl(arguments.toArray(String[]::new));
            assertThat(ended.text()).as(ended.err).isEqualTo("201");
            assertThat(Files.readAllBytes(folder.resolve("nginx/www/dav/" + number)))
                    .isEqualTo(LARGE);
        }
    }

    @Test
    void givenUploadThatNginxRefuses_whenSent_thenCurlIsToldWhy() throws Exception {
        Path file = folder.resolve("upload");
        Files.write(file, LARGE);
        for (String expect : List.of("Expect:", "Expect: 100-continue")) {
            Ended ended =
                    curl(
                            "-T",
                            file.toString(),
                            "-H",
                            expect,
                            "-w",
                            "%{http_code}",
                            "-o",
                            "/dev/null",
                            url("/limited/x"));
            assertThat(ended.text()).as(ended.err).isEqualTo("413");
        }
    }

    @Test
    void givenNginxIsGone_whenAsked_then502() throws Exception {
        nginx.kill();

        assertThat(curl("-w", "%{http_code}", "-o", "/dev/null", url("/small.txt")).text())
                .isEqualTo("502");
    }
}
