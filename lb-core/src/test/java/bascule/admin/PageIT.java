package bascule.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.Json;
import bascule.observe.Metrics;
import bascule.testing.Answer;
import bascule.testing.Browser;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The page for people, in a real browser. Its screenshots land in `target/page`.
@Timeout(120)
final class PageIT {
    private static final String HASH = "3f9ac07d".repeat(8);
    private static final String EVIL = "<img src=x onerror=\"document.title='taken'\">";

    /// Functions that look at the page as a person would.
    private static final String EYES =
            """
            (() => {
              const parse = text => {
                const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
                return { r, g, b, a };
              };
              const over = (top, under) => ({
                r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a),
                b: top.b * top.a + under.b * (1 - top.a), a: 1 });
              const ground = node => {
                let layers = [];
                for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
                return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
              };
              const light = c => [c.r, c.g, c.b].map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
              const seen = node => node.getClientRects().length > 0 && !node.closest('.unseen, thead');
              // WCAG 2.2 §1.4.3 and §1.4.11: 4.5 for text, 3 for what is large or a shape.
              window.pale = () => {
                const found = [];
                const check = (what, node, style, least) => {
                  const is = ratio(over(parse(style.color), ground(node)), ground(node));
                  if (is < least) found.push(what + ': ' + is.toFixed(2));
                };
                for (const node of document.querySelectorAll('body *')) {
                  if (!seen(node)) continue;
                  const style = getComputedStyle(node);
                  if (node.matches('svg.icon')) check('icon in ' + node.parentNode.textContent, node, style, 3);
                  const before = getComputedStyle(node, '::before');
                  if (before.content.startsWith('"')) check('label ' + before.content, node, before, 4.5);
                  if ([...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) check(node.textContent, node, style, 4.5);
                }
                return found;
              };
              window.tooWide = () => [...document.querySelectorAll('body *')]
                .filter(node => seen(node) && node.getBoundingClientRect().right > innerWidth + 0.5)
                .map(node => node.tagName + ' ' + node.textContent.slice(0, 40))
                .concat(document.documentElement.scrollWidth > innerWidth ? ['scrolls to ' + document.documentElement.scrollWidth] : []);
              window.row = name => [...document.querySelectorAll('tbody tr')]
                .find(row => row.firstChild.firstChild.textContent === name);
              window.cell = (name, column) => [...row(name).children]
                .find(each => each.dataset.label === column)?.textContent;
            })()
            """;

    private static Browser browser;

    private final Metrics metrics = Metrics.create("test", 1);
    private final Instant started = Instant.now().minus(Duration.ofHours(30));
    private volatile List<Status.Backend> backends = List.of(web("up", "up", "up"));
    private volatile List<Status.Change> changes = List.of();
    private volatile boolean fails;
    private AdminServer server;

    @BeforeAll
    static void open() throws IOException {
        browser = Browser.open();
    }

    @AfterAll
    static void shut() throws IOException {
        if (browser != null) browser.close();
    }

    @BeforeEach
    void start() throws IOException {
        server = start(0);
        browser.size(1280, 900);
        browser.prefer("prefers-color-scheme", "light");
    }

    @AfterEach
    void stop() {
        browser.go("about:blank");
        browser.complaints();
        if (server != null) server.close();
        metrics.close();
    }

    /// The daemon is gone.
    private void closeServer() {
        server.close();
        server = null;
    }

    @Test
    void givenDaemon_whenThePageIsOpened_thenItsServersAreShownAndTheConsoleIsSilent()
            throws Exception {
        try (var site =
                        new Site(
                                (request, wire) -> {
                                    wire.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
                                    return true;
                                });
                var daemon =
                        RunningDaemon.start(
                                """
                                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                                backends.web.servers = [{ name = a, address = "%1$s" }, { name = b, address = "%1$s" }]
                                backends.api.servers = [{ name = c, address = "%1$s", weight = 7 }]
                                """
                                        .formatted(site.address()))) {
            open(daemon.adminAddress().getPort());

            assertEquals("All is well", text("#verdict-title"));
            assertEquals("3 of 3 servers up, 1 of 1 listener open", text("#verdict-more"));
            for (String name : List.of("a", "b", "c", "http"))
                assertTrue(browser.eval("row('" + name + "') !== undefined").isTrue(), name);
            assertEquals("7", cell("c", "weight"));
            Answer.get(daemon.address("http"), "/");
            browser.await(
                    "an error of a or b",
                    "[cell('a', 'errors/s'), cell('b', 'errors/s')].some(text => /[1-9]/.test(text))");
            browser.await(
                    "the verdict",
                    "/errors\\/s/.test(document.getElementById('verdict-title').textContent)");
            assertThat(browser.complaints()).isEmpty();
        }
    }

    @Test
    void givenServerThatDies_whenItsCheckFails_thenThePageSaysSoWhyAndWhatHappened()
            throws Exception {
        try (var site = new Site((request, wire) -> ok(wire));
                var dying = new Site((request, wire) -> ok(wire));
                var daemon =
                        RunningDaemon.start(
                                """
                                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                                backends.web {
                                  servers = [{ name = stays, address = "%s" }, { name = dies, address = "%s" }]
                                  check { tcp = on, every = 100ms, fall = 2 }
                                }
                                """
                                        .formatted(site.address(), dying.address()))) {
            open(daemon.adminAddress().getPort());
            browser.await(
                    "both up",
                    "document.getElementById('verdict-title').textContent === 'All is well'");
            dying.stop();

            browser.await("that it is down", "cell('dies', 'state') === 'down'");
            assertEquals("1 server down", text("#verdict-title"));
            assertThat(cell("dies", "check")).isNotEmpty();
            assertThat(cell("dies", "since")).matches("\\d+\u00a0s");
            assertEquals("up", cell("stays", "state"));
            assertThat(text("#changes")).contains("dies");
            assertThat(browser.complaints()).isEmpty();
            screenshot("real-daemon");
        }
    }

    private static boolean ok(Wire wire) throws IOException {
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        return true;
    }

    /// Of five changes four within a second: this machine may have been busy once.
    @Test
    void givenOpenPage_whenAServerChanges_thenShownWithinASecond() throws Exception {
        openPage();
        int late = 0;
        for (int i = 0; i < 5; i++) {
            String state = i % 2 == 0 ? "down" : "up";
            TimeUnit.MILLISECONDS.sleep(137 * i); // Not in step with the page.
            backends = List.of(web("up", state, "up"));
            long from = System.nanoTime();
            browser.await(state, "cell('server-2', 'state') === '" + state + "'");
            if (System.nanoTime() - from > TimeUnit.SECONDS.toNanos(1)) late++;
        }

        assertThat(late).isLessThanOrEqualTo(1);
        assertThat(browser.complaints()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "up up up, ok, All is well",
        "up draining disabled, info, '1 server draining, 1 server disabled'",
        "up down ejected, warn, '1 server down, 1 server ejected'",
        "down down ejected, bad, '1 backend without a server, 2 servers down, 1 server ejected'",
    })
    void givenStates_whenShown_thenTheVerdictAndEachByItsWordAndItsShape(
            String states, String level, String title) {
        String[] each = states.split(" ", -1);
        backends = List.of(web(each));
        openPage();

        assertEquals(title, text("#verdict-title"));
        assertEquals(
                level, browser.eval("document.getElementById('verdict').dataset.level").text());
        assertThat(browser.eval("document.title").text()).startsWith(title + " · edge1");
        for (int i = 0; i < each.length; i++) {
            String name = "server-" + (i + 1);
            assertEquals(each[i], cell(name, "state"));
            assertEquals(
                    each[i].equals("up") ? "#i-ok" : "#i-" + each[i],
                    browser.eval("row('" + name + "').querySelector('use').getAttribute('href')")
                            .text());
        }
    }

    @Test
    void givenEveryState_whenShown_thenNoTwoShapesAreTheSame() {
        openPage();

        assertEquals(
                browser.eval("document.querySelectorAll('symbol').length").number(),
                browser.eval(
                                "new Set([...document.querySelectorAll('symbol path')].map(path => path.getAttribute('d'))).size")
                        .number());
    }

    @ParameterizedTest
    @CsvSource({
        "light, 1280, trouble",
        "dark, 1280, trouble",
        "light, 1280, well",
        "dark, 1280, well",
        "light, 320, trouble",
        "dark, 320, trouble",
        "light, 768, trouble",
        "light, 1280, many",
        "light, 320, many",
        "light, 1280, gone",
        "dark, 1280, gone",
        "dark, 320, gone",
    })
    void givenSchemeAndWidth_whenShown_thenReadableAndNothingIsWiderThanTheWindow(
            String scheme, int width, String what) throws IOException {
        backends =
                switch (what) {
                    case "well" -> List.of(web("up", "up", "up"), named("api", "up", "up"));
                    case "many" -> many();
                    default -> trouble();
                };
        changes = someChanges();
        browser.size(width, width < 600 ? 640 : 900);
        browser.prefer("prefers-color-scheme", scheme);
        openPage();
        browser.await("rates", "document.getElementById('f-rate').textContent !== '–'");
        if (what.equals("gone")) {
            closeServer();
            browser.await("that it is gone", "document.body.classList.contains('gone')");
        }

        assertThat(browser.eval("pale()").list().stream().map(Json::text)).isEmpty();
        assertThat(browser.eval("tooWide()").list().stream().map(Json::text)).isEmpty();
        screenshot("%s-%d-%s".formatted(what, width, scheme));
    }

    @Test
    void givenTextOfTooLittleContrastAndATableTooWide_whenLookedAt_thenFound() {
        openPage();
        browser.eval("document.getElementById('verdict-more').style.color = 'rgb(150, 180, 150)'");
        browser.eval("document.getElementById('listeners').style.width = '2000px'");

        assertThat(browser.eval("pale()").list()).hasSize(1);
        assertThat(browser.eval("tooWide()").list()).isNotEmpty();
    }

    @Test
    void givenNamesThatAreMarkup_whenShown_thenTheyStayText() {
        backends =
                List.of(new Status.Backend(EVIL, List.of(server(EVIL, "down", EVIL, 0)), EVIL, 0));
        changes = List.of(new Status.Change(Instant.now(), EVIL, EVIL));
        openPage();

        assertEquals(EVIL, text("h3"));
        assertEquals(EVIL, text("tbody th span"));
        assertEquals(EVIL, cell(EVIL.replace("'", "\\'"), "check"));
        assertEquals(EVIL, text("#changes b"));
        assertEquals(0, browser.eval("document.images.length").number());
        assertThat(browser.eval("document.title").text()).doesNotContain("taken");
        assertThat(browser.complaints()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "document.body.innerHTML = '<b>x</b>'",
                "document.write('x')",
                "eval('1')",
                "document.body.append(Object.assign(document.createElement('script'), { text: '1' }))"
            })
    void givenScriptThatMakesMarkup_whenItTries_thenTheBrowserRefuses(String attempt) {
        openPage();

        // By a timer of the page: what the tools evaluate is above the policy.
        browser.eval(
                "window.outcome = '', setTimeout(() => { try { "
                        + attempt
                        + "; outcome = 'done' } catch (e) { outcome = e.name } }), 0");
        browser.await("an outcome", "outcome !== ''");
        assertThat(browser.eval("outcome").text()).isIn("TypeError", "EvalError");
    }

    @Test
    void givenOpenPage_whenTheDaemonGoesAndComesBack_thenItSaysSoAndGoesOn() throws Exception {
        openPage();
        int port = server.addresses().getFirst().getPort();
        server.close();

        browser.await(
                "no answer",
                "/^No answer since \\d\\d:\\d\\d:\\d\\d$/.test(document.getElementById('verdict-title').textContent)");
        assertEquals("The daemon does not answer.", text("#said"));
        assertThat(text("#verdict-more")).startsWith("It cannot be reached, for ");
        assertEquals("up", cell("server-1", "state")); // What was known stays to be seen.
        assertThat(browser.complaints()).allMatch(line -> line.startsWith("network: "));

        backends = List.of(web("up", "down", "up"));
        server = start(port);
        browser.await("an answer", "!document.body.classList.contains('gone')");
        assertEquals("1 server down", text("#verdict-title"));
        assertThat(text("#said")).isEqualTo("web/server-2 is down. 1 server down.");
    }

    @Test
    void givenDaemonThatAnswersWithAnError_whenAsked_thenThePageSaysSo() {
        openPage();
        fails = true;

        browser.await("no answer", "document.body.classList.contains('gone')");
        assertThat(text("#verdict-more")).startsWith("The daemon answers 500, for ");
    }

    @Test
    void givenFocusScrollAndSelection_whenThePageIsRefreshed_thenTheyStay() {
        backends = many();
        changes = someChanges();
        openPage();
        browser.eval(
                "window.kept = row('server-7'), document.getElementById('changes-all').focus(), window.scrollTo(0, 400), getSelection().selectAllChildren(kept.firstChild.firstChild)");
        String before = text("#answered");
        browser.await(
                "some answers",
                "document.getElementById('answered').textContent !== '" + before + "'");
        backends = List.of(many().getFirst());
        browser.await("fewer backends", "document.querySelectorAll('h3').length === 1");

        assertTrue(browser.eval("window.kept === row('server-7')").isTrue());
        assertEquals("changes-all", browser.eval("document.activeElement.id").text());
        assertEquals(400, browser.eval("scrollY").number());
        assertEquals("server-7", browser.eval("String(getSelection())").text().strip());
    }

    @Test
    void givenKeyboard_whenTabbedThrough_thenEveryControlIsReachedAndWorks() {
        backends = many();
        changes = someChanges();
        openPage();
        var reached = new ArrayList<String>();
        for (int i = 0; i < 30; i++) {
            browser.press("Tab", "");
            reached.add(
                    browser.eval("document.activeElement.id || document.activeElement.textContent")
                            .text());
        }

        assertThat(reached).contains("filter", "changes-all", "/status", "/metrics");
        assertThat(reached).anyMatch(each -> each.startsWith("web/server-3 is down"));
        browser.eval("document.getElementById('filter').focus()");
        browser.press(" ", " ");
        assertTrue(
                browser.eval("row('server-1') === undefined && row('server-3') !== undefined")
                        .isTrue());
        browser.eval("document.getElementById('changes-all').focus()");
        assertEquals(
                10, browser.eval("document.getElementById('changes').children.length").number());
        browser.press("Enter", "\r");
        assertEquals(
                someChanges().size(),
                browser.eval("document.getElementById('changes').children.length").number());
        assertEquals(
                "true",
                browser.eval("document.activeElement.getAttribute('aria-expanded')").text());
    }

    @ParameterizedTest
    @ValueSource(ints = {320, 1280})
    void givenScreenReader_whenItReadsThePage_thenTablesAreTablesAndNothingIsNameless(int width) {
        backends = trouble();
        changes = someChanges();
        browser.size(width, 800);
        openPage();
        List<Json> nodes = browser.call("Accessibility.getFullAXTree", "").get("nodes").list();

        assertThat(names(nodes, "heading"))
                .contains("Bascule edge1", text("#verdict-title"), "Backends", "web");
        assertThat(names(nodes, "table")).contains("Servers of web", "Listeners");
        assertThat(names(nodes, "columnheader")).contains("server", "state", "p99");
        assertThat(names(nodes, "rowheader")).anyMatch(name -> name.startsWith("server-1"));
        assertThat(names(nodes, "cell")).contains("down", "draining", "open");
        assertThat(names(nodes, "status")).hasSize(1);
        for (String role : List.of("link", "button", "checkbox"))
            assertThat(names(nodes, role)).doesNotContain("");
    }

    @Test
    void givenNoJavaScript_whenThePageIsOpened_thenAPointerToTheJsonAndNothingElse() {
        browser.call("Emulation.setScriptExecutionDisabled", "\"value\":true");
        try {
            browser.go(url());
            Json nodes = browser.call("Accessibility.getFullAXTree", "");

            assertThat(names(nodes.get("nodes").list(), "link")).containsExactly("/status");
            assertThat(names(nodes.get("nodes").list(), "table")).isEmpty();
        } finally {
            browser.call("Emulation.setScriptExecutionDisabled", "\"value\":false");
        }
    }

    private static List<String> names(List<Json> nodes, String role) {
        return nodes.stream()
                .filter(node -> node.get("role").get("value").text().equals(role))
                .filter(node -> !node.get("ignored").isTrue())
                .map(node -> node.get("name").get("value").text())
                .toList();
    }

    private void openPage() {
        open(server.addresses().getFirst().getPort());
    }

    private String url() {
        return "http://127.0.0.1:" + server.addresses().getFirst().getPort() + "/";
    }

    private static void screenshot(String name) throws IOException {
        Path folder = Files.createDirectories(Path.of("target/page"));
        Files.write(folder.resolve(name + ".png"), browser.screenshot());
    }

    private static void open(int port) {
        browser.go("http://127.0.0.1:" + port + "/");
        browser.eval(EYES);
        browser.await("an answer", "!document.getElementById('shown').hidden");
    }

    private static String text(String selector) {
        return browser.eval("document.querySelector('" + selector + "').textContent").text();
    }

    private static String cell(String row, String column) {
        return browser.eval("cell('" + row + "', '" + column + "')").text();
    }

    private AdminServer start(int port) throws IOException {
        return AdminServer.start(
                List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)),
                List.of(),
                metrics,
                this::status,
                () -> true);
    }

    private Status status() {
        if (fails) throw new IllegalStateException("planted");
        Instant now = Instant.now();
        long exchanges = Duration.between(started, now).toMillis() / 4;
        return new Status(
                "edge1",
                "0.1.0",
                Duration.between(started, now).toSeconds(),
                new Status.Config(HASH, started, "loaded", null),
                new Status.Cluster(List.of(new Status.Node("edge1", null, "up", HASH))),
                List.of(),
                List.of(
                        new Status.Listener("http", List.of("[::]:80"), "open", 214, exchanges, 0),
                        new Status.Listener(
                                "https", List.of("[::]:443"), "open", 1021, 7 * exchanges, 0)),
                backends.stream().map(backend -> counted(backend, exchanges)).toList(),
                List.of(),
                now,
                changes,
                null,
                null);
    }

    /// With totals that grow, the second of each backend with errors.
    private static Status.Backend counted(Status.Backend backend, long exchanges) {
        var servers = new ArrayList<Status.Server>();
        for (Status.Server each : backend.servers()) {
            boolean busy = each.state().equals("up");
            int n = servers.size();
            servers.add(
                    new Status.Server(
                            each.name(),
                            each.address(),
                            each.admin(),
                            each.health(),
                            each.state(),
                            each.weight(),
                            each.connections(),
                            each.backup(),
                            each.since(),
                            each.check(),
                            each.running(),
                            busy ? exchanges / (1 + n % 7) : 4711,
                            busy && n == 1 ? exchanges / 90 : 0,
                            each.p50Seconds(),
                            each.p99Seconds()));
        }
        return new Status.Backend(backend.name(), servers, backend.balance(), backend.queued());
    }

    private static Status.Backend web(String... states) {
        return named("web", states);
    }

    private static Status.Backend named(String name, String... states) {
        return new Status.Backend(
                name,
                IntStream.range(0, states.length)
                        .mapToObj(i -> server("server-" + (i + 1), states[i], null, i))
                        .toList(),
                "round-robin",
                0);
    }

    private static Status.Server server(String name, String state, String check, int i) {
        boolean up = state.equals("up");
        return new Status.Server(
                name,
                "10.0.1.%d:8080".formatted(11 + i),
                switch (state) {
                    case "draining" -> "drained";
                    case "disabled" -> "disabled";
                    default -> "enabled";
                },
                state.equals("down") ? "down" : "up",
                state,
                1 + i % 3,
                up ? 12 + i : 0,
                false,
                Instant.now().minusSeconds(up ? 86_400 + 97L * i : 71 + 600L * i),
                check == null ? up ? "200 in " + (1 + i % 4) + " ms" : "connection refused" : check,
                up ? 3 + i : 0,
                0,
                0,
                up ? (Double) (0.0021 + i / 7000.0) : null,
                up ? (Double) (0.25 + i / 40.0) : null);
    }

    private static List<Status.Backend> trouble() {
        return List.of(
                new Status.Backend(
                        "web",
                        List.of(
                                server("server-1", "up", null, 0),
                                server("server-2", "up", null, 1),
                                server("server-3", "down", null, 2),
                                server("server-4", "draining", "200 in 1 ms", 3),
                                server("server-5", "ejected", "200 in 2 ms", 4),
                                server("server-6", "disabled", null, 5)),
                        "least-connections",
                        17),
                new Status.Backend(
                        "a-backend-with-a-name-that-somebody-took-a-lot-of-trouble-over",
                        List.of(
                                server(
                                        "app.a-name-without-any-end-that-one-would-see.internal.example.org/[2001:db8:1234:5678:9abc:def0:1234:5678]:8080",
                                        "down",
                                        "503 in 1204 ms (expected: 200-399)",
                                        6)),
                        "round-robin",
                        0));
    }

    private static List<Status.Backend> many() {
        String[] states = new String[60];
        for (int i = 0; i < states.length; i++)
            states[i] = i == 2 || i == 31 ? "down" : i == 40 ? "draining" : "up";
        return List.of(named("web", states), named("api", "up", "up", "up"));
    }

    private static List<Status.Change> someChanges() {
        Instant now = Instant.parse("2026-11-20T03:14:15Z");
        return IntStream.range(0, 14)
                .mapToObj(
                        i ->
                                i % 5 == 2
                                        ? new Status.Change(
                                                now.minusSeconds(40L * i * i),
                                                "config-reloaded",
                                                "hash=3f9ac07d changes=2")
                                        : new Status.Change(
                                                now.minusSeconds(40L * i * i),
                                                i % 2 == 0 ? "server-down" : "server-up",
                                                "backend=web server=server-%d reason=\"connection refused\" after=3"
                                                        .formatted(1 + i)))
                .toList();
    }
}
