package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.proxy.Lane.Cut;
import bascule.proxy.Transcript.Side;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Plays every file of `src/test/resources/wire`, whole and cut behind each byte that a client or a server sends.
final class TranscriptIT {
    private static final int LANES = 4;

    /// Of longer ones the first and the last bytes are cut one by one, and what lies between at places far apart.
    private static final int CUT_BY_BYTE = 1500;

    static Stream<Transcript> transcripts() throws IOException, URISyntaxException {
        Path folder = Path.of(TranscriptIT.class.getResource("/wire").toURI());
        String only = System.getProperty("bascule.transcript", ""); // To look at one of them.
        try (Stream<Path> files = Files.list(folder)) {
            List<Transcript> all =
                    files.sorted()
                            .map(Transcript::read)
                            .filter(transcript -> transcript.name().startsWith(only))
                            .toList();
            assertThat(all).isNotEmpty();
            return all.stream();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("transcripts")
    void givenTranscript_whenPlayedWholeAndCutAtEveryByte_thenBothSidesReceiveWhatItSays(
            Transcript transcript) throws Exception {
        List<Origin> origins = new ArrayList<>();
        for (int i = 0; i < LANES; i++) origins.add(new Origin());
        try (RunningDaemon daemon = RunningDaemon.start(configuration(transcript, origins))) {
            List<Lane> lanes = new ArrayList<>();
            for (int i = 0; i < LANES; i++) {
                lanes.add(
                        new Lane(
                                origins.get(i),
                                daemon.address("lane" + i),
                                daemon.address("fence")));
            }
            lanes.getFirst().play(transcript, Cut.NONE);
            Queue<Cut> cuts = cuts(transcript, lanes.getFirst().frontText());
            int runs = cuts.size();
            AtomicInteger played = play(transcript, lanes, cuts);
            assertThat(played).hasValue(runs);
            for (Lane lane : lanes) lane.close();
            daemon.awaitNothingOpen();
        }
    }

    private static AtomicInteger play(Transcript transcript, List<Lane> lanes, Queue<Cut> cuts)
            throws InterruptedException {
        var played = new AtomicInteger();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (Lane lane : lanes) {
            threads.add(
                    Thread.startVirtualThread(
                            () -> {
                                try {
                                    for (Cut cut;
                                            failures.isEmpty() && (cut = cuts.poll()) != null; ) {
                                        lane.play(transcript, cut);
                                        played.incrementAndGet();
                                    }
                                } catch (Throwable failure) {
                                    failures.add(failure);
                                }
                            }));
        }
        for (Thread thread : threads) thread.join();
        if (failures.isEmpty()) return played;
        var first = new AssertionError(failures.peek().getMessage());
        failures.forEach(first::addSuppressed);
        throw first;
    }

    private static Queue<Cut> cuts(Transcript transcript, String front) {
        Queue<Cut> cuts = new ConcurrentLinkedQueue<>();
        if (!transcript.cuts()) return cuts;
        for (Side side : Side.values()) {
            int bytes = transcript.sent(side, front);
            for (int at = 1; at < bytes; at++) {
                boolean near = at < CUT_BY_BYTE / 2 || bytes - at < CUT_BY_BYTE / 2;
                if (near || at % 997 == 0) cuts.add(new Cut(side, at));
            }
        }
        return cuts;
    }

    private static String configuration(Transcript transcript, List<Origin> origins)
            throws IOException {
        String listener = transcript.listener();
        if (!listener.contains("forwarded "))
            listener += "forwarded { x-forwarded = off, via = off, request-id = off }";
        var text = new StringBuilder("loops = 1\n");
        text.append(
                "listeners.fence { bind = \"127.0.0.1:0\", routes = [{ respond = 204 }],"
                        + " limits.connections = 20 }\n");
        for (int i = 0; i < origins.size(); i++) {
            text.append(
                    """
                    listeners.lane%d {
                      bind = "127.0.0.1:0"
                      backend = lane%d
                      limits.connections = 100
                      %s
                    }
                    backends.lane%d {
                      servers = ["%s"]
                      %s
                    }
                    """
                            .formatted(
                                    i,
                                    i,
                                    listener.replace("{backend}", "lane" + i),
                                    i,
                                    origins.get(i).address(),
                                    transcript.backend()));
        }
        return text.toString();
    }
}
