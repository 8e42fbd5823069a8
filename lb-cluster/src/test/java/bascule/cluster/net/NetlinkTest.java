package bascule.cluster.net;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.libc.Sockets;
import java.net.Inet6Address;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class NetlinkTest {
    private final ByteBuffer buffer = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());

    @Test
    void givenAddress_whenWrittenAndReadBack_thenSame() {
        for (String text : List.of("192.0.2.10", "2001:db8::10")) {
            int length =
                    Netlink.address(
                            buffer, Netlink.RTM_NEWADDR, 5, 77, FrameTest.inet(text), 3, 2, 2);

            assertThat(length % 4).isZero();
            assertThat(Netlink.read(buffer.flip()))
                    .containsExactly(
                            new Netlink.Address(
                                    77,
                                    true,
                                    FrameTest.inet(text),
                                    text.contains(":") ? 128 : 32,
                                    3,
                                    HostAddresses.TAG,
                                    2));
            assertThat(buffer.getInt(0)).isEqualTo(length);
        }
        Netlink.address(buffer, Netlink.RTM_DELADDR, 5, 78, FrameTest.inet("192.0.2.10"), 3, 2, 0);
        assertThat(Netlink.read(buffer.flip()))
                .containsExactly(
                        new Netlink.Address(
                                78,
                                false,
                                FrameTest.inet("192.0.2.10"),
                                32,
                                3,
                                0,
                                Netlink.FOREVER));
    }

    @Test
    void givenLittleEndianHost_whenWritten_thenLaidOutAsInTheHeadersOfTheKernel() {
        ByteBuffer little = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);

        int length =
                Netlink.address(
                        little,
                        Netlink.RTM_NEWADDR,
                        0x505,
                        1,
                        FrameTest.inet("10.9.0.50"),
                        2,
                        2,
                        0x400);

        assertThat(HexFormat.of().formatHex(little.array(), 0, length))
                .isEqualTo(
                        "4c000000"
                                + "1400"
                                + "0505"
                                + "01000000"
                                + "00000000"
                                + "02"
                                + "20"
                                + "00"
                                + "00"
                                + "02000000"
                                + "0800"
                                + "0200"
                                + "0a090032"
                                + "0800"
                                + "0100"
                                + "0a090032"
                                + "1400"
                                + "0600"
                                + "02000000"
                                + "02000000"
                                + "00000000"
                                + "00000000"
                                + "0800"
                                + "0800"
                                + "00040000"
                                + "0500"
                                + "0b00"
                                + "ba000000");
    }

    @Test
    void givenIpv6_whenWritten_thenDeprecatedSoThatNothingOfOursComesFromIt() {
        Netlink.address(buffer, Netlink.RTM_NEWADDR, 5, 1, FrameTest.inet("2001:db8::10"), 2, 9, 0);

        int cache = 16 + 8 + 20 + 20;
        assertThat(buffer.getShort(cache + 2)).isEqualTo(Netlink.IFA_CACHEINFO);
        assertThat(buffer.getInt(cache + 4)).isZero();
        assertThat(buffer.getInt(cache + 8)).isEqualTo(9);
    }

    @Test
    void givenAnswers_whenRead_thenErrnoIsPositive() {
        message(Netlink.NLMSG_ERROR, 0, 5, b -> b.putInt(-99).putLong(0).putLong(0));
        assertThat(Netlink.read(buffer.flip())).containsExactly(new Netlink.Ack(5, 99));
        message(Netlink.NLMSG_DONE, 0, 6, b -> b.putInt(0));
        assertThat(Netlink.read(buffer.flip())).containsExactly(new Netlink.Done(6));
        message(Netlink.NLMSG_DONE, 0, 6, b -> b.putInt(-1));
        assertThat(Netlink.read(buffer.flip())).containsExactly(new Netlink.Ack(6, 1));
        message(Netlink.NLMSG_DONE, 0x10, 6, b -> b.putInt(0));
        assertThat(Netlink.read(buffer.flip()))
                .containsExactly(new Netlink.Interrupted(6), new Netlink.Done(6));
    }

    @Test
    void givenLink_whenRead_thenNameAndHardware_andThoseOfBridgesAreNone() {
        link((byte) 0);
        assertThat(Netlink.read(buffer.flip()))
                .singleElement()
                .isInstanceOfSatisfying(
                        Netlink.Link.class,
                        l -> {
                            assertThat(l.index()).isEqualTo(7);
                            assertThat(l.name()).isEqualTo("lan0");
                            assertThat(l.flags()).isEqualTo(0x10001);
                            assertThat(l.present()).isFalse();
                            assertThat(l.hardware()).containsExactly(1, 2, 3, 4, 5, 6);
                        });
        link((byte) 7); // AF_BRIDGE
        assertThat(Netlink.read(buffer.flip())).isEmpty();
    }

    @Test
    void givenRoutes_whenRead_thenOnlyDefaultsOfTheMainTable() {
        route(0, 254, 0, 1);
        assertThat(Netlink.read(buffer.flip()))
                .containsExactly(new Netlink.DefaultRoute(9, FrameTest.inet("192.0.2.1"), 100));
        route(8, 254, 0, 1);
        assertThat(Netlink.read(buffer.flip())).isEmpty();
        route(0, 255, 0, 1);
        assertThat(Netlink.read(buffer.flip())).isEmpty();
        route(0, 254, 0x200, 1);
        assertThat(Netlink.read(buffer.flip())).isEmpty();
        route(0, 254, 0, 6); // RTN_BLACKHOLE
        assertThat(Netlink.read(buffer.flip())).isEmpty();
    }

    @Test
    void givenLinkLocalAddress_whenRead_thenCarriesItsInterface() {
        Netlink.address(buffer, Netlink.RTM_NEWADDR, 5, 1, FrameTest.inet("fe80::1"), 4, 9, 0);

        assertThat(Netlink.read(buffer.flip()))
                .singleElement()
                .isInstanceOfSatisfying(
                        Netlink.Address.class,
                        a -> assertThat(((Inet6Address) a.address()).getScopeId()).isEqualTo(4));
    }

    @Test
    void givenMessages_whenCutAnywhere_thenThoseBeforeTheCutAreRead() {
        ByteBuffer three = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());
        int[] ends = new int[3];
        for (int i = 0; i < 3; i++) {
            Netlink.address(
                    buffer, Netlink.RTM_NEWADDR, 5, i, FrameTest.inet("2001:db8::1"), 3, 2, 2);
            three.put(buffer.flip());
            ends[i] = three.position();
        }
        for (int cut = 0; cut <= ends[2]; cut++) {
            int limit = cut;
            long whole = Arrays.stream(ends).filter(end -> end <= limit).count();
            assertThat(
                            Netlink.read(
                                    three.duplicate()
                                            .order(ByteOrder.nativeOrder())
                                            .position(0)
                                            .limit(cut)))
                    .as("%d bytes", cut)
                    .hasSize((int) whole);
        }
    }

    @Test
    void givenRandomBytes_whenRead_thenNeverThrows() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int understood = 0;
        for (int round = 0; round < 100_000; round++) {
            switch (random.nextInt(4)) {
                case 0 -> link((byte) 0);
                case 1 -> route(0, 254, 0, 1);
                case 2 ->
                        Netlink.address(
                                buffer,
                                Netlink.RTM_NEWADDR,
                                5,
                                1,
                                FrameTest.inet("2001:db8::1"),
                                3,
                                2,
                                2);
                default -> {
                    byte[] any = new byte[random.nextInt(200)];
                    random.nextBytes(any);
                    buffer.clear().put(any);
                }
            }
            buffer.flip();
            for (int i = random.nextInt(5); i > 0 && buffer.limit() > 0; i--) {
                buffer.put(
                        random.nextInt(buffer.limit()),
                        (byte) (random.nextBoolean() ? random.nextInt(8) : random.nextInt()));
            }
            buffer.limit(
                    random.nextInt(3) == 0 ? random.nextInt(buffer.limit() + 1) : buffer.limit());
            byte[] replay = Arrays.copyOf(buffer.array(), buffer.limit());
            try {
                understood += Netlink.read(buffer).size();
            } catch (RuntimeException e) {
                throw new AssertionError(
                        "seed " + seed + ": " + HexFormat.of().formatHex(replay), e);
            }
        }
        assertThat(understood).isGreaterThan(1000);
    }

    private void link(byte family) {
        message(
                Netlink.RTM_DELLINK,
                0,
                9,
                b -> {
                    b.put(family)
                            .put((byte) 0)
                            .putShort((short) 1)
                            .putInt(7)
                            .putInt(0x10001)
                            .putInt(0);
                    b.putShort((short) 9)
                            .putShort(Netlink.IFLA_IFNAME)
                            .put("lan0\0".getBytes(US_ASCII))
                            .put(new byte[3]);
                    b.putShort((short) 10)
                            .putShort(Netlink.IFLA_ADDRESS)
                            .put(new byte[] {1, 2, 3, 4, 5, 6, 0, 0});
                });
    }

    private void route(int destinationBits, int table, int flags, int type) {
        message(
                Netlink.RTM_NEWROUTE,
                0,
                9,
                b -> {
                    b.put((byte) Sockets.AF_INET)
                            .put((byte) destinationBits)
                            .put((byte) 0)
                            .put((byte) 0);
                    b.put((byte) table).put((byte) 3).put((byte) 0).put((byte) type).putInt(flags);
                    b.putShort((short) 8).putShort(Netlink.RTA_PRIORITY).putInt(100);
                    b.putShort((short) 16).putShort(Netlink.RTA_MULTIPATH);
                    b.putShort((short) 12)
                            .putShort((short) 0)
                            .putInt(3); // A next hop, whose attribute does not fit any more.
                    b.putInt(0);
                    b.putShort((short) 8)
                            .putShort(Netlink.RTA_GATEWAY)
                            .put(new byte[] {(byte) 192, 0, 2, 1});
                });
    }

    private void message(short type, int flags, int sequence, Consumer<ByteBuffer> body) {
        buffer.clear().putInt(0).putShort(type).putShort((short) flags).putInt(sequence).putInt(0);
        body.accept(buffer);
        buffer.putInt(0, buffer.position());
    }
}
