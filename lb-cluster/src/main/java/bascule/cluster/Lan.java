package bascule.cluster;

import bascule.cluster.net.Capabilities;
import bascule.cluster.net.Echo;
import bascule.cluster.net.HostAddresses;
import bascule.cluster.net.Neighbours;
import bascule.cluster.net.Newcomers;
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
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The floating IPs on this host and its LANs: what ownership wants done to them, and what the kernel and the neighbours say of them. Knows
/// which interface each belongs to and who the witness is, and finds both anew when interfaces change. All of it on the ownership
/// loop's thread; what comes from other threads is handed there.
final class Lan implements AutoCloseable {
    private static final long LOOK_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

    /// After a hand-over, so long clients are led to the new owner who come here still.
    private static final long LED_NANOS = TimeUnit.SECONDS.toNanos(3);

    /// For so long an interface stays that of a floating IP after nothing on it says so any more: who replaces the addresses of a host deletes
    /// them first, and a look may fall in between.
    static final long ADDRESSES_REPLACED_NANOS = TimeUnit.SECONDS.toNanos(1);

    /// [Echo#open]; a test may refuse it.
    interface Echoes {
        Echo open(InetAddress witness, Runnable answered) throws IOException;
    }

    private final List<ClusterSettings.FloatingIp> floatingIps;
    private final @Nullable InetAddress givenWitness;
    private final Consumer<Event> events;
    private final Consumer<Runnable> onLoop;
    private final BiConsumer<String, Object[]> warned;
    private final Echoes echoes;
    private final HostAddresses addresses;
    private final HostLook host;

    /// Interface and neighbours of each floating IP; null where no interface has its subnet.
    private final HostAddresses.@Nullable Interface[] on;

    /// When a look first found nothing there that says so any more; 0 = it does.
    private final long[] lostNanos;

    /// On which interfaces each floating IP is, and is ours: where it is put, and where the kernel says it is. Only there it may be taken off.
    private final List<Set<Integer>> placed = new ArrayList<>();

    /// Where it is, and is not ours; null where it is not.
    private final @Nullable String[] foreign;

    private final Map<Integer, Neighbours> neighbours = new HashMap<>();

    /// Of floating IPs that are handed over.
    private final AtomicReferenceArray<@Nullable Newcomers> newcomers;

    /// Until when each of them is led.
    private final long[] ledNanos;

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
    private boolean toldNotAsked;

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
        this(
                floatingIps,
                witness,
                floatingIps.isEmpty() ? "" : String.join(", ", Capabilities.missing()),
                Echo::open,
                events,
                onLoop,
                warned);
    }

    /// @param missing capabilities
    Lan(
            List<ClusterSettings.FloatingIp> floatingIps,
            @Nullable InetAddress witness,
            String missing,
            Echoes echoes,
            Consumer<Event> events,
            Consumer<Runnable> onLoop,
            BiConsumer<String, Object[]> warned)
            throws IOException {
        this.missing = missing;
        this.floatingIps = floatingIps;
        givenWitness = witness;
        this.echoes = echoes;
        this.events = events;
        this.onLoop = onLoop;
        this.warned = warned;
        on = new HostAddresses.Interface[floatingIps.size()];
        lostNanos = new long[floatingIps.size()];
        foreign = new String[floatingIps.size()];
        for (int i = 0; i < on.length; i++) placed.add(new TreeSet<>());
        newcomers = new AtomicReferenceArray<>(floatingIps.size());
        ledNanos = new long[floatingIps.size()];
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
            if (floatingIp >= 0 && tagged)
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
            if (floatingIp < 0) return;
            Newcomers waiting = newcomers.get(floatingIp);
            if (waiting != null) lead(waiting, hardware); // First: a client waits.
            onLoop.accept(() -> events.accept(new Event.Foreign(floatingIp, hardware)));
        }

        @Override
        public void answered(InetAddress address) {
            witnessAnswered();
        }
    }

    private void lead(Newcomers waiting, String hardware) {
        try {
            waiting.announced(hardware);
        } catch (IOException failure) {
            warned.accept("newcomers-not-led", new Object[] {"cause", text(failure)});
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

    /// Which capabilities are missing, so that an address cannot be held; empty if none is, or none is needed.
    String missing() {
        return floatingIps.stream().allMatch(each -> each.command() != null) ? "" : missing;
    }

    /// Takes what an earlier run left on this host off it. What another daemon on this host has put there stays: the tag is of the product,
    /// not of the cluster.
    ///
    /// @param keep indices of floating IPs that are to stay until it is decided who owns them
    /// @param earlier addresses of an earlier run that are not floating IPs any more
    /// @return for each floating IP whether it is there
    boolean[] sweep(List<Integer> keep, Set<InetAddress> earlier) {
        var there = new boolean[floatingIps.size()];
        if (!missing.isEmpty()) return there;
        try {
            for (HostAddresses.Address each : addresses.list()) {
                int floatingIp = indexOf(each.address());
                if (!each.tagged() || floatingIp < 0 && !earlier.contains(each.address())) continue;
                if (floatingIp >= 0) placed.get(floatingIp).add(each.interfaceIndex());
                boolean kept = keep.contains(floatingIp) && !isByCommand(floatingIp);
                if (kept) there[floatingIp] = true;
                else sweep(each, floatingIp);
            }
        } catch (IOException failure) {
            warned.accept("floating-ip-not-swept", new Object[] {"cause", text(failure)});
        }
        return there;
    }

    private void sweep(HostAddresses.Address what, int floatingIp) {
        try {
            addresses.remove(what.address(), what.interfaceIndex());
            if (floatingIp >= 0) placed.get(floatingIp).remove(what.interfaceIndex());
        } catch (IOException failure) { // The others have to go all the same.
            warned.accept("floating-ip-not-swept", new Object[] {"cause", text(failure)});
        }
    }

    private boolean isByCommand(int floatingIp) {
        return floatingIps.get(floatingIp).command() != null;
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
        if (isByCommand(floatingIp)) { // It is wherever the command puts it.
            events.accept(new Event.Carrier(floatingIp, true));
            return;
        }
        var ours = new TreeSet<Integer>();
        HostAddresses.Address other = null;
        for (HostAddresses.Address each : present) {
            if (!each.address().equals(wanted.address())) continue;
            if (isOurs(each, floatingIp)) ours.add(each.interfaceIndex());
            else other = each;
        }
        placed.set(floatingIp, ours);
        lookAtForeign(floatingIp, other, interfaces);
        HostAddresses.Interface found = find(floatingIp, interfaces, present);
        HostAddresses.Interface before = on[floatingIp];
        if (found != null || before == null) lostNanos[floatingIp] = 0;
        else found = keptMeanwhile(floatingIp, before, interfaces);
        on[floatingIp] = found;
        if (found != null && missing.isEmpty()) listen(found);
        if (found == null && before != null)
            warned.accept("floating-ip-without-interface", new Object[] {"name", wanted.name()});
        events.accept(new Event.Carrier(floatingIp, found != null && found.up()));
        if (found != null)
            events.accept(new Event.Present(floatingIp, ours.contains(found.index())));
    }

    /// By the tag; a kernel before Linux 5.18 keeps none.
    private boolean isOurs(HostAddresses.Address address, int floatingIp) {
        if (address.tagged()) return true;
        return placed.get(floatingIp).contains(address.interfaceIndex())
                && address.prefix() == 8 * address.address().getAddress().length
                && address.leaseSeconds() >= 0;
    }

    /// What an operator or another program has put on this host is never touched, and nobody can take it away from here.
    private void lookAtForeign(
            int floatingIp,
            HostAddresses.@Nullable Address other,
            List<HostAddresses.Interface> interfaces) {
        if (other == null) {
            foreign[floatingIp] = null;
            return;
        }
        String where = Integer.toString(other.interfaceIndex());
        for (HostAddresses.Interface each : interfaces)
            if (each.index() == other.interfaceIndex()) where = each.name();
        String before = foreign[floatingIp];
        foreign[floatingIp] =
                other.address().getHostAddress() + "/" + other.prefix() + " on " + where;
        if (before != null) return;
        warned.accept(
                "floating-ip-foreign-on-host",
                new Object[] {
                    "name",
                    floatingIps.get(floatingIp).name(),
                    "interface",
                    where,
                    "prefix",
                    other.prefix(),
                    "expected",
                    "an address that nobody but the cluster puts on a host"
                });
    }

    /// Where it is ours and the link lives it can stay, though the subnet be gone.
    private HostAddresses.@Nullable Interface find(
            int floatingIp,
            List<HostAddresses.Interface> interfaces,
            List<HostAddresses.Address> present) {
        ClusterSettings.FloatingIp wanted = floatingIps.get(floatingIp);
        String name = wanted.interfaceName();
        if (name != null) return named(name, interfaces);
        HostAddresses.Interface found = Subnets.holding(wanted.address(), present, interfaces);
        if (found != null) return found;
        for (HostAddresses.Interface each : interfaces)
            if (each.up() && placed.get(floatingIp).contains(each.index())) return each;
        return null;
    }

    private HostAddresses.@Nullable Interface keptMeanwhile(
            int floatingIp,
            HostAddresses.Interface before,
            List<HostAddresses.Interface> interfaces) {
        long now = System.nanoTime();
        if (lostNanos[floatingIp] == 0) lostNanos[floatingIp] = now;
        if (now - lostNanos[floatingIp] >= ADDRESSES_REPLACED_NANOS) return null;
        looking = true; // Until it is so again, or the time is over.
        return named(before.name(), interfaces);
    }

    private static HostAddresses.@Nullable Interface named(
            String name, List<HostAddresses.Interface> interfaces) {
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
            events.accept(new Event.WitnessKnown(false, false));
            return;
        }
        HostAddresses.Interface lan =
                Subnets.holding(wanted, found.addresses(), found.interfaces());
        boolean isAsked = wanted.equals(witness) && (witnessLan != null || witnessEcho != null);
        if (!isAsked) openWitness(wanted, lan);
        // Who has no address on its LAN any more can be reached by nobody, whatever it hears.
        if (witnessLan != null)
            witnessSource =
                    lan == null ? null : Subnets.source(wanted, lan.index(), found.addresses());
        boolean canBeAsked = witnessLan != null ? witnessSource != null : witnessEcho != null;
        events.accept(new Event.WitnessKnown(true, canBeAsked));
    }

    /// @param lan that it is on; null = none of ours
    private void openWitness(InetAddress wanted, HostAddresses.@Nullable Interface lan) {
        forgetWitness();
        witness = wanted;
        if (lan != null && missing.isEmpty()) witnessLan = listen(lan);
        if (witnessLan == null) {
            try {
                witnessEcho = echoes.open(wanted, this::witnessAnswered);
            } catch (IOException failure) { // It is tried at each look.
                if (!toldNotAsked) tellNotAsked(wanted, failure);
                toldNotAsked = true;
                return;
            }
        }
        toldNotAsked = false;
    }

    private void tellNotAsked(InetAddress wanted, IOException failure) {
        warned.accept(
                "witness-not-asked",
                new Object[] {"witness", wanted.getHostAddress(), "cause", text(failure)});
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
        if (present) placed.get(floatingIp).add(interfaceIndex);
        else placed.get(floatingIp).remove(interfaceIndex);
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
        for (int i = 0; i < ledNanos.length; i++)
            if (newcomers.get(i) != null && nowNanos - ledNanos[i] >= 0) forgetNewcomers(i);
    }

    // ---- clients who come while it changes hands

    /// Keeps what asks for connections to it, until its new owner is heard.
    ///
    /// @param mostNanos so long at most, unless [#leave] follows
    /// @throws IOException if that cannot be
    void holdNewcomers(int floatingIp, long mostNanos) throws IOException {
        HostAddresses.Interface at = on[floatingIp];
        if (at == null || !missing.isEmpty() || !neighbours.containsKey(at.index()))
            throw new IOException("no LAN on which it is announced");
        forgetNewcomers(floatingIp);
        newcomers.set(floatingIp, Newcomers.open(at, floatingIps.get(floatingIp).address()));
        ledNanos[floatingIp] = System.nanoTime() + mostNanos;
    }

    /// It is another's turn: who announces it now is the one to whom all are led.
    void leave(int floatingIp, long inviteNanos) {
        Newcomers waiting = newcomers.get(floatingIp);
        if (waiting == null) return;
        waiting.leave();
        ledNanos[floatingIp] = System.nanoTime() + inviteNanos + LED_NANOS;
    }

    /// It is this node's anew, or was not handed over at all.
    void forgetNewcomers(int floatingIp) {
        Newcomers waiting = newcomers.getAndSet(floatingIp, null);
        if (waiting == null) return;
        waiting.close();
        Newcomers.Counts counts = waiting.counts();
        if (counts.dropped() > 0)
            warned.accept(
                    "newcomers-dropped",
                    new Object[] {
                        "name",
                        floatingIps.get(floatingIp).name(),
                        "led",
                        counts.relayed(),
                        "dropped",
                        counts.dropped()
                    });
    }

    /// Are clients led to another node?
    boolean leads() {
        for (int i = 0; i < ledNanos.length; i++) if (newcomers.get(i) != null) return true;
        return false;
    }

    // ---- what ownership wants

    /// @throws IOException if the kernel does not do it
    void take(int floatingIp, long leaseNanos) throws IOException {
        if (isByCommand(floatingIp)) return;
        Newcomers led = newcomers.get(floatingIp);
        if (led != null) led.stop();
        HostAddresses.Interface at = on[floatingIp];
        if (at == null) throw new IOException("no interface has its subnet");
        String other = foreign[floatingIp];
        if (other != null) throw new IOException(other + " is there, and is not ours");
        placed.get(floatingIp).add(at.index()); // Whatever the answer is, it may be there now.
        addresses.put(floatingIps.get(floatingIp).address(), at.index(), seconds(leaseNanos));
        removeBut(floatingIp, at.index());
    }

    void refresh(int floatingIp, long leaseNanos) throws IOException {
        HostAddresses.Interface at = on[floatingIp];
        if (at != null)
            addresses.renew(floatingIps.get(floatingIp).address(), at.index(), seconds(leaseNanos));
    }

    /// Wherever it is: its interface may have lost its subnet or its name since it was put there.
    void release(int floatingIp) throws IOException {
        removeBut(floatingIp, -1);
    }

    private void removeBut(int floatingIp, int stays) throws IOException {
        IOException first = null;
        for (int each : List.copyOf(placed.get(floatingIp))) {
            if (each == stays) continue;
            try {
                addresses.remove(floatingIps.get(floatingIp).address(), each);
                placed.get(floatingIp).remove(each);
            } catch (IOException failure) {
                if (first == null) first = failure;
            }
        }
        if (first != null) throw first;
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
        if (isByCommand(floatingIp)) return "";
        if (!missing.isEmpty()) return missing + " missing";
        String other = foreign[floatingIp];
        if (other != null) return other + " is not ours";
        if (on[floatingIp] != null) return "";
        String wanted = floatingIps.get(floatingIp).interfaceName();
        return wanted != null
                ? "no interface " + wanted
                : "no interface has an address in the subnet of " + name(floatingIp);
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
        for (int i = 0; i < ledNanos.length; i++) forgetNewcomers(i);
        neighbours.values().forEach(Neighbours::close);
        addresses.close();
    }
}
