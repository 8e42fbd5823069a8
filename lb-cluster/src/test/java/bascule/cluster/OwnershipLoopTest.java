package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OwnershipLoopTest {
    private static final long TICK = TimeUnit.MILLISECONDS.toNanos(5);

    private final List<String> done = new CopyOnWriteArrayList<>();
    private final List<Throwable> bugs = new CopyOnWriteArrayList<>();
    private final AtomicInteger turns = new AtomicInteger();
    private final OwnershipLoop loop = new OwnershipLoop(TICK, _ -> turn(), bugs::add);

    private void turn() {
        turns.incrementAndGet();
        done.add("turn");
    }

    @AfterEach
    void end() {
        loop.close();
    }

    @Test
    void givenLoop_whenTimePasses_thenTurns() throws InterruptedException {
        loop.start();

        await(() -> turns.get() >= 5);
    }

    @Test
    void givenWork_whenPosted_thenDoneInItsOrder() throws InterruptedException {
        var ended = new CountDownLatch(1);
        loop.start();
        for (int i = 0; i < 100; i++) {
            int number = i;
            loop.post(() -> done.add("work " + number));
        }
        loop.post(ended::countDown);

        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(done.stream().filter(each -> each.startsWith("work")).toList())
                .hasSize(100)
                .startsWith("work 0", "work 1")
                .endsWith("work 99");
    }

    @Test
    void givenLoopThatWasAway_whenItComesBack_thenTheTurnIsFirst() throws InterruptedException {
        var ended = new CountDownLatch(1);
        loop.start();
        loop.post(
                () -> {
                    sleep(20 * TICK);
                    done.clear();
                    loop.post(() -> done.add("waited"));
                    loop.post(ended::countDown);
                });

        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(done).startsWith("turn", "waited");
    }

    @Test
    void givenBug_whenItThrows_thenToldAndTheLoopGoesOn() throws InterruptedException {
        loop.start();
        loop.post(
                () -> {
                    throw new IllegalStateException("planted");
                });

        await(() -> bugs.size() == 1);
        int before = turns.get();
        await(() -> turns.get() > before);
        assertThat(bugs.getFirst()).hasMessage("planted");
    }

    @Test
    void givenTooMuch_whenPosted_thenTheRestIsLostAndCounted() {
        int posted = 0;
        for (int i = 0; i < 10_000; i++) if (loop.post(() -> {})) posted++;

        assertThat(posted).isEqualTo(8192);
        assertThat(loop.lost()).isEqualTo(10_000 - 8192);
    }

    @Test
    void givenTooMuch_whenASlotIsPostedTo_thenItIsDoneOnceWithAllThatCame()
            throws InterruptedException {
        OwnershipLoop.Slot<String> slot = loop.slot((one, next) -> one + next, done::add);
        for (int i = 0; i < 10_000; i++) loop.post(() -> {});
        slot.post("a");
        slot.post("b");
        loop.start();

        await(() -> done.contains("ab"));
        slot.post("c");
        await(() -> done.contains("c"));
        assertThat(done.stream().filter(each -> !each.equals("turn")).toList())
                .containsExactly("ab", "c");
    }

    @Test
    void givenClosedLoop_whenPosted_thenLost() {
        loop.start();
        loop.close();

        assertThat(loop.post(() -> {})).isFalse();
    }

    private static void sleep(long nanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(java.util.function.BooleanSupplier until)
            throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime() - end).isNegative();
            Thread.sleep(1);
        }
    }
}
