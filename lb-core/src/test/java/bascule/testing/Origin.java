package bascule.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// A server whose every byte the test decides: it accepts when asked to, and does nothing by itself.
public final class Origin implements AutoCloseable {
    private final ServerSocketChannel listening;
    private final Selector selector;

    public Origin() throws IOException {
        listening = ServerSocketChannel.open();
        listening.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 1024);
        listening.configureBlocking(false);
        selector = Selector.open();
        listening.register(selector, SelectionKey.OP_ACCEPT);
    }

    /// Host and port, as a configuration names a server.
    public String address() throws IOException {
        return "127.0.0.1:" + ((InetSocketAddress) listening.getLocalAddress()).getPort();
    }

    /// Waits for a connection.
    public Wire accept() throws IOException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < RunningDaemon.PATIENCE.toNanos()) {
            SocketChannel accepted = listening.accept();
            if (accepted != null) return new Wire(accepted);
            selector.select(1000);
            selector.selectedKeys().clear();
        }
        throw new AssertionError("no connection comes");
    }

    /// A connection that was made and not accepted yet, or null.
    public Wire poll() throws IOException {
        SocketChannel accepted = listening.accept();
        return accepted == null ? null : new Wire(accepted);
    }

    @Override
    public void close() throws IOException {
        selector.close();
        listening.close();
    }
}
