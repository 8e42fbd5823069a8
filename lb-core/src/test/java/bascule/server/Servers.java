package bascule.server;

import bascule.server.ServerStatus.Admin;
import bascule.server.ServerStatus.Health;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/// Servers for tests, named `a`, `b`, `c`, …
public final class Servers {
    private Servers() {}

    public static List<Server> weighted(int... weights) {
        var servers = new ArrayList<Server>();
        for (int weight : weights) servers.add(server(servers.size(), weight, false));
        return servers;
    }

    public static Server server(int index, int weight, boolean backup) {
        String name = index < 26 ? Character.toString('a' + index) : "s" + index;
        var address = InetSocketAddress.createUnresolved(name, 80);
        return new Server("web", name, address, index, weight, backup);
    }

    public static void up(Server server) {
        server.publish(new ServerStatus(Admin.ENABLED, Health.UP));
    }

    public static void down(Server server) {
        server.publish(new ServerStatus(Admin.ENABLED, Health.DOWN));
    }
}
