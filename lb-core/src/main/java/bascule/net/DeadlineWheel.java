package bascule.net;

import org.jspecify.annotations.Nullable;

/// All deadlines of one loop, kept to the next tick of 100 ms. Putting a deadline off is one field write: a node stays in its
/// slot and moves only when that slot comes up. No allocation. Confined to its loop.
public final class DeadlineWheel {
    public static final long TICK_NANOS = 100_000_000;

    private static final int SLOTS = 1024; // 102 s; what lies beyond is looked at once per turn.

    private final Deadline[] slots = new Deadline[SLOTS];
    private final long originNanos;
    private long currentTick;

    /// @param nowNanos `System.nanoTime()` at the start
    public DeadlineWheel(long nowNanos) {
        originNanos = nowNanos;
        for (int slot = 0; slot < SLOTS; slot++) {
            Deadline ring = new Sentinel();
            ring.previous = ring;
            ring.next = ring;
            slots[slot] = ring;
        }
    }

    /// Arms `deadline`, or moves it. It expires at the first tick at or after `atNanos`.
    public void schedule(Deadline deadline, long atNanos) {
        deadline.atNanos = atNanos;
        long tick = tickOf(atNanos);
        if (deadline.linkedTick >= 0) {
            if (deadline.linkedTick <= tick) return; // Looked at early enough, and moved on then.
            unlink(deadline);
        }
        link(deadline, tick);
    }

    /// Arms `deadline`, or moves it forward; never puts it off. For whoever has several reasons to be woken, and looks at all of them
    /// when it is.
    public void scheduleBy(Deadline deadline, long atNanos) {
        if (deadline.atNanos == Deadline.NEVER || atNanos - deadline.atNanos < 0)
            schedule(deadline, atNanos);
    }

    /// Disarms `deadline` for now: cheap, meant for a connection that will arm it again.
    public void suspend(Deadline deadline) {
        deadline.atNanos = Deadline.NEVER;
    }

    /// Disarms `deadline` and forgets it, so that nothing holds on to a connection that is gone.
    public void remove(Deadline deadline) {
        deadline.atNanos = Deadline.NEVER;
        if (deadline.linkedTick >= 0) unlink(deadline);
    }

    /// Lets everything expire whose time has come. Called once per tick; catches up after a stall.
    public void advance(long nowNanos) {
        long nowTick = (nowNanos - originNanos) / TICK_NANOS;
        if (nowTick - currentTick > SLOTS)
            currentTick = nowTick - SLOTS; // One full turn sees every slot.
        while (currentTick < nowTick) {
            currentTick++;
            turn(slots[(int) (currentTick & SLOTS - 1)], nowNanos);
        }
    }

    private void turn(Deadline ring, long nowNanos) {
        Deadline last =
                ring.previous; // Nodes linked by a callback into this slot belong to the next turn.
        if (last == ring) return;
        while (true) {
            Deadline node = next(ring);
            if (node == ring) return;
            boolean end = node == last;
            unlink(node);
            if (node.atNanos == Deadline.NEVER) {
                // Suspended: stays out until armed again.
            } else if (node.atNanos - nowNanos > 0) {
                link(node, tickOf(node.atNanos));
            } else {
                node.atNanos = Deadline.NEVER;
                expire(node, nowNanos);
            }
            if (end) return;
        }
    }

    /// One that fails must not cost the others their time.
    private static void expire(Deadline node, long nowNanos) {
        try {
            node.expired(nowNanos);
        } catch (RuntimeException | Error cause) {
            fail(node, cause);
        }
    }

    /// Nor must one that cannot even say so: that bug is told as one that nobody caught, by the thread's handler.
    private static void fail(Deadline node, Throwable cause) {
        try {
            node.failed(cause);
        } catch (RuntimeException | Error bug) {
            if (bug != cause) bug.addSuppressed(cause);
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
        }
    }

    private long tickOf(long atNanos) {
        return (atNanos - originNanos + TICK_NANOS - 1) / TICK_NANOS;
    }

    private void link(Deadline node, long tick) {
        long at = Math.clamp(tick, currentTick + 1, currentTick + SLOTS - 1);
        Deadline ring = slots[(int) (at & SLOTS - 1)];
        Deadline tail = previous(ring);
        node.linkedTick = at;
        node.previous = tail;
        node.next = ring;
        tail.next = node;
        ring.previous = node;
    }

    private static void unlink(Deadline node) {
        Deadline previous = previous(node);
        Deadline next = next(node);
        previous.next = next;
        next.previous = previous;
        node.previous = null;
        node.next = null;
        node.linkedTick = -1;
    }

    private static Deadline next(Deadline node) {
        return linked(node.next);
    }

    private static Deadline previous(Deadline node) {
        return linked(node.previous);
    }

    private static Deadline linked(@Nullable Deadline node) {
        if (node == null) throw new IllegalStateException("deadline is not linked");
        return node;
    }

    private static final class Sentinel extends Deadline {
        @Override
        protected void expired(long nowNanos) {
            throw new IllegalStateException("a slot never expires");
        }

        @Override
        protected void failed(Throwable cause) {
            throw new IllegalStateException("a slot never expires", cause);
        }
    }
}
