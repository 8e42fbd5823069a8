package bascule.proxy;

import bascule.backend.Backend;
import bascule.http.ClientAddress;
import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.observe.AccessLine;
import bascule.observe.ExchangeMetrics;
import bascule.observe.ListenerMetrics;
import bascule.observe.Metrics;
import bascule.route.Route;
import bascule.server.Server;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where the exchanges of one listener begin, on one loop. Lives as long as the listener; what the configuration says of it is
/// swapped by [#install], between two events of the loop.
public final class Exchanges implements RequestHandler {
    /// What the configuration says; the lists are in the order of its backends, which routes are compiled against.
    private record Rules(
            ListenerRules listener,
            ClientFinder clients,
            LoopBackend[] backends,
            ExchangeMetrics[] withoutServer) {}

    final Worker worker;
    final AccessLine.ListenerPart logPart;
    private final String name;
    private final ExchangeMetrics withoutBackend;
    private final ListenerMetrics metrics;
    private @Nullable ExchangeMetrics[] byServer = {}; // By Server.index().
    private Rules rules;
    private boolean draining; // Anybody.
    private boolean drainingAll;

    /// @param backends known to the worker
    public Exchanges(Worker worker, ListenerRules listener, List<Backend> backends) {
        this.worker = worker;
        name = listener.listener;
        logPart = AccessLine.listenerPart(name);
        withoutBackend = worker.metrics.exchange(name, Metrics.NONE, Metrics.NONE);
        metrics = worker.metrics.listener(name);
        rules = rules(listener, backends);
    }

    /// From now on requests are treated so; those under way end as they began.
    public void install(ListenerRules listener, List<Backend> backends) {
        worker.loop.assertInside();
        rules = rules(listener, backends);
    }

    private Rules rules(ListenerRules listener, List<Backend> all) {
        var backends = new LoopBackend[all.size()];
        var withoutServer = new ExchangeMetrics[all.size()];
        for (int index = 0; index < backends.length; index++) {
            Backend backend = all.get(index);
            backends[index] = worker.backend(backend);
            withoutServer[index] = worker.metrics.exchange(name, backend.name(), Metrics.NONE);
            // Now, so that their series begin at 0.
            for (Server server : backend.servers()) withServer(server);
        }
        return new Rules(listener, new ClientFinder(listener.trust()), backends, withoutServer);
    }

    /// The server is gone for good, and another may get its index.
    public void forget(Server server) {
        worker.loop.assertInside();
        if (server.index() < byServer.length) byServer[server.index()] = null;
    }

    ListenerRules rules() {
        return rules.listener;
    }

    /// Valid until the next call.
    ClientAddress client(RequestHead head, FrontStream front) {
        return rules.clients.find(head.fields, front.client());
    }

    void count(Rejection rejection) {
        metrics.rejected(rejection.reason());
    }

    LoopBackend backend(Route.ToBackend route) {
        return rules.backends[route.backend()];
    }

    ExchangeMetrics withoutBackend() {
        return withoutBackend;
    }

    /// Of exchanges that reached no server.
    ExchangeMetrics withoutServer(Route.ToBackend route) {
        return rules.withoutServer[route.backend()];
    }

    ExchangeMetrics withServer(Server server) {
        int index = server.index();
        if (index >= byServer.length) byServer = Arrays.copyOf(byServer, Math.max(16, 2 * index));
        ExchangeMetrics known = byServer[index];
        if (known == null) {
            known = worker.metrics.exchange(name, server.backend(), server.name());
            byServer[index] = known;
        }
        return known;
    }

    /// Is a response the last on its connection?
    boolean draining(FrontStream front) {
        return draining && (drainingAll || front.draining());
    }

    /// From now on every response is the last on its connection.
    public void drain() {
        draining = true;
        drainingAll = true;
    }

    /// Are there connections of which each response may be the last? They know it themselves.
    public void drainSome(boolean on) {
        draining = drainingAll || on;
    }

    @Override
    public void begin(
            FrontStream front,
            RequestHead head,
            ByteBuf in,
            boolean complete,
            boolean mayKeepAlive,
            long now) {
        worker.lend().begin(this, front, head, in, complete, mayKeepAlive, now);
    }

    @Override
    public void refuse(FrontStream front, Rejection rejection, long now) {
        worker.lend().refuse(this, front, rejection, now);
    }
}
