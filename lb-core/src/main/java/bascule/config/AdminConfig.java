package bascule.config;

import java.net.InetAddress;
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

    static AdminConfig read(Section at) {
        var local = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 9180);
        return new AdminConfig(
                at.binds("http", 0, List.of(local)), at.list("allow", Cidr.KIND, 0, 10_000));
    }
}
