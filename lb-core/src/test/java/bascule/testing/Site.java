package bascule.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/// A server that answers whatever comes, with a thread per connection, as long as it is open.
public final class Site implements AutoCloseable {
    private final ServerSocketChannel listening;
    private final HeadHandler handler;
    private final Set<Wire> open = ConcurrentHashMap.newKeySet();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();

    /// What the server does with a request.
    public interface Handler {
        /// @return may another request come on this connection?
        boolean answer(Answer request, Wire wire) throws IOException;
    }

    /// The same before the rest of the request is read.
    public interface HeadHandler {
        /// @return may another request come on this connection?
        boolean answer(String head, Wire wire) throws IOException;
    }

    public Site(Handler handler) throws IOException {
        this(
                new HeadHandler() {
                    @Override
                    public boolean answer(String head, Wire wire) throws IOException {
                        return handler.answer(Answer.read(head, wire, false), wire);
                    }
                });
    }

    private Site(HeadHandler handler) throws IOException {
        this(handler, 0);
    }

    private Site(HeadHandler handler, int port) throws IOException {
        this.handler = handler;
        listening = ServerSocketChannel.open();
        listening.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), 1024);
        Thread.startVirtualThread(this::accept);
    }

    /// One that need not read a request before it answers.
    public static Site ofHeads(HeadHandler handler) throws IOException {
        return new Site(handler);
    }

    /// One that comes back where another was, see [#address()].
    public static Site at(String address, HeadHandler handler) throws IOException {
        return new Site(handler, Integer.parseInt(address.substring(address.indexOf(':') + 1)));
    }

    /// Host and port, as a configuration names a server.
    public String address() throws IOException {
        return "127.0.0.1:" + ((InetSocketAddress) listening.getLocalAddress()).getPort();
    }

    /// Requests that have come so far.
    public int requests() {
        return requests.get();
    }

    /// Connections that have come so far.
    public int connections() {
        return connections.get();
    }

    private void accept() {
        while (true) {
            try {
                Wire wire = new Wire(listening.accept());
                connections.incrementAndGet();
                open.add(wire);
                if (!listening.isOpen()) wire.close(); // stop() may not have seen it.
                Thread.startVirtualThread(() -> serve(wire));
            } catch (ClosedChannelException closed) {
                return;
            } catch (IOException failure) {
                failures.add(failure);
                return;
            }
        }
    }

    private void serve(Wire wire) {
        try (wire) {
            do {
                if (wire.ended()) return;
                requests.incrementAndGet();
            } while (handler.answer(wire.receiveHead(), wire));
        } catch (IOException gone) {
            // A reset, or an end in the middle of a request: it is the client's right.
        } catch (Throwable failure) {
            failures.add(failure);
        } finally {
            open.remove(wire);
        }
    }

    /// Throws what went wrong in a handler.
    public void check() {
        if (!failures.isEmpty()) throw new AssertionError("in a server", failures.peek());
    }

    /// Accepts no more, and ends all connections.
    public void stop() throws IOException {
        listening.close();
        for (Wire wire : open) wire.close();
        check();
    }

    @Override
    public void close() throws IOException {
        stop();
    }
}
