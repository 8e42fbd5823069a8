package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MessageTest {
    static List<Message> all() {
        return List.of(
                new Message.Datagram(new byte[] {1, 2, 3}),
                new Message.Shared("orders", new byte[1000]),
                new Message.Introduction("0.1.0", "ab".repeat(32)),
                new Message.HandOverOrder(7, "public"),
                new Message.HandOverResult(
                        7, "public", "edge1", "", new double[] {0.5, 2}, "nöbody is fit"));
    }

    @ParameterizedTest
    @MethodSource("all")
    void givenMessage_whenRead_thenTheSame(Message message) {
        assertThat(Message.of(message.bytes()))
                .usingRecursiveComparison()
                .withStrictTypeChecking()
                .isEqualTo(message);
    }

    @ParameterizedTest
    @MethodSource("all")
    void givenMessage_whenCutAnywhere_thenNone(Message message) {
        byte[] whole = message.bytes();
        for (int length = 0; length < whole.length; length++)
            assertThat(Message.of(Arrays.copyOf(whole, length))).as("%d bytes", length).isNull();
    }

    @Test
    void givenRandomBytes_whenRead_thenNoException() {
        var random = new Random(5);
        int read = 0;
        for (int i = 0; i < 100_000; i++) {
            var bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            if (bytes.length > 0) bytes[0] = (byte) random.nextInt(8);
            if (Message.of(bytes) != null) read++;
        }
        assertThat(read).isPositive(); // Some are messages: it did look.
    }

    @Test
    void givenTooLong_whenMade_thenRefused() {
        assertThatThrownBy(() -> new Message.Shared("x", new byte[70_000]).bytes())
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(Message.of(new byte[Message.LONGEST + 1])).isNull();
    }
}
