package bascule.net;

import static bascule.net.DeadlineWheel.TICK_NANOS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DeadlineWheelTest {
    private static final long ORIGIN =
            Math.subtractExact(Long.MAX_VALUE, 5_000_000_001L); // Wraps within the test.
    private static final long TURN_NANOS = 1024 * TICK_NANOS;

    private final DeadlineWheel wheel = new DeadlineWheel(ORIGIN);

    private static final class Node extends Deadline {
        LongConsumer action = _ -> {};
        long expiredAt;
        int expiries;
        Throwable failure;

        @Override
        protected void failed(Throwable cause) {
            failure = cause;
        }

        @Override
        protected void expired(long nowNanos) {
            expiries++;
            expiredAt = nowNanos;
            action.accept(nowNanos);
        }
    }

    /// Ticks as the loop does, from one time after the origin to another.
    private void run(long fromNanos, long toNanos) {
        for (long at = fromNanos; at <= toNanos; at += TICK_NANOS) wheel.advance(ORIGIN + at);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 99_999_999, 100_000_000, 100_000_001, 10_000_000_000L})
    void givenDeadline_whenItsTimeComes_thenExpiresOnceAtTheNextTick(long inNanos) {
        var node = new Node();
        wheel.schedule(node, ORIGIN + inNanos);

        run(0, inNanos + 3 * TICK_NANOS);

        assertEquals(1, node.expiries);
        long late = node.expiredAt - ORIGIN - inNanos;
        assertTrue(late >= 0 && late < TICK_NANOS, () -> "late by " + late);
    }

    @Test
    void givenDeadlineThatIsNotToBePutOff_whenAskedForAgain_thenTheEarliestTimeCounts() {
        var node = new Node();
        wheel.scheduleBy(node, ORIGIN + 50 * TICK_NANOS);
        wheel.scheduleBy(node, ORIGIN + 90 * TICK_NANOS);
        wheel.scheduleBy(node, ORIGIN + 20 * TICK_NANOS);
        wheel.scheduleBy(node, ORIGIN + 21 * TICK_NANOS);
        run(0, 19 * TICK_NANOS);
        assertEquals(0, node.expiries);
        run(20 * TICK_NANOS, 30 * TICK_NANOS);
        assertEquals(ORIGIN + 20 * TICK_NANOS, node.expiredAt);

        wheel.scheduleBy(node, ORIGIN + 60 * TICK_NANOS);
        run(31 * TICK_NANOS, 100 * TICK_NANOS);
        assertEquals(2, node.expiries);
        assertEquals(ORIGIN + 60 * TICK_NANOS, node.expiredAt);
    }

    @ParameterizedTest
    @ValueSource(ints = {1023, 1024, 1025, 5000}) // Ticks; a turn has 1024.
    void givenDeadlineBeyondATurn_whenItsTimeComes_thenExpiresThenAndNotATurnEarlier(int ticks) {
        var node = new Node();
        wheel.schedule(node, ORIGIN + ticks * TICK_NANOS);

        run(0, (ticks + 2000) * TICK_NANOS);

        assertEquals(1, node.expiries);
        assertEquals(ORIGIN + ticks * TICK_NANOS, node.expiredAt);
    }

    @Test
    void givenDeadlineThatCannotEvenFail_whenItExpires_thenItIsToldAndTheOthersExpire() {
        var told = new ArrayList<Throwable>();
        Thread.currentThread().setUncaughtExceptionHandler((_, bug) -> told.add(bug));
        try {
            var error = new AssertionError("in expired");
            var bad =
                    new Deadline() {
                        @Override
                        protected void expired(long nowNanos) {
                            throw error;
                        }

                        @Override
                        protected void failed(Throwable cause) {
                            throw new IllegalStateException("in failed");
                        }
                    };
            var good = new Node();
            wheel.schedule(bad, ORIGIN + 1);
            wheel.schedule(good, ORIGIN + 1);

            run(0, 3 * TICK_NANOS);

            assertEquals(1, good.expiries);
            assertThat(told).hasSize(1);
            assertThat(told.getFirst()).hasMessage("in failed").hasSuppressedException(error);
        } finally {
            Thread.currentThread().setUncaughtExceptionHandler(null);
        }
    }

    @Test
    void givenDeadline_whenPutOffAgainAndAgain_thenNeverExpires() {
        var node = new Node();
        for (int tick = 0; tick < 5000; tick++) {
            wheel.schedule(node, ORIGIN + (tick + 2) * TICK_NANOS);
            wheel.advance(ORIGIN + tick * TICK_NANOS);
        }

        assertEquals(0, node.expiries);
    }

    @Test
    void givenDeadline_whenMovedForward_thenExpiresEarlier() {
        var node = new Node();
        wheel.schedule(node, ORIGIN + 500 * TICK_NANOS);
        wheel.schedule(node, ORIGIN + 3 * TICK_NANOS);

        run(0, 4 * TICK_NANOS);

        assertEquals(ORIGIN + 3 * TICK_NANOS, node.expiredAt);
    }

    @Test
    void givenStallLongerThanATurn_whenItEnds_thenAllThatIsDueExpiresAndNothingElse() {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            var node = new Node();
            nodes.add(node);
            wheel.schedule(node, ORIGIN + i * TICK_NANOS);
        }

        wheel.advance(ORIGIN + 2000 * TICK_NANOS);

        for (int i = 0; i < nodes.size(); i++)
            assertEquals(i <= 2000 ? 1 : 0, nodes.get(i).expiries, "" + i);
        run(2001 * TICK_NANOS, 3000 * TICK_NANOS);
        assertThat(nodes).allMatch(node -> node.expiries == 1);
    }

    @Test
    void givenSuspended_whenItsTimeComes_thenSilentUntilArmedAgain() {
        var node = new Node();
        wheel.schedule(node, ORIGIN + 2 * TICK_NANOS);
        wheel.suspend(node);
        run(0, 10 * TICK_NANOS);
        assertEquals(0, node.expiries);

        wheel.schedule(node, ORIGIN + 12 * TICK_NANOS);
        run(11 * TICK_NANOS, 20 * TICK_NANOS);

        assertEquals(1, node.expiries);
    }

    @Test
    void givenRemoved_whenItsTimeComes_thenTheWheelHoldsNothingOfIt() {
        var node = new Node();
        wheel.schedule(node, ORIGIN + 2 * TICK_NANOS);

        wheel.remove(node);
        wheel.remove(node);

        assertThat(node.next).isNull();
        assertThat(node.previous).isNull();
        run(0, 10 * TICK_NANOS);
        assertEquals(0, node.expiries);
    }

    @Test
    void givenManyInOneSlot_whenOneRemovesTheOthers_thenNoneOfThoseExpires() {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            var node = new Node();
            node.action = _ -> nodes.forEach(wheel::remove);
            nodes.add(node);
            wheel.schedule(node, ORIGIN + TICK_NANOS);
        }

        run(0, 5 * TICK_NANOS);

        assertEquals(1, nodes.stream().mapToInt(node -> node.expiries).sum());
    }

    @Test
    void givenCallbackThatArmsItself_whenTheTimeHasPassed_thenOncePerTickAndNoEndlessLoop() {
        var node = new Node();
        node.action = now -> wheel.schedule(node, now - 1);
        wheel.schedule(node, ORIGIN + TICK_NANOS);

        run(0, 10 * TICK_NANOS);

        assertEquals(10, node.expiries);
    }

    @Test
    void givenCallbackThatFails_whenTimePasses_thenItIsToldAndTheOthersExpireInTime() {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            var node = new Node();
            nodes.add(node);
            wheel.schedule(node, ORIGIN + TICK_NANOS);
        }
        nodes.get(0).action =
                _ -> {
                    throw new IllegalStateException("planted");
                };
        nodes.get(4).action =
                _ -> {
                    throw new OutOfMemoryError("planted");
                };

        run(0, TICK_NANOS);

        assertThat(nodes).allMatch(node -> node.expiries == 1);
        assertThat(nodes.stream().filter(node -> node.failure != null))
                .containsExactly(nodes.get(0), nodes.get(4));
    }

    /// The wheel beside a list that is searched. Time jumps by parts of a tick, by ticks, and now and then by more than a turn.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void givenAnyOperations_whenTimePasses_thenNeverEarlyAndNeverMoreThanATickLate(long seed) {
        new Model(seed, wheel).run(60_000);
    }

    /// That the model sees a wheel that is wrong: one that is told a time of its own.
    @ParameterizedTest
    @ValueSource(longs = {2 * TICK_NANOS, -2 * TICK_NANOS})
    void givenWheelThatGoesWrong_whenHeldAgainstTheModel_thenSeen(long errorNanos) {
        var model = new Model(1, wheel);
        model.errorNanos = errorNanos;

        assertThrows(AssertionError.class, () -> model.run(60_000));
    }

    private static final class Model {
        final Random random;
        final long seed;
        final DeadlineWheel wheel;
        final List<Modelled> nodes = new ArrayList<>();
        long nowNanos; // Since the origin.
        long errorNanos;
        int expiries;

        final class Modelled extends Deadline {
            boolean armed;
            long dueNanos; // Since the origin; and not before it was armed.
            long latestNanos;

            void arm(long inNanos) {
                armed = true;
                dueNanos = nowNanos + inNanos;
                latestNanos = Math.max(dueNanos, nowNanos) + TICK_NANOS;
                wheel.schedule(this, ORIGIN + dueNanos);
            }

            void disarm(boolean forget) {
                armed = false;
                if (forget) wheel.remove(this);
                else wheel.suspend(this);
            }

            @Override
            protected void failed(Throwable cause) {
                throw new AssertionError(at(), cause);
            }

            @Override
            protected void expired(long now) {
                expiries++;
                assertTrue(armed, () -> "expired, and was not armed: " + at());
                assertTrue(dueNanos <= nowNanos, () -> "early: " + at());
                armed = false;
                for (int i = random.nextInt(3); i > 0; i--) operate();
            }
        }

        Model(long seed, DeadlineWheel wheel) {
            this.seed = seed;
            this.wheel = wheel;
            random = new Random(seed);
            for (int i = 0; i < 50; i++) nodes.add(new Modelled());
        }

        String at() {
            return "seed " + seed + ", " + nowNanos + " ns";
        }

        void operate() {
            Modelled node = nodes.get(random.nextInt(nodes.size()));
            switch (random.nextInt(8)) {
                case 0 -> node.disarm(false);
                case 1 -> node.disarm(true);
                case 2 -> node.arm(-random.nextLong(TURN_NANOS));
                case 3 -> node.arm(random.nextLong(3 * TURN_NANOS));
                case 4 -> node.arm(random.nextLong(TICK_NANOS));
                default -> node.arm(random.nextLong(60 * TICK_NANOS));
            }
        }

        void run(int steps) {
            for (int step = 0; step < steps; step++) {
                for (int i = random.nextInt(4); i > 0; i--) operate();
                nowNanos +=
                        switch (random.nextInt(1000)) {
                            case 0 -> TURN_NANOS + random.nextLong(TURN_NANOS);
                            case 1, 2, 3, 4 -> random.nextLong(TURN_NANOS);
                            default -> random.nextLong(2 * TICK_NANOS);
                        };
                wheel.advance(ORIGIN + nowNanos + errorNanos);
                for (Modelled node : nodes) {
                    assertTrue(
                            !node.armed || node.latestNanos > nowNanos,
                            () -> "late: due " + node.dueNanos + ", " + at());
                }
            }
            assertTrue(expiries > steps / 10, () -> "only " + expiries + " expired");
        }
    }
}
