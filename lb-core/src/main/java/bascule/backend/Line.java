package bascule.backend;

import bascule.server.Server;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Those who wait for a place at a server of one backend: a queue over all loops, without a lock. Nobody who comes later is
/// served before one who waits, except before those who want one certain server that is full.
final class Line {
    private final Backend backend;
    private final ConcurrentLinkedQueue<Waiter> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger length = new AtomicInteger();

    Line(Backend backend) {
        this.backend = backend;
    }

    boolean isEmpty() {
        return length.get() == 0;
    }

    int length() {
        return length.get();
    }

    /// @param most how many may wait
    /// @param untilNanos when waiting ends; [Long#MAX_VALUE] for never
    boolean join(Waiter waiter, long most, long untilNanos) {
        if (length.incrementAndGet() > most) {
            length.decrementAndGet();
            return false;
        }
        waiter.joined(this, untilNanos);
        queue.add(waiter);
        serve(); // A place may have become free since it was looked for.
        return true;
    }

    /// A waiter has left of its own accord.
    void gone(Waiter waiter) {
        if (queue.remove(waiter)) length.decrementAndGet();
    }

    /// Hands free places to those who wait, in their order.
    ///
    /// Two loops may do so at once: both may take a place for the same waiter, and one of them has to put it back. Somebody
    /// else may have looked for that place meanwhile, in vain; so the one who put it back looks at the whole line again.
    void serve() {
        boolean again = !isEmpty();
        while (again) {
            again = false;
            if (!backend.hasServer()) sendAway();
            for (Waiter waiter : queue) {
                Server place = placeFor(waiter);
                if (place == null) {
                    if (waiter.wanted == null) return; // All are full.
                    continue;
                }
                if (waiter.grant(place)) {
                    gone(waiter);
                } else {
                    place.giveBack();
                    again = true;
                }
            }
        }
    }

    private @Nullable Server placeFor(Waiter waiter) {
        Server wanted = waiter.wanted;
        if (wanted == null || wanted.status().lost()) return backend.takeOne();
        return backend.enter(wanted, true) ? wanted : null;
    }

    /// No server may be chosen any more. Those who want one that is being drained still get it.
    private void sendAway() {
        for (Waiter waiter : queue) {
            Server wanted = waiter.wanted;
            boolean vain = wanted == null || wanted.status().lost();
            if (vain && waiter.grant(null)) gone(waiter);
        }
    }

    void giveBack(Server server) {
        backend.leave(server);
    }
}
