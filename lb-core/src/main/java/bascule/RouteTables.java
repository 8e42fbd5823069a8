package bascule;

import bascule.config.BackendConfig;
import bascule.config.Configuration;
import bascule.config.ListenerConfig;
import bascule.route.RouteTable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The routes of a configuration, compiled.
final class RouteTables {
    private RouteTables() {}

    /// By listener.
    static Map<String, RouteTable> of(Configuration next) {
        var routes = new LinkedHashMap<String, RouteTable>();
        for (ListenerConfig listener : next.listeners()) {
            routes.put(
                    listener.name(),
                    RouteTable.compile(
                            listener, next.httpsPort(), name -> indexOf(name, next.backends())));
        }
        return routes;
    }

    private static int indexOf(String name, List<BackendConfig> backends) {
        for (int index = 0; index < backends.size(); index++)
            if (backends.get(index).name().equals(name)) return index;
        throw new IllegalArgumentException("no backend " + name); // The configuration was checked.
    }
}
