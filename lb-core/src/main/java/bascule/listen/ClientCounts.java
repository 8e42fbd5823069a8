package bascule.listen;

import java.util.concurrent.ConcurrentHashMap;

/// How many connections each client of a listener has open, over all its loops; exact. A client is there as long as it has one, so
/// there are no more of them than the listener may have connections.
///
/// The map takes a lock for the few nanoseconds of a change, shared with clients whose hash lies near; that is for accepts and
/// closes, never for requests. Clients who choose their addresses to meet in one bin find it a tree.
final class ClientCounts {
    private final ConcurrentHashMap<Long, Integer> open = new ConcurrentHashMap<>();

    /// Counts one more connection unless `most` of that client are open. Any loop.
    ///
    /// @param client see [bascule.http.ClientAddress#key()]
    boolean tryEnter(long client, int most) {
        while (true) {
            Integer before = open.get(client);
            if (before == null) {
                if (open.putIfAbsent(client, 1) == null) return true;
            } else if (before >= most) {
                return false;
            } else if (open.replace(client, before, before + 1)) {
                return true;
            }
        }
    }

    /// One that had entered is gone. Any loop.
    void leave(long client) {
        while (true) {
            Integer before = open.get(client);
            if (before == null) throw new IllegalStateException("left without having entered");
            if (before == 1
                    ? open.remove(client, before)
                    : open.replace(client, before, before - 1)) return;
        }
    }

    /// Clients that have a connection open.
    int clients() {
        return open.size();
    }
}
