package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.BackStream;
import bascule.http.Method;
import bascule.http.ResponseEvents;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.junit.jupiter.api.Test;

final class HeldRequestTest {
    /// A server that takes everything, as Netty does: what was read of a buffer is gone from it.
    private static final class Taker implements BackStream {
        final StringBuilder taken = new StringBuilder();
        boolean ended;

        @Override
        public void send(ByteBuf out, boolean last, long nowNanos) {
            assertFalse(ended, "sent after the end");
            taken.append(out.readCharSequence(out.readableBytes(), US_ASCII));
            out.release();
            ended = last;
        }

        @Override
        public void begin(ResponseEvents events, Method method, boolean strip, long nowNanos) {}

        @Override
        public void connect(long nowNanos) {
            throw new AssertionError("not asked for");
        }

        @Override
        public boolean mayRefuse() {
            return false;
        }

        @Override
        public boolean reused() {
            return false;
        }

        @Override
        public void awaitContinue(long nowNanos) {}

        @Override
        public void flush() {}

        @Override
        public boolean writable() {
            return true;
        }

        @Override
        public void readResponse(boolean on, long nowNanos) {}

        @Override
        public void release(long nowNanos) {}

        @Override
        public void abort() {}

        @Override
        public void tunnel() {}

        @Override
        public void endTunnelOutput() {}
    }

    private static ByteBuf piece(String text) {
        return Unpooled.buffer(text.length()).writeBytes(text.getBytes(US_ASCII));
    }

    @Test
    void givenPieces_whenSentAndKept_thenTheyCanBeSentAgainWhole() {
        var held = new HeldRequest();
        for (int i = 0; i < 5; i++) held.add(piece("piece " + i + ";"));

        for (int attempt = 0; attempt < 3; attempt++) {
            var server = new Taker();
            held.sendTo(server, true, true, 0);
            assertEquals("piece 0;piece 1;piece 2;piece 3;piece 4;", server.taken.toString());
            assertTrue(server.ended);
        }
        held.release();
        assertTrue(held.isEmpty());
    }

    @Test
    void givenPieces_whenSentForGood_thenNothingIsHeld() {
        var held = new HeldRequest();
        ByteBuf only = piece("POST");
        held.add(only);

        held.sendTo(new Taker(), false, false, 0);

        assertTrue(held.isEmpty());
        assertEquals(0, only.refCnt());
    }

    @Test
    void givenPieces_whenReleased_thenEachIs() {
        var held = new HeldRequest();
        ByteBuf first = piece("a");
        ByteBuf second = piece("b");
        held.add(first);
        held.add(second.retain());
        held.release();

        assertEquals(0, first.refCnt());
        assertEquals(1, second.refCnt());
        second.release();
    }

    @Test
    void givenTooManyBytes_whenAsked_thenThereIsNoRoom() {
        var held = new HeldRequest();
        held.add(Unpooled.wrappedBuffer(new byte[HeldRequest.MOST_BYTES - 1]));
        ByteBuf one = piece("1");
        ByteBuf two = piece("22");

        assertTrue(held.hasRoomFor(one));
        assertFalse(held.hasRoomFor(two));

        assertTrue(held.keepable());
        held.add(two);
        assertFalse(held.keepable());
        one.release();
        held.release();
    }

    @Test
    void givenTooManyPieces_whenAsked_thenThereIsNoRoom() {
        var held = new HeldRequest();
        for (int i = 0; i < HeldRequest.MOST_PIECES; i++) held.add(piece("1"));
        ByteBuf one = piece("1");

        assertTrue(held.keepable());
        assertFalse(held.hasRoomFor(one));

        one.release();
        held.release();
    }

    @Test
    void givenLittleInALargeBuffer_whenKept_thenInOneOfItsSize() {
        var held = new HeldRequest();
        ByteBuf large = UnpooledByteBufAllocator.DEFAULT.directBuffer(64 << 10).writeByte('x');
        ByteBuf full = UnpooledByteBufAllocator.DEFAULT.directBuffer(64 << 10).writeZero(40 << 10);

        held.keep(large, UnpooledByteBufAllocator.DEFAULT);
        held.keep(full, UnpooledByteBufAllocator.DEFAULT);

        assertEquals(1, large.refCnt());
        assertEquals(2, full.refCnt());
        var server = new Taker();
        held.sendTo(server, true, false, 0);
        assertEquals(1 + (40 << 10), server.taken.length());
        large.release();
        full.release();
    }
}
