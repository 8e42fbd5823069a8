package bascule;

import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_LENGTH;
import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_TYPE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerExpectContinueHandler;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The web servers of the demo: each says its name and what it saw of the request. Netty's own codec, on one loop that is not
/// the daemon's.
final class DemoServers implements AutoCloseable {
    private static final int MOST_SLOW_MILLIS = 60_000;
    private static final int MOST_BYTES = 1 << 30;

    /// What a proxy tells a server about the client.
    private static final List<String> SHOWN =
            List.of(
                    "Host",
                    "X-Forwarded-For",
                    "X-Forwarded-Proto",
                    "X-Forwarded-Host",
                    "X-Forwarded-Port",
                    "Forwarded",
                    "Via",
                    "X-Request-ID");

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(
                    1, new DefaultThreadFactory("demo-servers", true), NioIoHandler.newFactory());
    private final List<InetSocketAddress> addresses = new ArrayList<>();

    /// @param names one server each, on a free port of 127.0.0.1
    DemoServers(List<String> names) {
        for (String name : names) {
            Channel server =
                    new ServerBootstrap()
                            .group(loop)
                            .channel(NioServerSocketChannel.class)
                            .childHandler(new Connection(name))
                            .bind(InetAddress.getLoopbackAddress(), 0)
                            .syncUninterruptibly()
                            .channel();
            addresses.add((InetSocketAddress) server.localAddress());
        }
    }

    /// In the order of the names.
    List<InetSocketAddress> addresses() {
        return addresses;
    }

    @Override
    public void close() {
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private static final class Connection extends ChannelInitializer<Channel> {
        private final String name;

        Connection(String name) {
            this.name = name;
        }

        @Override
        protected void initChannel(Channel channel) {
            channel.pipeline()
                    .addLast(
                            new HttpServerCodec(),
                            new HttpServerKeepAliveHandler(),
                            new HttpServerExpectContinueHandler(),
                            new Site(name));
        }
    }

    /// What a server answers. Reads and forgets bodies.
    private static final class Site extends SimpleChannelInboundHandler<HttpObject> {
        /// All of a large answer is this one piece again and again: it costs no memory.
        private static final ByteBuf PIECE =
                Unpooled.unreleasableBuffer(Unpooled.directBuffer().writeZero(1 << 16))
                        .asReadOnly();

        private final String name;
        private @Nullable HttpRequest request;

        Site(String name) {
            this.name = name;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
            if (message instanceof HttpRequest head) request = head;
            if (message instanceof LastHttpContent && request != null) answer(context, request);
        }

        private void answer(ChannelHandlerContext context, HttpRequest request) {
            var uri = new QueryStringDecoder(request.uri());
            switch (uri.path()) {
                case "/slow" ->
                        context.executor()
                                .schedule(
                                        () -> greet(context, request, HttpResponseStatus.OK),
                                        number(uri, "ms", 3000, 0, MOST_SLOW_MILLIS),
                                        TimeUnit.MILLISECONDS);
                case "/bytes" -> pour(context, number(uri, "n", 1 << 20, 0, MOST_BYTES));
                case "/status" -> {
                    int code = number(uri, "code", 200, 200, 599);
                    greet(context, request, HttpResponseStatus.valueOf(code));
                }
                default -> greet(context, request, HttpResponseStatus.OK);
            }
        }

        private void greet(
                ChannelHandlerContext context, HttpRequest request, HttpResponseStatus status) {
            var text = new StringBuilder("Hello from " + name + "\n\n");
            text.append(request.method()).append(' ').append(request.uri()).append('\n');
            for (String field : SHOWN) {
                for (String value : request.headers().getAll(field))
                    text.append(field).append(": ").append(value).append('\n');
            }
            ByteBuf body = Unpooled.copiedBuffer(text, UTF_8);
            var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, body);
            response.headers().set(CONTENT_TYPE, "text/plain; charset=utf-8");
            response.headers().set(CONTENT_LENGTH, body.readableBytes());
            context.writeAndFlush(response);
        }

        private static void pour(ChannelHandlerContext context, int length) {
            HttpResponse head =
                    new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            head.headers().set(CONTENT_TYPE, "application/octet-stream");
            head.headers().set(CONTENT_LENGTH, length);
            context.write(head);
            for (int left = length; left > 0; left -= PIECE.readableBytes()) {
                int size = Math.min(left, PIECE.readableBytes());
                context.write(new DefaultHttpContent(PIECE.slice(0, size)));
            }
            context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        }

        /// A number from the query, brought within bounds; `otherwise` where there is none.
        private static int number(
                QueryStringDecoder uri, String name, int otherwise, int least, int most) {
            try {
                String text = uri.parameters().getOrDefault(name, List.of("")).getFirst();
                return Math.clamp(Long.parseLong(text), least, most);
            } catch (NumberFormatException _) {
                return otherwise;
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close(); // The other side is gone, or speaks no HTTP.
        }
    }
}
