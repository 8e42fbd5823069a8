package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// A proxy under test, started, and in front of the origin.
///
/// @param tlsPort   where it takes the same over TLS; 0: nowhere
/// @param adminPort where its own metrics are; 0: nowhere
/// @param servers   the origin behind it
record Contender(
        Proxy proxy,
        Child child,
        int port,
        int tlsPort,
        int adminPort,
        AccessLog accessLog,
        Origin servers) {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final int BUILD_LIMIT_SECONDS = 900;

    /// Of its plain listener where there is one for TLS, too: descriptors for all must fit.
    private static final int PLAIN_CONNECTIONS = 300;

    /// How to start one.
    ///
    /// @param connections that clients may hold open at a time
    /// @param transport   Bascule's; empty: its default
    /// @param jvmOptions  Bascule's, beside its own
    /// @param certificate with its key, in one file, for a TLS listener beside the plain one
    record Setup(
            Origin origin,
            boolean log,
            boolean checks,
            int capacity,
            int connections,
            String transport,
            String jvmOptions,
            Optional<Path> certificate) {
        static Setup of(Options options, Origin origin, Bed bed)
                throws IOException, InterruptedException, Unavailable {
            boolean tls =
                    options.tls()
                            || options.workloads().stream()
                                    .anyMatch(load -> load.client().usesTls());
            Optional<Path> certificate = tls ? Optional.of(newCertificate(bed)) : Optional.empty();
            // 6,500 fits the usual limit of 20,000 open files: HAProxy reserves two for each
            // connection, and some.
            return new Setup(
                    origin,
                    options.log(),
                    options.checks(),
                    options.capacity(),
                    6_500,
                    options.transport(),
                    "",
                    certificate);
        }

        Setup withConnections(int count) {
            return new Setup(
                    origin, log, checks, capacity, count, transport, jvmOptions, certificate);
        }

        Setup withJvmOptions(String options) {
            return new Setup(
                    origin, log, checks, capacity, connections, transport, options, certificate);
        }
    }

    /// What is done with one that runs.
    interface Visit {
        void to(Contender started) throws IOException, InterruptedException, Unavailable;
    }

    /// Starts one, visits it and ends it; one that cannot be started here is passed over, with a line.
    ///
    /// @return false if the visit failed
    static boolean visit(Proxy proxy, Setup setup, Bed bed, Report report, Visit visit)
            throws IOException, InterruptedException {
        Contender started;
        try {
            started = start(proxy, setup, bed);
        } catch (Unavailable e) {
            report.saySkipped(proxy, e);
            return true;
        }
        try {
            visit.to(started);
            return true;
        } catch (Unavailable e) {
            report.sayFailed(proxy, e);
            return false;
        } finally {
            bed.end(started.child());
        }
    }

    /// @throws Unavailable if it is not installed, cannot be built, or does not answer
    static Contender start(Proxy proxy, Setup setup, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        Contender started =
                switch (proxy) {
                    case HAPROXY -> haproxy(proxy, 16_384, setup, bed);
                    case HAPROXY64 -> haproxy(proxy, 65_536, setup, bed);
                    case NGINX -> nginx(setup, bed);
                    case BASCULE -> bascule(setup, bed);
                    case FLOOR -> floor(setup, bed);
                    case ORIGIN -> direct(bed);
                };
        Http.awaitOk(started.url("/100"), started.child, START_LIMIT);
        return started;
    }

    String url(String path) {
        return "http://127.0.0.1:" + port + path;
    }

    /// Why it cannot take this load; empty: it can.
    String unfitFor(Workload load) {
        if (load.client().usesTls() && tlsPort == 0) return "no TLS listener here yet";
        // It passes `Connection: close` on and keeps a pool all the same: that would be another
        // workload.
        if (load.client() == Workload.Client.CHURN && proxy == Proxy.FLOOR)
            return "keeps connections";
        return "";
    }

    int portFor(Workload load) {
        return load.client().usesTls() ? tlsPort : port;
    }

    /// A throw-away certificate for an ECDSA key on P-256.
    static Path newCertificate(Bed bed) throws IOException, InterruptedException, Unavailable {
        Path key = bed.file("bench.key");
        Path certificate = bed.file("bench.crt");
        Child openssl =
                bed.run(
                        "openssl",
                        List.of(
                                ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                                                + " -nodes -days 2 -subj /CN=localhost -keyout "
                                                + key
                                                + " -out "
                                                + certificate)
                                        .split(" ")),
                        30);
        if (openssl.process().exitValue() != 0) throw new Unavailable("openssl: " + openssl.tail());
        return Files.writeString(
                bed.file("bench.pem"), Files.readString(certificate) + Files.readString(key));
    }

    String metricsUrl() {
        return "http://127.0.0.1:" + adminPort + "/metrics";
    }

    private static Contender haproxy(Proxy proxy, int bufferBytes, Setup setup, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        int port = bed.freePort();
        int tlsPort = setup.certificate.isPresent() ? bed.freePort() : 0;
        String bindTls =
                setup.certificate
                        .map(
                                file ->
                                        "bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1"
                                                .formatted(tlsPort, file))
                        .orElse("");
        AccessLog accessLog = new AccessLog.None();
        String logTo = "";
        if (setup.log) {
            String socket = bed.file(proxy + "-" + port + ".log").toString();
            Child sink =
                    bed.start(
                            Bed.LOAD_CPU, proxy + "-sink", List.of(bed.nativeTool("sink"), socket));
            sink.await("ready", 0, START_LIMIT);
            accessLog = new AccessLog.InSink(sink);
            logTo = "log " + socket + " local0";
        }
        String servers =
                setup.origin.ports().stream()
                        .map(
                                at ->
                                        "    server s%d 127.0.0.1:%d pool-max-conn 1000%s%s\n"
                                                .formatted(
                                                        at,
                                                        at,
                                                        setup.checks ? " check inter 2s" : "",
                                                        setup.capacity > 0
                                                                ? " maxconn " + setup.capacity
                                                                : ""))
                        .collect(Collectors.joining());
        String text =
                """
                global
                    nbthread 1
                    maxconn %d
                    tune.bufsize %d
                    %s
                defaults
                    mode http
                    timeout connect 5s
                    timeout client 300s
                    timeout server 60s
                    option http-keep-alive
                    option forwardfor
                    http-reuse always
                    %s
                frontend bench
                    bind 127.0.0.1:%d
                    %s
                    default_backend web
                backend web
                    balance roundrobin
                    %s
                %s
                """
                        .formatted(
                                setup.connections,
                                bufferBytes,
                                logTo,
                                setup.log ? "log global\n    option httplog" : "",
                                port,
                                bindTls,
                                setup.checks ? "option httpchk GET /100" : "",
                                servers);
        Path file = Files.writeString(bed.file(proxy + "-" + port + ".cfg"), text);
        Child child =
                bed.start(
                        Bed.PROXY_CPU,
                        proxy.toString(),
                        List.of("haproxy", "-db", "-f", file.toString()));
        return new Contender(proxy, child, port, tlsPort, 0, accessLog, setup.origin);
    }

    private static Contender nginx(Setup setup, Bed bed) throws IOException, Unavailable {
        int port = bed.freePort();
        int tlsPort = setup.certificate.isPresent() ? bed.freePort() : 0;
        String listenTls =
                setup.certificate
                        .map(
                                file ->
                                        """
                                        listen 127.0.0.1:%d ssl http2 backlog=4096;
                                        ssl_certificate %s;
                                        ssl_certificate_key %s;
                                        ssl_protocols TLSv1.2 TLSv1.3;
                                        ssl_session_cache shared:bench:10m;
                                        """
                                                .formatted(tlsPort, file, file))
                        .orElse("");
        Path home = Files.createDirectory(bed.file("nginx-" + port));
        AccessLog accessLog = new AccessLog.None();
        String logTo = "off";
        if (setup.log) {
            Path path = home.resolve("access.log");
            accessLog = new AccessLog.InFile(path);
            logTo = path + " combined buffer=64k flush=1s";
        }
        String servers =
                setup.origin.ports().stream()
                        .map("        server 127.0.0.1:%d;\n"::formatted)
                        .collect(Collectors.joining());
        boolean root = System.getProperty("user.name", "").equals("root");
        String text =
                """
                %s
                daemon off;
                worker_processes 1;
                pid %s/pid;
                error_log %s/error.log;
                events { worker_connections %d; }
                http {
                    access_log %s;
                    client_body_temp_path %s/body;
                    proxy_temp_path %s/proxy;
                    fastcgi_temp_path %s/fastcgi;
                    uwsgi_temp_path %s/uwsgi;
                    scgi_temp_path %s/scgi;
                    keepalive_requests 1000000000;
                    keepalive_timeout 300s;
                    upstream web {
                %s        keepalive 256;
                        keepalive_requests 1000000000;
                    }
                    server {
                        listen 127.0.0.1:%d backlog=4096;
                        %s
                        location / {
                            proxy_pass http://web;
                            proxy_http_version 1.1;
                            proxy_set_header Connection "";
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        }
                    }
                }
                """
                        .formatted(
                                root
                                        ? "user root;"
                                        : "", // Its worker must reach the temporary folder.
                                home,
                                home,
                                setup.connections + 1_000,
                                logTo,
                                home,
                                home,
                                home,
                                home,
                                home,
                                servers,
                                port,
                                listenTls);
        Path file = Files.writeString(home.resolve("nginx.conf"), text);
        Child child =
                bed.start(
                        Bed.PROXY_CPU,
                        "nginx",
                        List.of(
                                "nginx",
                                "-p",
                                home.toString(),
                                "-e",
                                home.resolve("error.log").toString(),
                                "-c",
                                file.toString()));
        return new Contender(Proxy.NGINX, child, port, tlsPort, 0, accessLog, setup.origin);
    }

    private static Contender bascule(Setup setup, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        String launcher = bed.checkout().resolve("bascule").toString();
        // The first use builds, and may take all CPUs for it.
        Child build = bed.run("bascule-version", List.of(launcher, "version"), BUILD_LIMIT_SECONDS);
        if (build.process().exitValue() != 0) {
            throw new Unavailable("./bascule version failed: " + build.tail());
        }
        int port = bed.freePort();
        int tlsPort = setup.certificate.isPresent() ? bed.freePort() : 0;
        int adminPort = bed.freePort();
        Path home = Files.createDirectory(bed.file("bascule-" + port));
        String listenTls = "";
        if (setup.certificate.isPresent()) {
            Path certificates = Files.createDirectory(home.resolve("certs"));
            Files.copy(setup.certificate.get(), certificates.resolve("default.pem"));
            listenTls =
                    """
                    listeners.bench-tls { bind = "127.0.0.1:%d", tls = certs/, backend = web, limits.connections = %d }
                    """
                            .formatted(tlsPort, setup.connections);
        }
        Path log = home.resolve("access.log");
        String servers =
                setup.origin.ports().stream()
                        .map("\"127.0.0.1:%d\""::formatted)
                        .collect(Collectors.joining(", "));
        String text =
                """
                listeners.bench { bind = "127.0.0.1:%d", backend = web, limits.connections = %d }
                %s
                backends.web { servers = [%s]%s%s }
                admin { http = "127.0.0.1:%d", socket = off }
                logging { %s, file = "%s" }
                loops = 1
                %s
                """
                        .formatted(
                                port,
                                tlsPort == 0 ? setup.connections : PLAIN_CONNECTIONS,
                                listenTls,
                                servers,
                                setup.checks ? ", check = /100" : "",
                                setup.capacity > 0 ? ", capacity = " + setup.capacity : "",
                                adminPort,
                                setup.log ? "access = json" : "access = off",
                                log,
                                setup.transport.isEmpty() ? "" : "transport = " + setup.transport);
        Path file = Files.writeString(home.resolve("bascule.conf"), text);
        // What was built above is measured, even if a source changes right now.
        Child child =
                bed.start(
                        Bed.PROXY_CPU,
                        "bascule",
                        List.of(
                                "env",
                                "BASCULE_IN_BUILD=1",
                                "BASCULE_JAVA_OPTS=" + setup.jvmOptions,
                                launcher,
                                "run",
                                "-c",
                                file.toString()));
        Http.awaitOk("http://127.0.0.1:" + adminPort + "/ready", child, START_LIMIT);
        return new Contender(
                Proxy.BASCULE,
                child,
                port,
                tlsPort,
                adminPort,
                setup.log ? new AccessLog.InFile(log) : new AccessLog.None(),
                setup.origin);
    }

    private static Contender floor(Setup setup, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        List<String> command = new ArrayList<>(List.of(bed.nativeTool("floor"), "0"));
        setup.origin.ports().forEach(port -> command.add(Integer.toString(port)));
        Child child = bed.start(Bed.PROXY_CPU, "floor", command);
        int port = Integer.parseInt(child.await("port ", 0, START_LIMIT));
        return new Contender(Proxy.FLOOR, child, port, 0, 0, new AccessLog.None(), setup.origin);
    }

    private static Contender direct(Bed bed) throws IOException, InterruptedException, Unavailable {
        Origin own = Origin.start(bed, Bed.PROXY_CPU);
        return new Contender(
                Proxy.ORIGIN, own.child(), own.ports().getFirst(), 0, 0, new AccessLog.None(), own);
    }
}
