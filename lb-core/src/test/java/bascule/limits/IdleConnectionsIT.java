package bascule.limits;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a connection costs that has been served and is kept: what lives in the heap, and what the rest of the process has grown by.
/// The heap is touched at the start and full to its size, so that the resident set grows by what lies outside of it alone.
final class IdleConnectionsIT {
    private static final long BAR_BYTES = 2000;
    private static final int WARMUP = 500;

    /// The heap alone: of so few connections the rest drowns in what the JVM does for itself.
    @Test
    @Timeout(120)
    void givenTwoThousandIdleConnections_whenMeasured_thenEachCostsLittleHeap() throws Exception {
        assertThat(measure(2000).heapBytes).isLessThan(BAR_BYTES);
    }

    @Test
    @Tag("long")
    @Timeout(600)
    void givenNineThousandIdleConnections_whenMeasured_thenEachCostsLittle() throws Exception {
        Cost each = measure(9000);
        assertThat(each.heapBytes + each.restBytes).isLessThan(BAR_BYTES);
    }

    private record Cost(long heapBytes, long restBytes) {}

    private static Cost measure(int connections) throws Exception {
        List<SocketChannel> clients = new ArrayList<>();
        try (var web = new Web();
                Child child =
                        Child.start(
                                "-Xms64m -Xmx64m -XX:+AlwaysPreTouch",
                                """
                                admin.http = "127.0.0.1:0"
                                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 9000, timeouts.idle = 1h }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(web.address()));
                Jvm jvm = Jvm.attach(child.proc.pid())) {
            for (int round = 0; round < 20; round++) { // Until the compiler has come to rest.
                for (int i = 0; i < WARMUP; i++) clients.add(served(child.address()));
                for (SocketChannel client : clients) client.close();
                clients.clear();
            }
            child.awaitMetric(open -> open == 0, "bascule_connections_open");
            long heapBefore = jvm.liveBytes();
            long residentBefore = child.proc.residentBytes();

            for (int i = 0; i < connections; i++) clients.add(served(child.address()));

            assertEquals(connections, child.metric("bascule_connections_open"));
            long heap = jvm.liveBytes() - heapBefore;
            long rest = child.proc.residentBytes() - residentBefore;
            System.out.printf(
                    "%,d idle connections: %,d B of heap and %,d B of all else, each; %.1f MB resident%n",
                    connections,
                    heap / connections,
                    rest / connections,
                    child.proc.residentBytes() / 1e6);
            for (SocketChannel client : clients) serve(client); // Each is as good as new.
            return new Cost(heap / connections, rest / connections);
        } finally {
            for (SocketChannel client : clients) client.close();
        }
    }

    private static SocketChannel served(InetSocketAddress daemon) throws IOException {
        SocketChannel client = SocketChannel.open(daemon);
        serve(client);
        return client;
    }

    private static void serve(SocketChannel client) throws IOException {
        client.write(ByteBuffer.wrap("GET /100 HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(US_ASCII)));
        ByteBuffer answer = ByteBuffer.allocate(1024);
        int head = -1;
        while (head < 0 || answer.position() < head + 4 + 100) {
            if (client.read(answer) < 0) throw new AssertionError("closed instead of an answer");
            head = new String(answer.array(), 0, answer.position(), US_ASCII).indexOf("\r\n\r\n");
        }
        assertEquals(head + 4 + 100, answer.position());
    }
}
