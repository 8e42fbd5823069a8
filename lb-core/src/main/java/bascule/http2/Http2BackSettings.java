package bascule.http2;

import bascule.config.BackendConfig;

/// What the configuration of a backend says to the HTTP/2 connections to its servers.
///
/// @param secure over TLS?
/// @param connectNanos for a connection to be made and the server's SETTINGS to come
/// @param responseNanos longest silence of a server that owes the next step
/// @param idleNanos longest time without an exchange
public record Http2BackSettings(
        boolean secure, long connectNanos, long responseNanos, long idleNanos) {
    public static Http2BackSettings of(BackendConfig config) {
        return new Http2BackSettings(
                config.tls() != null,
                config.connectTimeout().toNanos(),
                config.responseTimeout().toNanos(),
                config.idleTimeout().toNanos());
    }
}
