package bascule.listen;

import bascule.net.SegmentFilter.Silent;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// Addresses of ours by which nobody is let in for a moment, and who asks gets no answer at all. From any thread; what was said last holds.
final class Silences {
    private final Map<InetAddress, Boolean> all = new LinkedHashMap<>();

    /// Not all sockets have heard yet that they may answer.
    private final List<InetAddress> ending = new ArrayList<>();

    /// Asked with the lock held: a reload that puts others in force, and then [#tell]s them, misses nothing.
    private final Supplier<Collection<Bind>> binds;

    /// @param binds those in force
    Silences(Supplier<Collection<Bind>> binds) {
        this.binds = binds;
    }

    /// @param handshakes drop what belongs to those under way too?
    /// @return once every socket keeps silent; exceptionally if one does not
    synchronized CompletableFuture<Void> keep(InetAddress address, boolean handshakes) {
        all.put(address, handshakes);
        return tell(binds.get());
    }

    synchronized CompletableFuture<Void> end(InetAddress address) {
        if (all.remove(address) == null) return CompletableFuture.completedFuture(null);
        ending.add(address);
        return tell(binds.get()).whenComplete((_, _) -> ended(address));
    }

    private synchronized void ended(InetAddress address) {
        ending.remove(address);
    }

    /// Can it be that a socket keeps silent?
    synchronized boolean holds(InetAddress address) {
        return all.containsKey(address) || ending.contains(address);
    }

    /// Some of these may be new.
    synchronized CompletableFuture<Void> tell(Collection<Bind> some) {
        List<Silent> silent = new ArrayList<>();
        all.forEach((address, handshakes) -> silent.add(new Silent(address, handshakes)));
        List<CompletableFuture<Void>> told = new ArrayList<>();
        for (Bind bind : some)
            told.add(bind.keepSilent(silent.stream().filter(bind::accepts).toList()));
        return CompletableFuture.allOf(told.toArray(CompletableFuture[]::new));
    }
}
