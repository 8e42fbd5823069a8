package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameTest {
    private static final long OWN = 0x02_00_00_00_00_01L;
    private static final InetAddress V4 = inet("192.0.2.10");
    private static final InetAddress V6 = inet("2001:db8::a:b:c");

    private final ByteBuffer buffer = ByteBuffer.allocate(Frame.LONGEST);

    @Test
    void givenAddress_whenAnnouncedByArp_thenBothFormsAsInRfc5227() {
        assertThat(written(Frame.gratuitousRequest(buffer, OWN, V4)))
                .isEqualTo(
                        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c000020a 000000000000 c000020a");
        assertThat(written(Frame.gratuitousReply(buffer, OWN, V4)))
                .isEqualTo(
                        "ffffffffffff 020000000001 0806 0001 0800 06 04 0002 020000000001 c000020a 020000000001 c000020a");
    }

    @Test
    void givenAddress_whenProbedOrAsked_thenSenderIsEmptyOrOurs() {
        assertThat(written(Frame.request(buffer, OWN, null, V4)))
                .isEqualTo(
                        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 c000020a");
        assertThat(written(Frame.request(buffer, OWN, inet("192.0.2.1"), V4)))
                .isEqualTo(
                        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000201 000000000000 c000020a");
    }

    /// Both as Linux 6.18 sent them on a veth pair, and tcpdump found their checksums right.
    @Test
    void givenQuestionAndAnswerOfTheKernel_whenComparedAndRead_thenSameBytesAndUnderstood() {
        String question =
                "3333ff00000b02000000000a86dd6000000000203aff20010db800000000000000000000000aff02000000000000"
                        + "00000001ff00000b87001c030000000020010db800000000000000000000000b010102000000000a";
        ByteBuffer answer =
                bytes(
                        "02000000000a02000000000b86dd6000000000203aff20010db800000000000000000000000b20010db800000000"
                                + "000000000000000a88008a4d6000000020010db800000000000000000000000b020102000000000b");

        int length =
                Frame.solicitation(
                        buffer, 0x02_00_00_00_00_0aL, inet("2001:db8::a"), inet("2001:db8::b"));

        assertThat(HexFormat.of().formatHex(buffer.array(), 0, length)).isEqualTo(question);
        assertThat(Frame.checksum(answer, 54, 86)).isZero();
        assertThat(Frame.checksum(answer.duplicate().putShort(56, (short) 0), 54, 86))
                .isEqualTo(0x8a4d);
        assertThat(Frame.read(answer.putShort(56, (short) 0x8a4d)))
                .satisfies(
                        f -> {
                            assertThat(f.address()).isEqualTo(inet("2001:db8::b").getAddress());
                            assertThat(f.hardware()).isEqualTo(0x02_00_00_00_00_0bL);
                            assertThat(f.destination()).isEqualTo(0x02_00_00_00_00_0aL);
                            assertThat(f.isReply()).isTrue();
                        });
    }

    @Test
    void givenOddLength_whenSummed_thenPaddedWithZero() {
        ByteBuffer odd = ByteBuffer.allocate(40 + 5).put(44, (byte) 0x12);

        assertThat(Frame.checksum(odd, 40, 45)).isEqualTo(0xffff - (5 + 58 + 0x1200));
    }

    @Test
    void givenAddress_whenAdvertised_thenOverrideToAllNodesWithHopLimit255() {
        String frame = written(Frame.advertisement(buffer, OWN, V6)).replace(" ", "");

        assertThat(frame).hasSize(2 * 86);
        assertThat(frame)
                .startsWith(
                        "333300000001"
                                + "020000000001"
                                + "86dd"
                                + "60000000"
                                + "0020"
                                + "3aff"
                                + "20010db8000000000000000a000b000c")
                .contains("ff020000000000000000000000000001" + "8800")
                .endsWith("20000000" + "20010db8000000000000000a000b000c" + "0201020000000001");
        assertThat(Frame.checksum(buffer, 54, 86)).isZero();
    }

    @Test
    void givenAddress_whenSolicited_thenToItsGroupAndFromNowhereWithoutOption() {
        String probe = written(Frame.solicitation(buffer, OWN, null, V6)).replace(" ", "");
        assertThat(probe)
                .startsWith(
                        "3333ff0b000c"
                                + "020000000001"
                                + "86dd"
                                + "60000000"
                                + "0018"
                                + "3aff"
                                + "0".repeat(32)
                                + "ff0200000000000000000001ff0b000c");
        assertThat(probe).hasSize(2 * 78);
        assertThat(Frame.checksum(buffer, 54, 78)).isZero();

        String asked =
                written(Frame.solicitation(buffer, OWN, inet("2001:db8::1"), V6)).replace(" ", "");
        assertThat(asked).endsWith("0101020000000001").hasSize(2 * 86);
        assertThat(Frame.checksum(buffer, 54, 86)).isZero();
    }

    @Test
    void givenOwnForms_whenRead_thenClaimsAreSeenAndQuestionsOnlyWhereTheyCarryASender() {
        Frame.gratuitousReply(buffer, OWN, V4);
        assertThat(Frame.read(buffer.flip()))
                .satisfies(
                        f -> {
                            assertThat(f.address()).isEqualTo(V4.getAddress());
                            assertThat(f.hardware()).isEqualTo(OWN);
                            assertThat(f.source()).isEqualTo(OWN);
                            assertThat(f.destination()).isEqualTo(Frame.BROADCAST);
                            assertThat(f.isReply()).isTrue();
                        });
        Frame.gratuitousRequest(buffer, OWN, V4);
        assertThat(Frame.read(buffer.flip()).isReply()).isFalse();
        Frame.request(buffer, OWN, null, V4);
        assertThat(Frame.read(buffer.flip())).isNull();
        Frame.request(buffer, OWN, inet("192.0.2.1"), V4);
        assertThat(Frame.read(buffer.flip()).address()).isEqualTo(new byte[] {(byte) 192, 0, 2, 1});
        Frame.advertisement(buffer, OWN, V6);
        assertThat(Frame.read(buffer.flip()))
                .satisfies(
                        f -> {
                            assertThat(f.address()).isEqualTo(V6.getAddress());
                            assertThat(f.isReply()).isFalse();
                        });
        Frame.solicitation(buffer, OWN, null, V6);
        assertThat(Frame.read(buffer.flip())).isNull();
    }

    @Test
    void givenWitness_whenItAnswersUs_thenThatCounts_whenItAsksUsOrTellsAll_thenNot() {
        long witness = 0x02_00_00_00_00_02L;
        byte[] asked = V4.getAddress();
        Frame.gratuitousReply(buffer, witness, V4);
        assertThat(Frame.read(buffer.flip()).answers(asked, OWN)).as("to all").isFalse();
        toUs();
        assertThat(Frame.read(buffer).answers(asked, OWN)).isTrue();
        assertThat(Frame.read(buffer).answers(asked, OWN + 1)).as("to another").isFalse();
        assertThat(Frame.read(buffer).answers(inet("192.0.2.11").getAddress(), OWN)).isFalse();
        Frame.gratuitousRequest(buffer, witness, V4);
        buffer.flip();
        toUs(); // As a kernel does that wants to know whether we are still there.
        assertThat(Frame.read(buffer).answers(asked, OWN)).as("a question").isFalse();
    }

    private void toUs() {
        buffer.putShort(0, (short) (OWN >>> 32)).putInt(2, (int) OWN);
    }

    @Test
    void givenAdvertisement_whenAnyByteIsWrong_thenIgnoredOrAnotherLinkOnly() {
        int length = Frame.advertisement(buffer, OWN, V6);
        buffer.flip();
        for (int at = 14; at < length; at++) {
            for (int bit = 0; bit < 8; bit++) {
                byte right = buffer.get(at);
                buffer.put(at, (byte) (right ^ 1 << bit));
                // Traffic class and flow label are nobody's business and outside the checksum; all
                // else is.
                boolean covered = at >= 18 || at == 14 && bit >= 4;
                if (covered) assertThat(Frame.read(buffer)).as("byte %d bit %d", at, bit).isNull();
                buffer.put(at, right);
            }
        }
        assertThat(Frame.read(buffer)).isNotNull();
    }

    @Test
    void givenAdvertisement_whenForgedWithRightChecksum_thenTheRulesOfRfc4861StillHold() {
        record Forgery(String what, int at, byte value) {}
        for (Forgery forgery :
                List.of(
                        new Forgery("hop limit", 21, (byte) 254),
                        new Forgery("code", 55, (byte) 1),
                        new Forgery("a group as target", 62, (byte) 0xff),
                        new Forgery("solicited to a group", 58, (byte) 0x60),
                        new Forgery("option without length", 79, (byte) 0),
                        new Forgery("option too long", 79, (byte) 2))) {
            Frame.advertisement(buffer, OWN, V6);
            buffer.flip();
            buffer.put(forgery.at, forgery.value).putShort(56, (short) 0);
            buffer.putShort(56, (short) Frame.checksum(buffer, 54, 86));

            assertThat(Frame.read(buffer)).as(forgery.what).isNull();
        }
    }

    @Test
    void givenFrames_whenCutAnywhere_thenIgnored() {
        for (byte[] whole : all()) {
            for (int length = 0; length < whole.length; length++) {
                assertThat(Frame.read(ByteBuffer.wrap(whole, 0, length).slice()))
                        .as("%d bytes", length)
                        .isNull();
            }
        }
    }

    @Test
    void givenPadding_whenRead_thenLeftOut() {
        for (byte[] whole : all()) {
            assertThat(Frame.read(ByteBuffer.wrap(Arrays.copyOf(whole, 128)))).isNotNull();
        }
    }

    @Test
    void givenRandomFrames_whenRead_thenNeverThrows() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> models = all();
        int understood = 0;
        for (int round = 0; round < 100_000; round++) {
            byte[] frame;
            if (random.nextInt(4) == 0) {
                frame = new byte[random.nextInt(200)];
                random.nextBytes(frame);
                if (frame.length > 14)
                    ByteBuffer.wrap(frame)
                            .putShort(12, (short) (random.nextBoolean() ? 0x0806 : 0x86dd));
            } else {
                frame = models.get(random.nextInt(models.size())).clone();
                for (int i = random.nextInt(4); i > 0; i--)
                    frame[random.nextInt(frame.length)] = (byte) random.nextInt();
                if (random.nextBoolean())
                    frame = Arrays.copyOf(frame, random.nextInt(frame.length + 64));
                if (frame.length >= 78 && random.nextBoolean()) repair(frame);
            }
            try {
                if (Frame.read(ByteBuffer.wrap(frame)) != null) understood++;
            } catch (RuntimeException e) {
                throw new AssertionError(
                        "seed " + seed + ": " + HexFormat.of().formatHex(frame), e);
            }
        }
        assertThat(understood).isBetween(1000, 99_000);
    }

    @Test
    void givenHardware_whenShown_thenInPairs() {
        assertThat(Frame.text(0x0a_00_27_ff_00_01L)).isEqualTo("0a:00:27:ff:00:01");
    }

    private static void repair(byte[] frame) {
        ByteBuffer wrapped = ByteBuffer.wrap(frame);
        int end = 54 + (wrapped.getShort(18) & 0xffff);
        if (end > frame.length || end < 58) return;
        wrapped.putShort(56, (short) 0);
        wrapped.putShort(56, (short) Frame.checksum(wrapped, 54, end));
    }

    private List<byte[]> all() {
        return List.of(
                copy(Frame.gratuitousRequest(buffer, OWN, V4)),
                copy(Frame.gratuitousReply(buffer, OWN, V4)),
                copy(Frame.advertisement(buffer, OWN, V6)));
    }

    private byte[] copy(int length) {
        return Arrays.copyOf(buffer.array(), length);
    }

    /// In groups as a reader of ARP wants them.
    private String written(int length) {
        assertThat(buffer.position()).isEqualTo(length);
        String hex = HexFormat.of().formatHex(buffer.array(), 0, length);
        if (!hex.startsWith("0806", 24)) return hex;
        StringBuilder grouped = new StringBuilder();
        int at = 0;
        for (int bytes : new int[] {6, 6, 2, 2, 2, 1, 1, 2, 6, 4, 6, 4}) {
            if (at > 0) grouped.append(' ');
            grouped.append(hex, at, at += 2 * bytes);
        }
        return grouped.toString();
    }

    private static ByteBuffer bytes(String hex) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    static InetAddress inet(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
