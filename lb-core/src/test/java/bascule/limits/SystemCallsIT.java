package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.Peers;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the loops of the real daemon ask of the kernel for a request on kept connections: two receives, two sends, and a share of a
/// wait. strace slows them down, so that more requests come at a time than in life; the counts are right.
@Timeout(120)
final class SystemCallsIT {
    private static final double MOST_PER_REQUEST = 4.3;

    @TempDir Path folder = Path.of("");

    /// Does something as often as asked.
    private interface Requests {
        void run(int count) throws IOException;
    }

    @Test
    void givenTheRealDaemon_whenItServesKeptConnections_thenFourCallsPerRequestAndNotMuchMore()
            throws Exception {
        Peers.require("strace");
        try (var load = new Load();
                Child child = child(load);
                var client = new Load.Client(child.address())) {
            client.run(20_000); // Every pool has its connections.

            assertThat(perRequest(child, 20_000, client::run)).isBetween(3.9, MOST_PER_REQUEST);
        }
    }

    @Test
    void givenTheRealDaemon_whenEachRequestHasAConnectionOfItsOwn_thenTheExcessIsSeen()
            throws Exception {
        Peers.require("strace");
        try (var load = new Load();
                Child child = child(load)) {
            Requests fresh =
                    count -> {
                        for (int i = 0; i < count; i++) Answer.get(child.address(), "/");
                    };
            fresh.run(10);

            assertThat(perRequest(child, 200, fresh)).isGreaterThan(MOST_PER_REQUEST);
        }
    }

    private static Child child(Load load) throws IOException {
        return Child.start(
                "",
                """
                admin.http = "127.0.0.1:0"
                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 1000 }
                backends.web.servers = ["%s"]
                """
                        .formatted(load.address()));
    }

    private double perRequest(Child child, int requests, Requests what) throws Exception {
        Path counts = folder.resolve("counts");
        List<String> command =
                new ArrayList<>(
                        List.of("strace", "-c", "-U", "calls,name", "-o", counts.toString()));
        List<String> loops = loops(child.proc.pid());
        for (String loop : loops) command.addAll(List.of("-p", loop));
        Path said = folder.resolve("said");
        Process strace =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            child.process.await(
                    "strace to attach to each loop",
                    () -> attached(said) == loops.size() || !strace.isAlive());
            if (!strace.isAlive()) throw new AssertionError(Files.readString(said));
            what.run(requests);
        } finally {
            strace.destroy(); // SIGTERM: it lets go and writes its table.
            assertThat(strace.waitFor(BasculeProcess.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
        }
        Map<String, Long> calls = read(counts);
        double perRequest =
                calls.values().stream().mapToLong(each -> each).sum() / (double) requests;
        System.out.printf(
                "%.2f system calls per request, of %,d: %s%n", perRequest, requests, calls);
        return perRequest;
    }

    /// Thread IDs.
    private static List<String> loops(long pid) throws IOException {
        List<String> loops = new ArrayList<>();
        try (DirectoryStream<Path> threads =
                Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path thread : threads) {
                if (Files.readString(thread.resolve("comm")).startsWith("loop-"))
                    loops.add(thread.getFileName().toString());
            }
        }
        assertThat(loops).hasSize(Runtime.getRuntime().availableProcessors());
        return loops;
    }

    private static long attached(Path said) {
        try (var lines = Files.lines(said)) {
            return lines.filter(line -> line.endsWith(" attached")).count();
        } catch (IOException e) {
            return 0;
        }
    }

    /// Lines `COUNT NAME` between two rulers, then a total.
    private static Map<String, Long> read(Path counts) throws IOException {
        Map<String, Long> calls = new TreeMap<>();
        for (String line : Files.readAllLines(counts)) {
            String[] words = line.strip().split(" +", -1);
            if (words.length == 2 && words[0].matches("\\d+") && !words[1].equals("total"))
                calls.put(words[1], Long.valueOf(words[0]));
        }
        return calls;
    }
}
