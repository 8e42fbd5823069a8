package bascule.health;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ThreadLocalRandom;

/// When who is asked: each server by its own clock, and not too many at a time. Confined to the health thread.
final class Checks {
    /// Probes under way; further ones wait for their turn.
    static final int MOST_AT_ONCE = 256;

    final EventLoop loop;
    final Probe.Sockets sockets;
    private final Queue<Check> waiting = new ArrayDeque<>(); // Each check at most once.
    private int running;

    Checks(EventLoop loop, Probe.Sockets sockets) {
        this.loop = loop;
        this.sockets = sockets;
    }

    /// Its time has come.
    void due(Check check) {
        waiting.add(check);
        startWaiting();
    }

    void forget(Check check) {
        waiting.remove(check);
    }

    void ended() {
        running--;
        // Not from here: a probe that ends while it starts would start the next one within itself.
        if (!waiting.isEmpty()) loop.execute(this::startWaiting);
    }

    private void startWaiting() {
        while (running < MOST_AT_ONCE) {
            Check next = waiting.poll();
            if (next == null) return;
            running++;
            next.start();
        }
    }

    /// The time from one probe to the next, up to a tenth less or more, so that checks that began together do not stay in step.
    static long nextNanos(long everyNanos) {
        long tenth = everyNanos / 10;
        return everyNanos + ThreadLocalRandom.current().nextLong(-tenth, tenth + 1);
    }
}
