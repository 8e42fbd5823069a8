package bascule.net;

import static bascule.net.ReceiveBuffers.HEADROOM;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator.ExtendedHandle;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ReceiveBuffersTest {
    private static final int SMALL = 4 * 1024;
    private static final int LARGE = 64 * 1024;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final ExtendedHandle handle = ReceiveBuffers.FRONT.newHandle();

    @BeforeEach
    void begin() {
        handle.reset(channel.config());
    }

    @AfterEach
    void close() {
        channel.close();
    }

    /// One read, as Netty's channels do it.
    private int read(int bytes) {
        ByteBuf buffer = handle.allocate(PooledByteBufAllocator.DEFAULT);
        try {
            assertEquals(HEADROOM, buffer.readerIndex());
            assertEquals(HEADROOM, buffer.writerIndex());
            handle.attemptedBytesRead(buffer.writableBytes());
            handle.lastBytesRead(Math.min(bytes, buffer.writableBytes()));
            handle.incMessagesRead(1);
            return buffer.capacity();
        } finally {
            buffer.release();
        }
    }

    @Test
    void givenReadThatFillsTheBuffer_whenTheNextIsMade_thenItIsLargeUntilAReadIsSmall() {
        assertEquals(SMALL, read(SMALL - HEADROOM));
        assertEquals(LARGE, read(SMALL)); // More than a small one takes.
        assertEquals(LARGE, read(SMALL - HEADROOM - 1));
        assertEquals(SMALL, read(10));
    }

    @Test
    void givenLargeBuffer_whenThePeerEnds_thenTheNextIsSmall() {
        read(SMALL);
        assertEquals(LARGE, handle.guess());

        handle.lastBytesRead(-1);

        assertEquals(SMALL, handle.guess());
    }

    @Test
    void givenFullReads_whenTheyGoOn_thenOthersGetTheirTurnAfterSixteen() {
        int reads = 0;
        do {
            read(LARGE);
            reads++;
        } while (handle.continueReading());

        assertEquals(16, reads);
    }

    @Test
    void givenReadThatLeavesRoom_whenItEnds_thenTheSocketIsEmptyAndNotAskedAgain() {
        read(100);

        assertFalse(handle.continueReading());
    }

    @Test
    void givenReadingStoppedInBetween_whenAReadWasFull_thenNoOneMore() {
        read(LARGE);
        assertTrue(handle.continueReading());

        channel.config().setAutoRead(false);

        assertFalse(handle.continueReading());
        assertFalse(handle.continueReading(() -> true));
    }
}
