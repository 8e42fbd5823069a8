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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.10", "2001:db8::10"})
    void givenSegments_whenFiltered_thenQuestionsAndAnswersPass(String text) {
        InetAddress own = FrameTest.inet(text);
        InetAddress peer = FrameTest.inet(text.replace("10", "99"));
        Filter filter = Filter.handshakes(own);
        for (int flags = 0; flags < 256; flags++) {
            boolean asks = (flags & 0x12) == 0x02;
            boolean answers = (flags & 0x12) == 0x12 || (flags & 0x04) != 0;
            byte[] in = segment(peer, own, flags);
            byte[] out = segment(own, peer, flags);
            assertThat(run(filter, in, 0)).as("in %x", flags).isEqualTo(asks);
            assertThat(run(filter, out, 4)).as("out %x", flags).isEqualTo(answers);
            assertThat(run(filter, in, 3)).isFalse(); // To another host.
            assertThat(run(filter, segment(own, peer, flags), 0)).isFalse();
            assertThat(run(filter, segment(peer, own, flags), 4)).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.10", "2001:db8::10"})
    void givenSegments_whenRelayFilters_thenAllToTheAddressPassAndNoOthers(String text) {
        InetAddress own = FrameTest.inet(text);
        InetAddress peer = FrameTest.inet(text.replace("10", "99"));
        Filter filter = Filter.segments(own);
        for (int flags = 0; flags < 256; flags++)
            assertThat(run(filter, segment(peer, own, flags), 0)).isTrue();
        assertThat(run(filter, segment(peer, own, 2), 1)).isFalse(); // Broadcast.
        assertThat(run(filter, segment(own, peer, 2), 4)).isFalse();
        assertThat(run(filter, segment(peer, peer, 2), 0)).isFalse();
        byte[] udp = segment(peer, own, 2);
        udp[own.getAddress().length == 4 ? 23 : 20] = 17;
        assertThat(run(filter, udp, 0)).isFalse();
        assertThat(run(Filter.handshakes(own), udp, 0)).isFalse();
    }

    @Test
    void givenFragmentsAndOptions_whenFiltered_thenFlagsAreReadWhereTheyAre() {
        InetAddress own = FrameTest.inet("192.0.2.10");
        InetAddress peer = FrameTest.inet("192.0.2.99");
        byte[] later = segment(peer, own, 2);
        later[21] = 1; // Offset of the fragment: there is no TCP header in it.
        assertThat(run(Filter.handshakes(own), later, 0)).isFalse();
        assertThat(run(Filter.segments(own), later, 0)).isTrue();

        byte[] plain = segment(peer, own, 2);
        byte[] options = new byte[plain.length + 8];
        System.arraycopy(plain, 0, options, 0, 34);
        System.arraycopy(plain, 34, options, 42, plain.length - 34);
        options[14] = 0x47;
        assertThat(run(Filter.handshakes(own), options, 0)).isTrue();
        options[42 + 13] = 0x10;
        assertThat(run(Filter.handshakes(own), options, 0)).isFalse();
    }

    private static byte[] segment(InetAddress from, InetAddress to, int flags) {
        byte[] source = from.getAddress();
        byte[] target = to.getAddress();
        boolean v4 = source.length == 4;
        byte[] frame = new byte[14 + (v4 ? 20 : 40) + 20];
        ByteBuffer bytes = ByteBuffer.wrap(frame);
        bytes.putShort(12, (short) (v4 ? 0x0800 : 0x86dd));
        bytes.put(14, (byte) (v4 ? 0x45 : 0x60)).put(v4 ? 23 : 20, (byte) 6);
        bytes.put(v4 ? 26 : 22, source).put(v4 ? 30 : 38, target);
        return bytes.put(14 + (v4 ? 20 : 40) + 13, (byte) flags).array();
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
        int index = 0;
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
                case Filter.LDX_MSH -> index = 4 * (frame[k] & 0xf);
                case Filter.LD_B_X -> {
                    if (index + k >= frame.length) return false;
                    accumulator = frame[index + k] & 0xff;
                }
                case Filter.AND -> accumulator &= k;
                case Filter.JSET -> at += (accumulator & k) != 0 ? instruction[1] : instruction[2];
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
