package bascule.observe;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Counts what a thread allocates.
final class Allocations {
    private static final int OPERATIONS = 100_000;

    private Allocations() {}

    /// @return bytes per operation once it is compiled: the least of several rounds, because the JVM itself may allocate in one
    static long perOperation(Runnable operation) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertTrue(threads.isThreadAllocatedMemorySupported());
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < OPERATIONS; i++) operation.run();
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            least = Math.min(least, allocated);
        }
        // Less than one byte per operation is the measurement's own.
        return least / OPERATIONS;
    }
}
