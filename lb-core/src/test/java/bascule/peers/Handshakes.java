package bascule.peers;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.testing.RunningDaemon;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/// New TLS connections at a steady rate, by the JDK: a full handshake, one request, its answer, the end. The answer has to be a 200
/// with `Connection: close`.
final class Handshakes implements AutoCloseable {
    /// More at a time would not be a rate but a jam; whoever is late then waits.
    private static final int MOST_AT_A_TIME = 64;

    private static final byte[] REQUEST =
            ("GET / HTTP/1.1\r\nHost: " + Edge.NAME + "\r\nConnection: close\r\n\r\n")
                    .getBytes(US_ASCII);

    private final InetSocketAddress to;
    private final Supplier<SSLContext> contexts;
    private final long periodNanos;
    private final Semaphore places = new Semaphore(MOST_AT_A_TIME);
    private final Queue<Done> done = new ConcurrentLinkedQueue<>();
    private final Map<BigInteger, CountDownLatch> seen = new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile boolean stopping;

    /// What became of one.
    ///
    /// @param startedNanos `System.nanoTime()` before its connect
    /// @param serial number of the certificate that was shown; null if none was
    /// @param failure null if there was none
    record Done(long startedNanos, long endedNanos, BigInteger serial, Throwable failure) {}

    private Handshakes(InetSocketAddress to, Supplier<SSLContext> contexts, int perSecond) {
        this.to = to;
        this.contexts = contexts;
        periodNanos = 1_000_000_000 / perSecond;
        thread = Thread.ofPlatform().name("handshakes").start(this::run);
    }

    /// @param contexts a new one each time: a session that is resumed shows the certificate of its first handshake
    static Handshakes start(InetSocketAddress to, Supplier<SSLContext> contexts, int perSecond) {
        return new Handshakes(to, contexts, perSecond);
    }

    /// Waits until one has seen the certificate of this number.
    void awaitSeen(BigInteger serial) throws InterruptedException {
        if (!seen(serial).await(RunningDaemon.PATIENCE.toSeconds(), TimeUnit.SECONDS))
            throw new AssertionError("nobody sees certificate " + serial);
    }

    private CountDownLatch seen(BigInteger serial) {
        return seen.computeIfAbsent(serial, _ -> new CountDownLatch(1));
    }

    /// Starts no more, and waits for those under way.
    List<Done> stop() throws InterruptedException {
        stopping = true;
        thread.join();
        if (!places.tryAcquire(
                MOST_AT_A_TIME, RunningDaemon.PATIENCE.toSeconds(), TimeUnit.SECONDS))
            throw new AssertionError("some do not end");
        places.release(MOST_AT_A_TIME);
        return List.copyOf(done);
    }

    private void run() {
        long due = System.nanoTime();
        while (!stopping) {
            LockSupport.parkNanos(due - System.nanoTime());
            due = Math.max(due, System.nanoTime() - Duration.ofSeconds(1).toNanos()) + periodNanos;
            places.acquireUninterruptibly();
            Thread.startVirtualThread(
                    () -> {
                        Done one = connect();
                        done.add(one);
                        if (one.serial != null) seen(one.serial).countDown();
                        places.release();
                    });
        }
    }

    private Done connect() {
        long started = System.nanoTime();
        BigInteger serial = null;
        try (var plain = new Socket()) {
            plain.connect(to);
            plain.setSoTimeout((int) RunningDaemon.PATIENCE.toMillis());
            try (var socket =
                    (SSLSocket)
                            contexts.get()
                                    .getSocketFactory()
                                    .createSocket(plain, Edge.NAME, to.getPort(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                serial =
                        ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                                .getSerialNumber();
                socket.getOutputStream().write(REQUEST);
                String answer = new String(socket.getInputStream().readAllBytes(), US_ASCII);
                if (!answer.startsWith("HTTP/1.1 200 ") || !answer.endsWith("\r\n\r\nok"))
                    throw new AssertionError(answer);
            }
            return new Done(started, System.nanoTime(), serial, null);
        } catch (Throwable failure) {
            return new Done(started, System.nanoTime(), serial, failure);
        }
    }

    @Override
    public void close() {
        stopping = true;
    }
}
