package bascule;

import bascule.admin.Status;
import bascule.listen.KeptSockets;
import bascule.net.Loop;
import bascule.net.Transport;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.systemd.ManagerEnvironment;
import bascule.systemd.NotifySocket;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The daemon as a service of systemd: says how it is (sd_notify(3)), and feeds the watchdog. There is none where nobody wants to know. What
/// cannot be said is an event; nothing fails for it. From any thread.
final class Service implements AutoCloseable {
    private static final int LONGEST_LINE = 500; // systemd drops a message of more than 4096 bytes.

    private final ManagerEnvironment told;
    private final @Nullable NotifySocket socket; // Null = there are descriptors alone.
    private final List<String> faults = new ArrayList<>();
    private final LimitedEvent failed = new LimitedEvent(Duration.ofSeconds(10));
    private volatile @Nullable KeptSockets kept;
    private @Nullable Watchdog watchdog;
    private @Nullable NotifySocket feeder; // Its own: who waits on a socket holds up all others.
    private String shown = "";
    private boolean readyOwed;
    private boolean stopping;

    /// @param environment of this process
    /// @return null without a manager
    static @Nullable Service of(Map<String, String> environment) {
        if (!environment.containsKey("NOTIFY_SOCKET") && !environment.containsKey("LISTEN_FDS"))
            return null;
        long pid = ProcessHandle.current().pid();
        return new Service(ManagerEnvironment.of(environment, pid));
    }

    Service(ManagerEnvironment told) {
        this.told = told;
        faults.addAll(told.faults());
        NotifySocket opened = null;
        String address = told.notifySocket();
        if (address != null) {
            try {
                opened = NotifySocket.open(address);
            } catch (IOException failure) {
                faults.add(String.valueOf(failure.getMessage()));
            }
        }
        socket = opened;
    }

    /// Tells what of the environment was not understood; once there is a log.
    void tellFaults() {
        for (String fault : faults) Events.warn("service-manager-not-understood", "fault", fault);
        faults.clear();
    }

    /// To be called once: what was passed to this process is these sockets' from then on.
    KeptSockets keptSockets(Transport transport) {
        KeptSockets all = new KeptSockets(socket, told, transport);
        kept = all;
        return all;
    }

    /// For `/status`.
    Status.Systemd view() {
        KeptSockets all = kept;
        return new Status.Systemd(
                all == null ? 0 : all.stored(),
                all == null ? "not started" : all.obstacle(),
                told.watchdogMicros() == 0 ? null : (Double) (told.watchdogMicros() / 1e6));
    }

    /// All is open, or a reload is over.
    ///
    /// @param sentence for `systemctl status`
    synchronized void ready(String sentence) {
        if (stopping) return;
        readyOwed = !say("READY=1", "STATUS=" + line(sentence));
        if (!readyOwed) shown = sentence;
    }

    /// Begins to feed the watchdog, if there is one.
    ///
    /// @param ownershipTurns of the ownership loop; null = there is none
    synchronized void watch(List<Loop> loops, @Nullable LongSupplier ownershipTurns) {
        NotifySocket shared = socket;
        String address = told.notifySocket();
        if (told.watchdogMicros() == 0 || shared == null || address == null || watchdog != null)
            return;
        try {
            feeder = NotifySocket.open(address);
        } catch (IOException failure) {
            failed.warn("service-manager-unheard", "cause", failure);
        }
        NotifySocket by = feeder == null ? shared : feeder;
        List<Watchdog.Watched> all = new ArrayList<>();
        for (Loop loop : loops)
            all.add(new Watchdog.Watched("event loop " + loop.index(), loop::ticks));
        if (ownershipTurns != null) all.add(new Watchdog.Watched("ownership loop", ownershipTurns));
        watchdog = new Watchdog(told.watchdogMicros(), all, () -> feed(by));
        watchdog.start();
    }

    /// Waits: a manager that stood still behind a full queue would find nothing of us in it when it goes on, and kill.
    ///
    /// @return false if it is worth while to try again at once
    private boolean feed(NotifySocket manager) {
        try {
            if (manager.sendIfTaken("WATCHDOG=1")) return true;
            failed.warn("service-manager-unheard", "cause", "it is busy");
            return false;
        } catch (IOException failure) {
            failed.warn("service-manager-unheard", "cause", failure);
            return true;
        }
    }

    /// The configuration is read anew; [#ready] follows, whatever comes of it.
    synchronized void reloading() {
        if (stopping) return;
        // CLOCK_MONOTONIC, which is what HotSpot's nanoTime() reads on Linux.
        say("RELOADING=1", "MONOTONIC_USEC=" + System.nanoTime() / 1000);
    }

    /// Says it if it differs from what was said last, and what was not heard then: a manager that never hears READY ends a daemon that serves.
    synchronized void status(String sentence) {
        if (readyOwed) ready(sentence);
        else if (!sentence.equals(shown) && say("STATUS=" + line(sentence))) shown = sentence;
    }

    /// @param most it may take, whatever `TimeoutStopSec` says
    synchronized void stopping(Duration most) {
        stopping = true;
        if (watchdog != null) watchdog.ease();
        shown = "stopping";
        NotifySocket open = socket;
        if (open == null) return;
        try { // There is no second time for it.
            open.send(
                    "STOPPING=1",
                    "STATUS=stopping",
                    "EXTEND_TIMEOUT_USEC=" + TimeUnit.NANOSECONDS.toMicros(most.toNanos()));
        } catch (IOException failure) {
            failed.warn("service-manager-unheard", "cause", failure);
        }
    }

    /// A line is all that a sentence can be.
    private static String line(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + "…";
    }

    /// Does not wait.
    ///
    /// @return was it taken, or does nobody want to know?
    private boolean say(String... lines) {
        NotifySocket open = socket;
        if (open == null) return true;
        try {
            if (open.offer(lines)) return true;
            failed.warn("service-manager-unheard", "cause", "it is busy");
            return false;
        } catch (IOException failure) {
            failed.warn("service-manager-unheard", "cause", failure);
            return false;
        }
    }

    @Override
    public synchronized void close() {
        if (watchdog != null) watchdog.close();
        KeptSockets all = kept;
        if (all != null) all.close();
        if (feeder != null) feeder.close();
        if (socket != null) socket.close();
    }
}
