package bascule;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.libc.Libc;
import bascule.observe.Events;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Pages that the start alone has read of the JVM's program, its modules, and the cache that it starts from. They would count as memory of
/// this process for as long as it runs. Unmapped, what is needed again comes back from the page cache, at a minor fault for 64 KiB.
///
/// Of these files alone: the JVM maps them as long as it lives. Where another mapping went meanwhile, something else could have come to its place.
final class StartPages {
    /// By then what the start had compilers do is done, too.
    private static final Duration AFTER = Duration.ofSeconds(10);

    private static final Path MAPPINGS = Path.of("/proc/self/smaps"); // proc(5)
    private static final int MADV_DONTNEED = 4; // <asm-generic/mman-common.h>

    /// `START-END MODE OFFSET DEVICE INODE PATH`, numbers but the inode in hexadecimal. An upgrade may have put another file into its place.
    private static final Pattern MAPPING =
            Pattern.compile(
                    "(\\p{XDigit}+)-(\\p{XDigit}+) (\\S{4}) \\S+ \\S+ \\d+ *(.*?)( \\(deleted\\))?");

    /// In the order in which the kernel tells them.
    private static final Pattern KIBIBYTES = Pattern.compile("(Rss|Anonymous|Swap): +(\\d+) kB");

    private StartPages() {}

    /// @param bytes resident
    record Mapping(long start, long end, String file, long bytes) {}

    static void giveBackLater() {
        Thread.ofPlatform()
                .name("start-pages")
                .daemon()
                .start(
                        () -> {
                            try {
                                Thread.sleep(AFTER);
                                Events.debug("start-pages-given-back", "bytes", giveBack(files()));
                            } catch (IOException without) {
                                Events.debug("start-pages-kept", "cause", without);
                            } catch (InterruptedException ended) {
                                Thread.currentThread().interrupt();
                            }
                        });
    }

    /// As they lie in a package.
    private static Set<String> files() throws IOException {
        Path runtime = Path.of(System.getProperty("java.home")).toRealPath();
        return Set.of(
                runtime.resolve("lib/server/libjvm.so").toString(),
                runtime.resolve("lib/modules").toString(),
                runtime.resolveSibling("bascule.aot").toString());
    }

    /// madvise(2)
    ///
    /// @param files that stay mapped
    /// @return bytes that were resident
    /// @throws IOException where there is no Linux
    static long giveBack(Set<String> files) throws IOException {
        MethodHandle madvise = Libc.function("madvise", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
        long bytes = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            for (Mapping each : unwritten(Files.readAllLines(MAPPINGS, ISO_8859_1), files)) {
                MemorySegment start = MemorySegment.ofAddress(each.start());
                long length = each.end() - each.start();
                int refused = (int) madvise.invokeExact(errno, start, length, MADV_DONTNEED);
                if (refused == 0) bytes += each.bytes(); // Who locked it wants to keep it.
            }
            return bytes;
        } catch (IOException unreadable) {
            throw unreadable;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /// Mappings of files that nobody can write to, and of which no page is other than in the file, neither in memory nor in swap, as the
    /// loader's are where it has moved addresses: such a page would be lost.
    ///
    /// @param lines of `smaps`
    static List<Mapping> unwritten(List<String> lines, Set<String> files) {
        List<Mapping> found = new ArrayList<>();
        Matcher mapping = null;
        long resident = 0;
        boolean pristine = false;
        for (String line : lines) {
            Matcher head = MAPPING.matcher(line);
            if (head.matches()) {
                boolean fits = head.group(3).startsWith("r-") && files.contains(head.group(4));
                mapping = fits ? head : null;
                resident = 0;
                pristine = false;
                continue;
            }
            Matcher size = KIBIBYTES.matcher(line);
            if (mapping == null || !size.matches()) continue;
            long bytes = Long.parseLong(size.group(2)) * 1024;
            switch (size.group(1)) {
                case "Rss" -> resident = bytes;
                case "Anonymous" -> pristine = bytes == 0;
                default -> {
                    if (pristine && bytes == 0 && resident > 0)
                        found.add(mapping(mapping, resident));
                }
            }
        }
        return found;
    }

    private static Mapping mapping(Matcher head, long resident) {
        return new Mapping(
                Long.parseUnsignedLong(head.group(1), 16),
                Long.parseUnsignedLong(head.group(2), 16),
                head.group(4),
                resident);
    }
}
