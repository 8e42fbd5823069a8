package bascule.observe;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The access log: a ring per loop and one thread that writes what is in them, straight from their memory. One per daemon.
///
/// No loop ever waits for a disk: what cannot be written fast enough, or at all, is dropped in whole lines and counted. After a
/// write that failed the next one is tried with the next lines; a line that was cut by it is ended first, so that the lines
/// after it can be read. Lines of one loop keep their order; those of several are mixed.
public final class AccessLog implements AutoCloseable {
    /// Most that goes into one write.
    private static final int CHUNK = 256 << 10;

    /// Pauses between two looks at empty rings: the first, doubled up to the last.
    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /// How long [#close] waits for the last lines: a pipe that nobody reads must not keep the daemon alive.
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(2);

    private final List<LoopAccessLog> loops;
    private final List<Source> sources;
    private final Thread writer;
    private final WritableByteChannel out;
    private final String name;
    private final AtomicLong lostInWriting = new AtomicLong();
    private final LimitedEvent writeFailed = new LimitedEvent(Duration.ofMinutes(1));
    private boolean midLine;
    private volatile boolean closing;

    /// The reader's side of one ring.
    private static final class Source {
        final LoopAccessLog loop;
        final ByteBuffer ring;
        long position;

        Source(LoopAccessLog loop) {
            this.loop = loop;
            ring = loop.view();
        }
    }

    /// @param file null for standard output, which is the journal under systemd
    public static AccessLog open(@Nullable Path file, int loops, Metrics metrics)
            throws IOException {
        return file == null
                ? open(standardOutput(), "standard output", loops, metrics)
                : open(openFile(file), file.toString(), loops, metrics);
    }

    /// Standard output is shared with the process: closing the log leaves it open.
    private static WritableByteChannel standardOutput() {
        FileChannel channel = new FileOutputStream(FileDescriptor.out).getChannel();
        return new WritableByteChannel() {
            @Override
            public int write(ByteBuffer bytes) throws IOException {
                return channel.write(bytes);
            }

            @Override
            public boolean isOpen() {
                return channel.isOpen();
            }

            @Override
            public void close() {}
        };
    }

    private static FileChannel openFile(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    static AccessLog open(WritableByteChannel out, String name, int loops, Metrics metrics) {
        var log = new AccessLog(out, name, loops);
        metrics.accessLogDropped(log::dropped);
        log.writer.start();
        return log;
    }

    private AccessLog(WritableByteChannel out, String name, int loops) {
        this.out = out;
        this.name = name;
        this.loops = IntStream.range(0, loops).mapToObj(_ -> new LoopAccessLog()).toList();
        this.sources = this.loops.stream().map(Source::new).toList();
        this.writer = Thread.ofPlatform().name("access-log").daemon().unstarted(this::run);
        this.loops.forEach(loop -> loop.readBy(writer));
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

    /// Writes what the loops have handed over so far; what they hand over later is lost.
    @Override
    public void close() throws IOException {
        closing = true;
        LockSupport.unpark(writer);
        try {
            if (!writer.join(CLOSE_WAIT)) Events.warn("access-log-stuck", "file", name);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        out.close();
    }

    private void run() {
        long pause = SHORTEST_PAUSE_NANOS;
        for (boolean last = false; ; ) {
            boolean any = false;
            for (Source source : sources) any |= drain(source);
            if (last) return;
            last = closing; // One more round after it is seen: it was set after the last line.
            if (last) continue;
            pause = any ? SHORTEST_PAUSE_NANOS : Math.min(pause * 2, LONGEST_PAUSE_NANOS);
            LockSupport.parkNanos(this, pause);
        }
    }

    /// @return false if there was nothing to write
    private boolean drain(Source source) {
        long end = source.loop.end();
        if (source.position == end) return false;
        try {
            if (midLine) endCutLine();
            while (source.position < end) {
                int written = write(source.ring, source.position, end);
                if (written == 0) LockSupport.parkNanos(this, SHORTEST_PAUSE_NANOS); // A full pipe.
                source.position += written;
                source.loop.release(source.position);
            }
        } catch (IOException e) {
            lose(source, end, e);
        }
        return true;
    }

    private int write(ByteBuffer ring, long from, long end) throws IOException {
        int at = (int) from & ring.capacity() - 1;
        int length = (int) Math.min(Math.min(end - from, CHUNK), ring.capacity() - at);
        int written = out.write(ring.limit(at + length).position(at));
        if (written > 0) midLine = ring.get(at + written - 1) != '\n';
        return written;
    }

    private void endCutLine() throws IOException {
        if (out.write(ByteBuffer.wrap(new byte[] {'\n'})) == 1) midLine = false;
    }

    private void lose(Source source, long end, IOException why) {
        long lines = 0;
        ByteBuffer ring = source.ring.clear();
        for (; source.position < end; source.position++) {
            if (ring.get((int) source.position & ring.capacity() - 1) == '\n') lines++;
        }
        source.loop.release(end);
        lostInWriting.addAndGet(lines);
        writeFailed.warn("access-log-write-failed", "file", name, "cause", why, "lost", dropped());
    }
}
