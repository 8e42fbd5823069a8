package bascule.cluster;

import bascule.cluster.net.Capabilities;
import bascule.cluster.net.Echo;
import bascule.cluster.net.HostAddresses;
import bascule.cluster.net.Neighbours;
import bascule.cluster.net.Subnets;
import bascule.cluster.ownership.Event;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The floating IPs on this host and its LANs: what ownership wants done to them, and what the kernel and the neighbours say of them. Knows
/// which interface each belongs to and who the witness is, and finds both anew when interfaces change. All of it on the ownership
/// loop's thread; what comes from other threads is handed there.
final class Lan implements AutoCloseable {
    private static final long LOOK_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final List<ClusterSettings.FloatingIp> floatingIps;
    private final @Nullable InetAddress givenWitness;
    private final Consumer<Event> events;
    private final Consumer<Runnable> onLoop;
    private final BiConsumer<String, Object[]> warned;
    private final HostAddresses addresses;
    private final HostLook host;

    /// Interface and neighbours of each floating IP; null where no interface has its subnet.
    private final HostAddresses.@Nullable Interface[] on;

    private final Map<Integer, Neighbours> neighbours = new HashMap<>();
    private final String missing;
    private @Nullable InetAddress witness;
    private @Nullable Neighbours witnessLan;
    private @Nullable InetAddress witnessSource;
    private @Nullable Echo witnessEcho;

    /// Is the witness asked, and has not answered? It may answer the first question since then, so that is the one that counts.
    private boolean asking;

    private long askedNanos;
    private long lookAgainNanos;
    private boolean looking;
    private boolean toldUnknown;

    /// @param events told on the loop's thread
    /// @param onLoop runs something there
    /// @param warned told of an event and its keys and values, on any thread
    /// @throws IOException if the kernel cannot be asked
    Lan(
            List<ClusterSettings.FloatingIp> floatingIps,
            @Nullable InetAddress witness,
            Consumer<Event> events,
            Consumer<Runnable> onLoop,
            BiConsumer<String, Object[]> warned)
            throws IOException {
        this.floatingIps = floatingIps;
        givenWitness = witness;
        this.events = events;
        this.onLoop = onLoop;
        this.warned = warned;
        on = new HostAddresses.Interface[floatingIps.size()];
        missing = floatingIps.isEmpty() ? "" : String.join(", ", Capabilities.missing());
        addresses = HostAddresses.open(new Heard());
        try {
            if (missing.isEmpty() && !floatingIps.isEmpty()) addresses.warmUp();
            host =
                    new HostLook(
                            found -> onLoop.accept(() -> found(found)),
                            failure ->
                                    warned.accept(
                                            "addresses-unreadable",
                                            new Object[] {"cause", text(failure)}));
        } catch (IOException e) {
            addresses.close();
            throw e;
        }
    }

    /// What the kernel says, on its own thread.
    private final class Heard implements HostAddresses.Listener {
        @Override
        public void address(
                InetAddress address, int interfaceIndex, boolean present, boolean tagged) {
            int floatingIp = indexOf(address);
            if (floatingIp >= 0)
                onLoop.accept(() -> addressChanged(floatingIp, interfaceIndex, present));
            else onLoop.accept(Lan.this::look); // A subnet may have come or gone.
        }

        @Override
        public void link(int interfaceIndex, String name, boolean up) {
            onLoop.accept(() -> linkChanged(interfaceIndex, up));
        }

        @Override
        public void lost() {
            onLoop.accept(Lan.this::look);
        }
    }

    /// What the LAN says, on its own thread.
    private final class HeardOnLan implements Neighbours.Listener {
        @Override
        public void claimed(InetAddress address, String hardware) {
            int floatingIp = indexOf(address);
            if (floatingIp >= 0)
                onLoop.accept(() -> events.accept(new Event.Foreign(floatingIp, hardware)));
        }

        @Override
        public void answered(InetAddress address) {
            witnessAnswered();
        }
    }

    private void witnessAnswered() {
        onLoop.accept(
                () -> {
                    if (!asking) return;
                    asking = false;
                    events.accept(new Event.Witness(askedNanos));
                });
    }

    /// Which capabilities are missing, so that no address can be held; empty if none is.
    String missing() {
        return missing;
    }

    /// Takes what an earlier run left on this host off it.
    ///
    /// @param keep indices of floating IPs that are to stay until it is decided who owns them
    /// @return for each floating IP whether it is there
    boolean[] sweep(List<Integer> keep) {
        var there = new boolean[floatingIps.size()];
        if (!missing.isEmpty()) return there;
        try {
            for (HostAddresses.Address each : addresses.list()) {
                if (!each.tagged()) continue;
                int floatingIp = indexOf(each.address());
                if (floatingIp >= 0 && keep.contains(floatingIp)) there[floatingIp] = true;
                else addresses.remove(each.address(), each.interfaceIndex());
            }
        } catch (IOException failure) {
            warned.accept("floating-ip-not-swept", new Object[] {"cause", text(failure)});
        }
        return there;
    }

    /// Finds interfaces and witness anew, soon, and tells of all that there is.
    void look() {
        looking = !host.look();
        lookAgainNanos = System.nanoTime() + LOOK_AGAIN_NANOS;
    }

    private void found(HostLook.Found found) {
        forgetGone(found.interfaces());
        for (int i = 0; i < on.length; i++) look(i, found.interfaces(), found.addresses());
        lookForWitness(found);
    }

    /// An interface that is made anew has another index: what listened on the old one hears nothing any more.
    private void forgetGone(List<HostAddresses.Interface> interfaces) {
        var there = new HashSet<Integer>();
        for (HostAddresses.Interface each : interfaces) there.add(each.index());
        neighbours
                .entrySet()
                .removeIf(
                        each -> {
                            if (there.contains(each.getKey())) return false;
                            if (each.getValue() == witnessLan) forgetWitness();
                            each.getValue().close();
                            return true;
                        });
    }

    private void look(
            int floatingIp,
            List<HostAddresses.Interface> interfaces,
            List<HostAddresses.Address> present) {
        ClusterSettings.FloatingIp wanted = floatingIps.get(floatingIp);
        HostAddresses.Interface found = find(wanted, interfaces, present);
        HostAddresses.Interface before = on[floatingIp];
        on[floatingIp] = found;
        if (found != null && missing.isEmpty()) listen(found);
        if (found == null && wanted.command() == null && before != null)
            warned.accept("floating-ip-without-interface", new Object[] {"name", wanted.name()});
        boolean carrier = found == null ? wanted.command() != null : found.up();
        events.accept(new Event.Carrier(floatingIp, carrier));
        if (found == null) return;
        boolean isHere =
                present.stream()
                        .anyMatch(
                                each ->
                                        each.address().equals(wanted.address())
                                                && each.interfaceIndex() == found.index());
        events.accept(new Event.Present(floatingIp, isHere));
    }

    private static HostAddresses.@Nullable Interface find(
            ClusterSettings.FloatingIp wanted,
            List<HostAddresses.Interface> interfaces,
            List<HostAddresses.Address> present) {
        String name = wanted.interfaceName();
        if (name == null) return Subnets.holding(wanted.address(), present, interfaces);
        for (HostAddresses.Interface each : interfaces) if (each.name().equals(name)) return each;
        return null;
    }

    /// A witness stays one when its route goes: it does not answer then, and a node that lost its routes is one that is cut off.
    private void lookForWitness(HostLook.Found found) {
        InetAddress gateway = found.gateways().isEmpty() ? null : found.gateways().getFirst();
        InetAddress wanted = givenWitness != null ? givenWitness : gateway;
        if (wanted == null) wanted = witness;
        if (wanted == null) {
            if (!toldUnknown && !floatingIps.isEmpty())
                warned.accept(
                        "witness-unknown",
                        new Object[] {"expected", "a default gateway, or cluster.witness"});
            toldUnknown = true;
            events.accept(new Event.WitnessKnown(false));
            return;
        }
        HostAddresses.Interface lan =
                Subnets.holding(wanted, found.addresses(), found.interfaces());
        if (wanted.equals(witness) && (witnessLan != null || witnessEcho != null)) {
            // Who has no address on its LAN any more can be reached by nobody, whatever it hears.
            if (witnessLan != null)
                witnessSource =
                        lan == null ? null : Subnets.source(wanted, lan.index(), found.addresses());
            return;
        }
        forgetWitness();
        witness = wanted;
        events.accept(new Event.WitnessKnown(true));
        if (lan != null && missing.isEmpty()) {
            witnessLan = listen(lan);
            witnessSource = Subnets.source(wanted, lan.index(), found.addresses());
        }
        if (witnessLan == null) {
            try {
                witnessEcho = Echo.open(wanted, this::witnessAnswered);
            } catch (IOException failure) {
                warned.accept(
                        "witness-not-asked",
                        new Object[] {"witness", wanted.getHostAddress(), "cause", text(failure)});
            }
        }
    }

    private void forgetWitness() {
        witnessLan = null;
        witnessSource = null;
        if (witnessEcho != null) witnessEcho.close();
        witnessEcho = null;
    }

    private @Nullable Neighbours listen(HostAddresses.Interface at) {
        Neighbours known = neighbours.get(at.index());
        if (known != null) return known;
        try {
            var watched = new ArrayList<InetAddress>();
            for (ClusterSettings.FloatingIp each : floatingIps) watched.add(each.address());
            Neighbours opened = Neighbours.open(at, watched, new HeardOnLan());
            neighbours.put(at.index(), opened);
            opened.warmUp();
            return opened;
        } catch (IOException failure) {
            warned.accept(
                    "interface-not-open",
                    new Object[] {"interface", at.name(), "cause", text(failure)});
            return null;
        }
    }

    private int indexOf(InetAddress address) {
        for (int i = 0; i < floatingIps.size(); i++)
            if (floatingIps.get(i).address().equals(address)) return i;
        return -1;
    }

    private void addressChanged(int floatingIp, int interfaceIndex, boolean present) {
        HostAddresses.Interface at = on[floatingIp];
        if (at != null && at.index() == interfaceIndex)
            events.accept(new Event.Present(floatingIp, present));
    }

    private void linkChanged(int interfaceIndex, boolean up) {
        for (int i = 0; i < on.length; i++) {
            HostAddresses.Interface at = on[i];
            if (at != null && at.index() == interfaceIndex) events.accept(new Event.Carrier(i, up));
        }
        look();
    }

    /// Every turn of the loop.
    void tick(long nowNanos) {
        if (looking || nowNanos - lookAgainNanos >= 0) look();
    }

    // ---- what ownership wants

    /// @throws IOException if the kernel does not do it
    void take(int floatingIp, long leaseNanos) throws IOException {
        HostAddresses.Interface at = on[floatingIp];
        if (at != null)
            addresses.put(floatingIps.get(floatingIp).address(), at.index(), seconds(leaseNanos));
        else if (floatingIps.get(floatingIp).command() == null)
            throw new IOException("no interface has its subnet");
    }

    void refresh(int floatingIp, long leaseNanos) throws IOException {
        HostAddresses.Interface at = on[floatingIp];
        if (at != null)
            addresses.renew(floatingIps.get(floatingIp).address(), at.index(), seconds(leaseNanos));
    }

    void release(int floatingIp) throws IOException {
        HostAddresses.Interface at = on[floatingIp];
        if (at != null) addresses.remove(floatingIps.get(floatingIp).address(), at.index());
    }

    void announce(int floatingIp) throws IOException {
        Neighbours lan = lanOf(floatingIp);
        if (lan != null) lan.announce(floatingIps.get(floatingIp).address());
    }

    void probe(int floatingIp) throws IOException {
        Neighbours lan = lanOf(floatingIp);
        if (lan != null) lan.probe(floatingIps.get(floatingIp).address());
    }

    private @Nullable Neighbours lanOf(int floatingIp) {
        HostAddresses.Interface at = on[floatingIp];
        return at == null ? null : neighbours.get(at.index());
    }

    void askWitness(long nowNanos) throws IOException {
        InetAddress asked = witness;
        if (asked == null) return;
        if (!asking) askedNanos = nowNanos;
        asking = true;
        InetAddress source = witnessSource;
        if (witnessLan != null && source != null) witnessLan.ask(asked, source);
        else if (witnessEcho != null) witnessEcho.ask();
    }

    /// `203.0.113.10/32 eth0`; null where it is on no interface.
    @Nullable String line(int floatingIp) {
        HostAddresses.Interface at = on[floatingIp];
        InetAddress address = floatingIps.get(floatingIp).address();
        if (at == null) return null;
        return "%s/%d %s"
                .formatted(address.getHostAddress(), 8 * address.getAddress().length, at.name());
    }

    /// Why this node cannot hold it, as far as the host is concerned; empty if it can.
    String obstacle(int floatingIp) {
        if (!missing.isEmpty()) return missing + " missing";
        boolean anywhere = on[floatingIp] != null || floatingIps.get(floatingIp).command() != null;
        return anywhere ? "" : "no interface has the subnet of " + name(floatingIp);
    }

    private String name(int floatingIp) {
        ClusterSettings.FloatingIp each = floatingIps.get(floatingIp);
        return each.address().getHostAddress() + "/" + each.prefix();
    }

    private static int seconds(long nanos) {
        return (int) Math.max(1, Duration.ofNanos(nanos).toSeconds());
    }

    private static String text(IOException failure) {
        return String.valueOf(failure.getMessage());
    }

    @Override
    public void close() {
        host.close();
        forgetWitness();
        neighbours.values().forEach(Neighbours::close);
        addresses.close();
    }
}
