package bascule.observe;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/// Writes what is told on a thread of its own, so that no loop ever waits for whoever reads the log: a journal that stands still, a
/// full pipe, a terminal stopped by ^S. What does not fit into the queue is dropped and counted, and so is all after it until the
/// queue has been written; then a line says how many were lost, where they would have stood. Lines keep their order.
///
/// What cannot be written at all, as on a full disk, is counted only: there is nowhere to tell it. The next text is tried again, on a line of
/// its own.
final class EventWriter {
    /// Most lines that wait, and most characters of them, of one or two bytes each.
    static final int MOST_LINES = 4096;

    static final int MOST_CHARS = 1 << 20;

    /// Most bytes of one write.
    private static final int PIECE = 8 << 10;

    /// Between two tries to write to a full pipe that does not wait.
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final WritableByteChannel out;
    private final EventFormat format;
    private final WholeLines lines;

    // The thread's own. From the start, so that events can be told when memory is short.
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    private final CharsetEncoder encoder =
            UTF_8.newEncoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE);

    // Guarded by this.
    private final ArrayDeque<String> queue = new ArrayDeque<>();
    private int queuedChars;
    private boolean writing;
    private long writingSinceNanos;
    private long lost;
    private long lostSinceNanos;
    private long dropped;

    /// @param lines of `out`
    EventWriter(WritableByteChannel out, EventFormat format, WholeLines lines) {
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

    /// Texts lost since the start, whole or from some place on.
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
                write(text);
            } catch (IOException _) {
                lostInWriting();
            } finally {
                lines.give();
            }
        }
    }

    private void write(String text) throws IOException {
        while (!lines.endCut(out)) pauseForRoom();
        var chars = CharBuffer.wrap(text);
        encoder.reset();
        boolean more;
        do {
            more = encoder.encode(chars, piece.clear(), true).isOverflow();
            piece.flip();
            while (piece.hasRemaining()) if (lines.write(out, piece) == 0) pauseForRoom();
        } while (more);
    }

    private void pauseForRoom() {
        LockSupport.parkNanos(this, PAUSE_NANOS);
    }

    private synchronized void lostInWriting() {
        dropped++;
    }

    private synchronized String next() {
        writing = false;
        notifyAll();
        while (queue.isEmpty() && lost == 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                // Nobody ends this thread.
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
