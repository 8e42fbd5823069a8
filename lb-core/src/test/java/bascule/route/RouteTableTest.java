package bascule.route;

import static bascule.route.Heads.head;
import static bascule.route.Tables.answer;
import static bascule.route.Tables.route;
import static bascule.route.Tables.table;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.config.HeaderEdit;
import bascule.config.HeaderEdits;
import bascule.config.RedirectConfig;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import bascule.http.FieldEdits;
import bascule.http.RequestHead;
import bascule.testing.Allocation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RouteTableTest {
    private static final RedirectConfig TO_HTTPS = new RedirectConfig("https", null, 0, 308);

    @ParameterizedTest
    @CsvSource({
        "example.org,          exact",
        "EXAMPLE.Org,          exact",
        "example.org:8080,     exact",
        "example.org.,         exact",
        "example.org.:80,      exact",
        "www.example.org,      wildcard",
        "a.b.example.org,      wildcard",
        "A.B.EXAMPLE.ORG.,     wildcard",
        "a.deep.example.org,   longer wildcard",
        "a.b.deep.example.org, longer wildcard",
        "deep.example.org,     wildcard",
        "www.deep.example.org, exact below wildcard",
        "wwwexample.org,       any",
        ".example.org,         any",
        "example.org.evil,     any",
        "xample.org,           any",
        "org,                  any",
        ".,                    any",
        "..,                   any",
        "'',                   any",
        "[::1]:8080,           address",
        "[::2]:8080,           any",
    })
    void givenHosts_whenFound_thenExactThenLongestWildcardThenAny(String host, String expected) {
        RouteTable table =
                table(
                        "- - -> any",
                        "*.example.org - -> wildcard",
                        "*.deep.example.org - -> longer wildcard",
                        "www.deep.example.org - -> exact below wildcard",
                        "example.org - -> exact",
                        "[::1] - -> address");

        assertEquals(expected, answer(table, head("GET", host, "/")));
    }

    @ParameterizedTest
    @CsvSource({
        "/,             root",
        "/x,            root",
        "/api,          exact",
        "/api?q=/api/,  exact",
        "/api/,         prefix",
        "/api/x,        prefix",
        "/api/v1,       prefix",
        "/api/v1/,      longer prefix",
        "/api/v1/x/y,   longer prefix",
        "/api/v1/users, exact below prefix",
        "/apis,         root",
        "/API,          root",
        "/api/v1/usersx, longer prefix",
        "/api/v1/users/, longer prefix",
        "*,             any",
        "http://example.org, root",
        "http://example.org?q, root",
        "http://example.org/api, exact",
    })
    void givenPaths_whenFound_thenLongest(String target, String expected) {
        RouteTable table =
                table(
                        "- - -> any",
                        "- / -> root",
                        "- /api -> exact",
                        "- /api/ -> prefix",
                        "- /api/v1/ -> longer prefix",
                        "- /api/v1/users -> exact below prefix");

        assertEquals(expected, answer(table, head("GET", "example.org", target)));
    }

    @ParameterizedTest
    @CsvSource({
        "a.b.c, /p/q, a.b.c /p/q",
        "a.b.c, /p/r, a.b.c /p/",
        "a.b.c, /s,   *.b.c /s",
        "a.b.c, /t,   *.c /",
        "x.b.c, /p/q, *.b.c /p/",
        "b.c,   /p/q, *.c /p/q",
        "c,     /p/q, - /p/q",
        "c,     /s,   none",
    })
    void givenHostWithoutThatPath_whenFound_thenNextHostIsAsked(
            String host, String path, String expected) {
        RouteTable table =
                table(
                        "- /p/q -> - /p/q",
                        "*.c / -> *.c /",
                        "*.c /p/q -> *.c /p/q",
                        "*.b.c /p/ -> *.b.c /p/",
                        "*.b.c /s -> *.b.c /s",
                        "a.b.c /p/ -> a.b.c /p/",
                        "a.b.c /p/q -> a.b.c /p/q");

        assertEquals(expected, answer(table, head("GET", host, path)));
    }

    @ParameterizedTest
    @CsvSource({
        "GET,    /a, get",
        "HEAD,   /a, get",
        "POST,   /a, post or purge",
        "PURGE,  /a, post or purge",
        "PURGEX, /a, shorter path",
        "PURG,   /a, shorter path",
        "PUT,    /a, shorter path",
        "get,    /a, shorter path",
        "HEAD,   /b, head",
        "GET,    /b, shorter path",
        "DELETE, /c, deletes before any",
        "GET,    /c, any",
    })
    void givenMethods_whenConditionFails_thenNextBestIsTried(
            String method, String path, String expected) {
        RouteTable table =
                table(
                        "- /a GET -> get",
                        "- /a POST,PURGE -> post or purge",
                        "- /b HEAD -> head",
                        "- /c DELETE -> deletes before any",
                        "- /c -> any",
                        "- /c GET -> never",
                        "- / -> shorter path");

        assertEquals(expected, answer(table, head(method, "example.org", path)));
    }

    @ParameterizedTest
    @CsvSource({
        "x-tier: gold,         ,                gold",
        "X-TIER: gold,         ,                gold",
        "x-tier: Gold,         ,                present",
        "x-tier: golden,       ,                present",
        "x-tier: gold; a,      ,                present",
        "x-tier: ,             ,                present",
        "x-tiers: gold,        ,                next host",
        "x-tie: gold,          ,                next host",
        "x-tier: lead,         x-tier: gold,    gold",
        "x-tier: gold,         x-canary: 1,     gold and canary",
        "x-canary: 1,          ,                next host",
    })
    void givenHeaders_whenAnyLineMatchesByteForByte_thenFound(
            String first, String second, String expected) {
        RouteTable table =
                table(
                        "- - -> next host",
                        "h - x-tier=gold x-canary -> gold and canary",
                        "h - x-tier=gold -> gold",
                        "h - x-tier -> present");
        RequestHead head =
                second == null
                        ? head("GET", "h", "/", first)
                        : head("GET", "h", "/", first, second);

        assertEquals(expected, answer(table, head));
    }

    @Test
    void givenSameHostAndPathTwice_whenFound_thenFirstOfTheFile() {
        assertEquals(
                "first", answer(table("h / -> first", "h / -> second"), head("GET", "h", "/")));
    }

    @Test
    void givenNoMatch_whenFound_thenRedirectElseBackendElseNothing() {
        List<RouteConfig> routes = List.of(route("h /a -> route"));
        RequestHead other = head("GET", "h", "/b");

        assertEquals("redirect 308", answer(table(TO_HTTPS, "web", routes), other));
        assertEquals("backend web", answer(table(null, "web", routes), other));
        assertEquals("none", answer(table(null, null, routes), other));
        assertEquals("route", answer(table(TO_HTTPS, "web", routes), head("GET", "h", "/a")));
    }

    @Test
    void givenEachAction_whenCompiled_thenPrepared() {
        var redirect = new RedirectConfig(null, "example.org", 0, 301);
        RouteTable table =
                table(
                        null,
                        null,
                        List.of(
                                with("/backend", new RouteAction.ToBackend("four")),
                                with("/respond", new RouteAction.Respond(503, "é", "text/html")),
                                with("/redirect", new RouteAction.Redirect(redirect))));

        assertThat(table.find(head("GET", "h", "/backend")))
                .isEqualTo( // Tables: the name's length.
                        new Route.ToBackend(4, "four", null, FieldEdits.NONE, FieldEdits.NONE));
        assertThat(table.find(head("GET", "h", "/respond")))
                .isInstanceOfSatisfying(
                        Route.Respond.class,
                        respond -> {
                            assertEquals(503, respond.status());
                            assertThat(respond.body()).inHexadecimal().containsExactly(0xc3, 0xa9);
                            assertThat(respond.contentType()).asString().isEqualTo("text/html");
                        });
        assertThat(table.find(head("GET", "h", "/redirect")))
                .isInstanceOfSatisfying(
                        Route.Redirect.class, found -> assertEquals(301, found.status()));
    }

    @Test
    void givenEditsOfListenerAndRoute_whenCompiled_thenTheRouteHasTheLastWord() {
        HeaderEdits common = set("X-A", "listener");
        var factory = new RouteFactory("http", 443, String::length, common, common);
        var api =
                new RouteConfig(
                        null,
                        "/api/",
                        List.of(),
                        List.of(),
                        new RouteAction.ToBackend("four"),
                        "/v2/",
                        set("x-a", "request"),
                        set("X-B", "response"));
        RouteTable table = RouteTable.compile(List.of(api), null, "other", factory);

        var route = (Route.ToBackend) table.find(head("GET", "h", "/api/x"));
        var fallback = (Route.ToBackend) table.find(head("GET", "h", "/"));

        assertEquals("x-a: request\r\n", new String(route.requestEdits().added(), US_ASCII));
        assertEquals(
                "X-A: listener\r\nX-B: response\r\n",
                new String(route.responseEdits().added(), US_ASCII));
        assertEquals("X-A: listener\r\n", new String(fallback.requestEdits().added(), US_ASCII));
        assertEquals("X-A: listener\r\n", new String(fallback.responseEdits().added(), US_ASCII));
        assertEquals(fallback.responseEdits(), table.responseEdits());
        assertThat(route.rewrite()).isNotNull();
        assertThat(fallback.rewrite()).isNull();
        assertEquals("X-A: listener\r\nX-B: response\r\n".length(), table.growthBytes());
    }

    @Test
    void givenPathThatIsRewritten_whenCompiled_thenHeadsMayGrowByIt() {
        var api =
                new RouteConfig(
                        null,
                        "/",
                        List.of(),
                        List.of(),
                        new RouteAction.ToBackend("four"),
                        "/a/long/prefix/",
                        set("Host", "a"),
                        HeaderEdits.NONE);
        RouteTable table = table(null, null, List.of(api));

        assertEquals("/a/long/prefix/Host: a\r\n".length(), table.growthBytes());
        assertEquals(0, table("- - -> any").growthBytes());
    }

    private static HeaderEdits set(String name, String value) {
        return new HeaderEdits(List.of(new HeaderEdit(name, value)), List.of(), List.of());
    }

    private static RouteConfig with(String path, RouteAction action) {
        return new RouteConfig(
                null, path, List.of(), List.of(), action, null, HeaderEdits.NONE, HeaderEdits.NONE);
    }

    @Test
    void givenPathDecodedElsewhere_whenFound_thenThatRangeCounts() {
        RouteTable table = table("- /a/b/ -> decoded", "- /x/ -> raw");
        RequestHead head = head("GET", "h", "/x/%61");
        byte[] decoded = "??/a/b/c??".getBytes(US_ASCII);
        System.arraycopy(decoded, 0, head.decodedPath, 0, decoded.length);
        head.routePath = head.decodedPath;
        head.routePathStart = 2;
        head.routePathEnd = 8;

        assertEquals("decoded", answer(table, head));
    }

    /// Far longer than any key: neither a look-up beyond the table's lengths nor an index out of bounds.
    @ParameterizedTest
    @ValueSource(strings = {".", "/", "a", "a.", "/a"})
    void givenHugeHostOrPath_whenFound_thenFallsThrough(String unit) {
        RouteTable table = table("*.example.org /a/ -> route", "example.org /a -> route");
        String huge = unit.repeat(10_000 / unit.length());

        assertEquals("none", answer(table, head("GET", huge, "/")));
        assertEquals("none", answer(table, head("GET", "example.org", "/b/" + huge)));
        assertEquals("route", answer(table, head("GET", huge + ".example.org", "/a/" + huge)));
    }

    @Test
    void givenTenThousandHosts_whenFound_thenEachByItsName() {
        var routes = new ArrayList<RouteConfig>();
        for (int i = 0; i < 10_000; i++) {
            routes.add(route("host" + i + ".example.org / -> " + i));
            routes.add(route("host" + i + ".example.org /api/ -> api " + i));
            if (i % 10 == 0) routes.add(route("*.host" + i + ".example.org /api/ -> below " + i));
        }
        RouteTable table = table(null, "web", routes);

        for (int i = 0; i < 10_000; i++) {
            String host = "host" + i + ".example.org";
            assertEquals("" + i, answer(table, head("GET", host, "/x")));
            assertEquals("api " + i, answer(table, head("GET", host, "/api/x")));
            String below = i % 10 == 0 ? "below " + i : "backend web";
            assertEquals(below, answer(table, head("GET", "www." + host, "/api/x")));
            assertEquals("backend web", answer(table, head("GET", "x" + host, "/")));
        }
    }

    @Test
    void givenEveryKindOfRoute_whenFound_thenNothingIsAllocated() {
        RouteTable table =
                table(
                        "*.example.org /a/ PURGE x-tier=gold x-canary -> all conditions",
                        "www.example.org /a/b/ POST -> post",
                        "- / x-canary -> canary",
                        "- - GET -> any");
        RequestHead[] heads = {
            head("PURGE", "x.example.org", "/a/b/c", "x-tier: gold", "x-canary: 1"),
            head("POST", "www.example.org:80", "/a/b/c"),
            head("PUT", "WWW.example.org.", "/a/b/c", "x-canary: 1"),
            head("GET", "", "http://example.org"),
            head("GET", "a.b.c.d.e.f", "/x/y/z")
        };

        long bytes =
                Allocation.bytes(
                        () -> {
                            for (int i = 0; i < 5_000; i++) for (var head : heads) table.find(head);
                        });

        assertThat(Arrays.stream(heads).map(head -> answer(table, head)))
                .containsExactly("all conditions", "post", "canary", "any", "any");
        assertThat(bytes).isZero();
    }
}
