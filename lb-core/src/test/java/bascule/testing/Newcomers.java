package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Clients of one request each, each on a connection of its own, so many a second whatever becomes of those before. Nothing is sent twice.
public final class Newcomers implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 20_000;

    private final InetSocketAddress to;
    private final long everyNanos;
    private final Thread pace;
    private final List<Thread> clients = new ArrayList<>(); // The pace's.
    private final AtomicLong came = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicLong worstNanos = new AtomicLong();
    private final List<String> failures = new ArrayList<>(); // Guarded by itself.
    private volatile boolean stopping;

    /// @param refused who was not let in
    /// @param failures of those who were, one text each
    /// @param worstMillis from the connect to the last byte of an answer
    public record Result(
            long came, long answered, int refused, List<String> failures, long worstMillis) {}

    private Newcomers(InetSocketAddress to, int perSecond) {
        this.to = to;
        everyNanos = 1_000_000_000L / perSecond;
        pace = Thread.ofPlatform().name("newcomers").daemon().unstarted(this::run);
    }

    public static Newcomers start(InetSocketAddress to, int perSecond) {
        var newcomers = new Newcomers(to, perSecond);
        newcomers.pace.start();
        return newcomers;
    }

    private void run() {
        long next = System.nanoTime();
        while (!stopping) {
            long wait = next - System.nanoTime();
            if (wait > 0) LockSupport.parkNanos(wait);
            else {
                next += everyNanos;
                came.incrementAndGet();
                clients.add(Thread.ofVirtual().start(this::ask));
            }
        }
        for (Thread each : clients) {
            try {
                each.join();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void ask() {
        long start = System.nanoTime();
        String step = "connect";
        try (var socket = new Socket()) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.connect(to, PATIENCE_MILLIS);
            step = "ask";
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: new\r\n\r\n".getBytes(ISO_8859_1));
            step = "read";
            String answer = read(socket.getInputStream());
            if (!answer.startsWith("HTTP/1.1 200 ") || !answer.endsWith("\r\n\r\nok"))
                throw new IOException("answer: " + answer);
            answered.incrementAndGet();
            worstNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
        } catch (ConnectException e) {
            refused.incrementAndGet();
        } catch (IOException e) {
            synchronized (failures) {
                failures.add(
                        "%s after %d ms: %s"
                                .formatted(step, (System.nanoTime() - start) / 1_000_000, e));
            }
        }
    }

    private static String read(InputStream in) throws IOException {
        var text = new StringBuilder();
        byte[] bytes = new byte[1024];
        while (!text.toString().endsWith("\r\n\r\nok")) {
            int got = in.read(bytes);
            if (got < 0) break;
            text.append(new String(bytes, 0, got, ISO_8859_1));
        }
        return text.toString();
    }

    public long answered() {
        return answered.get();
    }

    /// Waits for those under way.
    public Result stop() {
        stopping = true;
        try {
            pace.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (failures) {
            return new Result(
                    came.get(),
                    answered.get(),
                    refused.get(),
                    List.copyOf(failures),
                    worstNanos.get() / 1_000_000);
        }
    }

    @Override
    public void close() {
        stopping = true;
        pace.interrupt();
    }
}
