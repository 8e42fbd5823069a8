package bascule.http1;

import static bascule.net.ReceiveBuffers.HEADROOM;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HeadWriterTest {
    private static final UnpooledByteBufAllocator ALLOCATOR = UnpooledByteBufAllocator.DEFAULT;

    private final HeadWriter out = new HeadWriter(2048);

    private static ByteBuf received(int head, int body) {
        ByteBuf in = ReceiveBuffers.allocate(ALLOCATOR, head + body);
        return in.writeBytes("h".repeat(head).getBytes(US_ASCII))
                .writeBytes("b".repeat(body).getBytes(US_ASCII));
    }

    private void write(int length) {
        out.clear();
        out.put("n".repeat(length).getBytes(US_ASCII));
    }

    @ParameterizedTest
    @CsvSource({
        "100, 40, 0",
        "100, 40, 30",
        "100, 100, 30",
        "100, 612, 30",
        "1, 513, 1"
    }) // Longer by 512 at most: the headroom.
    void givenHeadThatFits_whenReplaced_thenInPlaceBeforeAnUntouchedBody(
            int oldLength, int newLength, int body) {
        ByteBuf in = received(oldLength, body);
        int bodyAt = in.readerIndex() + oldLength;
        write(newLength);

        ByteBuf result = out.replace(in, oldLength, ALLOCATOR);

        assertSame(in, result);
        assertEquals(bodyAt - newLength, result.readerIndex());
        assertEquals("n".repeat(newLength) + "b".repeat(body), result.toString(US_ASCII));
        result.release();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5000})
    void givenHeadLongerThanTheHeadroom_whenReplaced_thenInALargerBufferAndTheOldIsReleased(
            int body) {
        ByteBuf in = received(100, body);
        write(100 + HEADROOM + 1);

        ByteBuf result = out.replace(in, 100, ALLOCATOR);

        assertNotSame(in, result);
        assertEquals(0, in.refCnt());
        assertEquals("n".repeat(100 + HEADROOM + 1) + "b".repeat(body), result.toString(US_ASCII));
        assertEquals(HEADROOM, result.readerIndex()); // It may grow once more.
        result.release();
    }

    @Test
    void givenFullWriter_whenMoreIsPut_thenTheBugIsLoud() {
        write(2048);

        assertThrows(IndexOutOfBoundsException.class, () -> out.put(new byte[] {1}));
        assertThrows(IndexOutOfBoundsException.class, () -> out.put('x'));
    }
}
