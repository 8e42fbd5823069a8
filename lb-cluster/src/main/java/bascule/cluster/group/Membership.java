package bascule.cluster.group;

import bascule.cluster.group.Contact.Seen;
import bascule.cluster.key.ClusterKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.Event;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;
import org.jgroups.stack.IpAddress;
import org.jgroups.util.NameCache;
import org.jspecify.annotations.Nullable;

/// The view of the nodes that are there, by JGroups over TLS.
public final class Membership implements AutoCloseable {
    /// Larger ones are refused.
    public static final int MESSAGE_BYTES_MOST = 64 << 10;

    private static final long TICK_MILLIS = 100;
    private static final long AGAIN_MILLIS = 1000;
    private static final long CLOSE_MILLIS = 3000;
    private static final char BOOT = '~';
    private static final long DROPPED_NANOS = 10_000_000_000L;

    /// @param name of the cluster; 255 bytes at most, as those of the nodes
    /// @param nodes where each node's membership listens, this one's too, in the order of the rules
    /// @param names of the nodes, in the same order
    /// @param self which of these
    /// @param multicast are the others looked for by multicast, too?
    /// @param calm `detect = calm`
    public record Settings(
            String name,
            List<InetSocketAddress> nodes,
            List<String> names,
            int self,
            boolean multicast,
            boolean calm,
            ClusterKey key) {
        public Settings {
            nodes = List.copyOf(nodes);
            names = List.copyOf(names);
        }
    }

    public interface Listener {
        /// Who is there, by index, this node included; each time that changes. A node that has started anew was away in between.
        void view(Set<Integer> nodes);

        /// A message of another node: from [#send].
        void received(int from, byte[] message);

        /// A process with our key listens where a node is, and is no node of ours.
        ///
        /// @param why in words; empty = it is so no longer
        void stranger(int node, String why);

        /// Something is wrong that an operator should know of, or is well again; told once until it is over.
        ///
        /// @param event a stable name
        /// @param keyValues keys and values in turn
        void told(boolean worse, String event, Object... keyValues);
    }

    private final Settings settings;
    private final Listener listener;
    private final Door door;
    private final Contact[] contacts; // Guarded by itself.
    private final String[] strangeness;
    private final Courier[] couriers;
    private final Thread thread;
    private final SecureRandom random = new SecureRandom();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile @Nullable JChannel channel;
    private volatile @Nullable View view;
    private final Attendance attendance; // Guarded by this.
    private final AtomicLongArray droppedToldNanos;
    private boolean failed;

    private Membership(Settings settings, Listener listener) throws IOException {
        this.settings = settings;
        this.listener = listener;
        int nodes = settings.nodes().size();
        this.attendance = new Attendance(settings.self());
        this.droppedToldNanos = new AtomicLongArray(nodes);
        for (int i = 0; i < nodes; i++) droppedToldNanos.set(i, System.nanoTime() - DROPPED_NANOS);
        this.contacts = new Contact[nodes];
        for (int i = 0; i < nodes; i++) contacts[i] = new Contact(System.nanoTime());
        this.door = new Door(settings, new Told());
        this.strangeness = new String[nodes];
        Arrays.fill(strangeness, "");
        this.couriers = new Courier[nodes];
        for (int i = 0; i < nodes; i++) {
            int to = i;
            couriers[i] =
                    new Courier(settings.names().get(i), (bytes, now) -> transmit(to, bytes, now));
        }
        this.thread = Thread.ofPlatform().name("membership").daemon().unstarted(this::run);
    }

    /// Returns at once; views come when there are any.
    ///
    /// @throws IOException if the port cannot be opened, with value and place
    public static Membership start(Settings settings, Listener listener) throws IOException {
        var membership = new Membership(settings, listener);
        membership.thread.start();
        return membership;
    }

    private final class Told implements Door.Contacts {
        @Override
        public void seen(int node, Seen what, String about) {
            synchronized (contacts) {
                contacts[node].seen(what, about, System.nanoTime());
            }
        }

        @Override
        public void connections(int node, int change) {
            synchronized (contacts) {
                contacts[node].connections(change);
            }
        }
    }

    private final class Ears implements Receiver {
        private final JChannel of;

        private Ears(JChannel of) {
            this.of = of;
        }

        @Override
        public void viewAccepted(View now) {
            if (channel == of) changed(of, now);
        }

        @Override
        public void receive(Message message) {
            byte[] bytes = message.getArray();
            int from = channel == of ? indexOf(of, message.getSrc()) : -1;
            if (from < 0 || from == settings.self() || bytes == null) return;
            int offset = message.getOffset();
            byte[] body = new byte[message.getLength()];
            System.arraycopy(bytes, offset, body, 0, body.length);
            if (body.length <= MESSAGE_BYTES_MOST) listener.received(from, body);
        }
    }

    // ---- the channel

    private void run() {
        Stack.quiet();
        while (!isOver()) {
            try {
                live();
                failed = false;
            } catch (Exception e) {
                if (!failed)
                    listener.told(true, "cluster-membership-failed", "cause", String.valueOf(e));
                failed = true;
                sleep(AGAIN_MILLIS);
            }
        }
    }

    private boolean isOver() {
        return over.getCount() == 0;
    }

    /// From join to leave.
    private void live() throws Exception {
        byte[] boot = new byte[6];
        random.nextBytes(boot);
        try (JChannel now = new JChannel(Stack.protocols(settings, door))) {
            now.getProtocolStack().getTransport().getDiagnosticsHandler().setEnabled(false);
            // A name of its own for each start: what was before is another member (JGroups#1024).
            now.name(settings.names().get(settings.self()) + BOOT + HexFormat.of().formatHex(boot));
            now.setReceiver(new Ears(now));
            channel = now;
            now.connect(settings.name());
            long jitterNanos = random.nextLong(2_000_000_000L);
            while (!isOver() && !isStuck(jitterNanos)) sleep(TICK_MILLIS);
        } finally {
            channel = null;
        }
    }

    /// Of two nodes that do not find each other, both start anew, at different times; a node in a majority's view does not.
    private boolean isStuck(long jitterNanos) {
        View now = view;
        boolean few = now == null || now.size() * 2 <= settings.nodes().size();
        boolean stuck = false;
        List<Runnable> news = new ArrayList<>();
        synchronized (contacts) {
            long nanos = System.nanoTime();
            for (int i = 0; i < contacts.length; i++) {
                String name = settings.names().get(i);
                Contact.Told told = contacts[i].tick(nanos);
                if (told != null)
                    news.add(
                            () ->
                                    listener.told(
                                            told.worse(),
                                            told.event(),
                                            "node",
                                            name,
                                            "seen",
                                            told.seen()));
                String strange = contacts[i].strangeness(nanos);
                if (!strange.equals(strangeness[i])) {
                    int node = i;
                    strangeness[i] = strange;
                    news.add(() -> listener.stranger(node, strange));
                }
                stuck |= contacts[i].isStuck(nanos - jitterNanos);
            }
            if (stuck && few) for (Contact each : contacts) each.again(nanos);
        }
        for (Runnable each : news) each.run();
        return stuck && few;
    }

    private void sleep(long millis) {
        try {
            if (over.await(millis, TimeUnit.MILLISECONDS)) return;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void changed(JChannel of, View now) {
        Map<Integer, Address> present = new HashMap<>();
        present.put(settings.self(), of.getAddress());
        for (Address each : now.getMembers()) {
            int node = indexOf(of, each);
            if (node >= 0) present.put(node, each);
        }
        synchronized (this) {
            view = now;
            for (Set<Integer> each : attendance.changed(present)) tell(each);
        }
    }

    private void tell(Set<Integer> present) {
        synchronized (contacts) {
            for (int i = 0; i < contacts.length; i++) contacts[i].inView(present.contains(i));
        }
        for (int i = 0; i < couriers.length; i++) if (!present.contains(i)) couriers[i].forget();
        listener.view(present);
    }

    /// By its name, which is the node's and a boot; where that is not known yet, by where it listens.
    private int indexOf(JChannel of, @Nullable Address member) {
        if (member == null) return -1;
        if (member.equals(of.getAddress())) return settings.self();
        String name = NameCache.get(member);
        if (name != null && name.indexOf(BOOT) >= 0)
            return settings.names().indexOf(name.substring(0, name.lastIndexOf(BOOT)));
        return of.down(new Event(Event.GET_PHYSICAL_ADDRESS, member)) instanceof IpAddress at
                ? settings.nodes().indexOf(new InetSocketAddress(at.getIpAddress(), at.getPort()))
                : -1;
    }

    // ---- messages

    /// To one member, reliably while it stays one; from any thread, does not block. Nothing is sent to who is none.
    ///
    /// @param message 64 KiB at most
    public void send(int to, byte[] message) {
        check(message);
        if (!couriers[to].post(message) && isDroppedNews(to))
            listener.told(
                    true,
                    "cluster-message-dropped",
                    "node",
                    settings.names().get(to),
                    "waiting",
                    Courier.WAITING_MOST);
    }

    /// A node that reads nothing may have thousands dropped.
    private boolean isDroppedNews(int to) {
        long now = System.nanoTime();
        long before = droppedToldNanos.get(to);
        return now - before >= DROPPED_NANOS && droppedToldNanos.compareAndSet(to, before, now);
    }

    /// To one member, at once or not at all: before all that waits to be sent, and instead of what was to be sent at once and waits still.
    ///
    /// @param message 64 KiB at most
    public void sendNow(int to, byte[] message) {
        check(message);
        couriers[to].postNow(message);
    }

    private static void check(byte[] message) {
        if (message.length > MESSAGE_BYTES_MOST)
            throw new IllegalArgumentException(
                    message.length + " bytes (expected: 64 KiB at most)");
    }

    private void transmit(int to, byte[] bytes, boolean now) {
        JChannel by = channel;
        View in = view;
        if (by == null || in == null) return;
        List<Address> members = in.getMembers();
        for (int i = members.size() - 1; i >= 0; i--) { // Who came last, if one has just restarted.
            if (indexOf(by, members.get(i)) != to || to == settings.self()) continue;
            Message message = new BytesMessage(members.get(i), bytes);
            if (now)
                message.setFlag(
                        Message.Flag.OOB, Message.Flag.NO_RELIABILITY, Message.Flag.DONT_BUNDLE);
            try {
                by.send(message);
            } catch (Exception _) {
                // The channel is being closed, or the connection is: the view will say.
            }
            return;
        }
    }

    /// Leaves, so that the others know at once; waits for that 3 s at most.
    @Override
    public void close() {
        over.countDown();
        for (Courier each : couriers) each.close();
        try {
            thread.join(CLOSE_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        door.close();
    }
}
