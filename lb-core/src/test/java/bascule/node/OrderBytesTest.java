package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.health.Order;
import bascule.health.Stamp;
import bascule.server.ServerStatus.Admin;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class OrderBytesTest {
    private static final Order ONE =
            new Order("web", "10.0.0.1:80", Admin.DRAINING, new Stamp(7, "edge1"));

    @Test
    void givenOrders_whenWritten_thenReadAgain() {
        var orders =
                List.of(
                        ONE,
                        new Order(
                                "wéb",
                                "[::1]:80",
                                Admin.DISABLED,
                                new Stamp(Stamp.MOST_COUNTER, "b")),
                        new Order("api", "a", Admin.ENABLED, new Stamp(1, "edge2")));
        List<byte[]> messages = OrderBytes.write(orders);

        assertThat(messages).hasSize(1);
        assertEquals(new OrderBytes.Read(orders, 0), OrderBytes.read(messages.getFirst()));
        assertThat(OrderBytes.write(List.of())).isEmpty();
    }

    @Test
    void givenManyOrders_whenWritten_thenNoMessageIsTooLong() {
        var orders = new ArrayList<Order>();
        for (int i = 0; i < 10_000; i++)
            orders.add(new Order("backend", "server-" + i, Admin.DRAINING, new Stamp(i + 1, "a")));
        var read = new ArrayList<Order>();
        for (byte[] message : OrderBytes.write(orders)) {
            assertThat(message.length).isLessThanOrEqualTo(OrderBytes.MOST);
            read.addAll(OrderBytes.read(message).orders());
        }

        assertEquals(orders, read);
    }

    @Test
    void givenMessageCutAnywhere_whenRead_thenRefused() {
        byte[] whole = OrderBytes.write(List.of(ONE)).getFirst();

        assertNull(OrderBytes.read(new byte[0]));
        for (int length = 2; length < whole.length; length++)
            assertNull(OrderBytes.read(Arrays.copyOf(whole, length)), "length " + length);
    }

    @ParameterizedTest
    @ValueSource(strings = {"admin", "zero", "negative", "huge", "nameless"})
    void givenOrderThatNoNodeGives_whenRead_thenItAloneIsRefused(String what) {
        Order bad =
                switch (what) {
                    case "zero" -> new Order("web", "a", Admin.ENABLED, new Stamp(0, "a"));
                    case "negative" -> new Order("web", "a", Admin.ENABLED, new Stamp(-1, "a"));
                    case "huge" ->
                            new Order(
                                    "web",
                                    "a",
                                    Admin.ENABLED,
                                    new Stamp(Stamp.MOST_COUNTER + 1, "a"));
                    case "nameless" -> new Order("web", "", Admin.ENABLED, new Stamp(1, "a"));
                    default -> ONE;
                };
        byte[] message = OrderBytes.write(List.of(bad, ONE)).getFirst();
        int admin = 1 + 2 + 3 + 2 + 11;
        if (what.equals("admin")) message[admin] = 3;

        assertEquals(new OrderBytes.Read(List.of(ONE), 1), OrderBytes.read(message));
    }

    @Test
    void givenMessageOfAnotherVersion_whenRead_thenRefused() {
        byte[] message = OrderBytes.write(List.of(ONE)).getFirst();
        message[0] = 9;

        assertNull(OrderBytes.read(message));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void givenGarbage_whenRead_thenNothingIsThrown(long seed) {
        var random = new Random(seed);
        byte[] whole = OrderBytes.write(List.of(ONE, ONE, ONE)).getFirst();
        for (int i = 0; i < 10_000; i++) {
            byte[] garbled = whole.clone();
            for (int flips = 0; flips < 3; flips++)
                garbled[random.nextInt(garbled.length)] = (byte) random.nextInt();
            OrderBytes.Read read = OrderBytes.read(garbled);
            if (read != null)
                assertThat(read.orders()).allMatch(each -> each.stamp().isGood(), "seed " + seed);
        }
    }
}
