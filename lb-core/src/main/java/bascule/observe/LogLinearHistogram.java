package bascule.observe;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Durations in nanoseconds, counted in slots that grow with the value: 16 per power of two, so a value is known to within
/// 1/16 of itself; below 1 µs to within 32 ns; what exceeds [#LARGEST], 137 s, counts as that, though the sum stays true.
/// Slots are cut once more at each bound of [#BOUNDS], so that the buckets shown to Prometheus are exact.
///
/// One writer, its loop; any thread may read at any time. A reader may see a value in the slots and not yet in the sum.
/// 4 KiB each.
public final class LogLinearHistogram {
    /// The bounds (`le`, inclusive) of the buckets shown to Prometheus, in nanoseconds.
    private static final long[] BOUNDS = {
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        1_000_000_000,
        2_500_000_000L,
        5_000_000_000L,
        10_000_000_000L,
        30_000_000_000L,
    };

    /// Buckets shown to Prometheus: one per bound, and what exceeds them all.
    public static final int BUCKETS = BOUNDS.length + 1;

    private static final int SUB_BITS = 4;
    private static final int LOWEST_EXPONENT = 9;
    private static final int HIGHEST_EXPONENT = 36;

    /// The largest value told from larger ones.
    public static final long LARGEST = (1L << HIGHEST_EXPONENT + 1) - 1;

    private static final int CELLS = (HIGHEST_EXPONENT - LOWEST_EXPONENT + 2) << SUB_BITS;

    /// Slots, and the length of the array for [#addTo].
    public static final int SLOTS = CELLS + BOUNDS.length;

    /// By cell (a slot before the cuts): its first slot, and the last value that belongs to that one.
    private static final short[] FIRST_SLOT = new short[CELLS];

    private static final long[] FIRST_SLOT_LAST = new long[CELLS];

    /// By slot: its last value, and its bucket.
    private static final long[] LAST = new long[SLOTS];

    private static final byte[] BUCKET = new byte[SLOTS];

    static {
        int slot = 0;
        int bound = 0;
        for (int cell = 0; cell < CELLS; cell++) {
            long last = lastOfCell(cell);
            FIRST_SLOT[cell] = (short) slot;
            FIRST_SLOT_LAST[cell] = Long.MAX_VALUE;
            if (bound < BOUNDS.length && BOUNDS[bound] <= last) {
                FIRST_SLOT_LAST[cell] = BOUNDS[bound];
                LAST[slot] = BOUNDS[bound];
                BUCKET[slot++] = (byte) bound++;
            }
            LAST[slot] = last;
            BUCKET[slot++] = (byte) bound;
        }
    }

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int PAD = 16;
    private static final int SUM = PAD;

    /// Where the slots begin. They are their own padding: no request is so fast or so slow as to write to the outer ones.
    private static final int BASE = PAD + 1;

    private final long[] cells = new long[BASE + SLOTS];

    /// For the writer only. A negative value counts as 0.
    public void record(long nanos) {
        long value = Math.max(nanos, 0);
        int cell = cellOf(Math.min(value, LARGEST));
        int at = BASE + FIRST_SLOT[cell] + (value > FIRST_SLOT_LAST[cell] ? 1 : 0);
        LONGS.setOpaque(cells, at, cells[at] + 1);
        LONGS.setOpaque(cells, SUM, cells[SUM] + value);
    }

    /// @return values recorded so far
    public long count() {
        long count = 0;
        for (int slot = 0; slot < SLOTS; slot++) count += get(slot);
        return count;
    }

    public long sumNanos() {
        return (long) LONGS.getOpaque(cells, SUM);
    }

    /// Adds each slot's count to an array of [#SLOTS], so that several loops' histograms become one for [#percentile].
    public void addTo(long[] slots) {
        for (int slot = 0; slot < SLOTS; slot++) slots[slot] += get(slot);
    }

    /// Adds to an array of [#BUCKETS], whose counts are not cumulative.
    void addBucketsTo(long[] buckets) {
        for (int slot = 0; slot < SLOTS; slot++) buckets[BUCKET[slot]] += get(slot);
    }

    /// @param slots counts as filled by [#addTo]
    /// @param share 0.99 for p99
    /// @return the end of the slot that holds the value of this rank, in nanoseconds: never less than the value itself, at most
    ///     1/16 more; or -1 if nothing was recorded
    public static long percentile(long[] slots, double share) {
        long count = 0;
        for (int slot = 0; slot < SLOTS; slot++) count += slots[slot];
        if (count == 0) return -1;
        long rank = Math.clamp((long) Math.ceil(share * count), 1, count);
        int slot = 0;
        for (long seen = slots[0]; seen < rank; seen += slots[slot]) slot++;
        return LAST[slot];
    }

    /// @return the bounds of the buckets in seconds, without the last one, which is infinite
    static double[] boundsSeconds() {
        double[] seconds = new double[BOUNDS.length];
        for (int i = 0; i < seconds.length; i++) seconds[i] = BOUNDS[i] / 1e9;
        return seconds;
    }

    private long get(int slot) {
        return (long) LONGS.getOpaque(cells, BASE + slot);
    }

    private static int cellOf(long value) {
        int exponent = 63 - Long.numberOfLeadingZeros(value | 1L << LOWEST_EXPONENT);
        return ((exponent - LOWEST_EXPONENT) << SUB_BITS) + (int) (value >>> exponent - SUB_BITS);
    }

    private static long lastOfCell(int cell) {
        int step = Math.max((cell >>> SUB_BITS) - 1, 0);
        long sub = cell - ((long) step << SUB_BITS);
        return (sub + 1 << LOWEST_EXPONENT - SUB_BITS + step) - 1;
    }
}
