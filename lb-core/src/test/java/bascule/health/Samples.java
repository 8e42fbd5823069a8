package bascule.health;

import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.CheckConfig;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.server.Server;
import bascule.server.ServerLink;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;

/// Rules, configurations and servers for tests.
final class Samples {
    /// As most servers are spoken to.
    static final ServerLink PLAIN = ServerLink.plain(BackendProtocol.HTTP1);

    private Samples() {}

    /// A reading of the clock; no constant, whose sums the compiler would object to.
    static long beforeTheClockWraps() {
        return Long.MAX_VALUE - 5;
    }

    static Rules ejecting(int errors, long within, long duration, int atMostPercent) {
        return new Rules(false, 1, 1, errors, within, duration, atMostPercent, 0);
    }

    static Rules checking(int rise, int fall) {
        return new Rules(true, rise, fall, 0, 0, 0, 0, 0);
    }

    /// @param keys of the backend, as in the file, without its servers
    static BackendConfig backend(String name, String keys) {
        String text =
                """
                listeners.http { bind = ":80", backend = %1$s }
                backends.%1$s.servers = ["192.0.2.1:80"]
                backends.%1$s { %2$s }
                """
                        .formatted(name, keys);
        return switch (ConfigurationLoader.parse(text, Path.of("test.conf"), Map.of())) {
            case LoadResult.Loaded(var configuration) -> configuration.backends().getFirst();
            case LoadResult.Rejected(var problems) -> throw new AssertionError(problems.toString());
        };
    }

    /// @param check the value of the key, as in the file
    static CheckConfig check(String check) {
        return backend("web", "check = " + check).check();
    }

    /// @param address `127.0.0.1:80`
    static InetSocketAddress address(String address) {
        int colon = address.lastIndexOf(':');
        return new InetSocketAddress(
                InetAddress.ofLiteral(address.substring(0, colon)),
                Integer.parseInt(address.substring(colon + 1)));
    }

    static Server server(String address) {
        return server("web", "a", address);
    }

    static Server server(String backend, String name, String address) {
        return new Server(backend, name, address(address), 0, 1, false);
    }
}
