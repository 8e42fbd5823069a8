package bascule.health;

import bascule.config.BackendProtocol;
import bascule.config.CheckConfig;
import bascule.config.StatusRange;
import bascule.net.CauseText;
import bascule.server.Server;
import bascule.server.ServerLink;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.NetUtil;
import java.net.BindException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One question to one server, on a connection of its own. The answer is known with the head of the response; what follows of it
/// is still taken, so that a server that sends a few words more meets no reset. Confined to the health thread.
final class Probe {
    /// Most that is read of one answer, in bytes.
    static final int MOST_BYTES = 64 * 1024;

    static final String USER_AGENT = "bascule-check";

    private static final int READ_BYTES = 4 * 1024;

    // On the heap: so little is read here that direct memory would only be kept for nothing.
    private static final ByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(false);

    /// Where sockets come from.
    interface Sockets {
        Sockets SYSTEM = family -> new NioSocketChannel(SelectorProvider.provider(), family);

        /// @throws ChannelException if there is none
        NioSocketChannel open(SocketProtocolFamily family);
    }

    /// Who asked.
    interface Asker {
        /// Once, unless the probe was aborted.
        void answered(ProbeResult result);

        /// Once, last: the connection is gone.
        void closed();
    }

    private final EventLoop loop;
    private final Sockets sockets;
    private final Server target;
    private final ServerLink link;
    private final InetSocketAddress server;
    private final CheckConfig check;
    private final Asker asker;
    private long startNanos;
    private @Nullable NioSocketChannel channel;
    private @Nullable ScheduledFuture<?> deadline;
    private boolean securing; // Is there a connection, and no TLS yet?
    private boolean connected;
    private boolean answered;
    private boolean ended;

    Probe(
            EventLoop loop,
            Sockets sockets,
            Server target,
            ServerLink link,
            CheckConfig check,
            Asker asker) {
        this.loop = loop;
        this.sockets = sockets;
        this.target = target;
        this.link = link;
        server = target.address();
        this.check = check;
        this.asker = asker;
    }

    /// The asker may hear of the end before this returns.
    void start() {
        startNanos = System.nanoTime();
        NioSocketChannel opened;
        try {
            opened = sockets.open(family(server));
        } catch (ChannelException failure) {
            answer(new ProbeResult.Skipped(CauseText.of(failure)));
            end();
            return;
        }
        channel = opened;
        opened.config()
                .setAllocator(ALLOCATOR)
                .setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ_BYTES))
                .setConnectTimeoutMillis(0); // The deadline is for all of it.
        opened.closeFuture().addListener(_ -> closed());
        SslHandler tls = link.newHandler(ALLOCATOR, target);
        if (tls != null) opened.pipeline().addLast(tls).addLast(new HandshakeHandler());
        switch (check.probe()) {
            case CheckConfig.Probe.Tcp _ -> opened.pipeline().addLast(new TcpHandler());
            case CheckConfig.Probe.Http http -> {
                switch (link.protocol()) {
                    case HTTP1 ->
                            opened.pipeline()
                                    .addLast(new ByteLimit())
                                    .addLast(new HttpClientCodec(DECODER, false, false))
                                    .addLast(new HttpHandler(http));
                    case H2 -> add(opened, new Http2Question.Get(this, http, hostOr(http.host())));
                }
            }
            case CheckConfig.Probe.Grpc grpc ->
                    add(opened, new Http2Question.Grpc(this, grpc, hostOr(grpc.host())));
        }
        deadline = loop.schedule(this::late, check.timeout().toNanos(), TimeUnit.NANOSECONDS);
        loop.register(opened);
        opened.connect(server)
                .addListener(
                        done -> {
                            Throwable cause = done.cause();
                            if (cause != null) failed(cause);
                        });
    }

    private void add(NioSocketChannel opened, Http2Question question) {
        opened.pipeline().addLast(new ByteLimit());
        question.addTo(opened.pipeline());
    }

    private String hostOr(@Nullable String host) {
        return host == null ? NetUtil.toSocketAddressString(server) : host;
    }

    /// After a start that failed half-way.
    void giveUp() {
        if (deadline != null) deadline.cancel(false);
        if (channel != null) channel.unsafe().closeForcibly(); // Perhaps no loop knows of it.
        answer(new ProbeResult.Skipped("could not be asked"));
        end();
    }

    /// Ends it without an answer.
    void abort() {
        answered = true;
        close();
    }

    private static SocketProtocolFamily family(InetSocketAddress server) {
        return server.getAddress() instanceof Inet4Address
                ? SocketProtocolFamily.INET
                : SocketProtocolFamily.INET6;
    }

    /// It is time to ask.
    void connected() {
        connected = true;
    }

    boolean secure() {
        return link.secure();
    }

    void judge(int status, List<StatusRange> expect) {
        for (StatusRange range : expect)
            if (range.contains(status)) {
                passed(String.valueOf(status));
                return;
            }
        answer(new ProbeResult.Failed(status + " in " + elapsed()));
    }

    void answer(ProbeResult result) {
        if (answered) return;
        answered = true;
        asker.answered(result);
    }

    void passed(String what) {
        answer(new ProbeResult.Passed(what + " in " + elapsed()));
    }

    void failed(String text) {
        answer(new ProbeResult.Failed(text));
        close();
    }

    void failed(Throwable cause) {
        // No port of our own was left for it.
        if (CauseText.root(cause) instanceof BindException)
            answer(new ProbeResult.Skipped(CauseText.of(cause)));
        failed(CauseText.of(cause));
    }

    private void late() {
        failed(
                (connected ? "no answer" : securing ? "no TLS" : "no connection")
                        + " within "
                        + check.timeout().toMillis()
                        + " ms");
    }

    void close() {
        if (channel != null) channel.close();
    }

    private void closed() {
        if (deadline != null) deadline.cancel(false);
        answer(new ProbeResult.Failed("closed without an answer"));
        end();
    }

    private void end() {
        if (ended) return;
        ended = true;
        asker.closed();
    }

    String elapsed() {
        long millis = (System.nanoTime() - startNanos) / 1_000_000;
        return millis == 0 ? "less than 1 ms" : millis + " ms";
    }

    /// Stands behind TLS and lets the rest of the pipeline know of a connection only once that is secure.
    private final class HandshakeHandler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            securing = true;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (!(event instanceof SslHandshakeCompletionEvent handshake)) return;
            boolean wrong = link.protocol() == BackendProtocol.H2 && !"h2".equals(agreed(context));
            if (handshake.isSuccess() && wrong) failed("does not agree to HTTP/2");
            else if (handshake.isSuccess()) context.fireChannelActive();
            else failed("no TLS: " + CauseText.of(handshake.cause()));
        }
    }

    private static @Nullable String agreed(ChannelHandlerContext context) {
        return context.pipeline().get(SslHandler.class).applicationProtocol();
    }

    private final class TcpHandler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            passed("connected");
            close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            failed(cause);
        }
    }

    /// Stands before the codec, which knows a limit of a head, but not of many interim responses or of a body.
    private final class ByteLimit extends ChannelInboundHandlerAdapter {
        private int bytes;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof ByteBuf read) bytes += read.readableBytes();
            context.fireChannelRead(message);
            if (bytes > MOST_BYTES) failed(TOO_LONG);
        }
    }

    private static final String TOO_LONG = "head of the answer is longer than 64 KiB";
    private static final HttpDecoderConfig DECODER =
            new HttpDecoderConfig()
                    .setMaxInitialLineLength(MOST_BYTES)
                    .setMaxHeaderSize(MOST_BYTES)
                    .setInitialBufferSize(256);

    private final class HttpHandler extends SimpleChannelInboundHandler<HttpObject> {
        private final CheckConfig.Probe.Http http;

        HttpHandler(CheckConfig.Probe.Http http) {
            this.http = http;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            connected = true;
            var request =
                    new DefaultFullHttpRequest(
                            HttpVersion.HTTP_1_1,
                            HttpMethod.GET,
                            http.path(),
                            Unpooled.EMPTY_BUFFER);
            request.headers()
                    .set(HttpHeaderNames.HOST, hostOr(http.host()))
                    .set(HttpHeaderNames.USER_AGENT, USER_AGENT)
                    .set(HttpHeaderNames.ACCEPT, "*/*")
                    .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            context.writeAndFlush(request);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
            Throwable broken = message.decoderResult().cause();
            if (broken != null) {
                boolean tooLong =
                        broken instanceof TooLongHttpHeaderException
                                || broken instanceof TooLongHttpLineException;
                failed(tooLong ? TOO_LONG : "answer is not HTTP");
                return;
            }
            if (message instanceof HttpResponse response) judge(response);
            if (answered && message instanceof LastHttpContent) close();
        }

        private void judge(HttpResponse response) {
            if (response.status().codeClass() == HttpStatusClass.INFORMATIONAL) return;
            Probe.this.judge(response.status().code(), http.expect());
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            failed(cause);
        }
    }
}
