package bascule.backend;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.Balance;
import bascule.config.RetryConfig;
import bascule.http.Method;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.Http1Back;
import bascule.http1.Http1Codec;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import bascule.net.Transport;
import bascule.observe.Metrics;
import bascule.server.ServerLink;
import bascule.server.Servers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class Http1PoolTest {
    private final DefaultEventLoop executor = new DefaultEventLoop();
    private final Loop loop = Loops.of(executor, UnpooledByteBufAllocator.DEFAULT);
    private final Http1Codec codec = new Http1Codec(loop, 8192, 100);
    private final Transport transport = Transport.open(Transport.Kind.NIO, 1);
    private final Metrics metrics = Metrics.create("test", 1);
    private final Http1Pool pool =
            new Http1Pool(
                    transport,
                    codec,
                    new BackendConfig(
                            "web",
                            List.of(),
                            Balance.ROUND_ROBIN,
                            BackendProtocol.HTTP1,
                            null,
                            null,
                            null,
                            Duration.ZERO,
                            null,
                            new RetryConfig(2, 20),
                            null,
                            null,
                            ofSeconds(1),
                            ofSeconds(1),
                            ofSeconds(1),
                            ofSeconds(1)),
                    ServerLink.plain(BackendProtocol.HTTP1),
                    Servers.server(0, 1, false),
                    metrics.loop(0).server("web", "a"));

    @AfterEach
    void stop() {
        metrics.close();
        transport.close(1000);
        executor.shutdownGracefully();
    }

    /// A connection that has served once and is in the pool.
    private Http1Back idle(EmbeddedChannel channel) {
        Http1Back back = pool.open();
        channel.pipeline().addLast(back);
        back.begin(new Events(back), Method.GET, false, loop.nanoTime());
        back.channelActive(channel.pipeline().context(back));
        back.send(Unpooled.EMPTY_BUFFER, true, loop.nanoTime());
        back.flush();
        channel.writeInbound(
                UnpooledByteBufAllocator.DEFAULT
                        .directBuffer()
                        .writeBytes("HTTP/1.1 204 No Content\r\n\r\n".getBytes(US_ASCII)));
        return back;
    }

    @Test
    void givenIdleConnections_whenLent_thenTheLastOneFirst() {
        Http1Back first = idle(new EmbeddedChannel());
        Http1Back second = idle(new EmbeddedChannel());

        assertSame(second, pool.lend());
        assertSame(first, pool.lend());
        assertNull(pool.lend());
    }

    /// One turn of a loop may bring the end of an idle connection and then a request; that it is closed is told behind both.
    @Test
    void givenIdleConnectionJustClosed_whenLentInTheSameTurn_thenAnotherOne() {
        Http1Back open = idle(new EmbeddedChannel());
        var channel = new EmbeddedChannel();
        idle(channel);

        var lent = new AtomicReference<@Nullable Http1Back>();
        channel.pipeline()
                .addFirst(
                        new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object bytes) {
                                context.fireChannelRead(bytes); // Nobody asked: it closes.
                                lent.set(pool.lend());
                            }
                        });
        channel.writeInbound(UnpooledByteBufAllocator.DEFAULT.directBuffer().writeByte('!'));

        assertSame(open, lent.get());
        assertNull(pool.lend());
    }

    private record Events(Http1Back back) implements ResponseEvents {
        @Override
        public void backConnected(long nowNanos) {}

        @Override
        public void interimResponse(ResponseHead head, ByteBuf in, long nowNanos) {
            throw new AssertionError("interim");
        }

        @Override
        public void response(ResponseHead head, ByteBuf in, boolean last, long nowNanos) {
            in.release();
            back.release(nowNanos);
        }

        @Override
        public void responseBody(ByteBuf in, boolean last, long nowNanos) {
            throw new AssertionError("a body");
        }

        @Override
        public void responseBurstEnded() {}

        @Override
        public void responseInputEnded() {}

        @Override
        public void backWritable(long nowNanos) {}

        @Override
        public void backFailed(Failure failure, long nowNanos) {
            throw new AssertionError(failure);
        }
    }
}
