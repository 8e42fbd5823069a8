package bascule.tls;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.TicketRing.Subscription;
import bascule.tls.TicketRing.Taken;
import io.netty.handler.ssl.OpenSslSessionTicketKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TicketRingTest {
    private static final Instant START = Instant.parse("2026-11-20T00:00:00Z");

    private final TicketRing ring = new TicketRing(START);

    private static byte[] context(int number) {
        byte[] context = new byte[32];
        context[0] = (byte) number;
        return context;
    }

    /// Names and keys as hex, the one that seals first.
    private static List<String> keys(TicketRing ring, byte[] context) {
        List<String> seen = new ArrayList<>();
        ring.subscribe(context, keys -> seen.addAll(hex(keys))).close();
        return seen;
    }

    private static List<String> hex(OpenSslSessionTicketKey... keys) {
        return Arrays.stream(keys)
                .map(
                        key ->
                                HexFormat.of().formatHex(key.name())
                                        + HexFormat.of().formatHex(key.hmacKey())
                                        + HexFormat.of().formatHex(key.aesKey()))
                .toList();
    }

    @Test
    void givenTime_whenRotated_thenEveryEightHoursThereIsAnotherKeyAndNoneGetsOlderThanADay() {
        String first = keys(ring, context(1)).getFirst();
        assertThat(ring.rotate(START.plus(Duration.ofHours(8)).minusSeconds(1))).isFalse();
        assertThat(keys(ring, context(1))).containsExactly(first);

        assertThat(ring.rotate(START.plus(Duration.ofHours(8)))).isTrue();
        assertThat(keys(ring, context(1))).hasSize(2).element(1).isEqualTo(first);
        assertThat(ring.rotate(START.plus(Duration.ofHours(8)))).isFalse();

        ring.rotate(START.plus(Duration.ofHours(16)));
        assertThat(keys(ring, context(1))).hasSize(3).last().isEqualTo(first);
        ring.rotate(START.plus(Duration.ofHours(24)));
        assertThat(keys(ring, context(1))).hasSize(3).doesNotContain(first).doesNotHaveDuplicates();
    }

    @Test
    void givenLongSleep_whenRotated_thenOnlyANewKeyIsThere() {
        List<String> before = keys(ring, context(1));
        ring.rotate(START.plus(Duration.ofDays(30)));

        assertThat(keys(ring, context(1))).hasSize(1).doesNotContainAnyElementsOf(before);
    }

    @Test
    void givenClockThatWasSetBack_whenRotated_thenNothingHappens() {
        assertThat(ring.rotate(START.minus(Duration.ofDays(400)))).isFalse();
        assertThat(keys(ring, context(1))).hasSize(1);
    }

    @Test
    void givenOneRing_whenContextsDiffer_thenNoPartOfTheirKeysIsTheSame() {
        String one = keys(ring, context(1)).getFirst();
        String other = keys(ring, context(2)).getFirst();

        assertThat(one).hasSize(96);
        for (int part = 0; part < 96; part += 32)
            assertThat(one.substring(part, part + 32))
                    .isNotEqualTo(other.substring(part, part + 32))
                    .isNotEqualTo(one.substring((part + 32) % 96, (part + 32) % 96 + 32));
    }

    @Test
    void givenKnownRing_whenDerived_thenIsHkdf() {
        // From another implementation of RFC 5869: no salt, IKM 32 times 07, info "bascule ticket
        // keys v1" and 01 00 … 00.
        byte[] known = new byte[4 + 8 + 32];
        System.arraycopy(new byte[] {'B', 'T', 'R', '1'}, 0, known, 0, 4);
        Arrays.fill(known, 12, 44, (byte) 7);
        assertThat(ring.install(known)).isTrue();

        assertThat(keys(ring, context(1)))
                .containsExactly(
                        "1e7d1451f1c49b8226fc42893f34949bdb8c8555ea5f77ec86d468fc6f0a1ba5e8e153b425ad34fc56ec938a62babf69");
    }

    @Test
    void givenExportedRing_whenInstalled_thenBothDeriveTheSame() {
        ring.rotate(START.plus(Duration.ofHours(8)));
        byte[] exported = ring.export();
        TicketRing other = new TicketRing(START);

        assertThat(exported).hasSize(4 + 2 * 40).startsWith('B', 'T', 'R', '1');
        assertThat(other.install(exported)).isTrue();
        assertThat(keys(other, context(1))).isEqualTo(keys(ring, context(1)));
        assertThat(other.export()).isEqualTo(exported);
        assertThat(other.rotate(START.plus(Duration.ofHours(16)))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "BTR1", "empty", "short", "long", "version", "many", "time"})
    void givenBytesOfNoRing_whenInstalled_thenAreRefusedAndNothingChanges(String what) {
        byte[] good = ring.export();
        byte[] bad =
                switch (what) {
                    case "empty" -> new byte[0];
                    case "short" -> Arrays.copyOf(good, good.length - 1);
                    case "long" -> Arrays.copyOf(good, good.length + 1);
                    case "version" -> {
                        byte[] other = good.clone();
                        other[3] = '2';
                        yield other;
                    }
                    case "many" -> Arrays.copyOf(good, 4 + 40 * (TicketRing.KEYS_LIMIT + 1));
                    case "time" -> {
                        byte[] other = good.clone();
                        other[4] = (byte) 0x80;
                        yield other;
                    }
                    default -> what.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
                };

        assertThat(ring.install(bad)).isFalse();
        assertThat(ring.export()).isEqualTo(good);
    }

    @Test
    void givenSubscription_whenKeysChange_thenIsTold_untilItEnds() {
        List<List<String>> told = new ArrayList<>();
        Subscription subscription = ring.subscribe(context(1), keys -> told.add(hex(keys)));
        assertThat(told).hasSize(1);
        ring.rotate(START.plus(Duration.ofHours(8)));
        ring.install(new TicketRing(START).export());
        assertThat(told).hasSize(3).doesNotHaveDuplicates();

        subscription.close();
        ring.rotate(START.plus(Duration.ofHours(17)));
        assertThat(told).hasSize(3);
        assertThat(ring.subscribers()).isZero();
    }

    @Test
    void givenThreadsThatComeAndGo_whenKeysChange_thenNobodyEndsWithOldOnes() throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(4);
        for (int thread = 0; thread < 4; thread++) {
            byte[] context = context(thread);
            Thread.ofPlatform()
                    .start(
                            () -> {
                                try {
                                    for (int i = 0; i < 200; i++) {
                                        AtomicReference<List<String>> last =
                                                new AtomicReference<>();
                                        Subscription mine =
                                                ring.subscribe(
                                                        context, keys -> last.set(hex(keys)));
                                        if (i % 10 == 0)
                                            ring.install(new TicketRing(START).export());
                                        synchronized (ring) { // Nothing changes meanwhile.
                                            assertThat(last.get()).isEqualTo(keys(ring, context));
                                        }
                                        mine.close();
                                    }
                                } catch (Throwable e) {
                                    failure.set(e);
                                } finally {
                                    done.countDown();
                                }
                            });
        }
        assertThat(done.await(60, SECONDS)).isTrue();
        assertThat(failure.get()).isNull();
        assertThat(ring.subscribers()).isZero();
    }

    @Test
    void givenRing_whenPrinted_thenShowsAgesOnly() {
        assertThat(ring.toString()).isEqualTo("[ticket key of 2026-11-20T00:00:00Z]");
    }

    @Test
    void givenTwoRings_whenEachTakesTheOthersKeys_thenBothAreTheSameAndOpenWhatEitherSealed() {
        ring.rotate(START.plus(Duration.ofHours(8)));
        Instant now = START.plus(Duration.ofHours(9));
        TicketRing other = new TicketRing(now);
        byte[] mine = ring.export();
        byte[] theirs = other.export();
        List<String> before = keys(ring, context(1));
        List<String> beforeOther = keys(other, context(1));

        assertThat(ring.merge(theirs, now)).isEqualTo(Taken.ALL);
        assertThat(other.merge(mine, now)).isEqualTo(Taken.ALL);

        assertThat(ring.export()).isEqualTo(other.export());
        assertThat(keys(ring, context(1)))
                .hasSize(3)
                .containsAll(before)
                .startsWith(beforeOther.getFirst()); // The newest seals.
        byte[] same = ring.export();
        assertThat(ring.merge(mine, now)).isEqualTo(Taken.ALL);
        assertThat(ring.export()).isEqualTo(same);
    }

    @Test
    void givenRingThatNobodyHasHeardOf_whenItJoins_thenItHasTheOthersKeysAndNoneOfItsOwn() {
        ring.rotate(START.plus(Duration.ofHours(8)));
        Instant now = START.plus(Duration.ofHours(9));
        TicketRing other = new TicketRing(now);

        assertThat(other.join(ring.export(), now)).isEqualTo(Taken.ALL);

        assertThat(other.export()).isEqualTo(ring.export());
    }

    @Test
    void givenKeysTooOldOrOfAClockFarAhead_whenMerged_thenTheyAreLeftOut() {
        TicketRing old = new TicketRing(START.minus(Duration.ofHours(25)));
        TicketRing ahead = new TicketRing(START.plus(Duration.ofHours(2)));
        byte[] before = ring.export();

        assertThat(ring.merge(old.export(), START)).isEqualTo(Taken.NOT_ALL);
        assertThat(ring.merge(ahead.export(), START)).isEqualTo(Taken.NOT_ALL);
        assertThat(ring.join(ahead.export(), START)).isEqualTo(Taken.NOT_ALL);
        assertThat(ring.export()).isEqualTo(before);
    }

    @Test
    void givenMoreKeysThanMayBe_whenMerged_thenTheNewestStay() {
        for (int i = 1; i <= 40; i++)
            ring.merge(new TicketRing(START.plusSeconds(i)).export(), START.plusSeconds(60));

        assertThat(ring.export()).hasSize(4 + 40 * TicketRing.KEYS_LIMIT);
        assertThat(ring.toString()).startsWith("[ticket key of 2026-11-20T00:00:40Z,");
    }

    @Test
    void givenBytesOfNoRing_whenMerged_thenAreRefusedAndNothingChanges() {
        byte[] good = ring.export();

        assertThat(ring.merge(Arrays.copyOf(good, good.length - 1), START))
                .isEqualTo(Taken.NOT_A_RING);
        assertThat(ring.join(new byte[1], START)).isEqualTo(Taken.NOT_A_RING);
        assertThat(ring.merge(new byte[0], START)).isEqualTo(Taken.NOT_A_RING);
        assertThat(ring.export()).isEqualTo(good);
    }

    @Test
    void givenRingWhoseKeysAnotherNodeMakes_whenTimeComes_thenItOnlyForgetsUnlessThatNodeFails() {
        assertThat(ring.forget(START.plus(Duration.ofHours(8)))).isFalse();
        assertThat(ring.forget(START.plus(Duration.ofHours(8).plusMinutes(10)))).isTrue();
        assertThat(keys(ring, context(1))).hasSize(2);
        assertThat(ring.forget(START.plus(Duration.ofHours(16).plusMinutes(9)))).isFalse();
        assertThat(
                        ring.merge(
                                new TicketRing(START.plus(Duration.ofHours(24))).export(),
                                START.plus(Duration.ofHours(24))))
                .isEqualTo(Taken.ALL);
        assertThat(ring.forget(START.plus(Duration.ofHours(24)))).isTrue();
        assertThat(keys(ring, context(1))).hasSize(2);
    }
}
