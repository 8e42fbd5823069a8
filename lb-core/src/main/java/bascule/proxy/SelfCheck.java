package bascule.proxy;

import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import io.netty.buffer.ByteBuf;

/// Answers the daemon's own question at the doors of a listener, on one loop, whether a client would be answered: by an exchange, and
/// with 204. Nobody else hears of it: it is in no log, no metric and under no limit.
public final class SelfCheck implements RequestHandler {
    private final Exchanges listener;

    public SelfCheck(Exchanges listener) {
        this.listener = listener;
    }

    @Override
    public void begin(
            FrontStream front,
            RequestHead head,
            ByteBuf in,
            boolean complete,
            boolean mayKeepAlive,
            long now) {
        in.release();
        listener.worker.lend().check(listener, front, now);
    }

    @Override
    public void refuse(FrontStream front, Rejection rejection, long now) {
        listener.worker.lend().check(listener, front, now);
    }
}
