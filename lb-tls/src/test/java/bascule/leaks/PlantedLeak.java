package bascule.leaks;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

/// The fault that the guard must see, and its innocent twin. The class's name keeps it out of every ordinary run.
final class PlantedLeak {
    @Test
    void losesOneBuffer() {
        ByteBufAllocator.DEFAULT.buffer(64).writeByte('x');
    }

    @Test
    void releasesOneBuffer() {
        ByteBuf buffer = ByteBufAllocator.DEFAULT.buffer(64).writeByte('x');
        buffer.release();
    }
}
