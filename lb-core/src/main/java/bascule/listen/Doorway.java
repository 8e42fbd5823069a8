package bascule.listen;

import bascule.backend.Backend;
import bascule.http.ClientAddress;
import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Front;
import bascule.http.Rejection;
import bascule.http1.Http1Front;
import bascule.http2.Http2Front;
import bascule.http2.Preface;
import bascule.net.Backpressure;
import bascule.net.Connection;
import bascule.net.ConnectionList;
import bascule.net.Loop;
import bascule.net.ReceiveBuffers;
import bascule.observe.AccessLine;
import bascule.observe.Events;
import bascule.observe.HandshakeResult;
import bascule.observe.LimitedEvent;
import bascule.observe.ListenerMetrics;
import bascule.proxy.Exchanges;
import bascule.proxy.ListenerRules;
import bascule.proxy.SelfCheck;
import bascule.proxy.Worker;
import bascule.server.Server;
import bascule.tls.ClientHello;
import bascule.tls.ServerTls;
import bascule.tls.TlsSession;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.unix.Errors;
import io.netty.handler.ssl.SslHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The door of one listener on one loop: takes connections off its listening sockets, turns away what is over a limit, and puts
/// the protocol behind the rest. Confined to its loop but for the count of connections, which all doors of a listener share.
@Sharable // By the listening sockets of several binds, all on this loop.
final class Doorway extends ChannelInboundHandlerAdapter implements ClientSink {
    static final long ACCEPT_PAUSE_MILLIS = 100;

    private static final Duration TELL_EVERY = Duration.ofSeconds(10);

    /// Of the daemon's own connections.
    private static final ClientSink UNSEEN =
            new ClientSink() {
                @Override
                public ClientInfo opened(Connection front, InetSocketAddress peer) {
                    return new ClientInfo(peer, false);
                }

                @Override
                public void closed(Connection front) {}

                @Override
                public void rejected(Rejection rejection) {}

                @Override
                public void failed(Throwable cause) {
                    Events.bug("self-check-failed", cause);
                }
            };

    private DoorRules rules;
    private final ClientHello hello = new ClientHello();
    private @Nullable TlsSession entering; // Of the client that is let through just now.
    private final AtomicInteger connections;
    private final AtomicLong came = new AtomicLong(); // The loop's; any thread reads it.
    private final ClientCounts clients;
    private final ClientAddress peer = new ClientAddress();
    private final Worker worker;
    private final Exchanges exchanges;
    private final @Nullable OwnPorts ownPorts; // Null = the daemon never checks itself.
    private final SelfCheck selfCheck;
    private final ListenerMetrics metrics;
    private final ChannelFutureListener countDown;
    private final ConnectionList fronts = new ConnectionList();
    private final ConnectionList latecomers = new ConnectionList(); // Since it drains.
    private final Drains drains;
    private List<Leaving> leaving = List.of(); // Of drained addresses; in no other list.
    private boolean draining;
    private final LimitedEvent refused = new LimitedEvent(TELL_EVERY);
    private final LimitedEvent acceptFailed = new LimitedEvent(TELL_EVERY);

    /// @param connections of all doors of the listener
    /// @param drains addresses whose clients are to leave, of all listeners; changed by their thread
    Doorway(
            DoorRules rules,
            AtomicInteger connections,
            ClientCounts clients,
            Worker worker,
            Exchanges exchanges,
            @Nullable OwnPorts ownPorts,
            Drains drains) {
        this.rules = rules;
        this.connections = connections;
        this.clients = clients;
        this.worker = worker;
        this.exchanges = exchanges;
        this.ownPorts = ownPorts;
        this.drains = drains;
        selfCheck = new SelfCheck(exchanges);
        countDown = closed -> connections.decrementAndGet();
        metrics = worker.metrics().listener(rules.listener());
        metrics.limit(rules.connections());
        metrics.expectRejections(Arrays.stream(Rejection.values()).map(Rejection::reason).toList());
        if (rules.tls() != null) metrics.expectHandshakes();
        metrics.expectAcceptErrors(List.of("emfile", "enfile", "memory", "other"));
    }

    /// A reload: connections that are accepted from now on live by this, and so do the requests of all. Those of peers that are not
    /// let in any more end at once: whoever is denied is mostly doing harm just now. Plain ones of a listener that has TLS now, and the
    /// reverse, end with what they have begun.
    void install(DoorRules rules, ListenerRules requests, List<Backend> backends) {
        this.rules = rules;
        metrics.limit(rules.connections());
        if (rules.tls() != null) metrics.expectHandshakes();
        exchanges.install(requests, backends);
        long now = loop().nanoTime();
        forEachFront(front -> judge(front, now));
    }

    private void forEachFront(Consumer<Front> action) {
        fronts.forEach(connection -> action.accept((Front) connection));
        latecomers.forEach(connection -> action.accept((Front) connection));
        for (Leaving each : leaving) each.forEach(connection -> action.accept((Front) connection));
    }

    private void judge(Front front, long now) {
        ClientInfo client = front.client();
        client.copyTo(peer);
        client.trusted(rules.trusts(peer));
        if (!rules.letsIn(peer)) {
            metrics.rejected(Rejection.DENIED.reason());
            front.stop();
        } else if ((client.tls() == null) != (rules.tls() == null)) {
            front.drain(now); // What the listener has become, it is not.
        }
    }

    void forget(Server server) {
        exchanges.forget(server);
    }

    // ---- the acceptor

    Loop loop() {
        return worker.loop();
    }

    /// Clients taken off the sockets since the start, whether they were let in or not. From any thread.
    long came() {
        return came.get();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        letIn((Channel) message);
    }

    /// On the loop: a client was accepted, here or elsewhere.
    void letIn(Channel channel) {
        if (ownPorts != null && ownPorts.isOwn(channel)) {
            // Whatever keeps clients out for their own sake, or for others', says nothing of us.
            enter(channel, new Http1Front(worker.codec(), rules.front(), selfCheck, UNSEEN));
            return;
        }
        came.lazySet(came.getPlain() + 1);
        if (worker.memoryTight()) {
            refuse(channel, Rejection.MEMORY);
            return;
        }
        if (rules.asksWho()) {
            if (!(channel.remoteAddress() instanceof InetSocketAddress from)) {
                channel.unsafe().closeForcibly(); // Gone between the accept and now.
                return;
            }
            peer.set(from.getAddress());
            if (!rules.letsIn(peer)) { // As the operator wished: counted, and no event.
                metrics.rejected(Rejection.DENIED.reason());
                channel.unsafe().closeForcibly();
                return;
            }
        }
        if (connections.incrementAndGet() > rules.connections()) {
            connections.decrementAndGet();
            refuse(channel, Rejection.CONNECTIONS);
            return;
        }
        if (rules.limitsClients() && !countIn(channel)) {
            connections.decrementAndGet();
            refuse(channel, Rejection.CONNECTIONS_PER_CLIENT);
            return;
        }
        channel.closeFuture().addListener(countDown);
        enter(channel, rules.tls() == null ? plainFront() : new TlsDoor(loop(), this));
    }

    private void enter(Channel channel, Connection front) {
        channel.config().setAllocator(loop().allocator());
        channel.config().setRecvByteBufAllocator(ReceiveBuffers.FRONT);
        channel.config().setWriteBufferWaterMark(Backpressure.MARKS);
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        channel.pipeline().addLast(front);
        loop().executor().register(channel);
    }

    private Connection plainFront() {
        if (!rules.http2()) return http1Front();
        if (!rules.http1()) return http2Front();
        return new Preface(worker.http2Codec(), rules.front(), exchanges, this);
    }

    /// @param alpn what was agreed on within TLS; null = nothing
    private Connection secureFront(@Nullable String alpn) {
        return "h2".equals(alpn) || !rules.http1() ? http2Front() : http1Front();
    }

    private Connection http1Front() {
        return new Http1Front(worker.codec(), rules.front(), exchanges, this);
    }

    private Connection http2Front() {
        return new Http2Front(worker.http2Codec(), rules.front(), exchanges, this);
    }

    // ---- the TLS door's side

    /// To be read anew for each client.
    ClientHello hello() {
        return hello;
    }

    /// What is in force; null if a reload has just turned it off.
    @Nullable ServerTls tls() {
        return rules.tls();
    }

    long handshakeNanos() {
        return rules.handshakeNanos();
    }

    /// Gives the door's place to the protocol that was agreed on.
    void secured(TlsSession session, ChannelPipeline pipeline, TlsDoor door) {
        metrics.handshakeSucceeded(session.version(), session.resumed());
        Connection front = secureFront(pipeline.get(SslHandler.class).applicationProtocol());
        entering = session;
        pipeline.replace(door, null, front);
        front.channelActive(pipeline.lastContext());
        entering = null;
    }

    void handshakeFailed(HandshakeResult result, Rejection rejection) {
        metrics.handshakeFailed(result);
        metrics.rejected(rejection.reason());
    }

    /// Counts one more connection of the peer, until it is closed.
    private boolean countIn(Channel channel) {
        long client = peer.key();
        if (!clients.tryEnter(client, rules.connectionsPerClient())) return false;
        channel.closeFuture().addListener(_ -> clients.leave(client));
        return true;
    }

    private void refuse(Channel channel, Rejection rejection) {
        metrics.rejected(rejection.reason());
        channel.unsafe().closeForcibly();
        refused.warn(
                "connections-refused", "listener", rules.listener(), "reason", rejection.reason());
    }

    /// An accept failed: out of descriptors, mostly. Trying again at once would spin.
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        metrics.acceptError(reason(cause));
        acceptFailed.warn("accept-failed", "listener", rules.listener(), "cause", cause);
        Channel socket = context.channel();
        socket.config().setAutoRead(false);
        loop().executor()
                .schedule(
                        () -> socket.config().setAutoRead(true),
                        ACCEPT_PAUSE_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    private static String reason(Throwable cause) {
        if (!(cause instanceof Errors.NativeIoException failure)) {
            // NIO has the words alone.
            return "Too many open files".equals(cause.getMessage()) ? "emfile" : "other";
        }
        return switch (-failure.expectedErr()) {
            case 24 -> "emfile"; // errno(3): too many open files in this process,
            case 23 -> "enfile"; // on this host;
            case 12, 105 -> "memory"; // ENOMEM, ENOBUFS.
            default -> "other";
        };
    }

    @Override
    public ClientInfo opened(Connection front, InetSocketAddress from) {
        metrics.opened();
        worker.opened();
        if (draining) {
            latecomers.push(front);
        } else {
            Leaving its = leaving(front);
            if (its == null) fronts.push(front);
            else its.addFresh(front);
        }
        peer.set(from.getAddress());
        return new ClientInfo(from, rules.trusts(peer), entering, AccessLine.tlsPart(entering));
    }

    @Override
    public void closed(Connection front) {
        metrics.closed();
        worker.closed();
        if (fronts.remove(front) || latecomers.remove(front)) return;
        for (Leaving each : leaving) if (each.remove(front)) return;
    }

    @Override
    public boolean draining(Connection front) {
        if (draining) return true;
        for (Leaving each : leaving) if (each.contains(front)) return true;
        return false;
    }

    @Override
    public void rejected(Rejection rejection) {
        metrics.rejected(rejection.reason());
    }

    @Override
    public void failed(Throwable cause) {
        Events.bug("client-connection-failed", cause, "listener", rules.listener());
    }

    /// On the loop: every response from now on is the last of its connection, and connections without a request end.
    void drain() {
        draining = true;
        exchanges.drain();
        long now = loop().nanoTime();
        forEachFront(front -> front.drain(now));
    }

    /// The same, where somebody may still come.
    ///
    /// @return how many are left of those who were there when it began
    int drainPresent() {
        drain();
        int left = fronts.size();
        for (Leaving each : leaving) left += each.size();
        return left;
    }

    /// Who it belongs to now that it has come; null for nobody in particular.
    private @Nullable Leaving leaving(Connection front) {
        List<AddressDrain> all = drains.all();
        if (all.isEmpty()) return null;
        SocketAddress local = front.localAddress();
        for (AddressDrain each : all) if (each.covers(local)) return leaving(each);
        return null;
    }

    private Leaving leaving(AddressDrain drain) {
        for (Leaving each : leaving) if (each.drain == drain) return each;
        var fresh = new Leaving(drain, loop());
        var all = new ArrayList<>(leaving);
        all.add(fresh);
        leaving = List.copyOf(all);
        exchanges.drainSome(true);
        return fresh;
    }

    /// On the loop: clients who came by this address leave; one that comes so from now on finds it in the list of drains.
    void drain(AddressDrain drain) {
        Leaving its = leaving(drain);
        fronts.forEach(
                front -> {
                    if (!drain.covers(front.localAddress())) return;
                    fronts.remove(front);
                    its.addOld(front);
                });
        drain.lessOld(loop().executor()); // This door has looked.
    }

    /// On the loop: they may stay. The drain is in the list no more.
    void undrain(AddressDrain drain) {
        for (Leaving each : leaving) {
            if (each.drain != drain) continue;
            var rest = new ArrayList<>(leaving);
            rest.remove(each);
            leaving = List.copyOf(rest);
            each.end(fronts);
        }
        exchanges.drainSome(!leaving.isEmpty());
    }

    /// On the loop: who came by a drained address and has a request that runs.
    ///
    /// @param patient count those, too, who have sent nothing of one, and those who were there and have not left in time?
    int inFlight(InetAddress address, boolean patient) {
        int count = 0;
        for (Leaving each : leaving)
            if (each.drain.address().equals(address)) count += each.inFlight(patient);
        return count;
    }

    /// On the loop: ends what is left.
    void stop() {
        forEachFront(
                front -> {
                    try {
                        front.stop();
                    } catch (RuntimeException failure) { // The others have to end all the same.
                        failed(failure);
                    }
                });
    }
}
