package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConnectionTest {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final DefaultEventLoop executor = new DefaultEventLoop();
    private final Loop loop = Loops.of(executor, allocator);
    private final Peer peer = new Peer();
    private final Silent connection = new Silent(loop);

    ConnectionTest() {
        peer.config().setWriteBufferWaterMark(Backpressure.MARKS);
        peer.pipeline().addLast(connection);
    }

    @AfterEach
    void stop() {
        peer.takes = true;
        peer.flush();
        peer.releaseOutbound();
        peer.close();
        executor.shutdownGracefully();
    }

    /// Takes all or nothing.
    private static final class Peer extends EmbeddedChannel {
        boolean takes;

        @Override
        protected void doWrite(ChannelOutboundBuffer out) throws Exception {
            if (takes) super.doWrite(out);
        }
    }

    /// A receive buffer with a few bytes in it.
    private ByteBuf received(int capacity, int bytes) {
        return allocator.directBuffer(capacity).writeZero(bytes);
    }

    /// Until the water mark says stop, as an exchange would.
    private long fill(int capacity, int bytes) {
        long written = 0;
        while (connection.writable()) {
            connection.write(received(capacity, bytes));
            connection.flush();
            written += bytes;
        }
        return written;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 1000, 14_000, 15_000, 28_000})
    void givenPeerThatTakesNothing_whenPiecesComeInLargeBuffers_thenNoMoreMemoryThanTwiceTheMark(
            int bytes) {
        long written = fill(28 * 1024, bytes);

        long entries = written / bytes;
        assertThat(written + 96 * entries)
                .isGreaterThan(128 * 1024); // 96: what Netty counts per write.
        assertThat(allocator.metric().usedDirectMemory())
                .isLessThan(2 * 128 * 1024 + 2 * 28 * 1024); // And the first one, and the last.
    }

    @Test
    void givenPeerThatTakesAll_whenAFewBytesCome_thenTheirBufferGoesOutAsItIs() {
        peer.takes = true;
        ByteBuf out = received(28 * 1024, 10);

        connection.write(out);
        connection.flush();

        assertSame(out, peer.outboundMessages().peek());
    }

    @Test
    void givenPeerThatTakesNothing_whenNothingIsWritten_thenThatIsNoBuffer() {
        connection.write(received(1000, 10));
        connection.write(Unpooled.EMPTY_BUFFER);
        connection.flush();

        assertEquals(1000, allocator.metric().usedDirectMemory());
    }
}
