package bascule.cluster.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What this process may do (capabilities(7)).
public final class Capabilities {
    private static final int CAP_NET_ADMIN = 12;
    private static final int CAP_NET_RAW = 13;

    private Capabilities() {}

    /// Those of CAP_NET_ADMIN and CAP_NET_RAW that are not in the effective set; empty if all are there.
    public static List<String> missing() throws IOException {
        return missing(Files.readAllLines(Path.of("/proc/self/status")));
    }

    /// @param status lines of proc_pid_status(5)
    static List<String> missing(List<String> status) throws IOException {
        for (String line : status) {
            if (!line.startsWith("CapEff:")) continue;
            long effective = Long.parseUnsignedLong(line.substring(7).strip(), 16);
            List<String> missing = new ArrayList<>(2);
            if ((effective >>> CAP_NET_ADMIN & 1) == 0) missing.add("CAP_NET_ADMIN");
            if ((effective >>> CAP_NET_RAW & 1) == 0) missing.add("CAP_NET_RAW");
            return List.copyOf(missing);
        }
        throw new IOException("/proc/self/status: no line CapEff");
    }
}
