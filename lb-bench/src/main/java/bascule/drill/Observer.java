package bascule.drill;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import bascule.harness.Host;
import bascule.harness.Native;
import bascule.harness.Shell;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Who has which address: the kernel of each host tells of each change (rtnetlink(7)), so that also what lasts less than
/// a millisecond is seen; [#check] holds that against what the kernel lists. Wherever two hosts have one address, it
/// asks every 5 ms which of them live as its owner.
final class Observer implements AutoCloseable {
    private static final int POLL_MILLIS = 5;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_DELADDR = 21;
    private static final int RTM_GETADDR = 22;
    private static final int NLMSG_DONE = 3;
    private static final int NLM_F_REQUEST_DUMP = 0x301;
    private static final int ADDRESS_GROUPS = 0x10 | 0x100; // RTMGRP_IPV4_IFADDR, _IPV6_IFADDR
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final double MILLI = 1e6;

    /// Does a host believe to own an address, and act on it?
    interface Lives {
        boolean asOwner(String host, InetAddress address);
    }

    /// An address on a host for some time.
    ///
    /// @param toNanos [Long#MAX_VALUE]: it is still there
    record Held(String host, InetAddress address, long fromNanos, long toNanos) {}

    /// @param events   a socket that is told of changes
    /// @param requests a socket for questions
    /// @param held     since when
    private record Watched(String host, int events, int requests, Map<InetAddress, Long> held) {}

    private final Object lock = new Object();
    private final Set<InetAddress> addresses;
    private final Lives lives;
    private final List<Watched> hosts = new ArrayList<>();
    private final List<Held> past = new ArrayList<>();
    private final Thread kernel =
            Thread.ofPlatform().name("observer").daemon().unstarted(this::watch);
    private final Thread asking =
            Thread.ofPlatform().name("owners").daemon().unstarted(this::compare);
    private volatile boolean ended;
    private boolean lost;
    private double bothLiveMillis;

    private Observer(Set<InetAddress> addresses, Lives lives) {
        this.addresses = Set.copyOf(addresses);
        this.lives = lives;
    }

    static Observer start(List<Host> hosts, Set<InetAddress> addresses, Lives lives)
            throws IOException, InterruptedException {
        Observer observer = new Observer(addresses, lives);
        for (Host host : hosts) observer.hosts.add(open(host));
        observer.check();
        observer.kernel.start();
        observer.asking.start();
        return observer;
    }

    private static Watched open(Host host) throws IOException, InterruptedException {
        return host.inside(
                () ->
                        new Watched(
                                host.name(),
                                netlink(ADDRESS_GROUPS),
                                netlink(0),
                                new LinkedHashMap<>()));
    }

    private static int netlink(int groups) throws IOException {
        ByteBuffer address = ByteBuffer.allocate(12).order(ByteOrder.nativeOrder());
        address.putShort((short) Native.AF_NETLINK).putShort((short) 0).putInt(0).putInt(groups);
        return Native.socket(Native.AF_NETLINK, Native.SOCK_RAW, 0, address.array());
    }

    private void watch() {
        Native.hurry();
        int[] fds = hosts.stream().mapToInt(Watched::events).toArray();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(64 << 10);
            while (!ended) {
                Native.await(fds, 20);
                long now = System.nanoTime();
                synchronized (lock) {
                    for (Watched host : hosts) drain(host, into, now);
                }
            }
        }
    }

    private void drain(Watched host, MemorySegment into, long now) {
        while (true) {
            int size = Native.receive(host.events, into);
            if (size == -Native.ENOBUFS) lost = true;
            if (size <= 0) return;
            messages(
                    into,
                    size,
                    (type, address) -> {
                        if (type == RTM_NEWADDR) host.held.putIfAbsent(address, now);
                        if (type == RTM_DELADDR) gone(host, address, now);
                    });
        }
    }

    private void gone(Watched host, InetAddress address, long now) {
        Long since = host.held.remove(address);
        if (since != null) past.add(new Held(host.host, address, since, now));
    }

    private interface Message {
        void address(int type, InetAddress address);
    }

    /// @return was the last message of a list among them?
    private boolean messages(MemorySegment from, int size, Message each) {
        byte[] bytes = new byte[size];
        MemorySegment.copy(from, JAVA_BYTE, 0, bytes, 0, size);
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        int at = 0;
        while (at + 16 <= size) { // struct nlmsghdr
            int length = in.getInt(at);
            int type = in.getShort(at + 4);
            if (type == NLMSG_DONE || length < 16) return true;
            if (type == RTM_NEWADDR || type == RTM_DELADDR) {
                InetAddress address = address(bytes, in, at + 16, Math.min(at + length, size));
                if (address != null && addresses.contains(address)) each.address(type, address);
            }
            at += length + 3 & ~3;
        }
        return false;
    }

    /// @param at of the struct ifaddrmsg, which attributes follow
    private static @Nullable InetAddress address(byte[] bytes, ByteBuffer in, int at, int end) {
        InetAddress found = null;
        for (int a = at + 8; a + 4 <= end; a += in.getShort(a) + 3 & ~3) {
            int length = in.getShort(a);
            int type = in.getShort(a + 2);
            if (length < 4) break;
            if (type != IFA_LOCAL && (type != IFA_ADDRESS || found != null)) continue;
            byte[] address = new byte[length - 4];
            System.arraycopy(bytes, a + 4, address, 0, address.length);
            try {
                found = InetAddress.getByAddress(address);
            } catch (UnknownHostException _) {
                return null; // Of another family.
            }
        }
        return found;
    }

    /// Asks each kernel what it has, and goes by that.
    ///
    /// @return what was thought to be different, for people; empty if nothing
    List<String> check() throws IOException {
        List<String> wrong = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(64 << 10);
            synchronized (lock) {
                for (Watched host : hosts) {
                    drain(host, into, System.nanoTime());
                    Set<InetAddress> there = new HashSet<>();
                    list(host, into, there);
                    long now = System.nanoTime();
                    drain(host, into, now); // What came between both.
                    for (InetAddress each : there)
                        if (host.held.putIfAbsent(each, now) == null)
                            wrong.add(host.host + " has " + each.getHostAddress());
                    for (InetAddress each : List.copyOf(host.held.keySet())) {
                        if (there.contains(each)) continue;
                        gone(host, each, now);
                        wrong.add(host.host + " has no " + each.getHostAddress());
                    }
                }
                if (lost) wrong.add("the kernel has lost messages");
                lost = false;
            }
        }
        return wrong;
    }

    private void list(Watched host, MemorySegment into, Set<InetAddress> there) throws IOException {
        ByteBuffer request = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
        request.putInt(24).putShort((short) RTM_GETADDR).putShort((short) NLM_F_REQUEST_DUMP);
        Native.send(host.requests, request.array());
        boolean done = false;
        for (int turn = 0; turn < 1_000 && !done; turn++) {
            Native.await(new int[] {host.requests}, 1_000);
            int size = Native.receive(host.requests, into);
            if (size < 0) throw new IOException("netlink: errno " + -size);
            done = size > 0 && messages(into, size, (_, address) -> there.add(address));
        }
    }

    /// Every 5 ms: is there an address that two hosts live as owners of?
    private void compare() {
        long before = System.nanoTime();
        while (!ended) {
            Shell.sleep(POLL_MILLIS);
            boolean both = false;
            for (InetAddress address : addresses) both |= bothLive(address);
            long now = System.nanoTime();
            if (both) {
                synchronized (lock) {
                    bothLiveMillis += (now - before) / MILLI;
                }
            }
            before = now;
        }
    }

    private boolean bothLive(InetAddress address) {
        List<String> holders = holders(address);
        if (holders.size() < 2) return false;
        List<String> owners =
                holders.stream().filter(host -> lives.asOwner(host, address)).toList();
        // They were asked one after the other: the first may have let go before the second took.
        return owners.size() > 1
                && lives.asOwner(owners.getFirst(), address)
                && holders(address).containsAll(owners);
    }

    /// The hosts that have it now.
    List<String> holders(InetAddress address) {
        synchronized (lock) {
            return hosts.stream()
                    .filter(host -> host.held.containsKey(address))
                    .map(Watched::host)
                    .toList();
        }
    }

    /// Begins anew: what was is forgotten, what is stays.
    void forget() {
        synchronized (lock) {
            past.clear();
            bothLiveMillis = 0;
        }
    }

    /// Since [#forget]: for how long two hosts lived as owners of one address, as seen every 5 ms.
    double bothLiveMillis() {
        synchronized (lock) {
            return bothLiveMillis;
        }
    }

    /// Since [#forget], in the order of their beginning.
    List<Held> history() {
        synchronized (lock) {
            List<Held> all = new ArrayList<>(past);
            for (Watched host : hosts)
                host.held.forEach(
                        (address, since) ->
                                all.add(new Held(host.host, address, since, Long.MAX_VALUE)));
            all.sort((a, b) -> Long.compare(a.fromNanos, b.fromNanos));
            return all;
        }
    }

    /// When a host has got an address after a moment.
    ///
    /// @return -1 if it has not
    long cameAfter(String host, InetAddress address, long nanos) {
        for (Held each : history())
            if (each.host.equals(host)
                    && each.address.equals(address)
                    && each.fromNanos - nanos >= 0) return each.fromNanos;
        return -1;
    }

    /// When an address that a host had at a moment went away.
    ///
    /// @return `nanos` if it had none then; [Long#MAX_VALUE] if it has it still
    long goneAfter(String host, InetAddress address, long nanos) {
        for (Held each : history())
            if (each.host.equals(host)
                    && each.address.equals(address)
                    && each.fromNanos <= nanos
                    && each.toNanos > nanos) return each.toNanos;
        return nanos;
    }

    /// Since [#forget], a line for each change, in milliseconds since a moment.
    List<String> course(long since) {
        List<String> lines = new ArrayList<>();
        for (Held each : history())
            lines.add(
                    String.format(
                            "%s has %s from %.1f to %s",
                            each.host,
                            each.address.getHostAddress(),
                            (each.fromNanos - since) / MILLI,
                            each.toNanos == Long.MAX_VALUE
                                    ? "now"
                                    : String.format("%.1f", (each.toNanos - since) / MILLI)));
        return lines;
    }

    @Override
    public void close() {
        ended = true;
        try {
            kernel.join(1_000);
            asking.join(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Watched host : hosts) {
            Native.close(host.events);
            Native.close(host.requests);
        }
    }
}
