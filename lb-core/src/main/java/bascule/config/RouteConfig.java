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
/// @param rewrite what takes the place of the prefix `path` in what a server gets: percent-encoded, `/` at both ends; null = the
///     path stays. Only with a path that is a prefix, and a backend
/// @param requestHeaders empty unless there is a backend
public record RouteConfig(
        @Nullable HostPattern host,
        @Nullable String path,
        List<String> methods,
        List<HeaderMatch> headers,
        RouteAction action,
        @Nullable String rewrite,
        HeaderEdits requestHeaders,
        HeaderEdits responseHeaders) {
    private static final String ONE = "one of backend, respond, redirect";

    private static final Kind<String> METHOD =
            Kind.text(
                    "a method in capitals", "is no method", Kind.matches("[A-Z][A-Z0-9_-]{0,31}"));

    public RouteConfig {
        methods = List.copyOf(methods);
        headers = List.copyOf(headers);
    }

    /// @param scheme of the listener's requests
    static RouteConfig read(Section at, String scheme) {
        HostPattern host = at.find("host", HostPattern.KIND);
        String path = at.find("path", RoutePath.KIND);
        List<String> methods = at.list("method", METHOD, 0, 32);
        List<HeaderMatch> headers =
                at.blocks("header", "name", "{ name, value }", 0, 16, HeaderMatch::read);
        RouteAction action = action(at, scheme);
        boolean isForwarded = action instanceof RouteAction.ToBackend;
        String rewrite = at.find("rewrite", RoutePath.PREFIX);
        if (!isForwarded && at.has("rewrite"))
            at.refuse("rewrite", "goes with a backend only", "no rewrite");
        else if (at.has("rewrite") && (path != null && !path.endsWith("/") || !at.has("path")))
            at.refuse("rewrite", "goes with a prefix only", "a path that ends in /");
        HeaderEdits request = HeaderEdits.read(at, "request-headers", HeaderEdits.Side.REQUEST);
        if (!isForwarded && at.has("request-headers"))
            at.refuse("request-headers", "goes with a backend only", "none");
        HeaderEdits response = HeaderEdits.read(at, "response-headers", HeaderEdits.Side.RESPONSE);
        return new RouteConfig(host, path, methods, headers, action, rewrite, request, response);
    }

    private static RouteAction action(Section at, String scheme) {
        String backend = at.backend("backend");
        RouteAction.Respond respond = at.blockIf("respond", "status", RouteAction.Respond::read);
        RedirectConfig redirect =
                at.blockIf("redirect", "scheme", block -> RedirectConfig.read(block, scheme));
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
