package bascule.observe;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// A row of counters with one writer, its loop, and any reader. The cells stand 128 bytes away from whatever else lies in
/// memory, so that loops never write to one cache line, or to the neighbour which the CPU fetches with it.
final class Counters {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int PAD = 16;

    private final long[] cells;

    Counters(int size) {
        cells = new long[PAD + size + PAD];
    }

    /// For the writer only.
    void add(int index, long delta) {
        LONGS.setOpaque(cells, PAD + index, cells[PAD + index] + delta);
    }

    /// For the writer only.
    void set(int index, long value) {
        LONGS.setOpaque(cells, PAD + index, value);
    }

    /// Like [#set]; whoever sees the value by [#acquire] also sees all that the writer wrote before.
    void release(int index, long value) {
        LONGS.setRelease(cells, PAD + index, value);
    }

    long acquire(int index) {
        return (long) LONGS.getAcquire(cells, PAD + index);
    }

    long get(int index) {
        return (long) LONGS.getOpaque(cells, PAD + index);
    }
}
