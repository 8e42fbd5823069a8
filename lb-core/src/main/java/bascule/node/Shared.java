package bascule.node;

import bascule.health.Health;
import bascule.health.Order;
import bascule.observe.LimitedEvent;
import bascule.tls.TicketRing;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/// What all nodes have in common beside the addresses: what operators ordered, and the keys of TLS tickets. Each node tells the others of what
/// is new, and all it knows to one that has just come; what of it holds does not depend on the order in which it arrives. No request waits for any
/// of it. From any thread.
final class Shared {
    private static final String ORDERS = "orders";
    private static final String TICKETS = "tickets";

    private final Health health;
    private final TicketRing tickets;
    private final BiConsumer<String, byte[]> tell;
    private final LimitedEvent garbage = new LimitedEvent(Duration.ofSeconds(10));

    /// @param tell every other node that is there: topic and message; must not block
    Shared(Health health, TicketRing tickets, BiConsumer<String, byte[]> tell) {
        this.health = health;
        this.tickets = tickets;
        this.tell = tell;
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
        all.put(TICKETS, tickets.export());
        return all;
    }

    void received(String topic, String node, byte[] message) {
        if (topic.equals(TICKETS)) {
            if (!tickets.merge(message, Instant.now()))
                garbage.warn("cluster-message-not-understood", "node", node, "topic", topic);
            return;
        }
        if (!topic.equals(ORDERS) && !topic.startsWith(ORDERS + ".")) return; // Of a newer version.
        List<Order> orders = OrderBytes.read(message);
        if (orders == null)
            garbage.warn("cluster-message-not-understood", "node", node, "topic", topic);
        else health.merge(orders, node);
    }

    /// Lets keys of tickets grow old.
    ///
    /// @param leads is this the node that makes new ones for all?
    void everySecond(Instant now, boolean leads) {
        boolean changed = leads ? tickets.rotate(now) : tickets.forget(now);
        if (changed && leads) tell.accept(TICKETS, tickets.export());
    }
}
