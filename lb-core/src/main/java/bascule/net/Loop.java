package bascule.net;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// One event loop and what everything on it shares: its deadlines and its clock. A connection, an exchange and a pool live on
/// one loop for life; see [#assertInside()].
public final class Loop {
    private final int index;
    private final EventLoop executor;
    private final ByteBufAllocator allocator;
    private final DeadlineWheel wheel;
    private final AtomicLong ticks = new AtomicLong(); // The loop's; any thread reads it.
    private long tickNanos;
    private long wallOffsetMillis;
    private @Nullable ScheduledFuture<?> ticking;

    Loop(int index, EventLoop executor, ByteBufAllocator allocator) {
        this.index = index;
        this.executor = executor;
        this.allocator = allocator;
        long now = System.nanoTime();
        wheel = new DeadlineWheel(now);
        setWallOffset(now);
    }

    /// 0 to loops-1.
    public int index() {
        return index;
    }

    public EventLoop executor() {
        return executor;
    }

    public ByteBufAllocator allocator() {
        return allocator;
    }

    public DeadlineWheel wheel() {
        return wheel;
    }

    /// `System.nanoTime()`: read once per event and handed down.
    public long nanoTime() {
        return System.nanoTime();
    }

    /// Wall-clock time of a reading of [#nanoTime()], in milliseconds since 1970; follows a changed clock within a tick.
    public long wallMillis(long nanoTime) {
        return nanoTime / 1_000_000 + wallOffsetMillis;
    }

    /// Fails if called from any thread but this loop's.
    public void assertInside() {
        if (!executor.inEventLoop())
            throw new IllegalStateException(
                    "not on " + executor + " but on " + Thread.currentThread());
    }

    /// Starts the tick that drives the deadlines.
    ///
    /// @param onTick told at each tick how late it was, in nanoseconds: the loop's lag
    public void start(LongConsumer onTick) {
        executor.execute(
                () -> {
                    tickNanos = System.nanoTime();
                    ticking =
                            executor.scheduleAtFixedRate(
                                    () -> tick(onTick),
                                    DeadlineWheel.TICK_NANOS,
                                    DeadlineWheel.TICK_NANOS,
                                    TimeUnit.NANOSECONDS);
                });
    }

    private void tick(LongConsumer onTick) {
        long now = System.nanoTime();
        long lag = Math.max(0, now - tickNanos - DeadlineWheel.TICK_NANOS);
        tickNanos = now;
        setWallOffset(now);
        wheel.advance(now);
        onTick.accept(lag);
        ticks.lazySet(ticks.getPlain() + 1);
    }

    /// How often it has ticked, ten times a second while it runs. From any thread.
    public long ticks() {
        return ticks.get();
    }

    private void setWallOffset(long nowNanos) {
        wallOffsetMillis = System.currentTimeMillis() - nowNanos / 1_000_000;
    }

    /// Ends the tick. To be called on the loop.
    public void stop() {
        if (ticking != null) ticking.cancel(false);
    }
}
