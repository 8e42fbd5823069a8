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

    /// What was understood of a message.
    ///
    /// @param refused how many orders were not, by what they say
    record Read(List<Order> orders, int refused) {}

    /// @return null if it is none
    static @Nullable Read read(byte[] message) {
        var orders = new ArrayList<Order>();
        int refused = 0;
        try (var from = new DataInputStream(new ByteArrayInputStream(message))) {
            if (from.readByte() != VERSION) return null;
            while (from.available() > 0) {
                Order order = order(from);
                if (order == null) refused++;
                else orders.add(order);
            }
        } catch (IOException cutShort) {
            return null;
        }
        return new Read(orders, refused);
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
        var stamp = new Stamp(from.readLong(), from.readUTF());
        boolean good = isName(backend) && isName(server) && isName(stamp.node()) && stamp.isGood();
        return good && admin != null ? new Order(backend, server, admin, stamp) : null;
    }

    private static boolean isName(String text) {
        return !text.isEmpty() && text.length() <= MOST_NAME;
    }
}
