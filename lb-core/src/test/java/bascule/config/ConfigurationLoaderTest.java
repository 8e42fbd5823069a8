package bascule.config;

import static bascule.config.Configs.WEB;
import static bascule.config.Configs.listener;
import static bascule.config.Configs.parse;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigurationLoaderTest {
    private static final String HTTP = "listeners.http { bind = \":80\", backend = web }\n";

    @Test
    void givenSmallestFile_whenParsed_thenEveryDefaultIsThatOfTheContract() {
        Configuration all = parse(HTTP + WEB);

        var limits =
                new LimitsConfig(
                        20_000,
                        Duration.ofSeconds(10),
                        32 * 1024,
                        100,
                        8 * 1024,
                        Long.MAX_VALUE,
                        Duration.ofSeconds(30),
                        16,
                        100,
                        Integer.MAX_VALUE);
        assertThat(all.listeners())
                .containsExactly(
                        new ListenerConfig(
                                "http",
                                List.of(address("::", 80)),
                                null,
                                List.of(Protocol.HTTP1),
                                "web",
                                List.of(),
                                null,
                                List.of(),
                                new ForwardedConfig(XForwarded.REPLACE, false, true, true),
                                limits,
                                Duration.ofSeconds(60),
                                Duration.ofHours(1),
                                List.of(),
                                List.of(),
                                null,
                                HeaderEdits.NONE,
                                HeaderEdits.NONE,
                                Map.of()));
        assertThat(all.backends())
                .containsExactly(
                        new BackendConfig(
                                "web",
                                List.of(
                                        new ServerConfig(
                                                "10.0.0.1:80",
                                                new ServerAddress.Ip(address("10.0.0.1", 80)),
                                                1,
                                                false)),
                                Balance.ROUND_ROBIN,
                                BackendProtocol.HTTP1,
                                null,
                                null,
                                null,
                                Duration.ZERO,
                                null,
                                new RetryConfig(2, 20),
                                null,
                                null,
                                Duration.ofSeconds(2),
                                Duration.ofSeconds(30),
                                Duration.ofSeconds(60),
                                Duration.ofHours(1)));
        assertThat(all.admin())
                .isEqualTo(
                        new AdminConfig(
                                Path.of("/run/bascule/admin.sock"),
                                false,
                                List.of(address("127.0.0.1", 9180)),
                                List.of()));
        assertThat(all.state()).isEqualTo(Path.of("/var/lib/bascule"));
        assertThat(all.stateGiven()).isFalse();
        assertThat(all.logging())
                .isEqualTo(new LoggingConfig(AccessLogFormat.JSON, null, Level.INFO));
        assertThat(all.shutdownGrace()).isEqualTo(Duration.ofSeconds(30));
        assertThat(all.loops()).isZero();
        assertThat(all.transport()).isEqualTo(TransportKind.EPOLL);
        assertThat(all.hash()).matches("[0-9a-f]{64}");
    }

    @Test
    void givenBlocksAsOneValue_whenParsed_thenItIsThatOfTheMainKey() {
        Configuration all =
                parse(
                        """
                        listeners.http {
                          bind = ":80", backend = web, limits = 7, timeouts = 7s, forwarded = append
                          routes = [web, { header = X-A, respond = 200 }, { redirect { port = 81 } }]
                        }
                        listeners.other = { bind = ":81", routes = { path = /, backend = web } }
                        backends { web = "10.0.0.1:80", api = ["10.0.0.2:80", "10.0.0.3:80"] }
                        backends.web.timeouts = 7s
                        admin = "127.0.0.1:9181"
                        logging = off
                        shutdown = 7s
                        """
                                .replace("web = \"10.0.0.1:80\"", "web.servers = \"10.0.0.1:80\""));

        ListenerConfig http = all.listeners().getFirst();
        assertThat(http.limits().connections()).isEqualTo(7);
        assertThat(http.idleTimeout()).hasSeconds(7);
        assertThat(http.forwarded().xForwarded()).isEqualTo(XForwarded.APPEND);
        assertThat(http.routes().get(0).action()).isEqualTo(new RouteAction.ToBackend("web"));
        assertThat(http.routes().get(1).headers()).containsExactly(new HeaderMatch("x-a", null));
        assertThat(http.routes().get(1).action())
                .isEqualTo(new RouteAction.Respond(200, "", "text/plain; charset=utf-8"));
        assertThat(http.routes().get(2).action())
                .isEqualTo(new RouteAction.Redirect(new RedirectConfig(null, null, 81, 308)));
        assertThat(all.listeners().getLast().routes()).hasSize(1);
        assertThat(all.backends().getFirst().servers()).hasSize(2);
        assertThat(all.backends().getLast().connectTimeout()).hasSeconds(7);
        assertThat(all.admin().http()).containsExactly(address("127.0.0.1", 9181));
        assertThat(all.logging())
                .isEqualTo(new LoggingConfig(AccessLogFormat.OFF, null, Level.INFO));
        assertThat(all.shutdownGrace()).hasSeconds(7);
    }

    @Test
    void givenBlocksAsOff_whenParsed_thenWhatCanBeOffIsAndBoundsAreAtTheirWidest() {
        Configuration all =
                parse(
                        """
                        listeners.http {
                          bind = ":80", backend = web, redirect = off, routes = off, trust = off
                          limits = off, timeouts = off, forwarded = off
                        }
                        listeners.gone = off
                        backends { web = { servers = ["10.0.0.1:80", off], timeouts = off }, gone = off }
                        admin = off
                        shutdown = off
                        """);

        ListenerConfig http = all.listeners().getFirst();
        assertThat(all.listeners()).hasSize(1);
        assertThat(http.routes()).isEmpty();
        assertThat(http.redirect()).isNull();
        assertThat(http.trust()).isEmpty();
        assertThat(http.forwarded())
                .isEqualTo(new ForwardedConfig(XForwarded.OFF, false, false, false));
        assertThat(http.limits())
                .isEqualTo(
                        new LimitsConfig(
                                1_000_000,
                                Duration.ofMinutes(10),
                                1 << 20,
                                1000,
                                64 << 10,
                                Long.MAX_VALUE,
                                Duration.ofHours(1),
                                1000,
                                10_000,
                                Integer.MAX_VALUE));
        assertThat(http.idleTimeout()).hasDays(1);
        assertThat(http.tunnelTimeout()).hasDays(7);
        assertThat(all.backends()).hasSize(1);
        assertThat(all.backends().getFirst().servers()).hasSize(1);
        assertThat(all.backends().getFirst().connectTimeout()).hasMinutes(1);
        assertThat(all.admin().http()).isEmpty();
        assertThat(all.shutdownGrace()).isZero();
    }

    @Test
    void givenCombinedAccessLog_whenParsed_thenTaken() {
        Configuration all = parse(HTTP + WEB + "logging = combined");

        assertThat(all.logging().access()).isEqualTo(AccessLogFormat.COMBINED);
    }

    @Test
    void givenAccessLogOff_whenParsed_thenOnlyThatIsOff() {
        Configuration all = parse(HTTP + WEB + "logging { access = off, level = debug }");

        assertThat(all.logging())
                .isEqualTo(new LoggingConfig(AccessLogFormat.OFF, null, Level.DEBUG));
    }

    @ParameterizedTest
    @CsvSource({
        ":80, ::, 80",
        "[::]:80, ::, 80",
        "0.0.0.0:80, 0.0.0.0, 80",
        "127.0.0.1:0, 127.0.0.1, 0",
        "[2001:DB8::1]:65535, 2001:db8::1, 65535",
        "[::ffff:10.0.0.1]:80, 10.0.0.1, 80",
    })
    void givenAddress_whenParsed_thenResolved(String text, String host, int port) {
        String file = "listeners.http { bind = \"" + text + "\", backend = web }" + WEB;

        assertThat(parse(file).listeners().getFirst().binds()).containsExactly(address(host, port));
    }

    @ParameterizedTest
    @CsvSource({"1500ms, 1500", "5 s, 5000", "2m, 120000", "1h, 3600000", "1d, 86400000"})
    void givenUnitOfTime_whenParsed_thenCounted(String text, long millis) {
        assertThat(listener("timeouts.idle = " + text).idleTimeout()).hasMillis(millis);
    }

    @ParameterizedTest
    @CsvSource({"0B, 0", "7 B, 7", "5KiB, 5120", "1MiB, 1048576", "2GiB, 2147483648"})
    void givenUnitOfSize_whenParsed_thenCounted(String text, long bytes) {
        assertThat(listener("limits.body = " + text).limits().bodyBytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "true", "\"on\""})
    void givenSwitch_whenParsed_thenOn(String text) {
        assertThat(listener("forwarded.forwarded = " + text).forwarded().forwarded()).isTrue();
    }

    @Test
    void givenRoute_whenParsed_thenItsPartsAreNormal() {
        ListenerConfig http =
                listener(
                        """
                        routes = [{
                          host = "*.Example.COM", path = "/a%20b/./c/../d/", method = [GET, PURGE]
                          header = [X-Debug, { name = Accept, value = "a, b" }]
                          backend = web
                        }]
                        """);

        assertThat(http.routes())
                .containsExactly(
                        new RouteConfig(
                                new HostPattern("example.com", true),
                                "/a b/d/",
                                List.of("GET", "PURGE"),
                                List.of(
                                        new HeaderMatch("x-debug", null),
                                        new HeaderMatch("accept", "a, b")),
                                new RouteAction.ToBackend("web"),
                                null,
                                HeaderEdits.NONE,
                                HeaderEdits.NONE));
    }

    @Test
    void givenBackendThatNobodyUses_whenParsed_thenNoFault() {
        assertThat(parse(HTTP + WEB + "backends.spare.servers = [\"10.0.0.9:80\"]").backends())
                .hasSize(2);
    }

    @Test
    void givenRelativeLogFile_whenParsed_thenItStartsAtTheFolderOfTheFile() {
        Configuration relative = parse(HTTP + WEB + "logging.file = logs/access.log");
        Configuration absolute = parse(HTTP + WEB + "logging.file = /var/log/access.log");

        assertThat(relative.logging().file()).isEqualTo(Path.of("/etc/bascule/logs/access.log"));
        assertThat(absolute.logging().file()).isEqualTo(Path.of("/var/log/access.log"));
    }

    @Test
    void givenVariables_whenParsed_thenTheyReplaceWhatStandsAboveThemIfSet() {
        String text =
                HTTP
                        + WEB
                        + """
                        let { n = 3, n = ${?LOOPS} }
                        loops = ${let.n}
                        shutdown.grace = 5s
                        shutdown.grace = ${?GRACE}
                        transport = ${?NOTHING}
                        """;

        Configuration without = parse(text);
        Configuration with = parse(text, Map.of("LOOPS", "4", "GRACE", "off"));

        assertThat(without.loops()).isEqualTo(3);
        assertThat(without.shutdownGrace()).hasSeconds(5);
        assertThat(without.transport()).isEqualTo(TransportKind.EPOLL);
        assertThat(with.loops()).isEqualTo(4);
        assertThat(with.shutdownGrace()).isZero();
    }

    @Test
    void givenVariableOfTheProcess_whenParsed_thenOnlyTheGivenEnvironmentCounts() {
        assertThat(System.getenv("PATH")).isNotEmpty();

        assertThat(parse(HTTP + WEB + "loops = ${?PATH}").loops()).isZero();
    }

    @Test
    void givenReorderedAndRespelledFile_whenParsed_thenSameHash() {
        String one =
                "listeners { a { bind = \":80\", backend = web }, b { bind = \":81\", backend = web } }"
                        + WEB;
        String other =
                WEB
                        + "listeners.b { backend : \"web\", bind = [\"[::]:81\"] } // later\n"
                        + "listeners.a { timeouts.idle = 60000ms, bind = \":80\", backend = ${let.b} }\n"
                        + "let.b = web";

        assertThat(parse(other)).isEqualTo(parse(one));
        assertThat(parse(one + "loops = 2").hash()).isNotEqualTo(parse(one).hash());
    }

    @Test
    void givenJson_whenParsed_thenSame() {
        String json =
                """
                { "listeners": { "http": { "bind": [":80"], "backend": "web", "limits": { "headers": "8KiB", "pipelined": 4 } } },
                  "backends": { "web": { "servers": [{ "address": "10.0.0.1:80", "backup": false }] } } }
                """;

        ListenerConfig http = listener("limits { headers = 8KiB, pipelined = 4 }");

        assertThat(parse(json).listeners()).containsExactly(http);
    }

    @Test
    void givenDropIns_whenLoaded_thenReadInOrderOfNameAndAfterTheFile(@TempDir Path folder)
            throws IOException {
        Path main = Files.writeString(folder.resolve("bascule.conf"), HTTP + WEB + "loops = 1");
        Path dropIns = Files.createDirectory(folder.resolve("conf.d"));
        Files.writeString(dropIns.resolve("20.conf"), "loops = 3\nbackends.b = \"10.0.0.2:80\"");
        Files.writeString(dropIns.resolve("10.conf"), "loops = 2, listeners.http.limits = 9");
        Files.writeString(dropIns.resolve("ignored.txt"), "loops = 4");

        Configuration all = Configs.load(main);

        assertThat(all.loops()).isEqualTo(3);
        assertThat(all.listeners().getFirst().limits().connections()).isEqualTo(9);
        assertThat(all.backends()).extracting(BackendConfig::name).containsExactly("b", "web");
    }

    @Test
    void givenExampleOfDropIns_whenLoadedWithItsVariables_thenTheyReachWhereItSays() {
        Path example = Configs.folder().resolve("examples/drop-ins/bascule.conf");
        Map<String, String> environment =
                Map.of(
                        "HTTP_PORT",
                        "9000",
                        "SHOP_BIND",
                        ":9001",
                        "LOOPS",
                        "2",
                        "LOG_LEVEL",
                        "warn");

        Configuration all = Configs.loaded(ConfigurationLoader.load(example, environment));

        assertThat(all.listeners())
                .flatExtracting(ListenerConfig::binds)
                .containsExactly(address("::", 9000), address("::", 9001));
        assertThat(all.backends())
                .extracting(BackendConfig::responseTimeout)
                .containsExactly(Duration.ofSeconds(60), Duration.ofSeconds(20)); // shop, web
        assertThat(all.loops()).isEqualTo(2);
        assertThat(all.logging().level()).isEqualTo(Level.WARN);
    }

    @Test
    void givenIncludes_whenLoaded_thenReadInPlace(@TempDir Path folder) throws IOException {
        Files.createDirectory(folder.resolve("parts"));
        Files.writeString(folder.resolve("parts/limits.conf"), "connections = ${let.n}");
        Files.writeString(folder.resolve("parts/more.conf"), "include \"other.conf\"");
        Files.writeString(folder.resolve("parts/other.conf"), "loops = 5, let.n = 6");
        String text =
                """
                listeners.http {
                  bind = ":80", backend = web
                  limits { include "parts/limits.conf", pipelined = ${?N} }
                }
                include required(file("parts/more"))
                include "not-there.conf"
                """;
        Path main = Files.writeString(folder.resolve("bascule.conf"), text + WEB);

        Configuration all = Configs.loaded(ConfigurationLoader.load(main, Map.of("N", "7")));

        assertThat(all.loops()).isEqualTo(5);
        assertThat(all.listeners().getFirst().limits().connections()).isEqualTo(6);
        assertThat(all.listeners().getFirst().limits().pipelined()).isEqualTo(7);
    }

    private static InetSocketAddress address(String host, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(host), port);
    }
}
