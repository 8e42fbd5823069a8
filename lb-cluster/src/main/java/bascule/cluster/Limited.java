package bascule.cluster;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/// Something that may happen often and is told at most once in 10 s. From any thread.
final class Limited {
    static final long EVERY_NANOS = 10_000_000_000L;

    private final AtomicLong nextNanos;
    private final AtomicLong suppressed = new AtomicLong();

    Limited(long nowNanos) {
        nextNanos = new AtomicLong(nowNanos);
    }

    boolean isDue(long nowNanos) {
        long next = nextNanos.get();
        if (nowNanos - next >= 0 && nextNanos.compareAndSet(next, nowNanos + EVERY_NANOS))
            return true;
        suppressed.incrementAndGet();
        return false;
    }

    /// With how many were not told since this was asked last, if there were any.
    ///
    /// @param keyValues keys and values in turn
    Object[] with(Object... keyValues) {
        long before = suppressed.getAndSet(0);
        if (before == 0) return keyValues;
        Object[] all = Arrays.copyOf(keyValues, keyValues.length + 2);
        all[keyValues.length] = "suppressed";
        all[keyValues.length + 1] = before;
        return all;
    }
}
