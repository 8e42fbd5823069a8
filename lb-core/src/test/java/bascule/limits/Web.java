package bascule.limits;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// A server for volume: the target `/N` is answered with N bytes of [Pattern], `/N?chunked` in chunks; what is uploaded is held
/// against the same. A thread per connection.
final class Web implements AutoCloseable {
    final AtomicLong requests = new AtomicLong();

    /// Bytes of bodies that came, each as it should be.
    final AtomicLong uploaded = new AtomicLong();

    /// What came and was not as it should be.
    final Set<String> faults = ConcurrentHashMap.newKeySet();

    private final ServerSocket listening;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    Web() throws IOException {
        listening = new ServerSocket(0, 4096, InetAddress.ofLiteral("127.0.0.1"));
        Thread.ofPlatform().daemon().name("web").start(this::accept);
    }

    /// As a configuration names a server.
    String address() {
        return "127.0.0.1:" + listening.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listening.accept();
                open.add(socket);
                Thread.ofPlatform().daemon().name("web-connection").start(() -> serve(socket));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
            OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 64 * 1024);
            for (String head; !(head = Messages.head(in)).isEmpty(); ) answer(head, in, out);
        } catch (AssertionError fault) {
            faults.add(String.valueOf(fault.getMessage()));
        } catch (IOException gone) {
            // The daemon lets go of a server when its client is cut.
        } finally {
            open.remove(socket);
        }
    }

    private void answer(String head, InputStream in, OutputStream out) throws IOException {
        uploaded.addAndGet(Messages.readBody(head, in));
        requests.incrementAndGet();
        String target = head.substring(head.indexOf('/') + 1, head.indexOf(" HTTP/"));
        boolean chunked = target.endsWith("?chunked");
        long length = Long.parseLong(chunked ? target.substring(0, target.indexOf('?')) : target);
        Messages.write(out, "HTTP/1.1 200 OK\r\nServer: web\r\n", length, chunked);
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket socket : open) socket.close();
    }
}
