package bascule.net;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/// File descriptors: how many this process may open (RLIMIT_NOFILE, getrlimit(2)).
public final class Descriptors {
    private Descriptors() {}

    /// The limit in force; the JVM has raised it to the hard limit at its start. `Long.MAX_VALUE` if it cannot be told.
    public static long limit() {
        return ManagementFactory.getOperatingSystemMXBean()
                        instanceof UnixOperatingSystemMXBean system
                ? system.getMaxFileDescriptorCount()
                : Long.MAX_VALUE;
    }

    /// Those open now; 0 if it cannot be told.
    public static long open() {
        return ManagementFactory.getOperatingSystemMXBean()
                        instanceof UnixOperatingSystemMXBean system
                ? system.getOpenFileDescriptorCount()
                : 0;
    }
}
