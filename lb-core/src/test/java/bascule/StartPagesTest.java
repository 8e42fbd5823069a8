package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StartPagesTest {
    private static final Path SMAPS = Path.of("/proc/self/smaps");
    private static final int BYTES = 4 << 20;

    @TempDir Path folder = Path.of("");
    private byte[] content = {};

    @BeforeEach
    void fill() {
        content = new byte[BYTES];
        new Random(7).nextBytes(content);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            r-xp | /lib/libjvm.so              | 12 | 0 | 0 | true
            r--p | /lib/a cache                | 12 | 0 | 0 | true
            r--s | /lib/a cache                | 12 | 0 | 0 | true
            r-xp | /lib/libjvm.so (deleted)    | 12 | 0 | 0 | true
            rw-p | /lib/a cache                | 12 | 0 | 0 | false
            rwxp | /lib/libjvm.so              | 12 | 0 | 0 | false
            rw-s | /lib/a cache                | 12 | 0 | 0 | false
            ---p | /lib/libjvm.so              | 12 | 0 | 0 | false
            r--p | /lib/libjvm.so              | 12 | 4 | 0 | false
            r--p | /lib/libjvm.so              | 12 | 0 | 4 | false
            r-xp | /lib/libjvm.so              |  0 | 0 | 0 | false
            r--p | /etc/ld.so.cache            | 12 | 0 | 0 | false
            r-xp | /other/lib/libjvm.so        | 12 | 0 | 0 | false
            r-xp | [vdso]                      |  4 | 0 | 0 | false
            r--p | ''                          | 12 | 0 | 0 | false
            """)
    void givenMapping_whenChosen_thenOnlyWhatItsFileGivesBack(
            String mode, String file, int rss, int anonymous, int swap, boolean chosen) {
        List<String> lines =
                mapping("7f0000000000-7f0000003000 " + mode, file, rss, anonymous, swap);

        var found = StartPages.unwritten(lines, Set.of("/lib/libjvm.so", "/lib/a cache"));

        if (chosen)
            assertThat(found)
                    .containsExactly(
                            new StartPages.Mapping(
                                    0x7f0000000000L,
                                    0x7f0000003000L,
                                    file.replace(" (deleted)", ""),
                                    rss * 1024L));
        else assertThat(found).isEmpty();
    }

    @Test
    void givenManyMappings_whenChosen_thenNoneIsJudgedByAnother() {
        List<String> first = mapping("1000-2000 r--p", "/moved", 12, 4, 0);
        List<String> cut = mapping("2000-3000 r--p", "/cut", 12, 0, 0);
        List<String> last = mapping("3000-4000 r-xp", "/last", 8, 0, 0);
        List<String> all =
                List.of(first, cut.subList(0, 2), last).stream().flatMap(List::stream).toList();

        assertThat(StartPages.unwritten(all, Set.of("/moved", "/cut", "/last")))
                .containsExactly(new StartPages.Mapping(0x3000, 0x4000, "/last", 8192));
    }

    @Test
    void givenFileThatWasRead_whenGivenBack_thenNotResidentAndAsItWas() throws IOException {
        assumeThat(SMAPS).exists();
        Path file = Files.write(folder.resolve("read"), content);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment read = read(file, arena);

            assertThat(StartPages.giveBack(Set.of(file.toString()))).isEqualTo(BYTES);

            assertThat(resident(file)).isZero();
            assertThat(read.mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
        }
    }

    @Test
    void givenFileThatIsNotAsked_whenGivenBack_thenLeftAlone() throws IOException {
        assumeThat(SMAPS).exists();
        Path file = Files.write(folder.resolve("another"), content);
        try (Arena arena = Arena.ofConfined()) {
            read(file, arena);

            assertThat(StartPages.giveBack(Set.of("/nowhere"))).isZero();

            assertThat(resident(file)).isEqualTo(BYTES);
        }
    }

    @Test
    void givenPagesThatWereWritten_whenGivenBack_thenNotLost() throws IOException {
        assumeThat(SMAPS).exists();
        Path file = Files.write(folder.resolve("written"), content);
        try (Arena arena = Arena.ofConfined();
                FileChannel channel =
                        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment own = channel.map(MapMode.PRIVATE, 0, BYTES, arena);
            own.set(ValueLayout.JAVA_INT, 4096, 4711);

            StartPages.giveBack(Set.of(file.toString()));

            assertThat(own.get(ValueLayout.JAVA_INT, 4096)).isEqualTo(4711);
            assertThat(resident(file)).isPositive();
        }
    }

    /// Mapped, and all of it in memory.
    private MemorySegment read(Path file, Arena arena) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            MemorySegment read = channel.map(MapMode.READ_ONLY, 0, BYTES, arena);
            assertThat(read.mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
            assertThat(resident(file)).isEqualTo(BYTES);
            return read;
        }
    }

    private static List<String> mapping(
            String head, String file, int rss, int anonymous, int swap) {
        return List.of(
                head + " 00001000 fe:00 260850                     " + file,
                "Rss:            %8d kB".formatted(rss),
                "Private_Dirty:         0 kB",
                "Anonymous:      %8d kB".formatted(anonymous),
                "AnonHugePages:         0 kB",
                "Swap:           %8d kB".formatted(swap),
                "SwapPss:               0 kB",
                "VmFlags: rd mr mw me ");
    }

    /// Bytes of a file that are mapped and in memory.
    private static long resident(Path file) throws IOException {
        long bytes = 0;
        boolean its = false;
        for (String line : Files.readAllLines(SMAPS)) {
            if (line.matches("\\p{XDigit}+-.*")) its = line.endsWith(" " + file);
            else if (its && line.startsWith("Rss:"))
                bytes += Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
        return bytes;
    }
}
