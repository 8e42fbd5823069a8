package bascule.cluster.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class CourierTest {
    private final BlockingQueue<String> sent = new LinkedBlockingQueue<>();
    private final CountDownLatch busy = new CountDownLatch(1);
    private final CountDownLatch free = new CountDownLatch(1);

    private void send(byte[] bytes, boolean now) {
        sent.add((now ? "now " : "") + bytes[0]);
        busy.countDown();
        try {
            free.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void givenNodeThatBlocks_whenManyArePosted_thenBoundedAndOnlyTheLatestUrgentOneFirst()
            throws Exception {
        try (var courier = new Courier("x", this::send)) {
            assertThat(courier.post(new byte[] {1})).isTrue();
            busy.await();
            for (int i = 0; i < Courier.WAITING_MOST; i++)
                assertThat(courier.post(new byte[] {2})).isTrue();
            assertThat(courier.post(new byte[] {3})).isFalse();
            courier.postNow(new byte[] {4});
            courier.postNow(new byte[] {5});
            free.countDown();

            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("1");
            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("now 5");
            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("2");
        }
    }

    @Test
    void givenWaitingMessages_whenTheNodeLeaves_thenForgotten() throws Exception {
        try (var courier = new Courier("x", this::send)) {
            courier.post(new byte[] {1});
            busy.await();
            courier.post(new byte[] {2});
            courier.postNow(new byte[] {3});
            courier.forget();
            courier.post(new byte[] {4});
            free.countDown();

            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("1");
            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("4");
        }
    }

    @Test
    void givenMessageThatCannotBeSent_whenItThrows_thenTheNextOneIsSent() throws Exception {
        var bugs = new LinkedBlockingQueue<Throwable>();
        Thread.setDefaultUncaughtExceptionHandler((_, bug) -> bugs.add(bug));
        try (var courier =
                new Courier(
                        "x",
                        (bytes, _) -> {
                            if (bytes[0] == 1) throw new IllegalStateException("planted");
                            sent.add("" + bytes[0]);
                        })) {
            courier.post(new byte[] {1});
            courier.post(new byte[] {2});

            assertThat(sent.poll(10, TimeUnit.SECONDS)).isEqualTo("2");
            assertThat(bugs).hasSize(1);
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(null);
        }
    }
}
