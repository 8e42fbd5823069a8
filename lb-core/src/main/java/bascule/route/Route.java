package bascule.route;

import bascule.http.FieldEdits;
import bascule.http.RequestHead;
import org.jspecify.annotations.Nullable;

/// What answers a request. Everything that can be prepared is.
public sealed interface Route {
    /// What operators want of the fields of the answer: those of the listener, then those of the route.
    FieldEdits responseEdits();

    /// Forward it.
    ///
    /// @param backend index in the configuration's list of backends
    /// @param rewrite null = the path stays as it is
    record ToBackend(
            int backend,
            String name,
            @Nullable PathRewrite rewrite,
            FieldEdits requestEdits,
            FieldEdits responseEdits)
            implements Route {
        /// By how many bytes a head can grow.
        int growthBytes() {
            return requestEdits.growthBytes() + (rewrite == null ? 0 : rewrite.growthBytes());
        }
    }

    /// Answer it here. The arrays are shared by all requests and never written.
    ///
    /// @param body UTF-8, maybe empty
    /// @param contentType of no meaning when the body is empty
    record Respond(int status, byte[] body, byte[] contentType, FieldEdits responseEdits)
            implements Route {}

    /// Send the client elsewhere.
    ///
    /// @param status 301, 302, 303, 307 or 308
    record Redirect(int status, RedirectTarget target, FieldEdits responseEdits) implements Route {
        /// As [RedirectTarget#location].
        public int location(RequestHead head, byte @Nullable [] authorityFallback, byte[] into) {
            return target.location(head, authorityFallback, into);
        }
    }
}
