package bascule.server;

import java.util.ArrayList;
import java.util.List;

/// Who may be chosen now: the servers of one backend, and those among them that may be given new work. Immutable, hence
/// published whole, through one volatile reference: no reader sees half a change. The health thread makes a new one after
/// each change of a status.
public final class ServerSet {
    private final List<Server> all;
    private final List<Server> usable;

    private ServerSet(List<Server> all, List<Server> usable) {
        this.all = all;
        this.usable = usable;
    }

    /// The set that follows from what the servers' statuses say at this moment. Backup servers count only if no other server
    /// is usable, and then all of them that are.
    public static ServerSet of(List<Server> servers) {
        var regular = new ArrayList<Server>(servers.size());
        var backup = new ArrayList<Server>();
        for (Server server : servers)
            if (server.status().usable()) (server.backup() ? backup : regular).add(server);
        return new ServerSet(
                List.copyOf(servers), List.copyOf(regular.isEmpty() ? backup : regular));
    }

    /// All servers, in the order of the configuration.
    public List<Server> all() {
        return all;
    }

    /// Those that may be given new work, in the order of the configuration; maybe none.
    public List<Server> usable() {
        return usable;
    }
}
