package bascule.proxy;

import bascule.backend.Backend;
import bascule.config.ForwardedConfig;
import bascule.config.ListenerConfig;
import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.observe.AccessLine;
import bascule.observe.ExchangeMetrics;
import bascule.observe.Metrics;
import bascule.route.RouteTable;
import bascule.server.Server;
import io.netty.buffer.ByteBuf;

/// Where the exchanges of one listener begin, on one loop.
public final class Exchanges implements RequestHandler {
    final Worker worker;
    final RouteTable routes;
    final ForwardedConfig forwarded;
    final long tunnelNanos;
    final AccessLine.ListenerPart logPart;
    private final ExchangeMetrics[] byServer; // By Server.index().
    private final ExchangeMetrics[] byBackend; // Of exchanges that reached no server.
    private final ExchangeMetrics withoutBackend;
    private boolean draining;

    public Exchanges(Worker worker, ListenerConfig listener, RouteTable routes) {
        this.worker = worker;
        this.routes = routes;
        forwarded = listener.forwarded();
        tunnelNanos = listener.tunnelTimeout().toNanos();
        logPart = AccessLine.listenerPart(listener.name());
        byServer = new ExchangeMetrics[worker.servers()];
        byBackend = new ExchangeMetrics[worker.backends().size()];
        withoutBackend = worker.metrics.exchange(listener.name(), Metrics.NONE, Metrics.NONE);
        for (int index = 0; index < byBackend.length; index++) {
            Backend backend = worker.backends().get(index);
            byBackend[index] =
                    worker.metrics.exchange(listener.name(), backend.name(), Metrics.NONE);
            for (Server server : backend.servers()) {
                byServer[server.index()] =
                        worker.metrics.exchange(listener.name(), backend.name(), server.name());
            }
        }
    }

    ExchangeMetrics withoutBackend() {
        return withoutBackend;
    }

    ExchangeMetrics withBackend(int backend) {
        return byBackend[backend];
    }

    ExchangeMetrics withServer(Server server) {
        return byServer[server.index()];
    }

    boolean draining() {
        return draining;
    }

    /// From now on every response is the last on its connection.
    public void drain() {
        draining = true;
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
