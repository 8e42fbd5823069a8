package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.backend.Backend;
import bascule.backend.ServerConnections;
import bascule.backend.Waiter;
import bascule.http.Ascii;
import bascule.http.BackStream;
import bascule.http.FieldEdits;
import bascule.http.Framing;
import bascule.http.FrontStream;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHead;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.net.Failure;
import bascule.net.Failure.Whose;
import bascule.observe.AccessLine;
import bascule.observe.Events;
import bascule.observe.ExchangeMetrics;
import bascule.observe.ServerMetrics;
import bascule.proxy.ResponseRewriter.Persistence;
import bascule.route.Route;
import bascule.server.Server;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One request and its response. Born when a head is complete, dies when the last byte of the response has been handed on or
/// one side is gone; the only place that answers errors, counts and logs. Reused, and confined to its loop.
///
/// It joins a front and a back stream: bytes go from one to the other as they come, and reading on one side stops while the
/// other takes no more. Whatever ends it goes through [#finish], once.
final class Exchange implements RequestEvents, ResponseEvents {
    private static final String COMPLETE = "complete";
    private static final long NEVER = -1;
    private static final byte[] REFERER = "referer".getBytes(US_ASCII);
    private static final byte[] CONTENT_TYPE = "content-type".getBytes(US_ASCII);
    private static final byte[] USER_AGENT = "user-agent".getBytes(US_ASCII);
    private static final Route.Respond SERVES =
            new Route.Respond(204, new byte[0], new byte[0], FieldEdits.NONE);

    private final Worker worker;

    // Of the listener and the client.
    private @Nullable Exchanges listener;
    private @Nullable FrontStream front;
    private Method method = Method.OTHER;
    private boolean http10;
    private boolean grpc; // Does the client understand a status of gRPC only?
    private boolean keepAlive;
    private boolean requestDone;
    private boolean continueAwaited;
    private byte @Nullable [] upgrade; // The protocols that the client asked for, as a list.
    private FieldEdits responseEdits = FieldEdits.NONE;

    // Of the server.
    private @Nullable LoopBackend group;
    private @Nullable Sticky sticky;
    private @Nullable Server stuckTo; // The server that the client's cookie names.
    private @Nullable Server server;
    private @Nullable ServerConnections pool;
    private @Nullable ServerMetrics serverMetrics;
    private boolean placed; // Has it taken a place at the server?
    private @Nullable Waiter waiter;
    private @Nullable BackStream back;
    private boolean connected;
    private boolean connecting;

    /// What is to be sent, or sent again: kept until the server has answered or can no longer be asked again.
    private final HeldRequest held = new HeldRequest();

    /// May it be sent again although a server may have seen it: it means the same however often it comes (RFC 9110 §9.2.2), and all
    /// of it is held?
    private boolean repeatable;

    /// Is all of it held, to be sent again?
    private boolean kept;

    private boolean broken; // Has a connection broken under it?

    /// Was it sent once more to the client's own server, for an idle connection was closed? That was no try of its own: the server
    /// may really be gone, and others have not been asked.
    private boolean wentBack;

    private boolean responseBegun;
    private boolean tunnel;
    private boolean clientEnded;
    private boolean serverEnded;

    // For metrics and the log.
    private @Nullable AccessLine line; // Null if accesses are not logged.
    private @Nullable ExchangeMetrics metrics;
    private @Nullable ExchangeMetrics withoutServer;
    private long startNanos;
    private long queueStartNanos;
    private long queueNanos;
    private long connectStartNanos;
    private long connectNanos;
    private long sentNanos;
    private long firstByteNanos;
    private long receivedBytes;
    private long sentBytes;
    private long sentHeadBytes;
    private long countedReceivedBytes;
    private long countedSentBytes;
    private int status;
    private int retries;

    Exchange(Worker worker) {
        this.worker = worker;
    }

    // ---- birth

    void begin(
            Exchanges listener,
            FrontStream front,
            RequestHead head,
            ByteBuf in,
            boolean complete,
            boolean mayKeepAlive,
            long now) {
        start(listener, front, now);
        method = head.method;
        http10 = head.minorVersion == 0;
        keepAlive = mayKeepAlive && !listener.draining(front);
        requestDone = complete;
        continueAwaited = head.expectContinue && in.readableBytes() == head.length;
        receivedBytes = in.readableBytes();
        if (line != null) logRequest(line, listener, front, head, now);
        if (!listener.rules().admits(front.client().tls(), head)) {
            in.release();
            listener.count(Rejection.MISDIRECTED);
            answer(Rejection.MISDIRECTED.status(), Rejection.MISDIRECTED.reason());
            return;
        }
        grpc = head.http2 && method == Method.POST && isGrpc(head.fields);
        RateLimit limit = listener.rules().rateLimit;
        if (limit != null) {
            long waitNanos = limit.take(listener.client(head, front).key(), now);
            if (waitNanos > 0) {
                in.release();
                listener.count(Rejection.RATE_LIMIT);
                answer(
                        Rejection.RATE_LIMIT.status(),
                        Rejection.RATE_LIMIT.reason(),
                        null,
                        RateLimit.retryAfterSeconds(waitNanos));
                return;
            }
        }
        Route found = listener.rules().routes.find(head);
        if (found != null) responseEdits = found.responseEdits();
        switch (found) {
            case null -> {
                in.release();
                answer(404, COMPLETE);
            }
            case Route.ToBackend route -> forward(listener, front, route, head, in, now);
            case Route.Respond route -> {
                in.release();
                keepAlive &= complete;
                answered(
                        route.status(),
                        worker.pages.respond(
                                route,
                                method == Method.HEAD,
                                http10,
                                keepAlive,
                                worker.loop.wallMillis(now)));
            }
            case Route.Redirect route -> {
                in.release();
                keepAlive &= complete;
                ByteBuf page =
                        worker.pages.redirect(
                                route,
                                head,
                                front.localAuthority(),
                                http10,
                                keepAlive,
                                worker.loop.wallMillis(now));
                if (page == null) answer(400, COMPLETE);
                else answered(route.status(), page);
            }
        }
    }

    /// Answers what was no request.
    void refuse(Exchanges listener, FrontStream front, Rejection rejection, long now) {
        start(listener, front, now);
        if (line != null) {
            line.beginRejected(
                    listener.logPart,
                    front.client().text(),
                    front.client().logPart(),
                    worker.loop.wallMillis(now));
        }
        answer(rejection.status(), rejection.reason());
    }

    /// Answers the daemon itself; see [SelfCheck].
    void check(Exchanges listener, FrontStream front, long now) {
        start(listener, front, now);
        line = null;
        metrics = worker.unseen;
        requestDone = true;
        answered(
                SERVES.status(),
                worker.pages.respond(SERVES, false, false, false, worker.loop.wallMillis(now)));
    }

    private void start(Exchanges listener, FrontStream front, long now) {
        this.listener = listener;
        this.front = front;
        responseEdits = listener.rules().responseEdits();
        metrics = listener.withoutBackend();
        line = worker.accessLog.line(line);
        startNanos = now;
        method = Method.OTHER;
        http10 = false;
        grpc = false;
        keepAlive = false;
        requestDone = false;
        continueAwaited = false;
        upgrade = null;
        group = null;
        sticky = null;
        stuckTo = null;
        server = null;
        pool = null;
        serverMetrics = null;
        placed = false;
        waiter = null;
        back = null;
        connected = false;
        connecting = false;
        repeatable = false;
        kept = false;
        broken = false;
        wentBack = false;
        responseBegun = false;
        tunnel = false;
        clientEnded = false;
        serverEnded = false;
        queueNanos = NEVER;
        connectNanos = NEVER;
        firstByteNanos = NEVER;
        receivedBytes = 0;
        sentBytes = 0;
        sentHeadBytes = 0;
        countedReceivedBytes = 0;
        countedSentBytes = 0;
        status = 0;
        retries = 0;
        front.attach(this);
    }

    /// `application/grpc`, also with a `+` and a format or with parameters.
    private static boolean isGrpc(HeaderBlock fields) {
        int line = fields.find(CONTENT_TYPE);
        if (line < 0) return false;
        byte[] type = ErrorPage.GRPC;
        int start = fields.valueStart(line);
        int more = fields.valueEnd(line) - start - type.length;
        if (more < 0 || !Ascii.equalsIgnoreCase(fields.bytes(), start, type)) return false;
        byte next = more == 0 ? (byte) ';' : fields.bytes()[start + type.length];
        return next == '+' || next == ';' || isBlank(next);
    }

    private void logRequest(
            AccessLine line, Exchanges listener, FrontStream front, RequestHead head, long now) {
        line.begin(
                listener.logPart,
                front.client().text(),
                front.client().logPart(),
                worker.loop.wallMillis(now),
                head.fields.bytes(),
                head.methodStart,
                head.methodEnd,
                head.targetStart,
                head.targetEnd,
                head.hostStart,
                head.authorityEnd,
                head.protocol().code());
        if (!line.wantsFields()) return;
        HeaderBlock fields = head.fields;
        int referer = fields.find(REFERER);
        int userAgent = fields.find(USER_AGENT);
        line.fields(
                fields.bytes(),
                referer < 0 ? 0 : fields.valueStart(referer),
                referer < 0 ? 0 : fields.valueEnd(referer),
                userAgent < 0 ? 0 : fields.valueStart(userAgent),
                userAgent < 0 ? 0 : fields.valueEnd(userAgent),
                head.hostStart,
                head.authorityEnd);
    }

    private void forward(
            Exchanges listener,
            FrontStream front,
            Route.ToBackend route,
            RequestHead head,
            ByteBuf in,
            long now) {
        LoopBackend to = listener.backend(route);
        group = to;
        withoutServer = listener.withoutServer(route);
        metrics = withoutServer;
        BackendRules rules = to.rules();
        Maintenance maintenance = rules.maintenance;
        if (maintenance != null && maintenance.turnsAway(listener.client(head, front))) {
            in.release();
            answer(
                    Maintenance.STATUS,
                    Maintenance.REASON,
                    maintenance.page(),
                    maintenance.retryAfterSeconds());
            return;
        }
        Sticky keeping = rules.sticky;
        sticky = keeping;
        if (keeping != null) stuckTo = keeping.find(head.fields);
        to.metrics().begun();
        repeatable = method.idempotent();
        if (head.upgradeLine >= 0) {
            HeaderBlock fields = head.fields;
            upgrade =
                    Arrays.copyOfRange(
                            fields.bytes(),
                            fields.valueStart(head.upgradeLine),
                            fields.valueEnd(head.upgradeLine));
        }
        held.add(
                worker.requests.rewrite(
                        head,
                        in,
                        front,
                        listener.rules().forwarded,
                        route.requestEdits(),
                        route.rewrite()));
        if (line != null) worker.requests.logId(line, head);
        choose(to.backend(), null, now);
    }

    /// @param avoid not this one, if there is another
    private void choose(Backend backend, @Nullable Server avoid, long now) {
        boolean counted = backend.counts();
        Server wanted = stuckTo;
        if (wanted != null && (wanted == avoid || wanted.status().lost())) wanted = null;
        Server chosen;
        if (wanted == null) chosen = backend.choose(avoid, counted);
        else chosen = backend.enter(wanted, counted) ? wanted : null;
        if (chosen == null) await(backend, wanted, avoid, counted, now);
        else turnTo(backend, chosen, counted, now);
    }

    /// @param counted has a place been taken at it?
    private void turnTo(Backend backend, Server chosen, boolean counted, long now) {
        ServerConnections to = worker.pool(chosen);
        if (to == null) { // Removed while its place was on the way to this loop.
            if (counted) backend.leave(chosen);
            if (chosen == stuckTo) stuckTo = null;
            choose(backend, null, now);
            return;
        }
        server = chosen;
        pool = to;
        serverMetrics = to.metrics();
        connectNanos = NEVER;
        placed = counted;
        if (listener != null) metrics = listener.withServer(chosen);
        to.metrics().began();
        BackStream idle = idle(to, now);
        if (idle == null) connect(to, now);
        else send(idle, now);
    }

    /// A connection to be used again, or null for a new one. What broke one connection of a pool may have broken them all.
    private @Nullable BackStream idle(ServerConnections from, long now) {
        return broken ? null : from.lend(!repeatable, now);
    }

    private void send(BackStream idle, long now) {
        back = idle;
        connected = true;
        idle.begin(this, method, http10, now);
        sendHeld(idle, now);
    }

    private void connect(ServerConnections to, long now) {
        connected = false;
        connecting = true;
        connectStartNanos = now;
        BackStream fresh = to.open();
        back = fresh;
        if (!requestDone) front().readBody(false);
        fresh.begin(this, method, http10, now);
        fresh.connect(now);
    }

    private void sendHeld(BackStream to, long now) {
        sentNanos = now;
        kept = held.keepable() && (repeatable || to.mayRefuse());
        repeatable &= kept;
        held.sendTo(to, requestDone, kept, now);
        if (continueAwaited) to.awaitContinue(now);
        to.flush();
        if (!requestDone && front != null) front.readBody(true);
    }

    // ---- the line

    /// All servers are full, or none is there.
    ///
    /// @param wanted the only server that will do, which is full; or null
    private void await(
            Backend backend,
            @Nullable Server wanted,
            @Nullable Server avoid,
            boolean counted,
            long now) {
        server = null;
        serverMetrics = null;
        metrics = withoutServer;
        if (!counted || wanted == null && !backend.hasServer()) {
            giveUp(Failure.NO_SERVER);
            return;
        }
        if (!requestDone) front().readBody(false);
        queueStartNanos = now;
        var waiting = new Waiting(wanted, avoid);
        waiter = waiting;
        if (backend.await(waiting, now)) return;
        waiter = null;
        giveUp(Failure.QUEUE_FULL);
    }

    /// This exchange in the line of its backend.
    private final class Waiting extends Waiter {
        Waiting(@Nullable Server wanted, @Nullable Server avoid) {
            super(worker.loop, wanted, avoid);
        }

        @Override
        protected void granted(@Nullable Server server, long now) {
            waited(now);
            LoopBackend to = group;
            if (server == null || to == null) giveUp(Failure.NO_SERVER);
            else turnTo(to.backend(), server, true, now);
        }

        @Override
        protected void timedOut(long now) {
            waited(now);
            giveUp(Failure.QUEUE_TIMEOUT);
        }

        @Override
        protected void failed(Throwable cause) {
            Events.bug("exchange-failed", cause);
            if (front == null) return;
            dropBack();
            fail(Failure.OURS);
        }
    }

    private void waited(long now) {
        waiter = null;
        queueNanos = Math.max(queueNanos, 0) + now - queueStartNanos;
    }

    private void giveUp(Failure failure) {
        held.release();
        fail(failure);
    }

    /// Leaves the server, and its place to whoever waits for it. What is counted and logged still names it.
    private void leaveServer() {
        ServerConnections left = pool;
        if (left == null) return;
        pool = null;
        left.metrics().ended();
        LoopBackend of = group;
        if (!placed || of == null) return;
        placed = false;
        of.backend().leave(left.server());
    }

    private FrontStream front() {
        FrontStream known = front;
        if (known == null) throw new IllegalStateException("exchange is over");
        return known;
    }

    private BackStream back() {
        BackStream known = back;
        if (known == null) throw new IllegalStateException("exchange has no back");
        return known;
    }

    // ---- the request goes on

    @Override
    public void backConnected(long now) {
        connecting = false;
        connected = true;
        connectNanos = now - connectStartNanos;
        BackStream to = back();
        if (!to.reused()) pool().metrics().connect.record(connectNanos);
        sendHeld(to, now);
    }

    private ServerConnections pool() {
        ServerConnections known = pool;
        if (known == null) throw new IllegalStateException("no server");
        return known;
    }

    @Override
    public void requestBody(ByteBuf in, boolean last, long now) {
        continueAwaited = false;
        receivedBytes += in.readableBytes();
        requestDone |= last;
        if (connecting || waiter != null) { // A read that was under way when reading stopped.
            held.add(in);
            return;
        }
        BackStream to = back;
        if (to == null) {
            in.release();
            return;
        }
        if (kept) keep(in);
        to.send(in, last, now);
        if (last) {
            to.flush();
        } else if (!to.writable()) {
            to.flush();
            if (!to.writable()) front().readBody(false);
        }
    }

    /// Keeps what is about to be sent, or gives up on sending again.
    private void keep(ByteBuf piece) {
        try {
            if (held.hasRoomFor(piece)) {
                held.keep(piece, worker.loop.allocator());
                return;
            }
        } catch (OutOfMemoryError none) { // It can be sent, at least, if only once.
        }
        stopHolding();
    }

    @Override
    public void requestBurstEnded() {
        if (back != null && connected) back.flush();
        if (metrics != null) countBytes(metrics);
    }

    @Override
    public void backWritable(long now) {
        if (front != null && (tunnel || !requestDone)) front.readBody(true);
    }

    @Override
    public void requestRefused(Rejection rejection, long now) {
        dropBack();
        if (responseBegun) cut(rejection.reason());
        else answer(rejection.status(), rejection.reason());
    }

    // ---- the response

    @Override
    public void interimResponse(ResponseHead head, ByteBuf in, long now) {
        FrontStream to = front();
        stopHolding(); // The server has begun to work on the request.
        if (http10) { // Knows nothing of 1xx (RFC 9110 §15.2).
            in.release();
            return;
        }
        ByteBuf out = worker.responses.rewriteInterim(head, in);
        sentHeadBytes += worker.responses.headLength();
        sentBytes += out.readableBytes();
        to.send(out);
        to.flush();
    }

    @Override
    public void response(ResponseHead head, ByteBuf in, boolean last, long now) {
        firstByteNanos = now - sentNanos;
        pool().metrics().firstByte.record(firstByteNanos);
        stopHolding();
        if (head.status == 101) {
            switchProtocols(head, in);
            return;
        }
        status = head.status;
        responseBegun = true;
        boolean untilClose =
                head.framing == Framing.UNTIL_CLOSE || (http10 && head.framing == Framing.CHUNKED);
        if (untilClose || !requestDone || draining()) keepAlive = false;
        Persistence persistence =
                !keepAlive
                        ? Persistence.CLOSE
                        : http10 ? Persistence.KEEP_ALIVE : Persistence.UNSAID;
        ByteBuf out =
                worker.responses.rewrite(head, in, persistence, http10, responseEdits, cookie());
        sentHeadBytes += worker.responses.headLength();
        pass(out, last, now);
    }

    /// What keeps the client with the server that answers, unless it knows.
    private byte[] cookie() {
        Sticky keeping = sticky;
        Server answering = server;
        if (keeping == null || answering == null || answering == stuckTo) return Sticky.NO_COOKIE;
        return keeping.cookie(answering, front().client().tls() != null);
    }

    /// From now on the request is not sent again.
    private void stopHolding() {
        repeatable = false;
        kept = false;
        held.release();
    }

    private boolean draining() {
        return listener != null && front != null && listener.draining(front);
    }

    @Override
    public void responseBody(ByteBuf in, boolean last, long now) {
        pass(in, last, now);
    }

    private void pass(ByteBuf out, boolean last, long now) {
        FrontStream to = front();
        sentBytes += out.readableBytes();
        to.send(out);
        if (last) {
            if (keepAlive) to.flush(); // Else the end of the connection goes out with these bytes.
            if (front == to) finish(COMPLETE, now); // Unless the flush found the client gone.
        } else if (!to.writable()) {
            to.flush();
            if (front == to && !to.writable()) back().readResponse(false, now);
        }
    }

    @Override
    public void responseBurstEnded() {
        if (metrics != null) countBytes(metrics);
        if (front != null) front.flush();
    }

    @Override
    public void frontWritable(long now) {
        if (back != null && connected) back.readResponse(true, now);
    }

    // ---- after a 101

    private void switchProtocols(ResponseHead head, ByteBuf in) {
        Exchanges known = listener;
        byte[] asked = upgrade;
        HeaderBlock fields = head.fields;
        boolean matches =
                known != null
                        && asked != null
                        && requestDone
                        && head.upgradeLine >= 0
                        && matches(asked, fields, head.upgradeLine);
        if (!matches || known == null) {
            in.release();
            dropBack();
            fail(Failure.BROKEN_RESPONSE);
            return;
        }
        status = 101;
        responseBegun = true;
        tunnel = true;
        keepAlive = false;
        ByteBuf out =
                worker.responses.rewrite(
                        head, in, Persistence.UPGRADE, false, responseEdits, cookie());
        sentHeadBytes += worker.responses.headLength();
        sentBytes += out.readableBytes();
        FrontStream to = front();
        to.send(out);
        to.flush();
        if (front != to) return;
        back().tunnel();
        LoopBackend of = group;
        long serverNanos =
                of == null ? Long.MAX_VALUE : of.backend().config().tunnelTimeout().toNanos();
        to.tunnel(Math.min(known.rules().tunnelNanos, serverNanos));
    }

    /// Is what the server switches to one of the protocols that the client listed (RFC 9110 §7.8)?
    private static boolean matches(byte[] asked, HeaderBlock fields, int line) {
        int start = fields.valueStart(line);
        int length = fields.valueEnd(line) - start;
        for (int at = 0; at < asked.length; at++) {
            int from = at;
            while (at < asked.length && asked[at] != ',') at++;
            int to = at;
            while (from < to && isBlank(asked[from])) from++;
            while (from < to && isBlank(asked[to - 1])) to--;
            if (from == to || to - from != length) continue;
            int same = 0;
            while (same < length
                    && Ascii.lower(asked[from + same]) == Ascii.lower(fields.bytes()[start + same]))
                same++;
            if (same == length) return true;
        }
        return false;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    @Override
    public void requestInputEnded() {
        clientEnded = true;
        back().endTunnelOutput();
        if (serverEnded) finish(COMPLETE, worker.loop.nanoTime());
    }

    @Override
    public void responseInputEnded() {
        serverEnded = true;
        front().endTunnelOutput();
        if (clientEnded) finish(COMPLETE, worker.loop.nanoTime());
    }

    // ---- trouble

    @Override
    public void frontFailed(Failure failure) {
        dropBack();
        cut(failure.reason());
    }

    @Override
    public void backFailed(Failure failure, long now) {
        Server failed = server;
        boolean stale =
                failure == Failure.NO_RESPONSE && back().reused() || failure == Failure.GOING_AWAY;
        broken |= connected;
        back = null;
        connected = false;
        connecting = false;
        leaveServer();
        if (failed != null && failure.whose() == Whose.SERVER && !stale) failed.noteFailure();
        LoopBackend of = group;
        if (of != null && mayAskAgain(of.backend(), failure, failed, stale)) {
            retries++;
            of.metrics().retried(failure.reason());
            Server avoid = failed;
            if (failed == stuckTo) {
                if (stale && !wentBack) { // A session must not end because an idle connection did.
                    wentBack = true;
                    avoid = null;
                } else {
                    stuckTo = null;
                }
            }
            choose(of.backend(), avoid, now);
            return;
        }
        giveUp(failure);
    }

    /// Decides on another try, which goes to another server if there is one.
    ///
    /// @param stale was it a connection from the pool that broke? Its server may have closed it without a look at the request, and
    ///     may well be asked again. One that refuses, or dies of a request, may not
    private boolean mayAskAgain(
            Backend backend, Failure failure, @Nullable Server failed, boolean stale) {
        boolean allowed =
                switch (failure.resend()) {
                    case NEVER -> false;
                    case IF_REPEATABLE -> repeatable && !responseBegun;
                    case ALWAYS -> true;
                };
        return allowed
                && !held.isEmpty()
                && retries + (wentBack ? 0 : 1) < backend.config().retry().tries()
                && (stale || backend.hasServerBut(failed))
                // A refusal costs nobody anything, and before each stale connection there was a
                // good
                // response; the budget is for what moves load to another server.
                && (failure == Failure.CONNECT
                        || failure == Failure.TLS
                        || failure == Failure.NO_HTTP2
                        || stale
                        || backend.budget().take());
    }

    private void fail(Failure failure) {
        if (responseBegun) cut(failure.reason());
        else answer(failure.status(), failure.reason(), null, retryAfterSeconds(failure));
    }

    /// When it makes sense to ask again, or 0.
    private int retryAfterSeconds(Failure failure) {
        if (failure.status() != 503) return 0;
        LoopBackend of = group;
        return failure == Failure.NO_SERVER && of != null ? of.rules().noServerSeconds : 1;
    }

    private void dropBack() {
        BackStream dropped = back;
        back = null;
        connected = false;
        connecting = false;
        held.release();
        Waiter left = waiter;
        waiter = null;
        if (left != null) left.leave();
        if (dropped != null) dropped.abort();
        leaveServer();
    }

    private void answer(int code, String reason) {
        answer(code, reason, null, 0);
    }

    /// Ends with an answer of our own.
    ///
    /// @param page null = the listener's for this status, or a short text
    /// @param retryAfterSeconds 0 = untold
    private void answer(int code, String reason, @Nullable OwnPage page, int retryAfterSeconds) {
        long now = worker.loop.nanoTime();
        if (!requestDone || draining()) keepAlive = false;
        Exchanges of = listener;
        OwnPage own = page == null && of != null ? of.rules().pages.find(code) : page;
        long wallMillis = worker.loop.wallMillis(now);
        ByteBuf out;
        try {
            out =
                    grpc
                            ? worker.pages.grpc(code, responseEdits, wallMillis)
                            : worker.pages.error(
                                    code,
                                    own,
                                    retryAfterSeconds,
                                    responseEdits,
                                    method == Method.HEAD,
                                    http10,
                                    keepAlive,
                                    wallMillis);
        } catch (OutOfMemoryError none) { // The client must not wait for what will not come.
            cut(Failure.OURS.reason());
            return;
        }
        answered(code, out, reason, now);
    }

    private void answered(int code, ByteBuf page) {
        answered(code, page, COMPLETE, worker.loop.nanoTime());
    }

    private void answered(int code, ByteBuf page, String reason, long now) {
        status = code;
        responseBegun = true;
        sentHeadBytes += worker.pages.headLength();
        sentBytes += page.readableBytes();
        FrontStream to = front();
        to.send(page);
        finish(reason, now);
    }

    /// Ends in the middle of the response, or without one: the client is gone, or must see that something is missing.
    private void cut(String reason) {
        FrontStream to = front();
        account(reason, worker.loop.nanoTime(), true);
        leaveServer();
        over();
        to.abort();
    }

    /// Ends in order: lets go of both sides.
    private void finish(String reason, long now) {
        FrontStream to = front();
        BackStream from = back;
        boolean again = keepAlive && requestDone;
        account(reason, now, false);
        leaveServer();
        over();
        // The back first: the client's next request may be waiting, and then takes this very
        // connection.
        if (from != null) from.release(now);
        to.end(again);
    }

    private void account(String reason, long now, boolean aborted) {
        long total = now - startNanos;
        ExchangeMetrics counted = metrics;
        if (counted == null) throw new IllegalStateException("exchange is over");
        countBytes(counted);
        if (aborted || status == 0) counted.aborted();
        else counted.completed(status);
        Server asked = server;
        if (serverMetrics != null) serverMetrics.exchange.record(total);
        AccessLine logged = line;
        if (logged == null) return;
        logged.end(
                worker.accessLog,
                status,
                reason,
                asked == null ? null : asked.backend(),
                asked == null ? null : asked.name(),
                receivedBytes,
                sentBytes,
                sentHeadBytes,
                queueNanos,
                connectNanos,
                firstByteNanos,
                total,
                retries,
                tunnel);
    }

    /// What came and went since the last call: a long body is seen while it runs.
    private void countBytes(ExchangeMetrics counted) {
        counted.received(receivedBytes - countedReceivedBytes);
        counted.sent(sentBytes - countedSentBytes);
        countedReceivedBytes = receivedBytes;
        countedSentBytes = sentBytes;
    }

    /// Forgets both sides and goes back to the worker; nothing may be called on this exchange until it begins again.
    private void over() {
        front = null;
        back = null;
        listener = null;
        group = null;
        sticky = null;
        stuckTo = null;
        server = null;
        serverMetrics = null;
        upgrade = null;
        responseEdits = FieldEdits.NONE;
        metrics = null;
        worker.takeBack(this);
    }
}
