package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/// Clients that are never idle, unless told how often to ask, and that know what became of each request: every response is read to
/// its end and compared with what was asked for. Nothing is sent twice. One thread, so many connections.
public final class Load implements AutoCloseable {
    /// What `/large` must answer.
    public static final byte[] LARGE = Content.of(64, 64 * 1024);

    private static final int KEPT_FAILURES = 1000;
    private static final int RESPONSE_BYTES = LARGE.length + 8 * 1024;
    private static final long SECOND = 1_000_000_000;
    private static final long CONNECT_AGAIN_NANOS = Duration.ofMillis(50).toNanos();

    /// What is asked for. Each response must bear `X-Number` and `X-Server`.
    public enum Kind {
        /// `GET /small`; the answer is the request's number, twice.
        SMALL,
        /// `GET /large`; the answer is [#LARGE].
        LARGE,
        /// `POST /post`, which may not be repeated; the answer is `POST` and the request's number.
        POST;

        /// Of 100 requests 3 are large, and 10 are POST.
        public static Kind of(long number) {
            int hundredth = (int) (number * 37 % 100);
            return hundredth < 3 ? LARGE : hundredth < 13 ? POST : SMALL;
        }
    }

    /// How a request can fail.
    public enum Fault {
        /// The connection could not be made; the request was not sent.
        CONNECT,
        /// The end of the connection before the first byte of a response.
        NO_RESPONSE,
        /// The end of the connection after it.
        TRUNCATED,
        /// A whole response that is not a 200.
        STATUS,
        /// A response to another request, or to none.
        WRONG,
        /// Nothing came for a while.
        SILENCE
    }

    /// One request that failed.
    ///
    /// @param sentNanos when its first byte was, `System.nanoTime()`
    /// @param response  what came of it, if anything
    public record Failure(
            long number,
            Kind kind,
            Fault fault,
            long sentNanos,
            long failedNanos,
            String response) {
        @Override
        public String toString() {
            return "#%d %s: %s after %d ms %s"
                    .formatted(
                            number,
                            kind,
                            fault,
                            (failedNanos - sentNanos) / 1_000_000,
                            response.lines().limit(1).collect(Collectors.joining()));
        }
    }

    /// All that became of the requests.
    ///
    /// @param sent all; each is either complete or failed, but those that could not be sent (CONNECT) are not among them
    /// @param complete per server
    /// @param failed   how many, all told
    /// @param failures the first of them
    public record Result(
            long sent, Map<String, Long> complete, long failed, List<Failure> failures) {
        /// Those that are not to be excused, or all.
        public String describe(List<Failure> which) {
            return "%d of %d failed, %s complete; by kind %s; first:\n%s"
                    .formatted(
                            failed,
                            sent,
                            complete,
                            which.stream()
                                    .collect(
                                            Collectors.groupingBy(
                                                    each -> each.kind + " " + each.fault,
                                                    TreeMap::new,
                                                    Collectors.counting())),
                            which.stream()
                                    .limit(20)
                                    .map(Failure::toString)
                                    .collect(Collectors.joining("\n")));
        }
    }

    private final InetSocketAddress to;
    private final int perSecond;
    private final long patienceNanos;
    private final Selector selector;
    private final Thread thread;
    private final List<Client> clients = new ArrayList<>();
    private final AtomicLong sent = new AtomicLong();
    private final Map<String, AtomicLong> complete = new ConcurrentHashMap<>();
    private final AtomicLong failed = new AtomicLong();
    private final List<Failure> failures = new ArrayList<>(); // Guarded by itself.
    private final Queue<Client> resting = new ArrayDeque<>(); // This and all below: of the thread.
    private long dueNanos = System.nanoTime();
    private long numbers;
    private volatile boolean stopping;
    private volatile Throwable broken;

    private Load(InetSocketAddress to, int connections, int perSecond, Duration patience)
            throws IOException {
        this.to = to;
        this.perSecond = perSecond;
        patienceNanos = patience.toNanos();
        selector = Selector.open();
        for (int i = 0; i < connections; i++) clients.add(new Client());
        thread = Thread.ofPlatform().name("load").unstarted(this::run);
    }

    public static Load start(InetSocketAddress to, int connections) throws IOException {
        return start(to, connections, 0, RunningDaemon.PATIENCE);
    }

    /// Sends no more than so many requests a second, and fewer only while all connections are busy.
    public static Load start(InetSocketAddress to, int connections, int perSecond)
            throws IOException {
        return start(to, connections, perSecond, RunningDaemon.PATIENCE);
    }

    /// @param perSecond 0: as many as can be
    /// @param patience with a response that does not go on
    static Load start(InetSocketAddress to, int connections, int perSecond, Duration patience)
            throws IOException {
        var load = new Load(to, connections, perSecond, patience);
        load.thread.start();
        return load;
    }

    /// Requests so far.
    public long sent() {
        return sent.get();
    }

    /// Whole and right responses of a server so far.
    public long complete(String server) {
        AtomicLong count = complete.get(server);
        return count == null ? 0 : count.get();
    }

    /// Waits until so many more were sent.
    public void awaitSent(long more) {
        long goal = sent() + more;
        // At 100 a second it would still end.
        Duration limit = RunningDaemon.PATIENCE.plusMillis(more * 10);
        Awaitility.await(more + " requests more")
                .atMost(limit)
                .until(() -> sent() >= goal || broken != null);
    }

    /// Waits until a server has answered so many more.
    public void awaitComplete(String server, long more) {
        long goal = complete(server) + more;
        Awaitility.await(more + " responses of " + server)
                .atMost(RunningDaemon.PATIENCE)
                .until(() -> complete(server) >= goal || broken != null);
    }

    /// Sends no more, waits for what is under way, and tells what became of all.
    public Result stop() {
        stopping = true;
        selector.wakeup();
        try {
            thread.join(Duration.ofNanos(2 * patienceNanos).plusSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        if (thread.isAlive()) throw new AssertionError("the load does not end");
        if (broken != null) throw new AssertionError("in the load", broken);
        Map<String, Long> whole = new TreeMap<>();
        complete.forEach((server, count) -> whole.put(server, count.get()));
        synchronized (failures) {
            return new Result(sent.get(), whole, failed.get(), List.copyOf(failures));
        }
    }

    @Override
    public void close() {
        stopping = true;
        thread.interrupt(); // Closes what the selector waits for, too.
        for (Client client : clients) client.close();
    }

    private void run() {
        try (selector) {
            for (Client client : clients) client.connect();
            long looked = System.nanoTime();
            while (clients.stream().anyMatch(client -> client.busy)) {
                selector.select(resting.isEmpty() ? 20 : 1);
                if (Thread.interrupted()) return;
                while (!resting.isEmpty() && (stopping || System.nanoTime() - dueNanos >= 0))
                    resting.remove().goOn();
                for (SelectionKey key : selector.selectedKeys())
                    ((Client) key.attachment()).ready();
                selector.selectedKeys().clear();
                long now = System.nanoTime();
                if (now - looked < CONNECT_AGAIN_NANOS) continue;
                looked = now;
                for (Client client : clients) client.look(now);
            }
        } catch (Throwable failure) {
            broken = failure;
        }
    }

    private final class Client {
        private final ByteBuffer in = ByteBuffer.allocate(RESPONSE_BYTES);
        private ByteBuffer out = ByteBuffer.allocate(0);
        private SocketChannel channel;
        private SelectionKey key;
        private boolean connected;
        private boolean rests;
        private long again; // When to connect, 0 for never.
        private long number;
        private Kind kind = Kind.SMALL;
        private long sentNanos;
        private long movedNanos;
        private int bodyAt; // 0 until the head is there.
        private int end;
        boolean busy = true;

        void connect() {
            again = 0;
            connected = false;
            sentNanos = System.nanoTime();
            movedNanos = sentNanos;
            in.clear();
            try {
                channel = SocketChannel.open();
                channel.configureBlocking(false);
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                key = channel.register(selector, SelectionKey.OP_CONNECT, this);
                if (channel.connect(to)) connected();
            } catch (IOException e) {
                fail(Fault.CONNECT);
            }
        }

        private void connected() throws IOException {
            connected = true;
            next();
        }

        /// On to the next request, or to the end.
        private void next() throws IOException {
            if (stopping) {
                busy = false;
                close();
                return;
            }
            if (perSecond > 0) {
                if (dueNanos - System.nanoTime() > 0) {
                    key.interestOps(0);
                    rests = true;
                    resting.add(this);
                    return;
                }
                dueNanos = Math.max(dueNanos, System.nanoTime() - SECOND) + SECOND / perSecond;
            }
            number = numbers++;
            kind = Kind.of(number);
            String head =
                    switch (kind) {
                        case SMALL -> "GET /small HTTP/1.1\r\nHost: load\r\nX-Number: %d\r\n\r\n";
                        case LARGE -> "GET /large HTTP/1.1\r\nHost: load\r\nX-Number: %d\r\n\r\n";
                        case POST ->
                                "POST /post HTTP/1.1\r\nHost: load\r\nX-Number: %d\r\nContent-Length: 10\r\n\r\n0123456789";
                    };
            out = ByteBuffer.wrap(head.replace("%d", Long.toString(number)).getBytes(ISO_8859_1));
            in.clear();
            bodyAt = 0;
            sentNanos = System.nanoTime();
            movedNanos = sentNanos;
            sent.incrementAndGet();
            write();
        }

        void goOn() {
            rests = false;
            try {
                next();
            } catch (IOException e) {
                fail(ended());
            }
        }

        private void write() throws IOException {
            channel.write(out);
            key.interestOps(
                    out.hasRemaining()
                            ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                            : SelectionKey.OP_READ);
        }

        void ready() {
            if (!key.isValid()) return;
            try {
                if (key.isConnectable() && channel.finishConnect()) connected();
                else if (key.isReadable()) read();
                else if (key.isWritable()) write();
            } catch (IOException e) {
                fail(ended());
            }
        }

        private Fault ended() {
            return !connected
                    ? Fault.CONNECT
                    : in.position() == 0 ? Fault.NO_RESPONSE : Fault.TRUNCATED;
        }

        private void read() throws IOException {
            int read = channel.read(in);
            if (read < 0) {
                fail(ended());
                return;
            }
            movedNanos = System.nanoTime();
            if (bodyAt == 0 && !readHead()) return;
            if (in.position() < end) return;
            Fault fault = judge();
            if (fault != null) {
                fail(fault);
                return;
            }
            complete.computeIfAbsent(field("X-Server"), _ -> new AtomicLong()).incrementAndGet();
            if ("close".equals(field("Connection"))) {
                close();
                if (stopping) busy = false;
                else connect();
            } else {
                next();
            }
        }

        private boolean readHead() {
            byte[] bytes = in.array();
            int have = in.position();
            for (int at = 3; at < have; at++) {
                if (bytes[at] != '\n' || bytes[at - 2] != '\n') continue;
                bodyAt = at + 1;
                String length = field("Content-Length");
                end = length == null ? bodyAt : bodyAt + Integer.parseInt(length);
                if (end > RESPONSE_BYTES) end = RESPONSE_BYTES; // It is wrong.
                return true;
            }
            return false;
        }

        private String field(String name) {
            String head = new String(in.array(), 0, bodyAt, ISO_8859_1);
            int at = head.indexOf("\r\n" + name + ": ");
            if (at < 0) return null;
            at += name.length() + 4;
            return head.substring(at, head.indexOf('\r', at));
        }

        /// @return null if the response is what it should be
        private Fault judge() {
            byte[] all = in.array();
            if (in.position() > end) return Fault.WRONG;
            if (!new String(all, 0, 13, ISO_8859_1).equals("HTTP/1.1 200 ")) return Fault.STATUS;
            byte[] expected =
                    switch (kind) {
                        case SMALL -> ("" + number + number).getBytes(ISO_8859_1);
                        case LARGE -> LARGE;
                        case POST -> ("POST" + number).getBytes(ISO_8859_1);
                    };
            boolean right =
                    Long.toString(number).equals(field("X-Number"))
                            && field("X-Server") != null
                            && field("Content-Length") != null
                            && Arrays.equals(all, bodyAt, end, expected, 0, expected.length);
            return right ? null : Fault.WRONG;
        }

        private void fail(Fault fault) {
            long now = System.nanoTime();
            failed.incrementAndGet();
            String response = new String(in.array(), 0, Math.min(in.position(), 500), ISO_8859_1);
            synchronized (failures) {
                if (failures.size() < KEPT_FAILURES)
                    failures.add(new Failure(number, kind, fault, sentNanos, now, response));
            }
            close();
            if (stopping) busy = false;
            else again = fault == Fault.CONNECT ? now + CONNECT_AGAIN_NANOS : now;
        }

        void look(long now) {
            if (!busy || rests) return;
            if (again != 0) {
                if (stopping) busy = false;
                else if (now - again >= 0) connect();
            } else if (now - movedNanos > patienceNanos) {
                fail(connected ? Fault.SILENCE : Fault.CONNECT);
            }
        }

        void close() {
            try {
                if (channel != null) channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
