package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Events and the access log in one place whose writes fail.
@Timeout(60)
final class WholeLinesTest {
    private static final long LONG = TimeUnit.SECONDS.toNanos(30);

    /// Of each kind; the events of all wait in the queue at once.
    private static final int LINES = 3_000;

    private static final String ACCESS_BEGINS = "access ";
    private static final String EVENT_BEGINS = "event ";

    private final Metrics metrics = Metrics.create("test", 1);
    private final Place place = new Place();
    private final WholeLines lines = new WholeLines();
    private final EventWriter events = new EventWriter(place, new EventFormat(true), lines);
    private final AccessLog log =
            AccessLog.open(new Sink(place, null, "place", true, lines), 1, metrics);

    @AfterEach
    void close() {
        log.close();
        metrics.close();
    }

    @Test
    void givenAccessLineThatWasCut_whenAnEventFailsToo_thenTheNextLineStandsAlone() {
        place.room(6);
        access("one\n");
        place.await("one\n");
        access("two\n");
        awaitLostAccess(1);
        event("fails\n");
        assertEquals(1, events.dropped());

        place.room(100);
        access("three\n");

        place.await("one\ntw\nthree\n");
        event("four\n");
        place.await("one\ntw\nthree\nfour\n");
        assertEquals(1, log.dropped());
        assertEquals(1, events.dropped());
    }

    @Test
    void givenEventThatWasCut_whenThereIsRoomAgain_thenTheNextLineOfEitherKindStandsAlone() {
        place.room(3);
        event("first\n");
        place.room(100);
        access("one\n");
        place.await("fir\none\n");

        place.room(3);
        event("second\n");
        place.room(100);
        event("third\n");

        place.await("fir\none\nsec\nthird\n");
        assertEquals(2, events.dropped());
        assertEquals(0, log.dropped());
    }

    /// A pipe that does not wait.
    @Test
    void givenLineThatWasCut_whenItsEndIsNotTakenAtFirst_thenNoLineIsWrittenBeforeIt() {
        place.room(2);
        access("one\n");
        awaitLostAccess(1);
        place.room(100);
        place.takeNothing(3);
        access("two\n");
        place.await("on\ntwo\n");

        place.room(3);
        event("first\n");
        place.room(100);
        place.takeNothing(3);
        event("second\n");

        place.await("on\ntwo\nfir\nsecond\n");
        assertEquals(1, events.dropped());
        assertEquals(1, log.dropped());
    }

    /// Longer than one write, of characters of one to four bytes and one that is none.
    @Test
    void givenLongText_whenTakenInPartsOrNotAtAll_thenAllIsWrittenInTheEnd() {
        String text = "aé€😀".repeat(5_000);
        place.most(1_021);
        place.takeNothing(2);

        event(text + "\ud83d\n");
        event("after\n");

        assertEquals(text + "?\nafter\n", place.text());
        assertEquals(0, events.dropped());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenWritesThatFailAnyhow_whenBothWrite_thenEachLineIsWholeOrABeginningAndAllAreCounted(
            long seed) {
        place.misbehave(new Random(seed));
        for (int i = 0; i < LINES; i++) {
            events.add(line(EVENT_BEGINS, i));
            access(line(ACCESS_BEGINS, i));
            if (i % 8 == 0) LockSupport.parkNanos(50_000); // Else the access log is one write.
        }
        events.flush(LONG);
        Awaitility.await().until(() -> count(ACCESS_BEGINS) + log.dropped() == LINES);
        place.behave();
        access("the last\n");
        Awaitility.await().until(() -> place.text().endsWith("\nthe last\n"));
        event("the very last\n");

        assertThat(place.text()).endsWith("\nthe last\nthe very last\n");
        assertThat(place.text().lines().filter(line -> !line.startsWith("the ")))
                .allMatch(WholeLinesTest::isBeginning)
                .filteredOn(WholeLinesTest::isWhole)
                .doesNotHaveDuplicates();
        assertEquals(LINES, count(EVENT_BEGINS) + events.dropped());
        assertEquals(LINES, count(ACCESS_BEGINS) + log.dropped());
        assertTrue(place.failures > 100 && events.dropped() > 0 && log.dropped() > 0, "failed");
    }

    private static final Pattern WHOLE =
            Pattern.compile("(?:" + ACCESS_BEGINS + "|" + EVENT_BEGINS + ")\\d+ x*\\.");

    private static String line(String begins, int number) {
        return begins + number + " " + "x".repeat(number % 211) + ".\n";
    }

    private long count(String begins) {
        return place.text()
                .lines()
                .filter(line -> line.startsWith(begins) && isWhole(line))
                .count();
    }

    private static boolean isWhole(String line) {
        if (!WHOLE.matcher(line).matches()) return false;
        String[] part = line.split(" ", -1);
        return line(part[0] + " ", Integer.parseInt(part[1])).equals(line + "\n");
    }

    /// Of one line, the whole of it included.
    private static boolean isBeginning(String line) {
        if (isWhole(line)) return true;
        if (line.isEmpty()) return false;
        if (ACCESS_BEGINS.startsWith(line) || EVENT_BEGINS.startsWith(line)) return true;
        return line.matches("(?:" + ACCESS_BEGINS + "|" + EVENT_BEGINS + ")\\d+(?: x*)?");
    }

    private void access(String line) {
        byte[] bytes = line.getBytes(US_ASCII);
        assertTrue(log.loop(0).offer(bytes, bytes.length));
    }

    private void event(String text) {
        events.add(text);
        events.flush(LONG);
    }

    private void awaitLostAccess(long lost) {
        Awaitility.await().until(() -> log.dropped() == lost);
    }

    /// Has room for some bytes, takes at most some at a time, or nothing for some times.
    private static final class Place implements WritableByteChannel {
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private int room = Integer.MAX_VALUE;
        private int most = Integer.MAX_VALUE;
        private int nothing;
        private Random random = new Random(0);
        private boolean misbehaves;
        int failures;

        synchronized void room(int bytes) {
            room = bytes;
        }

        synchronized void most(int bytes) {
            most = bytes;
        }

        synchronized void takeNothing(int times) {
            nothing = times;
        }

        synchronized void misbehave(Random by) {
            random = by;
            misbehaves = true;
        }

        synchronized void behave() {
            misbehaves = false;
        }

        @Override
        public synchronized int write(ByteBuffer bytes) throws IOException {
            if (nothing > 0) {
                nothing--;
                return 0;
            }
            int length = Math.min(Math.min(bytes.remaining(), most), room);
            if (misbehaves) {
                switch (random.nextInt(8)) {
                    case 0, 1 -> length = 0;
                    case 2 -> {
                        return 0;
                    }
                    case 3, 4, 5 -> length = beforeTheEnd(bytes, 1 + random.nextInt(length));
                    default -> {}
                }
            }
            if (length == 0) {
                failures++;
                throw new IOException("No space left on device");
            }
            var some = new byte[length];
            bytes.get(some);
            written.writeBytes(some);
            room -= length;
            return length;
        }

        /// What lacks its LF only would look whole, and be counted as lost.
        private static int beforeTheEnd(ByteBuffer bytes, int length) {
            boolean lacksEnd =
                    length < bytes.remaining() && bytes.get(bytes.position() + length) == '\n';
            return lacksEnd ? length + 1 : length;
        }

        void await(String text) {
            Awaitility.await().until(this::text, text::equals);
        }

        synchronized String text() {
            return written.toString(UTF_8);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
