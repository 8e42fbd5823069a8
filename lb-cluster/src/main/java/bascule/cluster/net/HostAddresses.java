package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Errno;
import bascule.libc.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The addresses of this host by rtnetlink(7). What this class puts there carries our tag (`IFA_PROTO`), a prefix of full length and a
/// lifetime after which the kernel takes it away. Calls block until the kernel has answered, and exclude each other.
public final class HostAddresses implements AutoCloseable {
    /// Our `IFA_PROTO` (if_addr.h): no one else's in the kernel's list.
    public static final int TAG = 0xba;

    private static final int NETLINK_ROUTE = 0;

    /// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
    private static final int GROUPS = 0x1 | 0x10 | 0x100;

    private static final int BUFFER = 64 << 10; // The kernel sends 32 KiB at most.
    private static final int SUBSCRIPTION_BUFFER = 1 << 20;
    private static final int ANSWER_SECONDS = 2;
    private static final int DUMPS = 10;
    private static final int IFF_UP = 0x1;
    private static final int IFF_LOOPBACK = 0x8;
    private static final int IFF_LOWER_UP = 0x10000;

    /// No interface has it: ifindex is handed out upwards from 1.
    private static final int NO_INTERFACE = Integer.MAX_VALUE;

    /// Told on a thread of this class; must not block.
    public interface Listener {
        /// An address came or went, or its tag did; whoever did it. A renewed lease is no news.
        void address(InetAddress address, int interfaceIndex, boolean present, boolean tagged);

        /// An interface came, went, lost its carrier or got it back; or something else about it changed.
        ///
        /// @param up is it up, with a carrier (IFF_UP and IFF_LOWER_UP)?
        void link(int interfaceIndex, String name, boolean up);

        /// Messages of the kernel were lost (ENOBUFS): all may be different, ask [HostAddresses#list].
        void lost();
    }

    /// Hears nothing.
    public static final Listener NOBODY =
            new Listener() {
                @Override
                public void address(
                        InetAddress address, int interfaceIndex, boolean present, boolean tagged) {}

                @Override
                public void link(int interfaceIndex, String name, boolean up) {}

                @Override
                public void lost() {}
            };

    /// @param prefix its length
    /// @param tagged did we put it there?
    /// @param leaseSeconds what is left; -1 = for ever
    public record Address(
            InetAddress address,
            int prefix,
            int interfaceIndex,
            boolean tagged,
            long leaseSeconds) {}

    /// @param hardware of its address; empty where it has none
    public record Interface(
            int index, String name, boolean up, boolean loopback, List<Byte> hardware) {
        public Interface {
            hardware = List.copyOf(hardware);
        }
    }

    private final KernelSocket socket;
    private final MemorySegment request;
    private final MemorySegment answer;
    private final ByteBuffer requestView;
    private final ByteBuffer answerView;
    private final Reading subscription;
    private int sequence;
    private boolean closed;

    private HostAddresses(KernelSocket socket, Reading subscription) {
        this.socket = socket;
        this.subscription = subscription;
        request = socket.allocate(256);
        answer = socket.allocate(BUFFER);
        requestView = KernelSocket.view(request);
        answerView = KernelSocket.view(answer);
    }

    /// Needs no capability: only what changes something does.
    public static HostAddresses open(Listener listener) throws IOException {
        return open(listener, SUBSCRIPTION_BUFFER);
    }

    static HostAddresses open(Listener listener, int subscriptionBuffer) throws IOException {
        KernelSocket socket = netlink("netlink socket");
        try {
            socket.bind(address(socket, 0));
            socket.receiveTimeout(ANSWER_SECONDS);
            return new HostAddresses(socket, subscribe(listener, subscriptionBuffer));
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static Reading subscribe(Listener listener, int bufferBytes) throws IOException {
        KernelSocket heard = netlink("netlink subscription");
        try {
            heard.receiveBuffer(bufferBytes);
            heard.bind(address(heard, GROUPS));
        } catch (IOException | RuntimeException e) {
            heard.close();
            throw e;
        }
        return Reading.start("bascule-addresses", List.of(heard), BUFFER, new Heard(listener));
    }

    /// On the reading thread.
    private static final class Heard implements Reading.Receiver {
        private record Place(InetAddress address, int prefix, int interfaceIndex) {}

        private final Listener listener;

        /// What was told to be there, and with our tag or not: the kernel repeats itself with every renewal.
        private final Map<Place, Boolean> told = new HashMap<>();

        Heard(Listener listener) {
            this.listener = listener;
        }

        @Override
        public void received(int socket, ByteBuffer bytes) {
            for (Netlink message : Netlink.read(bytes.order(ByteOrder.nativeOrder()))) {
                switch (message) {
                    case Netlink.Address a -> address(a, a.tag() == TAG);
                    case Netlink.Link l ->
                            listener.link(l.index(), l.name(), l.present() && up(l.flags()));
                    case Netlink.Ack _,
                            Netlink.Done _,
                            Netlink.Interrupted _,
                            Netlink.DefaultRoute _ -> {}
                }
            }
        }

        private void address(Netlink.Address a, boolean tagged) {
            Place place = new Place(a.address(), a.prefix(), a.interfaceIndex());
            if (!a.present()) told.remove(place);
            else if (Boolean.valueOf(tagged).equals(told.put(place, tagged))) return;
            listener.address(a.address(), a.interfaceIndex(), a.present(), tagged);
        }

        @Override
        public void lost() {
            told.clear();
            listener.lost();
        }
    }

    private static KernelSocket netlink(String what) throws NetFault {
        return new KernelSocket(what, Sockets.AF_NETLINK, Sockets.SOCK_RAW, NETLINK_ROUTE);
    }

    /// `struct sockaddr_nl`: u16 family, u16 padding, u32 port, u32 groups.
    private static MemorySegment address(KernelSocket socket, int groups) {
        MemorySegment address = socket.allocate(12);
        address.set(JAVA_SHORT, 0, (short) Sockets.AF_NETLINK);
        address.set(JAVA_INT, 8, groups);
        return address;
    }

    /// Puts an address on an interface, or renews its lease if it is there.
    ///
    /// @param leaseSeconds the kernel takes the address away after that, up to a fifth later
    /// @throws NetFault EPERM without CAP_NET_ADMIN
    public void put(InetAddress address, int interfaceIndex, int leaseSeconds) throws IOException {
        int errno =
                change(
                        Netlink.RTM_NEWADDR,
                        Netlink.CREATE | Netlink.REPLACE,
                        address,
                        interfaceIndex,
                        leaseSeconds,
                        flags(address));
        if (errno != 0) throw fault("put", address, interfaceIndex, errno);
    }

    /// Renews the lease. An address that is not there any more is not put back: a node that slept must not own again what it has lost meanwhile.
    ///
    /// @throws NetFault EADDRNOTAVAIL where the address is not there any more
    public void renew(InetAddress address, int interfaceIndex, int leaseSeconds)
            throws IOException {
        // NLM_F_REPLACE without NLM_F_CREATE would add it all the same (inet_rtm_newaddr and
        // inet6_rtm_newaddr do not look at CREATE), and to look before would leave a gap to sleep
        // in. But what is added with IFA_F_MCAUTOJOIN is joined as a multicast group first, which
        // a unicast address cannot be: EINVAL; while a change of what is there joins nothing.
        int errno =
                change(
                        Netlink.RTM_NEWADDR,
                        Netlink.REPLACE,
                        address,
                        interfaceIndex,
                        leaseSeconds,
                        flags(address) | Netlink.IFA_F_MCAUTOJOIN);
        if (errno != 0) {
            throw fault(
                    "renew",
                    address,
                    interfaceIndex,
                    errno == Errno.EINVAL ? Errno.EADDRNOTAVAIL : errno);
        }
    }

    /// Takes it away; no fault if it is not there, or the interface is not.
    public void remove(InetAddress address, int interfaceIndex) throws IOException {
        int errno = change(Netlink.RTM_DELADDR, 0, address, interfaceIndex, 1, 0);
        switch (errno) {
            case 0, Errno.EADDRNOTAVAIL, Errno.ENODEV, Errno.ENXIO -> {}
            default -> throw fault("remove", address, interfaceIndex, errno);
        }
    }

    private static int flags(InetAddress address) {
        return address instanceof Inet4Address
                ? 0
                : Netlink.IFA_F_NODAD | Netlink.IFA_F_NOPREFIXROUTE;
    }

    private static NetFault fault(String verb, InetAddress address, int interfaceIndex, int errno) {
        String needs =
                switch (errno) {
                    case Errno.EPERM -> " (needs CAP_NET_ADMIN)";
                    case Errno.EACCES -> " (is IPv6 disabled there?)";
                    default -> "";
                };
        return new NetFault(
                verb + " " + address.getHostAddress() + " on interface " + interfaceIndex + needs,
                errno);
    }

    /// @return errno of the kernel's answer; 0 = done
    private synchronized int change(
            short type,
            int flags,
            InetAddress address,
            int interfaceIndex,
            int leaseSeconds,
            int addressFlags)
            throws IOException {
        if (leaseSeconds < 1) throw new IllegalArgumentException("lease of " + leaseSeconds + " s");
        if (address.isMulticastAddress() || address.isAnyLocalAddress()) {
            throw new IllegalArgumentException(address + " (expected: a unicast address)");
        }
        ensureOpen();
        int own = ++sequence;
        int length =
                Netlink.address(
                        requestView,
                        type,
                        Netlink.REQUEST | Netlink.ACK | flags,
                        own,
                        address,
                        interfaceIndex,
                        leaseSeconds,
                        addressFlags);
        send(length);
        while (true) {
            for (Netlink message : receive()) {
                if (message instanceof Netlink.Ack(int of, int errno) && of == own) return errno;
            }
        }
    }

    /// All addresses of all interfaces, in the kernel's order: by interface, then primary before secondary.
    public List<Address> list() throws IOException {
        List<Address> all = new ArrayList<>();
        for (Netlink message : dump(Netlink.RTM_GETADDR, 0)) {
            if (message instanceof Netlink.Address a) {
                long left =
                        a.validSeconds() == Netlink.FOREVER
                                ? -1
                                : Integer.toUnsignedLong(a.validSeconds());
                all.add(
                        new Address(
                                a.address(), a.prefix(), a.interfaceIndex(), a.tag() == TAG, left));
            }
        }
        return all;
    }

    /// In the order of their indices.
    public List<Interface> interfaces() throws IOException {
        List<Interface> all = new ArrayList<>();
        for (Netlink message : dump(Netlink.RTM_GETLINK, 0)) {
            if (message instanceof Netlink.Link l) {
                List<Byte> hardware = new ArrayList<>(6);
                for (byte part : l.hardware()) hardware.add(part);
                boolean loopback = (l.flags() & IFF_LOOPBACK) != 0;
                all.add(new Interface(l.index(), l.name(), up(l.flags()), loopback, hardware));
            }
        }
        all.sort(Comparator.comparingInt(Interface::index));
        return all;
    }

    /// The next hop of the default route with the lowest metric, in the main table. Reads all routes: for start and reload.
    ///
    /// @return none, or one of each family, IPv4 first; a link-local one carries its interface
    public List<InetAddress> gateways() throws IOException {
        List<InetAddress> gateways = new ArrayList<>(2);
        for (int family : new int[] {Sockets.AF_INET, Sockets.AF_INET6}) {
            Netlink.@Nullable DefaultRoute best = null;
            for (Netlink message : dump(Netlink.RTM_GETROUTE, family)) {
                if (message instanceof Netlink.DefaultRoute route
                        && (best == null
                                || Integer.compareUnsigned(route.metric(), best.metric()) < 0)) {
                    best = route;
                }
            }
            if (best != null && !gateways.contains(best.gateway())) gateways.add(best.gateway());
        }
        return gateways;
    }

    private synchronized List<Netlink> dump(short type, int family) throws IOException {
        ensureOpen();
        for (int attempt = 0; attempt < DUMPS; attempt++) {
            int own = ++sequence;
            send(Netlink.dump(requestView, type, own, family));
            List<Netlink> all = new ArrayList<>();
            boolean whole = true;
            boolean more = true;
            while (more) {
                for (Netlink message : receive()) {
                    switch (message) {
                        case Netlink.Done(int of) when of == own -> more = false;
                        case Netlink.Interrupted(int of) when of == own -> whole = false;
                        case Netlink.Ack(int of, int errno) when of == own ->
                                throw new NetFault("netlink dump", errno);
                        case Netlink.Address a when a.sequence() == own -> all.add(a);
                        case Netlink.Link l when l.sequence() == own -> all.add(l);
                        case Netlink.DefaultRoute r when r.sequence() == own -> all.add(r);
                        default -> {} // Of a request whose answer came too late.
                    }
                }
            }
            if (whole) return all;
        }
        throw new IOException("netlink dump: changed while it was read, " + DUMPS + " times");
    }

    private void send(int length) throws NetFault {
        int sent = socket.send(request, length, 0, MemorySegment.NULL);
        if (sent < 0) throw new NetFault("netlink request", -sent);
    }

    private List<Netlink> receive() throws NetFault {
        int received = socket.receive(answer, 0);
        if (received < 0) throw new NetFault("netlink answer", -received);
        return Netlink.read(answerView.clear().limit(received));
    }

    private static boolean up(int flags) {
        return (flags & IFF_UP) != 0 && (flags & IFF_LOWER_UP) != 0;
    }

    private void ensureOpen() throws IOException {
        if (closed) throw new IOException("closed");
    }

    /// Does once what else the first take would pay for with some 20 ms: loads, links and compiles. Asks the kernel for what it refuses,
    /// and changes nothing.
    public void warmUp() throws IOException {
        for (int i = 0; i < 20; i++) {
            for (InetAddress address : documentation()) {
                refused(() -> put(address, NO_INTERFACE, 1));
                refused(() -> renew(address, NO_INTERFACE, 1));
                refused(() -> remove(address, NO_INTERFACE));
            }
        }
        list();
    }

    interface Call {
        void run() throws IOException;
    }

    private static void refused(Call call) throws IOException {
        try {
            call.run();
        } catch (NetFault expected) {
            if (expected.errno() == Errno.EAGAIN) throw expected;
        }
    }

    /// Two addresses that nobody has: 192.0.2.1 (RFC 5737) and 2001:db8::1 (RFC 3849).
    static List<InetAddress> documentation() throws UnknownHostException {
        byte[] v6 = {0x20, 1, 0x0d, (byte) 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        return List.of(
                InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1}),
                InetAddress.getByAddress(v6));
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) return;
            closed = true;
            socket.close();
        }
        subscription.close(); // Outside: its thread may be in a listener that waits for this lock.
    }
}
