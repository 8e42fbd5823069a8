package bascule.observe;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/// Writes what is told on a thread of its own, so that no loop ever waits for whoever reads the log: a journal that stands still, a
/// full pipe, a terminal stopped by ^S. What does not fit into the queue is dropped and counted, and so is all after it until the
/// queue has been written; then a line says how many were lost, where they would have stood. Lines keep their order.
final class EventWriter {
    /// Most lines that wait, and most characters of them, of one or two bytes each.
    static final int MOST_LINES = 4096;

    static final int MOST_CHARS = 1 << 20;

    private final PrintStream out;
    private final EventFormat format;
    private final WholeLines lines;

    // Guarded by this.
    private final ArrayDeque<String> queue = new ArrayDeque<>();
    private int queuedChars;
    private boolean writing;
    private long writingSinceNanos;
    private long lost;
    private long lostSinceNanos;
    private long dropped;

    /// @param lines of `out`
    EventWriter(PrintStream out, EventFormat format, WholeLines lines) {
        this.out = out;
        this.format = format;
        this.lines = lines;
        Thread.ofPlatform().name("events").daemon().start(this::run);
    }

    /// From any thread; never waits for the writer.
    ///
    /// @param text whole lines, the last LF included
    synchronized void add(String text) {
        if (lost == 0 && queue.size() < MOST_LINES && queuedChars + text.length() <= MOST_CHARS) {
            queue.add(text);
            queuedChars += text.length();
        } else {
            if (lost++ == 0) lostSinceNanos = writing ? writingSinceNanos : System.nanoTime();
            dropped++;
        }
        notifyAll();
    }

    /// Texts lost since the start.
    synchronized long dropped() {
        return dropped;
    }

    /// Waits until all is written, or the time is over.
    synchronized void flush(long nanos) {
        long start = System.nanoTime();
        try {
            while (writing || lost > 0 || !queue.isEmpty()) {
                long left = nanos - (System.nanoTime() - start);
                if (left <= 0) return;
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        for (; ; ) {
            String text = next();
            lines.take();
            try {
                if (lines.cut()) out.print('\n');
                lines.cut(false);
                out.print(text);
                out.flush();
            } finally {
                lines.give();
            }
        }
    }

    private synchronized String next() {
        writing = false;
        notifyAll();
        while (queue.isEmpty() && lost == 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                // Nobody ends this thread; a stream that was interrupted may leave the flag set.
            }
        }
        writing = true;
        writingSinceNanos = System.nanoTime();
        @Nullable String text = queue.poll();
        if (text == null) return loss();
        queuedChars -= text.length();
        return text;
    }

    private String loss() {
        long nanos = writingSinceNanos - lostSinceNanos;
        var message =
                new LogRecord(
                        Level.WARNING,
                        Events.line(
                                "events-dropped",
                                "events",
                                lost,
                                "not-read-for",
                                String.format(Locale.ROOT, "%.1fs", nanos / 1e9)));
        message.setLoggerName(Events.LOGGER);
        lost = 0;
        return format.format(message);
    }
}
