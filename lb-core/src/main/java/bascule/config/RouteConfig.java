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
    public RouteConfig {
        methods = List.copyOf(methods);
        headers = List.copyOf(headers);
    }
}
