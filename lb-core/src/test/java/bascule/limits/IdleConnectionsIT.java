package bascule.limits;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What a connection costs that has been served and is kept: what lives in the heap, and what the rest of the process has grown by.
/// The heap is touched at the start and full to its size, so that the resident set grows by what lies outside of it alone.
final class IdleConnectionsIT {
    private static final long BAR_BYTES = 2000;
    private static final long TLS_BAR_BYTES = 10_000;
    private static final int WARMUP = 100;

    @TempDir Path folder = Path.of("");

    /// The heap alone: of so few connections the rest drowns in what the JVM does for itself.
    @Test
    @Timeout(120)
    void givenTwoThousandIdleConnections_whenMeasured_thenEachCostsLittleHeap() throws Exception {
        assertThat(measure(2000, "", Socket::new).heapBytes).isLessThan(BAR_BYTES);
    }

    @Test
    @Tag("long")
    @Timeout(600)
    void givenNineThousandIdleConnections_whenMeasured_thenEachCostsLittle() throws Exception {
        Cost each = measure(9000, "", Socket::new);
        assertThat(each.heapBytes + each.restBytes).isLessThan(BAR_BYTES);
    }

    @Test
    @Tag("long")
    @Timeout(600)
    void givenFourThousandIdleConnectionsOverTls_whenMeasured_thenEachCostsLittle()
            throws Exception {
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        TestAuthority.named("Test authority").issue("localhost").write(certificates, "default");
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustsAll()}, null);
        context.getClientSessionContext().setSessionCacheSize(1);

        Cost each =
                measure(
                        4000,
                        "tls = \"" + certificates + "\",",
                        () -> context.getSocketFactory().createSocket());

        assertThat(each.heapBytes + each.restBytes).isLessThan(TLS_BAR_BYTES);
    }

    private record Cost(long heapBytes, long restBytes) {}

    /// Makes a socket that is not connected yet.
    private interface Sockets {
        Socket make() throws IOException;
    }

    /// @param keys of the listener, with a comma behind
    private static Cost measure(int connections, String keys, Sockets sockets) throws Exception {
        List<Socket> clients = new ArrayList<>();
        try (var web = new Web();
                Child child =
                        Child.start(
                                "-Xms64m -Xmx64m -XX:+AlwaysPreTouch",
                                """
                                admin.http = "127.0.0.1:0"
                                listeners.http { bind = "127.0.0.1:0", backend = web, %s limits.connections = 9000, timeouts.idle = 1h }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(keys, web.address()));
                Jvm jvm = Jvm.attach(child.proc.pid())) {
            for (int round = 0; round < 100; round++) { // Until the compiler has come to rest.
                for (int i = 0; i < WARMUP; i++) clients.add(served(child, sockets));
                for (Socket client : clients) client.close();
                clients.clear();
            }
            child.awaitMetric(open -> open == 0, "bascule_connections_open");
            long heapBefore = jvm.liveBytes();
            long residentBefore = child.proc.residentBytes();

            for (int i = 0; i < connections; i++) clients.add(served(child, sockets));

            assertEquals(connections, child.metric("bascule_connections_open"));
            long heap = jvm.liveBytes() - heapBefore;
            long rest = child.proc.residentBytes() - residentBefore;
            System.out.printf(
                    "%,d idle connections: %,d B of heap and %,d B of all else, each; %.1f MB resident%n",
                    connections,
                    heap / connections,
                    rest / connections,
                    child.proc.residentBytes() / 1e6);
            for (Socket client : clients) serve(client); // Each is as good as new.
            return new Cost(heap / connections, rest / connections);
        } finally {
            for (Socket client : clients) client.close();
        }
    }

    private static Socket served(Child child, Sockets sockets) throws IOException {
        Socket client = sockets.make();
        client.setTcpNoDelay(true);
        client.connect(child.address());
        serve(client);
        return client;
    }

    private static void serve(Socket client) throws IOException {
        client.getOutputStream().write("GET /100 HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(US_ASCII));
        byte[] answer = new byte[1024];
        int length = 0;
        int head = -1;
        while (head < 0 || length < head + 4 + 100) {
            int read = client.getInputStream().read(answer, length, answer.length - length);
            if (read < 0) throw new AssertionError("closed instead of an answer");
            length += read;
            head = new String(answer, 0, length, US_ASCII).indexOf("\r\n\r\n");
        }
        assertEquals(head + 4 + 100, length);
    }
}
