package bascule.server;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/// Who may be chosen now: the servers of one backend, those among them that may be given new work, and their shares of it.
/// Immutable, hence published whole, through one volatile reference: no reader sees half a change. The health thread makes a new
/// one after each change of a status.
public final class ServerSet {
    public static final ServerSet NONE = of(List.of());

    private final List<Server> all;
    private final List<Server> usable;
    private final int[] weights;

    private ServerSet(List<Server> all, List<Server> usable, int[] weights) {
        this.all = all;
        this.usable = usable;
        this.weights = weights;
    }

    /// The set that follows from what the servers' statuses say at this moment. Backup servers count only if no other server
    /// is usable, and then all of them that are.
    public static ServerSet of(List<Server> servers) {
        return of(servers, Server::weight);
    }

    /// @param weight 1 or more, for each usable server: only their ratios count
    public static ServerSet of(List<Server> servers, ToIntFunction<Server> weight) {
        var regular = new ArrayList<Server>(servers.size());
        var backup = new ArrayList<Server>();
        for (Server server : servers)
            if (server.status().usable()) (server.backup() ? backup : regular).add(server);
        List<Server> usable = List.copyOf(regular.isEmpty() ? backup : regular);
        return new ServerSet(
                List.copyOf(servers), usable, usable.stream().mapToInt(weight).toArray());
    }

    /// All servers, in the order of the configuration.
    public List<Server> all() {
        return all;
    }

    /// Those that may be given new work, in the order of the configuration; maybe none.
    public List<Server> usable() {
        return usable;
    }

    /// The shares of [#usable()], in its order. A copy.
    public int[] weights() {
        return weights.clone();
    }
}
