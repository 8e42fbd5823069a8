package bascule.route;

import bascule.config.HeaderEdits;
import bascule.config.HostPattern;
import bascule.config.ListenerConfig;
import bascule.config.RedirectConfig;
import bascule.config.RouteConfig;
import bascule.config.TlsConfig;
import bascule.http.FieldEdits;
import bascule.http.RequestHead;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// The routes of a listener, immutable and compiled. Of the routes that match a request the first one answers, in this order:
/// exact host, then the longest wildcard, then no host; the longest path; the order of the file. A route whose method or header
/// conditions fail is passed over; one that asks for GET takes HEAD too. If none is left: the listener's redirect, else its
/// backend, else nothing.
///
/// Hosts are the mirror image of paths: a wildcard is a suffix that begins with `.`, as a prefix of a path ends in `/`. So one
/// walk over a host from its end, with one look-up at each `.` and one at its start, finds the longest.
public final class RouteTable {
    private static final byte[] ROOT = {'/'};

    /// The routes of one host, and where to go on if none of them matches: at the next shorter wildcard, at last at the routes
    /// without a host.
    private record Host(PathTable paths, @Nullable Host next) {}

    /// Keys are `example.org`, or `.example.org` for all below it.
    private final ByteMap<Host> hosts;

    private final @Nullable Host anyHost;
    private final @Nullable Route fallback;
    private final FieldEdits responseEdits;
    private final int growthBytes;

    private RouteTable(
            ByteMap<Host> hosts,
            @Nullable Host anyHost,
            @Nullable Route fallback,
            FieldEdits responseEdits,
            int growthBytes) {
        this.hosts = hosts;
        this.anyHost = anyHost;
        this.fallback = fallback;
        this.responseEdits = responseEdits;
        this.growthBytes = growthBytes;
    }

    /// @param httpsPort where `redirect = https` leads
    /// @param backendIndex from a backend's name to its index in the configuration's list
    public static RouteTable compile(
            ListenerConfig listener, int httpsPort, ToIntFunction<String> backendIndex) {
        var factory =
                new RouteFactory(
                        listener.tls() == null ? "http" : "https",
                        httpsPort,
                        backendIndex,
                        listener.requestHeaders(),
                        hsts(listener),
                        listener.responseHeaders());
        return compile(listener.routes(), listener.redirect(), listener.backend(), factory);
    }

    private static HeaderEdits hsts(ListenerConfig listener) {
        TlsConfig tls = listener.tls();
        return tls == null || tls.hsts() == null ? HeaderEdits.NONE : tls.hsts().edits();
    }

    static RouteTable compile(
            List<RouteConfig> routes,
            @Nullable RedirectConfig redirect,
            @Nullable String backend,
            RouteFactory factory) {
        var byHost = new LinkedHashMap<String, List<RouteConfig>>();
        for (RouteConfig route : routes) {
            byHost.computeIfAbsent(key(route.host()), _ -> new ArrayList<>()).add(route);
        }
        List<RouteConfig> withoutHost = byHost.remove("");
        Host anyHost =
                withoutHost == null ? null : new Host(new PathTable(withoutHost, factory), null);
        var hosts = new HashMap<String, Host>();
        // A wildcard is built before those that it covers.
        for (String key :
                byHost.keySet().stream().sorted(Comparator.comparingInt(String::length)).toList()) {
            var paths = new PathTable(byHost.getOrDefault(key, List.of()), factory);
            hosts.put(key, new Host(paths, longestWildcard(key, hosts, anyHost)));
        }
        Route fallback = factory.fallback(redirect, backend);
        return new RouteTable(
                new ByteMap<>(hosts, RouteTable::hash, true),
                anyHost,
                fallback,
                factory.responseEdits(),
                factory.growthBytes());
    }

    /// What operators want of the fields of answers to what no route was found for.
    public FieldEdits responseEdits() {
        return responseEdits;
    }

    /// By how many bytes a head can grow at most, by header edits and paths that are rewritten.
    public int growthBytes() {
        return growthBytes;
    }

    /// Empty for any host.
    private static String key(@Nullable HostPattern host) {
        if (host == null) return "";
        String name =
                host.name().endsWith(".")
                        ? host.name().substring(0, host.name().length() - 1)
                        : host.name();
        return host.wildcard() ? "." + name : name;
    }

    private static @Nullable Host longestWildcard(
            String key, Map<String, Host> hosts, @Nullable Host anyHost) {
        for (int dot = key.indexOf('.', 1); dot >= 0; dot = key.indexOf('.', dot + 1)) {
            Host host = hosts.get(key.substring(dot));
            if (host != null) return host;
        }
        return anyHost;
    }

    private static int hash(byte[] key) {
        int hash = 0;
        for (int at = key.length - 1; at >= 0; at--) hash = ByteMap.step(hash, key[at]);
        return hash;
    }

    /// Any event loop; takes no lock, allocates nothing, and reads of host and path no more bytes than the longest of the
    /// table has.
    ///
    /// @return what answers the request; null = nothing does: 404
    public @Nullable Route find(RequestHead head) {
        Host host = host(head.fields.bytes(), head.hostStart, head.hostEnd);
        if (host == null) return fallback;
        byte[] path = head.routePath;
        int start = head.routePathStart;
        int end = head.routePathEnd;
        if (start == end) { // An absolute URI may leave out the path (RFC 9110 §4.2.3).
            path = ROOT;
            start = 0;
            end = 1;
        }
        do {
            for (Rule rule = host.paths.find(path, start, end); rule != null; rule = rule.next) {
                if (rule.matches(head)) return rule.route;
            }
            host = host.next;
        } while (host != null);
        return fallback;
    }

    /// @return where to begin, or null if no route has such a host
    private @Nullable Host host(byte[] bytes, int start, int hostEnd) {
        Host best = anyHost;
        boolean rooted = hostEnd > start && bytes[hostEnd - 1] == '.';
        int end = rooted ? hostEnd - 1 : hostEnd; // `example.org.` is `example.org`.
        int stop = Math.max(start, end - hosts.longest());
        int hash = 0;
        for (int at = end; at > stop; ) {
            byte b = bytes[--at];
            hash = ByteMap.step(hash, b);
            // At the start a `.` is no wildcard: one label at least must stand before it.
            if (at == start ? b != '.' : b == '.') {
                Host found = hosts.find(bytes, at, end, hash);
                if (found != null) best = found;
            }
        }
        return best;
    }
}
