package bascule.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecentChangesTest {
    private final RecentChanges changes = new RecentChanges();

    @Test
    void givenChanges_whenListed_thenTheNewestFirst() {
        Instant before = Instant.now();
        changes.add("server-down", "backend=web server=a");
        changes.add("server-up", "backend=web server=a");

        List<Change> list = changes.list();
        assertThat(list).extracting(Change::name).containsExactly("server-up", "server-down");
        assertEquals("backend=web server=a", list.getFirst().text());
        assertFalse(list.getFirst().time().isBefore(list.getLast().time()));
        assertThat(Duration.between(before, list.getLast().time()))
                .isBetween(Duration.ZERO, Duration.ofMinutes(1));
    }

    @Test
    void givenMoreThanAreKept_whenListed_thenTheOldestAreForgotten() {
        for (int i = 0; i < RecentChanges.MOST + 50; i++) changes.add("n" + i, "");

        assertEquals(RecentChanges.MOST, changes.list().size());
        assertEquals("n149", changes.list().getFirst().name());
        assertEquals("n50", changes.list().getLast().name());
    }

    @Test
    void givenLongText_whenAdded_thenCutWithAMark() {
        changes.add("reload-refused", "x".repeat(RecentChanges.TEXT_LIMIT));
        changes.add("reload-refused", "x".repeat(RecentChanges.TEXT_LIMIT + 1));

        assertEquals("x".repeat(1024) + "…", changes.list().getFirst().text());
        assertEquals("x".repeat(1024), changes.list().getLast().text());
    }

    @Test
    void givenList_whenMoreChanges_thenItStaysAsItWas() {
        changes.add("one", "");
        List<Change> list = changes.list();
        changes.add("two", "");

        assertEquals(1, list.size());
    }

    @Test
    void givenManyThreads_whenTheyAdd_thenTheBoundHolds() throws Exception {
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 4; t++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 5_000; i++) changes.add("n", "");
                                    }));
        }
        for (Thread thread : threads) thread.join();

        assertEquals(RecentChanges.MOST, changes.list().size());
    }

    @Test
    void givenEvents_whenSomethingChanges_thenRememberedAtAnyLevel() {
        var events = java.util.logging.Logger.getLogger("bascule");
        var level = events.getLevel();
        try {
            events.setLevel(java.util.logging.Level.OFF);
            Events.changed("server-up", "backend", "web", "server", "say \"a\"");
            Events.worsened("server-down", "backend", "web");
            Events.changed("names-changed");
            Events.info("not-remembered");
        } finally {
            events.setLevel(level);
        }

        // Of the whole process: other tests may have added theirs before.
        List<Change> last = Events.recent().subList(0, 3);
        assertThat(last)
                .extracting(Change::name)
                .containsExactly("names-changed", "server-down", "server-up");
        assertThat(last)
                .extracting(Change::text)
                .containsExactly("", "backend=web", "backend=web server=\"say \\\"a\\\"\"");
    }
}
