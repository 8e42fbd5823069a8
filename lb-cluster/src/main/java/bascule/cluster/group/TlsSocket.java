package bascule.cluster.group;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/// A connection between two nodes as JGroups wants to see it: when it is connected, the key of the other is known and both have said who
/// they are. An SSLSocket would shake hands when JGroups first reads, on a thread that others wait for and without an end; this one does
/// it in [#connect] or before JGroups gets it, and its close never waits.
final class TlsSocket extends Socket {
    /// For TLS and the first words together.
    static final int GREETING_MILLIS = 1000;

    /// Makes a connected socket one of ours.
    interface Greeting {
        /// @param node who is at the other end
        record Known(SSLSocket tls, int node) {}

        Known greet(Socket plain, boolean server) throws IOException;

        /// No connection came about.
        void unreached(SocketAddress to, IOException why);

        void closed(int node);
    }

    private final Greeting greeting;
    private final Socket plain;
    private volatile Greeting.@Nullable Known known;
    private final AtomicBoolean told = new AtomicBoolean();

    /// To be connected.
    TlsSocket(Greeting greeting) throws IOException {
        super((SocketImpl) null);
        this.greeting = greeting;
        this.plain = new Socket();
    }

    /// Connected, and known already.
    TlsSocket(Greeting greeting, Socket plain, Greeting.Known known) throws IOException {
        super((SocketImpl) null);
        this.greeting = greeting;
        this.plain = plain;
        this.known = known;
    }

    @Override
    public void bind(@Nullable SocketAddress to) throws IOException {
        plain.bind(to);
    }

    @Override
    public void connect(SocketAddress to) throws IOException {
        connect(to, GREETING_MILLIS);
    }

    @Override
    public void connect(SocketAddress to, int timeoutMillis) throws IOException {
        try {
            plain.connect(to, timeoutMillis);
        } catch (IOException e) {
            plain.close();
            greeting.unreached(to, e);
            throw e;
        }
        try {
            plain.setTcpNoDelay(true);
            known = greeting.greet(plain, false);
        } catch (IOException e) {
            plain.close();
            throw e;
        }
    }

    private SSLSocket tls() throws SocketException {
        Greeting.Known now = known;
        if (now == null) throw new SocketException("not connected");
        return now.tls();
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return tls().getInputStream();
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return tls().getOutputStream();
    }

    /// Without close_notify, which might have to wait for a peer that does not read: JGroups says by itself that it leaves.
    @Override
    public void close() throws IOException {
        plain.close();
        Greeting.Known now = known;
        if (now != null && told.compareAndSet(false, true)) greeting.closed(now.node());
    }

    @Override
    public boolean isClosed() {
        return plain.isClosed();
    }

    @Override
    public boolean isConnected() {
        return plain.isConnected();
    }

    @Override
    public boolean isBound() {
        return plain.isBound();
    }

    @Override
    public @Nullable InetAddress getInetAddress() {
        return plain.getInetAddress();
    }

    @Override
    public InetAddress getLocalAddress() {
        return plain.getLocalAddress();
    }

    @Override
    public int getPort() {
        return plain.getPort();
    }

    @Override
    public int getLocalPort() {
        return plain.getLocalPort();
    }

    @Override
    public @Nullable SocketAddress getRemoteSocketAddress() {
        return plain.getRemoteSocketAddress();
    }

    @Override
    public @Nullable SocketAddress getLocalSocketAddress() {
        return plain.getLocalSocketAddress();
    }

    @Override
    public void setSoTimeout(int millis) throws SocketException {
        plain.setSoTimeout(millis);
    }

    @Override
    public int getSoTimeout() throws SocketException {
        return plain.getSoTimeout();
    }

    @Override
    public void setTcpNoDelay(boolean on) throws SocketException {
        plain.setTcpNoDelay(on);
    }

    @Override
    public boolean getTcpNoDelay() throws SocketException {
        return plain.getTcpNoDelay();
    }

    @Override
    public void setKeepAlive(boolean on) throws SocketException {
        plain.setKeepAlive(on);
    }

    @Override
    public void setSoLinger(boolean on, int seconds) throws SocketException {
        plain.setSoLinger(on, seconds);
    }

    @Override
    public void setSendBufferSize(int bytes) throws SocketException {
        plain.setSendBufferSize(bytes);
    }

    @Override
    public void setReceiveBufferSize(int bytes) throws SocketException {
        plain.setReceiveBufferSize(bytes);
    }

    @Override
    public String toString() {
        return String.valueOf(plain);
    }
}
