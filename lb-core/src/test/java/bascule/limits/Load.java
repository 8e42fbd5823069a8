package bascule.limits;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// Many small requests over kept connections, one at a time on each: a cheap client and a cheap server, a thread for either.
final class Load implements AutoCloseable {
    static final int CONNECTIONS = 64;

    private static final ByteBuffer REQUEST =
            ascii(
                    """
                    GET /small?query=1 HTTP/1.1\r
                    Host: www.example.com\r
                    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120\r
                    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r
                    Accept-Language: en-GB,en;q=0.5\r
                    Accept-Encoding: gzip, deflate, br\r
                    Cookie: session=0123456789abcdef\r
                    \r
                    """);
    private static final ByteBuffer RESPONSE =
            ascii(
                    """
                    HTTP/1.1 200 OK\r
                    Server: load\r
                    Date: Fri, 20 Nov 2026 00:00:00 GMT\r
                    Content-Type: text/plain\r
                    Cache-Control: no-store\r
                    Content-Length: 100\r
                    \r
                    """
                            + "x".repeat(100));

    private final ServerSocketChannel listening;
    private final Selector serving;

    Load() throws IOException {
        listening = ServerSocketChannel.open();
        listening.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 1024);
        listening.configureBlocking(false);
        serving = Selector.open();
        listening.register(serving, SelectionKey.OP_ACCEPT);
        Thread.ofPlatform().daemon().name("load-server").start(this::serve);
    }

    private static ByteBuffer ascii(String text) {
        byte[] bytes = text.getBytes(US_ASCII);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    /// Of the server.
    String address() throws IOException {
        return "127.0.0.1:" + ((InetSocketAddress) listening.getLocalAddress()).getPort();
    }

    private void serve() {
        ByteBuffer in = ByteBuffer.allocateDirect(64 * 1024);
        try {
            while (true) {
                serving.select(key -> serve(key, in));
            }
        } catch (IOException | ClosedSelectorException over) {
            // The test is.
        }
    }

    /// Every request is small, so that it comes in one piece.
    private void serve(SelectionKey key, ByteBuffer in) {
        try {
            if (key.isAcceptable()) {
                SocketChannel accepted = listening.accept();
                if (accepted != null) prepare(accepted).register(serving, SelectionKey.OP_READ);
                return;
            }
            var channel = (SocketChannel) key.channel();
            int read = channel.read(in.clear());
            if (read < 0) channel.close();
            else if (in.getInt(read - 4) != 0x0d0a0d0a) throw new IOException("a part");
            else channel.write(RESPONSE.duplicate());
        } catch (IOException gone) {
            key.cancel();
        }
    }

    private static SocketChannel prepare(SocketChannel channel) throws IOException {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        return channel;
    }

    /// Connections of a client, kept from one run to the next.
    static final class Client implements AutoCloseable {
        private final Selector selector = Selector.open();
        private final ByteBuffer in = ByteBuffer.allocateDirect(64 * 1024);
        private long sent;
        private long answered;
        private long most;

        Client(InetSocketAddress daemon) throws IOException {
            for (int i = 0; i < CONNECTIONS; i++) {
                SocketChannel channel = prepare(SocketChannel.open(daemon));
                channel.register(
                        selector, SelectionKey.OP_READ, new int[1]); // Bytes of an answer so far.
            }
        }

        /// Sends so many requests and waits for all their answers.
        void run(long requests) throws IOException {
            most = sent + requests;
            for (SelectionKey key : selector.keys()) send((SocketChannel) key.channel());
            long start = System.nanoTime();
            while (answered < most) {
                if (selector.select(this::receive, 1000) == 0 && System.nanoTime() - start > 120e9)
                    throw new AssertionError(answered + " of " + most + " are answered");
            }
        }

        private void send(SocketChannel channel) throws IOException {
            if (sent == most) return;
            sent++;
            if (channel.write(REQUEST.duplicate()) != REQUEST.limit())
                throw new IOException("full");
        }

        private void receive(SelectionKey key) {
            try {
                var channel = (SocketChannel) key.channel();
                int[] so = (int[]) key.attachment();
                int read = channel.read(in.clear());
                if (read < 0) throw new IOException("closed");
                so[0] += read;
                if (so[0] > RESPONSE.limit()) throw new IOException("more than one answer");
                if (so[0] < RESPONSE.limit()) return;
                so[0] = 0;
                answered++;
                send(channel);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws IOException {
            for (SelectionKey key : selector.keys()) key.channel().close();
            selector.close();
        }
    }

    @Override
    public void close() throws IOException {
        for (SelectionKey key : serving.keys()) key.channel().close();
        serving.close();
    }
}
