package bascule;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.SentTraffic.Exchange;
import bascule.testing.BasculeProcess;
import bascule.testing.JdkTls;
import bascule.testing.Pair;
import bascule.testing.Peers;
import bascule.testing.Prometheus;
import bascule.testing.Prometheus.Rule;
import bascule.testing.Site;
import bascule.testing.Wire;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What is shipped for Prometheus and Grafana, asked by a real Prometheus of a real pair: known traffic is sent, and the answer to each
/// query must be what was sent.
@Timeout(240)
final class PrometheusIT {
    private static final Path PACKAGING = BasculeProcess.ROOT.resolve("packaging");
    private static final Duration SLOW = Duration.ofMillis(1300);

    private static final String CONFIGURATION =
            """
            state = "STATE", admin.socket = "STATE/admin.sock"
            listeners {
              http  { bind = "127.0.0.1:0", limits.connections = 200, backend = web
                      routes = [{ path = /slow, backend = api }, { path = /flaky, backend = flaky }, { path = /dead, backend = dead }] }
              tight { bind = "127.0.0.1:0", limits.connections = 10, routes = [{ respond = 204 }] }
              https { bind = "127.0.0.1:0", limits.connections = 50, backend = web, tls = certs/ }
            }
            backends {
              web { servers = [{ name = one, address = "ONE" }, { name = two, address = "TWO" }], timeouts.idle = 5m }
              api.servers = [{ name = slow, address = "ONE" }]
              flaky.servers = [{ name = gone, address = "127.0.0.1:1" }, { name = there, address = "TWO" }]
              dead { servers = [{ name = down, address = "127.0.0.1:1" }], check { tcp = on, every = 100ms, timeout = 100ms, fall = 1 } }
            }
            """;

    @TempDir Path folder = Path.of("");
    private final Map<String, InetSocketAddress> nodes = new LinkedHashMap<>();
    private final Map<String, Daemon> daemons = new LinkedHashMap<>();
    private final SentTraffic sent = new SentTraffic();
    private final List<Wire> held = new ArrayList<>();
    private final Instant soon = end(10);
    private final Instant now = end(2);
    private int newSessions;
    private int resumedSessions;
    private final List<Site> sites = new ArrayList<>();
    private Pair pair;
    private Prometheus prometheus;
    private Map<String, Double> movesBefore = Map.of();
    private String a;
    private String b;

    private static Instant end(int days) {
        return Instant.ofEpochSecond(Instant.now().getEpochSecond()).plus(Duration.ofDays(days));
    }

    @BeforeEach
    void start() throws Exception {
        Peers.require("prometheus");
        sites.add(site("one"));
        sites.add(site("two"));
        pair = new Pair(Files.createDirectory(folder.resolve("pair")));
        var authority = TestAuthority.named("Test authority");
        Path certificates = Files.createDirectory(folder.resolve("pair/certs"));
        authority.issue("localhost").write(certificates, "default");
        for (var each : Map.of("soon.test", soon, "now.test", now).entrySet())
            authority
                    .request(each.getKey())
                    .names(each.getKey())
                    .valid(each.getValue().minus(Duration.ofDays(30)), each.getValue())
                    .issue()
                    .write(certificates, each.getKey());
        for (String node : List.of("a", "b")) daemons.put(node, pair.start(node, configuration()));
        pair.awaitOwner();
        var targets = new LinkedHashMap<String, InetSocketAddress>();
        targets.put("edge1:9180", daemons.get("a").adminAddresses().getFirst());
        targets.put("edge2:9180", daemons.get("b").adminAddresses().getFirst());
        a = instance("a");
        b = instance("b");
        nodes.put(a, daemons.get("a").adminAddresses().getFirst());
        nodes.put(b, daemons.get("b").adminAddresses().getFirst());
        prometheus =
                new Prometheus(
                        PACKAGING.resolve("prometheus"),
                        Files.createDirectory(folder.resolve("prometheus")),
                        targets);
        awaitEqual(
                "min by (cluster) (count_over_time(up[1m])) >= bool 4",
                Expected.nothing().exactly("cluster=edge", 1));
        movesBefore = moves();
        send(authority);
    }

    /// How often each node took the address or let go of it, by reason.
    private Map<String, Double> moves() throws IOException {
        return Scraped.of(nodes)
                .sums("bascule_floating_ip_changes_total", "name", "instance", "reason");
    }

    /// One hand-over, and what a host that is short of CPU adds to it.
    private Map<String, Double> movesSince() {
        try {
            Map<String, Double> since = moves();
            since.replaceAll((key, count) -> count - movesBefore.getOrDefault(key, 0.0));
            since.values().removeIf(count -> count == 0);
            return since;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /// Which node owns the address now.
    private String owner() {
        return Pair.owner(pair.status("a"));
    }

    private String standby() {
        return owner().equals("a") ? "b" : "a";
    }

    @AfterEach
    void stop() throws Exception {
        if (prometheus != null) prometheus.close();
        for (Wire each : held) each.close();
        if (pair != null) pair.close();
        for (Site each : sites) each.close();
    }

    private String configuration() throws IOException {
        return CONFIGURATION
                .replace("ONE", sites.getFirst().address())
                .replace("TWO", sites.getLast().address());
    }

    private String instance(String node) {
        return "127.0.0.1:" + daemons.get(node).adminAddresses().getFirst().getPort();
    }

    /// Answers by what is asked for.
    private static Site site(String name) throws IOException {
        return new Site(
                (request, wire) -> {
                    String path = request.head().split(" ", 3)[1];
                    if (path.equals("/slow")) pause(SLOW);
                    String status =
                            switch (path) {
                                case "/missing" -> "404 Not Found";
                                case "/broken" -> "500 Internal Server Error";
                                default -> "200 OK";
                            };
                    wire.send(
                            "HTTP/1.1 %s\r\nX-Server: %s\r\nContent-Length: 2\r\n\r\nok"
                                    .formatted(
                                            status,
                                            switch (path) {
                                                case "/slow" -> "slow";
                                                case "/flaky" -> "there";
                                                default -> name;
                                            }));
                    return true;
                });
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private InetSocketAddress address(String node, String listener) {
        return daemons.get(node).addresses(listener).getFirst();
    }

    private void ask(int times, String node, String backend, String path) throws IOException {
        for (int i = 0; i < times; i++)
            sent.ask(
                    instance(node),
                    address(node, "http"),
                    "http",
                    backend,
                    SentTraffic.request(path));
    }

    /// All the traffic. What is not worth more than once in a while is sent often enough to stand above the bounds of alerts.
    private void send(TestAuthority authority) throws Exception {
        ask(60, "a", "web", "/");
        ask(20, "b", "web", "/");
        ask(12, "a", "web", "/missing");
        ask(19, "a", "web", "/broken");
        ask(40, "a", "dead", "/dead");
        ask(50, "a", "flaky", "/flaky");
        atOnce(40, () -> ask(1, "a", "api", "/slow"));
        atOnce(6, this::leave);
        for (int i = 0; i < 40; i++) malformed();
        for (int i = 0; i < 3; i++) handshake(JdkTls.context(authority, null));
        SSLContext known = JdkTls.context(authority, null);
        for (int i = 0; i < 3; i++) handshake(known);
        assertThat(resumedSessions).isPositive();
        for (int i = 0; i < 2; i++) {
            try (Wire plain = Wire.connect(address("a", "https"))) {
                plain.send("GET / HTTP/1.1\r\n\r\n");
                plain.skipToEnd();
            }
        }
        for (int i = 0; i < 10; i++) held.add(Wire.connect(address("a", "tight")));
        for (Wire each : held) {
            String request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            each.send(request);
            sent.note(a, "tight", "none", request, each.receiveHead());
        }
        for (int i = 0; i < 3; i++) {
            try (Wire over = Wire.connect(address("a", "tight"))) {
                over.skipToEnd();
            }
        }
        order("a", "/servers/web/two/drain");
        pair.reload("b", configuration().replace("= 200", "= 201"));
        pair.reloadRefused("a", configuration() + "loops = 7\n");
        order(owner(), "/floating-ips/public/handover");
        pair.awaitOwner();
        assertThat(movesSince().keySet()).anyMatch(each -> each.endsWith("reason=handover"));
        for (int i = 0; i < 5; i++) held.add(Wire.connect(address("b", "http")));
        awaitEqual("sum(bascule_exchanges_total)", Expected.nothing().exactly("", sent.size()));
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void atOnce(int times, Work work) throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < times; i++)
                all.add(
                        threads.submit(
                                () -> {
                                    work.run();
                                    return null;
                                }));
            for (Future<?> each : all) {
                try {
                    each.get();
                } catch (ExecutionException e) {
                    throw new AssertionError(e.getCause());
                }
            }
        }
    }

    /// A client that does not wait for its answer.
    private void leave() throws IOException {
        String request = SentTraffic.request("/slow");
        try (Wire wire = Wire.connect(address("a", "http"))) {
            wire.send(request);
            pause(Duration.ofMillis(300));
            wire.reset();
        }
        sent.add(new Exchange(a, "http", "api", "slow", "aborted", request.length(), 0));
    }

    /// What is refused is answered, but of its bytes nothing was received.
    private void malformed() throws IOException {
        try (Wire wire = Wire.connect(address("a", "http"))) {
            wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nBad Field: 1\r\n\r\n");
            sent.note(a, "http", "none", "", wire.receiveRest());
        }
    }

    private void handshake(SSLContext context) throws IOException {
        long before = System.currentTimeMillis();
        pause(Duration.ofMillis(5)); // So that a session of before is older.
        InetSocketAddress to = address("a", "https");
        try (var socket =
                (SSLSocket)
                        context.getSocketFactory().createSocket(to.getAddress(), to.getPort())) {
            socket.setSoTimeout((int) Pair.PATIENCE.toMillis());
            socket.startHandshake();
            if (socket.getSession().getCreationTime() < before) resumedSessions++;
            else newSessions++;
            String request = SentTraffic.request("/");
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
            sent.note(a, "https", "web", request, answer);
        }
    }

    private void order(String node, String what) throws IOException {
        var client = new AdminClient(pair.state(node).resolve("admin.sock"));
        AdminClient.Answer answer = client.ask("POST", what, Duration.ofSeconds(30));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    /// Asks until it is so: what was sent last has to be scraped, and what is recorded to be evaluated after that.
    private void awaitEqual(String query, Expected expected) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        List<String> differences = expected.differences(prometheus.query(query));
        while (!differences.isEmpty() && System.nanoTime() < deadline) {
            pause(Prometheus.STEP);
            differences = expected.differences(prometheus.query(query));
        }
        assertThat(differences).as(query).isEmpty();
    }

    /// @return those that are not so, each with its differences
    private Map<String, List<String>> wrong(
            Map<String, String> queries,
            Map<String, Supplier<Expected>> expected,
            Duration patience)
            throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            var wrong = new TreeMap<String, List<String>>();
            for (Map.Entry<String, String> each : queries.entrySet()) {
                List<String> differences =
                        expected.get(each.getKey())
                                .get()
                                .differences(prometheus.query(each.getValue()));
                if (!differences.isEmpty())
                    wrong.put(each.getKey() + ": " + each.getValue(), differences);
            }
            if (wrong.isEmpty() || System.nanoTime() > deadline) return wrong;
            pause(Prometheus.STEP);
        }
    }

    @Test
    void givenKnownTraffic_whenEachShippedQueryIsAsked_thenItAnswersWhatWasSent() throws Exception {
        var queries = new TreeMap<String, String>();
        Map<String, Supplier<Expected>> expected = new TreeMap<>();
        recorded(expected);
        alerts(expected);
        panels(expected);
        for (Rule rule : prometheus.rules()) {
            String quantile = rule.labels().get("quantile");
            String key = quantile == null ? rule.name() : rule.name() + " " + quantile;
            assertThat(queries.put(key, rule.query())).as(key).isNull();
        }
        for (Map.Entry<String, String> each : Dashboard.queries().entrySet())
            queries.put(each.getKey(), each.getValue());
        assertThat(queries.keySet())
                .isEqualTo(expected.keySet()); // None is without an expectation.

        assertThat(wrong(queries, expected, Duration.ofSeconds(30))).isEmpty();

        // What is recorded under a name is what its query says.
        var recorded = new TreeMap<String, String>();
        for (String key : queries.keySet())
            if (key.startsWith("bascule:"))
                recorded.put(key, key.replaceFirst(" (.*)", "{quantile=\"$1\"}"));
        assertThat(wrong(recorded, expected, Duration.ofSeconds(10))).isEmpty();

        // The texts of what fires, or is about to, could be made.
        assertThat(prometheus.alerts()).containsKeys("BasculeErrorRatio", "BasculeServerDown");
        assertThat(prometheus.alerts().toString()).doesNotContain("<error", "{{", "<no value>");

        assertPlantedFaultsAreSeen(queries, expected);
        assertThatANodeIsMissed();
    }

    private void assertPlantedFaultsAreSeen(
            Map<String, String> queries, Map<String, Supplier<Expected>> expected)
            throws IOException {
        String[][] faults = {
            {"bascule:exchanges:rate5m", "(cluster, backend)", "(cluster, listener)"},
            {"bascule:exchange_errors:ratio5m", "5xx", "4xx"},
            {"bascule:sent_bytes:rate5m", "sent", "received"},
            {"bascule:server_exchange_duration_seconds:quantile5m 0.99", "0.99,", "0.5,"},
            {"bascule:exchange_duration_seconds:quantile5m 0.9", "exchange_d", "connect_d"},
            {"bascule:connections:used_ratio", "_limit", "_open"},
            {"BasculeReloadFailed", "refused|failed", "loaded"},
            {"BasculeConfigDiffers", "> 0", "> 1"},
            {"BasculeServerDown", "min by", "max by (server) (bascule_server_up) == min by"},
            {"Traffic/Requests by answer A", "sum by", "max by"},
            {"Pair and floating IPs/Owner A", "max by", "1 - max by"},
        };
        for (String[] fault : faults) {
            String right = queries.get(fault[0]);
            String planted = right.replace(fault[1], fault[2]);
            assertThat(planted).as(fault[0]).isNotEqualTo(right);
            assertThat(wrong(Map.of(fault[0], planted), expected, Duration.ZERO))
                    .as(planted)
                    .isNotEmpty();
        }
    }

    private void assertThatANodeIsMissed() throws IOException {
        String gone = owner();
        String left = standby();
        pair.stop(gone);
        pair.awaitStatus(left, status -> Pair.owner(status).equals(left));
        var queries = new TreeMap<String, String>();
        for (Rule rule : prometheus.rules()) queries.put(rule.name(), rule.query());

        awaitEqual(
                queries.get("BasculeNodeDown"),
                Expected.nothing().exactly("instance=" + (gone.equals("a") ? a : b), 0));
        awaitEqual(
                queries.get("BasculePeerMissing"),
                Expected.nothing().exactly("instance=" + (left.equals("a") ? a : b), 1));
        awaitEqual("bascule:floating_ip:owners", Expected.nothing().exactly("name=public", 1));
    }

    private static Expected none() {
        return Expected.nothing();
    }

    private Scraped scraped() {
        try {
            return Scraped.of(nodes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String byServer(Exchange each) {
        return "backend=" + each.backend() + ",server=" + each.server();
    }

    private static String byBackend(Exchange each) {
        return "backend=" + each.backend();
    }

    private static String byListener(Exchange each) {
        return "listener=" + each.listener();
    }

    private Map<String, Double> bytes(boolean received, double scale) {
        return sent.sums(
                PrometheusIT::byListener,
                _ -> true,
                received ? Exchange::received : Exchange::sent,
                scale);
    }

    private void recorded(Map<String, Supplier<Expected>> all) {
        all.put(
                "bascule:exchanges:rate5m",
                () -> none().counted(sent.rates(PrometheusIT::byBackend)));
        all.put(
                "bascule:server_exchanges:rate5m",
                () -> none().counted(sent.rates(PrometheusIT::byServer)));
        all.put(
                "bascule:listener_exchanges:rate5m",
                () -> none().counted(sent.rates(PrometheusIT::byListener)));
        all.put("bascule:received_bytes:rate5m", () -> none().counted(bytes(true, 1 / 300.0)));
        all.put("bascule:sent_bytes:rate5m", () -> none().counted(bytes(false, 1 / 300.0)));
        all.put(
                "bascule:connections:used_ratio",
                () ->
                        none().exactly("instance=" + a + ",listener=tight", 1)
                                .exactly("instance=" + b + ",listener=http", 5 / 201.0));
        all.put(
                "bascule:exchange_errors:ratio5m",
                () -> none().near(sent.shares(PrometheusIT::byBackend, "5xx")));
        all.put(
                "bascule:server_exchange_errors:ratio5m",
                () -> none().near(sent.shares(PrometheusIT::byServer, "5xx")));
        all.put(
                "bascule:exchanges_aborted:ratio5m",
                () -> none().near(sent.shares(PrometheusIT::byBackend, "aborted")));
        all.put("bascule:retries:ratio5m", () -> none().near("backend=flaky", 0.5));
        all.put(
                "bascule:rejected:rate5m",
                () ->
                        none().counted("listener=http,reason=field", 40 / 300.0)
                                .counted("listener=tight,reason=connections", 3 / 300.0)
                                .counted("listener=https,reason=tls", 2 / 300.0));
        int good = newSessions + resumedSessions;
        all.put(
                "bascule:tls_handshakes:rate5m",
                () -> none().counted("listener=https", (good + 2) / 300.0));
        all.put(
                "bascule:tls_handshakes_failed:ratio5m",
                () -> none().near("listener=https", 2.0 / (good + 2)));
        all.put(
                "bascule:tls_handshakes_resumed:ratio5m",
                () -> none().near("listener=https", resumedSessions / (double) good));
        for (String what : List.of("exchange", "first_byte", "connect")) {
            for (double quantile : new double[] {0.5, 0.9, 0.99}) {
                String end = what + "_duration_seconds:quantile5m " + quantile;
                String histogram = "bascule_" + what + "_duration_seconds";
                all.put(
                        "bascule:" + end,
                        () -> none().near(scraped().quantiles(quantile, histogram, "backend")));
                all.put(
                        "bascule:server_" + end,
                        () ->
                                none().near(
                                                scraped()
                                                        .quantiles(
                                                                quantile, histogram, "backend",
                                                                "server")));
            }
        }
        all.put(
                "bascule:event_loop_lag_seconds:quantile5m 0.99",
                () -> none().within("instance=" + a, 0, 30).within("instance=" + b, 0, 30));
        all.put("bascule:floating_ip:owners", () -> none().exactly("cluster=edge,name=public", 1));
        all.put(
                "bascule:floating_ip_moves:increase15m",
                () ->
                        none().counted(
                                        "cluster=edge,name=public",
                                        movesSince().values().stream()
                                                .mapToDouble(Double::doubleValue)
                                                .sum()));
    }

    private void alerts(Map<String, Supplier<Expected>> all) {
        for (String each :
                List.of(
                        "NodeDown",
                        "AllNodesDown",
                        "NotScraped",
                        "Restarting",
                        "VersionsDiffer",
                        "FloatingIpWithoutOwner",
                        "FloatingIpTwoOwners",
                        "PeerMissing",
                        "OwnerPortDrops",
                        "CertificatesRefused",
                        "CertificatesDiffer",
                        "BackendWeak",
                        "ServerSeenDifferently",
                        "ServerFlapping",
                        "Handshakes",
                        "AcceptErrors",
                        "DescriptorsNearLimit",
                        "AccessLogDropped",
                        "EventsDropped")) all.put("Bascule" + each, PrometheusIT::none);
        all.put(
                "BasculeConfigDiffers",
                () -> none().exactly("instance=" + a, 1).exactly("instance=" + b, 1));
        all.put("BasculeFloatingIpFlapping", () -> none().perhaps("name=public", 6, 100));
        all.put("BasculeReloadFailed", () -> none().counted("instance=" + a, 1));
        all.put(
                "BasculeCertificateExpiresSoon",
                () ->
                        none().within("name=soon.test,instance=" + a, left(soon) - 60, left(soon))
                                .within(
                                        "name=soon.test,instance=" + b,
                                        left(soon) - 60,
                                        left(soon)));
        all.put(
                "BasculeCertificateExpires",
                () ->
                        none().within("name=now.test,instance=" + a, left(now) - 60, left(now))
                                .within("name=now.test,instance=" + b, left(now) - 60, left(now)));
        all.put(
                "BasculeDrainForgotten",
                () -> none().exactly("backend=web,server=two,state=draining", 1));
        all.put(
                "BasculeBackendDown",
                () ->
                        none().exactly("backend=dead,instance=" + a, 0)
                                .exactly("backend=dead,instance=" + b, 0));
        all.put("BasculeServerDown", () -> none().exactly("backend=dead,server=down", 1));
        all.put(
                "BasculeErrorRatio",
                () ->
                        none().near("backend=dead", 1)
                                .near(
                                        "backend=web",
                                        sent.shares(PrometheusIT::byBackend, "5xx")
                                                .get("backend=web")));
        all.put("BasculeAborted", () -> none().near("backend=api", 6 / 46.0));
        all.put(
                "BasculeLatency",
                () ->
                        none().near(
                                        "backend=api",
                                        scraped()
                                                .quantiles(
                                                        0.99,
                                                        "bascule_exchange_duration_seconds",
                                                        "backend")
                                                .get("backend=api"))
                                .perhaps("backend=web", 1, 30)
                                .perhaps("backend=flaky", 1, 30));
        all.put("BasculeRetries", () -> none().near("backend=flaky", 0.5));
        all.put(
                "BasculeConnectionsNearLimit",
                () -> none().exactly("instance=" + a + ",listener=tight", 1));
        all.put(
                "BasculeConnectionsRefused",
                () -> none().counted("instance=" + a + ",listener=tight,reason=connections", 3));
        all.put(
                "BasculeRejected",
                () ->
                        none().near(
                                        "listener=http,reason=field",
                                        40
                                                / 300.0
                                                / sent.rates(PrometheusIT::byListener)
                                                        .get("listener=http")));
        all.put(
                "BasculeLoopLag",
                () -> none().perhaps("instance=" + a, 0.1, 30).perhaps("instance=" + b, 0.1, 30));
        all.put(
                "BasculeGcPauses",
                () -> none().perhaps("instance=" + a, 0.05, 1).perhaps("instance=" + b, 0.05, 1));
    }

    /// Seconds from now.
    private static double left(Instant end) {
        return Duration.between(Instant.now(), end).toMillis() / 1000.0 + 1;
    }

    private void panels(Map<String, Supplier<Expected>> all) {
        Supplier<Expected> everyRequest = () -> none().counted(sent.rates(_ -> ""));
        all.put("Now/Nodes A", () -> none().exactly("", 2));
        all.put("Now/Nodes B", () -> none().exactly("", 2));
        all.put("Now/Alerts A", () -> none().within("", 2, 20));
        all.put(
                "Now/Owners A",
                () -> none().exactly("name=public,instance=" + instance(owner()), 1));
        all.put("Now/Servers out A", () -> none().exactly("", 2));
        all.put("Now/Requests A", everyRequest);
        all.put("Now/5xx A", () -> none().near(sent.shares(_ -> "", "5xx")));
        all.put(
                "Now/p99 A",
                () -> none().near(scraped().quantiles(0.99, "bascule_exchange_duration_seconds")));
        all.put("Now/Configurations A", () -> none().exactly("", 2));

        all.put(
                "Traffic/Requests by answer A",
                () -> none().counted(sent.rates(each -> "code=" + each.code())));
        all.put(
                "Traffic/Requests by backend A",
                () -> none().counted(sent.rates(PrometheusIT::byBackend)));
        all.put(
                "Traffic/Requests by node A",
                () -> none().counted(sent.rates(each -> "instance=" + each.node())));
        all.put("Traffic/Bytes A", () -> none().counted(bytes(false, 1 / 300.0)));
        all.put("Traffic/Bytes B", () -> none().counted(bytes(true, -1 / 300.0)));
        all.put(
                "Traffic/Connections of clients A",
                () ->
                        none().exactly("instance=" + a + ",listener=tight", 10)
                                .exactly("instance=" + b + ",listener=http", 5));
        all.put(
                "Traffic/Connections of clients B",
                () ->
                        none().exactly("listener=http", 201)
                                .exactly("listener=tight", 10)
                                .exactly("listener=https", 50));

        all.put(
                "Errors/5xx by backend A",
                () -> none().near(sent.shares(PrometheusIT::byBackend, "5xx")));
        all.put(
                "Errors/5xx by server A",
                () ->
                        none().counted(
                                        sent.rates(
                                                PrometheusIT::byServer,
                                                each -> each.code().equals("5xx"))));
        all.put(
                "Errors/No whole answer A",
                () -> none().near(sent.shares(PrometheusIT::byBackend, "aborted")));
        all.put("Errors/Refused A", all.get("bascule:rejected:rate5m"));
        all.put(
                "Errors/Sent again A",
                () -> none().counted("backend=flaky,reason=connect", 25 / 300.0));
        all.put("Errors/Our own trouble A", PrometheusIT::none);
        all.put("Errors/Our own trouble B", PrometheusIT::none);

        int index = 0;
        for (double quantile : new double[] {0.5, 0.9, 0.99}) {
            all.put(
                    "Latency/From request to end of response " + (char) ('A' + index++),
                    all.get("bascule:exchange_duration_seconds:quantile5m " + quantile));
        }
        all.put(
                "Latency/All requests A",
                () ->
                        none().counted(
                                        scraped()
                                                .sums(
                                                        "bascule_exchange_duration_seconds_bucket",
                                                        "le")));
        all.put(
                "Latency/Servers: p99 to the first byte A",
                all.get("bascule:server_first_byte_duration_seconds:quantile5m 0.99"));
        all.put(
                "Latency/Servers: p99 of new connections A",
                all.get("bascule:server_connect_duration_seconds:quantile5m 0.99"));
        all.put("Latency/Mean by server A", this::means);

        all.put("Servers/State A", this::states);
        all.put(
                "Servers/Requests by server A",
                () ->
                        none().counted(
                                        sent.rates(
                                                PrometheusIT::byServer,
                                                each -> !each.server().equals("none"))));
        for (var each :
                Map.of("Connections to servers", "connections", "of which idle", "pool_idle")
                        .entrySet())
            all.put(
                    "Servers/" + each.getKey() + " A",
                    () ->
                            none().exactly(
                                            scraped()
                                                    .sums(
                                                            "bascule_server_" + each.getValue(),
                                                            "backend",
                                                            "server")));

        all.put(
                "Pair and floating IPs/Owner A",
                () ->
                        none().exactly("name=public,instance=" + instance(owner()), 1)
                                .exactly("name=public,instance=" + instance(standby()), 0));
        all.put(
                "Pair and floating IPs/Owners of each address A",
                all.get("bascule:floating_ip:owners"));
        all.put(
                "Pair and floating IPs/Nodes that see each other A",
                () -> none().exactly("instance=" + a, 2).exactly("instance=" + b, 2));
        all.put(
                "Pair and floating IPs/Nodes that see each other B",
                all.get("BasculeConfigDiffers"));
        all.put("Pair and floating IPs/Moves A", () -> none().counted(movesSince()));
        all.put("Pair and floating IPs/Datagrams dropped A", PrometheusIT::none);
        for (String each : List.of("A", "B"))
            all.put(
                    "Pair and floating IPs/Configuration and version " + each,
                    () -> none().exactly("instance=" + a, 1).exactly("instance=" + b, 1));

        all.put(
                "TLS/Handshakes A",
                () ->
                        none().counted("version=TLSv1.3,resumed=false", newSessions / 300.0)
                                .counted("version=TLSv1.3,resumed=true", resumedSessions / 300.0));
        all.put(
                "TLS/Handshakes that failed A",
                () -> none().counted("listener=https,result=malformed", 2 / 300.0));
        all.put("TLS/Certificates read A", PrometheusIT::none);
        all.put(
                "TLS/Certificates read B",
                () ->
                        none().counted("instance=" + a + ",result=refused", 1)
                                .counted("instance=" + b + ",result=loaded", 1));
        all.put(
                "TLS/Certificates end in A",
                () ->
                        none().within("name=soon.test", left(soon) - 60, left(soon))
                                .within("name=now.test", left(now) - 60, left(now))
                                .within("name=localhost", left(end(89)), left(end(91))));

        all.put(
                "Loops and JVM/Loops late, p99 A",
                () -> loops(none(), (expected, loop) -> expected.within(loop, 0, 30)));
        all.put(
                "Loops and JVM/Connections by loop A",
                () ->
                        none().exactly(
                                        scraped()
                                                .sums(
                                                        "bascule_loop_connections",
                                                        "instance",
                                                        "loop")));
        // Of the process that the test itself runs in: whether there is something is all that can
        // be said.
        all.put("Loops and JVM/CPU A", () -> each(0, 1));
        all.put("Loops and JVM/CPU B", () -> each(0, 1));
        all.put(
                "Loops and JVM/Memory A",
                () ->
                        none().within("area=heap,instance=" + a, 1e6, 1e11)
                                .within("area=nonheap,instance=" + a, 1e6, 1e11)
                                .within("area=heap,instance=" + b, 1e6, 1e11)
                                .within("area=nonheap,instance=" + b, 1e6, 1e11));
        all.put("Loops and JVM/Memory B", () -> each(0, 1e11));
        all.put("Loops and JVM/Pauses to collect garbage A", () -> maybe(0, 30));
        all.put("Loops and JVM/Pauses to collect garbage B", () -> maybe(0, 1));
        all.put("Loops and JVM/File descriptors A", () -> each(20, 1e7));
        all.put("Loops and JVM/File descriptors B", () -> each(100, 1e10));
        all.put("Loops and JVM/Threads A", () -> each(5, 10_000));
        all.put("Loops and JVM/Up for A", () -> each(1, 1e6));
    }

    private interface PerLoop {
        void put(Expected expected, String loop);
    }

    private Expected loops(Expected expected, PerLoop each) {
        scraped()
                .sums("bascule_loop_connections", "instance", "loop")
                .forEach((loop, _) -> each.put(expected, loop));
        return expected;
    }

    private Expected each(double low, double high) {
        return none().within("instance=" + a, low, high).within("instance=" + b, low, high);
    }

    private Expected maybe(double low, double high) {
        return none().perhaps("instance=" + a, low, high).perhaps("instance=" + b, low, high);
    }

    private Expected means() {
        Scraped scraped = scraped();
        String name = "bascule_exchange_duration_seconds_";
        Map<String, Double> means = scraped.sums(name + "sum", "backend", "server");
        Map<String, Double> counts = scraped.sums(name + "count", "backend", "server");
        means.replaceAll((key, sum) -> sum / counts.get(key));
        means.values().removeIf(mean -> mean.isNaN());
        return none().near(means);
    }

    private Expected states() {
        Expected expected = none();
        for (String instance : nodes.keySet()) {
            for (String each :
                    List.of(
                            "backend=web,server=one,state=up",
                            "backend=web,server=two,state=draining",
                            "backend=api,server=slow,state=up",
                            "backend=flaky,server=gone,state=up",
                            "backend=flaky,server=there,state=up",
                            "backend=dead,server=down,state=down"))
                expected.exactly(each + ",instance=" + instance, 1);
        }
        return expected;
    }
}
