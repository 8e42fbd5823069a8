package bascule.listen;

import bascule.net.SegmentFilter.Silent;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// Addresses of ours by which nobody is let in for a moment, and who asks gets no answer at all. From any thread; what was said last holds.
final class Silences {
    private final Map<InetAddress, Boolean> all = new LinkedHashMap<>();

    /// Not all sockets have heard yet that they may answer.
    private final List<InetAddress> ending = new ArrayList<>();

    /// @param handshakes drop what belongs to those under way too?
    /// @return once every socket keeps silent; exceptionally if one does not
    synchronized CompletableFuture<Void> keep(
            InetAddress address, boolean handshakes, Collection<Bind> binds) {
        all.put(address, handshakes);
        return tell(binds);
    }

    synchronized CompletableFuture<Void> end(InetAddress address, Collection<Bind> binds) {
        if (all.remove(address) == null) return CompletableFuture.completedFuture(null);
        ending.add(address);
        return tell(binds).whenComplete((_, _) -> ended(address));
    }

    private synchronized void ended(InetAddress address) {
        ending.remove(address);
    }

    /// Can it be that a socket keeps silent?
    synchronized boolean holds(InetAddress address) {
        return all.containsKey(address) || ending.contains(address);
    }

    /// Some of these may be new.
    synchronized CompletableFuture<Void> tell(Collection<Bind> binds) {
        List<Silent> silent = new ArrayList<>();
        all.forEach((address, handshakes) -> silent.add(new Silent(address, handshakes)));
        List<CompletableFuture<Void>> told = new ArrayList<>();
        for (Bind bind : binds)
            told.add(bind.keepSilent(silent.stream().filter(bind::accepts).toList()));
        return CompletableFuture.allOf(told.toArray(CompletableFuture[]::new));
    }
}
