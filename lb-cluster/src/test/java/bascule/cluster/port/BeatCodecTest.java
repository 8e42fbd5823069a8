package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Claim;
import bascule.cluster.ownership.Rules;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BeatCodecTest {
    private static final List<String> NODES = List.of("a", "b", "c");
    private static final List<String> IPS = List.of("public", "vpn");
    private static final byte[] CHALLENGE = filled(1);
    private static final byte[] ECHO = filled(2);

    private final BeatCodec codec = new BeatCodec(NODES, IPS);

    @Test
    void givenBeat_whenWrittenAndRead_thenTheSame() {
        Beat beat =
                new Beat(
                        0xfedcba9876543210L,
                        true,
                        false,
                        List.of(
                                new Claim(Claim.Phase.LEAVING, 7, 0, 2, 65533, true, 1, 6),
                                new Claim(
                                        Claim.Phase.STANDBY,
                                        Rules.EPOCH_MOST,
                                        -1,
                                        -1,
                                        -1,
                                        false,
                                        -1,
                                        0)));

        BeatCodec.Opened opened = codec.read(written(codec, beat));

        assertThat(opened.beat()).isEqualTo(beat);
        assertThat(opened.challenge()).isEqualTo(CHALLENGE);
        assertThat(opened.echo()).isEqualTo(ECHO);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomBeats_whenWrittenAndRead_thenTheSame(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 1000; round++) {
            Beat beat = randomBeat(random);
            assertThat(codec.read(written(codec, beat)).beat()).as("seed %d", seed).isEqualTo(beat);
        }
    }

    @Test
    void givenSixtyFourFloatingIps_whenWritten_thenADatagramHoldsThem() {
        List<String> ips = IntStream.range(0, 64).mapToObj(i -> "ip" + i).toList();
        var most = new BeatCodec(NODES, ips);
        var claim = new Claim(Claim.Phase.OWNING, Rules.EPOCH_MOST, 2, 2, 65533, true, 2, 9);
        Beat beat = new Beat(-1, true, true, ips.stream().map(_ -> claim).toList());

        ByteBuffer bytes = written(most, beat);

        assertThat(bytes.remaining()).isEqualTo(BeatCodec.BYTES_MOST).isEqualTo(1077);
        assertThat(most.read(bytes).beat()).isEqualTo(beat);
    }

    @Test
    void givenBeat_whenCutAnywhere_thenMalformed() {
        byte[] whole = array(written(codec, randomBeat(new Random(5))));

        for (int length = 0; length < whole.length; length++)
            assertThat(codec.read(ByteBuffer.wrap(whole, 0, length))).as("%d", length).isNull();
        assertThat(codec.read(ByteBuffer.wrap(Arrays.copyOf(whole, whole.length + 1)))).isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenGarbage_whenRead_thenNeverThrowsAndWhatIsReadIsInBounds(long seed) {
        var random = new Random(seed);
        int read = 0;
        for (int round = 0; round < 100_000; round++) {
            byte[] bytes;
            if (round % 2 == 0) {
                bytes = new byte[random.nextInt(200)];
                random.nextBytes(bytes);
            } else {
                bytes = array(written(codec, randomBeat(random)));
                for (int i = 0; i <= random.nextInt(4); i++)
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            BeatCodec.Opened opened = codec.read(ByteBuffer.wrap(bytes));
            if (opened == null) continue;
            read++;
            for (Claim each : opened.beat().claims()) {
                assertThat(each.owner()).isBetween(-1, 2);
                assertThat(each.successor()).isBetween(-1, 2);
                assertThat(each.promisedTo()).isBetween(-1, 2);
                assertThat(each.fitness()).isBetween(-1, 65534);
                assertThat(each.epoch()).isBetween(0L, Rules.EPOCH_MOST);
            }
        }
        assertThat(read).as("seed %d", seed).isPositive();
    }

    @Test
    void givenNewerVersionWithMoreFields_whenRead_thenSkipped() {
        Beat beat = randomBeat(new Random(1));
        byte[] now = array(written(codec, beat));
        ByteBuffer next = ByteBuffer.allocate(500);
        next.put((byte) 2).put((byte) (17 + 3)).put((byte) (16 + 5)).put((byte) 2);
        next.put(now, 4, 32 + 17).put(new byte[3]);
        next.put(now, 53, 16).put(filled(9), 0, 5).put(now, 69, 16).put(filled(9), 0, 5);
        next.put(new byte[11]).flip(); // What a newer one appends.

        assertThat(codec.read(next).beat()).isEqualTo(beat);
    }

    @Test
    void givenVersionTwoAhead_whenRead_thenMalformed() {
        byte[] bytes = array(written(codec, randomBeat(new Random(1))));
        bytes[0] = 3;
        assertThat(codec.read(ByteBuffer.wrap(bytes))).isNull();
        bytes[0] = 0;
        assertThat(codec.read(ByteBuffer.wrap(bytes))).isNull();
    }

    @Test
    void givenOtherNames_whenRead_thenWithoutClaims() {
        Beat beat = randomBeat(new Random(1));
        assertThat(beat.claims()).isNotEmpty();

        for (BeatCodec other :
                List.of(
                        new BeatCodec(List.of("a", "b", "d"), IPS),
                        new BeatCodec(NODES, List.of("public", "wan")),
                        new BeatCodec(NODES, List.of("public")),
                        new BeatCodec(List.of("a", "b"), List.of("c", "public", "vpn")))) {
            BeatCodec.Opened opened = other.read(written(codec, beat));
            assertThat(opened.beat().claims()).isEmpty();
            assertThat(opened.beat().configuration()).isEqualTo(beat.configuration());
        }
    }

    @Test
    void givenImpossibleBeat_whenWritten_thenABug() {
        var high = new Claim(Claim.Phase.OWNING, 1L << 40, 0, -1, 1, false, -1, 0);
        var stranger = new Claim(Claim.Phase.OWNING, 1, 3, -1, 1, false, -1, 0);

        assertThatThrownBy(() -> written(codec, new Beat(0, false, false, List.of(high, high))))
                .hasMessageContaining("2^40");
        assertThatThrownBy(
                        () ->
                                written(
                                        codec,
                                        new Beat(0, false, false, List.of(stranger, stranger))))
                .hasMessageContaining("node 3 of 3");
        assertThatThrownBy(() -> written(codec, new Beat(0, false, false, List.of(high))))
                .hasMessageContaining("1 claims");
    }

    static Beat randomBeat(Random random) {
        List<Claim> claims = new ArrayList<>();
        for (int i = 0; i < 2; i++)
            claims.add(
                    new Claim(
                            List.of(Claim.Phase.values()).get(random.nextInt(5)),
                            random.nextLong(Rules.EPOCH_MOST + 1),
                            random.nextInt(4) - 1,
                            random.nextInt(4) - 1,
                            random.nextInt(100) - 1,
                            random.nextBoolean(),
                            random.nextInt(4) - 1,
                            random.nextLong(Rules.EPOCH_MOST + 1)));
        return new Beat(random.nextLong(), random.nextBoolean(), random.nextBoolean(), claims);
    }

    private static ByteBuffer written(BeatCodec codec, Beat beat) {
        ByteBuffer out = ByteBuffer.allocate(BeatCodec.BYTES_MOST);
        codec.write(CHALLENGE, ECHO, beat, out);
        return out.flip();
    }

    private static byte[] array(ByteBuffer from) {
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        return bytes;
    }

    private static byte[] filled(int with) {
        byte[] bytes = new byte[16];
        Arrays.fill(bytes, (byte) with);
        return bytes;
    }
}
