package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.Told;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ControlTest {
    private static final long PATIENCE_MILLIS = 10_000;

    private final Control control = new Control();
    private final Told told = new Told();
    private final Queue<String> done = new ConcurrentLinkedQueue<>();

    @AfterEach
    void close() {
        control.close();
        told.close();
    }

    @Test
    void givenWorkThatFails_whenMoreComes_thenToldAndTheOtherIsDone() {
        control.run(
                "first-failed",
                () -> {
                    throw new IllegalStateException("planted");
                });
        control.run("second-failed", () -> done.add(Thread.currentThread().getName()));
        control.end(PATIENCE_MILLIS);

        assertThat(told.all()).containsExactly("first-failed");
        assertThat(done).containsExactly("control");
    }

    @Test
    void givenWorkOfEachSecondThatFails_whenASecondHasPassed_thenDoneAgain() throws Exception {
        var twice = new CountDownLatch(2);
        control.everySecond(
                "each-failed",
                () -> {
                    twice.countDown();
                    throw new IllegalStateException("planted");
                });

        assertThat(twice.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
        told.await("each-failed");
    }

    @Test
    void givenWorkThatWaits_whenTheDaemonStops_thenItIsNotBegun() throws Exception {
        var goOn = new CountDownLatch(1);
        control.run("held", () -> await(goOn));
        control.run("waiting", () -> done.add("waiting"));
        control.runAfter(1, "later", () -> done.add("later"));
        var asked = control.ask(control::stopping);
        control.refuse();
        goOn.countDown();
        control.end(PATIENCE_MILLIS);

        assertThat(done).isEmpty();
        assertThat(asked).isCompletedWithValue(true);
        assertThat(told.all()).isEmpty();
    }

    @Test
    void givenEnd_whenWorkComes_thenItIsDropped() {
        control.refuse();
        control.end(PATIENCE_MILLIS);
        control.run("late", () -> done.add("late"));

        assertThatThrownBy(() -> control.ask(() -> done.add("asked")))
                .isInstanceOf(RejectedExecutionException.class);
        assertThat(done).isEmpty();
    }

    @Test
    void givenWorkThatIsStuck_whenEnded_thenToldAndNotWaitedFor() {
        var never = new CountDownLatch(1);
        control.run("stuck", () -> await(never));
        control.end(10);

        assertThat(told.all()).containsExactly("control-stuck");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
