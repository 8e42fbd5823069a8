package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EchoTest {
    private static final long TOKEN = 0x1122_3344_5566_7788L;
    private final ByteBuffer buffer = ByteBuffer.allocate(Echo.LENGTH);

    @Test
    void givenQuestion_whenWritten_thenChecksumIsRight() {
        for (long sequence : new long[] {1, 0x1_0000, Long.MAX_VALUE}) {
            Echo.write(buffer, false, TOKEN, sequence);
            int sum = 0;
            for (int at = 0; at < Echo.LENGTH; at += 2) sum += buffer.getShort(at) & 0xffff;
            while (sum >>> 16 != 0) sum = (sum & 0xffff) + (sum >>> 16);
            assertThat(sum).isEqualTo(0xffff);
            assertThat(buffer.get(0)).isEqualTo((byte) 8);
        }
        Echo.write(buffer, true, TOKEN, 1);
        assertThat(buffer.get(0)).isEqualTo((byte) 128);
    }

    @Test
    void givenReply_whenRead_thenItsSequence_andNoneForOthers() {
        Echo.write(buffer, false, TOKEN, 7);
        assertThat(Echo.read(buffer, false, false, TOKEN)).as("a question").isZero();
        buffer.put(0, (byte) 0);
        assertThat(Echo.read(buffer, false, false, TOKEN)).isEqualTo(7);
        assertThat(Echo.read(buffer, true, false, TOKEN)).isZero();
        assertThat(Echo.read(buffer, false, false, TOKEN + 1)).isZero();
        buffer.put(0, (byte) 129);
        assertThat(Echo.read(buffer, true, false, TOKEN)).isEqualTo(7);
    }

    @Test
    void givenReplyBehindHeader_whenCutAnywhere_thenNone() {
        Echo.write(buffer, false, TOKEN, 7);
        byte[] packet = new byte[24 + Echo.LENGTH];
        packet[0] = 0x46; // With one word of options.
        System.arraycopy(buffer.put(0, (byte) 0).array(), 0, packet, 24, Echo.LENGTH);

        assertThat(Echo.read(ByteBuffer.wrap(packet), false, true, TOKEN)).isEqualTo(7);
        for (int length = 0; length < packet.length; length++) {
            assertThat(
                            Echo.read(
                                    ByteBuffer.wrap(Arrays.copyOf(packet, length)),
                                    false,
                                    true,
                                    TOKEN))
                    .isZero();
        }
    }

    @Test
    void givenRandomPackets_whenRead_thenNeverThrows() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 100_000; round++) {
            byte[] packet = new byte[random.nextInt(100)];
            random.nextBytes(packet);
            assertThat(
                            Echo.read(
                                    ByteBuffer.wrap(packet),
                                    random.nextBoolean(),
                                    random.nextBoolean(),
                                    TOKEN))
                    .as("seed %d", seed)
                    .isZero();
        }
    }
}
