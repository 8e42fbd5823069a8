package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/// A server for [Load] that writes down each request when it reaches it, before anything else, in a way that outlives SIGKILL: in
/// pages of a file, which are the kernel's. It thinks a while about each POST, so that a death finds some that it has not answered.
/// A process of its own; keeps its port and its journal over its deaths.
public final class JournalOrigin implements AutoCloseable {
    /// Requests of one load, at most.
    private static final int NUMBERS = 8 << 20;

    private static final long THINKING_NANOS = 5_000_000;

    private final String name;
    private final int port;
    private final Path journal;
    private final MappedByteBuffer seen;
    private Process process;

    /// @param name what it calls itself in `X-Server`
    public JournalOrigin(String name, Path folder) throws IOException {
        this.name = name;
        journal = folder.resolve(name + ".journal");
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            port = socket.getLocalPort();
        }
        seen = map(journal);
        start();
    }

    private static MappedByteBuffer map(Path journal) throws IOException {
        try (var file =
                FileChannel.open(
                        journal,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, NUMBERS);
        }
    }

    public String name() {
        return name;
    }

    /// Host and port, as a configuration names a server.
    public String address() {
        return "127.0.0.1:" + port;
    }

    /// How often a request has reached it.
    public int seen(long number) {
        return seen.get((int) number);
    }

    /// Starts it again, and waits until it accepts.
    public void start() throws IOException {
        process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-Xmx64m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                JournalOrigin.class.getName(),
                                name,
                                "" + port,
                                journal.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        var listening = process.inputReader().readLine();
        if (listening == null) throw new AssertionError(name + " does not listen");
    }

    /// SIGSTOP: what comes from now on reaches its kernel, which takes it, and not itself. Only [#kill] ends that.
    public void freeze() {
        BasculeProcess.command("bash", "-c", "kill -STOP " + process.pid()).end();
    }

    /// Connections with something that has reached its kernel, and that it has not read.
    public int unread() throws IOException {
        String local = ":%04X".formatted(port);
        int connections = 0;
        for (String table : new String[] {"/proc/net/tcp", "/proc/net/tcp6"}) {
            for (String line : Files.readAllLines(Path.of(table))) {
                String[] words = line.strip().split("\\s+", -1); // proc_net_tcp.rst
                boolean isOurs = words[1].endsWith(local) && words[3].equals("01"); // ESTABLISHED
                if (isOurs && !words[4].endsWith(":00000000")) connections++;
            }
        }
        return connections;
    }

    /// SIGKILL; after this returns it is gone, and so are its sockets.
    public void kill() {
        process.destroyForcibly();
        try {
            if (!process.waitFor(RunningDaemon.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                throw new AssertionError(name + " survives SIGKILL");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        kill();
        Files.deleteIfExists(journal);
    }

    /// @param arguments name, port, file of the journal
    public static void main(String[] arguments) throws IOException {
        new Serving(arguments[0], map(Path.of(arguments[2]))).run(Integer.parseInt(arguments[1]));
    }

    private static final class Serving {
        private final String name;
        private final MappedByteBuffer seen;
        private final Selector selector = Selector.open();
        private final Queue<Peer> thinking = new ArrayDeque<>();

        Serving(String name, MappedByteBuffer seen) throws IOException {
            this.name = name;
            this.seen = seen;
        }

        void run(int port) throws IOException {
            var listening = ServerSocketChannel.open();
            listening.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), 1024);
            listening.configureBlocking(false);
            listening.register(selector, SelectionKey.OP_ACCEPT);
            System.out.println("listening");
            while (true) {
                if (thinking.isEmpty()) selector.select();
                else selector.select(1);
                for (Peer next;
                        (next = thinking.peek()) != null
                                && System.nanoTime() - next.dueNanos >= 0; )
                    thinking.remove().ready();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.isAcceptable()) accept(listening);
                    else ((Peer) key.attachment()).ready();
                }
                selector.selectedKeys().clear();
            }
        }

        private void accept(ServerSocketChannel listening) throws IOException {
            for (SocketChannel accepted; (accepted = listening.accept()) != null; ) {
                accepted.configureBlocking(false);
                var peer = new Peer(accepted);
                peer.key = accepted.register(selector, SelectionKey.OP_READ, peer);
            }
        }

        private final class Peer {
            private final SocketChannel channel;
            private final ByteBuffer in = ByteBuffer.allocate(16 * 1024);
            private ByteBuffer out = ByteBuffer.allocate(0);
            private SelectionKey key;
            private boolean journaled;
            private long dueNanos; // 0 if its answer may go.

            Peer(SocketChannel channel) {
                this.channel = channel;
            }

            void ready() throws IOException {
                try {
                    if (key.isValid() && key.isReadable() && channel.read(in) < 0) channel.close();
                    if (channel.isOpen() && !out.hasRemaining()) request();
                    if (!channel.isOpen()) return;
                    if (dueNanos != 0 && System.nanoTime() - dueNanos < 0) return;
                    dueNanos = 0;
                    channel.write(out);
                    key.interestOps(
                            out.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
                } catch (IOException gone) {
                    channel.close();
                }
            }

            /// Takes one request, if it is whole, and prepares its answer. It has reached us with its head.
            private void request() {
                String text = new String(in.array(), 0, in.position(), ISO_8859_1);
                int head = text.indexOf("\r\n\r\n");
                if (head < 0) return;
                String number = field(text, "X-Number");
                if (!journaled && number != null) {
                    int at = Integer.parseInt(number);
                    seen.put(at, (byte) (seen.get(at) + 1));
                }
                journaled = true;
                String length = field(text, "Content-Length");
                int end = head + 4 + (length == null ? 0 : Integer.parseInt(length));
                if (in.position() < end) return;
                journaled = false;
                in.flip().position(end);
                in.compact();
                String[] line = text.split(" ", 3);
                answer(line[0], line[1], number);
                if (!line[1].equals("/post")) return;
                dueNanos = System.nanoTime() + THINKING_NANOS;
                thinking.add(this);
            }

            private void answer(String method, String path, String number) {
                byte[] body =
                        switch (path) {
                            case "/small" -> (number + number).getBytes(ISO_8859_1);
                            case "/large" -> Load.LARGE;
                            case "/post" -> (method + number).getBytes(ISO_8859_1);
                            default -> new byte[0]; // A check.
                        };
                byte[] head =
                        "HTTP/1.1 200 OK\r\nX-Server: %s\r\nX-Number: %s\r\nContent-Length: %d\r\n\r\n"
                                .formatted(name, number, body.length)
                                .getBytes(ISO_8859_1);
                out = ByteBuffer.allocate(head.length + body.length).put(head).put(body).flip();
            }
        }

        private static String field(String text, String name) {
            int at = text.indexOf("\r\n" + name + ": ");
            if (at < 0) return null;
            at += name.length() + 4;
            return text.substring(at, text.indexOf('\r', at));
        }
    }
}
