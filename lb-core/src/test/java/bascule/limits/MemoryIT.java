package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Out of direct memory, which holds what clients do not take: newcomers are turned away, those inside are served.
@Timeout(120)
final class MemoryIT {
    private static final long LIMIT = 48L << 20;
    private static final int MOST_CLIENTS = 1000;

    @Test
    void
            givenClientsThatTakeNothing_whenMemoryGetsTight_thenNewOnesAreRefusedOthersServedAndItRecovers()
                    throws Exception {
        List<Wire> stalled = new ArrayList<>();
        try (var web = new Web();
                Child child =
                        Child.start(
                                "-XX:MaxDirectMemorySize=" + LIMIT,
                                """
                                admin.http = "127.0.0.1:0"
                                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 2000 }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(web.address()));
                Wire inside = Wire.connect(child.address())) {
            serve(inside);
            while (child.metric("bascule_rejected_total", "reason=\"memory\"") == 0) {
                assertThat(stalled.size()).isLessThan(MOST_CLIENTS);
                for (int i = 0; i < 20; i++) {
                    Wire client = Wire.connectNarrow(child.address());
                    client.send("GET /1000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
                    stalled.add(client);
                }
                serve(inside);
                Thread.sleep(100);
            }
            System.out.printf("out of memory: %d clients that take nothing%n", stalled.size());

            for (int i = 0; i < 20; i++) serve(inside);
            double before = settled(child);
            for (int i = 0; i < 10; i++) {
                try (Wire refused = Wire.connect(child.address())) {
                    refused.awaitEnd();
                }
            }
            double after = before + 10;
            child.awaitMetric(
                    count -> count == after, "bascule_rejected_total", "reason=\"memory\"");

            for (Wire client : stalled) client.reset();
            child.awaitMetric(count -> count <= 1, "bascule_connections_open");
            Thread.sleep(300); // Looked at once per tick of 100 ms.
            for (int i = 0; i < 50; i++) {
                try (Wire client = Wire.connect(child.address())) {
                    serve(client);
                }
            }
            serve(inside);
            assertEquals(after, child.metric("bascule_rejected_total", "reason=\"memory\""));
            assertThat(child.process.err())
                    .contains("connections-refused listener=http reason=memory")
                    .doesNotContain("ERROR");
        } finally {
            for (Wire client : stalled) client.close();
        }
    }

    /// Connections that were made before may still wait to be refused.
    private static double settled(Child child) throws InterruptedException {
        double last = -1;
        for (double seen; ; last = seen) {
            seen = child.metric("bascule_rejected_total", "reason=\"memory\"");
            if (seen == last) return seen;
            Thread.sleep(500);
        }
    }

    private static void serve(Wire client) throws IOException {
        client.send("GET /20000 HTTP/1.1\r\nHost: a\r\n\r\n");
        Answer answer = Answer.read(client, false);
        assertEquals(200, answer.status());
        assertEquals(20_000, answer.content().length);
    }
}
