package bascule.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.config.HeaderEdits;
import bascule.config.RedirectConfig;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import bascule.http.FieldEdits;
import java.util.Arrays;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// Prepares what a listener's configuration asks for.
final class RouteFactory {
    private final String scheme;
    private final int httpsPort;
    private final ToIntFunction<String> backendIndex;
    private final HeaderEdits requestHeaders;
    private final HeaderEdits[] responseHeaders;
    private final FieldEdits requestEdits;
    private final FieldEdits responseEdits;
    private int growthBytes;

    /// @param scheme of the listener's requests: `http` or `https`
    /// @param httpsPort of the listener with TLS, if a redirect asks for it
    /// @param backendIndex from a backend's name to its index in the configuration's list
    /// @param requestHeaders, responseHeaders the listener's; routes go on from there
    /// @param responseHeaders in the order in which they apply; those of a route come last
    RouteFactory(
            String scheme,
            int httpsPort,
            ToIntFunction<String> backendIndex,
            HeaderEdits requestHeaders,
            HeaderEdits... responseHeaders) {
        this.scheme = scheme;
        this.httpsPort = httpsPort;
        this.backendIndex = backendIndex;
        this.requestHeaders = requestHeaders;
        this.responseHeaders = responseHeaders;
        requestEdits = FieldEdits.of(requestHeaders);
        responseEdits = FieldEdits.of(responseHeaders);
        growthBytes = Math.max(requestEdits.growthBytes(), responseEdits.growthBytes());
    }

    Route route(RouteConfig config) {
        FieldEdits request =
                config.requestHeaders().isEmpty()
                        ? requestEdits
                        : FieldEdits.of(requestHeaders, config.requestHeaders());
        FieldEdits response =
                config.responseHeaders().isEmpty()
                        ? responseEdits
                        : FieldEdits.of(followed(config.responseHeaders()));
        return route(config.action(), rewrite(config), request, response);
    }

    private HeaderEdits[] followed(HeaderEdits last) {
        HeaderEdits[] all = Arrays.copyOf(responseHeaders, responseHeaders.length + 1);
        all[responseHeaders.length] = last;
        return all;
    }

    private static @Nullable PathRewrite rewrite(RouteConfig config) {
        String path = config.path();
        String rewrite = config.rewrite();
        return path == null || rewrite == null ? null : new PathRewrite(path, rewrite);
    }

    private Route route(
            RouteAction action,
            @Nullable PathRewrite rewrite,
            FieldEdits request,
            FieldEdits response) {
        growthBytes = Math.max(growthBytes, response.growthBytes());
        return switch (action) {
            case RouteAction.ToBackend(String name) -> {
                int backend = backendIndex.applyAsInt(name);
                var route = new Route.ToBackend(backend, name, rewrite, request, response);
                growthBytes = Math.max(growthBytes, route.growthBytes());
                yield route;
            }
            case RouteAction.Respond(int status, String body, String contentType) ->
                    new Route.Respond(
                            status, body.getBytes(UTF_8), contentType.getBytes(UTF_8), response);
            case RouteAction.Redirect(RedirectConfig redirect) ->
                    new Route.Redirect(
                            redirect.status(),
                            new RedirectTarget(redirect, scheme, httpsPort),
                            response);
        };
    }

    /// What answers where no route does.
    @Nullable Route fallback(@Nullable RedirectConfig redirect, @Nullable String backend) {
        if (redirect != null)
            return route(new RouteAction.Redirect(redirect), null, requestEdits, responseEdits);
        if (backend != null)
            return route(new RouteAction.ToBackend(backend), null, requestEdits, responseEdits);
        return null;
    }

    /// What becomes of answers without a route.
    FieldEdits responseEdits() {
        return responseEdits;
    }

    /// By how many bytes a head can grow at most, by what was prepared so far.
    int growthBytes() {
        return growthBytes;
    }
}
