package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.Watchdog.Watched;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class WatchdogTest {
    private final AtomicLong loop = new AtomicLong();
    private final AtomicLong ownership = new AtomicLong();
    private final AtomicInteger fed = new AtomicInteger();
    private int busy; // Feedings that are not taken.
    private final Watchdog watchdog =
            new Watchdog(
                    5_000_000,
                    List.of(
                            new Watched("event loop 0", loop::get),
                            new Watched("ownership loop", ownership::get)),
                    this::feed);

    private boolean feed() {
        return fed.incrementAndGet() > busy;
    }

    @Test
    void givenManagerThatTakesNothing_whenLookedAt_thenFedAgainUntilItDoes() {
        loop.incrementAndGet();
        ownership.incrementAndGet();
        busy = 2;

        assertThat(watchdog.look()).isEmpty();
        assertThat(fed).hasValue(3);
    }

    @Test
    void givenAllRun_whenLookedAt_thenFedEachTime() {
        for (int look = 1; look <= 3; look++) {
            loop.incrementAndGet();
            ownership.incrementAndGet();
            assertThat(watchdog.look()).isEmpty();
            assertThat(fed).hasValue(look);
        }
    }

    @Test
    void givenStuckLoop_whenLookedAt_thenNotFedUntilItRuns() {
        ownership.incrementAndGet();
        assertThat(watchdog.look()).containsExactly("event loop 0");
        ownership.incrementAndGet();
        assertThat(watchdog.look()).containsExactly("event loop 0");
        assertThat(fed).hasValue(0);

        loop.incrementAndGet();
        assertThat(watchdog.look()).isEmpty();
        assertThat(fed).hasValue(1);
    }

    @Test
    void givenStuckOwnershipLoop_whenLookedAt_thenNotFed() {
        loop.incrementAndGet();
        assertThat(watchdog.look()).containsExactly("ownership loop");
        assertThat(fed).hasValue(0);
    }

    @Test
    void givenEachRanAtAnotherLook_whenLookedAt_thenFedOnce() {
        loop.incrementAndGet();
        assertThat(watchdog.look()).isNotEmpty();
        ownership.incrementAndGet();
        assertThat(watchdog.look()).isEmpty();
        assertThat(watchdog.look()).containsExactly("event loop 0", "ownership loop");
        assertThat(fed).hasValue(1);
    }

    @Test
    void givenDaemonThatStops_whenItsLoopsEnd_thenFedAllTheSame() {
        watchdog.ease();
        watchdog.look();
        assertThat(fed).hasValue(1);
    }
}
