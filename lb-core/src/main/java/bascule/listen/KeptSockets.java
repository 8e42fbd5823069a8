package bascule.listen;

import bascule.net.SegmentFilter;
import bascule.net.Transport;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.systemd.ManagerEnvironment;
import bascule.systemd.ManagerEnvironment.Passed;
import bascule.systemd.NotifySocket;
import bascule.systemd.PassedSocket;
import io.netty.channel.ServerChannel;
import io.netty.channel.unix.UnixChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Listening sockets that outlive this process: systemd keeps a copy of each, as `LISTENER.BIND.N`, and passes it to the next one, so that clients
/// who come in between wait in the kernel's queue. What was passed is matched by its address, whatever its name: of a listener that has another name
/// now it is just as good. The rest is emptied and ended, for a socket that shares its port and that nobody serves swallows its share of all clients.
///
/// The manager is never waited for but for [#PATIENCE_MILLIS]: what it does not take is said again by [#catchUp]. It drops what is above its limit and says
/// nothing, so no more is sent, and it says nothing of what it has done either, so a barrier behind all shows that it has. Where the limit is not its own
/// word a probe goes before that: if the store had no place for it, it may have had none for what came before.
///
/// For the daemon's thread; [#count], [#stored] and [#obstacle] for any.
public final class KeptSockets implements AutoCloseable {
    static final long PATIENCE_MILLIS = 100;
    private static final long BUSY_PAUSE_MILLIS = 1;

    /// The name of what is kept to see whether it is; no socket's, for it has no dot.
    static final String PROBE = "bascule-probe";

    private static final String DROPPED =
            "the service manager drops what is sent: FileDescriptorStoreMax= of the unit is less than BASCULE_FDSTORE says (expected: the same)";

    private static final Pattern OURS = Pattern.compile("(.+\\.\\d+)\\.(\\d{1,9})");

    /// Clients taken off the queue of one socket that nobody serves: more than any queue holds, even while some come.
    private static final int MOST_CLIENTS = 65_536;

    private static final Duration TELL_EVERY = Duration.ofSeconds(10);

    private final @Nullable NotifySocket keeper; // Null = nothing can be kept.
    private final @Nullable String obstacle;
    private final int limit;
    private final boolean limitTold;
    private final List<PassedSocket> passed = new ArrayList<>();
    private final Map<String, ServerChannel> kept = new LinkedHashMap<>(); // It was told so.
    private Map<String, ServerChannel> wanted = Map.of();
    private final Set<String> owed = new LinkedHashSet<>(); // To be forgotten; before what is kept.
    private final LimitedEvent late = new LimitedEvent(TELL_EVERY);
    private NotifySocket.@Nullable FarEnd probe; // Behind all that is to be kept.
    private NotifySocket.@Nullable FarEnd barrier; // Behind all that was said.
    private boolean unconfirmed;
    private boolean dropped; // It has shown that it does not keep all of it.
    private int open; // Of all that is wanted, over the limit too.
    private final Set<String> unclear = new HashSet<>(); // Names that stand for more than one.
    private final Set<InetSocketAddress> passedAddresses =
            new HashSet<>(); // Until all are ours or ended.
    private volatile int count;
    private volatile int stored;
    private volatile @Nullable String lacking;

    /// Looks at what was passed; what is no listening socket is thrown out.
    ///
    /// @param keeper null = nobody would hear
    /// @param told what this process was started with
    public KeptSockets(
            @Nullable NotifySocket keeper, ManagerEnvironment told, Transport transport) {
        limitTold = told.storeLimitTold();
        limit = limitTold ? told.storeLimit() : Math.max(0, told.storeLimit() - 1); // The probe's.
        obstacle =
                keeper == null
                        ? "NOTIFY_SOCKET cannot be used"
                        : transport.kind() == Transport.Kind.EPOLL
                                ? null
                                : "transport is %s (expected: epoll)"
                                        .formatted(
                                                transport.kind() == Transport.Kind.NIO
                                                        ? "nio"
                                                        : "io-uring");
        this.keeper = keeper;
        var names = new HashSet<String>();
        for (Passed each : told.passed()) {
            if (each.name().equals(PROBE)) { // Who put it there was killed before it looked.
                PassedSocket.close(each.fd());
                forget(PROBE);
                continue;
            }
            if (!names.add(each.name())) unclear.add(each.name());
            try {
                PassedSocket socket = PassedSocket.of(each);
                passed.add(socket);
                passedAddresses.add(socket.address());
            } catch (IOException what) {
                PassedSocket.close(each.fd());
                forget(each.name());
                Events.warn(
                        "descriptor-not-ours",
                        "name",
                        each.name(),
                        "is",
                        String.valueOf(what.getMessage()),
                        "expected",
                        "a listening TCP socket LISTENER.BIND.N");
            }
        }
        if (obstacle == null) return;
        Events.info("listening-sockets-not-kept", "reason", obstacle);
        endRest(PassedSocket::close); // Before anything else is bound there.
        catchUp();
    }

    /// How many the manager was asked to keep.
    public int count() {
        return count;
    }

    /// How many it is known to keep.
    public int stored() {
        return stored;
    }

    /// Why not all are kept; null if they are.
    public @Nullable String obstacle() {
        return obstacle != null ? obstacle : lacking;
    }

    /// Has one been passed that overlaps with this address, and may be open still?
    boolean has(InetSocketAddress address) {
        return passedAddresses.stream().anyMatch(each -> Bind.overlap(each, address));
    }

    /// What was passed of an address; the caller's from now on.
    ///
    /// @param wanted to be bound; port 0 = that of the same bind of the same listener before
    List<PassedSocket> take(String listener, int bind, InetSocketAddress wanted) {
        var found = new ArrayList<PassedSocket>();
        for (Iterator<PassedSocket> each = passed.iterator(); each.hasNext(); ) {
            PassedSocket socket = each.next();
            Matcher name = OURS.matcher(socket.name());
            boolean fits =
                    name.matches()
                            && isBoundTo(socket, wanted.getAddress())
                            && (wanted.getPort() == 0
                                    ? name.group(1).equals(listener + "." + bind)
                                    : socket.address().getPort() == wanted.getPort());
            if (!fits) continue;
            boolean isAnother =
                    wanted.getPort() == 0
                            && !found.isEmpty()
                            && found.getFirst().address().getPort() != socket.address().getPort();
            if (isAnother) continue;
            found.add(socket);
            each.remove();
        }
        found.sort(Comparator.comparingInt(KeptSockets::index));
        return found;
    }

    /// Of its family, and on its link: `equals` takes an address for the same on all links.
    static boolean isBoundTo(PassedSocket socket, InetAddress wanted) {
        InetAddress bound = socket.address().getAddress();
        return socket.isIpv6() == (wanted.getAddress().length == 16)
                && bound.equals(wanted)
                && scope(bound) == scope(wanted);
    }

    private static int scope(InetAddress address) {
        return address instanceof Inet6Address link ? link.getScopeId() : 0;
    }

    private static int index(PassedSocket socket) {
        Matcher name = OURS.matcher(socket.name());
        return name.matches() ? Integer.parseInt(name.group(2)) : Integer.MAX_VALUE;
    }

    /// One that was passed is served from now on.
    void adopted(PassedSocket socket, ServerChannel channel) {
        if (!unclear.contains(socket.name())) kept.put(socket.name(), channel);
        count = kept.size();
        stored = count;
    }

    /// Ends what was passed and nobody took. To be called once all that is wanted is open.
    ///
    /// @param client told of each that waited there; its descriptor is the callee's
    void endRest(IntConsumer client) {
        if (obstacle == null && !passed.isEmpty()) { // Else clients are cut anyway.
            // Who has been told that he may come comes within that time, and nobody is told so any
            // more.
            ByteBuffer none = SegmentFilter.NO_NEWCOMERS.instructions();
            for (PassedSocket socket : passed) letNoneBegin(socket, none);
            Listeners.pause(Listeners.LAST_CLIENTS_MILLIS);
        }
        for (PassedSocket socket : passed) {
            if (!unclear.contains(socket.name())) forget(socket.name());
            int clients = 0;
            for (int next; clients < MOST_CLIENTS && (next = socket.accept()) >= 0; clients++)
                client.accept(next);
            socket.end();
            Events.warn(
                    "listening-socket-ended",
                    "name",
                    socket.name(),
                    "bind",
                    NetUtil.toSocketAddressString(socket.address()),
                    "clients",
                    clients,
                    "reason",
                    obstacle == null ? "no listener is bound there" : obstacle);
        }
        passed.clear();
        passedAddresses.clear();
        unclear.forEach(this::forget);
        unclear.clear();
    }

    private static void letNoneBegin(PassedSocket socket, ByteBuffer none) {
        try {
            socket.filter(none);
        } catch (IOException failure) { // Who comes in the last moment is reset, no more.
            Events.debug("newcomers-not-held", "cause", failure);
        }
    }

    /// Has the manager keep these and no others, or as many of the first as it can.
    ///
    /// @param all by name
    void follow(Map<String, ServerChannel> all) {
        if (obstacle != null) return;
        var within = new LinkedHashMap<String, ServerChannel>();
        all.forEach(
                (name, socket) -> {
                    if (within.size() < limit) within.put(name, socket);
                });
        wanted = within;
        if (all.size() != open && all.size() > limit)
            Events.warn(
                    "listening-sockets-not-kept",
                    "sockets",
                    all.size(),
                    "kept",
                    limit,
                    "reason",
                    overLimit(all.size()));
        open = all.size();
        for (Iterator<Map.Entry<String, ServerChannel>> each = kept.entrySet().iterator();
                each.hasNext(); ) {
            Map.Entry<String, ServerChannel> known = each.next();
            if (wanted.get(known.getKey()) == known.getValue()) continue;
            each.remove();
            forget(known.getKey());
        }
        if (probe != null) forget(PROBE); // There is one place for one.
        catchUp();
    }

    private String overLimit(int sockets) {
        return "there are %d, one for each bind and loop (expected: at most %d, as FDSTORE says, or one less than BASCULE_FDSTORE; FileDescriptorStoreMax= of the unit sets the one, Environment= the other, for systemd before 254)"
                .formatted(sockets, limit);
    }

    private void forget(String name) {
        if (keeper != null) owed.add(name);
    }

    /// Says to the manager what it did not take before, and looks whether it has done all.
    void catchUp() {
        NotifySocket manager = keeper;
        if (manager == null) return;
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        try {
            if (!say(manager, end))
                late.warn("listening-sockets-kept-late", "cause", "the service manager is busy");
            else if (unconfirmed) confirm(manager, end);
        } catch (IOException failure) {
            late.warn("listening-sockets-kept-late", "cause", failure);
        }
        count = kept.size();
        if (unconfirmed || !owed.isEmpty() || count != wanted.size()) {
            stored = Math.min(stored, count);
            lacking =
                    "the service manager has not shown that it keeps them: %d of %d told, %d to be forgotten"
                            .formatted(count, wanted.size(), owed.size());
        } else if (dropped) {
            stored = Math.min(stored, count); // What it passed it has.
            lacking = DROPPED;
        } else {
            stored = count;
            lacking = open > limit ? overLimit(open) : null;
        }
    }

    /// All that is to be forgotten first: a name may be another's now, and what is kept under an old one stays under that.
    ///
    /// @return was all taken?
    private boolean say(NotifySocket manager, long end) throws IOException {
        for (Iterator<String> each = owed.iterator(); each.hasNext(); ) {
            String name = each.next();
            while (!manager.forget(name)) if (!pause(end)) return false;
            said();
            each.remove();
        }
        for (Map.Entry<String, ServerChannel> each : wanted.entrySet()) {
            if (kept.containsKey(each.getKey())) continue;
            int descriptor = ((UnixChannel) each.getValue()).fd().intValue();
            while (!manager.keep(each.getKey(), descriptor)) if (!pause(end)) return false;
            said();
            kept.put(each.getKey(), each.getValue());
        }
        return true;
    }

    /// What was to show that all is done shows nothing any more.
    private void said() {
        unconfirmed = true;
        close();
    }

    private void confirm(NotifySocket manager, long end) throws IOException {
        boolean isProved = limitTold || kept.isEmpty();
        while (!isProved && probe == null && (probe = manager.probe(PROBE)) == null)
            if (!pause(end)) return;
        while (barrier == null && (barrier = manager.barrier()) == null) if (!pause(end)) return;
        NotifySocket.FarEnd behind = barrier;
        long millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (behind == null || !behind.isClosed((int) Math.max(0, millis))) return;
        boolean before = dropped;
        dropped = probe != null && probe.isClosed(0);
        close();
        unconfirmed = false;
        if (dropped && !before)
            Events.warn(
                    "listening-sockets-not-kept",
                    "sockets",
                    open,
                    "kept",
                    Math.min(stored, kept.size()),
                    "reason",
                    DROPPED);
        if (isProved) return;
        owed.add(PROBE);
        if (manager.forget(PROBE)) owed.remove(PROBE);
    }

    /// @return false if it is over
    private static boolean pause(long end) {
        if (System.nanoTime() - end >= 0) return false;
        Listeners.pause(BUSY_PAUSE_MILLIS);
        return true;
    }

    /// Waits for the manager no more. What it keeps it keeps.
    @Override
    public void close() {
        if (probe != null) probe.close();
        if (barrier != null) barrier.close();
        probe = null;
        barrier = null;
    }
}
