package bascule.config;

import org.jspecify.annotations.Nullable;

/// Where a redirect leads; path and query stay.
///
/// @param scheme `http` or `https`; null = the scheme of the request
/// @param host null = the host of the request
/// @param port 0 = not named: the port of the request if scheme and host stay too, else the default port of the scheme
/// @param status 301, 302, 303, 307 or 308
public record RedirectConfig(
        @Nullable String scheme, @Nullable String host, int port, int status) {}
