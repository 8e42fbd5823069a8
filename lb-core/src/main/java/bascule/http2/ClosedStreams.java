package bascule.http2;

import org.jspecify.annotations.Nullable;

/// The streams that were closed last, and how. A peer may still send on a stream for as long as it has not heard of our RST_STREAM;
/// on any other it must not (RFC 9113 §5.1).
final class ClosedStreams {
    private static final int MOST = 128; // More than are open at a time, mostly.

    private int @Nullable [] ids; // A ring; negative where we reset them.
    private int count;

    void add(int id, boolean resetByUs) {
        int[] ring = ids;
        if (ring == null) ring = ids = new int[MOST];
        ring[count++ & MOST - 1] = resetByUs ? -id : id;
    }

    boolean contains(int id) {
        return find(id) != 0;
    }

    boolean wasResetByUs(int id) {
        return find(id) < 0;
    }

    private int find(int id) {
        int[] ring = ids;
        if (ring == null) return 0;
        for (int known : ring) if (known == id || known == -id) return known;
        return 0;
    }
}
