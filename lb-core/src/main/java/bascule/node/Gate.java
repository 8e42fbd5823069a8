package bascule.node;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.cluster.Fitness;
import bascule.listen.Listener;
import bascule.listen.Listeners;
import bascule.listen.OwnPorts;
import bascule.net.Loop;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The thread `gate`: looks twenty times a second whether a client of each floating IP would be served on this node, and says how well. It may
/// not own an address that requires a listener which is not open or out of order, nor any while an event loop is stuck. Where
/// it may, the backends with a usable server decide whether it can serve more than another node: level 1 and one for each; 0 = it is overrun.
///
/// A look asks each address once, whichever loop that leads to, and all loops whether they run. When this thread itself is late nobody is told
/// anything, which the cluster takes for an answer, too.
public final class Gate implements AutoCloseable {
    private static final long EVERY_NANOS = 50_000_000;

    /// What one look may hold against others of the time since the one before: more than that the gate itself did not run.
    private static final long MOST_ELAPSED_NANOS = EVERY_NANOS * 3 / 2;

    private static final long CLOSE_MILLIS = 1000;

    private final Listeners listeners;
    private final Backends backends;
    private final OwnPorts ports;
    private final LoopBeats beats;
    private final Consumer<List<Fitness>> told;
    private final Selector selector;
    private final Map<InetSocketAddress, DoorCheck> doors = new HashMap<>();

    /// The floating IPs that this node might own at the last look.
    private final Set<String> fit = new HashSet<>();

    private final LimitedEvent busy = new LimitedEvent(Duration.ofSeconds(10));
    private final LimitedEvent failed = new LimitedEvent(Duration.ofSeconds(10));
    private final Thread thread;
    private volatile List<Duty> duties;
    private volatile boolean closed;
    private long lastNanos = System.nanoTime();

    /// @param ports the same that the listeners know
    /// @param told of all floating IPs at each look, on the gate's thread; must not block
    /// @throws IOException if the kernel has no descriptors left
    public static Gate start(
            Listeners listeners,
            Backends backends,
            OwnPorts ports,
            List<Loop> loops,
            List<Duty> duties,
            Consumer<List<Fitness>> told)
            throws IOException {
        var gate = new Gate(listeners, backends, ports, loops, duties, told);
        gate.thread.start();
        return gate;
    }

    private Gate(
            Listeners listeners,
            Backends backends,
            OwnPorts ports,
            List<Loop> loops,
            List<Duty> duties,
            Consumer<List<Fitness>> told)
            throws IOException {
        this.listeners = listeners;
        this.backends = backends;
        this.ports = ports;
        this.told = told;
        this.duties = List.copyOf(duties);
        selector = Selector.open();
        beats = new LoopBeats(loops);
        thread = Thread.ofPlatform().name("gate").daemon().unstarted(this::run);
    }

    /// A reload: from now on it is about these, once the listeners are in force. From any thread.
    public void duties(List<Duty> next) {
        duties = List.copyOf(next);
    }

    private void run() {
        long next = System.nanoTime();
        while (!closed) {
            try {
                long now = System.nanoTime();
                if (now - next >= 0) {
                    look(now);
                    next += EVERY_NANOS;
                    if (next - now < 0) next = now + EVERY_NANOS; // It was late: no volley.
                }
                long waitMillis = Math.max(1, (next - System.nanoTime()) / 1_000_000);
                selector.select(key -> ((DoorCheck) key.attachment()).ready(key), waitMillis);
            } catch (IOException | RuntimeException | Error bug) { // Untold, the node may not own.
                failed.bug("gate-failed", bug);
                pause();
            }
        }
        doors.values().forEach(DoorCheck::stop);
        try {
            selector.close();
        } catch (IOException failure) {
            Events.debug("gate-not-closed", "cause", failure);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(EVERY_NANOS / 1_000_000);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void look(long now) {
        long elapsed = Math.min(now - lastNanos, MOST_ELAPSED_NANOS);
        lastNanos = now;
        List<Duty> wanted = duties;
        Map<String, Listener> open = new HashMap<>();
        for (Listener each : listeners.all()) open.put(each.name(), each);
        beats.tick(elapsed);
        ask(wanted, open, now, elapsed);
        String stuck = beats.fault();
        Set<String> usable = usable();
        List<Fitness> all = new ArrayList<>(wanted.size());
        for (Duty duty : wanted) {
            String reason = stuck != null ? stuck : fault(duty, open);
            int level = reason != null ? -1 : isBusy(duty, open) ? 0 : level(duty, usable);
            all.add(new Fitness(duty.floatingIp(), level, reason == null ? "" : reason));
        }
        fit.clear();
        for (Fitness each : all) if (each.level() >= 0) fit.add(each.floatingIp());
        told.accept(all);
    }

    /// Each address once, however many floating IPs require it.
    private void ask(List<Duty> wanted, Map<String, Listener> open, long now, long elapsed) {
        Map<InetSocketAddress, Listener> required = new HashMap<>();
        for (Duty duty : wanted) {
            for (String name : duty.listeners()) {
                Listener listener = open.get(name);
                if (listener == null || !listener.open()) continue;
                for (InetSocketAddress address : listener.addresses())
                    required.put(address, listener);
            }
        }
        for (Iterator<DoorCheck> each = doors.values().iterator(); each.hasNext(); ) {
            DoorCheck door = each.next();
            if (required.containsKey(door.bound())) continue;
            door.stop();
            each.remove();
        }
        required.forEach(
                (address, listener) -> {
                    DoorCheck door =
                            doors.computeIfAbsent(
                                    address, bound -> new DoorCheck(bound, ports, selector, beats));
                    if (listeners.isSilent(address.getAddress()) || listeners.isGoing(address))
                        door.rest(now, elapsed);
                    else door.tick(now, elapsed, listener.came());
                });
    }

    /// Why this node may not own it; null if it may.
    private @Nullable String fault(Duty duty, Map<String, Listener> open) {
        for (String name : duty.listeners()) {
            Listener listener = open.get(name);
            if (listener == null) continue; // A reload has removed it, and says so in a moment.
            if (!listener.open()) return "listener " + name + " is not open";
            for (InetSocketAddress address : listener.addresses()) {
                DoorCheck door = doors.get(address);
                if (door != null && !door.wasAsked() && fit.contains(duty.floatingIp()))
                    continue; // New by a reload: no reason to lose what this node owns before the
                // first answer is due.
                String fault = door == null ? null : door.fault();
                if (fault != null) return "listener " + name + ": " + fault;
            }
        }
        return null;
    }

    /// Is one of its doors overrun, or was lately? It may own the address still, but any other node that may is better.
    private boolean isBusy(Duty duty, Map<String, Listener> open) {
        for (String name : duty.listeners()) {
            Listener listener = open.get(name);
            if (listener == null) continue;
            for (InetSocketAddress address : listener.addresses()) {
                DoorCheck door = doors.get(address);
                if (door == null || !door.isBusy()) continue;
                if (door.isLate())
                    busy.warn("listener-busy", "listener", name, "address", door.text());
                return true;
            }
        }
        return false;
    }

    private static int level(Duty duty, Set<String> usable) {
        int level = 1;
        for (String backend : duty.backends()) if (usable.contains(backend)) level++;
        return level;
    }

    private Set<String> usable() {
        Set<String> names = new HashSet<>();
        for (Backend each : backends.all()) if (each.hasServer()) names.add(each.name());
        return names;
    }

    /// Looks no more. The clients that it was are gone when this returns.
    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        try {
            thread.join(CLOSE_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
