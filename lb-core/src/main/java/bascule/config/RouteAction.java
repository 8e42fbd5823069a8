package bascule.config;

/// What a route does with a request that it matches.
public sealed interface RouteAction {
    /// Forwards it to the backend of this name, which exists.
    record ToBackend(String backend) implements RouteAction {}

    /// Answers it here.
    ///
    /// @param body may be empty
    /// @param contentType of no meaning when the body is empty
    record Respond(int status, String body, String contentType) implements RouteAction {
        private static final String PLAIN_TEXT = "text/plain; charset=utf-8";
        private static final int MAX_BODY = 64 << 10;

        private static final Kind<String> BODY =
                Kind.text(
                        "up to 65536 characters", "is too long", body -> body.length() <= MAX_BODY);

        private static final Kind<String> CONTENT_TYPE =
                Kind.text(
                        "TYPE/SUBTYPE, and parameters",
                        "is no media type",
                        Kind.matches(
                                "[a-zA-Z0-9.+-]{1,64}/[a-zA-Z0-9.+-]{1,64}( *;[ -~]{0,128}[!-~])?"));

        static Respond read(Section at) {
            int status = at.require("status", Kind.count(200, 599), 200);
            String body = at.get("body", BODY, "");
            if (!body.isEmpty() && (status == 204 || status == 205 || status == 304))
                at.refuse("body", "cannot go with status " + status, "no body");
            return new Respond(status, body, at.get("content-type", CONTENT_TYPE, PLAIN_TEXT));
        }
    }

    /// Sends the client elsewhere.
    record Redirect(RedirectConfig redirect) implements RouteAction {}
}
