package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.net.SegmentFilter.Silent;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SegmentFilterTest {
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int ACK = 0x10;
    private static final int ECN =
            0xc0; // ECE and CWR, which may come with a SYN (RFC 3168 §6.1.1).
    private static final List<String> OTHERS =
            List.of("192.0.2.12", "192.0.3.10", "2001:db8::12", "2001:db9::10", "::ffff:c000:20a");
    private static final SegmentFilter FILTER =
            SegmentFilter.of(
                    List.of(
                            new Silent(inet("192.0.2.10"), false),
                            new Silent(inet("2001:db8::10"), false),
                            new Silent(inet("192.0.2.11"), true),
                            new Silent(inet("2001:db8::11"), true)));

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.10", "2001:db8::10"})
    void givenNewcomersAreDropped_whenSegmentsCome_thenHandshakesUnderWayPass(String to) {
        assertThat(run(FILTER, packet(to), SYN)).isEqualTo(SegmentFilter.DROP);
        assertThat(run(FILTER, packet(to), SYN | ECN)).isEqualTo(SegmentFilter.DROP);
        for (int flags : new int[] {ACK, SYN | ACK, ACK | 0x08, RST, RST | ACK, ACK | 0x01, 0})
            assertThat(run(FILTER, packet(to), flags)).as("%x", flags).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.11", "2001:db8::11"})
    void givenAllIsDropped_whenSegmentsCome_thenNonePasses(String to) {
        for (int flags : new int[] {SYN, ACK, SYN | ACK, RST, ACK | 0x08})
            assertThat(run(FILTER, packet(to), flags)).as("%x", flags).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.10", "2001:db8::10", "127.0.0.1"})
    void givenNobodyIsToBegin_whenSegmentsCome_thenOnlyHandshakesUnderWayPass(String to) {
        for (int flags : new int[] {SYN, SYN | ECN})
            assertThat(run(SegmentFilter.NO_NEWCOMERS, packet(to), flags)).isZero();
        for (int flags : new int[] {ACK, SYN | ACK, ACK | 0x08, RST, RST | ACK, ACK | 0x01, 0})
            assertThat(run(SegmentFilter.NO_NEWCOMERS, packet(to), flags)).isEqualTo(-1);
    }

    @Test
    void givenOtherAddresses_whenSegmentsCome_thenAllPass() {
        for (String to : OTHERS) assertThat(run(FILTER, packet(to), SYN)).as(to).isEqualTo(-1);
    }

    @Test
    void givenOneFamilyOnly_whenTheOtherComes_thenItPasses() {
        var v4 = SegmentFilter.of(List.of(new Silent(inet("192.0.2.10"), true)));
        var v6 = SegmentFilter.of(List.of(new Silent(inet("2001:db8::10"), true)));

        assertThat(run(v4, packet("2001:db8::10"), SYN)).isEqualTo(-1);
        assertThat(run(v6, packet("192.0.2.10"), SYN)).isEqualTo(-1);
        assertThat(run(v4, packet("192.0.2.10"), SYN)).isZero();
        assertThat(run(v6, packet("2001:db8::10"), SYN)).isZero();
    }

    @Test
    void givenManyAddresses_whenBuilt_thenWithinTheKernelsBoundAndAllAreFound() {
        List<Silent> many =
                IntStream.range(0, 128)
                        .mapToObj(
                                i ->
                                        new Silent(
                                                inet(
                                                        i % 2 == 0
                                                                ? "192.0.2." + i
                                                                : "2001:db8::"
                                                                        + Integer.toHexString(i)),
                                                false))
                        .toList();
        SegmentFilter filter = SegmentFilter.of(many);

        assertThat(filter.code()).hasSizeLessThan(4096); // BPF_MAXINSNS
        for (Silent each : many) {
            byte[] packet = packet(each.address().getHostAddress());
            assertThat(run(filter, packet, SYN)).as("%s", each).isZero();
            assertThat(run(filter, packet, ACK)).as("%s", each).isEqualTo(-1);
        }
    }

    /// An IP header.
    private static byte[] packet(String to) {
        byte[] address = to.startsWith("::ffff:") ? v6(to) : inet(to).getAddress();
        byte[] header = new byte[address.length == 4 ? 20 : 40];
        header[0] = (byte) (address.length == 4 ? 0x45 : 0x60);
        System.arraycopy(address, 0, header, address.length == 4 ? 16 : 24, address.length);
        return header;
    }

    /// An IPv4 address within an IPv6 packet, which has nothing to do with one in an IPv4 packet.
    private static byte[] v6(String mapped) {
        byte[] bytes = new byte[16];
        bytes[10] = bytes[11] = (byte) 0xff;
        ByteBuffer.wrap(bytes)
                .putInt(12, Integer.parseUnsignedInt(mapped.substring(7).replace(":", "0"), 16));
        return bytes;
    }

    private static InetAddress inet(String text) {
        return InetAddress.ofLiteral(text);
    }

    /// What the kernel does with those instructions that are used here.
    private static int run(SegmentFilter filter, byte[] header, int flags) {
        ByteBuffer ip = ByteBuffer.wrap(header);
        ByteBuffer tcp = ByteBuffer.allocate(20).put(13, (byte) flags);
        int accumulator = 0;
        for (int at = 0; ; at++) {
            int[] instruction = filter.code().get(at);
            int k = instruction[3];
            ByteBuffer from = k < 0 ? ip : tcp;
            int offset = k < 0 ? k - SegmentFilter.IP : k;
            switch (instruction[0]) {
                case SegmentFilter.LD_B -> accumulator = from.get(offset) & 0xff;
                case SegmentFilter.LD_W -> accumulator = from.getInt(offset);
                case SegmentFilter.AND -> accumulator &= k;
                case SegmentFilter.JA -> at += k;
                case SegmentFilter.JEQ -> {
                    assertThat(Math.max(instruction[1], instruction[2])).isBetween(0, 255);
                    at += accumulator == k ? instruction[1] : instruction[2];
                }
                case SegmentFilter.RET -> {
                    return k;
                }
                default -> throw new AssertionError("opcode " + instruction[0]);
            }
        }
    }
}
