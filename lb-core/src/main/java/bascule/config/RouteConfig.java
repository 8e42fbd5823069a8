package bascule.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One entry of a listener's `routes`.
///
/// @param host null = any host
/// @param path percent-decoded as UTF-8 and dot-resolved, so it compares with a path that was treated the same; a path that
///     ends in `/` is a prefix, any other is exact; null = any path
/// @param methods upper case; empty = any method
/// @param headers all of them must match; empty = no condition
public record RouteConfig(
        @Nullable HostPattern host,
        @Nullable String path,
        List<String> methods,
        List<HeaderMatch> headers,
        RouteAction action) {
    private static final String ONE = "one of backend, respond, redirect";

    private static final Kind<String> METHOD =
            Kind.text(
                    "a method in capitals", "is no method", Kind.matches("[A-Z][A-Z0-9_-]{0,31}"));

    public RouteConfig {
        methods = List.copyOf(methods);
        headers = List.copyOf(headers);
    }

    static RouteConfig read(Section at) {
        HostPattern host = at.find("host", HostPattern.KIND);
        String path = at.find("path", RoutePath.KIND);
        List<String> methods = at.list("method", METHOD, 0, 32);
        List<HeaderMatch> headers =
                at.blocks("header", "name", "{ name, value }", 0, 16, HeaderMatch::read);
        return new RouteConfig(host, path, methods, headers, action(at));
    }

    private static RouteAction action(Section at) {
        String backend = at.backend("backend");
        RouteAction.Respond respond = at.blockIf("respond", "status", RouteAction.Respond::read);
        RedirectConfig redirect = at.blockIf("redirect", "scheme", RedirectConfig::read);
        if (respond != null && redirect != null)
            at.refuse("redirect", "stands beside respond", ONE);
        if (backend != null && respond != null) at.refuse("respond", "stands beside backend", ONE);
        if (backend != null && redirect != null)
            at.refuse("redirect", "stands beside backend", ONE);
        if (respond != null) return respond;
        if (redirect != null) return new RouteAction.Redirect(redirect);
        if (!at.has("backend")) at.refuseMissing("backend", ONE);
        return new RouteAction.ToBackend(backend == null ? "?" : backend);
    }
}
