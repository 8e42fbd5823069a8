package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.Content;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import bascule.testing.Site;
import bascule.testing.Tool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// curl, openssl, h2load before us over TLS and HTTP/2, nginx behind us.
@Timeout(180)
final class TlsPeersIT {
    private static final byte[] LARGE = Content.of(1, 3_000_000);
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir Path folder = Path.of("");
    private Nginx nginx;
    private Edge edge;

    /// How a client may speak to us.
    private enum Way {
        TLS_HTTP1(true, "1.1", "--http1.1"),
        TLS_HTTP2(true, "2", "--http2"),
        TLS12_HTTP1(true, "1.1", "--http1.1", "--tls-max", "1.2"),
        TLS12_HTTP2(true, "2", "--http2", "--tls-max", "1.2"),
        PLAIN_HTTP1(false, "1.1", "--http1.1"),
        PLAIN_HTTP2(false, "2", "--http2-prior-knowledge");

        final boolean tls;
        final String version;
        final List<String> options;

        Way(boolean tls, String version, String... options) {
            this.tls = tls;
            this.version = version;
            this.options = List.of(options);
        }
    }

    @BeforeEach
    void start() throws IOException {
        Peers.require("curl", "nginx", "openssl", "h2load", "nghttp");
        nginx =
                new Nginx(
                        "nginx",
                        folder,
                        """
                        listen ADDRESS;
                        keepalive_requests 70;
                        root FOLDER/www;
                        types { text/plain txt; }
                        default_type application/octet-stream;
                        gzip on;
                        gzip_types text/plain;
                        gzip_proxied any;
                        client_max_body_size 100m;
                        location /head { return 200 "$request_method $request_uri $server_protocol $http_host $http_x_forwarded_proto $http_x_forwarded_for $http_connection $http_cookie\\n"; }
                        location /limited/ { client_max_body_size 1k; return 405; }
                        location /sent { proxy_pass http://ADDRESS/length; }
                        location /length { return 200 $content_length; }
                        location /dav/ { dav_methods PUT; create_full_put_path on; }
                        """);
        Path www = folder.resolve("nginx/www");
        Files.createDirectories(www.resolve("dav"));
        Files.write(www.resolve("large"), LARGE);
        Files.writeString(www.resolve("small.txt"), "small\n".repeat(200));
        edge = Edge.before(folder, nginx.address());
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (edge != null) edge.close();
        if (nginx != null) nginx.close();
    }

    private String url(boolean tls, String path) {
        InetSocketAddress to = tls ? edge.tls() : edge.plain();
        return (tls ? "https" : "http") + "://" + Edge.NAME + ":" + to.getPort() + path;
    }

    private Tool.Ended curl(Way way, String path, String... arguments)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "60"));
        command.addAll(List.of("--cacert", edge.ca.toString()));
        int port = (way.tls ? edge.tls() : edge.plain()).getPort();
        command.addAll(List.of("--resolve", Edge.NAME + ":" + port + ":127.0.0.1"));
        command.addAll(way.options);
        command.addAll(Arrays.asList(arguments));
        command.add(url(way.tls, path));
        return Tool.run(PATIENCE, "", command.toArray(String[]::new));
    }

    @ParameterizedTest
    @EnumSource
    void givenNginx_whenAskedByCurl_thenItSeesTheRequestAsItShould(Way way) throws Exception {
        Tool.Ended ended =
                curl(
                        way,
                        "/head/x?y=%20z",
                        "-H",
                        "Host: a.example",
                        "-b",
                        "a=b; c=d",
                        "-w",
                        "%{http_version}");

        String scheme = way.tls ? "https" : "http";
        assertThat(ended.all())
                .isEqualTo(
                        "GET /head/x?y=%20z HTTP/1.1 a.example "
                                + scheme
                                + " 127.0.0.1  a=b; c=d\n"
                                + way.version);
    }

    @ParameterizedTest
    @EnumSource
    void givenFile_whenFetched_thenItIsTheSame(Way way) throws Exception {
        Tool.Ended ended = curl(way, "/large");
        assertEquals(0, ended.exit(), ended.errors());
        assertThat(ended.out()).isEqualTo(LARGE);

        assertThat(curl(way, "/large", "-r", "1000-1999").out())
                .isEqualTo(Arrays.copyOfRange(LARGE, 1000, 2000));
        assertThat(curl(way, "/large", "-I").text())
                .containsIgnoringCase("content-length: 3000000");
        assertThat(curl(way, "/small.txt", "--compressed").text()) // Chunked.
                .isEqualTo("small\n".repeat(200));
        assertThat(curl(way, "/none", "-o", "/dev/null", "-w", "%{http_code}").text())
                .isEqualTo("404");
    }

    @ParameterizedTest
    @EnumSource
    void givenUpload_whenSentInEveryWay_thenNginxHasAllOfIt(Way way) throws Exception {
        Path file = folder.resolve("upload");
        Files.write(file, LARGE);
        int number = 0;
        for (List<String> how :
                List.of(
                        List.<String>of(),
                        List.of("-H", "Expect: 100-continue"),
                        List.of("-H", "Transfer-Encoding: chunked", "-H", "Expect:"),
                        List.of("--limit-rate", "6M"))) {
            boolean chunked = how.contains("Transfer-Encoding: chunked");
            if (chunked && way.version.equals("2")) how = List.of("-H", "Content-Length:");
            var arguments = new ArrayList<>(how);
            arguments.addAll(List.of("-T", file.toString(), "-w", "%{http_code}"));
            Tool.Ended ended = curl(way, "/dav/" + ++number, arguments.toArray(String[]::new));
            assertThat(ended.text()).as(ended.toString()).isEqualTo("201");
            assertThat(Files.readAllBytes(folder.resolve("nginx/www/dav/" + number)))
                    .isEqualTo(LARGE);
        }
    }

    @ParameterizedTest
    @EnumSource
    void givenUploadThatNginxRefuses_whenSent_thenCurlIsToldWhy(Way way) throws Exception {
        Path file = folder.resolve("upload");
        Files.write(file, LARGE);

        Tool.Ended ended =
                curl(
                        way,
                        "/limited/x",
                        "-T",
                        file.toString(),
                        "-w",
                        "%{http_code}",
                        "-o",
                        "/dev/null");

        assertThat(ended.text()).as(ended.toString()).isEqualTo("413");
    }

    @Test
    void givenManyStreams_whenCurlFetchesAtOnce_thenOneConnectionServesAll() throws Exception {
        Tool.Ended ended =
                curl(
                        Way.TLS_HTTP2,
                        "/small.txt?[1-200]",
                        "--parallel",
                        "--parallel-max",
                        "50",
                        "-o",
                        "/dev/null",
                        "-w",
                        "%{http_code} %{http_version} %{num_connects}\n");

        assertEquals(0, ended.exit(), ended.toString());
        List<String> lines = ended.text().lines().toList();
        assertThat(lines).hasSize(200).allMatch(line -> line.startsWith("200 2 "));
        assertThat(lines).filteredOn(line -> line.endsWith(" 1")).hasSize(1);
    }

    private Tool.Ended h2load(boolean tls, String path, int requests, String... arguments)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("h2load", "-n", "" + requests));
        command.addAll(Arrays.asList(arguments));
        command.add(url(tls, path).replace(Edge.NAME, "127.0.0.1"));
        Tool.Ended ended = Tool.run(PATIENCE, "", command.toArray(String[]::new));
        assertThat(ended.text())
                .contains(
                        "%1$d total, %1$d started, %1$d done, %1$d succeeded, 0 failed, 0 errored, 0 timeout"
                                .formatted(requests),
                        "status codes: " + requests + " 2xx, 0 3xx, 0 4xx, 0 5xx");
        return ended;
    }

    @ParameterizedTest
    @EnumSource(names = {"TLS_HTTP1", "TLS_HTTP2", "PLAIN_HTTP1", "PLAIN_HTTP2"})
    void givenH2load_whenItAsksForMuch_thenAllIsAnswered(Way way) throws Exception {
        String protocol = way.version.equals("2") ? "h2" : "http/1.1";
        String plain = way.version.equals("2") ? "h2c" : "http/1.1";
        // Pipelined by HTTP/1.1, more than limits.pipelined would be cut.
        String most = way.version.equals("2") ? "32" : "8";
        String[] how = {"--npn-list=" + protocol, "--no-tls-proto=" + plain, "-c", "8", "-m", most};

        Tool.Ended small = h2load(way.tls, "/small.txt", 5000, how);
        assertThat(small.text()).contains("Application protocol: " + (way.tls ? protocol : plain));
        assertThat(small.text()).contains(5000 * 1200 + ") data");

        Tool.Ended large = h2load(way.tls, "/large", 64, how);
        assertThat(large.text()).contains(64L * LARGE.length + ") data");

        Path file = folder.resolve("upload");
        Files.write(file, Arrays.copyOf(LARGE, 300_000));
        var up = new ArrayList<>(List.of(how));
        up.addAll(List.of("-d", file.toString()));
        Tool.Ended sent = h2load(way.tls, "/sent", 400, up.toArray(String[]::new));
        assertThat(sent.text()).contains(400 * "300000".length() + ") data");

        assertEquals(5464, edge.daemon.metric("bascule_exchanges_total", "code=\"2xx\""));
    }

    @Test
    void givenTrailers_whenNghttpSendsAndReadsThem_thenBothSidesHaveThem() throws Exception {
        Path file = folder.resolve("upload");
        Files.writeString(file, "body");
        var seen = new AtomicReference<Answer>();
        try (Site site =
                        new Site(
                                (request, wire) -> {
                                    seen.set(request);
                                    wire.send(
                                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-answer\r\n\r\n2\r\nok\r\n0\r\nx-answer: 2\r\n\r\n");
                                    return true;
                                });
                Edge other =
                        Edge.before(Files.createDirectory(folder.resolve("b")), site.address())) {
            Tool.Ended ended =
                    Tool.run(
                            "nghttp",
                            "--no-verify-peer",
                            "-v",
                            "--no-content-length",
                            "--trailer",
                            "x-sum: 1",
                            "-d",
                            file.toString(),
                            "https://127.0.0.1:" + other.tls().getPort() + "/");

            assertThat(ended.text())
                    .contains("The negotiated protocol: h2", ":status: 200", "x-answer: 2");
            assertEquals("body", seen.get().body());
            assertEquals("x-sum: 1\r\n", seen.get().trailers());
        }
    }

    @Test
    void givenOpenssl_whenItLooks_thenTheHandshakeIsAsThePolicySays() throws Exception {
        String first = client("-alpn", "h2,http/1.1");
        assertThat(first)
                .contains(
                        "New, TLSv1.3",
                        "ALPN protocol: h2",
                        "Verify return code: 0 (ok)",
                        "Verified peername: localhost",
                        "Compression: NONE",
                        "Early data was not sent");
        assertThat(client("-alpn", "http/1.1")).contains("ALPN protocol: http/1.1");
        assertThat(client()).contains("No ALPN negotiated");
        assertThat(client("-alpn", "spdy/1")).doesNotContain("ALPN protocol: spdy");
        assertThat(client("-tls1_2")).contains("New, TLSv1.2", "ECDHE-ECDSA-AES");
        assertThat(client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
                .contains("alert protocol version", "Cipher is (NONE)");
        // What a web server refuses since 2014 (RFC 9325 §4.1): no forward secrecy.
        assertThat(client("-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384"))
                .contains("Cipher is (NONE)");
        // It asks for a second handshake on the same connection.
        Tool.Ended renegotiation = Tool.run(PATIENCE, "R\n", command("-tls1_2"));
        assertThat(renegotiation.all()).contains("RENEGOTIATING", "no renegotiation");
    }

    private String[] command(String... more) {
        var command = new ArrayList<>(List.of("openssl", "s_client", "-connect"));
        command.add("127.0.0.1:" + edge.tls().getPort());
        command.addAll(List.of("-servername", Edge.NAME, "-CAfile", edge.ca.toString()));
        command.addAll(List.of("-verify_hostname", Edge.NAME));
        command.addAll(Arrays.asList(more));
        return command.toArray(String[]::new);
    }

    /// A handshake and the end.
    private String client(String... more) throws IOException, InterruptedException {
        return Tool.run(PATIENCE, "", command(more)).all();
    }
}
