package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.FrontStream;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A head that comes byte by byte costs its length, not its square: what is copied out of buffers is counted.
final class SlowHeadTest {
    private static final int LINES = 20;
    private static final int LINE_BYTES = 1000;
    private static final long SQUARE = (long) LINES * LINE_BYTES * LINES * LINE_BYTES / 2;

    /// Of the square. A head is parsed once per line, and moves to a larger buffer now and then.
    private static final double BOUND = 0.005;

    private final Counting allocator = new Counting();
    private final DefaultEventLoop executor = new DefaultEventLoop();
    private final Loop loop = Loops.of(executor, allocator);
    private final Http1Codec codec = new Http1Codec(loop, 64 * 1024, 100);
    private int heads;

    @AfterEach
    void stop() {
        executor.shutdownGracefully();
    }

    /// Buffers that count each byte that is copied out of them.
    private static final class Counting extends AbstractByteBufAllocator {
        long copied;

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
            return new UnpooledHeapByteBuf(this, initialCapacity, maxCapacity) {
                @Override
                public ByteBuf getBytes(int index, byte[] to, int toIndex, int length) {
                    copied += length;
                    return super.getBytes(index, to, toIndex, length);
                }

                @Override
                public ByteBuf getBytes(int index, ByteBuf to, int toIndex, int length) {
                    copied += length;
                    return super.getBytes(index, to, toIndex, length);
                }
            };
        }
    }

    private static byte[] head(String startLine) {
        String value = "v".repeat(LINE_BYTES - "Name-00: \r\n".length());
        var head = new StringBuilder(startLine);
        for (int i = 10; i < 10 + LINES; i++)
            head.append("Name-").append(i).append(": ").append(value).append("\r\n");
        return head.append("\r\n").toString().getBytes(US_ASCII);
    }

    private EmbeddedChannel channel() {
        return new EmbeddedChannel() {
            @Override
            protected SocketAddress remoteAddress0() {
                return new InetSocketAddress("127.0.0.1", 4711);
            }
        };
    }

    private void feed(EmbeddedChannel channel, byte[] head, int piece) {
        for (int at = 0; at < head.length; at += piece) {
            int length = Math.min(piece, head.length - at);
            channel.writeInbound(allocator.directBuffer(4096).writeBytes(head, at, length));
        }
    }

    private void feedFront(byte[] head, int piece) {
        var settings =
                new FrontSettings(
                        new HeadLimits(64 * 1024, 100, 8192),
                        Long.MAX_VALUE / 4,
                        Long.MAX_VALUE,
                        Long.MAX_VALUE / 4,
                        Long.MAX_VALUE / 4,
                        16,
                        100);
        EmbeddedChannel channel = channel();
        var front = new Http1Front(codec, settings, new Handler(), new Sink());
        channel.pipeline().addLast(front);
        front.channelActive(channel.pipeline().context(front));
        feed(channel, head, piece);
        channel.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7})
    void givenRequestHeadInPieces_whenReceived_thenItCostsItsLengthAndNotItsSquare(int piece) {
        feedFront(head("GET / HTTP/1.1\r\nHost: a\r\n"), piece);

        assertThat(heads).isEqualTo(1);
        assertThat(allocator.copied).isBetween((long) LINES * LINE_BYTES, (long) (BOUND * SQUARE));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7})
    void givenResponseHeadInPieces_whenReceived_thenItCostsItsLengthAndNotItsSquare(int piece) {
        EmbeddedChannel channel = channel();
        var back = new Http1Back(codec, new Home(), 1L << 60, 1L << 60);
        channel.pipeline().addLast(back);
        back.begin(new Events(), Method.GET, false, loop.nanoTime());
        back.channelActive(channel.pipeline().context(back));

        feed(channel, head("HTTP/1.1 204 No Content\r\n"), piece);

        assertThat(heads).isEqualTo(1);
        assertThat(allocator.copied).isBetween((long) LINES * LINE_BYTES, (long) (BOUND * SQUARE));
        channel.close();
    }

    /// That the bound is one: a parser that looks at every byte's arrival.
    @Test
    void givenParserCalledAtEveryByte_whenCounted_thenFarBeyondTheBound() {
        byte[] head = head("GET / HTTP/1.1\r\nHost: a\r\n");
        ByteBuf all = allocator.directBuffer(head.length);
        var parser = new RequestParser();
        var limits = new HeadLimits(64 * 1024, 100, 8192);
        for (byte each : head) {
            all.writeByte(each);
            parser.parse(all, limits, new RequestHead(64 * 1024, 100));
        }
        all.release();

        assertThat(allocator.copied).isGreaterThan((long) (10 * BOUND * SQUARE));
    }

    private final class Handler implements RequestHandler {
        @Override
        public void begin(
                FrontStream front,
                RequestHead head,
                ByteBuf in,
                boolean complete,
                boolean mayKeepAlive,
                long nowNanos) {
            heads++;
            in.release();
            front.end(false);
        }

        @Override
        public void refuse(FrontStream front, Rejection rejection, long nowNanos) {
            throw new AssertionError(rejection);
        }
    }

    private static final class Sink implements ClientSink {
        @Override
        public ClientInfo opened(Connection front, InetSocketAddress peer) {
            return new ClientInfo(peer, false);
        }

        @Override
        public void closed(Connection front) {}

        @Override
        public void rejected(Rejection rejection) {
            throw new AssertionError(rejection);
        }

        @Override
        public void failed(Throwable cause) {
            throw new AssertionError(cause);
        }
    }

    private static final class Home implements Http1Back.Home {
        @Override
        public void connect(Http1Back connection, long nowNanos) {
            throw new AssertionError("connected already");
        }

        @Override
        public boolean takeBack(Http1Back connection) {
            return false;
        }

        @Override
        public void gone(Http1Back connection) {}

        @Override
        public void failed(Throwable cause) {
            throw new AssertionError(cause);
        }

        @Override
        public void tlsFailed(Throwable cause) {
            throw new AssertionError(cause);
        }
    }

    private final class Events implements ResponseEvents {
        @Override
        public void backConnected(long nowNanos) {}

        @Override
        public void interimResponse(ResponseHead head, ByteBuf in, long nowNanos) {
            throw new AssertionError("interim");
        }

        @Override
        public void response(ResponseHead head, ByteBuf in, boolean last, long nowNanos) {
            heads++;
            in.release();
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
        public void backFailed(Failure failure, long nowNanos) {}
    }
}
