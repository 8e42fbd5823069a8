package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Origin;
import bascule.testing.Wire;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Bodies of any size pass through a bounded memory. The bound is computed from ARCHITECTURE.md: per connection and direction twice
/// 128 KiB that wait, and a read of 64 KiB; in chunks of 4 MiB, of which each loop may leave one in pieces.
final class TransferMemoryIT {
    private static final int CONNECTIONS = 64;
    private static final long MIB = 1 << 20;
    private static final long BOUND = CONNECTIONS * 2L * (2 * 128 * 1024 + 64 * 1024) + 2 * 4 * MIB;

    /// Heap, code and the rest of the JVM, whose heap is held to 64 MiB here.
    private static final long JVM_BOUND = 150 * MIB;

    private static Child child(String server) throws IOException {
        return Child.start(
                "-Xmx64m",
                """
                admin.http = "127.0.0.1:0"
                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
                backends.web.servers = ["%s"]
                """
                        .formatted(server));
    }

    @Test
    @Timeout(120)
    void givenBodiesBothWays_whenTheyPass_thenWholeAndMemoryIsBounded() throws Exception {
        transfer(128 * MIB);
    }

    @Test
    @Tag("long")
    @Timeout(600)
    void givenOneGibibyteBothWays_whenItPasses_thenWholeAndMemoryIsBounded() throws Exception {
        transfer(1024 * MIB);
    }

    private static void transfer(long bytesEachWay) throws Exception {
        int rounds = 4;
        long length = bytesEachWay / CONNECTIONS / rounds;
        try (var web = new Web();
                Child child = child(web.address())) {
            long start = System.nanoTime();
            exchange(child.address(), 1, 1000); // Everything is loaded once.
            long before = child.proc.residentBytes();
            List<Callable<Void>> clients = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                clients.add(
                        () -> {
                            exchange(child.address(), rounds, length);
                            return null;
                        });
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS)) {
                List<Future<Void>> ended = threads.invokeAll(clients);
                assertThat(web.faults).isEmpty();
                for (Future<Void> client : ended) client.get();
            }
            long peak = child.proc.peakBytes();
            System.out.printf(
                    "%d MiB each way over %d connections in %.1f s: %.1f MiB resident before, %.1f MiB at most; bound %.1f MiB%n",
                    bytesEachWay / MIB,
                    CONNECTIONS,
                    (System.nanoTime() - start) / 1e9,
                    before / (double) MIB,
                    peak / (double) MIB,
                    (JVM_BOUND + BOUND) / (double) MIB);
            assertThat(web.faults).isEmpty();
            assertEquals(bytesEachWay + 1000, web.uploaded.get());
            assertThat(peak).isLessThan(JVM_BOUND + BOUND);
        }
    }

    /// Uploads and downloads so much so many times, on one connection, and compares what comes.
    private static void exchange(InetSocketAddress daemon, int rounds, long length)
            throws IOException {
        try (var socket = new Socket(daemon.getAddress(), daemon.getPort())) {
            InputStream in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
            OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 64 * 1024);
            for (int round = 0; round < rounds; round++) {
                boolean chunked = round % 2 == 1;
                String target = "/" + length + (chunked ? "?chunked" : "");
                Messages.write(out, "POST " + target + " HTTP/1.1\r\nHost: a\r\n", length, chunked);
                String head = Messages.head(in);
                assertThat(head).startsWith("HTTP/1.1 200 ");
                assertEquals(length, Messages.readBody(head, in));
            }
        }
    }

    @Test
    @Timeout(120)
    void givenClientsThatTakeNothing_whenResponsesAreLarge_thenWhatWaitsIsBounded()
            throws Exception {
        List<Wire> stalled = new ArrayList<>();
        try (var web = new Web();
                Child child = child(web.address())) {
            exchange(child.address(), 1, 1000);
            long before = child.proc.residentBytes();
            for (int i = 0; i < CONNECTIONS; i++) {
                Wire client = Wire.connectNarrow(child.address());
                client.send(
                        "GET /100000000"
                                + (i % 2 == 0 ? "" : "?chunked")
                                + " HTTP/1.1\r\nHost: a\r\n\r\n");
                stalled.add(client);
            }
            double sent = -1;
            for (double now; (now = child.metric("bascule_sent_bytes_total")) > sent; sent = now)
                Thread.sleep(300);

            long grown = child.proc.peakBytes() - before;
            System.out.printf(
                    "%d clients that take nothing of 100 MB: %.1f MiB resident before, %.1f MiB more then; %.1f MiB were sent on%n",
                    CONNECTIONS, before / (double) MIB, grown / (double) MIB, sent / MIB);
            assertThat(sent).isGreaterThan(CONNECTIONS * 128.0 * 1024);
            assertThat(grown).isLessThan(BOUND);
        } finally {
            for (Wire client : stalled) client.close();
        }
    }

    @Test
    @Timeout(120)
    void givenServersThatTakeNothing_whenUploadsAreLarge_thenWhatWaitsIsBounded() throws Exception {
        List<Wire> uploading = new ArrayList<>();
        try (var origin = new Origin();
                Child child = child(origin.address())) {
            warmUp(child, origin);
            long before = child.proc.residentBytes();
            for (int i = 0; i < CONNECTIONS; i++) {
                Wire client = Wire.connect(child.address());
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
                uploading.add(client);
                uploading.add(origin.accept()); // Which is all that it does.
            }
            byte[] some = new byte[64 * 1024];
            long sent = 0;
            for (long now = -1; now != sent; Thread.sleep(300)) {
                now = sent;
                for (int i = 0; i < uploading.size(); i += 2)
                    for (int taken; (taken = uploading.get(i).trySend(some)) > 0; ) sent += taken;
            }

            long grown = child.proc.peakBytes() - before;
            double received = child.metric("bascule_received_bytes_total");
            System.out.printf(
                    "%d uploads of 100 MB that no server takes: %.1f MiB resident before, %.1f MiB more then; %.1f MiB were sent on%n",
                    CONNECTIONS, before / (double) MIB, grown / (double) MIB, received / MIB);
            assertThat(received).isGreaterThan(CONNECTIONS * 128.0 * 1024);
            assertThat(grown).isLessThan(BOUND);
        } finally {
            for (Wire each : uploading) each.close();
        }
    }

    private static void warmUp(Child child, Origin origin) throws IOException {
        try (Wire client = Wire.connect(child.address())) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            try (Wire server = origin.accept()) {
                server.receiveHead();
                server.send(Subject.OK);
                client.receiveRest();
            }
        }
    }
}
