package bascule.listen;

import bascule.http.Front;
import bascule.net.Connection;
import bascule.net.ConnectionList;
import bascule.net.Loop;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Clients of one doorway who came by an address that is drained. Confined to its loop.
final class Leaving {
    private static final long LOOK_MILLIS = 50;

    /// A client that has asked for nothing for so long, since it came or since this began, is not waited for.
    private static final long PATIENCE_NANOS = 1_000_000_000;

    final AddressDrain drain;
    private final Loop loop;
    private final long sinceNanos;
    private final ConnectionList old = new ConnectionList();
    private final ConnectionList fresh = new ConnectionList();

    /// Nobody waits for these.
    private final ConnectionList others = new ConnectionList();

    private boolean ended;
    private int counted;

    Leaving(AddressDrain drain, Loop loop) {
        this.drain = drain;
        this.loop = loop;
        sinceNanos = loop.nanoTime();
        lookLater();
    }

    /// One that was there; in no list now.
    void addOld(Connection connection) {
        old.push(connection);
        drain.foundOld();
        ((Front) connection).drain(sinceNanos);
    }

    /// One that comes now.
    void addFresh(Connection connection) {
        fresh.push(connection);
        drain.cameFresh();
    }

    /// @return whether it was one of these
    boolean remove(Connection connection) {
        if (old.remove(connection)) drain.lessOld(loop.executor());
        else if (fresh.remove(connection)) drain.lessFresh();
        else return others.remove(connection);
        return true;
    }

    boolean contains(Connection connection) {
        return old.contains(connection)
                || fresh.contains(connection)
                || others.contains(connection);
    }

    void forEach(Consumer<Connection> action) {
        old.forEach(action);
        fresh.forEach(action);
        others.forEach(action);
    }

    int size() {
        return old.size() + fresh.size() + others.size();
    }

    /// Those who have a request that runs or begins, if they came since this began, or nothing of them was to be waited for then.
    ///
    /// @param patient count those, too, who have sent nothing of one, and those who were there and have not left in time?
    int inFlight(boolean patient) {
        counted = 0;
        Consumer<Connection> count =
                connection -> {
                    boolean counts =
                            switch (((Front) connection).doing()) {
                                case SERVES, BEGINS -> true;
                                case WAITS -> patient;
                                case NEITHER -> false;
                            };
                    if (counts) counted++;
                };
        // They had all the time that the hand-over has; newcomers pay for the rest.
        if (patient) old.forEach(count);
        fresh.forEach(count);
        others.forEach(count);
        return counted;
    }

    private void lookLater() {
        loop.executor().schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /// Ends those that have rested long enough, and stops waiting for those that nothing is to be waited for.
    private void look() {
        if (ended) return;
        long now = loop.nanoTime();
        boolean patient = now - sinceNanos < PATIENCE_NANOS;
        forEach(connection -> ((Front) connection).drain(now));
        old.forEach(
                connection -> {
                    boolean waits =
                            switch (((Front) connection).doing()) {
                                case WAITS, BEGINS -> patient;
                                case SERVES -> true;
                                case NEITHER -> false;
                            };
                    if (waits) return;
                    old.remove(connection);
                    others.push(connection);
                    drain.lessOld(loop.executor());
                });
        lookLater();
    }

    /// All may stay after all: gives them back.
    void end(ConnectionList to) {
        ended = true;
        giveBack(old, to);
        giveBack(fresh, to);
        giveBack(others, to);
    }

    private static void giveBack(ConnectionList from, ConnectionList to) {
        for (Connection each; (each = from.pop()) != null; ) {
            to.push(each);
            ((Front) each).undrain();
        }
    }
}
