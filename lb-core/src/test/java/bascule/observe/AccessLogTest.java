package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.AccessLogFormat;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class AccessLogTest {
    @TempDir Path folder = Path.of("");

    private final Metrics metrics = Metrics.create("test", 1);

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void givenFile_whenLinesAreOffered_thenTheyStandBehindWhatWasThere() throws IOException {
        Path file = folder.resolve("access.log");
        Files.writeString(file, "before\n");
        try (AccessLog log = open(file, 1)) {
            assertTrue(offer(log.loop(0), "one\n"));
            assertTrue(offer(log.loop(0), "two\n"));
        }

        assertEquals("before\none\ntwo\n", Files.readString(file));
    }

    @Test
    void givenIdleLog_whenALineIsOffered_thenItIsWrittenWithoutAClose() throws IOException {
        Path file = folder.resolve("access.log");
        try (AccessLog log = open(file, 1)) {
            offer(log.loop(0), "one\n");

            Awaitility.await()
                    .atMost(5, TimeUnit.SECONDS)
                    .until(() -> Files.readString(file).equals("one\n"));
        }
    }

    @Test
    void givenSeveralLoops_whenTheRingsWrapMoreThanOnce_thenEachLineIsWholeAndInOrderOrCounted()
            throws Exception {
        Path file = folder.resolve("access.log");
        int loops = 3;
        var offered = new AtomicInteger();
        long dropped;
        try (AccessLog log = open(file, loops)) {
            var threads = new ArrayList<Thread>();
            for (int loop = 0; loop < loops; loop++) {
                int index = loop;
                threads.add(
                        Thread.ofPlatform()
                                .start(() -> offered.addAndGet(offerMany(log.loop(index), index))));
            }
            for (Thread thread : threads) thread.join();
            dropped = log.dropped();
        }

        var last = new int[loops];
        Arrays.fill(last, -1);
        List<String> written = Files.readAllLines(file);
        for (String line : written) {
            String[] part = line.split(" ", -1);
            int loop = Integer.parseInt(part[0]);
            int number = Integer.parseInt(part[1]);
            assertTrue(number > last[loop], line);
            last[loop] = number;
            assertEquals(filler(number), part[2]);
        }
        assertEquals(offered.get(), written.size() + dropped);
        assertTrue(Files.size(file) > 3L * loops * LoopAccessLog.CAPACITY, "wrapped");
    }

    /// Or an event could come in the middle of a line.
    @Test
    void givenPlaceThatEventsGoToAsWell_whenTheRingWraps_thenEachWriteIsOfWholeLinesAndShort() {
        var pieces = new ConcurrentLinkedQueue<String>();
        var disk =
                new Disk() {
                    @Override
                    public synchronized int write(ByteBuffer bytes) throws IOException {
                        pieces.add(US_ASCII.decode(bytes.duplicate()).toString());
                        return super.write(bytes);
                    }
                };
        var expected = new StringBuilder();
        try (AccessLog log =
                AccessLog.open(new Sink(disk, null, "disk", true, new WholeLines()), 1, metrics)) {
            for (int i = 0; expected.length() < 3 * LoopAccessLog.CAPACITY; ) {
                String line = line(0, i);
                if (offer(log.loop(0), line)) {
                    expected.append(line);
                    i++;
                } else LockSupport.parkNanos(50_000);
            }
        }

        assertEquals(expected.toString(), disk.text());
        assertThat(pieces)
                .allMatch(piece -> piece.endsWith("\n") && piece.length() <= 32 << 10)
                .anyMatch(piece -> piece.length() > 31 << 10); // They were full.
    }

    /// Until the ring has wrapped.
    @Test
    void givenNoMemoryForTheRing_whenOffered_thenDroppedAndCountedUntilThereIsSome() {
        var refusals = new AtomicInteger(2);
        var loop =
                new LoopAccessLog(
                        bytes -> {
                            if (refusals.getAndDecrement() > 0)
                                throw new OutOfMemoryError("planted");
                            return ByteBuffer.allocateDirect(bytes);
                        });
        loop.prepare(Thread.currentThread());

        assertFalse(offer(loop, "one\n"));
        assertFalse(offer(loop, "two\n"));
        assertEquals(2, loop.dropped());
        assertTrue(offer(loop, "three\n"));
        assertEquals(2, loop.dropped());
        assertEquals(6, loop.end());
    }

    private static int offerMany(LoopAccessLog to, int loop) {
        int number = 0;
        while (to.end() < 4 * LoopAccessLog.CAPACITY) {
            offer(to, line(loop, number++));
            if (number % 100 == 0) LockSupport.parkNanos(50_000);
        }
        return number;
    }

    private static String line(int loop, int number) {
        return loop + " " + number + " " + filler(number) + "\n";
    }

    private static String filler(int number) {
        return "x".repeat(number % 211);
    }

    @Test
    void givenDiskThatHangs_whenTheRingIsFull_thenLoopsGoOnAndLinesAreDroppedWhole()
            throws IOException {
        var disk = new Disk();
        disk.stuck = true;
        String line = "y".repeat(1022) + "\n"; // Does not divide the ring.
        int offered = 3_000;
        int accepted = 0;
        try (AccessLog log = AccessLog.open(disk, "disk", 1, metrics)) {
            long start = System.nanoTime();
            for (int i = 0; i < offered; i++) if (offer(log.loop(0), line)) accepted++;
            assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(5));

            assertEquals(LoopAccessLog.CAPACITY / line.length(), accepted);
            assertEquals(offered - accepted, log.dropped());
            assertThat(metrics.scrape(null))
                    .contains(
                            "\nbascule_access_log_dropped_total " + (offered - accepted) + ".0\n");
            disk.unstick();
            Awaitility.await().until(() -> offer(log.loop(0), "z\n"));
        }

        assertEquals(line.repeat(accepted) + "z\n", disk.text());
    }

    @Test
    void givenFullDisk_whenThereIsRoomAgain_thenLostLinesAreCountedAndTheCutOneIsEnded()
            throws IOException {
        var disk = new Disk();
        disk.room = 6;
        try (AccessLog log = AccessLog.open(disk, "disk", 1, metrics)) {
            offer(log.loop(0), "one\n");
            Awaitility.await().until(() -> disk.text().equals("one\n"));
            offer(log.loop(0), "two\n"); // Two bytes fit.
            Awaitility.await().until(() -> log.dropped() == 1);
            offer(log.loop(0), "three\n");
            Awaitility.await().until(() -> log.dropped() == 2);
            disk.room = 1_000;
            offer(log.loop(0), "four\n");
        }

        assertEquals("one\ntw\nfour\n", disk.text());
    }

    @Test
    void givenDiskThatTakesLittleAtATime_whenWritten_thenNothingIsLost() throws IOException {
        var disk = new Disk();
        disk.most = 7;
        try (AccessLog log = AccessLog.open(disk, "disk", 2, metrics)) {
            for (int i = 0; i < 1_000; i++) offer(log.loop(i % 2), "line " + i + "\n");
        }

        assertEquals(1_000, disk.text().lines().filter(line -> line.matches("line \\d+")).count());
    }

    @Test
    void givenDiskThatHangs_whenClosed_thenCloseReturns() throws IOException {
        var disk = new Disk();
        disk.stuck = true;
        AccessLog log = AccessLog.open(disk, "disk", 1, metrics);
        offer(log.loop(0), "one\n");
        long start = System.nanoTime();

        log.close();

        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20));
        assertFalse(disk.isOpen());
        disk.unstick();
    }

    @Test
    void givenReopen_whenTheFileWasMovedAway_thenLinesBeforeItAreThereAndLinesAfterItInTheNewOne()
            throws IOException {
        Path file = folder.resolve("access.log");
        Path moved = folder.resolve("access.log.1");
        try (AccessLog log = open(file, 2)) {
            for (int i = 0; i < 1_000; i++) offer(log.loop(i % 2), "old\n");
            Files.move(file, moved);
            log.reopen();
            for (int i = 0; i < 500; i++) offer(log.loop(i % 2), "new\n");
        }

        assertEquals("old\n".repeat(1_000), Files.readString(moved));
        assertEquals("new\n".repeat(500), Files.readString(file));
    }

    @Test
    void givenLoopsThatWrite_whenMovedAwayAgainAndAgain_thenNoLineIsLostOrTornAndNoFileStaysOpen()
            throws Exception {
        Path file = folder.resolve("access.log");
        int loops = 3;
        int moves = 0;
        var enough = new AtomicBoolean();
        var offered = new AtomicIntegerArray(loops);
        try (AccessLog log = open(file, loops)) {
            var threads = new ArrayList<Thread>();
            for (int loop = 0; loop < loops; loop++) {
                int index = loop;
                threads.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            int number = 0;
                                            while (!enough.get() || number < 10_000)
                                                offerSurely(log.loop(index), line(index, number++));
                                            offered.set(index, number);
                                        }));
            }
            while (moves < 20) {
                if (Files.exists(file)) Files.move(file, folder.resolve("access.log." + moves++));
                log.reopen();
                if (moves % 3 == 0) log.reopen();
                Thread.sleep(5);
            }
            enough.set(true);
            for (Thread thread : threads) thread.join();
            Awaitility.await().until(() -> openFiles(file) == 1 && openFiles(folder) == 1);
        }

        var last = new int[loops];
        Arrays.fill(last, -1);
        for (int move = 0; move <= moves; move++) {
            Path each = move == moves ? file : folder.resolve("access.log." + move);
            if (!Files.exists(each)) continue;
            String text = Files.readString(each);
            assertTrue(text.isEmpty() || text.endsWith("\n"), each.toString());
            for (String line : text.lines().toList()) {
                String[] part = line.split(" ", -1);
                int loop = Integer.parseInt(part[0]);
                assertEquals(last[loop] + 1, Integer.parseInt(part[1]), line);
                assertEquals(filler(++last[loop]), part[2]);
            }
        }
        for (int loop = 0; loop < loops; loop++) assertEquals(offered.get(loop) - 1, last[loop]);
    }

    /// How many descriptors of this process are of a file, or of one in a folder.
    private static long openFiles(Path of) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .filter(
                            descriptor -> {
                                try {
                                    return Files.readSymbolicLink(descriptor).startsWith(of);
                                } catch (IOException _) {
                                    return false; // The one of this listing.
                                }
                            })
                    .count();
        }
    }

    @Test
    void givenFileThatCannotBeOpened_whenReopened_thenTheOldOneGoesOnAndItIsTold()
            throws IOException {
        Path file = folder.resolve("access.log");
        Path moved = folder.resolve("access.log.1");
        try (var heard = new Heard();
                AccessLog log = open(file, 1)) {
            offer(log.loop(0), "one\n");
            Files.move(file, moved);
            Files.createDirectory(file);
            CompletableFuture<Optional<Path>> failed = log.reopen();
            offer(log.loop(0), "two\n");
            assertThatThrownBy(failed::join).hasCauseInstanceOf(IOException.class);
            assertThat(heard.text()).contains("access-log-reopen-failed");
            assertThat(heard.text()).contains("file=" + file).contains("cause=");

            Files.delete(file);
            CompletableFuture<Optional<Path>> done = log.reopen();
            offer(log.loop(0), "three\n");
            assertEquals(Optional.of(file), done.join());
            assertThat(heard.text()).contains("access-log-reopened");
        }

        assertEquals("one\ntwo\n", Files.readString(moved));
        assertEquals("three\n", Files.readString(file));
    }

    @Test
    void givenOtherFile_whenUsed_thenLinesBeforeGoToTheOldOne() throws IOException {
        Path one = folder.resolve("one.log");
        Path two = folder.resolve("two.log");
        try (AccessLog log = open(one, 1)) {
            offer(log.loop(0), "one\n");
            log.use(log.prepare(AccessLogFormat.COMBINED, two));
            offer(log.loop(0), "two\n");
            assertThat(log.loop(0).line(null)).isInstanceOf(CombinedLine.class);
        }

        assertEquals("one\n", Files.readString(one));
        assertEquals("two\n", Files.readString(two));
    }

    @Test
    void givenFileThatCannotBeOpened_whenPrepared_thenThrownAndNothingChanges() throws IOException {
        Path file = folder.resolve("access.log");
        Path impossible = folder.resolve("missing").resolve("access.log");
        try (AccessLog log = open(file, 1)) {
            assertThatThrownBy(() -> log.prepare(AccessLogFormat.COMBINED, impossible))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("missing");
            assertThat(log.loop(0).line(null)).isInstanceOf(JsonLine.class);
            offer(log.loop(0), "one\n");
        }

        assertEquals("one\n", Files.readString(file));
    }

    @Test
    void givenPipeThatNobodyReads_whenPrepared_thenRefusedAtOnce() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        var log = new AccessLog(1, metrics);
        var refused = new CompletableFuture<Throwable>();
        Thread.ofPlatform() // Without the check it hangs.
                .daemon()
                .start(
                        () -> {
                            try {
                                log.prepare(AccessLogFormat.JSON, pipe).close();
                                refused.complete(null);
                            } catch (IOException failure) {
                                refused.complete(failure);
                            }
                        });

        assertThat(refused.get(10, TimeUnit.SECONDS))
                .hasMessage(pipe + ": is a pipe (expected: a regular file or a character device)");
        log.close();
    }

    @Test
    void givenFolderOrDevice_whenPrepared_thenOnlyTheDeviceIsTaken() throws IOException {
        var log = new AccessLog(1, metrics);

        assertThatThrownBy(() -> log.prepare(AccessLogFormat.JSON, folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(": is a folder (expected: ");
        log.prepare(AccessLogFormat.JSON, Path.of("/dev/null")).close();
        log.close();
    }

    @Test
    void givenPrepared_whenClosedUnused_thenItsFileIsClosedAndTheOldOneGoesOn() throws IOException {
        Path one = folder.resolve("one.log");
        Path two = folder.resolve("two.log");
        try (AccessLog log = open(one, 1)) {
            try (AccessLog.Prepared _ = log.prepare(AccessLogFormat.JSON, two)) {
                assertEquals(1, openFiles(two));
            }
            assertEquals(0, openFiles(two));
            offer(log.loop(0), "one\n");
        }

        assertEquals("one\n", Files.readString(one));
        assertEquals("", Files.readString(two));
    }

    @Test
    void givenOtherFormatAndTheSameFile_whenUsed_thenTheFileIsNotOpenedAgain() throws IOException {
        Path file = folder.resolve("access.log");
        Path moved = folder.resolve("access.log.1");
        try (AccessLog log = open(file, 1)) {
            AccessLine before = log.loop(0).line(null);
            Files.move(file, moved);
            log.use(log.prepare(AccessLogFormat.COMBINED, file));
            AccessLine after = log.loop(0).line(before);
            assertThat(before).isInstanceOf(JsonLine.class);
            assertThat(after).isInstanceOf(CombinedLine.class);
            assertSame(after, log.loop(0).line(after));
            offer(log.loop(0), "one\n");
        }

        assertEquals("one\n", Files.readString(moved));
    }

    @Test
    void givenLogThatIsOff_whenTurnedOnAndOffAndOn_thenLinesOfTheTimesWhenItIsOn()
            throws IOException {
        Path file = folder.resolve("access.log");
        try (AccessLog log = new AccessLog(1, metrics)) {
            LoopAccessLog loop = log.loop(0);
            assertNull(loop.line(null));
            assertEquals(Optional.empty(), log.reopen().join());

            log.use(log.prepare(AccessLogFormat.JSON, file));
            AccessLine line = loop.line(null);
            assertThat(line).isInstanceOf(JsonLine.class);
            offer(loop, "one\n");

            log.use(log.prepare(AccessLogFormat.OFF, null));
            assertNull(loop.line(line));
            offer(loop, "of an exchange that began before\n");
            Awaitility.await().until(() -> openFiles(file) == 0);
            assertEquals("one\n", Files.readString(file));

            log.use(log.prepare(AccessLogFormat.JSON, file));
            offer(loop, "two\n");
        }

        assertEquals("one\ntwo\n", Files.readString(file));
        assertThat(metrics.scrape(null)).contains("\nbascule_access_log_dropped_total 0.0\n");
    }

    @Test
    void givenLogThatIsOff_whenAFullRingIsLeftOver_thenItIsEmptied() throws IOException {
        Path file = folder.resolve("access.log");
        try (AccessLog log = open(file, 1)) {
            log.use(log.prepare(AccessLogFormat.OFF, null));
            Awaitility.await().until(() -> openFiles(file) == 0);
            String line = "x".repeat(1_000) + "\n";
            for (int i = 0; i < 3_000; i++) { // Three times the ring.
                if (!offer(log.loop(0), line)) {
                    Awaitility.await().until(() -> offer(log.loop(0), line));
                }
            }
        }

        assertEquals("", Files.readString(file));
    }

    @Test
    void givenDiskThatHangs_whenChangedMeanwhile_thenEachFileGetsItsLinesInTheEnd()
            throws IOException {
        var disk = new Disk();
        disk.stuck = true;
        Path one = folder.resolve("one.log");
        Path two = folder.resolve("two.log");
        try (AccessLog log = AccessLog.open(disk, "disk", 1, metrics)) {
            offer(log.loop(0), "disk\n");
            Awaitility.await().until(() -> disk.writing);
            log.reopen();
            offer(log.loop(0), "disk too\n");
            log.use(log.prepare(AccessLogFormat.JSON, one));
            offer(log.loop(0), "one\n");
            log.reopen();
            log.reopen();
            log.use(log.prepare(AccessLogFormat.OFF, null));
            log.use(log.prepare(AccessLogFormat.JSON, two));
            offer(log.loop(0), "two\n");
            disk.unstick();
        }

        assertEquals("disk\ndisk too\n", disk.text());
        assertFalse(disk.isOpen());
        assertEquals("one\n", Files.readString(one));
        assertEquals("two\n", Files.readString(two));
    }

    @Test
    void givenDiskThatHangs_whenChangedTooOften_thenRefusedAndAtTheEndNothingStaysOpen()
            throws IOException {
        var disk = new Disk();
        disk.stuck = true;
        var reopened = new ArrayList<CompletableFuture<Optional<Path>>>();
        try (AccessLog log = AccessLog.open(disk, "disk", 1, metrics)) {
            offer(log.loop(0), "disk\n");
            Awaitility.await().until(() -> disk.writing);
            for (int i = 0; i < 4; i++) {
                log.use(log.prepare(AccessLogFormat.JSON, folder.resolve(i + ".log")));
                reopened.add(log.reopen());
            }

            assertThatThrownBy(() -> log.prepare(AccessLogFormat.JSON, folder.resolve("9.log")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("8 changes");
            assertEquals(4, openFiles(folder));
        }

        assertEquals(0, openFiles(folder));
        for (var each : reopened)
            assertThatThrownBy(each::join).hasCauseInstanceOf(IOException.class);
        disk.unstick();
    }

    @Test
    void givenClosedLog_whenUsed_thenWhatWasPreparedIsClosed() throws IOException {
        Path file = folder.resolve("access.log");
        var log = new AccessLog(1, metrics);
        AccessLog.Prepared prepared = log.prepare(AccessLogFormat.JSON, file);
        log.close();
        log.use(prepared);
        log.reopen();

        assertEquals(0, openFiles(file));
        assertNull(log.loop(0).line(null));
    }

    @Test
    void givenStandardOutput_whenReopened_thenItGoesOn() throws IOException {
        try (AccessLog log = open(null, 1)) {
            assertEquals(Optional.empty(), log.reopen().join());
        }

        assertTrue(FileDescriptor.out.valid());
    }

    private AccessLog open(Path file, int loops) throws IOException {
        var log = new AccessLog(loops, metrics);
        log.use(log.prepare(AccessLogFormat.JSON, file));
        return log;
    }

    /// The events of a test.
    private static final class Heard extends Handler implements AutoCloseable {
        private static final Logger EVENTS = Logger.getLogger("bascule");
        private final Queue<String> events = new ConcurrentLinkedQueue<>();

        Heard() {
            EVENTS.addHandler(this);
        }

        String text() {
            return String.join("\n", events);
        }

        @Override
        public void publish(LogRecord message) {
            events.add(message.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            EVENTS.removeHandler(this);
        }
    }

    @Test
    void givenStandardOutput_whenClosed_thenItStaysOpen() throws IOException {
        open(null, 1).close();

        assertTrue(FileDescriptor.out.valid());
    }

    /// Waits for room, which no loop does.
    private static void offerSurely(LoopAccessLog to, String line) {
        while (!offer(to, line)) LockSupport.parkNanos(100_000);
    }

    private static boolean offer(LoopAccessLog to, String line) {
        byte[] bytes = line.getBytes(US_ASCII);
        return to.offer(bytes, bytes.length);
    }

    /// Takes at most some bytes at a time, has room for some, and hangs when told to.
    private static class Disk implements WritableByteChannel {
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private final CountDownLatch released = new CountDownLatch(1);
        volatile int most = Integer.MAX_VALUE;
        volatile int room = Integer.MAX_VALUE;
        volatile boolean stuck;
        volatile boolean writing;
        private volatile boolean closed;

        void unstick() {
            stuck = false;
            released.countDown();
        }

        @Override
        public synchronized int write(ByteBuffer bytes) throws IOException {
            writing = true;
            if (stuck) {
                try {
                    released.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            var some = new byte[Math.min(Math.min(bytes.remaining(), most), room)];
            if (some.length == 0) throw new IOException("No space left on device");
            bytes.get(some);
            written.writeBytes(some);
            room -= some.length;
            return some.length;
        }

        synchronized String text() {
            return written.toString(US_ASCII);
        }

        @Override
        public boolean isOpen() {
            return !closed;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
