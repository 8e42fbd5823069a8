package bascule.health;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ThreadLocalRandom;

/// When who is asked: each server by its own clock, and not too many at a time. Backends take turns, and none may have more than
/// [#SHARE] times as many probes under way as there are places left: so there is always a place for another one, however
/// many servers of the first hang, and however long. Confined to the health thread.
final class Checks {
    /// Probes under way; further ones wait for their turn.
    static final int MOST_AT_ONCE = 256;

    /// One backend alone gets three quarters of all places, two get three sevenths each.
    static final int SHARE = 3;

    final EventLoop loop;
    final Probe.Sockets sockets;
    private final Map<String, Turns> backends = new HashMap<>(); // Those with checks here.
    private final Queue<Turns> waiting = new ArrayDeque<>(); // Each backend at most once.
    private int running;

    /// The checks of one backend.
    private static final class Turns {
        final Queue<Check> checks = new ArrayDeque<>(); // Those that wait, each at most once.
        int running;
        boolean waits;
    }

    Checks(EventLoop loop, Probe.Sockets sockets) {
        this.loop = loop;
        this.sockets = sockets;
    }

    /// Its time has come.
    void due(Check check) {
        Turns own = backends.computeIfAbsent(check.backend, _ -> new Turns());
        own.checks.add(check);
        await(own);
        startWaiting();
    }

    private void await(Turns turns) {
        if (turns.waits) return;
        turns.waits = true;
        waiting.add(turns);
    }

    void forget(Check check) {
        Turns own = backends.get(check.backend);
        if (own == null) return;
        own.checks.remove(check);
        drop(check.backend, own);
    }

    private void drop(String backend, Turns turns) {
        if (turns.running > 0 || !turns.checks.isEmpty()) return;
        if (turns.waits) waiting.remove(turns);
        turns.waits = false;
        backends.remove(backend);
    }

    void ended(Check check) {
        running--;
        Turns own = backends.get(check.backend);
        if (own != null) {
            own.running--;
            drop(check.backend, own);
        }
        // Not from here: a probe that ends while it starts would start the next one within itself.
        if (!waiting.isEmpty()) loop.execute(this::startWaiting);
    }

    private void startWaiting() {
        for (int refused = 0; refused < waiting.size(); ) {
            Turns turns = waiting.remove();
            turns.waits = false;
            Check next = turns.checks.peek();
            if (next == null) continue;
            int left = MOST_AT_ONCE - running;
            if (left == 0 || turns.running >= SHARE * left) {
                await(turns);
                refused++;
                continue;
            }
            turns.checks.remove();
            if (!turns.checks.isEmpty()) await(turns);
            refused = 0;
            running++;
            turns.running++;
            next.start();
        }
    }

    /// The time from one probe to the next, up to a tenth less or more, so that checks that began together do not stay in step.
    static long nextNanos(long everyNanos) {
        long tenth = everyNanos / 10;
        return everyNanos + ThreadLocalRandom.current().nextLong(-tenth, tenth + 1);
    }
}
