package bascule.acceptance;

import java.util.stream.Collectors;

/// The one file of both hosts. Its bounds are low: a host in a container may not raise its limit of open files.
final class Configuration {
    private Configuration() {}

    static String usual() {
        return with(4, true, "");
    }

    /// @param extra is there a listener beside the one that all is asked of?
    /// @param route of that one; empty: none
    static String with(int loops, boolean extra, String route) {
        return """
        cluster {
          key-file = cluster.key
          nodes { edge1 = %s, edge2 = %s }
        }
        floating-ips.public = "%s/24"
        listeners.web { bind = ":80", backend = web, limits.connections = 4000%s }
        %sbackends.web {
          servers = [%s]
          check = /
        }
        logging.access = off
        loops = %d
        """
                .formatted(
                        Bed.address("edge1"),
                        Bed.address("edge2"),
                        Bed.FLOATING,
                        route.isEmpty() ? "" : ", routes = [" + route + "]",
                        extra
                                ? "listeners.extra { bind = \":8090\", backend = web, limits.connections = 1000 }\n"
                                : "",
                        Bed.SERVERS.stream()
                                .map(each -> '"' + each + '"')
                                .collect(Collectors.joining(", ")),
                        loops);
    }
}
