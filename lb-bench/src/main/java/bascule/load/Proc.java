package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// What the kernel counted, from `/proc`.
final class Proc {
    private static final double TICKS_PER_SECOND =
            100; // USER_HZ: fixed in the kernel's interface on Linux.

    private Proc() {}

    /// CPU time and memory of a process with all its threads and all processes below it.
    ///
    /// @param pids what was summed: two readings can only be compared if these are equal
    record Usage(double cpuSeconds, long residentBytes, Set<Long> pids) {}

    /// @throws Unavailable if one of them has ended
    static Usage usage(ProcessHandle of) throws IOException, Unavailable {
        try {
            return sum(of);
        } catch (NoSuchFileException e) {
            throw new Unavailable("a process ended while the bench needed it: " + e.getFile());
        }
    }

    private static Usage sum(ProcessHandle of) throws IOException {
        double ticks = 0;
        long resident = 0;
        Set<Long> pids = new TreeSet<>();
        for (ProcessHandle each : family(of)) {
            Path at = Path.of("/proc", Long.toString(each.pid()));
            String stat = Files.readString(at.resolve("stat"));
            // proc(5): the second field, in parentheses, may hold anything. After it come state
            // (3rd) ... utime (14th), stime.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            ticks += Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]);
            resident += kibibytes(at.resolve("status"), "VmRSS:") * 1024;
            pids.add(each.pid());
        }
        return new Usage(ticks / TICKS_PER_SECOND, resident, pids);
    }

    static List<ProcessHandle> family(ProcessHandle of) {
        return Stream.concat(Stream.of(of), of.descendants()).toList();
    }

    /// Time of one CPU since boot, in ticks.
    ///
    /// @param stolen what the host gave to other guests; part of busy, for no one here could use it
    record CpuTime(long busy, long stolen, long all) {
        double busyShareSince(CpuTime before) {
            return (double) (busy - before.busy) / Math.max(1, all - before.all);
        }

        double stolenShareSince(CpuTime before) {
            return (double) (stolen - before.stolen) / Math.max(1, all - before.all);
        }
    }

    static CpuTime cpuTime(int cpu) throws IOException {
        String name = "cpu" + cpu + " ";
        for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
            if (!line.startsWith(name)) continue;
            String[] fields =
                    line.split(" +"); // cpuN user nice system idle iowait irq softirq steal ...
            long all = 0;
            for (int i = 1; i <= 8; i++) all += Long.parseLong(fields[i]);
            long idle = Long.parseLong(fields[4]) + Long.parseLong(fields[5]);
            return new CpuTime(all - idle, Long.parseLong(fields[8]), all);
        }
        throw new IOException("/proc/stat has no " + name.strip() + ": the bench needs two CPUs");
    }

    private static long kibibytes(Path file, String key) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith(key)) return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
        throw new IOException(file + ": no " + key);
    }
}
