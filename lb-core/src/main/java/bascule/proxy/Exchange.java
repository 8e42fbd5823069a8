package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.backend.Backend;
import bascule.backend.ConnectionPool;
import bascule.http.Ascii;
import bascule.http.BackStream;
import bascule.http.Framing;
import bascule.http.FrontStream;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHead;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.Http1Back;
import bascule.net.Failure;
import bascule.net.Failure.Resend;
import bascule.observe.AccessLine;
import bascule.observe.ExchangeMetrics;
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
    private static final byte[] USER_AGENT = "user-agent".getBytes(US_ASCII);

    private final Worker worker;

    // Of the listener and the client.
    private @Nullable Exchanges listener;
    private @Nullable FrontStream front;
    private Method method = Method.OTHER;
    private boolean http10;
    private boolean keepAlive;
    private boolean requestDone;
    private boolean continueAwaited;
    private byte @Nullable [] upgrade; // The protocols that the client asked for, as a list.

    // Of the server.
    private @Nullable Server server;
    private int backendIndex;
    private @Nullable BackStream back;
    private boolean connected;
    private boolean connecting;

    /// The request as sent or to be sent, kept until the server has answered or can no longer be asked again.
    private @Nullable ByteBuf held;

    private int heldStart;
    private int heldEnd;
    private boolean resendable;
    private boolean responseBegun;
    private boolean tunnel;
    private boolean clientEnded;
    private boolean serverEnded;

    // For metrics and the log.
    private @Nullable AccessLine line; // Null if accesses are not logged.
    private @Nullable ExchangeMetrics metrics;
    private long startNanos;
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
        keepAlive = mayKeepAlive && !listener.draining();
        requestDone = complete;
        continueAwaited = head.expectContinue && in.readableBytes() == head.length;
        receivedBytes = in.readableBytes();
        if (line != null) logRequest(line, listener, front, head, now);
        switch (listener.routes.find(head)) {
            case null -> {
                in.release();
                answer(404, COMPLETE);
            }
            case Route.ToBackend route -> forward(listener, front, route.backend(), head, in, now);
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
                    listener.logPart, front.client().text(), worker.loop.wallMillis(now));
        }
        answer(rejection.status(), rejection.reason());
    }

    private void start(Exchanges listener, FrontStream front, long now) {
        this.listener = listener;
        this.front = front;
        metrics = listener.withoutBackend();
        line = worker.accessLog.line(line);
        startNanos = now;
        method = Method.OTHER;
        http10 = false;
        keepAlive = false;
        requestDone = false;
        continueAwaited = false;
        upgrade = null;
        server = null;
        back = null;
        connected = false;
        connecting = false;
        resendable = false;
        responseBegun = false;
        tunnel = false;
        clientEnded = false;
        serverEnded = false;
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

    private void logRequest(
            AccessLine line, Exchanges listener, FrontStream front, RequestHead head, long now) {
        line.begin(
                listener.logPart,
                front.client().text(),
                worker.loop.wallMillis(now),
                head.fields.bytes(),
                head.methodStart,
                head.methodEnd,
                head.targetStart,
                head.targetEnd,
                head.hostStart,
                head.authorityEnd,
                head.minorVersion);
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
            int backend,
            RequestHead head,
            ByteBuf in,
            long now) {
        backendIndex = backend;
        Backend group = worker.backends().get(backend);
        Server chosen = group.pick();
        if (chosen == null) {
            in.release();
            metrics = listener.withBackend(backend);
            fail(Failure.NO_SERVER);
            return;
        }
        server = chosen;
        metrics = listener.withServer(chosen);
        resendable = requestDone && method.idempotent() && !head.hasBody();
        if (head.upgradeLine >= 0) {
            HeaderBlock fields = head.fields;
            upgrade =
                    Arrays.copyOfRange(
                            fields.bytes(),
                            fields.valueStart(head.upgradeLine),
                            fields.valueEnd(head.upgradeLine));
        }
        ByteBuf request = worker.requests.rewrite(head, in, front, listener.forwarded);
        if (line != null) worker.requests.logId(line, head);
        ConnectionPool pool = worker.pool(chosen);
        Http1Back idle = pool.lend();
        if (idle == null) connect(pool, request, now);
        else send(idle, request, now);
    }

    private void send(Http1Back idle, ByteBuf request, long now) {
        back = idle;
        connected = true;
        sentNanos = now;
        if (resendable) hold(request.retain());
        idle.begin(this, method, http10, now);
        idle.send(request, requestDone, now);
        if (continueAwaited) idle.awaitContinue(now);
        idle.flush();
    }

    private void hold(ByteBuf request) {
        held = request;
        heldStart = request.readerIndex();
        heldEnd = request.writerIndex();
    }

    private void connect(ConnectionPool pool, ByteBuf request, long now) {
        held = request;
        connected = false;
        connecting = true;
        connectStartNanos = now;
        Http1Back fresh = pool.open();
        back = fresh;
        if (!requestDone) front().readBody(false);
        fresh.begin(this, method, http10, now);
        pool.connect(fresh, now);
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
        sentNanos = now;
        ByteBuf request = held;
        held = null;
        if (request == null) throw new IllegalStateException("connected, and nothing to send");
        pool().metrics().connect.record(connectNanos);
        BackStream back = back();
        back.send(request, requestDone, now);
        if (continueAwaited) back.awaitContinue(now);
        back.flush();
        if (!requestDone && front != null) front.readBody(true);
    }

    private ConnectionPool pool() {
        Server known = server;
        if (known == null) throw new IllegalStateException("no server");
        return worker.pool(known);
    }

    @Override
    public void requestBody(ByteBuf in, boolean last, long now) {
        continueAwaited = false;
        receivedBytes += in.readableBytes();
        requestDone |= last;
        BackStream to = back;
        if (to == null) {
            in.release();
            return;
        }
        if (connecting && held != null) { // A read that was under way when reading stopped.
            try {
                held.writeBytes(in);
            } finally {
                in.release(); // Also when there is no memory left.
            }
            return;
        }
        to.send(in, last, now);
        if (last) {
            to.flush();
        } else if (!to.writable()) {
            to.flush();
            if (!to.writable()) front().readBody(false);
        }
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
        releaseHeld(); // The server has begun to work on the request.
        if (http10) { // Knows nothing of 1xx (RFC 9110 §15.2).
            in.release();
            return;
        }
        ByteBuf out = worker.responses.rewrite(head, in, Persistence.UNSAID, false);
        sentHeadBytes += worker.responses.headLength();
        sentBytes += out.readableBytes();
        to.send(out);
        to.flush();
    }

    @Override
    public void response(ResponseHead head, ByteBuf in, boolean last, long now) {
        firstByteNanos = now - sentNanos;
        pool().metrics().firstByte.record(firstByteNanos);
        releaseHeld();
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
        ByteBuf out = worker.responses.rewrite(head, in, persistence, http10);
        sentHeadBytes += worker.responses.headLength();
        pass(out, last, now);
    }

    private boolean draining() {
        return listener != null && listener.draining();
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
        ByteBuf out = worker.responses.rewrite(head, in, Persistence.UPGRADE, false);
        sentHeadBytes += worker.responses.headLength();
        sentBytes += out.readableBytes();
        FrontStream to = front();
        to.send(out);
        to.flush();
        if (front != to) return;
        back().tunnel();
        long serverNanos = worker.backends().get(backendIndex).config().tunnelTimeout().toNanos();
        to.tunnel(Math.min(known.tunnelNanos, serverNanos));
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
        BackStream failed = back();
        back = null;
        connected = false;
        connecting = false;
        ByteBuf again = held;
        if (again != null && retries == 0 && mayAskAgain(failure, again, failed)) {
            retries++;
            worker.backendMetrics(backendIndex).retried(failure.reason());
            askAgain(failure.resend() == Resend.ALWAYS ? pool().lend() : null, again, now);
            return;
        }
        releaseHeld();
        fail(failure);
    }

    /// @param idle a pooled connection, or null for a fresh one
    private void askAgain(@Nullable Http1Back idle, ByteBuf request, long now) {
        if (idle == null) {
            connect(pool(), request, now);
            return;
        }
        held = null;
        send(idle, request, now);
        if (!requestDone && front != null) front.readBody(true);
    }

    /// Decides on a second try, and whom to ask. A server may close an idle connection at any time; asked anew, it will not have
    /// seen the request. A request that never left goes to the next server, if that is another one.
    private boolean mayAskAgain(Failure failure, ByteBuf request, BackStream failed) {
        return switch (failure.resend()) {
            case NEVER -> false;
            case IF_REUSED -> {
                if (failed.reused()) request.setIndex(heldStart, heldEnd);
                yield failed.reused();
            }
            case ALWAYS -> turnToAnother();
        };
    }

    private boolean turnToAnother() {
        Server next = worker.backends().get(backendIndex).pick();
        Exchanges asking = listener;
        if (next == null || next == server || asking == null) return false;
        server = next;
        metrics = asking.withServer(next);
        return true;
    }

    private void fail(Failure failure) {
        if (responseBegun) cut(failure.reason());
        else answer(failure.status(), failure.reason());
    }

    private void dropBack() {
        BackStream dropped = back;
        back = null;
        connected = false;
        connecting = false;
        releaseHeld();
        if (dropped != null) dropped.abort();
    }

    private void releaseHeld() {
        ByteBuf request = held;
        held = null;
        if (request != null) request.release();
    }

    /// Ends with an answer of our own.
    private void answer(int code, String reason) {
        long now = worker.loop.nanoTime();
        if (!requestDone || draining()) keepAlive = false;
        ByteBuf page;
        try {
            page =
                    worker.pages.error(
                            code,
                            method == Method.HEAD,
                            http10,
                            keepAlive,
                            worker.loop.wallMillis(now));
        } catch (OutOfMemoryError none) { // The client must not wait for what will not come.
            cut(Failure.OURS.reason());
            return;
        }
        answered(code, page, reason, now);
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
        over();
        to.abort();
    }

    /// Ends in order: lets go of both sides.
    private void finish(String reason, long now) {
        FrontStream to = front();
        BackStream from = back;
        boolean again = keepAlive && requestDone;
        account(reason, now, false);
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
        if (asked != null) pool().metrics().exchange.record(total);
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
                NEVER,
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
        server = null;
        upgrade = null;
        metrics = null;
        worker.takeBack(this);
    }
}
