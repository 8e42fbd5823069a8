package bascule.harness;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Asks for a short page, at fixed times, by a new connection each; never waits for one before it begins the next. One
/// thread, in the client's namespace, ahead of all others on this machine.
public final class Client implements AutoCloseable {
    public static final long PERIOD_NANOS = 10_000_000;
    public static final long DEADLINE_NANOS = 200_000_000;

    /// Longest stretch that is recorded, where nobody says otherwise.
    public static final int MOST_REQUESTS = 120_000;

    private static final int MOST_ANSWER_BYTES = 4_096;
    private static final long MILLI = 1_000_000;
    private static final long STOP_NANOS = 1_000 * MILLI;
    private static final Pattern GOOD =
            Pattern.compile(
                    "HTTP/1\\.1 200 .*?\r\ncontent-length: *(\\d+)\r\n.*?\r\n\r\n",
                    Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private final Thread thread;
    private final long deadlineNanos;
    private volatile @Nullable Task task;
    private volatile @Nullable CountDownLatch stopping;
    private volatile boolean ended;
    private volatile String fault = "";

    private record Task(
            List<InetSocketAddress> targets,
            byte[] request,
            long periodNanos,
            Recording recording) {}

    /// A request under way.
    private static final class Call {
        final Recording recording;
        final int number;
        final long begunNanos;
        final SocketChannel channel;
        final byte[] request;
        final byte[] bytes = new byte[MOST_ANSWER_BYTES];
        final ByteBuffer answer = ByteBuffer.wrap(bytes);
        boolean over;

        Call(Task task, int number, long begunNanos, SocketChannel channel) {
            recording = task.recording;
            request = task.request;
            this.number = number;
            this.begunNanos = begunNanos;
            this.channel = channel;
        }

        void end(Recording.Result result) throws IOException {
            over = true;
            recording.end(number, System.nanoTime(), result);
            // A reset, so that no old connection is in the way of a new one with the same port.
            if (result == Recording.Result.LATE)
                channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            channel.close();
        }
    }

    private Client(Host host, long deadlineNanos) {
        this.deadlineNanos = deadlineNanos;
        thread = Thread.ofPlatform().name("client").daemon().unstarted(() -> run(host));
    }

    public static Client start(Host host) {
        return start(host, DEADLINE_NANOS);
    }

    /// @param deadlineNanos what is not answered by then has failed
    public static Client start(Host host, long deadlineNanos) {
        Client client = new Client(host, deadlineNanos);
        client.thread.start();
        return client;
    }

    /// From now on, until [#stop]: these in turn, one each `periodNanos`.
    public Recording record(List<InetSocketAddress> targets, long periodNanos) {
        return record(targets, "/", periodNanos, MOST_REQUESTS);
    }

    /// @param most requests; when so many are sent, no more are
    public Recording record(
            List<InetSocketAddress> targets, String path, long periodNanos, int most) {
        Recording recording = new Recording(most);
        byte[] request =
                ("GET " + path + " HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n")
                        .getBytes(ISO_8859_1);
        task = new Task(List.copyOf(targets), request, periodNanos, recording);
        return recording;
    }

    /// Begins no more requests, and waits until none is under way.
    public void stop() {
        var none = new CountDownLatch(1);
        task = null;
        stopping = none;
        try {
            // Twice the deadline: only a client that is stuck takes longer.
            boolean over = none.await(2 * deadlineNanos + STOP_NANOS, TimeUnit.NANOSECONDS);
            if (!over && fault.isEmpty()) fault = "does not come to an end";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!fault.isEmpty()) throw new IllegalStateException("client: " + fault);
    }

    private void run(Host host) {
        try {
            Native.enter(host.file());
            Native.hurry();
            try (Selector selector = Selector.open()) {
                loop(selector);
            }
        } catch (IOException | RuntimeException e) {
            fault = e.toString();
        }
    }

    private void loop(Selector selector) throws IOException {
        Deque<Call> underway = new ArrayDeque<>(); // In the order of their deadlines.
        Task current = null;
        long due = 0;
        int turn = 0;
        while (!ended) {
            Task wanted = task;
            if (wanted != current) {
                current = wanted;
                due = System.nanoTime();
                turn = 0;
            }
            if (current != null && System.nanoTime() - due >= 0) {
                begin(current, turn++, due, selector, underway);
                due += current.periodNanos;
            }
            expire(underway);
            CountDownLatch none = stopping;
            if (none != null && current == null && underway.isEmpty()) {
                stopping = null;
                none.countDown();
            }
            long wait = current == null ? 20 * MILLI : due - System.nanoTime();
            Call first = underway.peekFirst();
            if (first != null)
                wait = Math.min(wait, first.begunNanos + deadlineNanos - System.nanoTime());
            if (wait <= 0) selector.selectNow();
            else selector.select(Math.max(1, wait / MILLI));
            for (SelectionKey key : selector.selectedKeys()) advance(key);
            selector.selectedKeys().clear();
        }
        for (Call call : underway) call.channel.close();
    }

    private static void begin(
            Task task, int turn, long due, Selector selector, Deque<Call> underway)
            throws IOException {
        long now = System.nanoTime();
        int number = task.recording.begin(due, now);
        if (number < 0) return;
        Call call = new Call(task, number, now, SocketChannel.open());
        try {
            call.channel.configureBlocking(false);
            call.channel.register(selector, SelectionKey.OP_CONNECT, call);
            underway.addLast(call);
            // Never at once: it is another host.
            call.channel.connect(task.targets.get(turn % task.targets.size()));
        } catch (IOException e) {
            call.end(resultOf(e));
        }
    }

    private void expire(Deque<Call> underway) throws IOException {
        long now = System.nanoTime();
        while (!underway.isEmpty()) {
            Call call = underway.getFirst();
            if (!call.over) {
                if (now - call.begunNanos < deadlineNanos) return;
                call.end(Recording.Result.LATE);
            }
            underway.removeFirst();
        }
    }

    private static void advance(SelectionKey key) throws IOException {
        if (!(key.attachment() instanceof Call call) || call.over) return;
        try {
            if (key.isConnectable()) {
                if (!call.channel.finishConnect()) return;
                call.channel.write(ByteBuffer.wrap(call.request)); // Fits into any socket's buffer.
                key.interestOps(SelectionKey.OP_READ);
            } else if (key.isReadable()) {
                int read = call.channel.read(call.answer);
                Recording.Result result = judge(call, read < 0);
                if (result != Recording.Result.OPEN) call.end(result);
            }
        } catch (IOException e) {
            call.end(resultOf(e));
        }
    }

    private static Recording.Result judge(Call call, boolean complete) {
        String text = new String(call.bytes, 0, call.answer.position(), ISO_8859_1);
        Matcher good = GOOD.matcher(text);
        if (good.lookingAt() && text.length() >= good.end() + Integer.parseInt(good.group(1)))
            return Recording.Result.GOOD;
        if (!complete && call.answer.hasRemaining()) return Recording.Result.OPEN;
        boolean other = text.startsWith("HTTP/1.1 ") && !text.startsWith("HTTP/1.1 200");
        return other ? Recording.Result.ERROR : Recording.Result.BROKEN;
    }

    private static Recording.Result resultOf(IOException e) {
        return switch (e) {
            case ConnectException refused
                    when String.valueOf(refused.getMessage()).contains("refused") ->
                    Recording.Result.REFUSED;
            case ConnectException _, NoRouteToHostException _ -> Recording.Result.UNREACHABLE;
            default -> Recording.Result.BROKEN;
        };
    }

    @Override
    public void close() {
        ended = true;
        try {
            thread.join(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
