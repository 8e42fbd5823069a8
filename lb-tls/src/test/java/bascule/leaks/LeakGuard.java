package bascule.leaks;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetector.Level;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/// Fails the run if Netty lost a resource in it. Netty itself would only log the loss, and only if another buffer happened to be
/// allocated after the garbage collector had found it.
public final class LeakGuard implements LauncherSessionListener {
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private static final Queue<RecordingLeakDetector<?>> detectors = new ConcurrentLinkedQueue<>();
    private static final Queue<String> leaks = new ConcurrentLinkedQueue<>();

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        if (System.getProperty("io.netty.leakDetection.level") == null) {
            ResourceLeakDetector.setLevel(Level.PARANOID);
        }
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Factory());
    }

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        List<String> found = search();
        if (found.isEmpty()) return;
        throw new AssertionError(found.size() + " leaked:\n" + String.join("\n", found));
    }

    private static List<String> search() {
        ResourceLeakDetector.setLevel(
                Level.PARANOID); // A test may have turned it down; then looking would see nothing.
        for (int round = 0;
                round < 2;
                round++) { // What one collection frees may have held what the next one finds.
            if (!collectUntilCanaryIsSeen())
                leaks.add("The guard is blind: it did not see the leak that it planted itself");
        }
        return new ArrayList<>(leaks);
    }

    /// All that was garbage before the canary is found with it.
    private static boolean collectUntilCanaryIsSeen() {
        AtomicBoolean seen = new AtomicBoolean();
        var canaries = new RecordingLeakDetector<Object>(Object.class, 1, _ -> seen.set(true));
        canaries.track(new Object());
        long start = System.nanoTime();
        while (!seen.get() && System.nanoTime() - start < PATIENCE_NANOS) {
            System.gc();
            try {
                Thread.sleep(10); // The collector's references reach their queues a moment later.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
            canaries.look();
        }
        for (RecordingLeakDetector<?> detector : detectors) detector.look();
        return seen.get();
    }

    private static final class Factory extends ResourceLeakDetectorFactory {
        @Override
        @SuppressWarnings("deprecation") // Abstract in Netty still; nobody calls it.
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(
                Class<T> resource, int samplingInterval, long maxActive) {
            return newResourceLeakDetector(resource, samplingInterval);
        }

        @Override
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(
                Class<T> resource, int samplingInterval) {
            var detector = new RecordingLeakDetector<T>(resource, samplingInterval, leaks::add);
            detectors.add(detector);
            return detector;
        }
    }
}
