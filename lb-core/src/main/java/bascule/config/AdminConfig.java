package bascule.config;

import java.net.InetSocketAddress;
import java.util.List;

/// The `admin` block: what operators and scrapers may see.
///
/// @param http addresses of the read-only HTTP port; empty = off
/// @param allow peers that may use it; empty = any
public record AdminConfig(List<InetSocketAddress> http, List<Cidr> allow) {
    public AdminConfig {
        http = List.copyOf(http);
        allow = List.copyOf(allow);
    }
}
