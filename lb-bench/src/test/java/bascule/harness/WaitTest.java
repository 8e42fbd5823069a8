package bascule.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class WaitTest {
    @Test
    void givenWhatComesLater_whenAwaited_thenLookedAtUntilThen()
            throws IOException, InterruptedException, Unavailable {
        AtomicInteger looks = new AtomicInteger();

        Wait.until(10_000, 1, () -> looks.incrementAndGet() == 3, () -> "never");

        assertThat(looks).hasValue(3);
    }

    @Test
    void givenWhatNeverComes_whenAwaited_thenTheTimeAndWhatIsThereInstead() {
        assertThatThrownBy(() -> Wait.until(20, 1, () -> false, () -> "still two owners"))
                .isInstanceOf(Unavailable.class)
                .hasMessage("not within 20 ms: still two owners");
    }
}
