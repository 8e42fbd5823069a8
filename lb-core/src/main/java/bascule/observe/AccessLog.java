package bascule.observe;

import bascule.config.AccessLogFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The access log: a ring per loop and one thread that writes what is in them, straight from their memory. One per daemon; off,
/// without memory or thread, until [#use] turns it on.
///
/// No loop ever waits for a disk: what cannot be written fast enough, or at all, is dropped in whole lines and counted. After a
/// write that failed the next one is tried with the next lines; a line that was cut by it is ended first, so that the lines
/// after it can be read. Lines of one loop keep their order; those of several are mixed.
///
/// Where the lines go may change while loops write: what they handed over before the call goes to the old file, which is then
/// closed; what comes later goes to the new one. Each file ends with a whole line.
public final class AccessLog implements AutoCloseable {
    /// Most that goes into one write.
    private static final int CHUNK = 256 << 10;

    /// The same where others write, too: a Unix socket, which the journal's stream is, takes so much as one piece (unix_stream_sendmsg()). What is longer
    /// is cut wherever it may be, and what another process writes there may come in between; our own events may not, see [WholeLines].
    private static final int SHARED_CHUNK = 32 << 10;

    /// Pauses between two looks at empty rings: the first, doubled up to the last.
    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /// Most changes that wait for the writer.
    private static final int MOST_TURNS = 8;

    /// How long [#close] waits for the last lines: a pipe that nobody reads must not keep the daemon alive.
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(2);

    private final List<LoopAccessLog> loops;
    private final AtomicLong lostInWriting = new AtomicLong();
    private final LimitedEvent writeFailed = new LimitedEvent(Duration.ofMinutes(1));

    // What was asked for, guarded by this.
    private @Nullable Thread writer;
    private AccessLogFormat format = AccessLogFormat.OFF;
    private @Nullable Path file;
    private final ArrayDeque<Turn> turns = new ArrayDeque<>();
    private volatile boolean closing;

    // The writer's own; `sink` is read by close(), too.
    private List<Source> sources = List.of();
    private volatile @Nullable Sink sink;

    /// The reader's side of one ring.
    private static final class Source {
        final LoopAccessLog loop;
        private @Nullable ByteBuffer ring;
        long position;
        long seen; // How far the loop had written, at the last look.

        Source(LoopAccessLog loop) {
            this.loop = loop;
        }

        /// Once there is a line.
        ByteBuffer ring() {
            ByteBuffer known = ring;
            if (known == null) ring = known = loop.view();
            return known;
        }
    }

    /// What the writer has to do, once it has come to the marks: the place in each loop's ring where it was asked for.
    private sealed interface Turn {
        long[] marks();

        /// @param sink null for none
        record To(long[] marks, @Nullable Sink sink) implements Turn {}

        /// @param done completed with the file
        record Reopen(long[] marks, CompletableFuture<Optional<Path>> done) implements Turn {}
    }

    /// The first half of a change, see [#prepare]. To be given to [#use], or closed.
    public static final class Prepared implements AutoCloseable {
        private final AccessLogFormat format;
        private final @Nullable Path file;
        private final boolean changes;
        private final @Nullable Sink sink;

        private Prepared(
                AccessLogFormat format, @Nullable Path file, boolean changes, @Nullable Sink sink) {
            this.format = format;
            this.file = file;
            this.changes = changes;
            this.sink = sink;
        }

        @Override
        public void close() {
            if (sink != null) sink.close();
        }
    }

    public AccessLog(int loops, Metrics metrics) {
        this.loops = IntStream.range(0, loops).mapToObj(_ -> new LoopAccessLog()).toList();
        metrics.accessLogDropped(this::dropped);
    }

    public LoopAccessLog loop(int index) {
        return loops.get(index);
    }

    /// Lines lost since the start, for any thread.
    long dropped() {
        long dropped = lostInWriting.get();
        for (LoopAccessLog loop : loops) dropped += loop.dropped();
        return dropped;
    }

    // ---- changes

    /// Opens what [#use] will need; nothing changes yet. Where opening hangs, such as on a mount whose server is gone, the caller hangs
    /// with it, but nobody else.
    ///
    /// @param file null for standard output, which is the journal under systemd
    /// @throws IOException if the file cannot be opened, or too many changes wait for a disk that hangs
    public Prepared prepare(AccessLogFormat format, @Nullable Path file) throws IOException {
        boolean on = format != AccessLogFormat.OFF;
        boolean same;
        synchronized (this) {
            if (turns.size() >= MOST_TURNS)
                throw new IOException(turns.size() + " changes wait for the old one to be written");
            boolean wasOn = this.format != AccessLogFormat.OFF;
            same = on == wasOn && (!on || Objects.equals(file, this.file));
        }
        return new Prepared(format, file, !same, on && !same ? Sink.open(file) : null);
    }

    /// From now on exchanges that begin are logged like this. One that has begun keeps its format, and ends without a line if the
    /// log is off by then. Does not wait for the writer.
    ///
    /// @param prepared since the last call of this method
    public synchronized void use(Prepared prepared) {
        if (closing) {
            prepared.close();
            return;
        }
        if (prepared.changes) {
            turns.add(new Turn.To(marks(), prepared.sink));
            if (writer == null) start();
            wake();
        }
        format = prepared.format;
        file = prepared.file;
        for (LoopAccessLog loop : loops) loop.format(format);
    }

    private void start() {
        Thread thread = Thread.ofPlatform().name("access-log").daemon().unstarted(this::run);
        for (LoopAccessLog loop : loops) loop.prepare(thread);
        sources = loops.stream().map(Source::new).toList();
        writer = thread;
        thread.start();
    }

    /// Closes the file and opens it again: what moves logs away asks for that. If it cannot be opened, the old one goes on. From
    /// any thread; does not wait for the writer.
    ///
    /// @return the file that was opened, or none: the log is off, or goes to standard output; fails with an [IOException].
    ///     Completed on the writer's thread, which must not be held up
    public synchronized CompletableFuture<Optional<Path>> reopen() {
        if (closing || format == AccessLogFormat.OFF)
            return CompletableFuture.completedFuture(Optional.empty());
        var done = new CompletableFuture<Optional<Path>>();
        if (turns.peekLast() instanceof Turn.Reopen(_, var earlier)) { // One is enough for both.
            turns.removeLast();
            done = earlier;
        }
        turns.add(new Turn.Reopen(marks(), done));
        wake();
        return done;
    }

    private long[] marks() {
        return loops.stream().mapToLong(LoopAccessLog::end).toArray();
    }

    private void wake() {
        LockSupport.unpark(writer);
    }

    private synchronized @Nullable Turn nextTurn() {
        return turns.poll();
    }

    /// Writes what the loops have handed over so far; what they hand over later is lost.
    @Override
    public void close() {
        Thread writing;
        synchronized (this) {
            closing = true;
            writing = writer;
        }
        if (writing == null) return;
        wake();
        try {
            Sink open = sink;
            if (!writing.join(CLOSE_WAIT) && open != null)
                Events.warn("access-log-stuck", "file", open.name());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        for (Turn left; (left = nextTurn()) != null; ) forget(left);
        Sink open = sink;
        if (open != null) open.close();
    }

    private static void forget(Turn turn) {
        switch (turn) {
            case Turn.To to when to.sink != null -> to.sink.close();
            case Turn.To _ -> {}
            case Turn.Reopen again ->
                    again.done.completeExceptionally(new IOException("the log was closed before"));
        }
    }

    // ---- the writer

    private void run() {
        long pause = SHORTEST_PAUSE_NANOS;
        for (boolean last = false; ; ) {
            for (Source source : sources) source.seen = source.loop.end();
            // After that: a line that is seen is then before the mark of any change that is not.
            for (Turn turn; (turn = nextTurn()) != null; ) {
                carryOut(turn);
                for (Source source : sources) source.seen = source.loop.end();
            }
            boolean any = false;
            for (Source source : sources) any |= drain(source, source.seen);
            if (last) return;
            last = closing; // One more round after it is seen: it was set after the last line.
            if (last) continue;
            if (sink == null) {
                LockSupport.park(this); // Until something changes.
                continue;
            }
            pause = any ? SHORTEST_PAUSE_NANOS : Math.min(pause * 2, LONGEST_PAUSE_NANOS);
            LockSupport.parkNanos(this, pause);
        }
    }

    private void carryOut(Turn turn) {
        long[] marks = turn.marks();
        for (int i = 0; i < marks.length; i++) drain(sources.get(i), marks[i]);
        switch (turn) {
            case Turn.To to -> turnTo(to.sink);
            case Turn.Reopen again -> openAgain(again.done);
        }
    }

    private void openAgain(CompletableFuture<Optional<Path>> done) {
        Sink open = sink;
        if (open == null || open.file() == null) {
            done.complete(Optional.empty());
            return;
        }
        try {
            turnTo(Sink.open(open.file()));
            Events.info("access-log-reopened", "file", open.name());
            done.complete(Optional.of(open.file()));
        } catch (IOException failure) {
            Events.warn("access-log-reopen-failed", "file", open.name(), "cause", failure);
            done.completeExceptionally(failure);
        }
    }

    private void turnTo(@Nullable Sink to) {
        Sink old = sink;
        sink = to;
        if (old == null) return;
        if (!old.shared()) endCutLineQuietly(old); // Else who writes there next does.
        old.close();
    }

    /// @return false if there was nothing to write
    private boolean drain(Source source, long end) {
        if (source.position >= end) return false;
        Sink open = sink;
        if (open == null) { // Of exchanges that began before the log was turned off.
            source.position = end;
            source.loop.release(end);
            return true;
        }
        try {
            while (source.position < end) if (!drainLines(source, end, open)) pauseForRoom();
        } catch (IOException e) {
            lose(source, end, open, e);
        }
        return true;
    }

    /// @return false if nothing could be written now
    private boolean drainLines(Source source, long end, Sink to) throws IOException {
        WholeLines lines = to.lines();
        lines.take();
        try {
            if (!lines.endCut(to.channel())) return false;
            for (; ; ) {
                int written = write(source.ring(), source.position, end, to);
                source.position += written;
                source.loop.release(source.position);
                if (!lines.cut()) return written > 0;
                if (written == 0) pauseForRoom();
            }
        } finally {
            lines.give();
        }
    }

    private void pauseForRoom() {
        LockSupport.parkNanos(this, SHORTEST_PAUSE_NANOS);
    }

    private int write(ByteBuffer ring, long from, long end, Sink to) throws IOException {
        int at = (int) from & ring.capacity() - 1;
        int most = to.shared() ? SHARED_CHUNK : CHUNK;
        int length = (int) Math.min(Math.min(end - from, most), ring.capacity() - at);
        ByteBuffer piece = ring.limit(at + length).position(at);
        if (to.shared()) piece = wholeLines(ring, from, piece);
        return to.lines().write(to.channel(), piece);
    }

    /// @param piece of the ring, ending anywhere
    /// @return the same to the end of its last line; or, where the first one goes on at the ring's beginning, that line
    private ByteBuffer wholeLines(ByteBuffer ring, long from, ByteBuffer piece) {
        for (int end = piece.limit(); end > piece.position(); end--)
            if (piece.get(end - 1) == '\n') return piece.limit(end);
        ring.clear();
        ByteBuffer wrapped = ByteBuffer.allocate(AccessLine.LIMIT);
        byte next;
        do {
            next = ring.get((int) from++ & ring.capacity() - 1);
            wrapped.put(next);
        } while (next != '\n');
        return wrapped.flip();
    }

    private static void endCutLineQuietly(Sink in) {
        in.lines().take();
        try {
            in.lines().endCut(in.channel());
        } catch (IOException _) {
            // The write that had failed was told.
        } finally {
            in.lines().give();
        }
    }

    private void lose(Source source, long end, Sink open, IOException why) {
        long lines = 0;
        ByteBuffer ring = source.ring().clear();
        for (; source.position < end; source.position++) {
            if (ring.get((int) source.position & ring.capacity() - 1) == '\n') lines++;
        }
        source.loop.release(end);
        lostInWriting.addAndGet(lines);
        writeFailed.warn(
                "access-log-write-failed", "file", open.name(), "cause", why, "lost", dropped());
    }

    /// For tests: turned on, with lines in JSON.
    static AccessLog open(WritableByteChannel out, String name, int loops, Metrics metrics) {
        return open(new Sink(out, null, name, false, new WholeLines()), loops, metrics);
    }

    /// The same.
    static AccessLog open(Sink sink, int loops, Metrics metrics) {
        var log = new AccessLog(loops, metrics);
        log.use(new Prepared(AccessLogFormat.JSON, null, true, sink));
        return log;
    }
}
