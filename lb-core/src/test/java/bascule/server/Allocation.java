package bascule.server;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Bytes that a piece of code allocates on the thread that runs it.
public final class Allocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /// The least of several rounds after a warm-up, so that class loading and linking do not count.
    public static long bytes(Runnable code) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 6; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            code.run();
            long after = THREADS.getCurrentThreadAllocatedBytes();
            if (round > 0) least = Math.min(least, after - before);
        }
        return least;
    }
}
