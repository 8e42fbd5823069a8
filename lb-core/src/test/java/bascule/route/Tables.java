package bascule.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.config.HeaderEdits;
import bascule.config.HeaderMatch;
import bascule.config.HostPattern;
import bascule.config.RedirectConfig;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import bascule.http.RequestHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Routes for tests, each with a text of its own as its answer.
final class Tables {
    private Tables() {}

    /// Routes as text: `HOST PATH [METHOD,…] [name[=value]]… -> ANSWER`, where `-` is no host or no path.
    static RouteTable table(String... routes) {
        return table(null, null, Arrays.stream(routes).map(Tables::route).toList());
    }

    static RouteTable table(
            @Nullable RedirectConfig redirect, @Nullable String backend, List<RouteConfig> routes) {
        return RouteTable.compile(
                routes,
                redirect,
                backend,
                new RouteFactory("http", 443, String::length, HeaderEdits.NONE, HeaderEdits.NONE));
    }

    static RouteConfig route(String text) {
        String[] sides = text.split(" -> ");
        String[] words = sides[0].trim().split(" +");
        var methods = new ArrayList<String>();
        var headers = new ArrayList<HeaderMatch>();
        for (String word : Arrays.asList(words).subList(2, words.length)) {
            if (word.equals(word.toUpperCase(Locale.ROOT)) && !word.contains("=")) {
                methods.addAll(Arrays.asList(word.split(",")));
            } else {
                String[] field = word.split("=", 2);
                headers.add(new HeaderMatch(field[0], field.length == 1 ? null : field[1]));
            }
        }
        return new RouteConfig(
                host(words[0]),
                words[1].equals("-") ? null : words[1],
                methods,
                headers,
                new RouteAction.Respond(200, sides[1].trim(), "text/plain"),
                null,
                HeaderEdits.NONE,
                HeaderEdits.NONE);
    }

    private static @Nullable HostPattern host(String text) {
        if (text.equals("-")) return null;
        return text.startsWith("*.")
                ? new HostPattern(text.substring(2), true)
                : new HostPattern(text, false);
    }

    /// The text that answers, `backend` for the listener's backend, or `none`.
    static String answer(RouteTable table, RequestHead head) {
        return switch (table.find(head)) {
            case null -> "none";
            case Route.Respond respond -> new String(respond.body(), UTF_8);
            case Route.ToBackend backend -> "backend " + backend.name();
            case Route.Redirect redirect -> "redirect " + redirect.status();
        };
    }
}
