package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FilterTest {
    private static final long OTHER = 0x02_00_00_00_00_02L;
    private static final List<InetAddress> WATCHED =
            List.of(
                    FrameTest.inet("192.0.2.10"),
                    FrameTest.inet("2001:db8::10"),
                    FrameTest.inet("192.0.2.11"),
                    FrameTest.inet("2001:db8::11"),
                    FrameTest.inet("2001:db9::10"));
    private static final Filter ARP = Filter.arp(WATCHED);
    private static final Filter ND = Filter.advertisements(WATCHED);

    private final ByteBuffer buffer = ByteBuffer.allocate(Frame.LONGEST);

    @Test
    void givenClaims_whenFiltered_thenOnlyThoseOfWatchedAddressesPass() {
        for (InetAddress each : WATCHED) assertThat(passes(claim(each), 1)).as("%s", each).isTrue();
        for (String other :
                List.of("192.0.2.12", "2001:db8::12", "2001:dba::10", "2001:db8:1::10")) {
            assertThat(passes(claim(FrameTest.inet(other)), 1)).as(other).isFalse();
        }
    }

    @Test
    void givenClaim_whenToOthersOrOurOwn_thenRefused() {
        for (InetAddress each : WATCHED.subList(0, 2)) {
            assertThat(passes(claim(each), 0)).isTrue();
            assertThat(passes(claim(each), 2)).isTrue();
            assertThat(passes(claim(each), 3)).isFalse(); // PACKET_OTHERHOST
            assertThat(passes(claim(each), 4)).isFalse(); // PACKET_OUTGOING
        }
    }

    @Test
    void givenRandomFrames_whenFiltered_thenWhatTheParserTakesPasses() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int passed = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] frame = claim(WATCHED.get(random.nextInt(WATCHED.size())));
            for (int i = random.nextInt(3); i > 0; i--)
                frame[12 + random.nextInt(frame.length - 12)] = (byte) random.nextInt();
            Frame read = Frame.read(ByteBuffer.wrap(frame));
            boolean wanted =
                    read != null
                            && WATCHED.stream()
                                    .anyMatch(w -> Arrays.equals(w.getAddress(), read.address()));
            if (wanted) {
                passed++;
                assertThat(passes(frame, 1)).as("seed %d round %d", seed, round).isTrue();
            }
        }
        assertThat(passed).isPositive();
    }

    @Test
    void givenManyAddresses_whenBuilt_thenWithinTheKernelsBound() {
        List<InetAddress> most = new ArrayList<>();
        for (int i = 0; i <= Neighbours.MOST_WATCHED; i++)
            most.add(FrameTest.inet("2001:db8::" + Integer.toHexString(i + 1)));
        assertThat(Filter.advertisements(most).code()).hasSizeLessThan(Filter.LONGEST);

        for (int i = 0; i < 300; i++)
            most.add(FrameTest.inet("2001:db9::" + Integer.toHexString(i + 1)));
        assertThatIllegalArgumentException().isThrownBy(() -> Filter.advertisements(most));
    }

    private byte[] claim(InetAddress address) {
        int length =
                address.getAddress().length == 4
                        ? Frame.gratuitousRequest(buffer, OTHER, address)
                        : Frame.advertisement(buffer, OTHER, address);
        return Arrays.copyOf(buffer.array(), length);
    }

    private static boolean passes(byte[] frame, int packetType) {
        int type = ByteBuffer.wrap(frame).getShort(12) & 0xffff;
        return type == Frame.ETH_P_ARP
                ? run(ARP, frame, packetType)
                : type == Frame.ETH_P_IPV6 && run(ND, frame, packetType);
    }

    /// What the kernel does with those instructions that are used here.
    private static boolean run(Filter filter, byte[] frame, int packetType) {
        ByteBuffer bytes = ByteBuffer.wrap(frame);
        int accumulator = 0;
        for (int at = 0; ; at++) {
            int[] instruction = filter.code().get(at);
            int k = instruction[3];
            switch (instruction[0]) {
                case Filter.LD_B, Filter.LD_H, Filter.LD_W -> {
                    int size =
                            instruction[0] == Filter.LD_B
                                    ? 1
                                    : instruction[0] == Filter.LD_H ? 2 : 4;
                    if (k == Filter.PACKET_TYPE) accumulator = packetType;
                    else if (k + size > frame.length) return false;
                    else
                        accumulator =
                                size == 1
                                        ? frame[k] & 0xff
                                        : size == 2 ? bytes.getShort(k) & 0xffff : bytes.getInt(k);
                }
                case Filter.JEQ -> at += accumulator == k ? instruction[1] : instruction[2];
                case Filter.JGT ->
                        at +=
                                Integer.compareUnsigned(accumulator, k) > 0
                                        ? instruction[1]
                                        : instruction[2];
                case Filter.RET -> {
                    return k != 0;
                }
                default -> throw new AssertionError("opcode " + instruction[0]);
            }
        }
    }
}
