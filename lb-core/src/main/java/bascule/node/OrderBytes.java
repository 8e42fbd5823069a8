package bascule.node;

import bascule.health.Order;
import bascule.health.Stamp;
import bascule.server.ServerStatus.Admin;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Orders as nodes tell them to each other: a byte of version, then per order backend, server, what is wanted, and the stamp.
final class OrderBytes {
    /// Of one message; the membership takes no longer ones.
    static final int MOST = 50_000;

    private static final int VERSION = 1;
    private static final int MOST_NAME = 1000;

    /// Later than any clock will say: so high a counter would leave no room above.
    private static final long MOST_COUNTER = 1L << 60;

    private OrderBytes() {}

    /// @return as many messages as it takes; none for no orders
    static List<byte[]> write(List<Order> orders) {
        var messages = new ArrayList<byte[]>();
        var bytes = new ByteArrayOutputStream();
        for (Order each : orders) {
            byte[] one = write(each);
            if (bytes.size() > 0 && bytes.size() + one.length > MOST) {
                messages.add(bytes.toByteArray());
                bytes.reset();
            }
            if (bytes.size() == 0) bytes.write(VERSION);
            bytes.writeBytes(one);
        }
        if (bytes.size() > 0) messages.add(bytes.toByteArray());
        return messages;
    }

    private static byte[] write(Order order) {
        var bytes = new ByteArrayOutputStream();
        try (var to = new DataOutputStream(bytes)) {
            to.writeUTF(order.backend());
            to.writeUTF(order.server());
            to.writeByte(
                    switch (order.admin()) {
                        case ENABLED -> 0;
                        case DRAINING -> 1;
                        case DISABLED -> 2;
                    });
            to.writeLong(order.stamp().counter());
            to.writeUTF(order.stamp().node());
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return bytes.toByteArray();
    }

    /// @return null if it is not understood, in any part
    static @Nullable List<Order> read(byte[] message) {
        var orders = new ArrayList<Order>();
        try (var from = new DataInputStream(new ByteArrayInputStream(message))) {
            if (from.readByte() != VERSION) return null;
            while (from.available() > 0) {
                Order order = order(from);
                if (order == null) return null;
                orders.add(order);
            }
        } catch (IOException cutShort) {
            return null;
        }
        return orders;
    }

    private static @Nullable Order order(DataInputStream from) throws IOException {
        String backend = from.readUTF();
        String server = from.readUTF();
        Admin admin =
                switch (from.readByte()) {
                    case 0 -> Admin.ENABLED;
                    case 1 -> Admin.DRAINING;
                    case 2 -> Admin.DISABLED;
                    default -> null;
                };
        long counter = from.readLong();
        String node = from.readUTF();
        boolean good =
                admin != null
                        && isName(backend)
                        && isName(server)
                        && isName(node)
                        && counter > 0
                        && counter <= MOST_COUNTER;
        return good && admin != null
                ? new Order(backend, server, admin, new Stamp(counter, node))
                : null;
    }

    private static boolean isName(String text) {
        return !text.isEmpty() && text.length() <= MOST_NAME;
    }
}
