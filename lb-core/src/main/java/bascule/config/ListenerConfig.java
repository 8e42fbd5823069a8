package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;

import bascule.tls.CertificateSet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One `listeners.<name>` block. What answers a request is asked in this order: `routes`, then `redirect`, then `backend`;
/// at least one of them is there, and never both of the last two.
///
/// @param binds at least one, each resolved but for `node:80`, before it is known which node this is; `:80` is `[::]:80`; port 0 =
///     any free port
/// @param tls null = off
/// @param protocols what is spoken, what is preferred first; at least one
/// @param backend the backend for what no route matches; null = 404
/// @param trust peers whose forwarded fields count
/// @param idleTimeout how long a client connection may rest between two requests
/// @param tunnelTimeout how long an upgraded connection may be silent in both directions
/// @param allow peers that may connect; empty = any that `deny` does not name
/// @param deny peers that may not, whatever `allow` says
/// @param rateLimit null = off
/// @param requestHeaders edits of what goes to servers, before those of the route
/// @param responseHeaders edits of what goes to clients, before those of the route
/// @param errorPages by status code, 400 to 599: what stands in for our own short texts
public record ListenerConfig(
        String name,
        List<InetSocketAddress> binds,
        @Nullable TlsConfig tls,
        List<Protocol> protocols,
        @Nullable String backend,
        List<RouteConfig> routes,
        @Nullable RedirectConfig redirect,
        List<Cidr> trust,
        ForwardedConfig forwarded,
        LimitsConfig limits,
        Duration idleTimeout,
        Duration tunnelTimeout,
        List<Cidr> allow,
        List<Cidr> deny,
        @Nullable RateLimitConfig rateLimit,
        HeaderEdits requestHeaders,
        HeaderEdits responseHeaders,
        Map<Integer, PageFile> errorPages) {
    private static final Kind<Integer> ERROR =
            Kind.count(400, 599).expecting("status codes, 400 to 599");

    public ListenerConfig {
        binds = List.copyOf(binds);
        protocols = List.copyOf(protocols);
        routes = List.copyOf(routes);
        trust = List.copyOf(trust);
        allow = List.copyOf(allow);
        deny = List.copyOf(deny);
        errorPages = Map.copyOf(errorPages);
    }

    private record Timeouts(Duration idle, Duration tunnel) {
        static Timeouts read(Section at) {
            Duration idle = at.duration("idle", ofSeconds(60), ofMillis(1), ofDays(1));
            Duration tunnel = at.duration("tunnel", ofHours(1), ofMillis(1), ofDays(7));
            return new Timeouts(idle, tunnel);
        }
    }

    static ListenerConfig read(Section at) {
        List<InetSocketAddress> binds = at.binds("bind", 1, List.of());
        Optional<TlsConfig> given = at.blockIf("tls", "certificates", TlsConfig::read);
        TlsConfig tls = given == null ? null : given.orElse(null);
        String scheme = given == null ? "http" : "https";
        if (given != null) at.offersHttps(binds);
        List<Protocol> usual =
                given == null ? List.of(Protocol.HTTP1) : List.of(Protocol.H2, Protocol.HTTP1);
        List<Protocol> protocols =
                at.list("protocols", Kind.choice(Protocol.class), at.has("protocols") ? 1 : 0, 2);
        if (new HashSet<>(protocols).size() < protocols.size())
            at.refuse("protocols", "names one twice", "each once");
        String backend = at.backend("backend");
        List<RouteConfig> routes =
                at.blocks(
                        "routes",
                        "backend",
                        "{ host, path, …, backend }",
                        0,
                        10_000,
                        route -> RouteConfig.read(route, scheme));
        RedirectConfig redirect =
                at.blockIf("redirect", "scheme", block -> RedirectConfig.read(block, scheme));
        if (backend != null && redirect != null)
            at.refuse("backend", "is never asked, for redirect answers first", "one of them");
        if (!at.has("backend") && routes.isEmpty() && redirect == null)
            at.refuseMissing("backend", "a backend, or routes, or redirect");
        List<Cidr> trust = at.list("trust", Cidr.KIND, 0, 10_000);
        List<Cidr> allow = at.list("allow", Cidr.KIND, 0, 10_000);
        List<Cidr> deny = at.list("deny", Cidr.KIND, 0, 10_000);
        ForwardedConfig forwarded = at.block("forwarded", "x-forwarded", ForwardedConfig::read);
        LimitsConfig limits = at.block("limits", "connections", LimitsConfig::read);
        RateLimitConfig rateLimit = at.blockIf("rate-limit", "rate", RateLimitConfig::read);
        HeaderEdits request = HeaderEdits.read(at, "request-headers", HeaderEdits.Side.REQUEST);
        HeaderEdits response = HeaderEdits.read(at, "response-headers", HeaderEdits.Side.RESPONSE);
        Map<Integer, PageFile> errorPages = errorPages(at);
        Timeouts timeouts = at.block("timeouts", "idle", Timeouts::read);
        return new ListenerConfig(
                at.name(),
                binds,
                tls,
                protocols.isEmpty() ? usual : protocols,
                backend,
                routes,
                redirect,
                trust,
                forwarded,
                limits,
                timeouts.idle,
                timeouts.tunnel,
                allow,
                deny,
                rateLimit,
                request,
                response,
                errorPages);
    }

    /// The same after a folder of certificates has changed, if it is this one's.
    ListenerConfig withCertificates(Path folder, CertificateSet certificates) {
        if (tls == null || !tls.folder().equals(folder)) return this;
        return with(binds, tls.with(certificates));
    }

    /// The same on a node with this address.
    ListenerConfig on(InetAddress node) {
        return with(Addresses.on(node, binds), tls);
    }

    private ListenerConfig with(List<InetSocketAddress> otherBinds, @Nullable TlsConfig otherTls) {
        return new ListenerConfig(
                name,
                otherBinds,
                otherTls,
                protocols,
                backend,
                routes,
                redirect,
                trust,
                forwarded,
                limits,
                idleTimeout,
                tunnelTimeout,
                allow,
                deny,
                rateLimit,
                requestHeaders,
                responseHeaders,
                errorPages);
    }

    private static Map<Integer, PageFile> errorPages(Section at) {
        Kind<PageFile> file = PageFile.kind(at.folder());
        var pages = new HashMap<Integer, PageFile>();
        at.entries(
                "error-pages",
                ERROR,
                200,
                (status, value) -> {
                    PageFile page = value.as(file);
                    if (page != null) pages.put(status, page);
                });
        return pages;
    }
}
