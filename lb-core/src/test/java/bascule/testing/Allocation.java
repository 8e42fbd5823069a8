package bascule.testing;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Bytes that a piece of code allocates on the thread that runs it.
public final class Allocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int OPERATIONS = 100_000;

    private Allocation() {}

    /// Whole bytes per operation, of many: less than one for each is the measurement's own.
    public static long perOperation(Runnable operation) {
        return bytes(
                        () -> {
                            for (int i = 0; i < OPERATIONS; i++) operation.run();
                        })
                / OPERATIONS;
    }

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
