package bascule.backend;

import bascule.net.Deadline;
import bascule.net.Loop;
import bascule.server.Server;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// Somebody who waits in the line of a backend for a place at a server. Belongs to its loop; whoever frees a place, on any loop,
/// hands it over by the loop's queue of tasks, so those of one loop are served in the order of coming. For one wait.
public abstract class Waiter extends Deadline implements Runnable {
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Waiter.class, "state", State.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private enum State {
        WAITING,
        GRANTED,
        LEFT
    }

    private final Loop loop;
    final @Nullable Server wanted;
    final @Nullable Server avoid;
    private @Nullable Line line;

    @SuppressWarnings("UnusedVariable") // By its handle.
    private State state = State.WAITING;

    private @Nullable Server server;
    private boolean abandoned;

    /// @param wanted the only server that will do, or null for any
    /// @param avoid one that has just failed: not this, if there is another
    protected Waiter(Loop loop, @Nullable Server wanted, @Nullable Server avoid) {
        this.loop = loop;
        this.wanted = wanted;
        this.avoid = avoid;
    }

    /// A place was found.
    ///
    /// @param server where a place is taken for this one; null if there is no server any more that may be chosen
    protected abstract void granted(@Nullable Server server, long nowNanos);

    /// Waited in vain.
    protected abstract void timedOut(long nowNanos);

    void joined(Line line, long untilNanos) {
        this.line = line;
        if (untilNanos != Long.MAX_VALUE) loop.wheel().schedule(this, untilNanos);
    }

    /// Any loop.
    ///
    /// @return false if it has left, or another was faster
    boolean grant(@Nullable Server server) {
        if (!STATE.compareAndSet(this, State.WAITING, State.GRANTED)) return false;
        this.server = server; // Seen by the loop, for the task is queued after it.
        loop.executor().execute(this);
        return true;
    }

    /// Waits no longer. A place that is on its way goes back.
    public final void leave() {
        loop.assertInside();
        loop.wheel().remove(this);
        Line joined = line;
        if (STATE.compareAndSet(this, State.WAITING, State.LEFT)) {
            if (joined != null) joined.gone(this);
        } else {
            abandoned = true;
        }
    }

    /// On the loop, when a place was granted.
    @Override
    public final void run() {
        loop.wheel().remove(this);
        Server granted = server;
        Line joined = line;
        if (abandoned) {
            if (granted != null && joined != null) joined.giveBack(granted);
            return;
        }
        try {
            granted(granted, loop.nanoTime());
        } catch (RuntimeException | OutOfMemoryError cause) {
            failed(cause); // The loop would only log it, and nobody would end the exchange.
        }
    }

    @Override
    protected final void expired(long nowNanos) {
        Line joined = line;
        if (!STATE.compareAndSet(this, State.WAITING, State.LEFT))
            return; // The place is on its way.
        if (joined != null) joined.gone(this);
        timedOut(nowNanos);
    }
}
