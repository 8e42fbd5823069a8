package bascule.route;

import static bascule.route.Tables.answer;
import static bascule.route.Tables.table;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.config.HeaderEdits;
import bascule.config.HeaderMatch;
import bascule.config.HostPattern;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import bascule.http.RequestHead;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The compiled table against the product's words, taken literally, over a small alphabet: so that most requests meet
/// several routes.
final class RouteTableModelTest {
    private static final int TABLES = 200;
    private static final int LOOK_UPS = 500;

    private final RequestHead head = new RequestHead(40_000, 100);

    private record Request(String method, String host, String path, List<String> fields) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomRoutes_whenFound_thenAsTheModelSays(long seed) {
        var random = new Random(seed);
        int found = 0;
        int passedOver = 0;
        for (int t = 0; t < TABLES; t++) {
            List<RouteConfig> routes =
                    routes(random, 1 + random.nextInt(random.nextBoolean() ? 4 : 60));
            RouteTable table = table(null, null, routes);
            for (int i = 0; i < LOOK_UPS; i++) {
                Request request = request(random);
                RouteConfig best = model(routes, request, true);
                Heads.fill(
                        head,
                        request.method,
                        authority(random, request.host),
                        request.path,
                        request.fields);

                assertEquals(
                        best == null ? "none" : body(best),
                        answer(table, head),
                        () ->
                                "seed "
                                        + seed
                                        + ": "
                                        + request
                                        + " in\n"
                                        + String.join("\n", texts(routes)));
                if (best != null) found++;
                if (best != model(routes, request, false)) passedOver++;
            }
        }
        // The generator hits what it is meant to.
        assertThat(found).isBetween(TABLES * LOOK_UPS / 3, TABLES * LOOK_UPS * 19 / 20);
        assertThat(passedOver).isGreaterThan(TABLES * LOOK_UPS / 20);
    }

    /// All routes that match, in the order of the contract; the first.
    private static @Nullable RouteConfig model(
            List<RouteConfig> routes, Request request, boolean conditions) {
        return routes.stream()
                .filter(route -> hostMatches(route.host(), request.host))
                .filter(route -> pathMatches(route.path(), request.path))
                .filter(route -> !conditions || conditionsMatch(route, request))
                .min(
                        Comparator.comparingInt(RouteTableModelTest::hostRank)
                                .thenComparingInt(
                                        route -> route.path() == null ? 0 : -route.path().length()))
                .orElse(null); // Of equals the first: `min` is stable in a sequential stream.
    }

    private static int hostRank(RouteConfig route) {
        if (route.host() == null) return 0;
        return route.host().wildcard() ? -route.host().name().length() : Integer.MIN_VALUE;
    }

    private static boolean hostMatches(@Nullable HostPattern pattern, String host) {
        if (pattern == null) return true;
        if (!pattern.wildcard()) return host.equals(pattern.name());
        return host.endsWith("." + pattern.name()) && host.length() > pattern.name().length() + 1;
    }

    private static boolean pathMatches(@Nullable String pattern, String path) {
        if (pattern == null) return true;
        return pattern.endsWith("/") ? path.startsWith(pattern) : path.equals(pattern);
    }

    private static boolean conditionsMatch(RouteConfig route, Request request) {
        List<String> methods = route.methods();
        boolean method =
                methods.isEmpty()
                        || methods.contains(request.method)
                        || request.method.equals("HEAD") && methods.contains("GET");
        return method
                && route.headers().stream()
                        .allMatch(
                                header ->
                                        request.fields.stream()
                                                .map(field -> field.split(": ", -1))
                                                .anyMatch(field -> fieldMatches(header, field)));
    }

    private static boolean fieldMatches(HeaderMatch header, String[] field) {
        return header.name().equals(field[0].toLowerCase(Locale.ROOT))
                && (header.value() == null || header.value().equals(field[1]));
    }

    private static List<RouteConfig> routes(Random random, int count) {
        var routes = new ArrayList<RouteConfig>();
        for (int i = 0; i < count; i++) {
            routes.add(
                    new RouteConfig(
                            random.nextInt(4) == 0
                                    ? null
                                    : new HostPattern(host(random), random.nextBoolean()),
                            random.nextInt(4) == 0 ? null : path(random),
                            some(random, List.of("GET", "HEAD", "POST", "PURGE")),
                            some(random, List.of("x-a", "x-b", "x-a=1", "x-b=")).stream()
                                    .map(text -> header(text))
                                    .toList(),
                            new RouteAction.Respond(200, "route " + i, "text/plain"),
                            null,
                            HeaderEdits.NONE,
                            HeaderEdits.NONE));
        }
        return routes;
    }

    private static HeaderMatch header(String text) {
        int equals = text.indexOf('=');
        return equals < 0
                ? new HeaderMatch(text, null)
                : new HeaderMatch(text.substring(0, equals), text.substring(equals + 1));
    }

    /// Mostly none of them.
    private static List<String> some(Random random, List<String> from) {
        if (random.nextInt(3) > 0) return List.of();
        Set<String> some = new HashSet<>();
        for (int i = 1 + random.nextInt(2); i > 0; i--)
            some.add(from.get(random.nextInt(from.size())));
        return List.copyOf(some);
    }

    private static Request request(Random random) {
        var fields = new ArrayList<String>();
        for (int i = random.nextInt(4); i > 0; i--) {
            fields.add(
                    List.of("x-a", "X-A", "x-b", "X-b", "x-ab").get(random.nextInt(5))
                            + ": "
                            + List.of("1", "2", "").get(random.nextInt(3)));
        }
        return new Request(
                List.of("GET", "HEAD", "POST", "PUT", "PURGE", "LIST").get(random.nextInt(6)),
                random.nextInt(20) == 0 ? "" : host(random),
                path(random),
                fields);
    }

    private static String host(Random random) {
        var host = new StringBuilder();
        for (int i = random.nextInt(4); i > 0; i--) {
            host.append(List.of("a", "b", "ab", "-").get(random.nextInt(4))).append('.');
        }
        return host.append(random.nextBoolean() ? "a" : "b").toString();
    }

    private static String path(Random random) {
        var path = new StringBuilder("/");
        for (int i = random.nextInt(4); i > 0; i--) {
            path.append(List.of("a", "b", "ab", "A", "").get(random.nextInt(5))).append('/');
        }
        if (random.nextBoolean()) path.append(random.nextBoolean() ? "a" : "ab");
        return path.toString();
    }

    /// The host as clients may write it.
    private static String authority(Random random, String host) {
        if (host.isEmpty()) return host;
        String dressed = random.nextInt(4) == 0 ? host.toUpperCase(Locale.ROOT) : host;
        if (random.nextInt(4) == 0) dressed += ".";
        if (random.nextInt(4) == 0) dressed += ":8080";
        return dressed;
    }

    private static String body(RouteConfig route) {
        return ((RouteAction.Respond) route.action()).body();
    }

    private static List<String> texts(List<RouteConfig> routes) {
        return routes.stream().map(RouteConfig::toString).toList();
    }
}
