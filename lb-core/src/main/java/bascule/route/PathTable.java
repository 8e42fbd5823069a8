package bascule.route;

import bascule.config.RouteConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The paths of one host. A prefix ends in `/` and nothing else does, so one walk over a path, with one look-up at each `/`
/// and one at the end, meets all that match; the last one met is the longest, and goes on with the shorter ones by itself.
final class PathTable {
    private final ByteMap<Rule> paths;

    /// The routes without a path, which all others go on with.
    private final @Nullable Rule anyPath;

    /// @param routes those of one host, in the order of the file
    PathTable(List<RouteConfig> routes, RouteFactory factory) {
        var byPath = new HashMap<String, List<RouteConfig>>();
        var withoutPath = new ArrayList<RouteConfig>();
        for (RouteConfig route : routes) {
            String path = route.path();
            (path == null ? withoutPath : byPath.computeIfAbsent(path, _ -> new ArrayList<>()))
                    .add(route);
        }
        anyPath = chain(withoutPath, null, factory);
        var rules = new HashMap<String, Rule>();
        // A prefix is built before those that it is a prefix of.
        for (String path :
                byPath.keySet().stream().sorted(Comparator.comparingInt(String::length)).toList()) {
            Rule rule =
                    chain(
                            byPath.getOrDefault(path, List.of()),
                            longestPrefix(path, rules),
                            factory);
            if (rule != null) rules.put(path, rule);
        }
        paths = new ByteMap<>(rules, PathTable::hash, false);
    }

    private static @Nullable Rule chain(
            List<RouteConfig> routes, @Nullable Rule tail, RouteFactory factory) {
        Rule rule = tail;
        for (RouteConfig route : routes.reversed())
            rule = new Rule(route, factory.route(route), rule);
        return rule;
    }

    private @Nullable Rule longestPrefix(String path, Map<String, Rule> rules) {
        for (int slash = path.lastIndexOf('/', path.length() - 2);
                slash >= 0;
                slash = path.lastIndexOf('/', slash - 1)) {
            Rule rule = rules.get(path.substring(0, slash + 1));
            if (rule != null) return rule;
        }
        return anyPath;
    }

    private static int hash(byte[] key) {
        int hash = 0;
        for (byte b : key) hash = ByteMap.step(hash, b);
        return hash;
    }

    /// @return the first rule to try, or null if no route has such a path
    @Nullable Rule find(byte[] bytes, int start, int end) {
        Rule best = anyPath;
        int stop = Math.min(end, start + paths.longest());
        int hash = 0;
        for (int at = start; at < stop; ) {
            byte b = bytes[at++];
            hash = ByteMap.step(hash, b);
            if (b == '/' || at == end) {
                Rule found = paths.find(bytes, start, at, hash);
                if (found != null) best = found;
            }
        }
        return best;
    }
}
