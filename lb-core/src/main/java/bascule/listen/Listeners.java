package bascule.listen;

import bascule.backend.Backend;
import bascule.config.ListenerConfig;
import bascule.config.TlsConfig;
import bascule.http.ClientInfo;
import bascule.net.Transport;
import bascule.observe.Events;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import bascule.server.Server;
import bascule.systemd.PassedSocket;
import bascule.tls.ServerTls;
import bascule.tls.ServerTlsSettings;
import bascule.tls.TicketRing;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// All listeners of the daemon and the addresses they are bound to, from one configuration to the next. Changed by the daemon's
/// thread; what it says may be asked by any.
public final class Listeners {
    /// As long as a handshake may take that has begun: a round trip, and the far ends of the world are 300 ms apart.
    static final long LAST_CLIENTS_MILLIS = 300;

    /// A loop that is stuck does not hold up the end.
    private static final long STUCK_MILLIS = 1000;

    private final Transport transport;
    private final List<Worker> workers;
    private final TicketRing tickets;
    private final @Nullable OwnPorts ownPorts;
    private final @Nullable KeptSockets kept;
    private volatile List<Listener> present = List.of();
    private volatile Map<Key, Bind> binds = Map.of();

    /// These let nobody begin, and are open yet.
    private volatile List<Bind> going = List.of();

    private final Drains drains = new Drains();
    private final Silences silences = new Silences(() -> binds.values());

    /// Removed by a reload, with clients that have not left yet.
    private final List<Listener> leaving = new CopyOnWriteArrayList<>();

    /// An address of the configuration. A port of 0 is another one for everybody who asks.
    private record Key(InetSocketAddress address, String owner) {
        static Key of(ListenerConfig listener, int index) {
            InetSocketAddress address = listener.binds().get(index);
            return new Key(address, address.getPort() == 0 ? listener.name() + "/" + index : "");
        }
    }

    /// Addresses that are bound for a configuration which is not in force yet.
    public static final class Prepared {
        private final Map<Key, Bind> binds;
        private final List<Bind> opened;

        /// By listener.
        private final Map<String, ServerTls> tls;

        private final List<ServerTls> made;

        private Prepared(
                Map<Key, Bind> binds,
                List<Bind> opened,
                Map<String, ServerTls> tls,
                List<ServerTls> made) {
            this.binds = binds;
            this.opened = opened;
            this.tls = tls;
            this.made = made;
        }

        /// It will not come into force.
        public void close() {
            opened.forEach(Bind::close);
            made.forEach(ServerTls::close);
        }
    }

    /// @param workers one per loop, in the loops' order
    /// @param tickets of all listeners with TLS
    /// @param ownPorts by which the daemon comes to see whether it would be served; null = it never does
    /// @param kept what outlives the process; null = nothing does
    public Listeners(
            Transport transport,
            List<Worker> workers,
            TicketRing tickets,
            @Nullable OwnPorts ownPorts,
            @Nullable KeptSockets kept) {
        this.kept = kept;
        this.ownPorts = ownPorts;
        this.transport = transport;
        this.tickets = tickets;
        this.workers = List.copyOf(workers);
    }

    /// Binds what is not bound yet, and makes the TLS that is not made yet; nobody is let in there before [#apply].
    ///
    /// @throws IOException naming listener and address; nothing has changed then
    public Prepared prepare(List<ListenerConfig> next) throws IOException {
        var wanted = new LinkedHashMap<Key, Bind>();
        var opened = new ArrayList<Bind>();
        for (ListenerConfig listener : next) {
            for (int index = 0; index < listener.binds().size(); index++) {
                Key key = Key.of(listener, index);
                if (wanted.containsKey(key)) {
                    opened.forEach(Bind::close);
                    throw new IOException(
                            "listeners.%s.bind: %s is that of another listener too"
                                    .formatted(
                                            listener.name(),
                                            NetUtil.toSocketAddressString(key.address)));
                }
                Bind known = binds.get(key);
                if (known == null) {
                    known = open(listener.name(), index, key, opened);
                    opened.add(known);
                }
                wanted.put(key, known);
            }
        }
        var made = new ArrayList<ServerTls>();
        return new Prepared(wanted, opened, secure(next, opened, made), made);
    }

    private Map<String, ServerTls> secure(
            List<ListenerConfig> next, List<Bind> opened, List<ServerTls> made) throws IOException {
        Map<String, Listener> known = byName();
        var all = new LinkedHashMap<String, ServerTls>();
        for (ListenerConfig config : next) {
            TlsConfig tls = config.tls();
            if (tls == null) continue;
            ServerTlsSettings wanted = ListenerTls.settings(config, tls, tickets);
            Listener listener = known.get(config.name());
            ServerTls before = listener == null ? null : listener.tls();
            if (before != null && before.settings().equals(wanted)) {
                all.put(config.name(), before);
                continue;
            }
            try {
                ServerTls fresh = ServerTls.of(wanted);
                made.add(fresh);
                all.put(config.name(), fresh);
            } catch (SSLException failure) {
                opened.forEach(Bind::close);
                made.forEach(ServerTls::close);
                throw new IOException(
                        "listeners." + config.name() + ".tls: " + failure.getMessage(), failure);
            }
        }
        return all;
    }

    private Bind open(String listener, int index, Key key, List<Bind> openedSoFar)
            throws IOException {
        try {
            boolean isOurs =
                    Stream.concat(binds.values().stream(), openedSoFar.stream())
                                    .anyMatch(bind -> Bind.overlap(bind.address(), key.address))
                            || kept != null && kept.has(key.address);
            List<PassedSocket> passed =
                    kept == null
                            ? List.of()
                            : kept.take(listener, index, Transport.bindable(key.address));
            Bind bind = Bind.open(transport, key.address, isOurs, passed);
            for (int i = 0; kept != null && i < passed.size(); i++)
                kept.adopted(passed.get(i), bind.sockets.get(i));
            if (!passed.isEmpty())
                Events.info(
                        "listening-sockets-adopted",
                        "name",
                        listener,
                        "bind",
                        NetUtil.toSocketAddressString(bind.address()),
                        "sockets",
                        passed.size());
            return bind;
        } catch (IOException failure) {
            openedSoFar.forEach(Bind::close);
            throw new IOException(
                    "listeners." + listener + ".bind: " + failure.getMessage(), failure);
        }
    }

    /// Puts a configuration in force: new listeners exist, others change, no address leads anywhere else than before. Cannot fail.
    ///
    /// @param backends all of the configuration, in the order that routes are compiled against; known to the workers
    public void apply(
            List<ListenerConfig> next,
            Function<ListenerConfig, RouteTable> routes,
            List<Backend> backends,
            Prepared prepared) {
        Map<String, Listener> known = byName();
        var all = new ArrayList<Listener>();
        for (ListenerConfig config : next) {
            Listener listener = known.remove(config.name());
            ServerTls tls = prepared.tls.get(config.name());
            if (listener == null)
                listener =
                        new Listener(
                                config,
                                workers,
                                routes.apply(config),
                                backends,
                                tls,
                                ownPorts,
                                drains);
            else listener.reconfigure(config, routes.apply(config), backends, tls);
            all.add(listener);
        }
        leaving.addAll(known.values());
        present = List.copyOf(all);
    }

    /// Lets clients in at the addresses of the configuration that was applied, and at no other; those of a listener that is gone may
    /// finish what they began.
    public void open(List<ListenerConfig> applied, Prepared prepared) {
        silences.tell(prepared.binds.values()).exceptionally(_ -> null).join();
        for (ListenerConfig config : applied) {
            var from = new ArrayList<Bind>();
            for (int index = 0; index < config.binds().size(); index++) {
                Bind bind = prepared.binds.get(Key.of(config, index));
                if (bind == null) throw new IllegalStateException("not prepared: " + config.name());
                from.add(bind);
            }
            get(config.name()).lead(from);
        }
        List<Bind> gone =
                binds.values().stream()
                        .filter(bind -> !prepared.binds.containsValue(bind))
                        .toList();
        // Clients come in at the new ones already; and those that go are to hear of no silence any
        // more, which would take the place of their own.
        binds = prepared.binds;
        var _ =
                silences.tell(
                        binds.values()); // What began or ended meanwhile is in force at these, too.
        try {
            going = gone;
            if (!gone.isEmpty()) letLastClientsIn(gone);
            if (kept != null) {
                kept.endRest(this::letIn);
                kept.follow(names(applied, prepared));
            }
            gone.forEach(Bind::end);
        } finally {
            going = List.of();
        }
        leaving.forEach(Listener::drain);
    }

    /// Closing a socket resets the clients that wait in its queue, and those who have been told that they may come: so nobody else is told so, and those
    /// are let in first. Who asks meanwhile asks again a second later, and finds the socket that takes its place, if there is one.
    private static void letLastClientsIn(List<Bind> gone) {
        gone.stream().map(Bind::letNoneBegin).toList().forEach(CompletableFuture::join);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STUCK_MILLIS);
        pause(LAST_CLIENTS_MILLIS);
        while (gone.stream().anyMatch(Bind::awaited) && System.nanoTime() - end < 0) pause(1);
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Every socket that is open, by the name that it is kept under: the first of each address, then the second of each, so that if not all can be kept,
    /// each address has one.
    private static Map<String, ServerChannel> names(
            List<ListenerConfig> applied, Prepared prepared) {
        var all = new LinkedHashMap<String, ServerChannel>();
        int most = 0;
        for (Bind bind : prepared.binds.values()) most = Math.max(most, bind.sockets.size());
        for (int socket = 0; socket < most; socket++) {
            for (ListenerConfig config : applied) {
                for (int index = 0; index < config.binds().size(); index++) {
                    Bind bind = prepared.binds.get(Key.of(config, index));
                    if (bind == null || socket >= bind.sockets.size()) continue;
                    String name = config.name() + "." + index + "." + socket;
                    all.put(name, bind.sockets.get(socket));
                }
            }
        }
        return all;
    }

    /// Who waited at a socket that leads nowhere any more goes in where he would if he came now.
    private void letIn(int descriptor) {
        SocketChannel client = transport.adoptClient(descriptor);
        InetSocketAddress local = client.localAddress();
        Listener found = null;
        if (local != null) {
            InetAddress own = ClientInfo.unmapped(local.getAddress());
            for (Listener each : present) {
                for (InetSocketAddress bound : each.addresses()) {
                    if (bound.getPort() != local.getPort()) continue;
                    if (bound.getAddress().equals(own)) found = each;
                    else if (found == null && bound.getAddress().isAnyLocalAddress()) found = each;
                }
            }
        }
        if (found == null) client.unsafe().closeForcibly();
        else found.letIn(client);
    }

    /// Is a client left of a listener that a reload removed?
    public boolean anyLeaving() {
        return leaving.stream().anyMatch(listener -> listener.connections() > 0);
    }

    /// Forgets the removed listeners that no client is left of.
    ///
    /// @return their names, but for those that another listener has now
    public List<String> forgetEmpty() {
        var names = new ArrayList<String>();
        for (Listener listener : List.copyOf(leaving)) {
            if (listener.connections() > 0) continue;
            leaving.remove(listener);
            listener.stop();
            names.add(listener.name());
        }
        names.removeIf(
                name ->
                        present.stream().anyMatch(listener -> listener.name().equals(name))
                                || leaving.stream()
                                        .anyMatch(listener -> listener.name().equals(name)));
        return names;
    }

    /// Has it come into force?
    public boolean isOpen(Prepared prepared) {
        return binds == prepared.binds;
    }

    private Map<String, Listener> byName() {
        var names = new LinkedHashMap<String, Listener>();
        for (Listener listener : present) names.put(listener.name(), listener);
        return names;
    }

    /// Those of the configuration in force, in its order.
    public List<Listener> all() {
        return present;
    }

    public Listener get(String name) {
        for (Listener listener : present) if (listener.name().equals(name)) return listener;
        throw new IllegalArgumentException("no listener " + name);
    }

    /// A server is gone for good.
    public void forget(Server server) {
        for (Listener listener : present) listener.forget(server);
        for (Listener listener : leaving) listener.forget(server);
    }

    /// How many listening sockets are open that a configuration does not want.
    public int socketsBeside(List<ListenerConfig> next) {
        var wanted = new HashSet<Key>();
        for (ListenerConfig listener : next)
            for (int index = 0; index < listener.binds().size(); index++)
                wanted.add(Key.of(listener, index));
        int loops = transport.loops().size();
        int beside = 0;
        for (Map.Entry<Key, Bind> each : binds.entrySet()) {
            int open = each.getValue().sockets.size();
            beside += wanted.contains(each.getKey()) ? Math.max(0, open - loops) : open;
        }
        return beside;
    }

    /// Says to the service manager what it did not take before.
    public void everySecond() {
        if (kept != null) kept.catchUp();
    }

    /// Client connections of all listeners, those of removed ones too.
    public int connections() {
        int sum = 0;
        for (Listener listener : present) sum += listener.connections();
        for (Listener listener : leaving) sum += listener.connections();
        return sum;
    }

    /// Clients who came by this address of our own are to leave: each response is the last of its connection, and who asks for nothing is closed
    /// after a second. Listening goes on, and who comes so is served, and sent away as well. From any thread; does not block.
    ///
    /// @param left called once, on some loop, when those have left who were there: at once if nobody was. Tunnels are not waited for
    public void drain(InetAddress address, Runnable left) {
        synchronized (drains) {
            undrain(address);
            List<Listener> all = new ArrayList<>(present);
            all.addAll(leaving);
            int doors = all.stream().mapToInt(Listener::doors).sum();
            var drain = new AddressDrain(address, doors, left);
            drains.add(drain);
            for (Listener each : all) each.drain(drain);
            if (doors == 0) left.run();
        }
    }

    /// They may stay: after [#drain], or when the address has another owner and is nobody's here. Nothing if nothing was drained.
    public void undrain(InetAddress address) {
        synchronized (drains) {
            for (AddressDrain each : drains.all()) {
                if (!each.address().equals(address)) continue;
                each.end();
                drains.remove(each);
                for (Listener listener : present) listener.undrain(each);
                for (Listener listener : leaving) listener.undrain(each);
            }
        }
    }

    /// Can [#keepSilent] be asked for?
    public boolean canKeepSilent() {
        return transport.kind() != Transport.Kind.NIO;
    }

    /// Who asks for a connection by this address of our own gets no answer, neither yes nor no, and can ask another host: until [#answer]. From any thread.
    ///
    /// @param handshakes are those that are under way dropped too, or may they be finished?
    /// @return once it is so at all doors; exceptionally if it cannot be
    public CompletableFuture<Void> keepSilent(InetAddress address, boolean handshakes) {
        return silences.keep(address, handshakes);
    }

    /// Who asks is let in again; nothing if that was so.
    ///
    /// @return once it is so at all doors
    public CompletableFuture<Void> answer(InetAddress address) {
        return silences.end(address);
    }

    /// From [#keepSilent] until what [#answer] asks for is so. From any thread.
    public boolean isSilent(InetAddress address) {
        return silences.holds(address);
    }

    /// Can it be that who asks for a connection there gets no answer for a moment, because the socket that hears him goes by a reload? From any thread.
    public boolean isGoing(InetSocketAddress address) {
        for (Bind each : going) if (Bind.overlap(each.address(), address)) return true;
        return false;
    }

    /// How many clients who came by an address that is drained have a request that runs. From any thread.
    ///
    /// @param patient count those, too, who have sent nothing of one, and those who were there and have not left in time?
    public CompletableFuture<Integer> inFlight(InetAddress address, boolean patient) {
        List<Listener> all = new ArrayList<>(present);
        all.addAll(leaving);
        var sum = new AtomicInteger();
        List<CompletableFuture<Void>> counted = new ArrayList<>();
        for (Listener each : all) counted.addAll(each.inFlight(address, patient, sum));
        return CompletableFuture.allOf(counted.toArray(CompletableFuture[]::new))
                .thenApply(_ -> sum.get());
    }

    /// Accepts no more; running exchanges go on, each the last on its connection. May be called again, for connections that were being
    /// accepted.
    public void drain() {
        for (Bind bind : binds.values()) bind.close();
        for (Listener listener : present) listener.drain();
        for (Listener listener : leaving) listener.drain();
    }

    /// Will who comes after our end be served by the next process? Then [#drain] is not the way to end, but [#drainPresent] and [#letGo].
    public boolean outlive() {
        return kept != null && kept.count() > 0;
    }

    /// Those who are here leave: running exchanges go on, each the last on its connection. Who comes is let in, and leaves, too. May be called again.
    ///
    /// @return how many are left of those who were here the first time, but for loops that do not answer within a second
    public int drainPresent() {
        var sum = new AtomicInteger();
        List<CompletableFuture<Void>> counted = new ArrayList<>();
        for (Listener each : present) counted.addAll(each.drainPresent(sum));
        for (Listener each : leaving) counted.addAll(each.drainPresent(sum));
        CompletableFuture.allOf(counted.toArray(CompletableFuture[]::new))
                .completeOnTimeout(null, STUCK_MILLIS, TimeUnit.MILLISECONDS)
                .join();
        return sum.get();
    }

    /// Accepts no more; who comes from now on waits for the next process.
    public void letGo() {
        for (Bind bind : binds.values()) bind.close();
    }

    /// Ends what is left.
    public void stop() {
        for (Listener listener : present) listener.stop();
        for (Listener listener : leaving) listener.stop();
    }
}
