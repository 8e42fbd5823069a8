package bascule.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Receive buffers with [#HEADROOM] free bytes in front, so that a head that grew on its way can be written back where it came
/// from. A small buffer to begin with; a large one as soon as a read filled it, until a read would have fit the small one.
public final class ReceiveBuffers implements RecvByteBufAllocator {
    /// Free bytes before the first received one.
    public static final int HEADROOM = 512;

    /// For the client's side: nearly every head fits, and a request under way holds no more than this.
    public static final ReceiveBuffers FRONT = new ReceiveBuffers(4 * 1024, 64 * 1024);

    /// For the server's side: a 16 KiB body and its head in one read. The largest size that Netty's thread cache treats as small.
    public static final ReceiveBuffers BACK = new ReceiveBuffers(28 * 1024, 64 * 1024);

    /// Reads per turn of the loop and connection. If there were fewer, and the last of them did not fill its buffer or was followed
    /// by none, nothing is left unread.
    public static final int MOST_READS = 16;

    private final int smallBytes;
    private final int largeBytes;

    /// @param smallBytes, largeBytes whole sizes, headroom included
    private ReceiveBuffers(int smallBytes, int largeBytes) {
        this.smallBytes = smallBytes;
        this.largeBytes = largeBytes;
    }

    @Override
    public ExtendedHandle newHandle() {
        return new SizeHandle();
    }

    /// A buffer like those of the receive path: headroom in front, both indices behind it.
    ///
    /// @param bytes room behind the headroom
    public static ByteBuf allocate(ByteBufAllocator allocator, int bytes) {
        return allocator.directBuffer(HEADROOM + bytes).setIndex(HEADROOM, HEADROOM);
    }

    /// The same, and where there is no memory left, `owned` is released: the caller would have had to.
    public static ByteBuf allocate(ByteBufAllocator allocator, int bytes, ByteBuf owned) {
        try {
            return allocate(allocator, bytes);
        } catch (OutOfMemoryError none) {
            owned.release();
            throw none;
        }
    }

    private final class SizeHandle implements ExtendedHandle {
        private int size = smallBytes;
        private int attempted;
        private int last;
        private int reads;
        private @Nullable ChannelConfig config;

        @Override
        public ByteBuf allocate(ByteBufAllocator allocator) {
            return allocator.directBuffer(size).setIndex(HEADROOM, HEADROOM);
        }

        @Override
        public int guess() {
            return size;
        }

        @Override
        public void reset(ChannelConfig config) {
            this.config = config;
            reads = 0;
            last = 0;
        }

        @Override
        public void incMessagesRead(int count) {
            reads += count;
        }

        @Override
        public void lastBytesRead(int bytes) {
            last = bytes;
            if (bytes == attempted && bytes > 0) size = largeBytes;
            else if (bytes < smallBytes - HEADROOM) size = smallBytes;
        }

        @Override
        public int lastBytesRead() {
            return last;
        }

        @Override
        public void attemptedBytesRead(int bytes) {
            attempted = bytes;
        }

        @Override
        public int attemptedBytesRead() {
            return attempted;
        }

        @Override
        public boolean continueReading() {
            return mayContinue() && last == attempted;
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
            return mayContinue() && maybeMore.get();
        }

        private boolean mayContinue() {
            return config != null && config.isAutoRead() && reads < MOST_READS && last > 0;
        }

        @Override
        public void readComplete() {}
    }
}
