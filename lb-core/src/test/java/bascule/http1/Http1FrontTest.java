package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.FrontStream;
import bascule.http.Rejection;
import bascule.http.RequestEvents;
import bascule.http.RequestHandler;
import bascule.http.RequestHead;
import bascule.net.Backpressure;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.Loops;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a client's side does about responses that the client does not take, on a channel that takes as many bytes as the test says.
final class Http1FrontTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final int BODY_IDLE = 10; // Seconds, as all times here.
    private static final int IDLE = 20;

    private final DefaultEventLoop executor = new DefaultEventLoop();
    private final Loop loop = Loops.of(executor, UnpooledByteBufAllocator.DEFAULT);
    private final long originNanos = loop.nanoTime();
    private final Http1Codec codec = new Http1Codec(loop, 64 * 1024, 100);
    private final Client client = new Client();
    private final Exchange exchange = new Exchange();
    private final Http1Front front =
            new Http1Front(
                    codec,
                    new FrontSettings(
                            new HeadLimits(8192, 100, 8192),
                            10 * SECOND,
                            Long.MAX_VALUE,
                            BODY_IDLE * SECOND,
                            IDLE * SECOND,
                            16,
                            100),
                    exchange,
                    new Sink());

    Http1FrontTest() {
        client.config().setWriteBufferWaterMark(Backpressure.MARKS);
        client.pipeline().addLast(front);
        front.channelActive(client.pipeline().context(front));
    }

    @AfterEach
    void stop() {
        client.takes = Long.MAX_VALUE;
        client.releaseOutbound();
        client.close();
        executor.shutdownGracefully();
    }

    private static final class Client extends EmbeddedChannel {
        long takes;
        boolean reset;
        private ChannelConfig config; // Asked for before this class is initialised.

        @Override
        public ChannelConfig config() {
            if (config == null) {
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
            }
            return config;
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("127.0.0.1", 4711);
        }

        @Override
        protected void doWrite(ChannelOutboundBuffer out) throws Exception {
            while (takes > 0 && out.current() instanceof ByteBuf next) {
                int bytes = (int) Math.min(takes, next.readableBytes());
                takes -= bytes;
                out.removeBytes(bytes);
            }
        }

        void take(long bytes) {
            takes = bytes;
            flush();
        }
    }

    private void request(String text) {
        client.writeInbound(
                UnpooledByteBufAllocator.DEFAULT
                        .directBuffer()
                        .writeBytes(text.getBytes(US_ASCII)));
    }

    /// The client's FIN.
    private void end() {
        client.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
    }

    private void get(String connection) {
        request("GET / HTTP/1.1\r\nHost: a\r\n" + connection + "\r\n");
    }

    private void respond(int bytes) {
        front.send(UnpooledByteBufAllocator.DEFAULT.directBuffer(bytes).writeZero(bytes));
        front.flush();
    }

    /// Lets time pass up to so many seconds after the start.
    private void until(double seconds) {
        loop.wheel().advance(originNanos + (long) (seconds * SECOND));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Connection: close\r\n"})
    void givenEndedResponseThatWaits_whenTheClientTakesNothing_thenReset(String connection) {
        get(connection);
        respond(100_000);
        front.end(connection.isEmpty());

        until(BODY_IDLE - 0.5);
        assertTrue(client.isOpen());
        until(BODY_IDLE + 0.5);

        assertFalse(client.isOpen());
        assertTrue(client.reset, "a clean end would make a part pass for the whole");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Connection: close\r\n"})
    void givenEndedResponseThatWaits_whenTheClientTakesSomeNowAndThen_thenItGetsAllOfIt(
            String connection) {
        get(connection);
        respond(100_000);
        front.end(connection.isEmpty());
        double seconds = 0;
        for (int part = 0; part < 10; part++) {
            until(seconds += BODY_IDLE - 1);
            assertTrue(client.isOpen(), "after " + seconds + " s");
            client.take(10_000);
        }

        until(seconds += BODY_IDLE + 1); // Looked at for the last time; from then on it idles.
        assertEquals(connection.isEmpty(), client.isOpen());
        until(seconds + IDLE + 1);

        assertFalse(client.isOpen());
        assertFalse(client.reset);
    }

    @Test
    void givenEndedResponseThatWaits_whenDraining_thenNotClosedBeforeItIsTaken() {
        get("");
        respond(100_000);
        front.end(true);

        front.drain(originNanos + 5 * SECOND);
        assertTrue(client.isOpen());

        client.take(100_000);
        front.drain(originNanos + 6 * SECOND);
        assertFalse(client.isOpen());
    }

    @Test
    void givenUploadHeldBack_whenTheClientTakesNothing_thenTheClientIsToBlame() {
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
        front.readBody(false);
        respond(200_000);

        until(BODY_IDLE + 1);

        assertEquals(List.of(Failure.CLIENT_STALLED), exchange.failures);
    }

    @Test
    void givenUploadHeldBack_whenTheClientHasTakenAll_thenItIsNot() {
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
        front.readBody(false);
        respond(200_000);
        client.take(200_000);

        until(10 * BODY_IDLE);

        assertThat(exchange.failures).isEmpty();
        assertTrue(client.isOpen());
    }

    @Test
    void givenResponseThatWaits_whenTheUploadEnds_thenTheClientIsStillToTakeIt() {
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
        respond(200_000);

        request("end");
        until(BODY_IDLE + 1);

        assertEquals(List.of(Failure.CLIENT_STALLED), exchange.failures);
    }

    @Test
    void givenResponseThatWaits_whenTheNextIsAskedFor_thenTheClientIsStillToTakeIt() {
        get("");
        respond(200_000);
        front.end(true);
        get("");

        until(BODY_IDLE + 1);

        assertFalse(client.isOpen());
        assertTrue(client.reset);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenResponseThatWaits_whenTheNextIsAskedFor_thenItIsBegunOnceThereIsRoom(boolean ended) {
        get("");
        respond(200_000);
        front.end(true);
        get("");
        if (ended) end();

        assertEquals(1, exchange.begun);
        assertFalse(client.config().isAutoRead(), "more requests would fill the memory");
        client.take(200_000);

        assertEquals(2, exchange.begun);
        respond(10);
        front.end(true);
        client.take(10);
        assertEquals(ended, !client.isOpen());
    }

    @Test
    void givenEndedResponseThatWaits_whenTheClientSendsNoMore_thenItGetsAllOfIt() {
        get("");
        respond(100_000);
        front.end(true);

        end();
        assertTrue(client.isOpen());
        client.take(100_000);

        assertFalse(client.isOpen());
        assertFalse(client.reset);
    }

    @Test
    void givenConnectionThatEnds_whenTheClientSendsNoMore_thenItGetsAllOfTheResponse() {
        get("Connection: close\r\n");
        respond(100_000);
        front.end(false);

        end();
        assertTrue(client.isOpen());
        client.take(100_000);

        assertFalse(client.isOpen());
        assertFalse(client.reset);
    }

    /// Reading stops at the bytes of a later request; if they are not all of it, somebody has to start it again.
    @Test
    void givenHeadOfAnUploadBehindAnotherRequest_whenItsTurnComes_thenTheRestIsRead() {
        get("");
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome");
        assertFalse(client.config().isAutoRead());

        respond(10);
        front.end(true);

        assertEquals(2, exchange.begun);
        assertTrue(client.config().isAutoRead());
    }

    @Test
    void givenClientThatTakesSome_whenAsMuchComesOnTop_thenItsTakingIsSeen() {
        get("");
        respond(200_000);
        for (int i = 1; i < 5; i++) {
            client.take(5_000);
            respond(60_000); // A read that was under way.
            until(i * (BODY_IDLE + 1));
        }
        assertThat(exchange.failures).isEmpty();

        until(10 * (BODY_IDLE + 1));
        assertEquals(List.of(Failure.CLIENT_STALLED), exchange.failures);
    }

    private static final class Exchange implements RequestHandler, RequestEvents {
        final List<Failure> failures = new ArrayList<>();
        int begun;

        @Override
        public void begin(
                FrontStream front,
                RequestHead head,
                ByteBuf in,
                boolean complete,
                boolean mayKeepAlive,
                long nowNanos) {
            in.release();
            begun++;
            front.attach(this);
        }

        @Override
        public void refuse(FrontStream front, Rejection rejection, long nowNanos) {
            throw new AssertionError(rejection);
        }

        @Override
        public void requestBody(ByteBuf in, boolean last, long nowNanos) {
            in.release();
        }

        @Override
        public void requestBurstEnded() {}

        @Override
        public void requestRefused(Rejection rejection, long nowNanos) {
            throw new AssertionError(rejection);
        }

        @Override
        public void requestInputEnded() {}

        @Override
        public void frontWritable(long nowNanos) {}

        @Override
        public void frontFailed(Failure failure) {
            if (failure != Failure.CLIENT_ABORT) failures.add(failure); // The end of the test.
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
}
