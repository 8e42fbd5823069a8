package bascule.node;

import bascule.health.Health;
import bascule.health.Order;
import bascule.observe.LimitedEvent;
import bascule.tls.TicketRing;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// What all nodes have in common beside the addresses: what operators ordered, and the keys of TLS tickets. Each node tells the others of what
/// is new, and all it knows to one that has just come; what of it holds does not depend on the order in which it arrives. What is lost on the
/// way is found out by a digest of it all that each node tells every ten seconds. No request waits for any of it. From any thread.
final class Shared {
    private static final String ORDERS = "orders";
    private static final String TICKETS = "tickets";
    private static final String DIGEST = "digest";

    /// For so long a node that has started keeps its own ticket key to itself, and takes another's ring instead: a node that
    /// starts again and again would push all other keys out of the ring.
    private static final int ALONE_SECONDS = 2;

    private static final int DIGEST_SECONDS = 10;

    /// What is told again does no good if there is no room for it: twice as much later each time.
    private static final int MOST_PAUSE_SECONDS = 640;

    private static final int DIGEST_BYTES = 16;

    private final Health health;
    private final TicketRing tickets;
    private final BiConsumer<String, byte[]> tell;
    private final Consumer<Runnable> news;
    private final LimitedEvent garbage = new LimitedEvent(Duration.ofSeconds(10));
    private final LimitedEvent refused = new LimitedEvent(Duration.ofSeconds(10));
    private final LimitedEvent keys = new LimitedEvent(Duration.ofMinutes(10));
    private boolean ringIsKnown; // To the others, or from them.
    private int seconds;
    private int againAtSecond;
    private int pauseSeconds = DIGEST_SECONDS;
    private Digest digest = new Digest(List.of(), hash(List.of()));

    /// @param orders by identity
    private record Digest(List<Order> orders, byte[] bytes) {}

    /// @param tell every other node that is there: topic and message; must not block
    /// @param news is to be run where a log that is slow holds up nothing
    Shared(
            Health health,
            TicketRing tickets,
            BiConsumer<String, byte[]> tell,
            Consumer<Runnable> news) {
        this.health = health;
        this.tickets = tickets;
        this.tell = tell;
        this.news = news;
        health.onOrder(order -> OrderBytes.write(List.of(order)).forEach(this::tellOrders));
    }

    private void tellOrders(byte[] message) {
        tell.accept(ORDERS, message);
    }

    /// All that a node has to know that has just come. Must not block, and does not.
    Map<String, byte[]> greeting() {
        var all = new LinkedHashMap<String, byte[]>();
        List<byte[]> orders = OrderBytes.write(health.orders());
        for (int part = 0; part < orders.size(); part++)
            all.put(part == 0 ? ORDERS : ORDERS + "." + part, orders.get(part));
        if (ringIsKnown()) all.put(TICKETS, tickets.export());
        return all;
    }

    private synchronized boolean ringIsKnown() {
        return ringIsKnown;
    }

    /// Must not block, and does not.
    void received(String topic, String node, byte[] message) {
        boolean understood =
                switch (topic) {
                    case TICKETS -> receivedTickets(node, message);
                    case DIGEST -> receivedDigest(message);
                    // Others are of a newer version.
                    default -> !isOrders(topic) || receivedOrders(node, message);
                };
        if (!understood)
            news.accept(
                    () ->
                            garbage.warn(
                                    "cluster-message-not-understood",
                                    "node",
                                    node,
                                    "topic",
                                    topic));
    }

    private static boolean isOrders(String topic) {
        return topic.equals(ORDERS) || topic.startsWith(ORDERS + ".");
    }

    private boolean receivedOrders(String node, byte[] message) {
        OrderBytes.Read read = OrderBytes.read(message);
        if (read == null) return false;
        if (read.refused() > 0)
            news.accept(
                    () ->
                            refused.warn(
                                    "cluster-orders-refused",
                                    "node",
                                    node,
                                    "count",
                                    read.refused()));
        health.merge(read.orders(), node);
        return true;
    }

    private synchronized boolean receivedTickets(String node, byte[] message) {
        Instant now = Instant.now();
        TicketRing.Taken taken =
                ringIsKnown ? tickets.merge(message, now) : tickets.join(message, now);
        if (taken == TicketRing.Taken.NOT_A_RING) return false;
        ringIsKnown = true;
        if (taken == TicketRing.Taken.NOT_ALL)
            news.accept(
                    () ->
                            keys.warn(
                                    "ticket-keys-refused",
                                    "node",
                                    node,
                                    "cause",
                                    "too old, or made an hour from now (expected: clocks that agree)"));
        return true;
    }

    /// Tells all that is known here if that is not what the other knows.
    private boolean receivedDigest(byte[] message) {
        if (message.length != 2 * DIGEST_BYTES) return false;
        byte[] own = digest();
        boolean orders = Arrays.equals(own, 0, DIGEST_BYTES, message, 0, DIGEST_BYTES);
        boolean same = Arrays.equals(own, message);
        synchronized (this) {
            if (same) {
                pauseSeconds = DIGEST_SECONDS;
                return true;
            }
            if (seconds < againAtSecond) return true;
            againAtSecond = seconds + pauseSeconds;
            pauseSeconds = Math.min(2 * pauseSeconds, MOST_PAUSE_SECONDS);
        }
        if (!orders) OrderBytes.write(health.orders()).forEach(this::tellOrders);
        else if (ringIsKnown()) tell.accept(TICKETS, tickets.export());
        return true;
    }

    /// Of the orders, then of the ring: [#DIGEST_BYTES] each.
    private byte[] digest() {
        byte[] both = Arrays.copyOf(ordersDigest(), 2 * DIGEST_BYTES);
        System.arraycopy(sha256().digest(tickets.export()), 0, both, DIGEST_BYTES, DIGEST_BYTES);
        return both;
    }

    private synchronized byte[] ordersDigest() {
        List<Order> orders = health.orders();
        if (digest.orders != orders) digest = new Digest(orders, hash(orders));
        return digest.bytes;
    }

    /// Whatever the order in which they came.
    private static byte[] hash(List<Order> orders) {
        var sorted = new ArrayList<>(orders);
        sorted.sort(Comparator.comparing(Order::backend).thenComparing(Order::server));
        MessageDigest hash = sha256();
        OrderBytes.write(sorted).forEach(hash::update);
        return hash.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /// Lets keys of tickets grow old, and looks whether all nodes know the same.
    ///
    /// @param leads is this the node that makes new ones for all?
    void everySecond(Instant now, boolean leads) {
        boolean changed = leads ? tickets.rotate(now) : tickets.forget(now);
        boolean late;
        boolean due;
        synchronized (this) {
            seconds++;
            late = !ringIsKnown && seconds >= ALONE_SECONDS;
            if (late) ringIsKnown = true;
            due = seconds % DIGEST_SECONDS == 0;
        }
        if (late || changed && leads) tell.accept(TICKETS, tickets.export());
        if (due) tell.accept(DIGEST, digest());
    }
}
