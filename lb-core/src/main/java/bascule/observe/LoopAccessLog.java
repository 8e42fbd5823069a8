package bascule.observe;

import bascule.config.AccessLogFormat;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// One loop's end of the access log: a ring of bytes which the loop fills and the log's thread empties. The loop never waits: a
/// line that does not fit is dropped whole and counted.
public final class LoopAccessLog {
    static final int CAPACITY = 1 << 20;
    private static final int MASK = CAPACITY - 1;

    /// Filled to here, the log's thread is woken before its time.
    private static final int HIGH = CAPACITY / 2;

    // Positions count bytes since the start and never wrap. Each side writes to a row of its own.
    private final Counters loopSide = new Counters(2);
    private static final int WRITTEN = 0;
    private static final int DROPPED = 1;
    private final Counters readerSide = new Counters(1);
    private static final int READ = 0;

    private static final ByteBuffer NONE = ByteBuffer.allocateDirect(0);

    private volatile AccessLogFormat format = AccessLogFormat.OFF;

    /// [#NONE] until there is a line: a daemon that nobody asks anything does without.
    private ByteBuffer ring = NONE;

    private final Timestamp timestamp = new Timestamp();
    private long written;
    private long readSeen;
    private long wakeAt = HIGH;
    private @Nullable Thread reader;

    private final IntFunction<ByteBuffer> memory;

    LoopAccessLog() {
        this(ByteBuffer::allocateDirect);
    }

    /// @param memory gives so many bytes
    LoopAccessLog(IntFunction<ByteBuffer> memory) {
        this.memory = memory;
    }

    /// Makes it ready for lines; before the first [#format].
    void prepare(Thread reader) {
        this.reader = reader;
    }

    /// From any thread; for exchanges that begin from now on.
    void format(AccessLogFormat format) {
        this.format = format;
    }

    /// On the loop: the line for an exchange that begins now, or null if accesses are not logged.
    ///
    /// @param last the line of the exchange before, which is used again if it fits
    public @Nullable AccessLine line(@Nullable AccessLine last) {
        AccessLogFormat now = format;
        return last != null && last.format == now ? last : newLine(now);
    }

    private static @Nullable AccessLine newLine(AccessLogFormat format) {
        return switch (format) {
            case JSON -> new JsonLine();
            case COMBINED -> new CombinedLine();
            case OFF -> null;
        };
    }

    /// On the loop.
    ///
    /// @param line a whole line, its LF included
    /// @return false if the line was dropped
    public boolean offer(byte[] line, int length) {
        long end = written + length;
        if (!hasRoom(end)) {
            loopSide.add(DROPPED, 1);
            return false;
        }
        int at = (int) written & MASK;
        int first = Math.min(length, CAPACITY - at);
        ring.put(at, line, 0, first);
        if (first < length) ring.put(0, line, first, length - first);
        written = end;
        loopSide.release(WRITTEN, end);
        if (end >= wakeAt) wake(end);
        return true;
    }

    private boolean hasRoom(long end) {
        if (ring == NONE && !getRing()) return false;
        if (end - readSeen <= CAPACITY) return true;
        readSeen = readerSide.acquire(READ);
        return end - readSeen <= CAPACITY;
    }

    private boolean getRing() {
        try {
            ring = memory.apply(CAPACITY);
            return true;
        } catch (OutOfMemoryError none) { // Of direct memory: no reason to cut an exchange.
            return false;
        }
    }

    /// On the loop.
    Timestamp timestamp() {
        return timestamp;
    }

    private void wake(long end) {
        readSeen = readerSide.acquire(READ);
        if (end - readSeen < HIGH) {
            wakeAt = readSeen + HIGH;
        } else {
            wakeAt = end + HIGH / 2; // Not at every line: to wake a thread costs microseconds.
            LockSupport.unpark(reader);
        }
    }

    /// Lines dropped so far, for any thread.
    long dropped() {
        return loopSide.get(DROPPED);
    }

    /// For the reader, once it has seen that there is a line: its own view of the ring's memory.
    ByteBuffer view() {
        return ring.duplicate();
    }

    /// For the reader: where the lines that are there end.
    long end() {
        return loopSide.acquire(WRITTEN);
    }

    /// For the reader: all before this position may be overwritten.
    void release(long position) {
        readerSide.release(READ, position);
    }
}
