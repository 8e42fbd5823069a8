package bascule.leaks;

import static java.util.stream.Collectors.joining;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakTracker;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/// A detector that hands each leak on, whatever the log level is, and can be asked to look now.
///
/// @param <T> the resource that is watched
final class RecordingLeakDetector<T> extends ResourceLeakDetector<T> {
    /// Stack frames of what runs a test: the same for all, and many.
    private static final Pattern RUNNER =
            Pattern.compile("^\\s(org\\.junit\\.|org\\.apache\\.maven\\.|java\\.base/)");

    private final Consumer<String> leaks;

    RecordingLeakDetector(Class<?> resourceType, int samplingInterval, Consumer<String> leaks) {
        super(resourceType, samplingInterval);
        this.leaks = leaks;
    }

    /// Netty only looks at what the collector found when it tracks another resource, so this tracks one for a moment.
    @SuppressWarnings("unchecked") // The tracked object is used as a key only; its type is erased.
    void look() {
        T passing = (T) new Object();
        ResourceLeakTracker<T> tracker = track(passing);
        if (tracker != null) tracker.close(passing);
    }

    @Override
    protected boolean needReport() {
        return true;
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
        String trace =
                records.lines().filter(line -> !RUNNER.matcher(line).find()).collect(joining("\n"));
        leaks.accept(resourceType + " was not released before it was garbage-collected." + trace);
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
        leaks.accept(resourceType + " was not released before it was garbage-collected (no trace)");
    }
}
