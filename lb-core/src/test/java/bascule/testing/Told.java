package bascule.testing;

import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.awaitility.Awaitility;

/// The events that operators are told of while a test runs.
public final class Told implements AutoCloseable {
    private static final Logger ROOT = Logger.getLogger("");

    private final Queue<String> heard = new ConcurrentLinkedQueue<>();
    private final Handler handler =
            new Handler() {
                @Override
                public void publish(LogRecord message) {
                    heard.add(message.getMessage());
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };

    /// From now on until [#close].
    public Told() {
        handler.setLevel(Level.ALL);
        ROOT.addHandler(handler);
    }

    public List<String> all() {
        return List.copyOf(heard);
    }

    /// Waits for one that has all these words in it.
    public String await(String... words) {
        return Awaitility.await(String.join(" ", words))
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(
                        () ->
                                heard.stream()
                                        .filter(
                                                each ->
                                                        List.of(words).stream()
                                                                .allMatch(each::contains))
                                        .findFirst()
                                        .orElse(""),
                        found -> !found.isEmpty());
    }

    @Override
    public void close() {
        ROOT.removeHandler(handler);
    }
}
