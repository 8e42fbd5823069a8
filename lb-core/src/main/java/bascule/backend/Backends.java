package bascule.backend;

import bascule.config.BackendConfig;
import bascule.config.ServerAddress;
import bascule.config.ServerConfig;
import bascule.server.Server;
import bascule.server.ServerLink;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// All backends of the daemon and their servers, from one configuration to the next: what stays the same keeps its object, and with
/// it all that is known of it. Changed by the daemon's thread; what it says may be asked by any.
public final class Backends {
    private volatile List<Backend> present = List.of();
    private final BitSet indexes = new BitSet();

    /// What makes a server the same as before.
    private record Identity(
            String backend, String server, @Nullable String host, InetSocketAddress address) {}

    /// What follows from a configuration, and from the addresses that its names have now.
    ///
    /// @param all in the order of the configuration
    /// @param goneServers that nobody has any more, those of gone backends among them
    /// @param goneLinks that servers which are not gone were spoken to over, and those of gone backends
    public record Change(
            List<Backend> all,
            List<Backend> goneBackends,
            List<Server> goneServers,
            List<ServerLink> goneLinks,
            int newServers) {
        public Change {
            all = List.copyOf(all);
            goneBackends = List.copyOf(goneBackends);
            goneServers = List.copyOf(goneServers);
            goneLinks = List.copyOf(goneLinks);
        }

        /// Is there nothing to let go of?
        public boolean isNothing() {
            return goneBackends.isEmpty() && goneServers.isEmpty() && goneLinks.isEmpty();
        }
    }

    /// In the order of the configuration.
    public List<Backend> all() {
        return present;
    }

    public boolean has(String backend, String server) {
        for (Backend each : present) {
            if (!each.name().equals(backend)) continue;
            for (Server one : each.servers()) if (one.name().equals(server)) return true;
        }
        return false;
    }

    /// Puts a configuration in force: backends and servers are there, and those that were before have what is new. Who may be chosen
    /// is not decided here. When nobody can choose what is gone any more, it is to be told by [#release].
    ///
    /// @param links see [#links(List)]
    /// @param addresses of a DNS name, at this moment; maybe none
    public Change apply(
            List<BackendConfig> next,
            Map<String, ServerLink> links,
            Function<String, List<InetAddress>> addresses) {
        Map<String, Backend> knownBackends = new HashMap<>();
        Map<Identity, Server> knownServers = new HashMap<>();
        for (Backend backend : present) {
            knownBackends.put(backend.name(), backend);
            for (Server server : backend.servers()) {
                knownServers.put(
                        new Identity(
                                backend.name(), server.name(), server.host(), server.address()),
                        server);
            }
        }
        var all = new ArrayList<Backend>();
        var goneLinks = new ArrayList<ServerLink>();
        int newServers = 0;
        for (BackendConfig config : next) {
            var servers = new ArrayList<Server>();
            Set<Identity> seen = new HashSet<>();
            for (ServerConfig each : config.servers()) {
                for (Identity identity : identities(config, each, addresses)) {
                    if (!seen.add(identity)) continue;
                    Server server = knownServers.remove(identity);
                    if (server == null) {
                        server = newServer(identity, each);
                        newServers++;
                    } else {
                        server.reconfigure(each.weight(), each.backup());
                    }
                    servers.add(server);
                }
            }
            Backend backend = knownBackends.remove(config.name());
            ServerLink link = Objects.requireNonNull(links.get(config.name()));
            if (backend == null) {
                backend = new Backend(config, link, servers);
            } else {
                if (backend.link() != link) goneLinks.add(backend.link());
                backend.reconfigure(config, link, servers);
            }
            all.add(backend);
        }
        for (Backend gone : knownBackends.values()) goneLinks.add(gone.link());
        present = List.copyOf(all);
        return new Change(
                all,
                List.copyOf(knownBackends.values()),
                List.copyOf(knownServers.values()),
                goneLinks,
                newServers);
    }

    /// By backend, how its servers are spoken to: as now where the configuration still says so, else anew. What is made anew and not
    /// put in force is for the caller to close.
    ///
    /// @throws SSLException if the TLS library refuses what the configuration let through; nothing is left open then
    public Map<String, ServerLink> links(List<BackendConfig> next) throws SSLException {
        var links = new HashMap<String, ServerLink>();
        try {
            for (BackendConfig config : next) links.put(config.name(), link(config));
        } catch (SSLException refused) {
            close(links);
            throw new SSLException(
                    "backends.%s.tls: %s"
                            .formatted(next.get(links.size()).name(), refused.getMessage()),
                    refused);
        }
        return links;
    }

    private ServerLink link(BackendConfig config) throws SSLException {
        for (Backend each : present)
            if (each.name().equals(config.name()) && each.link().serves(config)) return each.link();
        return ServerLink.of(config);
    }

    /// Those in force, by backend.
    public Map<String, ServerLink> links() {
        var links = new HashMap<String, ServerLink>();
        for (Backend each : present) links.put(each.name(), each.link());
        return links;
    }

    /// Closes those of [#links(List)] that are not in force.
    public void close(Map<String, ServerLink> links) {
        links.forEach(
                (name, link) -> {
                    for (Backend each : present) if (each.link() == link) return;
                    link.close();
                });
    }

    private Server newServer(Identity identity, ServerConfig config) {
        int index = indexes.nextClearBit(0);
        indexes.set(index);
        return new Server(
                identity.backend,
                identity.server,
                identity.address,
                identity.host,
                index,
                config.weight(),
                config.backup());
    }

    private static List<Identity> identities(
            BackendConfig backend,
            ServerConfig server,
            Function<String, List<InetAddress>> addresses) {
        return switch (server.address()) {
            case ServerAddress.Ip(InetSocketAddress socket) ->
                    List.of(new Identity(backend.name(), server.name(), null, socket));
            case ServerAddress.Dns(String host, int port) ->
                    addresses.apply(host).stream()
                            .map(address -> new InetSocketAddress(address, port))
                            .map(
                                    socket ->
                                            new Identity(
                                                    backend.name(),
                                                    server.name()
                                                            + "/"
                                                            + NetUtil.toSocketAddressString(socket),
                                                    host,
                                                    socket))
                            .toList();
        };
    }

    /// No loop knows the server any more.
    public void release(Server server) {
        indexes.clear(server.index());
    }
}
