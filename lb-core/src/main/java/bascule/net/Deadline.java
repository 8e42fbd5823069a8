package bascule.net;

import org.jspecify.annotations.Nullable;

/// Something that expires unless it is put off: a node of a [DeadlineWheel], linked into it without a wrapper. Confined to
/// the wheel's loop.
public abstract class Deadline {
    static final long NEVER = Long.MAX_VALUE;

    @Nullable Deadline previous;
    @Nullable Deadline next;
    long atNanos = NEVER;
    long linkedTick = -1;

    /// Called once when the deadline has passed; it is disarmed by then.
    ///
    /// @param nowNanos the wheel's time
    protected abstract void expired(long nowNanos);

    /// [#expired] ended with this.
    protected abstract void failed(Throwable cause);
}
