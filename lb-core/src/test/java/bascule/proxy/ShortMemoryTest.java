package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.backend.Http1Pool;
import bascule.config.BackendProtocol;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;
import bascule.config.LoadResult;
import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.FrontSettings;
import bascule.http1.Http1Back;
import bascule.http1.Http1Front;
import bascule.net.Backpressure;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import bascule.net.ReceiveBuffers;
import bascule.net.Transport;
import bascule.observe.AccessLog;
import bascule.observe.Metrics;
import bascule.route.RouteTable;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever allocation fails, no buffer is lost and nobody is left waiting. The whole walk of an exchange without a kernel: clients and
/// servers that talk, stop and let time pass as a seed says, and an allocator that now and then has nothing left.
final class ShortMemoryTest {
    private static final int WALKS = Boolean.getBoolean("bascule.long") ? 200_000 : 3_000;

    /// Walks of one turn of the loop: what they leave it to do later, such as closing sockets, is done between the turns.
    private static final int AT_ONCE = 100;

    private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);

    private static final String[] REQUESTS = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3),
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: "
                + "a".repeat(400)
                + "\r\n\r\n", // Grows by more than the headroom.
        "GET / HTTP/1.1\r\nHost: a\r\nx: " + "v".repeat(6000) + "\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + "b".repeat(3000),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "64\r\n"
                + "b".repeat(100)
                + "\r\n5\r\n12345\r\n0\r\nTrailer-Of-Mine: some\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n12345",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nearly",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "rubbish\r\n\r\n",
        "GET /here HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    private static final String[] RESPONSES = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + "c".repeat(200_000),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "64\r\n"
                + "b".repeat(100)
                + "\r\n5\r\n12345\r\n0\r\nTrailer-Of-Mine: some\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx: " + "v".repeat(6000) + "\r\n\r\nuntil close",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nearly",
        "HTTP/1.1 204 No Content\r\n\r\nmore than announced",
        "rubbish\r\n\r\n",
    };

    private static final Transport TRANSPORT = Transport.open(Transport.Kind.NIO, 1);
    private static final Configuration CONFIGURATION = configuration();

    /// Buffers that are counted, and sometimes not to be had.
    private static final class Scarce extends AbstractByteBufAllocator {
        private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(false);
        private final Random random;
        double scarcity;
        int refused;

        Scarce(long seed) {
            random = new Random(seed);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }

        @Override
        protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            return newDirectBuffer(initialCapacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            if (random.nextDouble() < scarcity) {
                refused++;
                throw new OutOfMemoryError("planted");
            }
            return memory.heapBuffer(initialCapacity, maxCapacity);
        }

        /// Not yet released.
        long bytes() {
            return memory.metric().usedHeapMemory();
        }
    }

    /// An end of a connection that takes what it is told to.
    private static final class Peer extends EmbeddedChannel {
        boolean choosy; // No more than it is allowed to. It is asked before this class is
        // initialised.
        long allowed;
        long taken;

        Peer(ChannelHandler handler) {
            super(handler);
            config().setWriteBufferWaterMark(Backpressure.MARKS);
        }

        @Override
        protected SocketAddress localAddress0() {
            return new InetSocketAddress("192.0.2.1", 80);
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("192.0.2.7", 4711);
        }

        @Override
        protected void doWrite(ChannelOutboundBuffer out) {
            while (out.current() instanceof ByteBuf next) {
                long bytes =
                        choosy ? Math.min(allowed, next.readableBytes()) : next.readableBytes();
                if (bytes < next.readableBytes() && bytes == 0) return;
                allowed -= bytes;
                taken += bytes;
                out.removeBytes(bytes);
            }
        }

        /// As the transport does: an exception of the handler is the handler's to hear of.
        void receive(ByteBuf bytes) {
            pipeline().fireChannelRead(bytes);
            pipeline().fireChannelReadComplete();
            runPendingTasks();
        }
    }

    private static Configuration configuration() {
        LoadResult read =
                ConfigurationLoader.parse(
                        """
                        listeners.http {
                          bind = "127.0.0.1:0", backend = web, limits.connections = 100
                          routes = [{ path = /here, respond { status = 200, body = here } }]
                        }
                        backends.web.servers = ["127.0.0.1:1"]
                        """,
                        Path.of("test.conf"),
                        Map.of());
        return ((LoadResult.Loaded) read).configuration();
    }

    /// One client and three servers.
    private static final class Walk {
        final Random random;
        final Scarce allocator;
        final Loop loop;
        final Peer client;
        final List<Peer> servers = new ArrayList<>();
        final Worker worker;
        final List<Throwable> bugs = new ArrayList<>();
        private long passedNanos;

        Walk(long seed, Metrics metrics) {
            random = new Random(seed);
            allocator = new Scarce(seed);
            loop = Loops.of(TRANSPORT.loops().getFirst().executor(), allocator);
            ListenerConfig listener = CONFIGURATION.listeners().getFirst();
            LimitsConfig limits = listener.limits();
            List<Backend> groups =
                    new Backends()
                            .apply(
                                    CONFIGURATION.backends(),
                                    Map.of("web", ServerLink.plain(BackendProtocol.HTTP1)),
                                    _ -> List.of())
                            .all();
            Backend group = groups.getFirst();
            worker =
                    new Worker(
                            TRANSPORT,
                            loop,
                            metrics.loop(0),
                            new AccessLog(1, metrics).loop(0),
                            limits.headersBytes(),
                            limits.headerCount());
            worker.install(group, BackendRules.of(group, () -> StickyKey.load(null)));
            group.publish(ServerSet.of(group.servers()));
            var exchanges =
                    new Exchanges(
                            worker,
                            new ListenerRules(
                                    listener, RouteTable.compile(listener, 0, _ -> 0), null, null),
                            groups);
            var pool = (Http1Pool) worker.pool(group.servers().getFirst());
            for (int i = 0; i < 3; i++) {
                Http1Back back = pool.open();
                back.begin(new First(back), Method.GET, false, loop.nanoTime());
                var server = new Peer(back);
                server.receive(received("HTTP/1.1 204 No Content\r\n\r\n", 100));
                servers.add(server);
            }
            client =
                    new Peer(
                            new Http1Front(
                                    worker.codec(),
                                    FrontSettings.of(listener),
                                    exchanges,
                                    new Door()));
        }

        /// A receive buffer; the transport that makes it is not what is tested.
        private ByteBuf received(String text, int room) {
            double scarcity = allocator.scarcity;
            allocator.scarcity = 0;
            try {
                byte[] bytes = text.getBytes(US_ASCII);
                return ReceiveBuffers.allocate(allocator, Math.max(room, bytes.length))
                        .writeBytes(bytes);
            } finally {
                allocator.scarcity = scarcity;
            }
        }

        void run(double scarcity) {
            allocator.scarcity = scarcity;
            client.choosy = random.nextInt(3) == 0;
            client.allowed = random.nextInt(100_000);
            int requests = 1 + random.nextInt(3);
            for (int i = 0; i < requests && client.isOpen(); i++) {
                String request = REQUESTS[random.nextInt(REQUESTS.length)];
                String response = RESPONSES[random.nextInt(RESPONSES.length)];
                feed(client, request, random.nextInt(4) == 0);
                Peer server = asked();
                if (server != null) feed(server, response, random.nextInt(4) == 0);
                if (random.nextInt(3) == 0) client.choosy = false;
                client.flush();
                if (server != null && random.nextInt(3) == 0) server.close();
                if (random.nextInt(4) == 0) pass(random.nextLong(2 * MINUTE));
                settle();
            }
        }

        private void pass(long nanos) {
            passedNanos += nanos;
            loop.wheel().advance(loop.nanoTime() + passedNanos);
        }

        /// A server that was sent something since it was last looked for, or null.
        private Peer asked() {
            Peer asked = null;
            for (Peer server : servers) {
                if (server.taken > 0 && server.isOpen()) asked = server;
                server.taken = 0;
            }
            return asked;
        }

        /// All of it, or a part; in pieces.
        private void feed(Peer peer, String text, boolean inPart) {
            int end = inPart ? random.nextInt(text.length()) : text.length();
            int piece = random.nextBoolean() ? text.length() : 1 + random.nextInt(2000);
            for (int at = 0; at < end && peer.isOpen(); at += piece) {
                String part = text.substring(at, Math.min(end, at + piece));
                peer.receive(received(part, random.nextBoolean() ? 4096 : 0));
            }
        }

        private void settle() {
            client.runPendingTasks();
            for (Peer server : servers) server.runPendingTasks();
        }

        /// Nobody says anything more. Whoever waits for something is let go within the longest time-out.
        void silence() {
            allocator.scarcity = 0;
            for (int hour = 1; hour <= 4; hour++) {
                pass(60 * MINUTE);
                settle();
            }
        }

        private final class Door implements ClientSink {
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
                bugs.add(cause);
            }
        }
    }

    @AfterAll
    static void stop() {
        TRANSPORT.close(1000);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.02, 0.2, 1})
    void givenAllocationsThatFail_whenTheTalkIsOver_thenNoBufferIsLostAndNobodyWaits(
            double scarcity) throws Exception {
        Metrics metrics = Metrics.create("test", 1);
        Loop loop = TRANSPORT.loops().getFirst();
        long refused = 0;
        for (long first = 0; first < WALKS; first += AT_ONCE) {
            long from = first;
            refused += loop.executor().submit(() -> walk(from, scarcity, metrics)).get();
        }
        metrics.close();
        assertThat(refused > 20).isEqualTo(scarcity > 0);
    }

    /// On the loop.
    ///
    /// @param first seed
    /// @return allocations that failed
    private static long walk(long first, double scarcity, Metrics metrics) {
        long refused = 0;
        long taken = 0;
        for (long seed = first; seed < first + AT_ONCE; seed++) {
            String replay = "seed " + seed + ", scarcity " + scarcity;
            var walk = new Walk(seed, metrics);
            walk.run(scarcity);
            walk.silence();
            assertThat(walk.bugs).as(replay).isEmpty();
            assertThat(walk.client.isOpen()).as("client, " + replay).isFalse();
            for (Peer server : walk.servers)
                assertThat(server.isOpen()).as("server, " + replay).isFalse();
            assertEquals(0, walk.allocator.bytes(), replay);
            refused += walk.allocator.refused;
            taken += walk.client.taken;
        }
        assertThat(taken).isPositive();
        return refused;
    }

    /// The exchange that a connection has had before it waits in a pool.
    private record First(Http1Back back) implements ResponseEvents {
        @Override
        public void backConnected(long now) {
            back.send(Unpooled.EMPTY_BUFFER, true, now);
            back.flush();
        }

        @Override
        public void interimResponse(ResponseHead head, ByteBuf in, long now) {
            in.release();
        }

        @Override
        public void response(ResponseHead head, ByteBuf in, boolean last, long now) {
            in.release();
            back.release(now);
        }

        @Override
        public void responseBody(ByteBuf in, boolean last, long now) {
            in.release();
        }

        @Override
        public void responseBurstEnded() {}

        @Override
        public void responseInputEnded() {}

        @Override
        public void backWritable(long now) {}

        @Override
        public void backFailed(Failure failure, long now) {
            throw new AssertionError(failure);
        }
    }
}
