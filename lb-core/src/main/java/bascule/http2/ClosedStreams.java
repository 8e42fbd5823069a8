package bascule.http2;

import org.jspecify.annotations.Nullable;

/// The streams that were closed last, and how. A peer may still send on a stream for as long as it has not heard of our RST_STREAM;
/// on any other it must not (RFC 9113 §5.1). So those that we reset are not forgotten for the others, however many end.
final class ClosedStreams {
    private static final int FEWEST = 128; // More than are open at a time, mostly.

    private final int most;
    private final Ring ended = new Ring();
    private final Ring reset = new Ring();

    /// @param streams most that are open at a time: as many may be reset at once, and as many again before the peer has heard of it
    ClosedStreams(int streams) {
        most = Integer.highestOneBit(Math.max(FEWEST, 2 * streams) * 2 - 1);
    }

    private final class Ring {
        private int @Nullable [] ids;
        private int count;

        void add(int id) {
            int[] ring = ids;
            if (ring == null) ring = ids = new int[most];
            ring[count++ & most - 1] = id;
        }

        boolean contains(int id) {
            int[] ring = ids;
            if (ring == null) return false;
            for (int known : ring) if (known == id) return true;
            return false;
        }
    }

    void add(int id, boolean resetByUs) {
        if (resetByUs) reset.add(id);
        else ended.add(id);
    }

    boolean contains(int id) {
        return ended.contains(id) || reset.contains(id);
    }

    boolean wasResetByUs(int id) {
        return reset.contains(id);
    }
}
