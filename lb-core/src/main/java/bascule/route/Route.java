package bascule.route;

import bascule.http.RequestHead;
import org.jspecify.annotations.Nullable;

/// What answers a request. Everything that can be prepared is.
public sealed interface Route {
    /// Forward it.
    ///
    /// @param backend index in the configuration's list of backends
    record ToBackend(int backend, String name) implements Route {}

    /// Answer it here. The arrays are shared by all requests and never written.
    ///
    /// @param body UTF-8, maybe empty
    /// @param contentType of no meaning when the body is empty
    record Respond(int status, byte[] body, byte[] contentType) implements Route {}

    /// Send the client elsewhere.
    ///
    /// @param status 301, 302, 303, 307 or 308
    record Redirect(int status, RedirectTarget target) implements Route {
        /// As [RedirectTarget#location].
        public int location(RequestHead head, byte @Nullable [] authorityFallback, byte[] into) {
            return target.location(head, authorityFallback, into);
        }
    }
}
