package bascule.limits;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the kernel tells of a process (proc(5)).
record Proc(long pid) {
    private static final double TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux.

    /// User and system time of all its threads so far.
    double cpuSeconds() throws IOException {
        String stat = Files.readString(file("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    }

    long residentBytes() throws IOException {
        return status("VmRSS");
    }

    /// The most that was ever resident, or since [#resetPeak()].
    long peakBytes() throws IOException {
        return status("VmHWM");
    }

    /// Makes the peak what is resident now.
    void resetPeak() throws IOException {
        Files.writeString(file("clear_refs"), "5");
    }

    int descriptors() throws IOException {
        int count = 0;
        try (DirectoryStream<Path> open = Files.newDirectoryStream(file("fd"))) {
            for (Path _ : open) count++;
        }
        return count;
    }

    private long status(String name) throws IOException {
        for (String line : Files.readAllLines(file("status"))) {
            if (line.startsWith(name + ":"))
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024; // In kB.
        }
        throw new AssertionError("no " + name + " of " + pid);
    }

    private Path file(String name) {
        return Path.of("/proc", Long.toString(pid), name);
    }
}
