package bascule.listen;

import bascule.net.Transport;
import bascule.observe.Events;
import bascule.systemd.ManagerEnvironment.Passed;
import bascule.systemd.NotifySocket;
import bascule.systemd.PassedSocket;
import io.netty.channel.ServerChannel;
import io.netty.channel.unix.UnixChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Listening sockets that outlive this process: systemd keeps a copy of each, as `LISTENER.BIND.N`, and passes it to the next one, so that clients
/// who come in between wait in the kernel's queue. What was passed is matched by its address, whatever its name: of a listener that has another name
/// now it is just as good. The rest is emptied and ended, for a socket that shares its port and that nobody serves swallows its share of all clients.
///
/// For the daemon's thread; [#count] and [#obstacle] for any.
public final class KeptSockets {
    private static final Pattern OURS = Pattern.compile("(.+\\.\\d+)\\.(\\d{1,9})");

    /// Clients taken off the queue of one socket that nobody serves: more than any queue holds, even while some come.
    private static final int MOST_CLIENTS = 65_536;

    private final @Nullable NotifySocket keeper; // Null = nothing can be kept.
    private final @Nullable String obstacle;
    private final List<PassedSocket> passed = new ArrayList<>();
    private final Map<String, ServerChannel> kept = new LinkedHashMap<>();
    private final Set<String> unclear = new HashSet<>(); // Names that stand for more than one.
    private final Set<Integer> ports =
            new HashSet<>(); // Of what was passed, until all are ours or ended.
    private volatile int count;

    /// Looks at what was passed; what is no listening socket is thrown out.
    ///
    /// @param keeper null = nobody would hear
    /// @param all what this process was started with
    public KeptSockets(@Nullable NotifySocket keeper, List<Passed> all, Transport transport) {
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
        for (Passed each : all) {
            if (!names.add(each.name())) unclear.add(each.name());
            try {
                PassedSocket socket = PassedSocket.of(each);
                passed.add(socket);
                ports.add(socket.address().getPort());
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
    }

    /// How many the manager keeps.
    public int count() {
        return count;
    }

    /// Why none is kept; null if they are.
    public @Nullable String obstacle() {
        return obstacle;
    }

    /// May a socket that shares this port be one of ours?
    boolean has(int port) {
        return ports.contains(port);
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
                            && socket.isIpv6() == (wanted.getAddress().getAddress().length == 16)
                            && socket.address().getAddress().equals(wanted.getAddress())
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

    private static int index(PassedSocket socket) {
        Matcher name = OURS.matcher(socket.name());
        return name.matches() ? Integer.parseInt(name.group(2)) : Integer.MAX_VALUE;
    }

    /// One that was passed is served from now on.
    void adopted(PassedSocket socket, ServerChannel channel) {
        if (!unclear.contains(socket.name())) kept.put(socket.name(), channel);
        count = kept.size();
    }

    /// Ends what was passed and nobody took. To be called once all that is wanted is open.
    ///
    /// @param client told of each that waited there; its descriptor is the callee's
    void endRest(IntConsumer client) {
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
        ports.clear();
        unclear.forEach(this::forget);
        unclear.clear();
    }

    /// Has the manager keep these and no others. What is to be closed is closed after this.
    ///
    /// @param wanted by name
    void follow(Map<String, ServerChannel> wanted) {
        NotifySocket manager = keeper;
        if (obstacle != null || manager == null) return;
        // All names that are given up first: one may be another's now.
        for (Iterator<Map.Entry<String, ServerChannel>> each = kept.entrySet().iterator();
                each.hasNext(); ) {
            Map.Entry<String, ServerChannel> known = each.next();
            if (wanted.get(known.getKey()) == known.getValue()) continue;
            each.remove();
            forget(known.getKey());
        }
        wanted.forEach(
                (name, socket) -> {
                    if (kept.containsKey(name)) return;
                    try {
                        manager.keep(name, ((UnixChannel) socket).fd().intValue());
                        kept.put(name, socket);
                    } catch (IOException failure) {
                        Events.warn("listening-socket-not-kept", "name", name, "cause", failure);
                    }
                });
        count = kept.size();
    }

    private void forget(String name) {
        NotifySocket manager = keeper;
        if (manager == null) return;
        try {
            manager.forget(name);
        } catch (IOException failure) {
            Events.warn("listening-socket-not-forgotten", "name", name, "cause", failure);
        }
    }
}
