package bascule.config;

/// What a route does with a request that it matches.
public sealed interface RouteAction {
    /// Forwards it to the backend of this name, which exists.
    record ToBackend(String backend) implements RouteAction {}

    /// Answers it here.
    ///
    /// @param body may be empty
    /// @param contentType of no meaning when the body is empty
    record Respond(int status, String body, String contentType) implements RouteAction {}

    /// Sends the client elsewhere.
    record Redirect(RedirectConfig redirect) implements RouteAction {}
}
