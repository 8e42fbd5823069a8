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

    /// Those among them who want one certain server.
    private final AtomicInteger choosy = new AtomicInteger();

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
        int before = length.getAndUpdate(now -> now < most ? now + 1 : now);
        if (before >= most) return false;
        if (waiter.wanted != null) choosy.incrementAndGet();
        waiter.joined(this, untilNanos);
        queue.add(waiter);
        serve(); // A place may have become free since it was looked for.
        return true;
    }

    /// A waiter has left of its own accord.
    void gone(Waiter waiter) {
        if (!queue.remove(waiter)) return;
        length.decrementAndGet();
        if (waiter.wanted != null) choosy.decrementAndGet();
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
            boolean full = false;
            for (Waiter waiter : queue) {
                boolean isChoosy = isChoosy(waiter);
                if (full && !isChoosy) continue;
                Server place = isChoosy ? placeAt(waiter.wanted) : backend.takeOne(waiter.avoid);
                if (place == null) {
                    full |= !isChoosy && waiter.avoid == null;
                    if (full && choosy.get() == 0) break;
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

    /// Will only one server do? Not if that is lost, or removed.
    private boolean isChoosy(Waiter waiter) {
        Server wanted = waiter.wanted;
        return wanted != null && !wanted.status().lost() && backend.has(wanted);
    }

    private @Nullable Server placeAt(@Nullable Server wanted) {
        return wanted != null && backend.enter(wanted, true) ? wanted : null;
    }

    /// No server may be chosen any more. Those who want one that is being drained still get it.
    private void sendAway() {
        for (Waiter waiter : queue) {
            if (!isChoosy(waiter) && waiter.grant(null)) gone(waiter);
        }
    }

    void giveBack(Server server) {
        backend.leave(server);
    }
}
