package bascule.observe;

import java.time.Duration;
import java.util.Arrays;
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
        if (!due()) return false;
        Events.warn(event, withSuppressed(keyValues));
        return true;
    }

    /// Like [Events#bug].
    public boolean bug(String event, Throwable what, Object... keyValues) {
        if (!due()) return false;
        Events.bug(event, what, withSuppressed(keyValues));
        return true;
    }

    private boolean due() {
        long now = clock.getAsLong();
        long next = nextNanos.get();
        if (now - next >= 0 && nextNanos.compareAndSet(next, now + periodNanos)) return true;
        suppressed.incrementAndGet();
        return false;
    }

    private Object[] withSuppressed(Object[] keyValues) {
        long before = suppressed.getAndSet(0);
        if (before == 0) return keyValues;
        Object[] all = Arrays.copyOf(keyValues, keyValues.length + 2);
        all[keyValues.length] = "suppressed";
        all[keyValues.length + 1] = before;
        return all;
    }
}
