package bascule.observe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class EventWriterTest {
    private static final long LONG = TimeUnit.SECONDS.toNanos(30);
    private static final Pattern LOSS =
            Pattern.compile("<4>events-dropped events=(\\d+) not-read-for=\\d+\\.\\ds");

    /// Takes nothing until it is read.
    private static final class Pipe extends OutputStream {
        final CountDownLatch writing = new CountDownLatch(1);
        final CountDownLatch read = new CountDownLatch(1);
        private final ByteArrayOutputStream all = new ByteArrayOutputStream();

        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] from, int at, int length) {
            writing.countDown();
            try {
                read.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            all.write(from, at, length);
        }

        List<String> lines() {
            return all.toString(UTF_8).lines().toList();
        }
    }

    private final Pipe pipe = new Pipe();
    private final EventWriter writer =
            new EventWriter(Channels.newChannel(pipe), new EventFormat(true), new WholeLines());

    /// With the first line in the writer's hands, so that the queue is empty.
    private void standStill() throws InterruptedException {
        writer.add("first\n");
        pipe.writing.await();
    }

    private List<String> readAll() {
        pipe.read.countDown();
        writer.flush(LONG);
        return pipe.lines();
    }

    @Test
    void givenLogThatStandsStill_whenMoreLinesComeThanWait_thenTheRestIsCountedInItsPlace()
            throws Exception {
        standStill();

        for (int i = 0; i < EventWriter.MOST_LINES + 3; i++) writer.add("line " + i + "\n");

        assertEquals(3, writer.dropped());
        List<String> lines = readAll();
        writer.add("after\n");
        writer.flush(LONG);
        assertThat(lines).hasSize(1 + EventWriter.MOST_LINES + 1).startsWith("first", "line 0");
        for (int i = 0; i < EventWriter.MOST_LINES; i++)
            assertEquals("line " + i, lines.get(i + 1));
        assertThat(lines.getLast()).matches(LOSS).contains(" events=3 ");
        assertThat(pipe.lines()).endsWith(lines.getLast(), "after");
    }

    @Test
    void givenLogThatStandsStill_whenLinesAreLong_thenTheirLengthIsTheBound() throws Exception {
        standStill();
        String half = "x".repeat(EventWriter.MOST_CHARS / 2 - 1) + "\n";

        for (String each : List.of(half, half, "\n")) writer.add(each);

        assertEquals(1, writer.dropped());
        assertThat(readAll()).hasSize(4).last().asString().matches(LOSS);
    }

    @Test
    void givenLostLine_whenMoreWouldFitBeforeItIsTold_thenLostToo() throws Exception {
        standStill();

        writer.add("x".repeat(EventWriter.MOST_CHARS + 1));
        writer.add("would stand before the loss\n");

        assertThat(readAll()).hasSize(2).last().asString().contains(" events=2 ");
    }

    @Test
    void givenLogThatNobodyReads_whenFlushed_thenNotForEver() throws Exception {
        standStill();

        writer.flush(Duration.ofMillis(20).toNanos()); // Returns, or the test is over time.

        assertThat(pipe.lines()).isEmpty();
        assertThat(readAll()).containsExactly("first");
    }
}
