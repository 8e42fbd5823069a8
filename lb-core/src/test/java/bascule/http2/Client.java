package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.http1.FrontSettings;
import bascule.http1.HeadLimits;
import bascule.http1.Http1Codec;
import bascule.net.Backpressure;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A client without a socket, in front of an [Http2Front] whose exchanges do what the test says. It takes as many bytes as it is told
/// to, and time passes when the test says so.
final class Client implements AutoCloseable {
    static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /// Seconds.
    static final int HEADER_TIME = 10;

    static final int BODY_IDLE = 30;
    static final int IDLE = 60;
    static final int TUNNEL_IDLE = 100;

    static final int STREAMS = 100;
    static final int HEAD_BYTES = 8192;
    static final int BODY_BYTES = 1 << 20;

    final Socket socket = new Socket();

    /// What the front takes its buffers from.
    final Memory memory = new Memory();

    final Loop loop = Loops.of(socket.eventLoop(), memory);
    final Http2Codec codec = new Http2Codec(new Http1Codec(loop, 64 * 1024, 100));
    final Server server = new Server();
    final List<Rejection> rejections = new ArrayList<>();
    final List<Throwable> bugs = new ArrayList<>();
    final FrontSettings settings =
            new FrontSettings(
                    new HeadLimits(HEAD_BYTES, 50, 4096),
                    HEADER_TIME * SECOND,
                    BODY_BYTES,
                    BODY_IDLE * SECOND,
                    IDLE * SECOND,
                    16,
                    STREAMS);
    final Connection front;
    final List<Frame> frames = new ArrayList<>();
    int open;
    private final long originNanos = loop.nanoTime();
    private final ByteBuf outbound = Unpooled.buffer();
    private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(true);

    private final boolean draining;

    Client() {
        this(false);
    }

    /// @param undecided does the front have to find out that this is HTTP/2?
    Client(boolean undecided) {
        this(undecided, false);
    }

    /// @param draining has the daemon been told to stop?
    Client(boolean undecided, boolean draining) {
        this.draining = draining;
        socket.config().setWriteBufferWaterMark(Backpressure.MARKS);
        front =
                undecided
                        ? new Preface(codec, settings, server, new Sink())
                        : new Http2Front(codec, settings, server, new Sink());
        socket.pipeline().addLast(front);
        front.channelActive(socket.pipeline().context(front));
    }

    /// One that has said hello, and has heard it.
    static Client greeted(int... settings) {
        var client = new Client();
        client.send(Frame.PREFACE);
        client.send(Frame.settings(settings), Frame.settingsAck());
        client.frames();
        return client;
    }

    // ---- the wire

    static final class Socket extends EmbeddedChannel {
        /// How many bytes it takes.
        long takes = Long.MAX_VALUE;

        boolean reset;
        int flushes;
        private ChannelConfig config; // Asked for before this class is initialised.

        @Override
        public ChannelConfig config() {
            if (config == null)
                config =
                        new DefaultChannelConfig(this) {
                            @Override
                            public <T> boolean setOption(ChannelOption<T> option, T value) {
                                if (option != ChannelOption.SO_LINGER)
                                    return super.setOption(option, value);
                                reset = value.equals(0);
                                return true;
                            }
                        };
            return config;
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("127.0.0.1", 4711);
        }

        @Override
        protected SocketAddress localAddress0() {
            return new InetSocketAddress("127.0.0.1", 80);
        }

        @Override
        protected void doWrite(ChannelOutboundBuffer out) {
            flushes++;
            while (takes > 0 && out.current() instanceof ByteBuf next) {
                int bytes = (int) Math.min(takes, next.readableBytes());
                takes -= bytes;
                outboundMessages()
                        .add(Unpooled.copiedBuffer(next.slice(next.readerIndex(), bytes)));
                out.removeBytes(bytes);
            }
        }

        void take(long bytes) {
            takes = bytes;
            flush();
            runPendingTasks();
        }
    }

    /// Counts its buffers, and has none left when it is told to.
    static final class Memory extends AbstractByteBufAllocator {
        /// Buffers, or larger ones, that are still to be had.
        int left = Integer.MAX_VALUE;

        private long usedBytes;

        long usedBytes() {
            return usedBytes;
        }

        private void take() {
            if (left == 0) throw new OutOfMemoryError("by the test");
            left--;
        }

        private final class Counted extends UnpooledDirectByteBuf {
            Counted(int initialCapacity, int maxCapacity) {
                super(Memory.this, initialCapacity, maxCapacity);
                usedBytes += initialCapacity;
            }

            @Override
            public ByteBuf capacity(int bytes) {
                if (bytes > capacity()) take();
                usedBytes += bytes - capacity();
                return super.capacity(bytes);
            }

            @Override
            protected void deallocate() {
                usedBytes -= capacity();
                super.deallocate();
            }
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
            take();
            return new Counted(initialCapacity, maxCapacity);
        }
    }

    /// As one read.
    void send(byte[] bytes) {
        if (socket.isOpen())
            socket.writeInbound(UnpooledByteBufAllocator.DEFAULT.directBuffer().writeBytes(bytes));
    }

    void send(Frame... frames) {
        send(Frame.bytes(frames));
    }

    /// What came since the last call, settled.
    List<Frame> frames() {
        socket.runPendingTasks();
        for (ByteBuf some; (some = socket.readOutbound()) != null; some.release())
            outbound.writeBytes(some);
        var found = new ArrayList<Frame>();
        for (Frame frame; (frame = Frame.read(outbound)) != null; ) found.add(frame);
        frames.addAll(found);
        return found;
    }

    /// The same without what every client gets to see: settings, acknowledgements and windows.
    List<String> heard() {
        return frames().stream()
                .filter(frame -> frame.type() != Frame.SETTINGS)
                .filter(frame -> frame.type() != Frame.WINDOW_UPDATE)
                .map(Frame::toString)
                .toList();
    }

    /// The fields of a block, in the order in which it has them. To be called for each block, in their order.
    Map<String, String> fields(Frame headers) {
        try {
            Http2Headers decoded =
                    decoder.decodeHeaders(
                            headers.stream(), Unpooled.wrappedBuffer(headers.payload()));
            var fields = new LinkedHashMap<String, String>();
            decoded.forEach(
                    field ->
                            fields.merge(
                                    field.getKey().toString(),
                                    field.getValue().toString(),
                                    (one, other) -> one + "," + other));
            return fields;
        } catch (Http2Exception e) {
            throw new AssertionError(e);
        }
    }

    /// Lets time pass up to so many seconds after the start.
    void until(double seconds) {
        loop.wheel().advance(originNanos + (long) (seconds * SECOND));
        socket.runPendingTasks();
    }

    boolean closed() {
        socket.runPendingTasks();
        return !socket.isOpen();
    }

    static String[] get(String path) {
        return request("GET", path);
    }

    static String[] request(String method, String path, String... more) {
        String[] all = new String[8 + more.length];
        String[] pseudo = {
            ":method", method, ":scheme", "http", ":path", path, ":authority", "example.org"
        };
        System.arraycopy(pseudo, 0, all, 0, 8);
        System.arraycopy(more, 0, all, 8, more.length);
        return all;
    }

    /// Asks, on a new stream, without a body.
    void ask(int stream) {
        send(Frame.headers(stream, Frame.block(get("/" + stream)), true));
    }

    /// The test has failed: what is not over ends without a word.
    void abandon() {
        for (Request request : server.requests)
            if (!request.over) request.front.attach(new Abandoned(request.front));
        server.requests.clear();
    }

    @Override
    public void close() {
        socket.takes = Long.MAX_VALUE;
        socket.flush();
        socket.close();
        socket.runPendingTasks();
        socket.releaseOutbound();
        outbound.release();
        if (open != 0) throw new AssertionError(open + " open");
        if (memory.usedBytes() != 0) throw new AssertionError(memory.usedBytes() + " bytes lost");
        if (!bugs.isEmpty()) throw new AssertionError("bugs", bugs.getFirst());
        for (Request request : server.requests)
            if (!request.over) throw new AssertionError("not over: " + request.head);
    }

    // ---- the exchanges

    /// One exchange; it does nothing by itself.
    static final class Request implements RequestEvents {
        final FrontStream front;
        final String head;
        final boolean completeAtOnce;
        final StringBuilder body = new StringBuilder();
        final List<Rejection> rejections = new ArrayList<>();
        Failure failure;
        boolean complete;
        boolean inputEnded;
        boolean over;
        int bursts;
        int rooms;
        Runnable whenRoom = () -> {};

        Request(FrontStream front, String head, boolean complete) {
            this.front = front;
            this.head = head;
            this.complete = complete;
            completeAtOnce = complete;
        }

        void send(String bytes) {
            send(bytes.getBytes(ISO_8859_1));
        }

        void send(byte[] bytes) {
            front.send(UnpooledByteBufAllocator.DEFAULT.directBuffer().writeBytes(bytes));
            front.flush();
        }

        /// As it comes from a server: with room around it.
        void sendFrom(ByteBuf read) {
            front.send(read);
            front.flush();
        }

        void end() {
            over = true;
            front.end(true);
        }

        void abort() {
            over = true;
            front.abort();
        }

        /// A small response, and the end.
        void answer() {
            send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            end();
        }

        private void take(ByteBuf in) {
            body.append(in.toString(ISO_8859_1));
            in.release();
        }

        @Override
        public void requestBody(ByteBuf in, boolean last, long nowNanos) {
            if (over) throw new AssertionError("over: " + head);
            take(in);
            complete |= last;
        }

        @Override
        public void requestBurstEnded() {
            bursts++;
        }

        @Override
        public void requestRefused(Rejection rejection, long nowNanos) {
            rejections.add(rejection);
            send("HTTP/1.1 " + rejection.status() + " No\r\nContent-Length: 0\r\n\r\n");
            end();
        }

        @Override
        public void requestInputEnded() {
            inputEnded = true;
        }

        @Override
        public void frontWritable(long nowNanos) {
            rooms++;
            whenRoom.run();
        }

        @Override
        public void frontFailed(Failure failure) {
            if (over) throw new AssertionError("over: " + head);
            this.failure = failure;
            abort();
        }
    }

    private record Abandoned(FrontStream front) implements RequestEvents {
        @Override
        public void requestBody(ByteBuf in, boolean last, long nowNanos) {
            in.release();
        }

        @Override
        public void requestBurstEnded() {}

        @Override
        public void requestRefused(Rejection rejection, long nowNanos) {
            front.abort();
        }

        @Override
        public void requestInputEnded() {}

        @Override
        public void frontWritable(long nowNanos) {}

        @Override
        public void frontFailed(Failure failure) {
            front.abort();
        }
    }

    static final class Server implements RequestHandler {
        final List<Request> requests = new ArrayList<>();
        final List<Rejection> refused = new ArrayList<>();

        /// Is each request answered at once?
        boolean answers;

        Request last() {
            return requests.getLast();
        }

        @Override
        public void begin(
                FrontStream front,
                RequestHead head,
                ByteBuf in,
                boolean complete,
                boolean mayKeepAlive,
                long nowNanos) {
            String text = head.fields.text(0, head.length);
            in.skipBytes(head.length);
            var request = new Request(front, text, complete);
            request.take(in);
            requests.add(request);
            front.attach(request);
            if (answers) request.answer();
        }

        @Override
        public void refuse(FrontStream front, Rejection rejection, long nowNanos) {
            refused.add(rejection);
            var request = new Request(front, "refused", true);
            requests.add(request);
            front.attach(request);
            request.send("HTTP/1.1 " + rejection.status() + " No\r\nContent-Length: 0\r\n\r\n");
            request.end();
        }
    }

    private final class Sink implements ClientSink {
        @Override
        public ClientInfo opened(Connection front, InetSocketAddress peer) {
            open++;
            return new ClientInfo(peer, false);
        }

        @Override
        public void closed(Connection front) {
            open--;
        }

        @Override
        public boolean draining(Connection front) {
            return draining;
        }

        @Override
        public void rejected(Rejection rejection) {
            rejections.add(rejection);
        }

        @Override
        public void failed(Throwable cause) {
            bugs.add(cause);
        }
    }
}
