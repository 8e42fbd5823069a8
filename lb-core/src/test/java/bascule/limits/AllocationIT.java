package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Background;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the loops of the real daemon allocate for a request, with the access log and scrapes on: next to nothing, or the collector would come
/// more often than a client can be made to wait.
final class AllocationIT {
    private static final double MOST_ON_LOOPS = 1; // Bytes per request.
    private static final double MOST_IN_ALL = 16;
    private static final int SCRAPE_SECONDS = 5;
    private static final String LOOPS = "loop-";

    /// Threads that answer the one who measures.
    private static final Pattern ASKING = Pattern.compile("^(RMI|JMX|Attach)");

    @TempDir Path folder = Path.of("");

    @Test
    @Timeout(180)
    void givenTheRealDaemon_whenItServes_thenItsLoopsAllocateNextToNothing() throws Exception {
        assertThat(measure(150_000, 150_000).onLoops).isLessThanOrEqualTo(MOST_ON_LOOPS);
    }

    @Test
    @Tag("long")
    @Timeout(900)
    void givenTheRealDaemon_whenItServesTwoMillion_thenItsLoopsAllocateNextToNothing()
            throws Exception {
        PerRequest bytes = measure(500_000, 2_000_000);

        assertThat(bytes.onLoops).isLessThanOrEqualTo(MOST_ON_LOOPS);
        assertThat(bytes.inAll).isLessThanOrEqualTo(MOST_IN_ALL);
    }

    private record PerRequest(double onLoops, double inAll) {}

    private Child child(Load load) throws IOException {
        return Child.start(
                "",
                """
                admin.http = "127.0.0.1:0"
                logging.file = "%s"
                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
                backends.web.servers = ["%s"]
                """
                        .formatted(folder.resolve("access.log"), load.address()));
    }

    private PerRequest measure(long warmUp, long requests) throws Exception {
        try (var load = new Load();
                Child child = child(load);
                Jvm jvm = Jvm.attach(child.proc.pid());
                var client = new Load.Client(child.address())) {
            client.run(warmUp);
            Map<String, Long> before = jvm.allocatedBytes();
            long start = System.nanoTime();
            var over = new CountDownLatch(1);
            Background scrapes =
                    Background.start(
                            () -> {
                                do child.metric("bascule_connections_open");
                                while (!over.await(SCRAPE_SECONDS, TimeUnit.SECONDS));
                            });

            client.run(requests);

            double seconds = (System.nanoTime() - start) / 1e9;
            Map<String, Long> grown = grown(before, jvm.allocatedBytes());
            over.countDown();
            scrapes.end();
            double loops = sum(grown, name -> name.startsWith(LOOPS)) / (double) requests;
            double all = sum(grown, name -> !ASKING.matcher(name).find()) / (double) requests;
            System.out.printf(
                    "%,d requests in %.1f s: %.3f B per request on the loops, %.3f B in all threads: %s%n",
                    requests, seconds, loops, all, grown);
            assertThat(child.metric("bascule_exchanges_total", "code=\"2xx\""))
                    .isEqualTo((double) (warmUp + requests));
            return new PerRequest(loops, all);
        }
    }

    private static Map<String, Long> grown(Map<String, Long> before, Map<String, Long> after) {
        Map<String, Long> grown = new TreeMap<>();
        after.forEach((name, bytes) -> grown.put(name, bytes - before.getOrDefault(name, 0L)));
        return grown;
    }

    private static long sum(Map<String, Long> bytes, Predicate<String> counted) {
        assertThat(bytes.keySet()).anyMatch(counted);
        return bytes.entrySet().stream()
                .filter(each -> counted.test(each.getKey()))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    /// That the figure is one: in the same daemon a connection for each request costs its loops much, and that is seen.
    @Test
    @Timeout(60)
    void givenTheRealDaemon_whenEachRequestHasAConnectionOfItsOwn_thenFarBeyondTheBound()
            throws Exception {
        int requests = 200;
        try (var load = new Load();
                Child child = child(load);
                Jvm jvm = Jvm.attach(child.proc.pid())) {
            Map<String, Long> before = jvm.allocatedBytes();

            for (int i = 0; i < requests; i++)
                assertThat(Answer.get(child.address(), "/").status()).isEqualTo(200);

            Map<String, Long> grown = grown(before, jvm.allocatedBytes());
            double loops = sum(grown, name -> name.startsWith(LOOPS)) / (double) requests;
            assertThat(loops).isGreaterThan(100 * MOST_ON_LOOPS);
        }
    }
}
