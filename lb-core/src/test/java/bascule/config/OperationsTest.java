package bascule.config;

import static bascule.config.Configs.WEB;
import static bascule.config.Configs.listener;
import static bascule.config.Configs.parse;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a file says about health, load, retries, clients and header fields.
final class OperationsTest {
    private static final String HTTP = "listeners.http { bind = \":80\", backend = web }\n";
    private static final StatusRange USUAL = new StatusRange(200, 399);

    /// The backend of a file, with these further lines.
    private static BackendConfig backend(String lines) {
        String text = HTTP + "backends.web { servers = [\"10.0.0.1:80\"]\n" + lines + "\n}";
        return parse(text).backends().getFirst();
    }

    private static Cidr cidr(String text) {
        Cidr cidr = Cidr.parse(text);
        assertThat(cidr).isNotNull();
        return cidr;
    }

    @Test
    void givenNothing_whenParsed_thenAllIsOffSaveForOneRetry() {
        BackendConfig web = backend("");

        assertThat(web.balance()).isEqualTo(Balance.ROUND_ROBIN);
        assertThat(web.check()).isNull();
        assertThat(web.eject()).isNull();
        assertThat(web.slowStart()).isZero();
        assertThat(web.capacity()).isNull();
        assertThat(web.retry()).isEqualTo(new RetryConfig(2, 20));
        assertThat(web.sticky()).isNull();
        assertThat(web.maintenance()).isNull();
    }

    @Test
    void givenBlocks_whenParsed_thenEveryKeyIsRead() {
        BackendConfig web =
                backend(
                        """
                        balance = least-connections
                        check { http = "/healthz?deep=%20", host = "App.example.com:81", expect = [204, "300-399"], every = 5s, timeout = 5s, fall = 4, rise = 1 }
                        eject { errors = 7, within = 1m, for = 1d, at-most = 34% }
                        slow-start = 30s
                        capacity { connections = 100, queue = 0, wait = 250ms }
                        retry { tries = 3, budget = 5% }
                        sticky { name = site, lifetime = 365d, on-drain = move }
                        maintenance { retry-after = 10m, except = ["10.0.0.0/8", "::1"] }
                        """);

        var http =
                new CheckConfig.Probe.Http(
                        "/healthz?deep=%20",
                        "app.example.com:81",
                        List.of(new StatusRange(204, 204), new StatusRange(300, 399)));
        assertThat(web.balance()).isEqualTo(Balance.LEAST_CONNECTIONS);
        assertThat(web.check()).isEqualTo(new CheckConfig(http, ofSeconds(5), ofSeconds(5), 4, 1));
        assertThat(web.eject()).isEqualTo(new EjectConfig(7, ofMinutes(1), ofDays(1), 34));
        assertThat(web.slowStart()).hasSeconds(30);
        assertThat(web.capacity()).isEqualTo(new CapacityConfig(100, 0, ofMillis(250)));
        assertThat(web.retry()).isEqualTo(new RetryConfig(3, 5));
        assertThat(web.sticky()).isEqualTo(new StickyConfig("site", ofDays(365), OnDrain.MOVE));
        assertThat(web.maintenance())
                .isEqualTo(
                        new MaintenanceConfig(
                                null, ofMinutes(10), List.of(cidr("10.0.0.0/8"), cidr("::1/128"))));
    }

    @Test
    void givenBlocksAsOneValue_whenParsed_thenTheRestIsAtItsDefault() {
        BackendConfig web =
                backend("check = /up, eject = 9, capacity = 10, retry = 4, sticky = site");

        var http = new CheckConfig.Probe.Http("/up", null, List.of(USUAL));
        assertThat(web.check()).isEqualTo(new CheckConfig(http, ofSeconds(2), ofSeconds(1), 3, 2));
        assertThat(web.eject()).isEqualTo(new EjectConfig(9, ofSeconds(10), ofSeconds(30), 50));
        assertThat(web.capacity()).isEqualTo(new CapacityConfig(10, 100, ofSeconds(5)));
        assertThat(web.retry()).isEqualTo(new RetryConfig(4, 20));
        assertThat(web.sticky()).isEqualTo(new StickyConfig("site", ZERO, OnDrain.FINISH));
    }

    @Test
    void givenBlocksAsOff_whenParsed_thenOff() {
        BackendConfig web =
                backend(
                        """
                        check = off, eject = off, slow-start = off, capacity = off, retry = off, sticky = off, maintenance = off
                        """);
        ListenerConfig http =
                listener(
                        """
                        allow = off, deny = off, rate-limit = off, request-headers = off, response-headers = off, error-pages = off
                        limits.connections-per-client = off
                        """);

        assertThat(web)
                .isEqualTo(
                        new BackendConfig(
                                "web",
                                web.servers(),
                                Balance.ROUND_ROBIN,
                                BackendProtocol.HTTP1,
                                null,
                                null,
                                null,
                                ZERO,
                                null,
                                new RetryConfig(1, 20),
                                null,
                                null,
                                ofSeconds(2),
                                ofSeconds(30),
                                ofSeconds(60),
                                ofHours(1)));
        assertThat(http).isEqualTo(listener(""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "true", "\"on\"", "{}"})
    void givenSwitchThrown_whenParsed_thenTheBlockWithItsDefaults(String on) {
        BackendConfig web = backend("eject = " + on + ", maintenance = " + on);

        assertThat(web.eject()).isEqualTo(new EjectConfig(5, ofSeconds(10), ofSeconds(30), 50));
        assertThat(web.maintenance()).isEqualTo(new MaintenanceConfig(null, ZERO, List.of()));
    }

    @Test
    void givenSwitchAsFalse_whenParsed_thenOff() {
        BackendConfig web = backend("eject = false, maintenance = false");

        assertThat(web).isEqualTo(backend(""));
    }

    @Test
    void givenOffWithinBlocks_whenParsed_thenOnlyThatIsOff() {
        BackendConfig web =
                backend(
                        """
                        capacity { connections = 1, queue = off }
                        retry { tries = off, budget = 0% }
                        sticky { name = a, lifetime = off }
                        maintenance { retry-after = off, except = off }
                        """);

        assertThat(web.capacity()).isEqualTo(new CapacityConfig(1, 0, ofSeconds(5)));
        assertThat(web.retry()).isEqualTo(new RetryConfig(1, 0));
        assertThat(web.sticky()).isEqualTo(new StickyConfig("a", ZERO, OnDrain.FINISH));
        assertThat(web.maintenance()).isEqualTo(new MaintenanceConfig(null, ZERO, List.of()));
    }

    @ParameterizedTest
    @CsvSource({"100ms, 100", "999ms, 999", "1s, 1000", "1h, 1000"})
    void givenShortInterval_whenNoTimeoutIsGiven_thenItIsNoLonger(String every, long millis) {
        CheckConfig check = backend("check { tcp = on, every = " + every + " }").check();

        assertThat(check).isNotNull();
        assertThat(check.probe()).isEqualTo(new CheckConfig.Probe.Tcp());
        assertThat(check.timeout()).hasMillis(millis);
    }

    @ParameterizedTest
    @CsvSource({"200-399, 200, 399", "204, 204, 204", "200-200, 200, 200", "200-599, 200, 599"})
    void givenStatusRange_whenParsed_thenBothEndsCount(String text, int first, int last) {
        CheckConfig check = backend("check { http = /, expect = " + text + " }").check();

        var range = new StatusRange(first, last);
        assertThat(check).isNotNull();
        assertThat(check.probe()).isEqualTo(new CheckConfig.Probe.Http("/", null, List.of(range)));
        assertThat(range.contains(first - 1)).isFalse();
        assertThat(range.contains(first)).isTrue();
        assertThat(range.contains(last)).isTrue();
        assertThat(range.contains(last + 1)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "app.example.com:80, app.example.com, 80",
        "APP.Example.COM.:65535, app.example.com, 65535",
        "localhost:1, localhost, 1",
        "_http._tcp.my-app_1.example:8080, _http._tcp.my-app_1.example, 8080",
        "1and1.com:80, 1and1.com, 80",
        "10.0.0.1a:80, 10.0.0.1a, 80",
        "xn--tr-xka.example.com:80, xn--tr-xka.example.com, 80",
    })
    void givenNameOfServer_whenParsed_thenNormalWhileItsOwnNameIsAsWritten(
            String text, String host, int port) {
        ServerConfig server =
                parse(HTTP + "backends.web.servers = [\"" + text + "\"]")
                        .backends()
                        .getFirst()
                        .servers()
                        .getFirst();

        assertThat(server)
                .isEqualTo(new ServerConfig(text, new ServerAddress.Dns(host, port), 1, false));
    }

    @Test
    void givenLongestNameOfServer_whenParsed_thenItServesAsTheNameToo() {
        String label = "a".repeat(63) + ".";
        String host = label.repeat(3) + "b".repeat(61);
        assertThat(host).hasSize(253);

        Configuration all = parse(HTTP + "backends.web.servers = [\"" + host + ".:65535\"]");

        ServerConfig server = all.backends().getFirst().servers().getFirst();
        assertThat(server.address()).isEqualTo(new ServerAddress.Dns(host, 65_535));
        assertThat(parse(EffectiveConfiguration.render(all))).isEqualTo(all);
    }

    @Test
    void givenAddressOfServer_whenParsed_thenNoName() {
        ServerConfig server =
                parse(HTTP + "backends.web.servers = [\"[2001:DB8::1]:80\"]")
                        .backends()
                        .getFirst()
                        .servers()
                        .getFirst();

        var socket = new InetSocketAddress(InetAddress.ofLiteral("2001:db8::1"), 80);
        assertThat(server.address()).isEqualTo(new ServerAddress.Ip(socket));
    }

    @Test
    void givenRulesForClients_whenParsed_thenEveryKeyIsRead() {
        ListenerConfig http =
                listener(
                        """
                        allow = ["10.0.0.0/8", "2001:db8::/32"]
                        deny = "10.6.6.6"
                        rate-limit { rate = 600/m, burst = 50 }
                        limits.connections-per-client = 30
                        """);

        assertThat(http.allow()).containsExactly(cidr("10.0.0.0/8"), cidr("2001:db8::/32"));
        assertThat(http.deny()).containsExactly(cidr("10.6.6.6/32"));
        assertThat(http.rateLimit()).isEqualTo(new RateLimitConfig(600, ofMinutes(1), 50));
        assertThat(http.limits().connectionsPerClient()).isEqualTo(30);
        assertThat(http.limits().connections()).isEqualTo(20_000);
    }

    @ParameterizedTest
    @CsvSource({
        "100/s, 100, 1, 100",
        "1 /s, 1, 1, 1",
        "1000000/s, 1000000, 1, 1000000",
        "600/m, 600, 60, 10",
        "119/m, 119, 60, 1",
        "59/m, 59, 60, 1",
        "7200/h, 7200, 3600, 2",
        "1/h, 1, 3600, 1",
    })
    void givenRateAlone_whenParsed_thenTheBurstIsThatOfASecond(
            String text, long requests, long seconds, int burst) {
        assertThat(listener("rate-limit = " + text).rateLimit())
                .isEqualTo(new RateLimitConfig(requests, ofSeconds(seconds), burst));
    }

    @Test
    void givenHeaderEdits_whenParsed_thenInOrderOfName() {
        ListenerConfig http =
                listener(
                        """
                        request-headers {
                          set { X-B = 2, X-A = "a \\t; b", Host = "App.Example.com:81", X-Empty = "" }
                          add { X-C = [z, a, z], x-b = more }
                          remove = [X-E, Cookie]
                        }
                        response-headers { remove = Server }
                        """);

        assertThat(http.requestHeaders())
                .isEqualTo(
                        new HeaderEdits(
                                List.of(
                                        new HeaderEdit("Host", "app.example.com:81"),
                                        new HeaderEdit("X-A", "a \t; b"),
                                        new HeaderEdit("X-B", "2"),
                                        new HeaderEdit("X-Empty", "")),
                                List.of(
                                        new HeaderEdit("X-C", "z"),
                                        new HeaderEdit("X-C", "a"),
                                        new HeaderEdit("X-C", "z"),
                                        new HeaderEdit("x-b", "more")),
                                List.of("cookie", "x-e")));
        assertThat(http.responseHeaders())
                .isEqualTo(new HeaderEdits(List.of(), List.of(), List.of("server")));
        assertThat(http.responseHeaders().isEmpty()).isFalse();
        assertThat(listener("request-headers {}").requestHeaders().isEmpty()).isTrue();
    }

    @Test
    void givenLongestHeaderValue_whenParsed_thenTakenAndOneMoreRefused() {
        String value = "a" + " ".repeat(4094) + "b";

        String longest = "request-headers.set.X-A = \"" + value + "\"";
        String longer = "request-headers.set.X-A = \"" + value + "c\"";

        assertThat(listener(longest).requestHeaders().set())
                .containsExactly(new HeaderEdit("X-A", value));
        assertThat(problems(longer)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"64, 0", "65, 1"})
    void givenNamesInAllBlocks_whenParsed_thenUpToTheirBound(int count, int faults) {
        var lines = new StringBuilder();
        for (String block : List.of("request-headers.set", "response-headers.add")) {
            for (int i = 0; i < count; i++)
                lines.append(block).append(".X-").append(i).append(" = 1\n");
        }

        assertThat(problems(lines.toString())).hasSize(2 * faults);
    }

    private static List<Problem> problems(String lines) {
        String text = "listeners.http { bind = \":80\", backend = web\n" + lines + "\n}" + WEB;
        return Configs.problems(ConfigurationLoader.parse(text, Path.of("x.conf"), Map.of()));
    }

    @ParameterizedTest
    @CsvSource({
        "/new/, /new/",
        "/, /",
        "/a/./b/../c/, /a/c/",
        "/%7Ea%20b/%c3%a9/, /~a%20b/%C3%A9/",
        "/é{}/, /%C3%A9%7B%7D/",
        "/a;b=c/@:&=+$'!*()/, /a;b=c/@:&=+$'!*()/",
        "/%5c%25/, /%5C%25/",
    })
    void givenRewrite_whenParsed_thenAsItGoesToTheServer(String text, String wire) {
        RouteConfig route =
                listener(
                                "routes = [{ path = /old/, backend = web, rewrite = \"%s\" }]"
                                        .formatted(text))
                        .routes()
                        .getFirst();

        assertThat(route.rewrite()).isEqualTo(wire);
    }

    @Test
    void givenEditsOfRoutes_whenParsed_thenAlsoBesideAnAnswerFromHere() {
        List<RouteConfig> routes =
                listener(
                                """
                                routes = [
                                  { path = /a/, backend = web, request-headers { set { X-A = 1 } }, response-headers { add { X-B = 2 } } }
                                  { path = /b, respond = 200, response-headers { set { X-C = 3 } } }
                                ]
                                """)
                        .routes();

        assertThat(routes.getFirst().rewrite()).isNull();
        assertThat(routes.getFirst().requestHeaders().set())
                .containsExactly(new HeaderEdit("X-A", "1"));
        assertThat(routes.getFirst().responseHeaders().add())
                .containsExactly(new HeaderEdit("X-B", "2"));
        assertThat(routes.getLast().requestHeaders()).isEqualTo(HeaderEdits.NONE);
        assertThat(routes.getLast().responseHeaders().set())
                .containsExactly(new HeaderEdit("X-C", "3"));
    }

    @Test
    void givenNoSocketAndNoState_whenParsed_thenTheDefaultsThatNobodyCountsOn() {
        Configuration all = parse(HTTP + WEB);
        Configuration same =
                parse(
                        HTTP
                                + WEB
                                + "admin.socket = /run/bascule/admin.sock, state = /var/lib/bascule");

        assertThat(all.admin().socket()).isEqualTo(Path.of("/run/bascule/admin.sock"));
        assertThat(all.admin().socketGiven()).isFalse();
        assertThat(all.state()).isEqualTo(Path.of("/var/lib/bascule"));
        assertThat(all.stateGiven()).isFalse();
        assertThat(same).isEqualTo(all);
    }

    @ParameterizedTest
    @CsvSource({
        "run/a.sock, /etc/bascule/run/a.sock",
        "/tmp/a.sock, /tmp/a.sock",
        "\"a b.sock\", /etc/bascule/a b.sock",
        "off,",
    })
    void givenSocket_whenParsed_thenItStartsAtTheFolderOfTheFile(
            String text, @Nullable String path) {
        AdminConfig admin = parse(HTTP + WEB + "admin.socket = " + text).admin();

        assertThat(admin.socket()).isEqualTo(path == null ? null : Path.of(path));
        assertThat(admin.socketGiven()).isTrue();
    }

    @Test
    void givenAdminOff_whenParsed_thenNeitherPortNorSocket() {
        AdminConfig admin = parse(HTTP + WEB + "admin = off").admin();

        assertThat(admin).isEqualTo(new AdminConfig(null, true, List.of(), List.of()));
    }

    @Test
    void givenLongestSocket_whenParsed_thenTakenAndOneMoreByteRefused() {
        String longest = "/tmp/" + "é".repeat(42) + ".sock1";
        assertThat(longest.getBytes(UTF_8)).hasSize(95);

        Configuration all = parse(HTTP + WEB + "admin.socket = \"" + longest + "\"");
        LoadResult longer =
                ConfigurationLoader.parse(
                        HTTP + WEB + "admin.socket = \"" + longest + "2\"",
                        Path.of("x.conf"),
                        Map.of());

        assertThat(all.admin().socket()).isEqualTo(Path.of(longest));
        assertThat(Configs.problems(longer)).hasSize(1);
    }

    @Test
    void givenRelativeState_whenParsed_thenItStartsAtTheFolderOfTheFile() {
        Configuration all = parse(HTTP + WEB + "state = state/");

        assertThat(all.state()).isEqualTo(Path.of("/etc/bascule/state"));
        assertThat(all.stateGiven()).isTrue();
    }

    @Test
    void givenNothing_whenParsed_thenServersAreSpokenToInPlainHttp1() {
        assertThat(backend("").protocol()).isEqualTo(BackendProtocol.HTTP1);
        assertThat(backend("").tls()).isNull();
        assertThat(backend("tls = off").tls()).isNull();
        assertThat(backend("tls = false, protocol = http1")).isEqualTo(backend(""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "true", "{}", "{ verify = on }"})
    void givenTlsOn_whenParsed_thenServersAreVerifiedAgainstTheSystem(String on) {
        assertThat(backend("tls = " + on).tls())
                .isEqualTo(new BackendTlsConfig(true, null, null, null));
    }

    @Test
    void givenTlsOfServers_whenLoaded_thenEveryKeyIsRead() {
        Path pem = Configs.folder().resolve("certs");
        BackendConfig web =
                backend(
                        """
                        protocol = h2
                        tls { ca = "%1$s/servers.ca", name = "App.Example.COM.", certificate = "%1$s/edge.pem", key = "%1$s/edge.key" }
                        """
                                .formatted(pem));

        BackendTlsConfig tls = web.tls();
        assertThat(web.protocol()).isEqualTo(BackendProtocol.H2);
        assertThat(tls).isNotNull();
        assertThat(tls.verify()).isTrue();
        assertThat(tls.name()).isEqualTo("app.example.com");
        CaConfig ca = tls.ca();
        assertThat(ca).isNotNull();
        assertThat(ca.file()).isEqualTo(pem.resolve("servers.ca"));
        assertThat(ca.certificates().size()).isEqualTo(1);
        BackendTlsConfig.Own own = tls.own();
        assertThat(own).isNotNull();
        assertThat(own.keyFile()).isEqualTo(pem.resolve("edge.key"));
        assertThat(own.certificate().names()).containsExactly("www.example.com");
    }

    @Test
    void givenKeyInTheFileOfItsCertificate_whenParsed_thenItIsFoundThere(@TempDir Path folder)
            throws IOException {
        Path pem = Configs.folder().resolve("certs");
        Path both = folder.resolve("edge.pem");
        Files.writeString(
                both,
                Files.readString(pem.resolve("edge.pem"))
                        + Files.readString(pem.resolve("edge.key")));

        BackendTlsConfig tls = backend("tls { certificate = \"" + both + "\" }").tls();

        assertThat(tls).isNotNull();
        assertThat(tls.own()).isNotNull();
        assertThat(tls.own().keyFile()).isNull();
    }

    @Test
    void givenCertificateThatHasExpired_whenParsed_thenRefusedWithItsTime() {
        Path pem = Path.of(OperationsTest.class.getResource("/config/pem").getPath());
        String text =
                HTTP
                        + "backends.web { servers = [\"10.0.0.1:80\"], tls { certificate = \"%1$s/expired.pem\", key = \"%1$s/other.key\" } }"
                                .formatted(pem);

        List<Problem> problems =
                Configs.problems(ConfigurationLoader.parse(text, Path.of("x.conf"), Map.of()));

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().toString())
                .contains("x.conf:2: backends.web.tls.certificate: ")
                .contains("/expired.pem: expired at 2021-01-01T00:00:00Z");
    }

    @Test
    void givenVerifyOff_whenParsed_thenTheNameIsStillAskedFor() {
        assertThat(backend("tls { verify = off, name = app.example.com }").tls())
                .isEqualTo(new BackendTlsConfig(false, null, "app.example.com", null));
    }

    @ParameterizedTest
    @CsvSource({"on,", "true,", "shop.v1.Cart, shop.v1.Cart", "a/b_c:d, a/b_c:d"})
    void givenGrpcCheck_whenParsed_thenOfTheServerOrOfAService(
            String text, @Nullable String service) {
        BackendConfig web =
                backend(
                        "protocol = h2, check { grpc = \"%s\", host = \"App.example.com:81\" }"
                                .formatted(text));

        assertThat(web.check()).isNotNull();
        assertThat(web.check().probe())
                .isEqualTo(
                        new CheckConfig.Probe.Grpc(
                                service == null ? "" : service, "app.example.com:81"));
    }
}
