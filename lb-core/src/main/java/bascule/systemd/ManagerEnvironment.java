package bascule.systemd;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What the manager told this process when it started it (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
///
/// @param notifySocket of `NOTIFY_SOCKET`; null = nobody wants to know
/// @param watchdogMicros of `WATCHDOG_USEC`; 0 = nobody watches
/// @param passed descriptors, of `LISTEN_FDS`
/// @param storeLimit descriptors that the manager keeps at most, of `FDSTORE`, or of [#OUR_STORE] where there is none; 0 = it keeps none. What is above it
/// drops, and says nothing
/// @param storeLimitTold does systemd itself say so? What a unit says may differ from what systemd does
/// @param faults what could not be understood, with the value and what was expected
public record ManagerEnvironment(
        @Nullable String notifySocket,
        long watchdogMicros,
        List<Passed> passed,
        int storeLimit,
        boolean storeLimitTold,
        List<String> faults) {
    /// SD_LISTEN_FDS_START of sd_listen_fds(3).
    static final int FIRST_DESCRIPTOR = 3;

    static final String STORE = "FDSTORE";

    /// What the unit itself says: systemd tells `FileDescriptorStoreMax=` from version 254 on, and from then on only where it is more than 0 (systemd.exec(5)).
    /// Not `FDSTORE`: what a unit sets wins over what systemd tells.
    static final String OUR_STORE = "BASCULE_FDSTORE";

    /// More than any RLIMIT_NOFILE that a kernel allows by default (fs.nr_open).
    private static final int MOST_DESCRIPTORS = 1 << 20;

    /// A descriptor that was open when the process began.
    ///
    /// @param name of `LISTEN_FDNAMES`; `unknown` where there is none
    public record Passed(int fd, String name) {}

    public ManagerEnvironment {
        passed = List.copyOf(passed);
        faults = List.copyOf(faults);
    }

    /// @param pid of this process: what is meant for another one is nothing to us
    public static ManagerEnvironment of(Map<String, String> environment, long pid) {
        var faults = new ArrayList<String>();
        return new ManagerEnvironment(
                environment.get("NOTIFY_SOCKET"),
                watchdog(environment, pid, faults),
                passed(environment, pid, faults),
                storeLimit(environment, faults),
                environment.containsKey(STORE),
                faults);
    }

    private static int storeLimit(Map<String, String> environment, List<String> faults) {
        String name = environment.containsKey(STORE) ? STORE : OUR_STORE;
        return (int) number(environment, name, 0, MOST_DESCRIPTORS, faults);
    }

    private static long watchdog(Map<String, String> environment, long pid, List<String> faults) {
        long whose = number(environment, "WATCHDOG_PID", pid, Long.MAX_VALUE, faults);
        long micros = number(environment, "WATCHDOG_USEC", 0, Long.MAX_VALUE, faults);
        return whose == pid ? micros : 0;
    }

    private static List<Passed> passed(
            Map<String, String> environment, long pid, List<String> faults) {
        if (number(environment, "LISTEN_PID", 0, Long.MAX_VALUE, faults) != pid) return List.of();
        long count = number(environment, "LISTEN_FDS", 0, MOST_DESCRIPTORS, faults);
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        var all = new ArrayList<Passed>();
        for (int i = 0; i < count; i++) {
            String name = i < names.length && !names[i].isEmpty() ? names[i] : "unknown";
            all.add(new Passed(FIRST_DESCRIPTOR + i, name));
        }
        return all;
    }

    private static long number(
            Map<String, String> environment,
            String name,
            long otherwise,
            long most,
            List<String> faults) {
        String text = environment.get(name);
        if (text == null) return otherwise;
        try {
            long value = Long.parseLong(text);
            if (value >= 0 && value <= most) return value;
        } catch (NumberFormatException _) {
            // As one that is out of range.
        }
        faults.add("%s=%s (expected: a number from 0 to %d)".formatted(name, text, most));
        return otherwise;
    }
}
