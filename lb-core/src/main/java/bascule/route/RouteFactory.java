package bascule.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.config.RedirectConfig;
import bascule.config.RouteAction;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// Prepares what a configuration asks for.
///
/// @param scheme of the listener's requests: `http` or `https`
/// @param backendIndex from a backend's name to its index in the configuration's list
record RouteFactory(String scheme, ToIntFunction<String> backendIndex) {
    Route route(RouteAction action) {
        return switch (action) {
            case RouteAction.ToBackend(String backend) -> toBackend(backend);
            case RouteAction.Respond(int status, String body, String contentType) ->
                    new Route.Respond(status, body.getBytes(UTF_8), contentType.getBytes(UTF_8));
            case RouteAction.Redirect(RedirectConfig redirect) -> redirect(redirect);
        };
    }

    /// What answers where no route does.
    @Nullable Route fallback(@Nullable RedirectConfig redirect, @Nullable String backend) {
        if (redirect != null) return redirect(redirect);
        return backend == null ? null : toBackend(backend);
    }

    private Route toBackend(String name) {
        return new Route.ToBackend(backendIndex.applyAsInt(name), name);
    }

    private Route redirect(RedirectConfig redirect) {
        return new Route.Redirect(redirect.status(), new RedirectTarget(redirect, scheme));
    }
}
