package bascule.server;

import bascule.config.ServerConfig;
import java.net.InetSocketAddress;

/// One machine that does the work. Immutable but for its status, which only the health thread writes. A server is itself and
/// no other: two with the same address are two, so there is no `equals`.
public final class Server {
    private final String backend;
    private final ServerConfig config;
    private final int index;
    private volatile ServerStatus status = ServerStatus.INITIAL;

    /// @param backend the name of its backend
    /// @param index its place in the whole configuration: dense, from 0, so that an event loop keeps what it knows of servers
    ///     in an array
    public Server(String backend, ServerConfig config, int index) {
        this.backend = backend;
        this.config = config;
        this.index = index;
    }

    public String backend() {
        return backend;
    }

    public String name() {
        return config.name();
    }

    public InetSocketAddress address() {
        return config.address();
    }

    /// 1 to 256.
    public int weight() {
        return config.weight();
    }

    /// Is it in use only while no other server of its backend is usable?
    public boolean backup() {
        return config.backup();
    }

    public int index() {
        return index;
    }

    public ServerStatus status() {
        return status;
    }

    /// The health thread's verdict. What event loops choose from changes with the next [ServerSet], not by this alone.
    public void publish(ServerStatus status) {
        this.status = status;
    }

    /// As in commands: `BACKEND/SERVER`.
    @Override
    public String toString() {
        return backend + "/" + name();
    }
}
