package bascule.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What a run that was killed leaves behind: each has a folder in the temporary one, with a file that says which process made
/// it, and when that began. A folder whose process is gone is for the next run to remove.
public final class Leftover {
    private static final String OWNER = "owner";

    private Leftover() {}

    /// @param id of what the folder stands for, such as the middle of the names of namespaces; no spaces
    static void mark(Path folder, String id) throws IOException {
        Files.writeString(
                folder.resolve(OWNER),
                id + " " + ProcessHandle.current().pid() + " " + startOf(Path.of("/proc/self")));
    }

    /// @param prefix of the folder's name
    /// @return ids by folder
    static Map<Path, String> orphans(String prefix) throws IOException {
        List<Path> folders;
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir", "/tmp")))) {
            folders =
                    all.filter(each -> String.valueOf(each.getFileName()).startsWith(prefix))
                            .toList();
        }
        Map<Path, String> orphans = new LinkedHashMap<>();
        for (Path folder : folders) {
            Path file = folder.resolve(OWNER);
            if (!Files.isRegularFile(file)) continue; // Made just now.
            String[] owner = Files.readString(file).split(" ", -1);
            if (owner.length != 3 || owner[2].equals(startOf(Path.of("/proc", owner[1])))) continue;
            orphans.put(folder, owner[0]);
        }
        return orphans;
    }

    /// When a process has started, as the kernel counts; empty if there is none.
    private static String startOf(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"));
            return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19]; // proc(5): 22nd
        } catch (IOException _) {
            return "";
        }
    }

    /// All of it.
    public static void delete(Path folder) throws IOException {
        for (int attempt = 0; ; attempt++) { // Who was killed may still write for a moment.
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.deleteIfExists(file);
                return;
            } catch (IOException | java.io.UncheckedIOException e) {
                if (attempt == 5) throw new IOException(e);
                Shell.sleep(100);
            }
        }
    }
}
