package bascule.observe;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/// An event that may repeat often and is told at most once per period; the next one told says how many were not. From any
/// thread.
public final class LimitedEvent {
    private final long periodNanos;
    private final LongSupplier clock;
    private final AtomicLong nextNanos;
    private final AtomicLong suppressed = new AtomicLong();

    public LimitedEvent(Duration period) {
        this(period, System::nanoTime);
    }

    LimitedEvent(Duration period, LongSupplier clock) {
        this.periodNanos = period.toNanos();
        this.clock = clock;
        nextNanos = new AtomicLong(clock.getAsLong());
    }

    /// @param keyValues keys and values in turn
    /// @return was it told
    public boolean warn(String event, Object... keyValues) {
        long now = clock.getAsLong();
        long next = nextNanos.get();
        if (now - next < 0 || !nextNanos.compareAndSet(next, now + periodNanos)) {
            suppressed.incrementAndGet();
            return false;
        }
        long before = suppressed.getAndSet(0);
        Events.warn(event, before == 0 ? keyValues : with(keyValues, "suppressed", before));
        return true;
    }

    private static Object[] with(Object[] keyValues, String key, Object value) {
        var all = new Object[keyValues.length + 2];
        System.arraycopy(keyValues, 0, all, 0, keyValues.length);
        all[keyValues.length] = key;
        all[keyValues.length + 1] = value;
        return all;
    }
}
