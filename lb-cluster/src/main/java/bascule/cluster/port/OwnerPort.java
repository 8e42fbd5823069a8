package bascule.cluster.port;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.ownership.Beat;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// One UDP port on all addresses, and for each other node a connected socket on the same port, which hears of ICMP port unreachable.
/// The kernel gives a datagram to the socket that fits best, so what strangers send to the port does not fill the queue in which the
/// nodes' beats wait.
public final class OwnerPort implements AutoCloseable {
    /// What [Listener#heard] says of a beat that came by [#received]: to be answered by [#seal].
    public static final int BY_OTHER_TRANSPORT = -1;

    /// What [Listener#heard] says of a beat that came from the node's own address.
    public static final int DIRECT = 0;

    /// The kernel gives what rmem_max allows.
    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    private static final int SOURCES = 4;
    private static final Duration CLOSE_MOST = Duration.ofSeconds(1);
    private static final long FAULT_PAUSE_NANOS = 20_000_000;

    /// @param cluster its name
    /// @param names of the nodes, sorted; 64 at most
    /// @param nodes the owner port of each, in the same order
    /// @param self which of these
    /// @param floatingIps their names, sorted; 64 at most
    public record Settings(
            String cluster,
            List<String> names,
            List<InetSocketAddress> nodes,
            int self,
            List<String> floatingIps,
            ClusterKey key) {
        public Settings {
            names = List.copyOf(names);
            nodes = List.copyOf(nodes);
            floatingIps = List.copyOf(floatingIps);
            if (names.size() != nodes.size() || self < 0 || self >= nodes.size())
                throw new IllegalArgumentException(self + " of " + names + " " + nodes);
            if (names.size() > BeatCodec.NODES_MOST)
                throw new IllegalArgumentException(names.size() + " nodes (expected: 64 at most)");
            if (floatingIps.size() > BeatCodec.FLOATING_IPS_MOST)
                throw new IllegalArgumentException(
                        floatingIps.size() + " floating IPs (expected: 64 at most)");
        }
    }

    /// Told on the port's threads, and on those that call [#received], of each node one thing after the other. Must not block: its node's
    /// next datagram waits.
    public interface Listener {
        /// A beat that is genuine, not a replay, and newer than any heard of this node before. It has no claims if the node's names of
        /// nodes or floating IPs are not ours: then it may own what we know nothing of.
        ///
        /// @param provenNanos what it says was said after this moment of [System#nanoTime]: when we sent the latest challenge that it,
        ///     or a datagram before it, echoed; [bascule.cluster.ownership.Event#UNPROVEN] if none did
        /// @param via for [OwnerPort#answer]
        void heard(int from, Beat beat, long provenNanos, int via);

        /// Nobody listens there: told for each datagram that met no one, up to 200 times a second.
        void unreachable(int node);
    }

    /// What was dropped, since the start.
    ///
    /// @param forged no key of ours opens it
    /// @param replayed seen before, older than the window, or of a boot that is over
    /// @param unknown of a session that is not (any more) known
    /// @param malformed too short or long, of another version, from none of the other nodes, or not for this one
    public record Dropped(long forged, long replayed, long unknown, long malformed) {}

    private final Settings settings;
    private final Listener listener;
    private final Sessions sessions;
    private final DatagramSocket anywhere;
    private final @Nullable DatagramSocket[] connected;
    private final SocketAddress[][] sources; // Of each node the latest few; guarded by itself.
    private final int[] sourcesNext;
    private final UnreachableLimit[] unreachables;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean closed;

    private OwnerPort(Settings settings, Listener listener) throws IOException {
        this.settings = settings;
        this.listener = listener;
        var random = new SecureRandom();
        Sessions.warmUp(settings, random, System.nanoTime());
        this.sessions = new Sessions(settings, random, System.nanoTime());
        int nodes = settings.nodes().size();
        this.connected = new DatagramSocket[nodes];
        this.sources = new SocketAddress[nodes][SOURCES];
        this.sourcesNext = new int[nodes];
        this.unreachables = new UnreachableLimit[nodes];
        for (int i = 0; i < nodes; i++) unreachables[i] = new UnreachableLimit(System.nanoTime());
        for (int i = 0; i < nodes; i++) sources[i][DIRECT] = settings.nodes().get(i);
        InetSocketAddress self = settings.nodes().get(settings.self());
        this.anywhere = new DatagramSocket(null);
        try {
            // Nodes on one host, to try it out, have an address each and the same port.
            bind(anywhere, shares(self) ? self : new InetSocketAddress(self.getPort()), self);
            // From here on until all are bound: two sockets share a port only if both say so.
            anywhere.setReuseAddress(true);
            for (int i = 0; i < nodes; i++) {
                if (i == settings.self()) continue;
                DatagramSocket one = new DatagramSocket(null);
                connected[i] = one;
                one.setReuseAddress(true);
                bind(one, self, self);
                tryConnect(i, one);
            }
            anywhere.setReuseAddress(false); // Nobody else gets in.
            for (DatagramSocket each : connected) if (each != null) each.setReuseAddress(false);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /// Is another node on this host, with the same port?
    private boolean shares(InetSocketAddress self) {
        if (!self.getAddress().isLoopbackAddress()) return false;
        for (InetSocketAddress each : settings.nodes())
            if (each.getPort() == self.getPort() && !each.equals(self)) return true;
        return false;
    }

    private static void bind(DatagramSocket socket, SocketAddress to, InetSocketAddress named)
            throws IOException {
        try {
            socket.setReceiveBufferSize(RECEIVE_BUFFER_BYTES);
            socket.bind(to);
        } catch (IOException e) {
            throw new IOException(
                    "owner port "
                            + named
                            + "/udp: "
                            + e.getMessage()
                            + " (expected: an address of this host, a free port)",
                    e);
        }
    }

    /// @throws IOException if the port cannot be opened, with value and place
    public static OwnerPort open(Settings settings, Listener listener) throws IOException {
        OwnerPort port = new OwnerPort(settings, listener);
        port.start();
        return port;
    }

    private void start() {
        listen("owner-port", -1, anywhere);
        for (int i = 0; i < connected.length; i++) {
            DatagramSocket one = connected[i];
            if (one != null) listen("owner-port-" + settings.names().get(i), i, one);
        }
        long now = System.nanoTime();
        for (int i = 0; i < connected.length; i++)
            if (i != settings.self()) sayHello(i, settings.nodes().get(i), now);
    }

    private void listen(String name, int node, DatagramSocket socket) {
        threads.add(Thread.ofPlatform().name(name).daemon().start(() -> receive(node, socket)));
    }

    /// @return false where there is no way to it now
    private boolean tryConnect(int node, DatagramSocket socket) {
        try {
            socket.connect(settings.nodes().get(node));
            return true;
        } catch (SocketException _) {
            return false;
        }
    }

    /// @param node whose socket this is; -1 = of all
    private void receive(int node, DatagramSocket socket) {
        // One more, to see what is too long.
        byte[] buffer = new byte[Sessions.DATAGRAM_BYTES_MOST + 1];
        var packet = new DatagramPacket(buffer, buffer.length);
        while (!closed) {
            try {
                if (node >= 0 && !socket.isConnected() && !tryConnect(node, socket)) {
                    LockSupport.parkNanos(50 * FAULT_PAUSE_NANOS);
                    continue;
                }
                packet.setLength(buffer.length);
                socket.receive(packet);
                received(socket, packet);
            } catch (PortUnreachableException _) {
                if (node >= 0) unreachable(node);
            } catch (IOException _) { // No way to it now; or the socket is closed.
                LockSupport.parkNanos(FAULT_PAUSE_NANOS);
            } catch (RuntimeException bug) { // A deaf port would be worse than a lost datagram.
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
            }
        }
    }

    private void received(DatagramSocket socket, DatagramPacket packet) throws IOException {
        SocketAddress source = packet.getSocketAddress();
        Sessions.Outcome outcome =
                sessions.receive(
                        packet.getData(),
                        packet.getLength(),
                        packet.getAddress().hashCode(),
                        false,
                        System.nanoTime(),
                        h ->
                                listener.heard(
                                        h.from(),
                                        h.beat(),
                                        h.provenNanos(),
                                        via(h.from(), source)));
        if (!(outcome instanceof Sessions.Outcome.Reply(int to, byte[] reply, boolean byItsWay)))
            return;
        if (byItsWay) socket.send(new DatagramPacket(reply, reply.length, source));
        else transmit(to, reply, settings.nodes().get(to));
    }

    /// Only of genuine ones, so strangers do not push out the nodes.
    private int via(int node, SocketAddress source) {
        SocketAddress[] known = sources[node];
        synchronized (known) {
            int slot = Arrays.asList(known).indexOf(source);
            if (slot < 0) {
                slot = DIRECT + 1 + sourcesNext[node];
                sourcesNext[node] = (sourcesNext[node] + 1) % (SOURCES - 1);
                known[slot] = source;
            }
            return slot;
        }
    }

    /// Seals a beat and sends it to a node's own address. What cannot be sent now is lost: the next beat says the same.
    public void send(int to, Beat beat) {
        send(to, beat, settings.nodes().get(to));
    }

    /// The same, to another address that the node may have: a floating IP.
    public void send(int to, Beat beat, InetSocketAddress where) {
        long now = System.nanoTime();
        sayHello(to, where, now);
        byte[] sealed = sessions.seal(to, beat, now);
        if (sealed != null) transmit(to, sealed, where);
    }

    /// The same, by the way that a beat came.
    ///
    /// @param via not [#BY_OTHER_TRANSPORT]
    public void answer(int to, Beat beat, int via) {
        SocketAddress where;
        synchronized (sources[to]) {
            where = sources[to][via];
        }
        if (where instanceof InetSocketAddress known) send(to, beat, known);
    }

    private void sayHello(int to, InetSocketAddress where, long nowNanos) {
        byte[] hello = sessions.helloIfDue(to, where, nowNanos);
        if (hello != null) transmit(to, hello, where);
    }

    private void transmit(int to, byte[] datagram, InetSocketAddress where) {
        DatagramSocket own = connected[to];
        boolean direct = own != null && own.isConnected() && where.equals(settings.nodes().get(to));
        DatagramSocket socket = direct && own != null ? own : anywhere;
        var packet = new DatagramPacket(datagram, datagram.length, where);
        try {
            try {
                socket.send(packet);
            } catch (PortUnreachableException _) { // Of one before; this one was not sent.
                unreachable(to);
                anywhere.send(packet); // It hears of no other: nobody can take this try, too.
            }
        } catch (IOException _) { // No way there now.
        }
    }

    /// ICMP costs whoever forges it nothing, and us an event each.
    private void unreachable(int node) {
        if (unreachables[node].take(System.nanoTime())) listener.unreachable(node);
    }

    /// Seals a beat for another transport, which calls [#received] at the other end; or gives what the two have to say first.
    public byte[] seal(int to, Beat beat) {
        return sessions.sealOrHello(to, beat, System.nanoTime());
    }

    /// What [#seal] made, or should have; from any thread.
    public void received(byte[] datagram) {
        sessions.receive(
                datagram,
                datagram.length,
                0,
                true,
                System.nanoTime(),
                h -> listener.heard(h.from(), h.beat(), h.provenNanos(), BY_OTHER_TRANSPORT));
    }

    public Dropped dropped() {
        return new Dropped(
                sessions.forged.get(),
                sessions.replayed.get(),
                sessions.unknown.get(),
                sessions.malformed.get());
    }

    /// The port is free again when this returns: the kernel keeps it until nobody waits on it any more.
    @Override
    public void close() {
        closed = true;
        anywhere.close();
        for (DatagramSocket each : connected) if (each != null) each.close();
        for (Thread each : threads) {
            LockSupport.unpark(each);
            if (each == Thread.currentThread()) continue;
            try {
                each.join(CLOSE_MOST);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
