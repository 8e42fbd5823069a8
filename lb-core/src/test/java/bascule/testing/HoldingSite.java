package bascule.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/// A server that answers a request when the test says so, and counts those that it has. A request is told from others by its path.
public final class HoldingSite implements AutoCloseable {
    private final Site site;
    private final Map<String, Held> held = new ConcurrentHashMap<>();
    private final Queue<String> arrivals = new ConcurrentLinkedQueue<>();
    private final AtomicInteger present = new AtomicInteger();
    private final AtomicInteger mostPresent = new AtomicInteger();

    /// A request that waits for its answer.
    public final class Held {
        private final String path;
        private final Answer request;
        private final Wire wire;
        private boolean over;

        private Held(String path, Answer request, Wire wire) {
            this.path = path;
            this.request = request;
            this.wire = wire;
        }

        public String path() {
            return path;
        }

        /// As it came, with its body.
        public Answer request() {
            return request;
        }

        /// Sends a response whose body is the path.
        public void answer() {
            leave();
            try {
                wire.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                .formatted(path.length(), path));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private synchronized void leave() {
            if (over) return;
            over = true;
            held.remove(path, this);
            present.decrementAndGet();
        }
    }

    public HoldingSite() throws IOException {
        site = new Site(this::hold);
    }

    private boolean hold(Answer request, Wire wire) throws IOException {
        String path = request.head().split(" ", 3)[1];
        var one = new Held(path, request, wire);
        mostPresent.accumulateAndGet(present.incrementAndGet(), Math::max);
        held.put(path, one);
        arrivals.add(path);
        try {
            return !wire.ended();
        } finally {
            one.leave();
        }
    }

    /// Host and port, as a configuration names a server.
    public String address() throws IOException {
        return site.address();
    }

    /// Requests that wait for their answer now.
    public int present() {
        return present.get();
    }

    /// The most that there were at the same time.
    public int mostPresent() {
        return mostPresent.get();
    }

    /// The paths of all requests so far, in the order of their coming.
    public Collection<String> arrivals() {
        return arrivals;
    }

    /// Those that wait for their answer now, by their paths.
    public Map<String, Held> held() {
        return held;
    }

    /// Waits for a request.
    public Held await(String path) {
        return Awaitility.await(path)
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> held.get(path), Objects::nonNull);
    }

    /// Connections that have come so far.
    public int connections() {
        return site.connections();
    }

    @Override
    public void close() throws IOException {
        site.close();
    }
}
