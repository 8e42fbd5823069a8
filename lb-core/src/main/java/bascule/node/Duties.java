package bascule.node;

import bascule.config.Configuration;
import bascule.config.FloatingIpConfig;
import bascule.config.ListenerConfig;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// What a configuration demands of a node for each floating IP.
final class Duties {
    private Duties() {}

    static List<Duty> of(Configuration configuration) {
        var duties = new ArrayList<Duty>();
        for (FloatingIpConfig each : configuration.floatingIps()) {
            Set<String> backends = new TreeSet<>();
            for (ListenerConfig listener : configuration.listeners())
                if (each.require().contains(listener.name())) addBackends(listener, backends);
            duties.add(new Duty(each.name(), each.require(), List.copyOf(backends)));
        }
        return duties;
    }

    private static void addBackends(ListenerConfig listener, Set<String> to) {
        if (listener.backend() != null) to.add(listener.backend());
        for (RouteConfig route : listener.routes())
            if (route.action() instanceof RouteAction.ToBackend(String backend)) to.add(backend);
    }
}
