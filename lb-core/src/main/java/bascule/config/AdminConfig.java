package bascule.config;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The `admin` block: what operators and scrapers may see.
///
/// @param socket absolute, up to 95 bytes: the Unix socket that commands come through; null = off
/// @param socketGiven whether it is another than the default, so that the operator counts on it
/// @param http addresses of the read-only HTTP port, resolved as those of a listener; empty = off
/// @param allow peers that may use it; empty = any
public record AdminConfig(
        @Nullable Path socket,
        boolean socketGiven,
        List<InetSocketAddress> http,
        List<Cidr> allow) {
    public static final Path SOCKET = Path.of("/run/bascule/admin.sock");

    /// What the JDK takes for a socket (unix(7) has room for one more), less what a temporary name in its folder is longer.
    private static final int MAX_SOCKET_BYTES = 95;

    public AdminConfig {
        http = List.copyOf(http);
        allow = List.copyOf(allow);
    }

    static AdminConfig read(Section at) {
        Path socket = at.get("socket", socket(at.folder()), Optional.of(SOCKET)).orElse(null);
        var local = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 9180);
        return new AdminConfig(
                socket,
                !SOCKET.equals(socket),
                at.binds("http", 0, List.of(local)),
                at.list("allow", Cidr.KIND, 0, 10_000));
    }

    /// The same on a node with this address.
    AdminConfig on(InetAddress node) {
        return new AdminConfig(socket, socketGiven, Addresses.on(node, http), allow);
    }

    private static Kind<Optional<Path>> socket(Path folder) {
        Kind<Path> file = Kind.file("a file, up to 95 bytes with its folders, or off", folder);
        return new Kind<>(
                file.expected(),
                text -> {
                    if (text.equals(Kind.OFF)) return Kind.good(Optional.empty());
                    return switch (file.read(text)) {
                        case Kind.Read.Good<Path>(Path path) when bytes(path) <= MAX_SOCKET_BYTES ->
                                Kind.good(Optional.of(path));
                        case Kind.Read.Good<Path> _ -> Kind.bad("is too long for a socket");
                        case Kind.Read.Bad<Path>(String what) -> Kind.bad(what);
                    };
                });
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }
}
