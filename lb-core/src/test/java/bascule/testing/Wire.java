package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/// One end of a connection, byte for byte: a client of the daemon or a server behind it. Bytes are shown as characters of
/// ISO 8859-1. Blocking, with a limit to each wait; for one thread at a time.
public final class Wire implements AutoCloseable {
    private static final int PATIENCE_MILLIS = (int) RunningDaemon.PATIENCE.toMillis();

    private final SocketChannel channel;
    private final Socket socket;
    private final InputStream in;
    private final byte[] ahead = new byte[8 * 1024]; // Read and not asked for yet: [at, end).
    private int at;
    private int end;

    /// How the peer's sending ended.
    public enum End {
        /// By a FIN.
        CLEAN,
        /// By a RST.
        RESET
    }

    Wire(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        socket = channel.socket();
        socket.setSoTimeout(PATIENCE_MILLIS);
        in = socket.getInputStream();
    }

    /// An accepted connection, of a server that accepts by itself.
    public static Wire of(SocketChannel accepted) throws IOException {
        return new Wire(accepted);
    }

    private Wire(SocketChannel unix, InputStream in) {
        channel = unix;
        socket = null; // There is no such view of a Unix socket.
        this.in = in;
    }

    /// To a Unix socket.
    public static Wire connect(Path to) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(to));
        return new Wire(channel, new Patient(channel));
    }

    /// What a socket's own stream does for TCP: reads, but does not wait for ever.
    private static final class Patient extends InputStream {
        private final SocketChannel channel;

        Patient(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("only whole arrays are read");
        }

        @Override
        public int read(byte[] into, int start, int length) throws IOException {
            channel.configureBlocking(false);
            try (Selector selector = Selector.open()) {
                channel.register(selector, SelectionKey.OP_READ);
                if (selector.select(PATIENCE_MILLIS) == 0) throw new SocketTimeoutException();
                return channel.read(ByteBuffer.wrap(into, start, length));
            } finally {
                channel.configureBlocking(true);
            }
        }
    }

    public static Wire connect(InetSocketAddress to) throws IOException {
        return new Wire(SocketChannel.open(to));
    }

    /// The same with a small receive buffer, for a peer that shall feel it soon when nothing is read.
    public static Wire connectNarrow(InetSocketAddress to) throws IOException {
        SocketChannel channel = SocketChannel.open();
        channel.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
        channel.connect(to);
        return new Wire(channel);
    }

    public void send(String text) throws IOException {
        send(text.getBytes(ISO_8859_1));
    }

    public void send(byte[] bytes) throws IOException {
        send(bytes, 0, bytes.length);
    }

    public void send(byte[] bytes, int start, int end) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes, start, end - start);
        while (out.hasRemaining()) channel.write(out);
    }

    /// Sends what the peer takes now, without waiting.
    ///
    /// @return bytes sent
    public int trySend(byte[] bytes) throws IOException {
        channel.configureBlocking(false);
        try {
            return channel.write(ByteBuffer.wrap(bytes));
        } finally {
            channel.configureBlocking(true);
        }
    }

    /// Sends FIN: nothing will follow.
    public void sendEnd() throws IOException {
        channel.shutdownOutput();
    }

    /// Sends RST.
    public void reset() throws IOException {
        if (!channel.isOpen()) return;
        socket.setSoLinger(true, 0);
        channel.close();
    }

    /// Waits for some bytes.
    ///
    /// @return how many came; -1 at the peer's FIN
    /// @throws SocketException at the peer's RST
    /// @throws AssertionError if nothing happens
    public int receive(byte[] into, int start, int end) throws IOException {
        if (at < this.end) {
            int taken = Math.min(this.end - at, end - start);
            System.arraycopy(ahead, at, into, start, taken);
            at += taken;
            return taken;
        }
        try {
            return in.read(into, start, end - start);
        } catch (SocketTimeoutException silence) {
            throw new AssertionError("nothing comes", silence);
        }
    }

    /// Waits for one byte.
    ///
    /// @return -1 at the peer's FIN
    public int receive() throws IOException {
        if (at == end) {
            at = 0;
            end = 0;
            int read = receive(ahead, 0, ahead.length);
            if (read < 0) return -1;
            end = read;
        }
        return ahead[at++] & 0xff;
    }

    /// Waits for a byte, which stays to be received, or for the peer's FIN.
    public boolean ended() throws IOException {
        if (receive() < 0) return true;
        at--;
        return false;
    }

    /// Waits for so many bytes.
    public String receive(int length) throws IOException {
        byte[] bytes = new byte[length];
        int have = 0;
        while (have < length) {
            int more = receive(bytes, have, length);
            if (more < 0) {
                String until = new String(bytes, 0, have, ISO_8859_1);
                throw new EOFException("end after " + have + " of " + length + " bytes: " + until);
            }
            have += more;
        }
        return new String(bytes, ISO_8859_1);
    }

    /// Waits for the empty line that ends a head.
    public String receiveHead() throws IOException {
        var head = new StringBuilder();
        int found = 0; // Of CR LF CR LF.
        while (found < 4) {
            int next = receive();
            if (next < 0) throw new EOFException("end within a head: " + head);
            head.append((char) next);
            found = next == (found % 2 == 0 ? '\r' : '\n') ? found + 1 : next == '\r' ? 1 : 0;
        }
        return head.toString();
    }

    /// Waits for the peer's FIN and returns what came before it.
    public String receiveRest() throws IOException {
        var rest = new StringBuilder();
        for (int next; (next = receive()) >= 0; ) rest.append((char) next);
        return rest.toString();
    }

    /// Waits for the end; bytes before it are a failure.
    public End awaitEnd() throws IOException {
        try {
            int next = receive();
            if (next < 0) return End.CLEAN;
            throw new AssertionError(
                    "not the end but: "
                            + (char) next
                            + new String(ahead, at, end - at, ISO_8859_1));
        } catch (SocketException reset) {
            return End.RESET;
        }
    }

    /// Reads whatever comes, and throws it away.
    public End skipToEnd() throws IOException {
        byte[] waste = new byte[64 * 1024];
        try {
            while (receive(waste, 0, waste.length) >= 0) {}
            return End.CLEAN;
        } catch (SocketException reset) {
            return End.RESET;
        }
    }

    /// What has come so far, without waiting: some bytes, empty if there are none; or null after the end.
    public String poll() throws IOException {
        if (at < end) {
            String before = new String(ahead, at, end - at, ISO_8859_1);
            at = end;
            return before;
        }
        ByteBuffer some = ByteBuffer.allocate(64 * 1024);
        channel.configureBlocking(false);
        try {
            int read = channel.read(some);
            return read < 0 ? null : new String(some.array(), 0, read, ISO_8859_1);
        } catch (SocketException reset) {
            return null;
        } finally {
            channel.configureBlocking(true);
        }
    }

    public InetSocketAddress localAddress() throws IOException {
        return (InetSocketAddress) channel.getLocalAddress();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
