package bascule.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// Makes the cache that an installed daemon starts from (JEP 514): runs the daemon of a package, as it will be run, with all that a
/// daemon does in its day, and has the JVM write down at its end what it has loaded, linked and learned.
///
/// Not with a cluster: a cache holds whole classes in memory from the first moment on, and those of a cluster are 10 MB that a daemon
/// which is alone would carry for nothing. Nor what the JVM learns of hot code (JEP 515): 5 MB more, and compilers that are busy
/// while the daemon should start.
final class Training {
    private static final int REQUESTS = 3000;
    private static final int AT_A_TIME = 32;
    private static final int START_SECONDS = 60;
    private static final int ANSWER_SECONDS = 20;

    /// The JVM writes the cache when all else is over.
    private static final int END_SECONDS = 180;

    private static final Pattern UP = Pattern.compile("\"health\"\\s*:\\s*\"up\"");
    private static final String PASSWORD = "training";

    private final Path home;
    private final Path folder;
    private final Path cache;

    /// @param home of the program, as `/usr/lib/bascule` is on a host
    /// @param folder made anew; what lies there afterwards tells what happened, and the cache is in it
    private Training(Path home, Path folder) {
        this.home = home;
        this.folder = folder;
        cache = folder.resolve("bascule.aot");
    }

    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            System.err.println("usage: Training HOME FOLDER");
            System.exit(2);
        }
        int exitCode = 1;
        try {
            Path home = Path.of(arguments[0]).toAbsolutePath();
            new Training(home, Path.of(arguments[1]).toAbsolutePath()).run();
            exitCode = 0;
        } catch (Exception e) {
            e.printStackTrace();
            System.err.println("packaging: the cache could not be trained");
        }
        System.exit(exitCode); // Clients and servers have threads of their own.
    }

    private void run() throws Exception {
        deleteAll(folder);
        Files.createDirectories(folder.resolve("certs"));
        KeyStore certificate = certificate();
        HttpServer first = server();
        HttpServer second = server();
        int[] ports = freePorts(3);
        Path file = folder.resolve("bascule.conf");
        Files.writeString(file, configuration(first, second, ports));
        Process daemon = daemon(file);
        try {
            work(file, daemon, ports, certificate, second);
            daemon.destroy();
            if (!daemon.waitFor(END_SECONDS, TimeUnit.SECONDS))
                throw new IOException("the daemon does not end" + told());
        } finally {
            daemon.destroyForcibly();
        }
        if (!Files.isRegularFile(cache)) throw new IOException("no cache was made" + told());
    }

    /// One day of a daemon in some seconds.
    private void work(
            Path file, Process daemon, int[] ports, KeyStore certificate, HttpServer second)
            throws Exception {
        URI admin = URI.create("http://127.0.0.1:" + ports[2]);
        URI plain = URI.create("http://127.0.0.1:" + ports[0]);
        URI secure = URI.create("https://127.0.0.1:" + ports[1]);
        HttpClient http1 = client(HttpClient.Version.HTTP_1_1, certificate);
        HttpClient http2 = client(HttpClient.Version.HTTP_2, certificate);
        awaitReady(http1, admin, daemon);

        for (String path : List.of("/metrics", "/status", "/live", "/"))
            answer(http1, admin.resolve(path));
        answer(http1, plain.resolve("/here"));
        answer(http1, plain.resolve("/moved"));
        load(http1, plain, REQUESTS);
        load(http1, secure, REQUESTS);
        load(http2, secure, REQUESTS);
        // Handshakes, and connections that end.
        for (int i = 0; i < 50; i++) {
            try (HttpClient once = client(HttpClient.Version.HTTP_1_1, certificate)) {
                answer(once, secure.resolve("/once"));
            }
        }
        answer(http1, admin.resolve("/metrics"));

        onDaemon("status");
        onDaemon("drain", "web/second");
        onDaemon("enable", "web/second");
        Files.writeString(
                file, Files.readString(file).replace("round-robin", "least-connections") + "\n#\n");
        onDaemon("reload");
        load(http1, plain, REQUESTS / 10);
        second.stop(0); // From here on requests are tried again, and a check fails.
        load(http1, plain, REQUESTS / 10);
        answer(http1, admin.resolve("/metrics"));
    }

    private String configuration(HttpServer first, HttpServer second, int[] ports) {
        return """
               listeners {
                 http {
                   bind = "127.0.0.1:%d"
                   routes = [
                     { path = /here, respond { status = 200, body = here } }
                     { path = /moved, redirect = https }
                     { host = "*.example.com", path = /shop/, backend = web, rewrite = / }
                   ]
                   backend = web
                   rate-limit = 1000000/s
                   response-headers { set { X-Frame-Options = DENY } }
                   limits = 1000
                 }
                 https { bind = "127.0.0.1:%d", tls = certs/, backend = web, limits = 1000 }
               }
               backends.web {
                 servers = [
                   { name = first, address = "127.0.0.1:%d" }
                   { name = second, address = "127.0.0.1:%d" }
                 ]
                 balance = round-robin
                 check { http = /healthz, every = 100ms, timeout = 100ms }
                 eject = on
                 sticky = training
                 capacity = 1000
               }
               admin { socket = ${BASCULE_TRAINING_SOCKET}, http = "127.0.0.1:%d" }
               state = ${BASCULE_TRAINING_STATE}
               shutdown.grace = 1s
               """
                .formatted(
                        ports[0],
                        ports[1],
                        first.getAddress().getPort(),
                        second.getAddress().getPort(),
                        ports[2]);
    }

    // ---- processes

    private List<String> java(String... options) {
        var line = new ArrayList<String>();
        line.add(home.resolve("runtime/bin/java").toString());
        line.add("@" + home.resolve("java.args"));
        line.addAll(List.of(options));
        line.addAll(List.of("-cp", home.resolve("lib/bascule.jar").toString(), "bascule.Main"));
        return line;
    }

    private Process daemon(Path file) throws IOException {
        List<String> line =
                java(
                        "-XX:+UnlockDiagnosticVMOptions",
                        "-XX:-AOTRecordTraining",
                        "-XX:AOTCacheOutput=" + cache);
        line.addAll(List.of("run", "-c", file.toString()));
        return start("daemon", line);
    }

    private void onDaemon(String... verb) throws IOException, InterruptedException {
        var all = new ArrayList<>(List.of(verb));
        all.addAll(List.of("--socket", folder.resolve("admin.sock").toString()));
        command(all.toArray(String[]::new));
    }

    private void command(String... arguments) throws IOException, InterruptedException {
        List<String> line = java();
        line.addAll(List.of(arguments));
        finish(arguments[0], start(arguments[0], line));
    }

    private void finish(String name, Process process) throws IOException, InterruptedException {
        if (!process.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(name + " does not end" + told());
        }
        if (process.exitValue() != 0)
            throw new IOException(name + " ends with " + process.exitValue() + told());
    }

    private Process start(String name, List<String> line) throws IOException {
        var builder =
                new ProcessBuilder(line)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve(name + ".log").toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(key -> key.matches("(JDK_)?JAVA_.*OPTIONS"));
        environment.put("BASCULE_TRAINING_SOCKET", folder.resolve("admin.sock").toString());
        environment.put("BASCULE_TRAINING_STATE", folder.toString());
        return builder.start();
    }

    private String told() {
        return " (what it said: " + folder + "/*.log)";
    }

    // ---- traffic

    private void awaitReady(HttpClient client, URI admin, Process daemon) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (true) {
            if (!daemon.isAlive()) throw new IOException("the daemon has ended" + told());
            try {
                String status = answer(client, admin.resolve("/status")).body();
                // Both servers have passed.
                if (answer(client, admin.resolve("/ready")).statusCode() == 200
                        && UP.matcher(status).results().count() == 2) return;
            } catch (IOException notYet) {
                if (System.nanoTime() - end > 0)
                    throw new IOException("the daemon does not become ready" + told(), notYet);
            }
            if (System.nanoTime() - end > 0)
                throw new IOException("the daemon does not become ready" + told());
            Thread.sleep(20);
        }
    }

    private static HttpResponse<String> answer(HttpClient client, URI what)
            throws IOException, InterruptedException {
        return client.send(request(what).GET().build(), BodyHandlers.ofString());
    }

    private static HttpRequest.Builder request(URI what) {
        return HttpRequest.newBuilder(what).timeout(Duration.ofSeconds(ANSWER_SECONDS));
    }

    /// Of different kinds: short and long, to and fro.
    private static void load(HttpClient client, URI where, int requests) throws Exception {
        byte[] body = new byte[20_000];
        var waiting = new ArrayList<CompletableFuture<?>>();
        int lost = 0;
        for (int i = 0; i < requests; i++) {
            HttpRequest.Builder request =
                    request(where.resolve(i % 10 == 0 ? "/long?n=" + i : "/short/" + i));
            switch (i % 7) {
                case 3 -> request.POST(BodyPublishers.ofByteArray(body));
                case 5 ->
                        request.POST(
                                BodyPublishers.ofInputStream(() -> InputStream.nullInputStream()));
                default -> request.GET();
            }
            waiting.add(client.sendAsync(request.build(), BodyHandlers.discarding()));
            if (waiting.size() == AT_A_TIME) lost += await(waiting);
        }
        lost += await(waiting);
        if (lost > requests / 10)
            throw new IOException(where + ": " + lost + " of " + requests + " requests failed");
    }

    /// @return how many have failed
    private static int await(List<CompletableFuture<?>> waiting) throws InterruptedException {
        int lost = 0;
        for (CompletableFuture<?> each : waiting) {
            try {
                each.get();
            } catch (ExecutionException failed) {
                lost++;
            }
        }
        waiting.clear();
        return lost;
    }

    private static HttpServer server() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 100);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", Training::serve);
        server.start();
        return server;
    }

    private static void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
            boolean isLong = exchange.getRequestURI().getPath().equals("/long");
            byte[] body = isLong ? new byte[200_000] : "short\n".getBytes(UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain");
            exchange.sendResponseHeaders(200, isLong ? 0 : body.length); // 0: in chunks.
            exchange.getResponseBody().write(body);
        }
    }

    private static HttpClient client(HttpClient.Version version, KeyStore trusted)
            throws GeneralSecurityException {
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder().version(version).sslContext(tls).build();
    }

    // ---- what else it takes

    /// A certificate for localhost, where the daemon looks for it.
    private KeyStore certificate() throws Exception {
        Path store = folder.resolve("training.p12");
        finish(
                "keytool",
                start(
                        "keytool",
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                                "-genkeypair",
                                "-alias",
                                "training",
                                "-keyalg",
                                "EC",
                                "-groupname",
                                "secp256r1",
                                "-dname",
                                "CN=localhost",
                                "-ext",
                                "san=dns:localhost,ip:127.0.0.1",
                                "-validity",
                                "2",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                PASSWORD)));
        KeyStore made = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
        var certificate = made.getCertificate("training");
        Files.writeString(
                folder.resolve("certs/training.pem"),
                pem("CERTIFICATE", certificate.getEncoded())
                        + pem(
                                "PRIVATE KEY",
                                made.getKey("training", PASSWORD.toCharArray()).getEncoded()));
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("training", certificate);
        return trusted;
    }

    private static String pem(String label, byte[] bytes) {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
        return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
    }

    /// Different ones that were free a moment ago, for TCP on 127.0.0.1.
    private static int[] freePorts(int count) throws IOException {
        var open = new ArrayList<ServerSocket>();
        int[] ports = new int[count];
        try {
            for (int i = 0; i < count; i++) {
                var socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
                open.add(socket);
                ports[i] = socket.getLocalPort();
            }
        } finally {
            for (ServerSocket each : open) each.close();
        }
        return ports;
    }

    private static void deleteAll(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) return;
        try (var entries = Files.walk(folder)) {
            for (Path each : entries.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(each);
        }
    }
}
