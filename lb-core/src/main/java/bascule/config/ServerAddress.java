package bascule.config;

import java.net.InetSocketAddress;

/// Where a server is, as the file says it. Never resolved here.
public sealed interface ServerAddress {
    /// @param socket resolved, port 1 to 65535
    record Ip(InetSocketAddress socket) implements ServerAddress {}

    /// @param host lower case, no dot at the end; labels up to 63 characters, 253 in all (RFC 1123 §2.1, underscores besides)
    /// @param port 1 to 65535
    record Dns(String host, int port) implements ServerAddress {}
}
