package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
        try (AccessLog log = AccessLog.open(file, 1, metrics)) {
            assertTrue(offer(log.loop(0), "one\n"));
            assertTrue(offer(log.loop(0), "two\n"));
        }

        assertEquals("before\none\ntwo\n", Files.readString(file));
    }

    @Test
    void givenIdleLog_whenALineIsOffered_thenItIsWrittenWithoutAClose() throws IOException {
        Path file = folder.resolve("access.log");
        try (AccessLog log = AccessLog.open(file, 1, metrics)) {
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
        int lines = 60_000;
        long dropped;
        try (AccessLog log = AccessLog.open(file, loops, metrics)) {
            var threads = new ArrayList<Thread>();
            for (int loop = 0; loop < loops; loop++) {
                int index = loop;
                threads.add(
                        Thread.ofPlatform().start(() -> offerMany(log.loop(index), index, lines)));
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
        assertEquals(loops * (long) lines, written.size() + dropped);
        assertTrue(Files.size(file) > 3L * loops * LoopAccessLog.CAPACITY, "wrapped");
    }

    private static void offerMany(LoopAccessLog to, int loop, int lines) {
        for (int number = 0; number < lines; number++) {
            offer(to, loop + " " + number + " " + filler(number) + "\n");
            if (number % 100 == 99) LockSupport.parkNanos(50_000);
        }
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
    void givenStandardOutput_whenClosed_thenItStaysOpen() throws IOException {
        AccessLog.open(null, 1, metrics).close();

        assertTrue(FileDescriptor.out.valid());
    }

    private static boolean offer(LoopAccessLog to, String line) {
        byte[] bytes = line.getBytes(US_ASCII);
        return to.offer(bytes, bytes.length);
    }

    /// Takes at most some bytes at a time, has room for some, and hangs when told to.
    private static final class Disk implements WritableByteChannel {
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private final CountDownLatch released = new CountDownLatch(1);
        volatile int most = Integer.MAX_VALUE;
        volatile int room = Integer.MAX_VALUE;
        volatile boolean stuck;
        private volatile boolean closed;

        void unstick() {
            stuck = false;
            released.countDown();
        }

        @Override
        public synchronized int write(ByteBuffer bytes) throws IOException {
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
